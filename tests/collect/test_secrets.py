"""No secret enters a snapshot: a token is planted in every text that an engine can send."""

import json
import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hullward import judge
from hullward.collect import engine, saved
from hullward.host.engine import Answer
from hullward.model.facts import Snapshot
from hullward.model.report import Report
from hullward.report import csv_report, json_report, markdown, table
from hullward.rules import ALL

TOKEN = "hunter2"  # noqa: S105 - what must not be found
NOW = datetime(2026, 11, 24, tzinfo=UTC)
Step = str | int

# What hullward shows on purpose, because it is what an audit is about, and why.
SHOWN = {
    # Which engine it is.
    "/version Version": "the version of the engine",
    "/version KernelVersion": "the version of the kernel",
    "/version Components * Name": "the programs of the engine",
    "/version Components * Version": "their versions",
    "/info SecurityOptions *": "what the engine switches on for every container",
    "/info CgroupVersion": "a version",
    "/info DockerRootDir": "the path that no container should see",
    "/info DefaultRuntime": "the name of a program",
    "/info OperatingSystem": "the name of a distribution",
    "/info Warnings *": "the engine's own words on its settings",
    "/info Swarm LocalNodeState": "a state",
    "/info Name": "the name of the host, which is compared with the one that is asked",
    "/info Driver": "the name of a driver",
    "/info DriverStatus * *": "what the storage driver says of itself",
    "/info LoggingDriver": "the name of a driver",
    "/info Plugins Authorization *": "the name of a plugin",
    "/info RegistryConfig InsecureRegistryCIDRs *": "the address of a registry",
    "/info RegistryConfig IndexConfigs key": "the address of a registry",
    "/info DefaultAddressPools * Base": "an address",
    "/version BuildTime": "a time",
    "/networks * IPAM Config * Subnet": "an address",
    "/networks * Options com.docker.network.bridge.gateway_mode_ipv4": "a mode",
    # Names by which a person finds things.
    "/networks * Name": "a name",
    "/networks * Driver": "a name",
    "/plugins * Name": "a name",
    "/plugins * Config Linux Capabilities *": "a privilege",
    "/plugins * Settings Mounts * Source": "a path of the host that a plugin sees",
    "/containers/json * ImageID": "an id",
    "image RepoTags *": "a name",
    "image RepoDigests *": "a name",
    "image Created": "a time",
    "image Config ExposedPorts key": "a port",
    "image Config User": "a user",
    "image Config Env *": "the name of a variable, cut off before its value",
    "exec ProcessConfig user": "a user",
    "inspect Id": "an id",
    "inspect Name": "a name",
    "inspect Image": "an id",
    "inspect State Status": "a state",
    "inspect State Health Status": "a state",
    "inspect Config User": "a user",
    "inspect Config Image": "the name of an image",
    "inspect Config Env *": "the name of a variable, cut off before its value",
    "inspect Path": "the name of the program, without its folder and arguments",
    "inspect Args *": "an address on which a daemon listens, such as tcp://0.0.0.0:2375",
    "inspect NetworkSettings Networks key": "a name",
    "inspect NetworkSettings Ports * * HostIp": "an address",
    "inspect NetworkSettings Ports key": "a port",
    # The labels of KEPT_LABELS, which tools write and remedies read.
    "inspect Config Labels com.docker.compose.service": "a name",
    "inspect Config Labels com.docker.compose.project": "a name",
    # What privileges are made of.
    "inspect AppArmorProfile": "the name of a profile",
    "inspect ProcessLabel": "the label of SELinux",
    "inspect HostConfig CapAdd *": "a privilege",
    "inspect HostConfig CapDrop *": "a privilege",
    "inspect HostConfig SecurityOpt *": "a security option, a seccomp profile only by its action",
    "inspect HostConfig CgroupParent": "the name of a control group",
    "inspect HostConfig CgroupnsMode": "a mode",
    "inspect HostConfig IpcMode": "a mode",
    "inspect HostConfig NetworkMode": "a mode",
    "inspect HostConfig PidMode": "a mode",
    "inspect HostConfig UTSMode": "a mode",
    "inspect HostConfig UsernsMode": "a mode",
    "inspect HostConfig Runtime": "the name of a program",
    "inspect HostConfig DeviceCgroupRules *": "a privilege",
    "inspect HostConfig DeviceRequests * Driver": "a name",
    "inspect HostConfig DeviceRequests * Capabilities * *": "a privilege",
    "inspect HostConfig Devices * PathOnHost": "a path of the host",
    "inspect HostConfig Devices * CgroupPermissions": "a privilege",
    "inspect HostConfig GroupAdd *": "a group",
    "inspect HostConfig LogConfig Type": "the name of a driver",
    "inspect HostConfig MaskedPaths *": "a path",
    "inspect HostConfig ReadonlyPaths *": "a path",
    "inspect HostConfig PortBindings * * HostIp": "an address",
    "inspect HostConfig PortBindings key": "a port",
    "inspect HostConfig RestartPolicy Name": "a policy",
    "inspect HostConfig Sysctls *": "a setting of the kernel",
    "inspect HostConfig Sysctls key": "a setting of the kernel",
    "inspect HostConfig Ulimits * Name": "a limit",
    "inspect Mounts * Type": "a kind",
    "inspect Mounts * Name": "the name of a volume",
    "inspect Mounts * Source": "a path of the host",
    "inspect Mounts * Destination": "a path in the container",
    "inspect Mounts * Propagation": "a mode",
    "/volumes Volumes * Options device": "a path of the host that a volume hides",
    "/volumes Volumes * Options type": "the type of a file system",
}
# The parts of a text that are shown while the rest of it is not.
MAPS = ("Labels", "Options", "Sysctls", "Networks", "ExposedPorts", "Ports", "PortBindings",
        "Annotations", "StorageOpt", "Tmpfs", "Config", "IndexConfigs")  # fmt: skip


