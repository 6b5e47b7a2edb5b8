"""Verdicts about sshd next to what a real sshd does.

Each test starts OpenSSH's own server on a configuration, in namespaces of its own, runs the real
collector script beside it, judges, and then tries real logins. What is proven is the equivalence:
"password login is off" for somebody exactly when the server neither offers nor takes a password.
"""

import os
import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from hullward.collect import bundle
from hullward.host import offer
from hullward.host.deadline import Deadline
from hullward.host.endpoints import SshEndpoint
from hullward.host.offer import Offer
from hullward.host.reader import Access
from hullward.model.report import Outcome
from hullward.model.severity import Severity
from sshd_lab import HARDENED, INSIDE, MAIN, OUTSIDE, RULES, Lab, lab, missing, server, verdict

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces and an sshd need root"),
    pytest.mark.skipif(bool(missing()), reason=f"not installed: {missing()}"),
]

DROP_INS = "/etc/ssh/sshd_config.d"
INCLUDE = f"Include {DROP_INS}/*.conf\n"
WITHOUT = HARDENED.replace("PasswordAuthentication no\n", "")


def passwords_work(made: Lab, user: str, source: str = "127.0.0.1") -> bool:
    """Try one, and check that the server's own list of methods agrees."""
    taken = made.logs_in(user, "password", source)
    assert ("password" in made.offered(user, source)) or not taken
    return taken


def lines_to_write(remedies: str) -> str:
    """Take the lines of a remedy, as somebody would who follows it."""
    return "".join(f"{x[2:]}\n" for x in remedies.splitlines() if x.startswith("  "))


def test_a_hardened_server_passes_every_rule_and_takes_keys_only() -> None:
    with server({MAIN: HARDENED}) as made:
        found = made.look()
        outcomes = {rule: verdict(found, rule).outcome for rule in RULES}

        assert found.gaps == {}
        assert {r for r, o in outcomes.items() if o is not Outcome.PASS} == {"ssh-root-keys"}
        for user in ("root", "bob"):
            assert made.offered(user) == ("publickey",)
            assert made.logs_in(user, "publickey")
            assert not made.logs_in(user, "password")
            assert not made.logs_in(user, "keyboard-interactive")


def test_passwords_by_default_are_found_and_root_by_key_only_is_believed() -> None:
    with server({MAIN: WITHOUT}) as made:
        found = made.verdict("ssh-password-login")

        assert found.outcome is Outcome.FAIL
        assert "any other user" in found.evidence
        assert "sshd's own default" in found.evidence
        assert "root" not in found.evidence
        assert passwords_work(made, "eve")
        assert not made.logs_in("root", "password")
        assert made.logs_in("root", "publickey")
        assert made.verdict("ssh-root-login").outcome is Outcome.PASS


def test_the_first_drop_in_wins_over_a_later_no_and_the_remedy_wins_over_both() -> None:
    files = {
        MAIN: INCLUDE + HARDENED,
        f"{DROP_INS}/50-cloud-init.conf": "PasswordAuthentication yes\n",
        f"{DROP_INS}/99-hardening.conf": "PasswordAuthentication no\n",
    }
    with server(files) as made:
        found = made.verdict("ssh-password-login")

        assert found.outcome is Outcome.FAIL
        assert f"{DROP_INS}/50-cloud-init.conf:1" in found.evidence
        assert f"{DROP_INS}/99-hardening.conf:1 says no, but is overruled" in found.evidence
        assert "50-cloud-init" not in found.remedy
        assert passwords_work(made, "bob")

        place, line = found.remedy.splitlines()[:2]
        made.write({place.removeprefix("Write at the top of ").rstrip(":"): f"{line.strip()}\n"})
        made.reload()

        assert made.verdict("ssh-password-login").outcome is Outcome.PASS
        assert made.verdict("ssh-running-differs").outcome is Outcome.PASS
        assert not passwords_work(made, "bob")


def test_a_line_appended_after_a_match_block_changes_nothing_for_others() -> None:
    text = f"{WITHOUT}Match User bob\n  X11Forwarding no\nPasswordAuthentication no\n"
    with server({MAIN: text}) as made:
        found = made.verdict("ssh-password-login")

        assert found.outcome is Outcome.FAIL
        assert "any other user" in found.evidence
        assert "bob," not in found.evidence.partition("(")[0]
        assert f"{MAIN}:10 says no, but only for Match User bob (line 8)" not in found.evidence
        assert "says no, but only for Match User bob" in found.evidence
        assert passwords_work(made, "eve")
        assert not passwords_work(made, "bob")


