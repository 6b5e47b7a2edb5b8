"""`docker compose config --format json`, turned into the facts that our own reading gives."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hullward.compose import project
from hullward.compose.model import MissingFileError, Project, Service
from hullward.model import engine_words
from hullward.model.facts import Container, Device, Mount, Port

Facts = dict[str, Any]
RECORDED = Path(__file__).parent / "compose" / "corpus.json"
CORPUS = Path(__file__).parent / "compose" / "corpus"
_HERE = "@HERE@"
_UNMASKED = frozenset({"systempaths=unconfined"})
# What the shell of the tests has set, so that readings do not depend on who runs them.
SHELL = {"HOME": "/home/user", "FROM_SHELL": "shell", "EMPTY": "", "PATH": "/usr/bin:/bin"}


def corpus() -> Iterator[tuple[str, Path, tuple[str, ...]]]:
    """Give every project of the corpus: its name, its folder, and its files."""
    for path in sorted(CORPUS.iterdir()):
        if path.is_dir():
            yield path.name, path, project.chosen([entry.name for entry in path.iterdir()])
        else:
            yield path.stem, CORPUS, (path.name,)


def load(path: str) -> bytes:
    """Open a file as the real loader does."""
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise MissingFileError(f"{path} is not there", "Write it.") from None


def config(
    program: str, folder: Path, files: Sequence[str], *more: str, shell: Mapping[str, str] = SHELL
) -> Any:  # noqa: ANN401 - JSON
    """Ask the program; None where it refuses the files."""
    names = [word for file in files for word in ("-f", file)]
    done = subprocess.run(  # noqa: S603 - the program under test
        [program, *names, *more, "--profile", "*", "config", "--format", "json"],
        capture_output=True,
        check=False,
        cwd=folder,
        env={**shell, "DOCKER_CONFIG": os.devnull},
    )
    return None if done.returncode else json.loads(done.stdout)


def portable(answer: Any) -> Any:  # noqa: ANN401 - JSON
    """Write an answer without the place where the corpus is."""
    return json.loads(json.dumps(answer).replace(str(CORPUS.parent), _HERE))


def placed(answer: Any) -> Any:  # noqa: ANN401 - JSON
    """Write a portable answer for the place where the corpus is."""
    return json.loads(json.dumps(answer).replace(_HERE, str(CORPUS.parent)))


def read(folder: Path, files: Sequence[str], shell: Mapping[str, str] = SHELL) -> Project:
    """Read the files of a folder."""
    return project.read([str(folder / file) for file in files], shell, load)


def ours(whole: Project) -> dict[str, Facts]:
    """Give the facts of our reading, by service."""
    return {service.name: _facts(service) for service in whole.services}


def theirs(answer: Facts) -> dict[str, Facts]:
    """Give the facts of the program's answer, by service."""
    answer = _unescaped(answer)
    services = answer.get("services") or {}
    names = {
        name: s.get("container_name") or f"{answer['name']}-{name}-1"
        for name, s in services.items()
    }
    return {name: _expected(name, s, answer, names) for name, s in services.items()}


def unread(whole: Project) -> list[str]:
    """Name what we could not read though the program can."""
    causes = {"value"}
    return [
        f"{service.name}.{field}: {gap.reason}"
        for service in whole.services
        for field, gap in service.unresolved.items()
        if gap.cause in causes
    ]


# What a file cannot say, and what follows from the rest.
_ELSEWHERE = (
    frozenset(
        (
            "id",
            "image_id",
            "state",
            "uid",
            "uid_gap",
            "ports",
            "listeners",
            "execs",
            "pid",
            "processes",
        )
    )
    | {"processes_gap", "apparmor_profile", "selinux_label", "seccomp_default_action", "labels"}
    | {
        "masked_paths",
        "readonly_paths",
        "program",
        "api_verifies",
    }
)
_FIELDS = tuple(field for field in Container.__struct_fields__ if field not in _ELSEWHERE)


def _facts(service: Service) -> Facts:
    facts = {field: getattr(service.container, field) for field in _FIELDS}
    build = service.build
    return {
        **facts,
        "unmasked": service.container.masked_paths == (),
        "program": service.container.program or None,
        "profiles": sorted(set(service.profiles)),
        "tmpfs": sorted(f"{t.target}:{','.join(t.options)}" for t in service.tmpfs),
        "labels": sorted(service.labels),
        "grants": sorted((g.kind, g.source) for g in service.grants),
        "expose": sorted(set(service.expose)),
        "replicas": service.replicas,
        "log_options": sorted(service.log_options),
        "build": build
        and (
            build.context,
            build.dockerfile,
            build.inline,
            {k: v for k, v in build.arguments.items() if v is not None},
            build.target,
            build.network,
            build.privileged,
            sorted(build.secrets),
        ),
    }


