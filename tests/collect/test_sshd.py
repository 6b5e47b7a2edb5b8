import subprocess
from collections.abc import Mapping
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullward.collect import sshd, sshd_files
from hullward.collect.bundle import Said
from hullward.collect.sshd_files import Block, Files, Line
from hullward.judge import judge
from hullward.model.facts import Snapshot
from hullward.model.host import Host
from hullward.model.report import Outcome
from hullward.model.rule import Rule
from hullward.model.sshd import HostKey, LoginKey, Master, Probe, Setting, Socket, Sshd
from hullward.rules import ssh, ssh_server, ssh_state

RULES = [
    value
    for module in (ssh, ssh_server, ssh_state)
    for value in vars(module).values()
    if isinstance(value, Rule)
]
MAIN = "/etc/ssh/sshd_config"
FIRST = "/etc/ssh/sshd_config.d/50-cloud-init.conf"

# Recorded from OpenSSH 9.2 of Debian 12, with fewer lines and probes.
LOGIN = """\
permitrootlogin without-password
hostbasedauthentication no
pubkeyauthentication yes
kerberosauthentication no
gssapiauthentication no
passwordauthentication no
kbdinteractiveauthentication no
x11forwarding no
permitemptypasswords no
gatewayports no
disableforwarding no
trustedusercakeys none
authorizedkeyscommand none
authorizedkeysfile .ssh/authorized_keys .ssh/authorized_keys2
authenticationmethods any
"""
COMMON = """\
port 22
usepam no
strictmodes yes
pidfile /run/sshd.pid
ciphers chacha20-poly1305@openssh.com,aes256-gcm@openssh.com
macs hmac-sha2-256-etm@openssh.com
kexalgorithms sntrup761x25519-sha512,curve25519-sha256
hostkeyalgorithms ssh-ed25519,rsa-sha2-512,rsa-sha2-256
hostkey /etc/ssh/ssh_host_ed25519_key
permituserenvironment no
"""
RECORDED = f"""\
== program OpenSSH_9.2 /usr/sbin/sshd
== master 29 424435 100 1795518093 kept
== file {MAIN}
1:Include /etc/ssh/sshd_config.d/*.conf
2:PermitRootLogin prohibit-password
3:PasswordAuthentication no
6:HostKey /etc/ssh/ssh_host_ed25519_key
10:Match User bob Address 10.1.0.0/16
11:  PasswordAuthentication yes
== include 1 {MAIN} {FIRST}
== file {FIRST}
1:PasswordAuthentication no
== probe root 10.1.0.0 10.1.0.0 127.0.0.1 22
{LOGIN}== done
== common
{LOGIN}{COMMON}== done
== probe hullward-any-other 203.0.113.250 203.0.113.250 127.0.0.1 22
{LOGIN}== done
== probe bob 10.1.0.0 10.1.0.0 127.0.0.1 22
{LOGIN.replace("passwordauthentication no", "passwordauthentication yes")}== done
== asked 3 3
== pidfile 1795522337 29
== stat config 0 root root 644 1795522300 1795522300 {MAIN}
== stat directory 0 root root 755 1795522300 1795522300 /etc/ssh
== hostkey /etc/ssh/ssh_host_ed25519_key
256 SHA256:IUYProvNF4gerDIlqc0ANnNiQejl5dpvXC3oldVIPEg ED25519
== stat host-key 0 root root 600 1795522300 1795522300 /etc/ssh/ssh_host_ed25519_key
== end
"""
KEYS = """\
== user root
== keys /root/.ssh/authorized_keys
key 256 SHA256:abc ED25519 from command
key 0 - -
== user bob
== end
"""
UNITS = """\
== systemd
Id=ssh.service
LoadState=loaded
ActiveState=active
NeedDaemonReload=no

Id=sshd.service
LoadState=loaded
ActiveState=active

Id=ssh.socket
LoadState=loaded
ActiveState=active
NeedDaemonReload=yes
Listen=0.0.0.0:22 (Stream)
Listen=[::]:2222 (Stream)

Id=sshd.socket
LoadState=not-found
ActiveState=inactive
== end
"""
ANSWERS = {"sshd": RECORDED, "sshd-keys": KEYS, "sshd-units": UNITS}


