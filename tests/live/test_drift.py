"""Compose files that change under a running project, as real docker compose made it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hullward.model.facts import Container, Snapshot
from hullward.model.rule import Fail, Unknown
from hullward.rules.containers.drift import compose_drift
from live_cases import IMAGE, LABEL
from live_engine import SCRIPTS, LiveEngine, said

pytestmark = pytest.mark.live
COMPOSE = f"""
services:
  web:
    image: {IMAGE}
    command: [sleep, "100000"]
    user: "1000:1000"
    cap_drop: [ALL]
    cap_add: [NET_BIND_SERVICE]
    security_opt: ["no-new-privileges:true"]
    read_only: true
    tmpfs: [/tmp]
    ports: ["127.0.0.1:18080:80", "18081-18082:81-82/udp"]
    volumes: ["./data:/data:ro", "named:/named", "/dev/null:/n"]
    mem_limit: 64m
    pids_limit: 50
    devices: ["/dev/null:/dev/x"]
    group_add: ["20"]
    secrets: [pw]
    labels: ["{LABEL}"]
  joined:
    image: {IMAGE}
    command: sleep 100000
    network_mode: service:web
    pid: host
    ipc: host
    deploy: {{resources: {{limits: {{memory: 32M}}}}}}
    labels: ["{LABEL}"]
  plain:
    image: "${{PLAIN}}"
    command: sleep 100000
    labels: ["{LABEL}"]
volumes: {{named: {{}}}}
secrets: {{pw: {{file: ./pw}}}}
"""
CHANGES = {
    "cap_add: [NET_BIND_SERVICE]": "cap_add: []",
    "./data:/data:ro": "./other:/data:ro",
    "pids_limit: 50": "pids_limit: 40",
    "pid: host": "init: true",
}


@pytest.fixture
def project(engine: LiveEngine, tmp_path: Path) -> Iterator[Path]:
    """Start a project with the newest docker compose."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "data").mkdir()
    (folder / "pw").write_text("x")
    (folder / ".env").write_text(f"PLAIN={IMAGE}\n")
    (folder / "compose.yaml").write_text(COMPOSE)
    program = said(str(SCRIPTS / "compose")).split()[-1]
    command = (program, "--project-name", "drift", "--project-directory", str(folder))
    try:
        said(*command, "up", "--detach", env=engine.env)
        yield folder
    finally:
        said(*command, "down", "--volumes", "--timeout", "1", env=engine.env)


def drift(snapshot: Snapshot) -> dict[str, list[Fail | Unknown]]:
    mine = [c for c in snapshot.containers if c.labels.get("com.docker.compose.project") == "drift"]
    assert len(mine) == 3
    return {container.service: _ask(container, snapshot) for container in mine}


def _ask(container: Container, snapshot: Snapshot) -> list[Fail | Unknown]:
    return list(compose_drift.check(container, snapshot))


def test_a_container_has_drifted_exactly_where_its_file_was_changed(
    engine: LiveEngine, project: Path
) -> None:
    fresh = drift(engine.snapshot(engine.url))
    text = COMPOSE
    for old, new in CHANGES.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    (project / "compose.yaml").write_text(text.replace("  plain:", "  gone:"))
    changed = drift(engine.snapshot(engine.url))

    assert fresh == {"web": [], "joined": [], "plain": []}
    assert [str(answer).split(",")[0].split(" (")[0] for answer in changed["joined"]] == [
        "Fail(evidence='the file says a pid of its own"
    ]
    said_of_web = " ".join(str(answer) for answer in changed["web"])
    assert "the file says no cap_add" in said_of_web
    assert f"{project}/other:/data:ro" in said_of_web
    assert "the file says a limit of 40 (pids)" in said_of_web
    assert len(changed["web"]) == 3
    assert "no service plain any more" in str(changed["plain"])