def _expected(name: str, s: Facts, answer: Facts, names: Mapping[str, str]) -> Facts:
    networks = answer.get("networks") or {}
    mode, joined = _networks(s, networks, names)
    options = list(s.get("security_opt") or ())
    seccomp = [o for o in options if o.startswith(("seccomp=", "seccomp:"))]
    own = {o for o in seccomp if o[8:] not in {"unconfined", "builtin"}}
    limits = ((s.get("deploy") or {}).get("resources") or {}).get("limits") or {}
    restart, attempts = _restart(s)
    argv = [*(s.get("entrypoint") or ()), *(s.get("command") or ())]
    cpus = [s.get(key) for key in ("cpus", "cpu_quota", "cpu_shares", "cpuset")]
    return {
        "name": names[name],
        "image": s.get("image") or (f"{answer['name']}-{name}" if "build" in s else ""),
        "user": s.get("user", ""),
        "groups": tuple(s.get("group_add") or ()),
        "privileged": s.get("privileged", False),
        "cap_add": tuple(s.get("cap_add") or ()),
        "cap_drop": tuple(s.get("cap_drop") or ()),
        "security_opt": (
            *("seccomp=custom" if o in own else o for o in options if o not in _UNMASKED),
            *_label(s, options),
        ),
        "unmasked": not _UNMASKED.isdisjoint(options),
        "read_only": s.get("read_only", False),
        "runtime": s.get("runtime", ""),
        "network_mode": mode,
        "networks": joined,
        "pid_mode": _mode(s.get("pid", ""), names),
        "ipc_mode": _mode(s.get("ipc", "private"), names),
        "uts_mode": s.get("uts", ""),
        "userns_mode": s.get("userns_mode", ""),
        "cgroupns_mode": s.get("cgroup", "private"),
        "cgroup_parent": s.get("cgroup_parent", ""),
        "mounts": tuple(sorted(_mounts(s, answer), key=lambda m: (m.kind, m.target))),
        "wished_ports": tuple(sorted(map(_port, s.get("ports") or ()))),
        "devices": tuple(
            Device(d["source"], d["permissions"]) for d in s.get("devices") or () if _node(d)
        ),
        "device_rules": tuple(s.get("device_cgroup_rules") or ()),
        "device_requests": tuple(_requests(s)),
        "sysctls": s.get("sysctls") or {},
        "ulimits": tuple(sorted(s.get("ulimits") or ())),
        "memory": int(limits.get("memory", 0)) or int(s.get("mem_limit", 0)),
        "cores": float(limits.get("cpus") or s.get("cpus") or 0)
        or max(0, s.get("cpu_quota", 0)) / (s.get("cpu_period") or 100_000),
        "cpu_limited": any(cpus) or bool(limits.get("cpus")),
        "pids": max(0, limits.get("pids", 0) or s.get("pids_limit", 0)),
        "restart": restart,
        "restart_attempts": attempts,
        "health": _health(s.get("healthcheck") or {}),
        "log_driver": (s.get("logging") or {}).get("driver", ""),
        "log_options": sorted((s.get("logging") or {}).get("options") or ()),
        "environment": tuple(sorted(s.get("environment") or ())),
        "api_listens": engine_words.api_listens(argv),
        "program": argv[0].rpartition("/")[2] if argv and s.get("entrypoint") is not None else None,
        "profiles": sorted(set(s.get("profiles") or ())),
        "tmpfs": sorted(t if ":" in t else t + ":" for t in s.get("tmpfs") or ()),
        "labels": sorted(s.get("labels") or ()),
        "grants": sorted(
            (kind, g["source"]) for kind in ("secrets", "configs") for g in s.get(kind) or ()
        ),
        "expose": sorted(set(s.get("expose") or ())),
        "replicas": s.get("scale", (s.get("deploy") or {}).get("replicas", 1)),
        "build": _build(s.get("build")),
    }


def _label(s: Facts, options: list[str]) -> list[str]:
    """Give the option that an engine adds to what shares its namespaces or is privileged."""
    shared = s.get("privileged") or "host" in {s.get("pid"), s.get("ipc")}
    return ["label=disable"] if shared and not any(o[:6] == "label=" for o in options) else []


