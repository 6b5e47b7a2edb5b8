"""Compose files of any content that compose accepts, for tests of what must hold for all."""

from typing import Any

import yaml
from hypothesis import strategies as st

Value = Any
_names = st.sampled_from(["a", "b", "web", "db-1", "x_y"])
_words = st.sampled_from(["one", "two", "3", "x=y", "a b", "é", "$$", "$FROM_SHELL", "${NONE:-d}"])
_flags: st.SearchStrategy[Value] = st.sampled_from(
    [True, False, "true", "no", "${NONE:-true}", "${FROM_SHELL:+yes}"]
)
_capabilities = st.lists(st.sampled_from(["ALL", "NET_ADMIN", "SYS_TIME", "cap_chown"]), max_size=3)
_variables = st.sampled_from(["A", "B", "PASSWORD", "FROM_SHELL", "NOT_SET"])
_numbers = st.integers(1, 70)


def _lists(*entries: Value) -> st.SearchStrategy[Value]:
    return st.lists(st.sampled_from(entries), max_size=3, unique_by=repr)


def _either(names: st.SearchStrategy[str], values: st.SearchStrategy[Value]) -> Value:
    """Give a mapping, or the same as a list of name=value."""
    maps = st.dictionaries(names, values, max_size=3)
    lists = maps.map(lambda found: [f"{k}={v}" if v != "" else k for k, v in found.items()])
    return maps | lists


_ports = _lists(
    80, "81", "8080:80", "127.0.0.1:8081:81", "53:53/udp", "9000-9002:9000-9002", "[::1]:7:7",
    "${NONE:-127.0.0.1}:5:5", "6000-6002:66", {"target": 1}, {"target": 2, "published": "20-30"},
    {"target": 3, "published": 33, "host_ip": "127.0.0.1", "protocol": "udp"},
)  # fmt: skip
_volumes = _lists(
    "/anonymous", "./rel:/rel", "../up:/up:ro", "~/home:/home", "named:/named:ro", "/:/host:rslave",
    "/var/run/docker.sock:/var/run/docker.sock", "${NONE:-/etc}:/etc2:ro", "named:/other/",
    {"type": "bind", "source": "./x", "target": "/x/../y", "read_only": True},
    {"type": "bind", "source": "/x", "target": "/x", "bind": {"propagation": "shared"}},
    {"type": "volume", "source": "bound", "target": "/b"}, {"type": "tmpfs", "target": "/t"},
)  # fmt: skip
_networks = _lists("front", "back") | st.dictionaries(
    st.sampled_from(["front", "back", "default"]),
    st.none() | st.fixed_dictionaries({"priority": _numbers}),
    min_size=1,
)
_modes = st.sampled_from(["host", "none", "bridge", "container:x", "${NONE:-host}"])
_deploy = st.fixed_dictionaries(
    {},
    optional={
        "replicas": _numbers,
        "restart_policy": st.fixed_dictionaries(
            {"condition": st.sampled_from(["any", "none", "on-failure"])},
            optional={"max_attempts": _numbers},
        ),
        "resources": st.fixed_dictionaries(
            {"limits": st.fixed_dictionaries({}, optional={"memory": st.just("9m")})}
        ),
    },
)
_health = st.sampled_from(
    [{"test": "true"}, {"test": ["NONE"]}, {"disable": True}, {"interval": "5s"}]
)
_keys: dict[str, st.SearchStrategy[Value]] = {
    "user": st.sampled_from(["root", "0:0", "1000", "nobody", "${NONE:-7}", "${FROM_SHELL}"]),
    "privileged": _flags,
    "read_only": _flags,
    "cap_add": _capabilities,
    "cap_drop": _capabilities,
    "security_opt": _lists(
        "no-new-privileges:true",
        "seccomp=unconfined",
        "seccomp:unconfined",
        "label:disable",
        "systempaths=unconfined",
    ),
    "pid": st.sampled_from(["host", "service:last", "container:x"]),
    "ipc": st.sampled_from(["host", "shareable", "service:last", "private"]),
    "uts": st.just("host"),
    "userns_mode": st.just("host"),
    "cgroup": st.sampled_from(["host", "private"]),
    "cgroup_parent": _words,
    "runtime": _words,
    "ports": _ports,
    "volumes": _volumes,
    "tmpfs": st.just("/one") | _lists("/tmp", "/run:exec,size=5m"),  # noqa: S108 - in a file
    "environment": _either(_variables, st.sampled_from(["", 1, "x", "$$y", 0.5, "${NONE-z}"])),
    "labels": _either(st.sampled_from(["l", "m.n"]), st.sampled_from([1, "v", "${NONE:-w}"])),
    "sysctls": _either(st.sampled_from(["net.a", "net.b"]), _numbers),
    "ulimits": st.dictionaries(
        st.sampled_from(["nofile", "nproc"]),
        _numbers | st.fixed_dictionaries({"soft": _numbers, "hard": _numbers}),
        max_size=2,
    ),
    "group_add": _lists("docker", 5, "44"),
    "devices": _lists("/dev/a", "/dev/b:/dev/c:r", "/dev/d:/dev/c", "v.com/gpu=all"),
    "device_cgroup_rules": _lists("c 1:1 rwm", "b 8:* r"),
    "mem_limit": st.sampled_from(["5m", "1g", 1048576, "1.5gb", "${NONE:-8m}"]),
    "pids_limit": st.sampled_from([5, -1, "7", "${NONE:-9}"]),
    "cpus": st.sampled_from([0.5, "2", "${NONE:-1.5}"]),
    "cpu_shares": _numbers,
    "restart": st.sampled_from(["always", "no", "on-failure:3", "on-failure", "${NONE:-always}"]),
    "healthcheck": _health,
    "logging": st.sampled_from([{"driver": "none"}, {"options": {"max-size": "5m"}}]),
    "command": _words | _lists("run", "-H", "tcp://0.0.0.0:2375"),
    "entrypoint": st.sampled_from(["/bin/x y", ["/bin/x", "y"], []]),
    "expose": _lists(1, "2"),
    "profiles": _lists("p", "q"),
    "build": st.sampled_from([".", "./d", {"context": "x", "args": ["A=1", "FROM_SHELL"]}]),
}


