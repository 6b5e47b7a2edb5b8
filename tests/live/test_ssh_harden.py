"""`hullward ssh harden` on a real sshd: logins that work before and after, and what is refused."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec import Struct

from hullward import flow
from hullward.apply.journal import Journal
from hullward.host.contexts import Target
from hullward.host.endpoints import SshEndpoint
from hullward.host.hands import Hands
from hullward.host.reader import Access
from hullward.jobs import ssh, undo
from hullward.jobs.machine import Machine
from hullward.model.errors import HullwardError
from hullward.model.plan import Plan
from hullward.model.report import Outcome
from sshd_lab import HARDENED, INSIDE, MAIN, Lab, lab, missing

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces and an sshd need root"),
    pytest.mark.skipif(bool(missing()), reason=f"not installed: {missing()}"),
]

DROP_INS = "/etc/ssh/sshd_config.d"
OURS = f"{DROP_INS}/00-hullward.conf"
INCLUDE = f"Include {DROP_INS}/*.conf\n"
# As a distribution and a provider leave it: everything by password, root too.
SOFT = (
    HARDENED.replace("PermitRootLogin prohibit-password", "PermitRootLogin yes")
    .replace("PasswordAuthentication no\n", "")
    .replace("KbdInteractiveAuthentication no\n", "")
    .replace("UsePAM no", "UsePAM yes")
)
RULES = ("ssh-root-login", "ssh-public-key", "ssh-password-login", "ssh-keyboard-interactive")


def yes(_: Plan) -> bool:
    return True


class Site(Struct):
    """A lab, and the machine that hullward sees."""

    lab: Lab
    machine: Machine
    heard: list[str]

    @property
    def person(self) -> flow.Person:
        return flow.Person("me@here", yes, self.heard.append)

    def harden(self, within: int | None = None) -> Plan | None:
        return ssh.harden(self.machine, within, self.person)

    def refusal(self) -> HullwardError:
        """Harden, and give the reason why not; nothing may have been touched by it."""
        before = self.files()
        with pytest.raises(HullwardError) as refused:
            self.harden()
        assert self.files() == before
        assert all(change.over for change in self.machine.journal.changes())
        return refused.value

    def files(self) -> Mapping[str, str]:
        """Give every file of sshd, with owner and mode."""
        script = (
            "cd /etc/ssh; for f in $(find . -type f -name '*onf*' | sort); do "
            'echo "== $f $(stat -c "%u %g %a" $f)"; cat $f; done'
        )
        said = self.lab.run("sh", "-c", script).stdout
        return dict(part.partition("\n")[::2] for part in said.split("== ")[1:])

    def outcomes(self) -> set[Outcome]:
        return {self.lab.verdict(rule).outcome for rule in RULES}


@contextmanager
def site(
    folder: Path, files: Mapping[str, str], *arguments: str, user: str = "root"
) -> Iterator[Site]:
    with lab() as made:
        made.write(files)
        made.start(*arguments)
        target = Target("lab", SshEndpoint("lab", user))
        access = Access(20, made.config(folder))
        machine = Machine(target, access, Journal(Hands(target, access), "/run/hullward"))
        yield Site(made, machine, [])


def test_passwords_work_before_and_keys_only_after_and_undo_brings_it_all_back(
    tmp_path: Path,
) -> None:
    with site(
        tmp_path,
        {MAIN: INCLUDE + SOFT, f"{DROP_INS}/50-cloud-init.conf": "PasswordAuthentication yes\n"},
    ) as made:
        before = made.files()
        methods = ("publickey", "password", "keyboard-interactive")
        assert {m for m in methods if made.lab.logs_in("bob", m)} == set(methods)
        assert made.lab.logs_in("root", "password")

        plan = made.harden()

        assert plan
        assert [edit.path for edit in plan.edits] == [OURS]
        assert {m for m in methods if made.lab.logs_in("bob", m)} == {"publickey"}
        assert {m for m in methods if made.lab.logs_in("root", m)} == {"publickey"}
        assert made.outcomes() == {Outcome.PASS}
        assert made.lab.verdict("ssh-running-differs").outcome is Outcome.PASS
        assert made.lab.verdict("ssh-file-permissions").outcome is Outcome.PASS

        undo.undo(made.machine, None, undo.REFUSE, made.person)
        time.sleep(1)

        assert made.files() == before
        assert {m for m in methods if made.lab.logs_in("bob", m)} == set(methods)
        assert [c.state for c in made.machine.journal.changes()] == ["confirmed", "confirmed"]