def answers(**changes: str) -> Mapping[str, Said]:
    texts = ANSWERS | {name.replace("_", "-"): text for name, text in changes.items()}
    return {name: Said(text) for name, text in texts.items()}


def parsed(**changes: str) -> Sshd:
    found = sshd.parse(answers(**changes))
    assert isinstance(found, Sshd), found
    return found


def outcomes(given_answers: Mapping[str, Said]) -> dict[str, Outcome]:
    found = sshd.parse(given_answers)
    host = Host(gaps={"sshd": found}) if isinstance(found, str) else Host(sshd=found)
    verdicts = judge(Snapshot("h", host=host), RULES, [], date(2026, 1, 1)).verdicts
    return {verdict.rule: verdict.outcome for verdict in verdicts}


def test_a_recorded_answer_gives_all_facts() -> None:
    found = parsed()

    assert found.gaps == {}
    assert (found.version, found.program) == ("OpenSSH_9.2", "/usr/sbin/sshd")
    assert found.masters == (Master(29, 1795522337, 1795522337),)
    assert found.host_keys == (
        HostKey(
            "/etc/ssh/ssh_host_ed25519_key",
            "ed25519",
            256,
            "SHA256:IUYProvNF4gerDIlqc0ANnNiQejl5dpvXC3oldVIPEg",
            MAIN,
            6,
        ),
    )
    assert [probe.user for probe in found.probes or ()] == ["root", "", "bob"]
    assert found.drop_in


def test_a_match_block_decides_for_its_user_and_names_its_line() -> None:
    root, _, bob = parsed().probes or ()

    assert bob.settings["passwordauthentication"] == Setting(
        "yes",
        MAIN,
        11,
        "User bob Address 10.1.0.0/16",
        (f"{FIRST}:1 says no, but is overruled", f"{MAIN}:3 says no, but is overruled"),
    )
    assert root.settings["passwordauthentication"].file == FIRST


def test_the_keys_that_open_root_are_read_with_their_limits() -> None:
    path = "/root/.ssh/authorized_keys"

    assert parsed().login_keys == (
        LoginKey("root", path, "ed25519", 256, "SHA256:abc", bound=True, forced=True),
        LoginKey("root", path),
    )


def test_the_socket_of_systemd_is_read_with_its_ports() -> None:
    assert parsed().socket == Socket(active=True, ports=("22", "2222"), stale=True)


@pytest.mark.parametrize(
    ("units", "command"),
    [
        (UNITS, "systemctl reload ssh"),
        (UNITS.replace("ssh.service\nLoadState=loaded", "ssh.service\nLoadState=not-found", 1), ""),
        ("== openrc\n== end\n", "rc-service sshd reload"),
        ("== none\n== end\n", "kill -HUP 29"),
        ("", "systemctl reload ssh"),
    ],
)
def test_the_command_to_reload_is_that_of_the_host(units: str, command: str) -> None:
    assert parsed(sshd_units=units).reload == (command or "systemctl reload sshd")


def test_keywords_are_read_in_any_case() -> None:
    text = RECORDED.replace("permitrootlogin", "PermitRootLogin").replace(
        "kbdinteractive", "ChallengeResponse"
    )
    probe = (parsed(sshd=text).probes or ())[0]

    assert probe.value("permitrootlogin") == "without-password"
    assert probe.value("kbdinteractiveauthentication") == "no"


def test_no_sshd_is_a_fact_and_every_rule_passes() -> None:
    found = answers(sshd="== absent\n== end\n")

    assert not parsed(sshd="== absent\n== end\n").present
    assert set(outcomes(found).values()) == {Outcome.PASS}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("== absent\n", "the ssh server: the answer ends before its end"),
        ("== other dropbear\n== absent\n== end\n", "another ssh server (dropbear)"),
        ("== lost\n== end\n", "an sshd runs here, but its program cannot be run"),
        ("", "the ssh server: the answer ends before its end"),
        ("== end\n", "the ssh server: no program of it was named"),
    ],
)
def test_what_could_not_be_seen_is_no_absence(text: str, reason: str) -> None:
    found = sshd.parse(answers(sshd=text))

    assert isinstance(found, str)
    assert found.startswith(reason)
    assert set(outcomes(answers(sshd=text)).values()) == {Outcome.UNKNOWN}


