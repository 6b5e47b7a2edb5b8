"""Short ways to write down facts, for tests of everything that only reads them."""

from typing import Any

from hullward.model import capabilities
from hullward.model.facts import Container, Engine, Process, Snapshot
from hullward.model.rule import ContainerRule, EngineRule, Fail, Unknown

# The fields of a struct, for the tables of parametrized tests.
Facts = dict[str, Any]

COMPOSE = {
    "com.docker.compose.project": "shop",
    "com.docker.compose.project.config_files": "/srv/shop/compose.yaml",
    "com.docker.compose.service": "web",
}
NEW_PRIVILEGES_OFF = ("no-new-privileges:true",)
_DEFAULTS = capabilities.to_mask(capabilities.DEFAULT)


def engine(**facts: Any) -> Engine:  # noqa: ANN401 - the fields of an Engine
    """Describe an engine of today on a host with AppArmor."""
    usual: Facts = {
        "version": "29.6.0",
        "api": "1.51",
        "components": {"Engine": "29.6.0", "containerd": "2.2.1", "runc": "1.3.3"},
        "security_options": ("name=apparmor", "name=seccomp,profile=builtin", "name=cgroupns"),
        "cgroup_version": "2",
        "root_directory": "/var/lib/docker",
        "default_runtime": "runc",
    }
    return Engine(**{**usual, **facts})


def careful_engine() -> Engine:
    """Describe an engine of which no rule finds more than that it runs as root."""
    options = (*(engine().security_options or ()), "name=userns", "name=no-new-privileges")
    return engine(
        security_options=options,
        built="2026-10-01T00:00:00Z",
        log_driver="syslog",
        live_restore=True,
        experimental=False,
        storage_driver="overlay2",
        insecure_registries=(),
        authorization=("opa",),
        pools=(("10.210.0.0/16", 24),),
    )


def snapshot(*containers: Container, **facts: Any) -> Snapshot:  # noqa: ANN401 - of a Snapshot
    """Describe a host with these containers, on which everything could be read."""
    usual: Facts = {
        "target": "default",
        "collected_at": "2026-11-01T00:00:00Z",
        "engine": engine(),
        "networks": (),
        "plugins": (),
    }
    return Snapshot(containers=containers, **{**usual, **facts})


def process(pid: int = 100, name: str = "server", uid: int = 0, **facts: Any) -> Process:  # noqa: ANN401
    """Describe a process of a container that was started without options."""
    held = 0 if uid else _DEFAULTS
    usual: Facts = {
        "uids": (uid,) * 4,
        "effective": held,
        "permitted": held,
        "bounding": _DEFAULTS,
        "seccomp": 2,
    }
    return Process(pid, name, **{**usual, **facts})


def mask(*names: str) -> int:
    """Write capabilities as the kernel does."""
    return capabilities.to_mask(names)


def ask(
    rule: ContainerRule,
    container: Container,
    *others: Container,
    **facts: Any,  # noqa: ANN401 - of a Snapshot
) -> list[Fail | Unknown]:
    """Ask a rule about a container that stands beside others."""
    return list(rule.check(container, snapshot(container, *others, **facts)))


def ask_engine(rule: EngineRule, **facts: Any) -> list[Fail | Unknown]:  # noqa: ANN401
    """Ask a rule about an engine without containers."""
    return list(rule.check(snapshot(**facts)))


def fail(answers: list[Fail | Unknown]) -> Fail:
    """Give the only answer, which is a fail."""
    (answer,) = answers
    assert isinstance(answer, Fail)
    return answer


def evidence(answers: list[Fail | Unknown]) -> list[str]:
    """Give what the fails say."""
    return [answer.evidence for answer in answers if isinstance(answer, Fail)]


def reasons(answers: list[Fail | Unknown]) -> list[str]:
    """Give what could not be looked up."""
    return [answer.reason for answer in answers if isinstance(answer, Unknown)]


def best() -> Container:
    """Describe a model citizen: nothing that it does not need."""
    return Container(
        "best",
        id="b" * 64,
        image="registry.example/best:1.2@sha256:" + "1" * 64,
        image_id="sha256:best",
        user="1000:1000",
        uid=1000,
        cap_drop=("ALL",),
        security_opt=NEW_PRIVILEGES_OFF,
        apparmor_profile="docker-default",
        read_only=True,
        network_mode="shop_default",
        networks=("shop_default",),
        memory=512 * 1024**2,
        cpu_limited=True,
        pids=100,
        restart="on-failure",
        restart_attempts=5,
        health="healthy",
        log_driver="local",
        processes=(
            process(uid=1000, bounding=0, no_new_privileges=True),
            process(101, uid=1000, bounding=0, no_new_privileges=True),
        ),
        pid=100,
    )