@st.composite
def _services(draw: st.DrawFn, *, complete: bool) -> dict[str, Value]:
    optional = dict(_keys)
    if complete:
        # What a service may have once only, however many files speak of it.
        for key in ("mem_limit", "pids_limit", "cpus"):
            if draw(st.booleans()):
                del optional[key]
    service: dict[str, Value] = draw(
        st.fixed_dictionaries({"image": _words.filter(lambda w: w != "$$")}, optional=optional)
    )
    if "mem_limit" in service or not complete:
        return service
    if deploy := draw(st.none() | _deploy):
        service["deploy"] = deploy
    return service


@st.composite
def documents(draw: st.DrawFn, *, complete: bool = True) -> dict[str, Value]:
    """Give a compose file as a value; an incomplete one is meant to lie over another."""
    names = draw(st.lists(_names, min_size=1, max_size=3, unique=True))
    services = {name: draw(_services(complete=complete)) for name in names}
    for name, service in services.items():
        if draw(st.booleans()):
            service["networks"] = draw(_networks)
        elif complete and draw(st.integers(0, 3)) == 0:
            service["network_mode"] = draw(_modes)
        others = [other for other in names if other > name]
        if complete and others and draw(st.booleans()):
            service["extends"] = draw(st.sampled_from([others[0], {"service": others[0]}]))
    if complete:
        services["last"] = {"image": "last"}
    return {
        "services": services,
        "networks": {"front": None, "back": {"internal": True}},
        "volumes": {
            "named": None,
            "bound": {"driver_opts": {"type": "none", "o": "bind", "device": "/srv"}},
        },
    }


@st.composite
def projects(draw: st.DrawFn) -> dict[str, dict[str, Value]]:
    """Give files by path; those of the top folder are named to compose in their order."""
    first = draw(documents())
    if draw(st.booleans()):
        second = draw(st.none() | documents(complete=False))
        return {"0.yaml": first} | ({"1.yaml": second} if second else {})
    top = draw(_services(complete=True))
    shared = {key: first[key] for key in ("networks", "volumes")}
    if draw(st.booleans()):
        return {
            "0.yaml": {"include": ["sub/a.yaml"], "services": {"top": top}},
            "sub/a.yaml": first,
        }
    name = draw(st.sampled_from(sorted(first["services"])))
    top["extends"] = {"file": "./sub/a.yaml", "service": name}
    services = {"top": top, "last": {"image": "last"}}
    return {"0.yaml": {"services": services, **shared}, "sub/a.yaml": first}


def texts(document: dict[str, Value], *, flow: bool) -> str:
    """Write a value as YAML."""
    return yaml.safe_dump(document, default_flow_style=flow, allow_unicode=True, sort_keys=False)
