"""The same verdicts for a file and for what a real engine makes of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hullward.model.severity import Severity
from hullward.rules.compose import decided
from live_cases import IMAGE, LABEL
from live_engine import SCRIPTS, LiveEngine, said

pytestmark = pytest.mark.live
COMPOSE = f"""
x-all: &all
  image: {IMAGE}
  command: [sleep, "100000"]
  labels: ["{LABEL}"]
services:
  plain: {{<<: *all}}
  best:
    <<: *all
    user: "1000:1000"
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    read_only: true
    mem_limit: 64m
    cpus: 0.5
    pids_limit: 50
    restart: on-failure:3
    healthcheck: {{test: ["CMD", "true"]}}
    networks: [alone]
  mighty: {{<<: *all, privileged: true, user: "0"}}
  capable:
    <<: *all
    user: root
    cap_drop: [NET_RAW, MKNOD]
    cap_add: [SYS_ADMIN, sys_ptrace, CAP_NET_ADMIN]
    pid: host
  mounted:
    <<: *all
    user: "0:0"
    volumes:
      - /var/run/docker.sock:/var/run/docker.sock:ro
      - /etc:/host:ro
      - hidden:/hidden
      - type: bind
        source: /var/log
        target: /log
    ports: ["18181:80", "127.0.0.1:18182:80/udp", "[::1]:18183:81"]
  open:
    <<: *all
    user: "7"
    cap_add: [CHOWN]
    security_opt:
      - seccomp:unconfined
      - systempaths=unconfined
      - no-new-privileges
    ipc: host
    uts: host
    cgroup: host
    devices: ["/dev/null:/dev/x:r"]
    device_cgroup_rules: ["b 7:* rwm"]
    sysctls: {{net.ipv4.conf.all.route_localnet: 1}}
    ulimits: {{nofile: 1024}}
    group_add: ["0"]
    environment: {{DB_PASSWORD: x, DOCKER_HOST: "tcp://x"}}
    logging: {{driver: none}}
    restart: always
  guest: {{<<: *all, network_mode: "service:capable", pid: "service:capable", ipc: shareable}}
  hosted: {{<<: *all, network_mode: host}}
  bridged: {{<<: *all, network_mode: bridge, cgroup_parent: mine.slice, cap_drop: [NET_RAW]}}
networks: {{alone: {{internal: true}}}}
volumes:
  hidden: {{driver_opts: {{type: none, o: bind, device: /root}}}}
"""
# What the engine and its images add to what a file says.
ENGINES_OWN = decided.ENGINE_DECIDES | {"container-floating-image", "container-attack-path"}


@pytest.fixture
def project(engine: LiveEngine, tmp_path: Path) -> Iterator[Path]:
    """Start the project with the newest docker compose."""
    folder = tmp_path / "shop"
    folder.mkdir()
    # It refuses every capability at once where the machine lacks one.
    lines = [n for n in COMPOSE.splitlines() if not (engine.old and n.startswith("  mighty:"))]
    (folder / "compose.yaml").write_text("\n".join(lines))
    program = said(str(SCRIPTS / "compose")).split()[-1]

    def compose(*words: str) -> None:
        said(program, "--project-directory", str(folder), *words, env=engine.env)

    try:
        compose("up", "-d")
        yield folder
    finally:
        compose("down", "-t", "0", "-v")


Found = dict[tuple[str, str], tuple[str, Severity]]


def outcomes(report: dict[str, Any], prefix: str = "") -> Found:
    """Give the worst outcome of each rule for each service; `prefix` is what compose adds."""
    found: Found = {}
    for verdict in report["hosts"][0]["verdicts"]:
        if not verdict["subject"].startswith(prefix):
            continue
        name = verdict["subject"].removeprefix(prefix).removesuffix("-1" if prefix else "")
        key, severity = (verdict["rule"], name), Severity(verdict["severity"])
        outcome = verdict["verdict"]
        before = found.get(key)
        worse = before is None or (outcome == "fail", severity.rank) > (
            before[0] == "fail",
            before[1].rank,
        )
        if worse:
            found[key] = (outcome, severity)
    return found


def test_a_file_and_its_running_containers_get_the_same_verdicts(
    engine: LiveEngine, project: Path
) -> None:
    services = ("plain", "best", "mighty", "capable", "mounted", "open", "guest", "bridged")
    path = str(project / "compose.yaml")
    written = outcomes(json.loads(engine.hullward("compose", "check", path, "--format", "json")))
    running = outcomes(
        json.loads(engine.hullward("audit", engine.url, "--area", "container", "--format", "json")),
        "shop-",
    )
    compared = [
        (rule, name)
        for rule in sorted(decided.ABOUT.keys() - ENGINES_OWN)
        for name in services
        if written.get((rule, name), ("unknown",))[0] != "unknown"
    ]
    differ = {
        key: (written[key], running.get(key))
        for key in compared
        if written[key][0] == "fail" or running[key][0] == "fail"
        if written[key] != running.get(key)
    }

    assert differ == {}
    assert len(compared) > 250
