import pytest
from click.testing import CliRunner

from hullward.cli import audit
from hullward.cli.main import hullward
from hullward.model.errors import HullwardError
from hullward.rules import profiles


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
        (["audit", "unix:///none", "--probe-ssh"], "--probe-ssh is for ssh:// targets."),
        (["audit", "--from", "none", "--probe-ssh"], "--probe-ssh asks a host, not a snapshot."),
    ],
)
def test_sshd_cannot_be_probed_where_there_is_none_to_ask(arguments: list[str], what: str) -> None:
    result = CliRunner().invoke(hullward, arguments, standalone_mode=False)

    assert isinstance(result.exception, HullwardError)
    assert result.exception.what == what
