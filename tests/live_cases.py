"""Containers of every kind: how each is started, and what hullward must say of it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from hullward.model import capabilities

IMAGE = "hullward-live:1"
LABEL = "hullward.live=1"
NETWORK = "hullward-live"
TOKEN = "hunter2"  # noqa: S105 - what must not be found
# What is bound over /etc/passwd; in the image toor is uid 0.
PASSWD = "root:x:0:0::/:/bin/sh\ntoor:x:77:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n"  # noqa: S105
SECCOMP = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []}
VOLUMES = {
    "live-plain": [],
    "live-bind": ["type=none", "o=bind", "device=/etc"],
    "live-readonly": ["type=none", "o=bind,ro", "device=/etc"],
    "live-relative": ["type=none", "o=bind", "device=etc"],
    "live-overlay": ["type=overlay", "device=overlay", "o=lowerdir=/mnt:/etc"],
    "live-disguised": ["type=overlay", "o=bind", "device=/etc"],
    "live-tmpfs": ["type=tmpfs", "device=tmpfs", "o=size=1m"],
}
DEFAULT = capabilities.DEFAULT
ALL = frozenset(capabilities.BY_NAME)


class Case(Struct, frozen=True):
    """A container: the options of `docker run`, and fields of the report and of the snapshot."""

    name: str
    options: tuple[str, ...] = ()
    row: Mapping[str, Any] = {}
    facts: Mapping[str, Any] = {}
    declared: frozenset[str] | None = None
    command: tuple[str, ...] = ()
    then: tuple[tuple[str, ...], ...] = ()
    after: bool = False
    created: bool = False
    # Whether it wants every capability, which Docker 20.10 refuses where the machine lacks one.
    everything: bool = False


def user(name: str, said: str, uid: int | None, *options: str) -> Case:
    return Case(name, ("-u", said, *options), {"user": said, "uid": uid})


def volume(name: str, *binds: str) -> Case:
    return Case(f"mount-{name}", ("-v", f"live-{name}:/x"), {"bind_mounts": list(binds)})


def security(name: str, options: list[str], said: list[str], **row: object) -> Case:
    words = tuple(word for option in options for word in ("--security-opt", option))
    return Case(name, words, {"security_opt": said, **row})


CASES = (
    Case(
        "plain",
        (),
        {
            "user": "root",
            "uid": 0,
            "privileged": False,
            "state": "running",
            "cap_add": [],
            "cap_drop": [],
            "security_opt": [],
            "bind_mounts": [],
            "ports": [],
            "no_new_privileges": False,
            "seccomp": "default",
            "uids": [0],
            "read_only": False,
            "well_behaved": "no",
        },
        {"restart": "no", "memory": 0, "pids": 0, "program": "sleep", "image": IMAGE},
        DEFAULT,
    ),
    user("user-zero", "0:0", 0),
    user("user-root-root", "root:root", 0),
    user("user-toor", "toor", 0),
    user("user-plus", "+0", 0),
    user("user-app", "app", 1000),
    user("user-app-group", "app:root", 1000),
    user("user-number", "1234", 1234),
    user("user-hidden", "toor", None, "-v", "{folder}/passwd:/etc/passwd:ro"),
    Case(
        "caps-added",
        ("--cap-add", "NET_ADMIN", "--cap-add", "cap_sys_time", "--cap-drop", "chown"),
        {"cap_add": ["NET_ADMIN", "SYS_TIME"], "cap_drop": ["CHOWN"]},
        declared=(DEFAULT | {"NET_ADMIN", "SYS_TIME"}) - {"CHOWN"},
    ),
    Case(
        "caps-dropped",
        ("--cap-drop", "ALL", "--cap-add", "CAP_NET_BIND_SERVICE"),
        {"cap_add": ["NET_BIND_SERVICE"], "cap_drop": ["ALL"]},
        declared=frozenset({"NET_BIND_SERVICE"}),
    ),
    Case("caps-none", ("--cap-drop", "all"), {"cap_drop": ["ALL"]}, declared=frozenset()),
    Case(
        "caps-all-but-one",
        ("--cap-add", "ALL", "--cap-drop", "SYS_ADMIN"),
        {"cap_add": ["ALL"], "cap_drop": ["SYS_ADMIN"]},
        declared=ALL - {"SYS_ADMIN"},
        everything=True,
    ),
    Case("caps-user", ("-u", "app", "--cap-add", "NET_RAW"), {"uids": [1000]}, declared=DEFAULT),
    Case(
        "privileged",
        ("--privileged",),
        {"privileged": True, "seccomp": "unconfined"},
        declared=ALL,
        everything=True,
    ),
    security(
        "nnp", ["no-new-privileges"], ["no-new-privileges"], no_new_privileges=True
    ),
    security(
        "nnp-true",
        ["no-new-privileges:true"],
        ["no-new-privileges:true"],
        no_new_privileges=True,
    ),
    security(
        "nnp-equals",
        ["no-new-privileges=true"],
        ["no-new-privileges=true"],
        no_new_privileges=True,
    ),
    security(
        "nnp-false",
        ["no-new-privileges:false"],
        ["no-new-privileges:false"],
        no_new_privileges=False,
    ),
    security(
        "seccomp-off", ["seccomp=unconfined"], ["seccomp=unconfined"], seccomp="unconfined"
    ),
    security(
        "seccomp-custom",
        ["seccomp={folder}/seccomp.json"],
        ["seccomp=custom"],
        seccomp="custom",
    ),
    Case(
        "unmasked",
        ("--security-opt", "systempaths=unconfined"),
        facts={"masked_paths": (), "readonly_paths": ()},
    ),
    Case("mount-v", ("-v", "{folder}/bind:/x:ro"), {"bind_mounts": ["{folder}/bind:/x:ro"]}),
    Case(
        "mount-long",
        ("--mount", "type=bind,src={folder}/bind,dst=/x,readonly"),
        {"bind_mounts": ["{folder}/bind:/x:ro"]},
    ),
    Case(
        "mount-volume-opt",
        (
            "--mount",
            (
                "type=volume,dst=/x,volume-opt=type=none,volume-opt=o=bind,"
                "volume-opt=device={folder}/bind"
            ),
        ),
        {"bind_mounts": ["{folder}/bind:/x"]},
    ),
    volume("plain"),
    volume("bind", "/etc:/x"),
    volume("readonly", "/etc:/x:ro"),
    volume("relative", "/etc:/x"),
    volume("overlay", "/mnt:/x:ro", "/etc:/x:ro"),
    volume("disguised", "/etc:/x"),
    volume("tmpfs"),
    Case("tmpfs", ("--tmpfs", "/x", "--mount", "type=tmpfs,dst=/y"), {"bind_mounts": []}),
    Case("mount-evil", ("-v", "{folder}/a\x1b[31m\u202eb:/x"), {}),
    Case(
        "ports",
        ("-p", "127.0.0.1:18888:80", "-p", "0.0.0.0:15353:53/udp", "-p", "[::1]:18889:443"),
        {
            "ports": [
                "0.0.0.0:15353->53/udp",
                "127.0.0.1:18888->80/tcp",
                "[::1]:18889->443/tcp",
            ]
        },
    ),
    Case("ports-random", ("-p", "8000")),
    Case(
        "host-network",
        ("--network", "host"),
        {"network_mode": "host", "listeners": ["127.0.0.1:17777/tcp"], "ports": []},
        command=("httpd", "-f", "-p", "127.0.0.1:17777"),
    ),
    Case("host-pid", ("--pid", "host"), {"pid_mode": "host"}),
    Case("host-ipc", ("--ipc", "host"), facts={"ipc_mode": "host"}),
    Case("host-uts", ("--uts", "host"), facts={"uts_mode": "host"}),
    Case("host-cgroup", ("--cgroupns", "host"), facts={"cgroupns_mode": "host"}),
    Case("private-cgroup", ("--cgroupns", "private"), facts={"cgroupns_mode": "private"}),
    Case("joined", ("--network", "container:plain", "--pid", "container:plain"), after=True),
    Case("no-network", ("--network", "none"), {"network_mode": "none"}),
    Case("own-network", ("--network", NETWORK), facts={"networks": (NETWORK,)}),
    Case(
        "devices",
        ("--device", "/dev/null:/dev/x:r", "--device-cgroup-rule", "c 1:3 rw"),
        facts={"device_rules": ("c 1:3 rw",)},
    ),
    Case(
        "limits",
        (
            "--memory", "64m", "--cpus", "0.5", "--pids-limit", "50", "--ulimit", "nofile=99:99",
            "--sysctl", "net.ipv4.ip_forward=0", "--restart", "on-failure:3", "--read-only",
            "--group-add", "7", "--log-driver", "none",
        ),
        {"read_only": True},
        {
            "memory": 64 * 1024 * 1024,
            "cpu_limited": True,
            "cores": 0.5,
            "pids": 50,
            "ulimits": ("nofile",),
            "sysctls": {"net.ipv4.ip_forward": "0"},
            "restart": "on-failure",
            "restart_attempts": 3,
            "groups": ("7",),
            "log_driver": "none",
        },
    ),
    Case("created", ("-p", "18890:80"), {"state": "created", "uids": None}, created=True),
    Case(
        "exited", (), {"state": "exited", "uids": None, "processes": None},
        command=("true",), then=(("wait", "{name}"),),
    ),
    Case("paused", (), {"state": "paused", "uids": [0]}, then=(("pause", "{name}"),)),
    Case(
        "exec-privileged",
        ("--cap-drop", "ALL"),
        {"uids": [0]},
        then=(("exec", "-d", "--privileged", "{name}", "sleep", "3500"),),
        declared=frozenset(),
        everything=True,
    ),
    Case(
        "drops-root", (), {"user": "root", "uid": 0, "uids": [1000]},
        command=("su", "app", "-c", "exec sleep 3600"),
    ),
    Case(
        "model",
        (
            "-u", "app", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
            "--read-only", "--memory", "64m", "--pids-limit", "50",
        ),
        {"well_behaved": "yes", "reasons": [], "no_new_privileges": True, "uids": [1000]},
        declared=frozenset(),
    ),
    Case(
        "secrets",
        (
            "-e", f"PW={TOKEN}", "-l", f"cred={TOKEN}", "-l", f"{TOKEN}=x",
            "--health-cmd", f"echo {TOKEN}", "--health-interval", "1s",
            "--log-opt", f"labels={TOKEN}", "--hostname", TOKEN, "--domainname", TOKEN,
            "--add-host", f"{TOKEN}:10.0.0.1", "--dns-search", TOKEN, "--dns-opt", TOKEN,
            "--network", NETWORK, "--network-alias", TOKEN, "--workdir", f"/{TOKEN}",
            "--tmpfs", f"/{TOKEN}", "--label", f"com.example.token={TOKEN}",
            "--mount", f"type=volume,src=live-plain,dst=/v,volume-label=x={TOKEN}",
            "--entrypoint", "/bin/sleep",
        ),
        {"user": "root"},
        {"environment": ("PW",), "labels": {}},
        command=("3600", "1"),
        then=(("exec", "-d", "-e", f"X={TOKEN}", "{name}", "sh", "-c", f"sleep 3000; : {TOKEN}"),),
    ),
)  # fmt: skip


def here() -> frozenset[str]:
    """Give the capabilities that this machine has at all: nobody can grant more."""
    lines = Path("/proc/self/status").read_text()
    found = re.search(r"CapBnd:\s*(\w+)", lines)
    assert found
    return capabilities.from_mask(int(found[1], 16))
