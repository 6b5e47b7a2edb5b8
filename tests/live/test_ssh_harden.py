"""`hullward ssh harden` on a real sshd: logins that work before and after, and what is refused."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec import Struct
from msgspec.structs import replace

from hullward import flow
from hullward.apply.journal import Journal
from hullward.fixes.sshd_lines import PLAIN, Wish
from hullward.host.contexts import Target
from hullward.host.endpoints import SshEndpoint
from hullward.host.hands import Answer, Hands
from hullward.host.reader import Access
from hullward.jobs import ssh, undo
from hullward.jobs.machine import Machine
from hullward.model.errors import HullwardError
from hullward.model.plan import Plan, lines
from hullward.model.report import Outcome
from sshd_lab import HARDENED, MAIN, Lab, lab, missing

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


class Inside(Struct):
    """Hands that need no sshd: root beside it, as on the console."""

    lab: Lab
    where: str = "lab"

    def run(self, script: str, seconds: float) -> Answer:
        del seconds
        done = self.lab.run("sh", "-s", given=script)
        return Answer(done.stdout, done.returncode)


class Site(Struct):
    """A lab, and the machine that hullward sees."""

    lab: Lab
    machine: Machine
    heard: list[str]

    @property
    def person(self) -> flow.Person:
        return flow.Person("me@here", yes, self.heard.append)

    def harden(
        self,
        wish: Wish = PLAIN,
        within: int | None = None,
        others: Mapping[str, SshEndpoint] | None = None,
    ) -> Plan | None:
        return ssh.harden(self.machine, ssh.Request(wish, within, others or {}), self.person)

    def refusal(self, wish: Wish = PLAIN, **others: SshEndpoint) -> HullwardError:
        """Harden, and give the reason why not; nothing may have been touched by it."""
        before = self.files()
        with pytest.raises(HullwardError) as refused:
            self.harden(wish, others=others)
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
        yield at(made, folder, user)


def at(made: Lab, folder: Path, user: str = "root") -> Site:
    """Reach a lab as hullward does, over ssh."""
    target = Target("lab", SshEndpoint("lab", user))
    access = Access(20, made.config(folder))
    machine = Machine(target, access, Journal(Hands(target, access), "/run/hullward"))
    return Site(made, machine, [])


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


def test_root_by_sudo_hardens_as_well(
    tmp_path: Path,
) -> None:
    with site(tmp_path, {MAIN: INCLUDE + SOFT}, user="bob") as made:
        made.lab.sudo()

        plan = made.harden()

        assert plan
        assert made.outcomes() == {Outcome.PASS}
        assert not made.lab.logs_in("bob", "password")


def test_root_by_a_password_of_sudo_rehearses_too(tmp_path: Path) -> None:
    with site(tmp_path, {MAIN: INCLUDE + SOFT}, user="bob") as made:
        made.lab.sudo("")
        hands = Hands(made.machine.target, made.machine.access, lambda: "correct horse")
        made.machine = replace(made.machine, journal=Journal(hands, "/run/hullward"))

        assert made.harden()
        assert made.outcomes() == {Outcome.PASS}


def test_a_main_file_without_include_gets_one_on_top_and_a_match_at_its_end_is_no_trap(
    tmp_path: Path,
) -> None:
    text = f"{SOFT}Match User eve\n  X11Forwarding no\n"
    with site(tmp_path, {MAIN: text}) as made:
        made.lab.run("chmod", "600", MAIN)
        before = made.files()

        made.harden()

        after = made.files()
        assert after["./sshd_config 0 0 600"] == f"Include {DROP_INS}/*.conf\n{text}"
        assert after["./sshd_config.d/00-hullward.conf 0 0 600"].startswith("# Written by hullward")
        assert not made.lab.logs_in("bob", "password")
        assert not made.lab.logs_in("eve", "password")

        undo.undo(made.machine, None, undo.REFUSE, made.person)

        assert made.files() == before


def test_files_that_slept_beside_the_main_file_are_not_woken(tmp_path: Path) -> None:
    files = {MAIN: SOFT, f"{DROP_INS}/10-old.conf": "DenyUsers root bob\n"}
    with site(tmp_path, files) as made:
        made.harden()

        assert made.files()["./sshd_config 0 0 644"] == f"Include {OURS}\n{SOFT}"
        assert made.lab.logs_in("bob", "publickey")
        assert not made.lab.logs_in("bob", "password")


def test_a_drop_in_that_sorts_before_ours_does_not_win(tmp_path: Path) -> None:
    files = {MAIN: INCLUDE + SOFT, f"{DROP_INS}/00-a.conf": "PasswordAuthentication yes\n"}
    with site(tmp_path, files) as made:
        made.harden()

        assert made.files()["./sshd_config 0 0 644"].startswith(f"Include {OURS}\n{INCLUDE}")
        assert not made.lab.logs_in("bob", "password")


def test_a_match_block_of_somebody_else_is_refused_by_file_and_line(tmp_path: Path) -> None:
    with site(
        tmp_path, {MAIN: f"{INCLUDE}{SOFT}Match User bob\n  PasswordAuthentication yes\n"}
    ) as made:
        found = made.refusal()

        number = len(lines(INCLUDE + SOFT)) + 2
        assert found.what == (
            "PasswordAuthentication is yes for bob by a Match block that is not hullward's "
            f"({MAIN}:{number} in Match User bob)."
        )
        assert made.lab.logs_in("bob", "password")


def test_an_argument_of_the_daemon_is_refused(tmp_path: Path) -> None:
    with site(tmp_path, {MAIN: INCLUDE + SOFT}, "-o", "PasswordAuthentication yes") as made:
        assert "by the arguments that sshd was started with" in made.refusal().what


def test_without_a_key_that_works_nothing_is_changed(tmp_path: Path) -> None:
    """The work itself gets in by another way here, as it does where somebody types a password."""
    with site(tmp_path, {MAIN: INCLUDE + SOFT}) as made:
        made.lab.run("sh", "-c", "rm /etc/ssh/authorized_keys/*")
        made.machine = replace(made.machine, journal=Journal(Inside(made.lab), "/run/hullward"))
        found = made.refusal()

        assert found.what.startswith("No key login works for root on lab (")
        assert "no account that can administer it could log in any more" in found.what
        assert "ssh-copy-id lab" in found.advice


def test_the_other_admin_who_has_a_key_is_named(tmp_path: Path) -> None:
    with site(tmp_path, {MAIN: INCLUDE + SOFT}) as made:
        made.lab.run("rm", "/etc/ssh/authorized_keys/root")
        made.machine = replace(made.machine, journal=Journal(Inside(made.lab), "/run/hullward"))

        assert "and only bob could log in any more" in made.refusal().what


def test_a_candidate_that_would_lock_out_is_refused_by_the_rehearsal(tmp_path: Path) -> None:
    """The drop-in sleeps beside a main file without Include: only a login shows what it does."""
    with site(tmp_path, {MAIN: SOFT, OURS: "MaxAuthTries 3\nDenyUsers root\n"}) as made:
        found = made.refusal()

        assert found.what.startswith("With the new files root could not log in any more: ")
        assert "listed in DenyUsers" in found.what
        assert found.advice == "Everything is as it was before."
        assert made.lab.logs_in("root", "password")


def test_a_candidate_in_which_another_line_would_win_is_refused_by_sshd_itself(
    tmp_path: Path,
) -> None:
    sleeping = "Match User eve\n  PasswordAuthentication yes\n"
    with site(tmp_path, {MAIN: f"{SOFT}Match User eve\n  Banner none\n", OURS: sleeping}) as made:
        found = made.refusal()

        assert "passwordauthentication would be yes for user=eve," in found.what


def test_a_lock_out_behind_its_back_is_taken_back_by_the_host_in_time(tmp_path: Path) -> None:
    with site(tmp_path, {MAIN: INCLUDE + SOFT}) as made:
        before = made.files()

        def hears(step: str) -> None:
            if step == "Verifying":
                made.lab.run("sh", "-c", f"echo 'DenyUsers root' >>{OURS}")
                for _ in range(10):  # a server that is being restarted does not hear it
                    made.lab.run("sh", "-c", "kill -HUP $(cat /run/sshd.pid)")
                    time.sleep(0.5)
                    if not made.lab.logs_in("root", "publickey"):
                        shut.append(step)
                        break

        shut: list[str] = []
        with pytest.raises(HullwardError) as failed:
            ssh.harden(made.machine, ssh.Request(within=15), flow.Person("me@here", yes, hears))

        assert "takes it back by itself within 15 seconds" in failed.value.advice
        assert shut
        ends = time.monotonic() + 30
        while made.files() != before and time.monotonic() < ends:
            time.sleep(0.5)
        time.sleep(1)
        assert made.files() == before
        assert made.lab.logs_in("root", "publickey")
        assert [change.state for change in made.machine.journal.changes()] == ["reverted"]


def test_a_second_factor_stays(tmp_path: Path) -> None:
    text = f"{SOFT}Match User eve\n  AuthenticationMethods publickey,keyboard-interactive\n"
    both = f"{SOFT}AuthenticationMethods publickey,keyboard-interactive publickey\n"
    with site(tmp_path, {MAIN: INCLUDE + text}) as made:
        assert "keyboard-interactive is the second factor of some" in made.refusal().what
        made.lab.write({MAIN: INCLUDE + both})
        made.lab.reload()
        made.harden()

        assert "KbdInteractive" not in made.lab.run("cat", OURS).stdout
        assert made.lab.logs_in("bob", "publickey,keyboard-interactive")
        assert not made.lab.logs_in("bob", "keyboard-interactive")


def test_what_is_stricter_already_stays(tmp_path: Path) -> None:
    text = SOFT.replace("PermitRootLogin yes", "PermitRootLogin forced-commands-only")
    with site(tmp_path, {MAIN: INCLUDE + text}, user="bob") as made:
        made.lab.sudo()
        made.harden()

        said = made.lab.run("cat", OURS).stdout
        assert "PermitRootLogin forced-commands-only\n" in said
        assert not made.lab.logs_in("root", "publickey")


def test_hardened_twice_changes_nothing(tmp_path: Path) -> None:
    with site(tmp_path, {MAIN: INCLUDE + SOFT}) as made:
        made.harden()

        assert made.refusal().what == "sshd is as hard as `hullward ssh harden` makes it."


def test_what_somebody_wrote_into_the_drop_in_stays(tmp_path: Path) -> None:
    own = (
        "MaxAuthTries 3\npasswordauthentication yes\nMatch User eve\n  PasswordAuthentication no\n"
    )
    with site(tmp_path, {MAIN: INCLUDE + SOFT, OURS: own}) as made:
        made.harden()

        text = made.lab.run("cat", OURS).stdout
        assert text.endswith("MaxAuthTries 3\nMatch User eve\n  PasswordAuthentication no\n")
        assert "passwordauthentication yes" not in text
        assert not made.lab.logs_in("bob", "password")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{SOFT}Match User\n  X11Forwarding no\n", "What sshd does is not known: "),
        (f"{SOFT}Match Nonsense bob\n  X11Forwarding no\n", "What sshd does is not known: "),
        (f"Include {MAIN}\n{SOFT}", "What sshd does is not known: "),
        (f"{SOFT}NoSuchKeyword yes\n", "What sshd does is not known: "),
    ],
)
def test_files_that_sshd_would_not_read_are_left_alone(
    tmp_path: Path, text: str, told: str
) -> None:
    with site(tmp_path, {MAIN: INCLUDE + SOFT}) as made:
        made.lab.write({MAIN: text})
        found = made.refusal()

        assert found.what.startswith(told)
        assert "\n" not in found.what
        assert found.advice


def test_lines_that_end_as_on_windows_are_read_as_sshd_reads_them(tmp_path: Path) -> None:
    text = (INCLUDE + SOFT).replace("\n", "\r\n")
    with site(
        tmp_path, {MAIN: text, f"{DROP_INS}/50-x.conf": "PasswordAuthentication yes\r\n"}
    ) as made:
        made.harden()

        assert not made.lab.logs_in("bob", "password")
        assert made.lab.logs_in("bob", "publickey")
        assert made.outcomes() == {Outcome.PASS}


def test_without_root_it_is_one_clear_line(tmp_path: Path) -> None:
    with site(tmp_path, {MAIN: INCLUDE + SOFT}, user="eve") as made:
        with pytest.raises(HullwardError) as refused:
            made.harden()

        assert "sudo" in refused.value.what + refused.value.advice


KEYS = Wish(host_keys=True)
STRICT = Wish(strict=True)
LOOSE = (
    SOFT.replace("HostKey /etc/ssh/ssh_host_ed25519_key\n", "")
    .replace("HostKeyAlgorithms ssh-ed25519\n", "")
    .replace("X11Forwarding no", "X11Forwarding yes")
)


@contextmanager
def pinned_by_ecdsa(
    folder: Path, text: str, *, hashed: bool = False
) -> Iterator[tuple[Site, Path]]:
    """A server with every kind of host key, and a person who knows it by the ECDSA key alone."""
    with site(folder, {MAIN: LOOSE}) as made:
        made.lab.run("ssh-keygen", "-A")
        made.lab.write({MAIN: text})
        made.lab.reload()
        known = folder / "known_hosts"
        known.write_text(made.lab.run("ssh-keyscan", "-t", "ecdsa", "127.0.0.1").stdout)
        config = folder / "ssh_config"
        if hashed:
            subprocess.run(("ssh-keygen", "-q", "-H", "-f", known), check=True)  # noqa: S603, S607
        config.write_text(
            config.read_text()
            .replace("StrictHostKeyChecking no", "StrictHostKeyChecking yes\n  UpdateHostKeys no")
            .replace("UserKnownHostsFile /dev/null", f"UserKnownHostsFile {known}")
        )
        yield made, known


@pytest.mark.parametrize("hashed", [False, True])
def test_host_keys_are_retired_once_the_person_knows_another_one(
    tmp_path: Path,
    hashed: bool,  # noqa: FBT001 - a case
) -> None:
    with pinned_by_ecdsa(tmp_path, INCLUDE + LOOSE, hashed=hashed) as (made, known):
        before = made.files()
        text = known.read_text()
        assert made.lab.verdict("ssh-host-key-type").outcome is Outcome.FAIL

        plan = made.harden(KEYS)

        assert plan
        assert any(str(known) in note for note in plan.forth.notes)
        ours = made.lab.run("cut", "-d", " ", "-f", "1,2", "/etc/ssh/ssh_host_ed25519_key.pub")
        added = known.read_text().removeprefix(text)
        assert added == f"{text.split()[0] if hashed else '127.0.0.1'} {ours.stdout}"
        shown = made.lab.run("ssh-keyscan", "127.0.0.1").stdout
        assert {line.split()[1] for line in shown.splitlines() if line[0] != "#"} == {
            "ssh-ed25519",
            "ssh-rsa",
        }
        assert made.lab.verdict("ssh-host-key-type").outcome is Outcome.PASS
        assert made.lab.verdict("ssh-host-key-algorithms").outcome is Outcome.PASS

        undo.undo(made.machine, None, undo.REFUSE, made.person)

        assert made.files() == before


def test_a_host_key_that_the_main_file_loads_becomes_a_remark(tmp_path: Path) -> None:
    keys = "".join(f"HostKey /etc/ssh/ssh_host_{kind}_key\n" for kind in ("ecdsa", "ed25519"))
    with pinned_by_ecdsa(tmp_path, INCLUDE + keys + LOOSE) as (made, _):
        made.harden(KEYS)

        text = made.lab.run("cat", MAIN).stdout
        assert text == INCLUDE + f"#{keys}" + LOOSE
        assert "HostKey" not in made.lab.run("cat", OURS).stdout
        assert made.lab.verdict("ssh-host-key-type").outcome is Outcome.PASS


def test_the_only_host_key_is_never_retired(tmp_path: Path) -> None:
    text = "HostKey /etc/ssh/ssh_host_ecdsa_key\n"
    with pinned_by_ecdsa(tmp_path, INCLUDE + text + LOOSE) as (made, _):
        found = made.refusal(KEYS)

        assert found.what.startswith("The server has no Ed25519 key")
        assert "ssh-keygen -A" in found.advice


def test_known_hosts_of_everybody_is_not_ours_to_write(tmp_path: Path) -> None:
    with pinned_by_ecdsa(tmp_path, INCLUDE + LOOSE) as (made, known):
        config = tmp_path / "ssh_config"
        config.write_text(config.read_text() + f"  GlobalKnownHostsFile {known}\n")

        assert made.refusal(KEYS).what == (f"{known} knows this host by a key alone that is to go.")


def test_strict_ends_forwarding_and_leaves_logins_alone(tmp_path: Path) -> None:
    with site(tmp_path, {MAIN: INCLUDE + LOOSE}) as made:
        assert made.lab.verdict("ssh-forwarding").outcome is Outcome.FAIL
        assert forwards(tmp_path)

        made.harden(STRICT)

        assert made.lab.verdict("ssh-forwarding").outcome is Outcome.PASS
        assert not forwards(tmp_path)
        assert made.lab.logs_in("bob", "publickey")
        assert made.refusal(STRICT).what.startswith("sshd is as hard")


def forwards(folder: Path) -> bool:
    """Reach the server's own port through it, as a jump does."""
    command = ("ssh", "-F", str(folder / "ssh_config"), "-W", "127.0.0.1:22", "lab")
    with subprocess.Popen(  # noqa: S603 - an argument tuple
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout
        said = process.stdout.readline()
        process.kill()
    return said.startswith(b"SSH-2.0")


@pytest.mark.parametrize(
    "way", ["ProxyJump lab", "ProxyJump root@127.0.0.1", "ProxyCommand ssh -W %h:%p root@lab"]
)
def test_strict_is_refused_while_a_known_context_jumps_through_the_host(
    tmp_path: Path, way: str
) -> None:
    with site(tmp_path, {MAIN: INCLUDE + LOOSE}) as made:
        config = tmp_path / "ssh_config"
        config.write_text(f"{config.read_text()}Host inner\n  {way}\n")
        found = made.refusal(STRICT, far=SshEndpoint("inner"), near=SshEndpoint("lab", "root"))

        assert found.what == "These are reached by a jump through lab: far."


# The program of systemd as far as it is asked here: sshd is started for each connection.
_SYSTEMCTL = """\
#!/bin/sh
echo "$*" >>/run/systemctl.log
case $1 in
  show) printf '%s\\n' Id=ssh.service LoadState=loaded ActiveState=inactive '' \
    Id=ssh.socket LoadState=loaded ActiveState=active NeedDaemonReload=no \\
    'Listen=[::]:22 (Stream)' ;;
  is-active) exit 3 ;;
  reload | restart) exit 1 ;;
esac
"""
_SYSTEMD_RUN = """\
#!/bin/sh
for word; do case $word in --on-active=*) after=${word#*=} ;; --*) ;; *) break ;; esac; shift; done
setsid sh -c 'sleep "$1"; shift; exec "$@"' - "$after" "$@" >/dev/null 2>&1 </dev/null &
"""
_SOCKET = """\
import socket, subprocess
s = socket.create_server(("127.0.0.1", 22))
while True:
    c, _ = s.accept()
    with c:
        subprocess.Popen(["/usr/local/sbin/sshd", "-i"], stdin=c, stdout=c, stderr=2)
"""


def test_an_sshd_that_a_socket_starts_needs_no_reload_and_gets_none(tmp_path: Path) -> None:
    with lab() as inside:
        inside.write({MAIN: INCLUDE + SOFT, "/run/listener.py": _SOCKET})
        inside.run("mkdir", "-p", "/run/systemd/system", "/usr/local/bin")
        for name, text in (("systemctl", _SYSTEMCTL), ("systemd-run", _SYSTEMD_RUN)):
            inside.write({f"/usr/local/bin/{name}": text})
            inside.run("chmod", "755", f"/usr/local/bin/{name}")
        inside.run(
            "sh", "-c", f"setsid {sys.executable} /run/listener.py >/dev/null 2>&1 </dev/null &"
        )
        inside.wait()
        made = at(inside, tmp_path)
        assert inside.logs_in("bob", "password")

        plan = made.harden()

        assert plan
        assert any("socket" in note for note in plan.forth.notes)
        assert not inside.logs_in("bob", "password")
        assert inside.logs_in("bob", "publickey")
        asked = inside.run("cat", "/run/systemctl.log").stdout.splitlines()
        assert "is-active -q ssh.service" in asked
        verbs = {line.split()[0] for line in asked if line.split()[-1].startswith("ssh")}
        assert verbs <= {"show", "is-active"}


def hullward(made: Lab, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line beside the server, as on its console."""
    return made.run(sys.executable, "-m", "hullward", *words)


def test_on_the_host_itself_a_key_login_to_itself_is_what_counts(tmp_path: Path) -> None:
    with site(tmp_path, {MAIN: INCLUDE + SOFT}) as made:
        refused = hullward(made.lab, "ssh", "harden", "--yes", "unix:///run/none.sock")

        assert refused.returncode == 2
        assert refused.stderr.splitlines()[-2].startswith(
            "hullward: No key login works for root on localhost ("
        )
        made.lab.run("mkdir", "-p", "/run/homes/.ssh")
        made.lab.run("cp", "/run/id", "/run/homes/.ssh/id_ed25519")
        made.lab.run("sh", "-c", "ssh-keyscan localhost >/run/homes/.ssh/known_hosts")

        before = hullward(made.lab, "ssh", "check", "unix:///run/none.sock")
        dry = hullward(made.lab, "ssh", "harden", "--dry-run", "unix:///run/none.sock")
        done = hullward(made.lab, "ssh", "harden", "--yes", "unix:///run/none.sock")
        after = hullward(made.lab, "ssh", "check", "unix:///run/none.sock")
        changes = hullward(made.lab, "changes", "unix:///run/none.sock")
        undone = hullward(made.lab, "undo", "--yes", "unix:///run/none.sock")

        assert before.returncode == 1
        assert "HIGH ssh-password-login" in before.stdout
        assert "→ hullward ssh harden unix:///run/none.sock" in before.stdout
        assert "container" not in before.stdout
        assert "+PasswordAuthentication no" in dry.stdout.splitlines()
        assert (dry.returncode, done.returncode, undone.returncode) == (0, 0, 0), done.stderr
        assert "Harden sshd" in changes.stdout
        assert after.returncode == 0
        assert made.lab.logs_in("bob", "password")


def test_another_ssh_server_is_told(tmp_path: Path) -> None:
    with lab() as inside:
        inside.run("rm", "/usr/local/sbin/sshd")
        inside.write({"/usr/local/sbin/dropbear": "#!/bin/sh\n"})
        inside.run("chmod", "755", "/usr/local/sbin/dropbear")
        made = at(inside, tmp_path)
        made.machine = replace(made.machine, journal=Journal(Inside(inside), "/run/hullward"))

        assert made.refusal().what == (
            "sshd cannot be hardened: another ssh server (dropbear) is here; only OpenSSH's can "
            "be read."
        )


def test_files_that_a_user_could_rewrite_become_root_s_and_a_folder_is_refused(
    tmp_path: Path,
) -> None:
    with site(tmp_path, {MAIN: INCLUDE + SOFT, OURS: "MaxAuthTries 3\n"}) as made:
        made.lab.run("chown", "bob", DROP_INS)
        assert made.refusal().what == f"Others than root can replace files in {DROP_INS}."
        made.lab.run("chown", "root", DROP_INS)
        made.lab.run("chown", "bob", OURS)
        before = made.files()

        made.harden()

        assert "./sshd_config.d/00-hullward.conf 0 0 644" in made.files()
        assert made.lab.run("sh", "-c", f"echo >>{OURS}", user="60023").returncode

        undo.undo(made.machine, None, undo.REFUSE, made.person)

        assert made.files() == before


def test_a_key_that_is_bound_to_an_address_cannot_be_rehearsed_and_that_is_said(
    tmp_path: Path,
) -> None:
    with site(tmp_path, {MAIN: INCLUDE + SOFT}) as made:
        made.lab.run("sed", "-i", 's/^/from="127.0.0.1" /', "/etc/ssh/authorized_keys/root")

        found = made.refusal()

        assert found.what.startswith(
            "The login cannot be rehearsed, not even with the files of now"
        )
        assert "from=" in found.advice

        plan = ssh.harden(made.machine, ssh.Request(rehearsed=False), made.person)

        assert plan
        assert any("no login is rehearsed" in note for note in plan.forth.notes)
        assert made.outcomes() == {Outcome.PASS}


def test_a_file_that_is_edited_while_the_person_thinks_is_drift(tmp_path: Path) -> None:
    with site(tmp_path, {MAIN: SOFT}) as made:

        def agrees(_: Plan) -> bool:
            made.lab.write({MAIN: f"{SOFT}Banner none\n"})
            return True

        with pytest.raises(HullwardError) as refused:
            ssh.harden(made.machine, ssh.Request(), flow.Person("me", agrees, made.heard.append))

        assert refused.value.what == f"Somebody has written {MAIN} since it was looked at."
        assert made.lab.run("cat", MAIN).stdout == f"{SOFT}Banner none\n"


def test_a_preview_that_is_declined_changes_nothing_not_even_known_hosts(tmp_path: Path) -> None:
    with pinned_by_ecdsa(tmp_path, INCLUDE + LOOSE) as (made, known):
        before, text = made.files(), known.read_text()

        def declines(_: Plan) -> bool:
            return False

        done = ssh.harden(
            made.machine, ssh.Request(KEYS), flow.Person("me", declines, made.heard.append)
        )

        assert done is None
        assert (made.files(), known.read_text()) == (before, text)
        assert not made.machine.journal.changes()


# As much of an engine as a client asks for first.
_DOCKER = """\
#!/bin/sh
read -r _
printf 'HTTP/1.1 200 OK\\r\\nApi-Version: 1.44\\r\\nContent-Length: 2\\r\\n\\r\\nOK'
exec cat >/dev/null
"""


def test_strict_is_taken_back_when_docker_comes_over_ssh_no_more(tmp_path: Path) -> None:
    with site(tmp_path, {MAIN: INCLUDE + LOOSE}) as made:
        made.lab.run("mkdir", "-p", "/usr/local/bin")
        made.lab.write({"/usr/local/bin/docker": _DOCKER})
        made.lab.run("chmod", "755", "/usr/local/bin/docker")
        before = made.files()

        def hears(step: str) -> None:
            if step == "Verifying":
                made.lab.run("rm", "-f", "/usr/local/bin/docker")

        with pytest.raises(HullwardError) as failed:
            ssh.harden(made.machine, ssh.Request(STRICT), flow.Person("me", yes, hears))

        assert failed.value.what.startswith("Docker does not come over ssh any more: ")
        assert failed.value.advice.startswith("Everything is as it was before.")
        assert made.files() == before

        made.lab.write({"/usr/local/bin/docker": _DOCKER})
        made.lab.run("chmod", "755", "/usr/local/bin/docker")

        assert made.harden(STRICT)