def test_a_question_that_timed_out_leaves_its_reason() -> None:
    found = sshd.parse({"sshd": Said("== program v p\n", 124, "it did not answer in time")})

    assert isinstance(found, Sshd)
    assert found.gaps["probes"] == "sshd -T: it did not answer in time"


def test_without_root_the_complaint_of_sshd_is_the_reason() -> None:
    text = (
        "== program OpenSSH_9.2 /usr/sbin/sshd\n== probe root 1.2.3.4 1.2.3.4 127.0.0.1 22\n"
        "! sshd: no hostkeys available -- exiting.\n== end\n"
    )

    assert parsed(sshd=text).gaps["probes"] == ("sshd -T: sshd: no hostkeys available -- exiting.")
    assert Outcome.PASS not in outcomes(answers(sshd=text)).values()


def test_too_many_pairs_of_user_and_address_are_owned_up_to() -> None:
    text = RECORDED.replace("asked 3 3", "asked 64 900")

    assert "only 64 of 900" in parsed(sshd=text).gaps["probes"]
    assert outcomes(answers(sshd=text))["ssh-public-key"] is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "line", ["stat config 0 root root 6x4 1 1 /f", "stat config ٣ a b 644 1 1 /f"]
)
def test_rights_that_cannot_be_read_are_a_gap(line: str) -> None:
    text = RECORDED.replace("== end", f"== {line}\n== end")

    assert "/f" in parsed(sshd=text).gaps["files"]


@pytest.mark.parametrize(
    "more", ["== hostkey /k\n" * 3000, "x\n" * 50_000, "1:Match " + "*a" * 9000]
)
def test_more_than_a_host_can_say_is_no_answer(more: str) -> None:
    found = outcomes(answers(sshd=RECORDED.replace("== end", f"{more}\n== end")))

    assert set(found.values()) == {Outcome.UNKNOWN}


@given(st.integers(0, len(RECORDED) - 1))
def test_an_answer_cut_anywhere_passes_no_rule_that_needs_its_rest(end: int) -> None:
    found = outcomes(answers(sshd=RECORDED[:end]))
    # Its settings stand in the middle of the answer, whole or not there.
    found.pop("ssh-key-exchange")

    assert not {Outcome.PASS, Outcome.BROKEN} & set(found.values())


@given(st.integers(0, len(KEYS) - 1))
def test_a_cut_list_of_keys_is_no_pass(end: int) -> None:
    found = outcomes(answers(sshd_keys=KEYS[:end]))

    assert found["ssh-root-keys"] in {Outcome.UNKNOWN, Outcome.FAIL}


@given(st.text(), st.sampled_from(sorted(ANSWERS)))
def test_any_text_is_read_without_a_crash(text: str, name: str) -> None:
    found = outcomes({**answers(), name: Said(text)})

    assert Outcome.BROKEN not in found.values()


@given(st.lists(st.tuples(st.integers(0, 40), st.text("\x00\x1b=ab01:/ \n", max_size=9))))
def test_lines_that_were_tampered_with_never_crash(changes: list[tuple[int, str]]) -> None:
    lines = RECORDED.splitlines()
    for index, text in changes:
        lines[index % len(lines)] = text
    found = outcomes(answers(sshd="\n".join(lines)))

    assert Outcome.BROKEN not in found.values()


def test_files_that_include_each_other_come_to_an_end() -> None:
    text = [(n, f"Include {MAIN}") for n in range(50)]
    files = Files({MAIN: text}, {(MAIN, n): [MAIN] * 50 for n in range(50)}, MAIN)

    assert sshd_files.lines(files) == ()


def test_a_match_block_ends_with_the_file_that_it_is_in() -> None:
    files = Files(
        {
            MAIN: [(1, "Include a"), (2, "PasswordAuthentication no")],
            "a": [(1, "Match User bob"), (2, "PasswordAuthentication=yes")],
        },
        {(MAIN, 1): ["a"]},
        MAIN,
    )

    assert sshd_files.lines(files, ["X11Forwarding=no"]) == (
        Line("-o", 0, "x11forwarding", "no"),
        Line("a", 2, "passwordauthentication", "yes", (Block("a", 1, "User bob"),)),
        Line(MAIN, 2, "passwordauthentication", "no"),
    )