def test_a_match_block_reopens_passwords_for_its_user_only() -> None:
    text = f"{HARDENED}Match User bob\n  PasswordAuthentication yes\n"
    with server({MAIN: text}) as made:
        found = made.verdict("ssh-password-login")

        assert found.outcome is Outcome.FAIL
        assert found.evidence.startswith(
            f"PasswordAuthentication is yes for bob ({MAIN}:11 in Match User bob"
        )
        assert found.remedy.startswith(f"Remove line 11 of {MAIN}")
        assert passwords_work(made, "bob")
        assert not passwords_work(made, "eve")
        assert not passwords_work(made, "root")


def test_a_match_block_reopens_passwords_for_a_group_and_a_pattern() -> None:
    text = (
        f"{HARDENED}Match Group docker\n  PasswordAuthentication yes\n"
        "Match User e*\n  KbdInteractiveAuthentication yes\n"
    )
    with server({MAIN: text}) as made:
        found = made.look()

        assert "yes for bob (" in verdict(found, "ssh-password-login").evidence
        assert "eve" in verdict(found, "ssh-keyboard-interactive").evidence
        assert passwords_work(made, "bob")
        assert not passwords_work(made, "eve")
        assert "keyboard-interactive" in made.offered("eve")


def test_a_match_block_reopens_passwords_from_its_network_only() -> None:
    text = f"{HARDENED}Match Address 10.1.0.0/16,!10.1.7.*\n  PasswordAuthentication yes\n"
    with server({MAIN: text}) as made:
        found = made.verdict("ssh-password-login")

        assert found.outcome is Outcome.FAIL
        assert "from 10.1.0.0 or from 10.1.255.255" in found.evidence
        assert "10.1.7.1" not in found.evidence.partition("(")[0]
        assert "anywhere else" not in found.evidence
        assert passwords_work(made, "bob", INSIDE)
        assert not passwords_work(made, "bob", OUTSIDE)


def test_keyboard_interactive_takes_the_password_that_password_login_refuses() -> None:
    text = HARDENED.replace("KbdInteractiveAuthentication no\n", "").replace("PAM no", "PAM yes")
    with server({MAIN: text}) as made:
        found = made.look()

        assert verdict(found, "ssh-password-login").outcome is Outcome.PASS
        assert verdict(found, "ssh-keyboard-interactive").outcome is Outcome.FAIL
        assert verdict(found, "ssh-keyboard-interactive").severity is Severity.HIGH
        assert made.offered("bob") == ("publickey", "keyboard-interactive")
        assert made.logs_in("bob", "keyboard-interactive")
        assert not passwords_work(made, "bob")
        assert not made.logs_in("root", "keyboard-interactive")


def test_keyboard_interactive_without_pam_is_offered_but_lets_nobody_in() -> None:
    text = HARDENED.replace("KbdInteractiveAuthentication no", "KbdInteractiveAuthentication yes")
    with server({MAIN: text}) as made:
        found = made.verdict("ssh-keyboard-interactive")

        assert (found.outcome, found.severity) == (Outcome.FAIL, Severity.LOW)
        assert not made.logs_in("bob", "keyboard-interactive")


def test_a_password_that_is_asked_after_a_key_is_no_finding() -> None:
    text = f"{WITHOUT}AuthenticationMethods publickey,password\n"
    with server({MAIN: text}) as made:
        found = made.look()

        assert verdict(found, "ssh-password-login").outcome is Outcome.PASS
        assert made.offered("bob") == ("publickey",)
        assert not passwords_work(made, "bob")
        assert made.logs_in("bob", "publickey,password")


def test_root_by_password_is_found_and_works() -> None:
    text = WITHOUT.replace("prohibit-password", "yes")
    with server({MAIN: text}) as made:
        found = made.verdict("ssh-root-login")

        assert (found.outcome, found.severity) == (Outcome.FAIL, Severity.HIGH)
        assert f"PermitRootLogin is yes for root ({MAIN}:1)" in found.evidence
        assert passwords_work(made, "root")


