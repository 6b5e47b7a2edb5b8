import pytest

from hullward.cli import audit
from hullward.rules import profiles
from terminal import run


@pytest.mark.parametrize(
    ("areas", "ids", "needed"),
    [
        ([], [], True),
        (["container"], [], False),
        (["container", "network"], [], False),
        (["container", "image"], [], True),
        (["container", "ssh"], [], True),
        (["swarm"], [], True),
        ([], ["container-root"], False),
        ([], ["container-*", "network-overlay-plain"], False),
        ([], ["container-root", "ssh-root-login"], True),
        ([], ["*"], True),
    ],
)
def test_the_host_is_asked_only_for_rules_that_look_at_it(
    areas: list[str], ids: list[str], *, needed: bool
) -> None:
    assert audit.needs_host(areas, ids) is needed


def test_every_profile_can_be_named() -> None:
    assert list(profiles.PROFILES) == list(audit.PROFILES)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["unix:///none", "--probe-ssh"], "--probe-ssh is for ssh:// targets."),
        (["--from", "none", "--probe-ssh"], "--probe-ssh asks a host, not a snapshot."),
    ],
)
def test_sshd_cannot_be_probed_where_there_is_none_to_ask(
    capsys: pytest.CaptureFixture[str], arguments: list[str], what: str
) -> None:
    said = run(capsys, "audit", *arguments)

    assert said.status == 2
    assert f"hullward: {what}\n" in said.err
