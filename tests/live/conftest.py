"""Private engines with containers of every kind, started once; see testbed/test."""

from collections.abc import Iterator

import pytest

from live_cases import IMAGE
from live_engine import CLEAN, NAMES, SCRIPTS, LiveEngine, said


@pytest.fixture(scope="session", params=NAMES or [""])
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveEngine]:
    """Give one engine after the other, with every container running."""
    if not request.param:
        pytest.skip("HULLWARD_LIVE_ENGINES names no engine; `make live` does")
    live = LiveEngine(request.param, tmp_path_factory.mktemp(request.param))
    live.install()
    live.start()
    yield live
    live.clean()


@pytest.fixture(scope="session")
def remapped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveEngine]:
    """Give an engine of its own that remaps users, which `engine` of the testbed keeps apart."""
    if not NAMES:
        pytest.skip("HULLWARD_LIVE_ENGINES names no engine; `make live` does")
    folder = tmp_path_factory.mktemp("userns")
    (folder / "daemon.json").write_text('{"userns-remap": "default"}')
    env = {**CLEAN, "ENGINE": "26.1", "DAEMON_JSON": str(folder / "daemon.json")}
    said(str(SCRIPTS / "engine"), "up", "live-userns", env=env)
    try:
        live = LiveEngine("live-userns", folder)
        live.install()
        live.docker("run", "-d", "--name", "inside", IMAGE)
        live.docker("run", "-d", "--name", "app", "-u", "app", IMAGE)
        live.docker("run", "-d", "--name", "outside", "--userns", "host", IMAGE)
        yield live
    finally:
        said(str(SCRIPTS / "engine"), "purge", "live-userns")