@pytest.mark.parametrize("line", ["AllowUsers bob", "DenyUsers eve r*"])
def test_root_that_is_shut_out_is_no_finding(line: str) -> None:
    with server({MAIN: f"{WITHOUT.replace('prohibit-password', 'yes')}{line}\n"}) as made:
        assert made.verdict("ssh-root-login").outcome is Outcome.PASS
        # First: newer servers shut out an address after a refusal (PerSourcePenalties).
        assert made.logs_in("bob", "password")
        assert not made.logs_in("root", "password")
        assert not made.logs_in("root", "publickey")


def test_root_login_with_passwords_off_is_milder_and_takes_no_password() -> None:
    with server({MAIN: HARDENED.replace("prohibit-password", "yes")}) as made:
        found = made.verdict("ssh-root-login")

        assert (found.outcome, found.severity) == (Outcome.FAIL, Severity.MEDIUM)
        assert not passwords_work(made, "root")


def test_an_argument_of_the_daemon_beats_its_files() -> None:
    with server({MAIN: HARDENED}, ("-o", "PasswordAuthentication yes")) as made:
        found = made.verdict("ssh-password-login")

        assert found.outcome is Outcome.FAIL
        assert "by the arguments that sshd was started with" in found.evidence
        assert "/etc/default/ssh" in found.remedy
        assert passwords_work(made, "bob")


def test_the_file_that_the_daemon_was_started_with_is_read() -> None:
    files = {MAIN: HARDENED, "/etc/ssh/other": WITHOUT}
    with server(files, ("-f", "/etc/ssh/other")) as made:
        found = made.look()

        assert found.config == "/etc/ssh/other"
        assert verdict(found, "ssh-password-login").outcome is Outcome.FAIL
        assert passwords_work(made, "bob")


def test_a_hardened_file_that_the_daemon_has_not_read_is_found() -> None:
    with server({MAIN: WITHOUT}) as made:
        made.run("sleep", "1.1")
        made.write({MAIN: HARDENED})
        before = made.look()

        assert verdict(before, "ssh-password-login").outcome is Outcome.PASS
        assert verdict(before, "ssh-running-differs").outcome is Outcome.FAIL
        assert f"{MAIN} changed after" in verdict(before, "ssh-running-differs").evidence
        assert passwords_work(made, "bob")

        made.reload()
        after = replace(made.look(), offered={"bob": made.offered("bob")})

        assert verdict(after, "ssh-running-differs").outcome is Outcome.PASS
        assert not passwords_work(made, "bob")


def test_what_a_real_connection_is_offered_beats_what_the_files_say() -> None:
    with server({MAIN: WITHOUT}) as made:
        offered = {"bob": made.offered("bob")}
        made.write({MAIN: HARDENED})
        found = replace(made.look(), offered=offered, masters=())

        assert "bob is really offered publickey, password" in (
            verdict(found, "ssh-running-differs").evidence
        )


def test_a_file_that_a_user_owns_is_found_and_that_user_can_rewrite_it() -> None:
    with server({MAIN: HARDENED}) as made:
        made.run("chown", "bob", MAIN)
        found = made.verdict("ssh-file-permissions")

        assert found.outcome is Outcome.FAIL
        assert f"{MAIN} belongs to bob" in found.evidence
        line = f"echo PasswordAuthentication yes >>{MAIN}"
        assert not made.run("sh", "-c", line, user="60023").returncode


def test_without_root_every_rule_is_unknown_and_none_passes() -> None:
    # A Match block, since newer servers say without root what holds where there is none.
    text = f"{HARDENED}Match User bob\n  PasswordAuthentication yes\n"
    with server({MAIN: text}) as made:
        found = made.look(user="60024")
        outcomes = {rule: verdict(found, rule).outcome for rule in RULES}

        assert "no hostkeys available" in found.gaps["probes"]
        assert Outcome.PASS not in outcomes.values()


def test_a_host_key_is_judged_by_what_it_is_not_by_its_name() -> None:
    text = HARDENED.replace("HostKey /etc/ssh/ssh_host_ed25519_key", "HostKey /etc/ssh/rsa_key")
    text = text.replace("HostKeyAlgorithms ssh-ed25519\n", "")
    with lab() as made:
        made.run("ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", "/etc/ssh/rsa_key")
        made.write({MAIN: text})
        made.start()
        found = made.look()
        said = made.run("ssh-keyscan", "127.0.0.1").stdout.splitlines()
        shown = {line.split()[1] for line in said if not line.startswith("#")}

        assert "/etc/ssh/rsa_key is ECDSA of 256 bits" in (
            verdict(found, "ssh-host-key-type").evidence
        )
        assert verdict(found, "ssh-host-key-algorithms").outcome is Outcome.FAIL
        assert "known_hosts" in verdict(found, "ssh-host-key-type").remedy
        assert shown == {"ecdsa-sha2-nistp256"}


