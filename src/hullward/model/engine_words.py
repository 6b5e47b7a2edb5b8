"""What the words of Docker's settings mean, however they reach us: users, volumes, profiles."""

import json
import re
from collections.abc import Iterable, Mapping

# The labels that rules and remedies read; no other label's value is kept.
KEPT_LABELS = frozenset(
    {
        "com.centurylinklabs.watchtower.enable",
        "com.docker.compose.project",
        "com.docker.compose.oneoff",
        "com.docker.compose.project.config_files",
        "com.docker.compose.project.environment_file",
        "com.docker.compose.project.working_dir",
        "com.docker.compose.service",
        "com.docker.swarm.service.name",
    }
)
_TCP_ADDRESS = re.compile(r"(?:(?:-H|--host)=?)?(tcp://[\w.:\[\]-]*)")


def declared_uid(user: str) -> int | None:
    """Read a user as moby/sys/user GetExecUser does: any number of Go's Atoi is a uid."""
    name = user.partition(":")[0]
    if name in {"", "root"}:
        return 0
    return int(name) if re.fullmatch(r"[+-]?[0-9]{1,10}", name) else None


def default_action(profile: str) -> str:
    """Give the default action of a seccomp profile, "" where it is none."""
    try:
        value = json.loads(profile)
    except (ValueError, RecursionError):
        return ""
    action = value.get("defaultAction", "") if isinstance(value, dict) else ""
    return action if isinstance(action, str) else ""


def api_listens(words: Iterable[str]) -> tuple[str, ...]:
    """Name the addresses on which a dockerd with these arguments listens."""
    return tuple(match[1] for word in words if (match := _TCP_ADDRESS.fullmatch(word)))


def api_verifies(words: Iterable[str]) -> bool:
    """Whether a dockerd with these arguments asks its clients for certificates."""
    return any(word in {"--tlsverify", "--tlsverify=true"} for word in words)


def cores(quota: int, period: int) -> float:
    """Give how many cores a quota in microseconds a period is, 0 for no limit; it is 100 ms."""
    return max(0, quota) / (period if period > 0 else 100_000)


def device_request(driver: str, capabilities: Iterable[Iterable[str]]) -> str:
    """Write a request for devices: its driver, and all that it wants of them."""
    wanted = sorted({word for group in capabilities for word in group})
    return " ".join(filter(None, (driver, *wanted)))


def shown(options: Mapping[str, str]) -> tuple[tuple[str, bool], ...]:
    """Name the paths of the host that a volume of the local driver stands for, and if writable.

    It is mount(8) done by the engine: `bind` beats any type, and a relative path is one of the
    engine's working folder, which is the root.
    """
    filesystem, device = options.get("type", ""), options.get("device", "")
    flags = [flag.partition("=") for flag in options.get("o", "").split(",")]
    writable = all(name != "ro" for name, _, _ in flags)
    if any(name in {"bind", "rbind"} for name, _, _ in flags):
        return (("/" + device.lstrip("/"), writable),)
    if filesystem == "overlay":
        lower = [v for name, _, v in flags if name == "lowerdir"]
        upper = [v for name, _, v in flags if name == "upperdir"]
        layers = [path for value in lower for path in re.split(r"(?<!\\):", value) if path]
        return (*((path, writable) for path in upper), *((path, False) for path in layers))
    local = device.startswith("/") and not device.startswith("//")
    return ((device, writable),) if local else ()


def has_credentials(options: Mapping[str, str]) -> bool:
    """Whether a volume's options name a user or password."""
    words = re.compile(r"pass(word|wd)?|secret|token|user(name)?|access_?key", re.IGNORECASE)
    flags = (flag.partition("=") for flag in options.get("o", "").split(","))
    named = [name for name, _, value in flags if value]
    named += [name for name in options if name not in {"type", "o", "device"}]
    userinfo = re.search(r"//[^/@\s]*:[^/@\s]*@", options.get("device", ""))
    return bool(userinfo) or any(words.fullmatch(name) for name in named)