BOB = Probe("bob", "10.1.2.3", "web.example", "192.0.2.1", "22")


@pytest.mark.parametrize(
    ("criteria", "applies"),
    [
        ("all", True),
        ("User bob", True),
        ("user b?b,!bab", True),
        ("User *,!bob", False),
        ("Group docker", True),
        ("Group wheel", False),
        ("Address 10.1.0.0/16", True),
        ("Address 10.1.0.0/16,!10.1.2.*", False),
        ("Address 2001:db8::/32", False),
        ("Host *.EXAMPLE", True),
        ("LocalAddress 192.0.2.1 LocalPort 22", True),
        ("LocalPort 2222", False),
        ("User bob Address 192.0.2.0/24", False),
        ("RDomain x", None),
        ("", None),
    ],
)
def test_match_criteria_are_judged_as_sshd_does(criteria: str, *, applies: bool | None) -> None:
    block = Block(MAIN, 1, criteria)

    assert sshd_files.applies([block], BOB, ["docker"]) is applies


@pytest.mark.parametrize(
    ("lines", "first"),
    [
        (["Include /etc/ssh/sshd_config.d/*.conf", "Port 22"], True),
        (["Port 22", "Include /etc/ssh/sshd_config.d/*.conf"], False),
        (["Include /etc/crypto.conf", "Include sshd_config.d/*.conf"], True),
        ([], False),
    ],
)
def test_drop_ins_come_first_only_where_the_main_file_includes_them_first(
    lines: list[str], *, first: bool
) -> None:
    files = Files({MAIN: list(enumerate(lines))}, {}, MAIN)

    assert sshd_files.drop_in_first(files) is first


@pytest.mark.parametrize("shell", ["sh", "dash", "busybox"])
def test_the_questions_are_sh_that_any_host_reads(shell: str) -> None:
    command = ("busybox", "sh") if shell == "busybox" else (shell,)
    for question in sshd.QUESTIONS:
        try:
            said = subprocess.run(  # noqa: S603 - an argument tuple
                (*command, "-n"),
                input=question.command,
                text=True,
                capture_output=True,
                check=False,
            )
        except FileNotFoundError:
            pytest.skip(f"{shell} is not installed")

        assert (said.returncode, said.stderr) == (0, "")


def test_one_answer_for_everybody_is_kept_for_each() -> None:
    first = f"== probe root 192.0.2.9 192.0.2.9 127.0.0.1 22\n{LOGIN}== done\n"
    rest = "== probe bob 192.0.2.9 192.0.2.9 127.0.0.1 22\n== same\n"
    way = "== connection 192.0.2.9 127.0.0.1 22\n"
    found = parsed(sshd=f"== program OpenSSH_9.2 /s\n{way}{first}{rest}== asked 2 2\n== end\n")
    root, bob = found.probes or ()

    assert (root.user, bob.user) == ("root", "bob")
    assert root.settings == bob.settings
    assert bob.value("passwordauthentication") == "no"
    assert found.connection == ("192.0.2.9", "127.0.0.1", "22")


def test_an_answer_that_is_the_same_as_none_is_none() -> None:
    text = "== program OpenSSH_9.2 /s\n== probe bob a a l 22\n== same\n== asked 1 1\n== end\n"

    assert parsed(sshd=text).probes is None


def test_somebody_of_a_group_that_may_log_in_is_told_from_others() -> None:
    login = f"{LOGIN}allowgroups ops\nallowgroups staff\n"
    text = "== program OpenSSH_9.2 /s\n== groups ann users ops\n== groups gone \n"
    for user in ("ann", "gone", "hullward-any-other"):
        text += f"== probe {user} a a l 22\n{login}== done\n"
    found = parsed(sshd=f"{text}== asked 3 3\n== end\n")

    assert [probe.admitted for probe in found.probes or ()] == [True, None, False]
