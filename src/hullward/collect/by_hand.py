"""The engine's facts in a bundle that was made by hand: asked of the docker command.

Where no connection can reach, the collector's script asks docker itself. The templates name every
field: values of environment variables, commands and labels but a few never get into the bundle.
"""

import json
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from hullward.collect.bundle import Said
from hullward.collect.collector import Question
from hullward.collect.engine_facts import Answer
from hullward.model.engine_words import KEPT_LABELS
from hullward.model.errors import HullwardError

_HOST_CONFIG = [
    "NetworkMode",
    "PidMode",
    "IpcMode",
    "UTSMode",
    "UsernsMode",
    "CgroupnsMode",
    "CgroupParent",
    "Privileged",
    "CapAdd",
    "CapDrop",
    "SecurityOpt",
    "ReadonlyRootfs",
    "Devices",
    "DeviceCgroupRules",
    "DeviceRequests",
    "Sysctls",
    "Ulimits",
    "Memory",
    "NanoCpus",
    "CpuQuota",
    "CpuShares",
    "CpusetCpus",
    "PidsLimit",
    "RestartPolicy",
    "GroupAdd",
    "MaskedPaths",
    "ReadonlyPaths",
    "Runtime",
    "PortBindings",
]


def _object(fields: Mapping[str, str]) -> str:
    """Write a template of a JSON object from templates of its values."""
    return "{" + ",".join(f'"{name}":{value}' for name, value in fields.items()) + "}"


# Go calls some fields otherwise than JSON does; docker's templates see Go's names first.
_GO_NAMES = {"Id": "ID", "NanoCpus": "NanoCPUs", "CpuQuota": "CPUQuota", "CpuShares": "CPUShares"}


def _plain(prefix: str, names: list[str]) -> dict[str, str]:
    return {name: f"{{{{json {prefix}.{_GO_NAMES.get(name, name)}}}}}" for name in names}


def _list(source: str, value: str) -> str:
    return f"[{{{{range $i, $v := {source}}}}}{{{{if $i}}}},{{{{end}}}}{value}{{{{end}}}}]"


_LABELS = {label: f'{{{{json (index .Config.Labels "{label}")}}}}' for label in sorted(KEPT_LABELS)}
_CONTAINER = _object(
    {
        **_plain("", ["Id", "Name", "Image", "Path", "AppArmorProfile", "ProcessLabel", "Mounts"]),
        "State": _object(
            {
                **_plain(".State", ["Status", "Pid"]),
                "Health": "{{if .State.Health}}"
                + _object(_plain(".State.Health", ["Status"]))
                + "{{else}}null{{end}}",
            }
        ),
        "Config": _object(
            {
                **_plain(".Config", ["User", "Image"]),
                "Env": _list(".Config.Env", '{{json (printf "%s=" (index (split $v "=") 0))}}'),
                "Labels": _object(_LABELS),
                "Healthcheck": "{{if .Config.Healthcheck}}"
                + _object(
                    {
                        "Test": _list(
                            ".Config.Healthcheck.Test", '{{if $i}}""{{else}}{{json $v}}{{end}}'
                        )
                    }
                )
                + "{{else}}null{{end}}",
            }
        ),
        "HostConfig": _object(
            {
                **_plain(".HostConfig", _HOST_CONFIG),
                "LogConfig": _object(_plain(".HostConfig.LogConfig", ["Type"])),
            }
        ),
        "NetworkSettings": _object(
            {
                "Ports": "{{json .NetworkSettings.Ports}}",
                "Networks": "{ "
                "{{$first := true}}{{range $k, $v := .NetworkSettings.Networks}}"
                "{{if not $first}},{{end}}{{$first = false}}{{json $k}}:null{{end}}}",
            }
        ),
    }
)
_INFO = _object(
    {
        **_plain(
            "",
            [
                "Name", "SecurityOptions", "CgroupVersion", "DockerRootDir", "DefaultRuntime",
                "OperatingSystem", "Warnings",
            ],
        ),
        "Swarm": _object(_plain(".Swarm", ["LocalNodeState"])),
    }
)  # fmt: skip
_IMAGE = _object(
    {
        **_plain("", ["Id", "RepoTags", "RepoDigests", "Created"]),
        "Config": "{{if .Config}}"
        + _object(_plain(".Config", ["ExposedPorts"]))
        + "{{else}}null{{end}}",
    }
)
# Flags of a volume may hold a password: their names are kept, and where an overlay's layers are.
_FLAGS = (
    '{{range $i, $f := split (index .Options "o") ","}}{{if $i}},{{end}}'
    '{{$n := index (split $f "=") 0}}{{if eq $n "lowerdir"}}{{$f}}'
    '{{else if gt (len (split $f "=")) 1}}{{$n}}=hidden{{else}}{{$n}}{{end}}{{end}}'
)
_DEVICE = (
    '{{$d := index .Options "device"}}'
    '{{if gt (len (split $d "@")) 1}}"//hidden:hidden@hidden"{{else}}{{json $d}}{{end}}'
)
_VOLUME = _object(
    {
        **_plain("", ["Name", "Driver"]),
        "Options": _object(
            {"type": '{{json (index .Options "type")}}', "device": _DEVICE, "o": f'"{_FLAGS}"'}
        ),
    }
)
_NETWORK = _object(_plain("", ["Name", "Driver", "Internal", "Options"]))
QUESTIONS = (
    Question("made", "date +%s"),
    Question("engine-version", "docker version --format '{{json .Server}}'", 10),
    Question("engine-info", f"docker info --format '{_INFO}'", 10),
    Question(
        "engine-containers",
        'ids=$(docker ps -q --no-trunc) || exit; [ -z "$ids" ] || '
        f"docker container inspect --format '{_CONTAINER}' $ids",
        30,
    ),
    Question(
        "engine-images",
        'ids=$(docker ps -q --no-trunc) || exit; [ -z "$ids" ] || '
        "docker image inspect --format "
        f"'{_IMAGE}' $(docker container inspect --format '{{{{.Image}}}}' $ids | sort -u)",
        30,
    ),
    Question(
        "engine-volumes",
        'names=$(docker volume ls -q) || exit; [ -z "$names" ] || '
        f"docker volume inspect --format '{_VOLUME}' $names",
        10,
    ),
    Question(
        "engine-networks",
        f"docker network inspect --format '{_NETWORK}' $(docker network ls -q)",
        10,
    ),
)


