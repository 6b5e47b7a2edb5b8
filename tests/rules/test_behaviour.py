import pytest

from builders import NEW_PRIVILEGES_OFF, Facts, best, engine, process, snapshot
from hullward.model.facts import Container
from hullward.model.report import Behaviour
from hullward.rules import behaviour

GOOD: Facts = {
    "user": "1000",
    "uid": 1000,
    "cap_drop": ("ALL",),
    "security_opt": NEW_PRIVILEGES_OFF,
}


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({}, id="as declared"),
        pytest.param({"cap_add": ("NET_BIND_SERVICE",)}, id="with what it asks for"),
        pytest.param(
            {"processes": (process(uid=1000, bounding=0, no_new_privileges=True),)},
            id="as the kernel shows",
        ),
        pytest.param(
            {
                "security_opt": (),
                "processes": (process(uid=1000, bounding=0, no_new_privileges=True),),
            },
            id="no-new-privileges by itself",
        ),
    ],
)
def test_a_container_that_meets_all_four_criteria_is_well_behaved(facts: Facts) -> None:
    container = Container("web", **{**GOOD, **facts})

    assert behaviour.judge(container, snapshot(container)) == (Behaviour.YES, ())
    assert behaviour.judge(best(), snapshot(best())) == (Behaviour.YES, ())


@pytest.mark.parametrize(
    ("facts", "reasons"),
    [
        pytest.param({"uid": 0}, ("runs as root",), id="root"),
        pytest.param(
            {"uid": 0, "processes": (process(uid=999, bounding=0, no_new_privileges=True),)},
            ("starts as root, runs as 999",),
            id="root that every process left",
        ),
        pytest.param(
            {"processes": (process(uid=0, bounding=0, permitted=0, no_new_privileges=True),)},
            ("a process runs as root",),
            id="a process that became root",
        ),
        pytest.param({"privileged": True}, ("privileged",), id="privileged"),
        pytest.param({"cap_drop": ()}, ("default capabilities",), id="nothing dropped"),
        pytest.param({"cap_drop": ("NET_RAW",)}, ("default capabilities",), id="one dropped"),
        pytest.param(
            {"cap_add": ("SYS_ADMIN", "BPF")}, ("holds BPF SYS_ADMIN",), id="a strong capability"
        ),
        pytest.param(
            {"cap_add": ("ALL",), "cap_drop": ()},
            (
                (
                    "holds AUDIT_CONTROL BPF CHECKPOINT_RESTORE DAC_READ_SEARCH MAC_ADMIN "
                    "MAC_OVERRIDE NET_ADMIN PERFMON SYSLOG SYS_ADMIN SYS_BOOT SYS_MODULE "
                    "SYS_PTRACE SYS_RAWIO SYS_TIME"
                ),
                "default capabilities",
            ),
            id="ALL added",
        ),
        pytest.param(
            {"processes": (process(uid=1000, bounding=1 << 21, no_new_privileges=True),)},
            ("holds SYS_ADMIN",),
            id="a strong capability that only the kernel shows",
        ),
        pytest.param({"security_opt": ()}, ("may gain privileges",), id="may gain privileges"),
        pytest.param(
            {"processes": (process(uid=1000, bounding=0),)},
            ("may gain privileges",),
            id="may gain privileges whatever was declared",
        ),
    ],
)
def test_every_criterion_that_is_missed_is_named(facts: Facts, reasons: tuple[str, ...]) -> None:
    container = Container("web", **{**GOOD, **facts})

    assert behaviour.judge(container, snapshot(container)) == (Behaviour.NO, reasons)


def test_all_missed_criteria_are_named_in_their_order() -> None:
    container = Container("web")

    assert behaviour.judge(container, snapshot(container)) == (
        Behaviour.NO,
        ("runs as root", "default capabilities", "may gain privileges"),
    )


@pytest.mark.parametrize(
    ("facts", "engine_options", "reasons"),
    [
        pytest.param({"user": "app", "uid": None}, (), ("uid of app not known",), id="the user"),
        pytest.param(
            {
                "user": "app",
                "uid": None,
                "processes": (process(uid=5, bounding=0, no_new_privileges=True),),
            },
            (),
            ("uid of app not known",),
            id="the user at the start",
        ),
        pytest.param(
            {"security_opt": ()}, None, ("no-new-privileges not known",), id="the engine's default"
        ),
    ],
)
def test_a_criterion_that_could_not_be_looked_up_is_unknown(
    facts: Facts, engine_options: tuple[str, ...] | None, reasons: tuple[str, ...]
) -> None:
    container = Container("web", **{**GOOD, **facts})
    host = snapshot(container, engine=engine(security_options=engine_options))

    assert behaviour.judge(container, host) == (Behaviour.UNKNOWN, reasons)


def test_a_missed_criterion_beats_an_unknown_one() -> None:
    container = Container("web", **{**GOOD, "uid": None, "privileged": True})

    assert behaviour.judge(container, snapshot(container)) == (Behaviour.NO, ("privileged",))
