import pytest

from hullward.model.errors import HullwardError
from hullward.report.explain import contents, render
from hullward.rules import ALL


def test_a_rule_is_explained_with_why_and_how() -> None:
    assert render("container-privileged", ALL) == (
        "container-privileged  (critical)\n"
        "Container runs privileged\n"
        "\n"
        "Why      A privileged container holds every capability and every device of the\n"
        "         host, without seccomp and AppArmor: mounting the host's disk is one\n"
        "         command.\n"
        "Fix      Remove `privileged: true`; grant the one capability or device that it\n"
        "         uses.\n"
        "See      guide: Drop system capabilities, cis-docker:5.5, docker-run(1)\n"
    )


@pytest.mark.parametrize("name", ["SYS_ADMIN", "sys_admin", "CAP_SYS_ADMIN", "cap_sys_admin"])
def test_a_capability_is_found_by_every_spelling(name: str) -> None:
    first = render(name, ALL).splitlines()[0]

    assert first == "CAP_SYS_ADMIN  (critical, bit 21, not granted unasked)"


def test_a_default_capability_says_so() -> None:
    assert render("chown", ALL).startswith("CAP_CHOWN  (low, bit 0, granted by Docker unasked)\n")


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("container-priviledged", "Did you mean container-privileged"),
        ("SYS_ADMN", "SYS_ADMIN"),
        ("zzzz", "`hullward explain` lists them all."),
    ],
)
def test_an_unknown_name_suggests_near_ones(name: str, advice: str) -> None:
    with pytest.raises(HullwardError) as error:
        render(name, ALL)

    assert error.value.what == f"There is no rule or capability {name!r}."
    assert advice in error.value.advice


def test_the_contents_list_every_rule_and_capability() -> None:
    text = contents(ALL)

    assert all(f"  {rule.id} " in text for rule in ALL)
    assert "CHECKPOINT_RESTORE" in text