SECRETS = "RUN |1 API_TOKEN=abc /bin/sh -c curl https://me:secret@host && apt-get update"
LATER: dict[str, Any] = {
    "/info": {
        "Plugins": {"Volume": ["local"], "Authorization": ["opa"]},
        "RegistryConfig": {
            "IndexConfigs": {"reg:5000": {"Name": "reg:5000", "Secure": False}},
            "InsecureRegistryCIDRs": ["10.0.0.0/8"],
            "Mirrors": ["https://user:secret@mirror.example.org/"],
        },
        "DefaultAddressPools": [{"Base": "10.210.0.0/16", "Size": 24}],
    },
    "history": [{"Id": "x", "CreatedBy": SECRETS, "Comment": "c", "Tags": ["t"]}],
    "/swarm": {
        "ID": "c1",
        "JoinTokens": {"Worker": "SWMTKN-1", "Manager": "SWMTKN-2"},
        "Spec": {"Name": "default", "CAConfig": {"SigningCAKey": "key", "SigningCACert": "cert"}},
        "TLSInfo": {"TrustRoot": "PEM", "CertIssuerSubject": "s"},
    },
    "/nodes": [
        {
            "ID": "n1",
            "Spec": {"Role": "manager", "Availability": "active", "Labels": {"a": "b"}},
            "Description": {"Hostname": "web1"},
            "Status": {"State": "ready", "Addr": "10.0.0.1"},
        }
    ],
}
NETWORKS = [
    {
        "Name": "bridge",
        "Driver": "bridge",
        "IPAM": {"Driver": "default", "Config": [{"Subnet": "172.17.0.0/16", "Gateway": "x"}]},
        "Options": {"com.docker.network.bridge.gateway_mode_ipv4": "routed", "parent": "eth0"},
        "Labels": {"a": "b"},
    }
]


@cache
def recorded() -> dict[str, Any]:
    """Give the answers of a real engine, filled up with what it could have said as well."""
    path = Path(__file__).parent / "data" / "everything.json"
    value: dict[str, Any] = json.loads(path.read_text())
    return value | LATER | {"/info": value["/info"] | LATER["/info"], "/networks": NETWORKS}


class Engine:
    """Answers each kind of question in one way, whatever the ids in it."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self._answers = answers

    def negotiate(self) -> str:
        return "1.51"

    def get(self, *paths: str) -> Iterator[Answer]:
        for path in paths:
            kind = path.partition("?")[0]
            for pattern, name in (
                (r"/containers/[^/]+/json", "inspect"),
                (r"/images/.*/json", "image"),
                (r"/images/.*/history", "history"),
                (r"/exec/.*/json", "exec"),
            ):
                kind = name if re.fullmatch(pattern, kind) else kind
            known = kind in self._answers
            body = msgspec.json.encode(self._answers.get(kind))
            yield Answer(200 if known else 404, "application/json", body)


def look(answers: dict[str, Any]) -> Snapshot:
    return engine.collect(Engine(answers), "web1", NOW, stopped=True)


def texts(value: object, path: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    """Give the path of every text, and of every key that is a name and not a field."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from texts(item, (*path, i))
    elif isinstance(value, dict):
        for key, item in value.items():
            if path and path[-1] in MAPS:
                yield (*path, key, "key")
            yield from texts(item, (*path, key))


