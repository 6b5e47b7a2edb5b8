"""A host with about every fault of the CIS Docker Benchmark, in a private engine of testbed/."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from clock import tell

ROOT = Path(__file__).resolve().parent.parent
_IMAGE = "hullward-demo/busybox:1"
_SLEEP = ("sleep", "1000000")
_SHARED = "/run/cis-shared"
# Every name begins with cis-; each is one fault, or one that docker-bench-security gets wrong.
_FAULTS: Mapping[str, tuple[str, ...]] = {
    "cis-vanilla": ("--cap-add", "SYS_ADMIN"),
    "cis-zero": ("--user", "0:0", "--cpu-quota", "50000"),
    "cis-nnp-false": ("--security-opt", "no-new-privileges:false"),
    "cis-label": ("--security-opt", "label=disable"),
    "cis-etc": ("-v", "/etc:/host-etc"),
    "cis-volume": ("-v", "cis-volume:/etc"),
    "cis-run": ("-v", "/var/run:/host-run"),
    "cis-six": ("-p", "[::]:8200:80"),
    "cis-often": ("--restart", "on-failure:10"),
    "cis-uts": ("--uts", "host"),
    "cis-ipc": ("--ipc", "host"),
    "cis-device": ("--device", "/dev/fuse"),
    "cis-ulimit": ("--ulimit", "nofile=64:128"),
    "cis-shared": ("-v", f"{_SHARED}:/shared:shared"),
    "cis-cgroup": ("--cgroup-parent", "/hullward-{name}/cis"),
    "cis-userns": ("--userns", "host"),
    "cis-port": ("-p", "127.0.0.1:81:80", "-p", "127.0.0.1:1024:80"),
    "cis-module": ("--cap-add", "SYS_MODULE"),
    "cis-cpuset": ("--cpuset-cpus", "0"),
    "cis-kept": (
        "--cap-drop", "ALL", "--read-only", "--memory", "32m", "--cpus", "0.5", "--pids-limit",
        "32", "--user", "1000:1000", "--security-opt", "no-new-privileges:true",
        "--health-cmd", "true",
    ),
}  # fmt: skip
# Owner and mode of files that are made in the private /etc and /run.
_MADE: Mapping[str, tuple[str, str]] = {
    "/etc/systemd/system/docker.service": ("root:root", "622"),
    "/etc/systemd/system/docker.socket": ("daemon:root", "646"),
    "/etc/default/docker": ("daemon:daemon", "644"),
    "/etc/sysconfig/docker": ("root:root", "606"),
    "/etc/docker/certs.d/registry.example/ca.crt": ("root:root", "466"),
}
_HARDENED = {
    "icc": False, "log-level": "warn", "log-driver": "local", "userland-proxy": False,
    "live-restore": True, "no-new-privileges": True, "experimental": True,
    "insecure-registries": ["registry.example:5000"],
    "default-ulimits": {"nofile": {"Name": "nofile", "Soft": 1024, "Hard": 2048}},
}  # fmt: skip


class CisHost:
    """An engine of its own: the demo's containers, and more up to a number."""

    def __init__(self, name: str) -> None:
        """Start it, or find it running."""
        self.name = name
        os.environ["DEMO"] = name
        lines = _testbed("demo", "up")
        found = re.findall(r"^export (\w+)=(.*)$", lines, re.MULTILINE)
        exports = {key: os.path.expandvars(value) for key, value in found}
        self.environment: Mapping[str, str] = {**os.environ, **exports}
        self.folder = Path(exports["DOCKER_CONFIG"]).parent
        self.ssh_config = _testbed("sshd", "up", name).strip()

    def fill(self, count: int) -> None:
        """Start the faulty containers, then sleepers, until there are `count`."""
        self.inside(
            f"mkdir -p {_SHARED} && (mountpoint -q {_SHARED} || "
            f"(mount -t tmpfs cis {_SHARED} && mount --make-shared {_SHARED}))"
        )
        running = set(self.docker("ps", "-a", "--format", "{{.Names}}").split())
        for name, options in _FAULTS.items():
            if name not in running:
                given = [option.format(name=self.name) for option in options]
                self.docker("run", "-d", "--name", name, *given, _IMAGE, *_SLEEP)
        now = len(self.docker("ps", "-q").split())
        for number in range(now, count):
            self.docker("run", "-d", "--name", f"cis-{number}", _IMAGE, *_SLEEP)
        tell(f"{len(self.docker('ps', '-q').split())} containers run")

    def harden(self) -> None:
        """Give the daemon other settings and TLS, and the files wrong owners and modes."""
        settings = self.folder / "daemon-cis.json"
        settings.write_text(json.dumps(_HARDENED))
        more = {"DAEMON_JSON": str(settings), "TLS": "1"}
        _testbed("engine", "restart", self.name, environment={**os.environ, **more})
        for path, (owner, mode) in _MADE.items():
            folder = path.rpartition("/")[0]
            self.inside(f"mkdir -p {folder}; : >{path}; chown {owner} {path}; chmod {mode} {path}")
        self.inside(
            f"chmod 622 /etc/docker/daemon.json; cd {self.folder}/tls; chmod 644 server-key.pem;"
            "chmod 606 ca.pem; chown daemon server-cert.pem; chmod 444 server-cert.pem"
        )

    def purge(self) -> None:
        """Remove it with its containers and data."""
        _testbed("engine", "purge", self.name)

    def nsenter(self) -> tuple[str, ...]:
        """Give the words that start a program as on the engine's host."""
        mounts, net = f"{self.folder}/ns/mnt", f"/run/netns/hullward-{self.name}"
        return ("nsenter", f"--mount={mounts}", f"--net={net}", "--wdns=/")

    def inside(self, script: str) -> str:
        """Run a script as on the engine's host."""
        return _run((*self.nsenter(), "sh", "-ec", script), self.environment)

    def docker(self, *words: str) -> str:
        """Ask the engine with the docker command."""
        return _run(("docker", *words), self.environment)

    def daemon_pid(self) -> str:
        """Give the process id of its dockerd."""
        return (self.folder / "run" / "docker.pid").read_text().strip()


def _testbed(*words: str, environment: Mapping[str, str] | None = None) -> str:
    return _run((str(ROOT / "testbed" / words[0]), *words[1:]), environment)


def _run(command: tuple[str, ...], environment: Mapping[str, str] | None) -> str:
    return subprocess.run(  # noqa: S603 - an argument tuple, no shell
        command, env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