def _unescaped(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return value.replace("$$", "$")
    if isinstance(value, list):
        return [_unescaped(item) for item in value]
    if isinstance(value, dict):
        return {key.replace("$$", "$"): _unescaped(item) for key, item in value.items()}
    return value


def _mode(mode: str, names: Mapping[str, str]) -> str:
    kind, _, other = mode.partition(":")
    return f"container:{names.get(other, other)}" if kind == "service" else mode


def _networks(s: Facts, networks: Facts, names: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    if mode := _mode(s.get("network_mode", ""), names):
        joined = {"default": "bridge"}.get(mode, mode)
        return mode, () if mode.startswith("container:") else (joined,)
    if not s.get("networks"):
        return "", ()
    priorities = {key: (value or {}).get("priority", 0) for key, value in s["networks"].items()}
    first = min(priorities, key=lambda key: (-priorities[key], key))
    return networks[first]["name"], tuple(sorted(networks[key]["name"] for key in priorities))


def _node(device: Facts) -> bool:
    return not (device["source"] == device["target"] and "=" in device["source"])


def _mounts(s: Facts, answer: Facts) -> Iterator[Mount]:
    targets = set()
    for v in s.get("volumes") or ():
        targets.add(v["target"])
        yield from _mount(v, answer.get("volumes") or {})
    for kind, folder in (("secrets", "/run/secrets/"), ("configs", "/")):
        for grant in s.get(kind) or ():
            file = ((answer.get(kind) or {}).get(grant["source"]) or {}).get("file")
            target = grant.get("target") or grant["source"]
            target = target if target.startswith("/") else folder + target
            if file and target not in targets:
                yield Mount("bind", target, file, writable=False, propagation="rprivate")
    if s.get("use_api_socket"):  # compose adds it when it creates the container
        socket = "/var/run/docker.sock"
        yield Mount("bind", socket, socket, propagation="rprivate")
    for reference in s.get("volumes_from") or ():
        other = reference.partition(":")[0]
        for mount in _mounts(answer["services"].get(other) or {}, answer):
            if mount.target not in targets:
                yield mount


def _mount(v: Facts, volumes: Facts) -> Iterator[Mount]:
    writable, kind = not v.get("read_only", False), v["type"]
    if kind == "bind":
        propagation = (v.get("bind") or {}).get("propagation") or "rprivate"
        source = os.path.normpath(v["source"])
        yield Mount("bind", v["target"], source, writable, propagation)
    elif kind == "volume" and v.get("source"):
        volume = volumes[v["source"]] or {}
        options = volume.get("driver_opts") or {}
        name, filesystem = volume["name"], options.get("type", "")
        shows: Any = ((None, True),) if volume.get("external") else (("", True),)
        if volume.get("driver", "local") == "local" and not volume.get("external"):
            shows = engine_words.shown(options) or shows
        for source, may in shows:
            yield Mount(
                "volume",
                v["target"],
                source,
                writable and may,
                volume=name,
                filesystem=filesystem if source is not None else "",
                credentials=engine_words.has_credentials(options),
            )
    else:
        yield Mount(kind, v["target"], "", writable)


def _port(p: Facts) -> Port:
    published = p.get("published", "")
    number = int(published) if published.isdecimal() else 0
    return Port(p["target"], p.get("protocol", "tcp"), p.get("host_ip", ""), number)


def _requests(s: Facts) -> Iterator[str]:
    if any(not _node(d) for d in s.get("devices") or ()):
        yield "cdi"
    for gpu in s.get("gpus") or ():
        yield engine_words.device_request(
            gpu.get("driver", ""), [[*(gpu.get("capabilities") or ()), "gpu"]]
        )
    resources = (s.get("deploy") or {}).get("resources") or {}
    for device in (resources.get("reservations") or {}).get("devices") or ():
        yield engine_words.device_request(
            device.get("driver", ""), [device.get("capabilities") or ()]
        )


def _restart(s: Facts) -> tuple[str, int]:
    name, _, number = s.get("restart", "").partition(":")
    policy = (s.get("deploy") or {}).get("restart_policy")
    if policy is not None:
        name, number = policy.get("condition", ""), str(policy.get("max_attempts", 0))
    return {"any": "always", "none": "no", "": "no"}.get(name, name), int(number or 0)


def _health(check: Facts) -> str:
    test = check.get("test") or [""]
    if check.get("disable") or test[0] == "NONE":
        return "none"
    return "defined" if test[0] else ""


def _build(build: Facts | None) -> Any:  # noqa: ANN401 - as the other side
    if build is None:
        return None
    context = build["context"]
    dockerfile = build.get("dockerfile", "Dockerfile")
    if not dockerfile.startswith("/"):
        dockerfile = f"{context}/{dockerfile}"
    return (
        context,
        os.path.normpath(dockerfile),
        build.get("dockerfile_inline"),
        {key: value for key, value in (build.get("args") or {}).items() if value is not None},
        build.get("target", ""),
        build.get("network", ""),
        build.get("privileged", False),
        sorted(secret["source"] for secret in build.get("secrets") or ()),
    )