def planted(path: Sequence[Step], change: str) -> dict[str, Any]:
    """Give the answers with a token at one place: "{}" instead of the text, or beside it."""
    answers = deepcopy(recorded())
    *way, last = path
    is_key = last == "key" and len(way) > 1 and way[-2] in MAPS
    if is_key:
        *way, last = way
    holder: Any = answers
    for step in way:
        holder = holder[step]
    if is_key:
        holder[change.format(last)] = holder.pop(last)
    else:
        holder[last] = change.format(holder[last])
    return answers


def written(path: Sequence[Step]) -> str:
    """Write a path with a star for each place in a list and each name of a port."""
    free = {"Ports", "PortBindings", "Sysctls", "Networks"}
    steps = []
    for before, step in zip(("", *path), path, strict=False):
        star = isinstance(step, int) or before in free
        steps.append("*" if star and step != "key" else str(step))
    text = " ".join(steps)
    return re.sub(r" [^ ]+ key$", " key", text)


# Instead of the text; behind it; behind a user and password of an address; as an argument.
CHANGES = ("hunter2", "{}hunter2", "x://user:hunter2@host/{}", "{}=hunter2", "--x=hunter2 {}")


@pytest.mark.parametrize("change", CHANGES)
def test_planted_token_is_found_only_where_it_is_no_secret(change: str) -> None:
    found = set()
    for path in texts(recorded()):
        if TOKEN in saved.dump([look(planted(path, change))]).decode():
            found.add(written(path))

    assert found - set(SHOWN) == set()


def test_every_place_that_is_shown_on_purpose_is_really_shown() -> None:
    found = {
        written(path)
        for change in CHANGES
        for path in texts(recorded())
        if TOKEN in saved.dump([look(planted(path, change))]).decode()
    }

    assert set(SHOWN) - found == set()


def everywhere(value: object, path: tuple[Step, ...] = ()) -> object:
    """Plant the token in every text that is not shown on purpose, as a value where it has one."""
    if isinstance(value, dict):
        return {key: everywhere(item, (*path, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [everywhere(item, (*path, i)) for i, item in enumerate(value)]
    if (
        isinstance(value, str)
        and written(path) not in SHOWN
        and path[-1] not in {"Id", "Driver", "Name"}
    ):
        return f"{value}={TOKEN}"
    return value


def with_secrets() -> Snapshot:
    answers = everywhere(recorded())
    assert isinstance(answers, dict)
    answers["inspect"]["Config"]["Env"] = [f"PASSWORD={TOKEN}", f"X={TOKEN}\n{TOKEN}"]
    answers["inspect"]["Path"] = f"/opt/{TOKEN}/serve"
    answers["inspect"]["Args"] = [f"--password={TOKEN}", f"tcp://me:{TOKEN}@host", TOKEN]
    answers["inspect"]["HostConfig"]["SecurityOpt"] = [f'seccomp={{"x": "{TOKEN}"}}']
    for volume in answers["/volumes"]["Volumes"]:
        volume["Options"] = {
            "type": "cifs",
            "device": f"//user:{TOKEN}@nas/share",
            "o": f"username=me,password={TOKEN}",
            "secret": TOKEN,
        }
    return look(answers)


def reports(snapshot: Snapshot) -> dict[str, str]:
    report = Report("", (judge.judge(snapshot, ALL, (), date(2026, 11, 24)),))
    return {
        "snapshot": saved.dump([snapshot]).decode(),
        "json": json_report.render(report),
        "csv": csv_report.render(report),
        "markdown": markdown.render(report),
        "narrow": table.render(report, table.Style(columns=80)),
        "folded": table.render(report, table.Style(columns=200, colour=True)),
        "wide": table.render(report, table.Style(wide=True)),
    }


@pytest.mark.parametrize(
    "form", ["snapshot", "json", "csv", "markdown", "narrow", "folded", "wide"]
)
def test_no_output_holds_a_token_that_was_planted_everywhere(form: str) -> None:
    text = reports(with_secrets())[form]

    assert "web" in text
    assert TOKEN not in text.replace("\n", "")


def test_names_of_variables_are_kept_without_their_values() -> None:
    (container,) = with_secrets().containers

    assert container.environment == ("PASSWORD", "X")
    assert container.program == "serve"


def test_volume_with_a_password_says_that_it_has_one() -> None:
    mounts = with_secrets().containers[0].mounts

    assert [m.credentials for m in mounts if m.kind == "volume"] == [True, True]
