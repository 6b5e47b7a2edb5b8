"""A compose file as we read it beside the containers that real engines make of it."""

import json
import shutil
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

import compose_oracle
from hullward.collect import containers
from hullward.compose.model import Project
from hullward.model.facts import Container
from live_cases import IMAGE
from live_engine import LiveEngine

pytestmark = pytest.mark.live
FILE = compose_oracle.CORPUS.parent / "engine.yaml"
_ANONYMOUS = 64
# What images and engines add to what a file says, and what only exists once there is a container.
_OTHERS = frozenset(("id", "image_id", "uid_gap", "program", "environment", "labels", "health"))

# What the engine chooses where the file is silent.
_CHOSEN = frozenset(("log_driver", "apparmor_profile", "masked_paths", "readonly_paths"))


@pytest.fixture(scope="module")
def project(engine: LiveEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Make every container of the file, without starting it."""
    folder = tmp_path_factory.mktemp("parity")
    shutil.copy(FILE, folder / "compose.yaml")
    (folder / "seccomp.json").write_text('{"defaultAction": "SCMP_ACT_ALLOW"}')
    (folder / ".env").write_text(f"IMAGE={IMAGE}\nFROM_SHELL=y\n")
    project = ("compose", "--project-directory", str(folder))
    engine.docker(*project, "create", "--pull", "never")
    yield compose_oracle.read(folder, ("compose.yaml",), {"HOME": "/root"})
    engine.docker(*project, "down", "--volumes", "--timeout", "0")


def made(engine: LiveEngine, name: str) -> Container:
    """Give a container as the engine describes it; names stand for the ids of others."""
    (answer,) = json.loads(engine.docker("inspect", name))
    bound = json.loads(engine.docker("volume", "inspect", "parity_bound"))[0]["Options"]
    found = containers.parse(json.dumps(answer).encode(), {"parity_bound": bound})
    return replace(
        found,
        mounts=tuple(
            replace(mount, volume="" if len(mount.volume) == _ANONYMOUS else mount.volume)
            for mount in found.mounts
        ),
        network_mode=named(engine, found.network_mode),
        pid_mode=named(engine, found.pid_mode),
        ulimits=tuple(sorted(found.ulimits)),
        restart=found.restart or "no",  # Docker 20.10 leaves it empty
        runtime="" if found.runtime == "runc" else found.runtime,
    )


def named(engine: LiveEngine, mode: str) -> str:
    kind, _, other = mode.partition(":")
    if kind != "container":
        return mode
    return "container:" + engine.docker("inspect", "-f", "{{.Name}}", other).removeprefix("/")


def test_the_engine_makes_of_a_file_what_we_read_in_it(
    engine: LiveEngine, project: Project
) -> None:
    version = engine.docker("info", "-f", "{{.CgroupVersion}}")
    wrong = []
    for service in project.services:
        ours, theirs = service.container, made(engine, service.container.name)
        for field in ours.__struct_fields__:
            pair = getattr(ours, field), getattr(theirs, field)
            chosen = field == "cgroupns_mode" and "cgroupns_mode" not in service.places
            if field in _OTHERS or (chosen and version == "1"):
                continue
            if field in _CHOSEN and not pair[0] and pair[0] != ():
                continue
            if pair[0] != pair[1]:
                wrong.append((service.name, field, *pair))

    assert wrong == []


def test_the_engine_keeps_every_variable_and_label_that_we_read(
    engine: LiveEngine, project: Project
) -> None:
    for service in project.services:
        theirs = made(engine, service.container.name)

        assert set(service.container.environment) <= set(theirs.environment)
        assert service.container.labels.items() <= theirs.labels.items()


def test_the_engine_has_a_health_check_where_the_file_does(
    engine: LiveEngine, project: Project
) -> None:
    for service in project.services:
        if "health" not in service.unresolved:
            theirs = made(engine, service.container.name).health
            assert (theirs == "none") == (service.container.health == "none")
