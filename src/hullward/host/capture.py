"""A real engine recorded, without its secrets: a text is kept only where hullward reads it."""

import io
import re
import tarfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import msgspec

from hullward.host.engine import Answer
from hullward.host.recording import (
    ALL,
    REDACTED,
    SOURCES,
    TAR,
    Reader,
    Recorded,
    Recording,
    message,
)


def capture(client: Reader, replaced: Mapping[str, str] | None = None) -> Recording:
    """Ask an engine for all that an audit asks, and keep the answers `reduced`.

    `replaced` maps texts to others, such as paths that say too much about the machine.
    """
    api = client.negotiate()
    found = _asked(client, SOURCES)
    listed = _objects(found[ALL])
    containers = [f"/containers/{quote(entry['Id'], safe='')}" for entry in listed]
    images = sorted({entry["ImageID"] for entry in listed if entry.get("ImageID")})
    found |= _asked(client, [f"{path}/json" for path in containers])
    for part in ("json", "history"):
        found |= _asked(client, [f"/images/{quote(image, safe=':')}/{part}" for image in images])
    inspected = {path: entry for path in containers for entry in _objects(found[f"{path}/json"])}
    sessions = {id_ for entry in inspected.values() for id_ in entry.get("ExecIDs") or ()}
    found |= _asked(client, [f"/exec/{quote(id_, safe='')}/json" for id_ in sorted(sessions)])
    users = {path: entry["Config"]["User"].partition(":")[0] for path, entry in inspected.items()}
    named = [path for path, user in users.items() if not _KNOWN_USER.fullmatch(user)]
    recorded = {path: reduced(path, answer) for path, answer in found.items()}
    for path in named:
        question = f"{path}/archive?path=/etc/passwd"
        recorded[question] = _one_user(_asked(client, [question])[question], users[path])
    recorded["/_ping"] = Recorded(200, "text/plain", {"Api-Version": api}, "OK")
    return Recording({path: _replaced(one, replaced or {}) for path, one in recorded.items()})


def _asked(client: Reader, paths: Sequence[str]) -> dict[str, Answer]:
    return dict(zip(paths, client.get(*paths), strict=True))


def _objects(answer: Answer) -> list[dict[str, Any]]:
    """Give the object or the objects of an answer, none where the engine refused it."""
    value = msgspec.json.decode(answer.body) if answer.ok else []
    return value if isinstance(value, list) else [value]


def _replaced(recorded: Recorded, replaced: Mapping[str, str]) -> Recorded:
    body = recorded.body
    for old, new in replaced.items():
        body = body.replace(old, new)
    return msgspec.structs.replace(recorded, body=body)


# The keys whose texts hullward reads, or which a typed client must be able to parse.
_TEXTS = frozenset(
    """
    ApiVersion AppArmorProfile Arch Architecture Authorization Base BuildTime CapAdd CapDrop
    Capabilities CgroupDriver CgroupParent CgroupPermissions CgroupVersion CgroupnsMode CpusetCpus
    Created CreatedAt DefaultRuntime Destination DeviceCgroupRules DockerRootDir Driver DriverStatus
    ExecIDs FinishedAt GroupAdd HostIp HostPort Id Image ImageID InsecureRegistryCIDRs IpcMode
    KernelVersion LastTagTime LocalNodeState LoggingDriver MaskedPaths MinAPIVersion MountLabel Name
    Names NetworkMode OSType OperatingSystem Os Path PathInContainer PathOnHost PidMode ProcessLabel
    Propagation ReadonlyPaths RepoDigests RepoTags Role Runtime Scope SecurityOptions ServerVersion
    Source StartedAt State Status Subnet SystemTime TrustRoot Type UTSMode User UsernsMode Version
    Warnings
    """.split()  # noqa: SIM905 - words are read more easily than quotes
)
# The objects whose keys are names of things, not of fields.
_MAPS = frozenset({"ExposedPorts", "IndexConfigs", "Networks", "PortBindings", "Ports"})
_FIELD = re.compile(r"[A-Z]\w*")
_LABELS = re.compile(
    r"com\.docker\.(compose\.(project(\.config_files|\.working_dir)?|service)|swarm\.service\.name)"
    r"|com\.centurylinklabs\.watchtower\.enable"
)
_API_ARGUMENT = re.compile(r"((-H|--host)=?)?tcp://[\w.:\[\]-]*|--tlsverify(=true)?")
_SECCOMP = re.compile(r"seccomp[=:]\s*\{")
_KNOWN_USER = re.compile(r"(root|[0-9]{1,10})?")
_VARIABLE = re.compile(r"[^=\s]{1,200}")
_ADD = re.compile(r"(/bin/sh -c #\(nop\) +)?ADD ")
# Of a command in an image's history: variables by name, addresses with a password, and the words
# of package managers, in their order.
_STEP = re.compile(
    r"(?P<name>(?:^|(?<=[\s;&|(]))[A-Za-z_0-9]{1,120}=(?=[^\s$]))"
    r"|(?P<url>\b\w{1,20}://[^\s/:@]{1,200}:[^\s/@$]{1,200}@)"
    r"|(?P<word>\b(?:apt|apt-get|apk|yum|dnf|microdnf|zypper|update|refresh|install|add|upgrade"
    r"|dist-upgrade)\b|[;&|(])"
)


