"""The daemon's settings file, daemon.json, without what may be secret."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from hullward.model.daemon import KEY_OF_FLAG

# Keys whose texts are kept; of any other only its name, and whether it is there.
_KEPT = frozenset(
    {
        "authorization-plugins", "bip", "bridge", "cgroup-parent", "containerd", "data-root",
        "default-cgroupns-mode", "default-ipc-mode", "default-runtime", "exec-root",
        "firewall-backend", "fixed-cidr", "graph", "group", "hosts", "insecure-registries", "ip",
        "log-driver", "log-format", "log-level", "pidfile", "registry-mirrors", "seccomp-profile",
        "storage-driver", "tlscacert", "tlscert", "tlskey", "userns-remap",
    }
)  # fmt: skip
_LOG_OPTIONS = ("max-size", "max-file", "mode", "compress")
_NESTED = frozenset({"base", *_LOG_OPTIONS})

_TEXT = '"([^"\\\\]|\\\\.)*"'
_COLON = "[[:space:]]*:[[:space:]]*"
_NAMES = "|".join(sorted(_KEPT | _NESTED))

# On one line: what is outside of any text and no JSON becomes ~, values of other keys become ***.
MASK = f"""\
masked() {{
  head -c 500000 | tr '\\n\\r\\t' '   ' | sed -E \\
    -e 's/({_TEXT}|true|false|null)|[^][{{}}:,"0-9 .eE+-]+/\\1~/g' \\
    -e 's/({_TEXT}|true|false|null)~/\\1/g' \\
    -e 's/"({_NAMES})"({_COLON})/<\\1>\\2/g' \\
    -e 's/({_TEXT}{_COLON}){_TEXT}/\\1"***"/g' \\
    -e 's/({_TEXT}{_COLON})\\[([[:space:]]*{_TEXT}[[:space:]]*,?)*[[:space:]]*\\]/\\1["***"]/g' \\
    -e 's/<({_NAMES})>({_COLON})/"\\1"\\2/g' -e 's#//[^"[:space:]]*@#//***@#g'
}}
"""

_USERINFO = re.compile(r"//[^\s]*@")


def shown(name: str, value: str) -> str:
    """Give the value of a flag as far as it may be kept."""
    key = KEY_OF_FLAG.get(name, name)
    if key in _KEPT or value in {"true", "false"}:
        return _USERINFO.sub("//***@", value)
    option, equals, _ = value.partition("=")
    if key == "log-opts" and option in _LOG_OPTIONS:
        return value
    if key == "default-address-pools":
        return value
    if key in {"log-opts", "exec-opts", "storage-opts", "default-ulimits"} and equals:
        return f"{option}=***"
    return "***"


def read(text: str, path: str, gaps: dict[str, str]) -> tuple[Mapping[str, Any] | None, str]:
    """Read what follows the file's name: its settings, and why it is no JSON."""
    state = re.search(r"^-- (text|denied|absent)$", text, re.MULTILINE)
    if state is None or state[1] == "denied":
        gaps["settings"] = f"{path} may not be read by this login"
        return None, ""
    if state[1] == "absent":
        return {}, ""
    content = text[state.end() :].strip().removesuffix("end").strip()
    if not content:
        # An empty file is as good as none to dockerd.
        return {}, ""
    try:
        value = msgspec.json.decode(content.encode())
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        gaps["settings"] = f"{path} is not JSON"
        return None, "it is not JSON"
    if not isinstance(value, dict):
        gaps["settings"] = f"{path} is not a JSON object"
        return None, "it is not a JSON object"
    return {str(key)[:100]: _kept(str(key), entry) for key, entry in value.items()}, ""


def _kept(key: str, value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Reduce a value to what hullward reads; None stands for one that is there and not read."""
    match value:
        case bool() | int() | float():
            return value
        case str() if key in _KEPT:
            return _USERINFO.sub("//***@", value)
        case list() if key in _KEPT:
            return [_USERINFO.sub("//***@", item) for item in value if isinstance(item, str)]
        case _:
            read = _READ.get(key)
            return read(value) if read else None


def _log_options(value: Any) -> Any:  # noqa: ANN401 - any JSON
    options = value.items() if isinstance(value, dict) else ()
    return {str(k): str(v) if k in _LOG_OPTIONS else "***" for k, v in options}


def _names(value: Any) -> Any:  # noqa: ANN401 - any JSON
    items = value if isinstance(value, dict | list) else ()
    return [str(item).partition("=")[0] for item in items]


def _pools(value: Any) -> Any:  # noqa: ANN401 - any JSON
    items = value if isinstance(value, list) else ()
    return [str(item.get("base", "")) for item in items if isinstance(item, dict)]


_READ: Mapping[str, Callable[[Any], Any]] = {
    "log-opts": _log_options,
    "default-ulimits": _names,
    "storage-opts": _names,
    "default-address-pools": _pools,
}
