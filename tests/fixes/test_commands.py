from hullward.fixes.commands import with_commands
from hullward.model.facts import Snapshot
from hullward.model.host import Host
from hullward.model.report import HostReport, Outcome, Verdict
from hullward.model.severity import Severity
from hullward.model.sshd import Master, Probe, Setting, Sshd

SERVER = Sshd(
    version="OpenSSH_9.2p1",
    masters=(Master(7, 0),),
    probes=(Probe("root", settings={"passwordauthentication": Setting("yes")}),),
)


def remedy(rule: str, outcome: Outcome = Outcome.FAIL, target: str = "web1") -> str:
    verdict = Verdict(rule, Severity.HIGH, outcome, "host", remedy="Write it.")
    snapshot = Snapshot(target, host=Host(sshd=SERVER))
    return with_commands(HostReport(target, snapshot, (), (verdict,))).verdicts[0].remedy


def test_a_finding_says_the_command_that_clears_it_before_the_way_by_hand() -> None:
    assert remedy("ssh-password-login") == "hullward ssh harden web1\nor by hand:\nWrite it."
    assert remedy("ssh-forwarding").startswith("hullward ssh harden --strict web1\n")


def test_the_name_of_a_target_is_one_word_of_a_shell() -> None:
    assert remedy("ssh-password-login", target="a; b").startswith("hullward ssh harden 'a; b'\n")


def test_what_no_command_clears_or_nobody_could_look_at_keeps_its_remedy() -> None:
    assert remedy("ssh-root-keys") == "Write it."
    assert remedy("container-privileged") == "Write it."
    assert remedy("ssh-password-login", Outcome.UNKNOWN) == "Write it."