def reduced(path: str, answer: Answer) -> Recorded:
    """Keep of an answer what hullward reads: numbers, fields, and texts of the known keys.

    Every other text becomes empty, every other object with free keys loses them. Of environment
    variables the names are kept, of arguments those with which a daemon opens its API.
    """
    try:
        value = msgspec.json.decode(answer.body)
    except ValueError:
        return Recorded(answer.status)
    if not answer.ok:
        text = value.get("message", "") if isinstance(value, dict) else ""
        return Recorded(answer.status, body=message(str(text)[:300]))
    if path.startswith("/exec/"):
        process = value.get("ProcessConfig") or {}
        kept = {key: process[key] for key in ("user", "privileged") if key in process}
        value = {"Running": value.get("Running", False), "ProcessConfig": kept}
    else:
        value = _kept("", value)
    if path == "/info":
        value.pop("Name", None)
    return Recorded(answer.status, body=msgspec.json.encode(value).decode())


def _kept(key: str, value: Any) -> Any:  # noqa: ANN401 - any JSON
    special = _SPECIAL.get(key)
    if special and value is not None:
        return special(value)
    match value:
        case str():
            return value if key in _TEXTS else ""
        case list():
            return [_kept(key, item) for item in value]
        case dict() if key in _MAPS:
            return {name: _kept("", item) for name, item in value.items()}
        case dict():
            return {k: _kept(k, item) for k, item in value.items() if _FIELD.fullmatch(k)}
        case _:
            return value


def _labels(value: Any) -> Any:  # noqa: ANN401 - an object, or the list of /info
    if not isinstance(value, dict):
        return []
    return {name: text for name, text in value.items() if _LABELS.fullmatch(name)}


def _environment(value: list[Any]) -> list[Any]:
    """Keep the names; a managed plugin has objects in place of texts."""
    kept = []
    for entry in value:
        name = _VARIABLE.match(entry) if isinstance(entry, str) and "=" in entry else None
        if name:
            kept.append(f"{name[0]}={REDACTED}")
    return kept


def _security_options(value: list[str]) -> list[str]:
    """Keep of a seccomp profile written in full its default action."""
    kept = []
    for option in value:
        profile: Any = {}
        if _SECCOMP.match(option):
            with suppress(ValueError):
                profile = msgspec.json.decode(option[len("seccomp=") :])
            action = profile.get("defaultAction", "") if isinstance(profile, dict) else ""
            kept.append("seccomp=" + msgspec.json.encode({"defaultAction": action}).decode())
        else:
            kept.append(option)
    return kept


def _driver_options(value: Mapping[str, str]) -> dict[str, str]:
    """Keep the options' names, and what says which path of the host a volume is."""
    return {name: _driver_option(name, text) if text else "" for name, text in value.items()}


_BRIDGE_OPTIONS = frozenset(
    f"com.docker.network.bridge.{name}"
    for name in ("enable_icc", "gateway_mode_ipv4", "gateway_mode_ipv6")
)


def _driver_option(name: str, text: str) -> str:
    if name == "type" or name in _BRIDGE_OPTIONS:
        return text
    if name == "device":
        if text.startswith("/") and not text.startswith("//"):
            return text
        userinfo = re.search(r"//[^/@\s]*:[^/@\s]*@", text)
        return f"//{REDACTED}:{REDACTED}@{REDACTED}" if userinfo else REDACTED
    if name == "o":
        return ",".join(_mount_flag(flag) for flag in text.split(","))
    return REDACTED


def _step(command: str) -> str:
    """Keep of a step of an image's history what stands out in it."""
    if _ADD.match(command):
        return "ADD https://" if re.search(r"https?://|git@", command) else "ADD file"
    kept = []
    for match in _STEP.finditer(command):
        if match["name"]:
            kept.append(f"{match['name']}{REDACTED}")
        else:
            kept.append(match["word"] or f"x://{REDACTED}:{REDACTED}@")
    return " ".join(kept)


def _mount_flag(flag: str) -> str:
    name, _, value = flag.partition("=")
    return flag if name == "lowerdir" or not value else f"{name}={REDACTED}"


_SPECIAL: Mapping[str, Callable[[Any], Any]] = {
    "CreatedBy": _step,
    "Args": lambda value: [word for word in value if _API_ARGUMENT.fullmatch(str(word))],
    "Env": _environment,
    "Labels": _labels,
    "Log": lambda _: [],
    "LogConfig": lambda value: {"Type": value.get("Type", ""), "Config": {}},
    "Options": _driver_options,
    "SecurityOpt": _security_options,
    "Sysctls": lambda value: value,
    "Test": lambda value: ["NONE" if word == "NONE" else "CMD" for word in value[:1]],
}


def _one_user(answer: Answer, user: str) -> Recorded:
    """Keep of a container's /etc/passwd the name and the numbers of one user."""
    if not answer.ok:
        return reduced("", answer)
    text = ""
    with (
        suppress(tarfile.TarError, OSError, EOFError, ValueError),
        tarfile.open(fileobj=io.BytesIO(answer.body)) as archive,
    ):
        member = archive.next()
        file = archive.extractfile(member) if member and member.isfile() else None
        text = file.read().decode(errors="replace") if file else ""
    lines = (line.split(":") for line in text.splitlines())
    kept = [f"{user}:x:{':'.join(fields[2:4])}" for fields in lines if fields[0] == user]
    return Recorded(200, TAR, body="".join(f"{line}\n" for line in kept))