class _Copied(Answer):
    """An answer of the engine, copied into the bundle."""

    def __init__(self, body: bytes, problem: str = "") -> None:
        self._body, self._problem = body, problem

    @property
    def ok(self) -> bool:
        return not self._problem

    @property
    def status(self) -> int:
        return 200 if self.ok else 503

    @property
    def body(self) -> bytes:
        return self._body

    @property
    def problem(self) -> str:
        return self._problem


class BundledEngine:
    """An engine that can be asked what the bundle holds of it."""

    def __init__(self, answers: Mapping[str, Said]) -> None:
        """Take the bundle's answers."""
        self._answers = answers

    def negotiate(self) -> str:
        """Give the API version that the docker command spoke; raises HullwardError for none."""
        for version in self._entries("engine-version"):
            return str(version.get("ApiVersion", ""))
        raise HullwardError(
            "The bundle holds nothing of an engine: docker did not answer where it was made.",
            "Run the script as root, on the host where the engine runs.",
        )

    def get(self, *paths: str) -> Iterator[Answer]:
        """Answer each path from the bundle."""
        return (self._answer(path) for path in paths)

    def _answer(self, path: str) -> Answer:
        parts = path.partition("?")[0].strip("/").split("/")
        match parts:
            case ["version" | "info"]:
                return self._said(f"engine-{parts[0]}", self._text(f"engine-{parts[0]}"))
            case ["volumes"]:
                volumes = {"Volumes": self._entries("engine-volumes")}
                return self._said("engine-volumes", json.dumps(volumes))
            case ["networks"]:
                return self._said("engine-networks", json.dumps(self._entries("engine-networks")))
            case ["containers", "json"]:
                listing = [_listed(entry) for entry in self._entries("engine-containers")]
                return self._said("engine-containers", json.dumps(listing))
            case ["containers" | "images", id_, "json"]:
                name = f"engine-{parts[0]}"
                for entry in self._entries(name):
                    if entry.get("Id") == unquote(id_):
                        return self._said(name, json.dumps(entry))
        return _Copied(b"", "a bundle that was made by hand does not hold it")

    def _said(self, name: str, body: str) -> Answer:
        said = self._answers.get(name, Said(problem="the bundle ends before it"))
        problem = said.problem or ("docker could not say" if said.status else "")
        if not problem and len(self._entries(name)) < len(said.text.splitlines()):
            problem = "the copy is damaged"
        return _Copied(body.encode(), problem)

    def _text(self, name: str) -> str:
        return self._answers.get(name, Said()).text

    def _entries(self, name: str) -> list[dict[str, object]]:
        """Read the JSON objects of an answer, one a line; a damaged one is left out."""
        entries = []
        for line in self._text(name).splitlines():
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(entry, dict):
                entries.append(entry)
        return entries


def _listed(entry: Mapping[str, object]) -> dict[str, object]:
    """Give a container as /containers/json lists it."""
    return {"Id": entry.get("Id"), "Names": [entry.get("Name")], "ImageID": entry.get("Image")}