def test_keys_that_open_root_are_listed_by_fingerprint_and_never_carried_off() -> None:
    with server({MAIN: HARDENED}) as made:
        made.run("ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", "/run/weak")
        script = (
            "f=/etc/ssh/authorized_keys/bob; key=$(cat $f /run/weak.pub | tail -n 1); "
            'sed -i \'s/^/from="10.1.0.0\\/16",restrict /\' $f; echo "$key" >>$f'
        )
        made.run("sh", "-c", script)
        raw = made.bundle()
        found = made.look()
        keys = {(key.user, key.type, key.bits, key.bound) for key in found.login_keys or ()}

        assert keys == {
            ("root", "ed25519", 256, False),
            ("bob", "ed25519", 256, True),
            ("bob", "rsa", 2048, False),
        }
        assert "bob has a key that is RSA of 2048 bits" in verdict(found, "ssh-root-keys").evidence
        said = " ".join(answer.text for answer in bundle.parse(raw).values())
        assert "AAAA" not in said
        assert "$6$" not in said


def test_the_lines_of_the_remedies_win_over_defaults_and_later_files() -> None:
    rules = (
        "ssh-password-login",
        "ssh-root-login",
        "ssh-host-key-type",
        "ssh-host-key-algorithms",
        "ssh-key-exchange",
        "ssh-forwarding",
    )
    old = "PermitRootLogin yes\nX11Forwarding yes\nGatewayPorts yes\nMACs +hmac-md5\n"
    old += "KexAlgorithms +diffie-hellman-group14-sha1\nHostKeyAlgorithms +ssh-rsa\n"
    old += "Ciphers +aes128-cbc\nAuthorizedKeysFile /etc/ssh/authorized_keys/%u\n"
    with lab() as made:
        made.run("ssh-keygen", "-A")
        made.write({MAIN: INCLUDE, f"{DROP_INS}/60-old.conf": old})
        made.start()
        found = made.look()
        before = [verdict(found, rule) for rule in rules]
        remedies = "\n".join(answer.remedy for answer in before)

        assert {answer.outcome for answer in before} == {Outcome.FAIL}
        assert {place for place in remedies.splitlines() if place.startswith("Write")} == {
            f"Write at the top of {DROP_INS}/00-hullward.conf:"
        }

        made.write({f"{DROP_INS}/00-hullward.conf": lines_to_write(remedies)})
        made.reload()
        found = made.look()
        shown = made.run("ssh-keyscan", "127.0.0.1").stdout

        assert {verdict(found, rule).outcome for rule in rules} == {Outcome.PASS}
        assert "ecdsa" not in shown
        assert "ssh-ed25519" in shown
        assert not passwords_work(made, "bob")
        assert made.logs_in("bob", "publickey")


def test_a_match_block_of_cloud_init_is_overruled_not_edited() -> None:
    cloud = "Match User bob\n  PasswordAuthentication yes\n"
    with server({MAIN: INCLUDE + HARDENED, f"{DROP_INS}/50-cloud-init.conf": cloud}) as made:
        remedy = made.verdict("ssh-password-login").remedy

        assert remedy.startswith(f"Write at the end of {DROP_INS}/00-hullward.conf")
        assert passwords_work(made, "bob")

        made.write({f"{DROP_INS}/00-hullward.conf": lines_to_write(remedy)})
        made.reload()

        assert made.verdict("ssh-password-login").outcome is Outcome.PASS
        assert not passwords_work(made, "bob")


