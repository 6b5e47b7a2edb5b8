"""The hullward command, run in this process: what it printed, and how it ended."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from msgspec import Struct

from hullward.cli.main import main
from hullward.collect import saved
from hullward.host.recording import Recorded, Recording
from hullward.model.facts import Container, Engine, Snapshot

CITIZEN = Container(
    name="citizen",
    id="c" * 64,
    user="1000",
    uid=1000,
    cap_drop=("ALL",),
    security_opt=("no-new-privileges",),
    read_only=True,
)
ROOT = Container(name="root", id="d" * 64)
PRIVILEGED = Container(name="privileged", id="e" * 64, privileged=True)
ENGINE = Engine("28.5.2", "1.51", security_options=("name=seccomp,profile=builtin",))


class Said(Struct, frozen=True):
    """How a command ended."""

    status: object
    out: str
    err: str

    @property
    def complaint(self) -> tuple[str, str]:
        """The two lines of the one error; fails when there is more or less."""
        what, advice = self.err.splitlines()
        return what.removeprefix("hullward: "), advice.strip()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> Said:
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    printed = capsys.readouterr()
    return Said(ended.value.code, printed.out, printed.err)


def save(path: Path, *containers: Container, target: str = "web1") -> str:
    snapshots: Sequence[Snapshot] = [Snapshot(target, engine=ENGINE, containers=containers)]
    path.write_bytes(saved.dump(snapshots))
    return str(path)


def recorded(
    answers: Mapping[str, Recorded] | None = None, containers: Sequence[Mapping[str, object]] = ()
) -> Recording:
    """Give an engine that runs these containers, as /containers/{id}/json describes them."""
    listing = [{"Id": c["Id"], "Names": [c["Name"]]} for c in containers]
    bodies: dict[str, object] = {
        "/version": {"Version": "28.5.2"},
        "/info": {"SecurityOptions": ["name=seccomp,profile=builtin"]},
        "/containers/json?all=0": listing,
        "/containers/json?all=1": listing,
        "/volumes": {},
        "/networks": [],
        "/plugins": [],
        **{f"/containers/{c['Id']}/json": c for c in containers},
    }
    pong = Recorded(200, "text/plain", {"Api-Version": "1.51"}, "OK")
    usual = {path: Recorded(body=json.dumps(body)) for path, body in bodies.items()}
    return Recording({"/_ping": pong, **usual, **(answers or {})})