@pytest.mark.parametrize(
    ("lists", "source", "let_in"),
    [
        ("AllowUsers bob", "127.0.0.1", {"bob"}),
        ("AllowUsers b?b\nDenyUsers root", "127.0.0.1", {"bob"}),
        ("AllowUsers !bob", "127.0.0.1", set()),
        ("AllowUsers *\nDenyUsers eve root", "127.0.0.1", {"bob"}),
        ("AllowUsers bob@10.1.0.0/16", INSIDE, {"bob"}),
        ("AllowUsers bob@10.1.0.0/16", OUTSIDE, set()),
        ("AllowUsers bob@!10.1.0.5,*", INSIDE, set()),
        ("DenyUsers *@10.1.0.*", INSIDE, set()),
        ("DenyUsers *@10.1.0.*", OUTSIDE, {"root", "bob", "eve"}),
        ("AllowGroups docker", "127.0.0.1", {"bob"}),
        ("AllowGroups docker\nAllowUsers eve bob", "127.0.0.1", {"bob"}),
        ("DenyGroups docker root", "127.0.0.1", {"eve"}),
        ("Match Address 10.1.0.0/16\n  AllowUsers eve", INSIDE, {"eve"}),
    ],
)
def test_who_is_found_is_who_gets_in_by_password(lists: str, source: str, let_in: set[str]) -> None:
    text = HARDENED.replace("PasswordAuthentication no", "PasswordAuthentication yes")
    text = text.replace("PermitRootLogin prohibit-password", "PermitRootLogin yes")
    with server({MAIN: f"{text}{lists}\n"}) as made:
        really = {user for user in ("root", "bob", "eve") if made.logs_in(user, "password", source)}
        found = made.look()
        near = {INSIDE: "10.1.", OUTSIDE: "203.0.113."}.get(source, "")
        here = [p for p in found.probes or () if p.address.startswith(near)]
        judged = replace(found, probes=tuple(here))
        evidence = verdict(judged, "ssh-password-login").evidence
        named = {user for user in ("root", "bob", "eve") if user in evidence.partition("(")[0]}
        everybody = "everybody" in evidence and "who may" not in evidence

        assert really == let_in
        assert "probes" not in found.gaps
        assert bool(evidence) == bool(let_in)
        assert everybody or named == let_in or "everybody who may log in" in evidence


def test_what_is_offered_over_ssh_shows_a_daemon_that_was_never_reloaded(tmp_path: Path) -> None:
    with server({MAIN: WITHOUT}) as made:
        access = Access(config=made.config(tmp_path))
        before = offer.ask(SshEndpoint("lab"), Deadline(20), access)
        made.write({MAIN: HARDENED})
        hardened = made.look()
        stale = offer.ask(SshEndpoint("lab"), Deadline(20), access)
        made.reload()
        after = offer.ask(SshEndpoint("lab"), Deadline(20), access)

        assert isinstance(stale, Offer)
        assert isinstance(after, Offer)
        assert before == stale == Offer("bob", ("publickey", "password"))
        assert after == Offer("bob", ("publickey",))
        assert "bob is really offered publickey, password" in (
            verdict(
                replace(hardened, offered={"bob": stale.methods}), "ssh-running-differs"
            ).evidence
        )
        assert (
            verdict(
                replace(made.look(), offered={"bob": after.methods}), "ssh-running-differs"
            ).outcome
            is Outcome.PASS
        )


def test_an_account_that_needs_no_proof_is_told(tmp_path: Path) -> None:
    text = HARDENED.replace("PasswordAuthentication no", "PasswordAuthentication yes")
    with server({MAIN: f"{text}PermitEmptyPasswords yes\n"}) as made:
        made.run("sed", "-i", "s|^bob:[^:]*:|bob::|", "/etc/shadow")
        access = Access(config=made.config(tmp_path))
        found = offer.ask(SshEndpoint("lab"), Deadline(20), access)

        assert found == Offer("bob", ("none",))


def test_a_hostile_match_line_runs_nothing() -> None:
    text = f'{HARDENED}Match User "$(touch${{IFS}}/run/ran),`touch${{IFS}}/run/ran`,*/../*"\n'
    with server({MAIN: f"{text}  PasswordAuthentication yes\n"}) as made:
        made.look()

        assert made.run("test", "-e", "/run/ran").returncode == 1


@pytest.mark.skipif(bool(shutil.which("sshd")), reason="this machine has an sshd of its own")
def test_a_host_without_sshd_passes_because_nobody_can_log_in() -> None:
    with lab() as made:
        made.run("rm", "/usr/local/sbin/sshd")
        found = made.look()

        assert not found.present
        assert {verdict(found, rule).outcome for rule in RULES} == {Outcome.PASS}
