from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fakes import attempt
from hullward.fixes import sshd as fix
from hullward.fixes.sshd_lines import PLAIN, Line, Wish, obstacles, wanted
from hullward.model.change import FileNow
from hullward.model.errors import HullwardError
from hullward.model.plan import Act, Edit, Owner, Plan
from hullward.model.sshd import HostKey, Keep, LoginKey, Master, Probe, Setting, Sshd

MAIN, OURS = "/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/00-hullward.conf"
INCLUDE = "Include /etc/ssh/sshd_config.d/*.conf\n"
SOFT = {
    "permitrootlogin": "yes",
    "pubkeyauthentication": "yes",
    "passwordauthentication": "yes",
    "kbdinteractiveauthentication": "no",
    "authenticationmethods": "any",
}
RELOAD = Act(("systemctl", "reload", "ssh"))
KEEP = Keep("root", admins=("root", "ann"))
TEXT = """\
# Written by hullward; `hullward undo` takes it back. sshd keeps the first value it reads.
PermitRootLogin prohibit-password
PubkeyAuthentication yes
PasswordAuthentication no
KbdInteractiveAuthentication no
"""


def probe(user: str, changed: Mapping[str, str | Setting] | None = None) -> Probe:
    values = {**SOFT, **(changed or {})}
    return Probe(
        user,
        "203.0.113.250",
        settings={k: v if isinstance(v, Setting) else Setting(v) for k, v in values.items()},
    )


def server(*probes: Probe) -> Sshd:
    return Sshd(
        version="OpenSSH_9.2p1",
        program="/usr/sbin/sshd",
        masters=(Master(7, 0),),
        probes=probes or (probe("root"), probe("")),
    )


def harden(
    sshd: Sshd,
    main: str | None = INCLUDE,
    ours: FileNow | None = None,
    keep: Keep = KEEP,
    wish: Wish = PLAIN,
) -> Plan | HullwardError:
    files = (FileNow(MAIN, main), ours or FileNow(OURS))
    return attempt(lambda: fix.harden(sshd, keep, files, RELOAD, wish))


def planned(found: Plan | HullwardError) -> Plan:
    assert isinstance(found, Plan), found
    return found


def refused(found: Plan | HullwardError) -> str:
    assert isinstance(found, HullwardError)
    assert found.advice.endswith("Nothing was changed.")
    return found.what


def test_one_drop_in_of_root_alone_says_it_all_and_undo_removes_it() -> None:
    plan = planned(harden(server()))

    assert plan.edits == (Edit(OURS, None, TEXT, None, Owner(0, 0, 0o600)),)
    assert plan.forth.activate == (RELOAD,)
    assert plan.inverse().edits == (Edit(OURS, TEXT, None, Owner(0, 0, 0o600), None),)
    assert plan.inverse().inverse() == plan


def test_the_check_of_the_way_back_names_no_file_that_goes() -> None:
    plan = planned(harden(server()))

    there, back = plan.forth.check[0].words, plan.back.check[0].words
    assert (there[4], there[5]) == (MAIN, f"{{new:{OURS}}}")
    assert (back[4], back[5]) == (MAIN, "")


def test_sshd_is_asked_for_everybody_who_may_log_in() -> None:
    shut_out = replace(probe("eve"), admitted=False)
    words = planned(harden(server(probe("root"), probe(""), shut_out))).forth.check[1].words

    assert words[6].splitlines() == [
        "user=root,addr=203.0.113.250",
        "user=hullward-any-other,addr=203.0.113.250",
    ]
    assert "passwordauthentication no" in words[5].splitlines()


def test_the_arguments_of_the_daemon_go_into_every_check() -> None:
    keep = replace(KEEP, arguments=("-o", "Port 2222"))
    plan = planned(harden(server(), keep=keep))

    assert all(
        act.words[-3:] == ("/usr/sbin/sshd", "-o", "Port 2222") or "-o" in act.words
        for act in (*plan.forth.check, *plan.back.check)
    )
    assert plan.forth.check[0].shown == "/usr/sbin/sshd -o 'Port 2222' -t, with the new files"


def test_a_drop_in_of_somebody_else_becomes_root_s() -> None:
    plan = planned(harden(server(), ours=FileNow(OURS, "Banner none\n", 1000, 1000, 0o664)))

    assert plan.edits[0].was == Owner(1000, 1000, 0o664)
    assert plan.edits[0].becomes == Owner(0, 0, 0o644)
    assert plan.edits[0].after == f"{TEXT}Banner none\n"


@pytest.mark.parametrize("value", ["no", "forced-commands-only"])
def test_root_that_is_kept_out_further_stays_so(value: str) -> None:
    lines = wanted(server(probe("root", {"permitrootlogin": value}), probe("")), PLAIN)

    assert (lines[0].keyword, lines[0].value) == ("PermitRootLogin", value)


def test_an_old_server_knows_keyboard_interactive_by_its_old_name() -> None:
    lines = wanted(replace(server(), version="OpenSSH_8.4p1"), PLAIN)

    assert lines[-1] == Line("ChallengeResponseAuthentication", "no", "no")
    assert lines[-1].name == "kbdinteractiveauthentication"


def test_a_second_factor_stays_for_those_of_whom_a_key_is_demanded_as_well() -> None:
    methods = {
        "authenticationmethods": "publickey,keyboard-interactive:pam",
        "kbdinteractiveauthentication": "yes",
    }
    sshd = server(probe("root", methods), probe("", methods))
    lines = wanted(sshd, PLAIN)

    assert "KbdInteractiveAuthentication" not in [line.keyword for line in lines]
    assert list(obstacles(sshd, lines)) == []


def test_a_second_factor_of_one_that_lets_others_in_alone_is_refused() -> None:
    on = {"kbdinteractiveauthentication": "yes"}
    both = {**on, "authenticationmethods": "publickey,keyboard-interactive"}

    assert refused(harden(server(probe("root", both), probe("", on)))) == (
        "keyboard-interactive is the second factor of some (AuthenticationMethods), and alone "
        "lets in any other user."
    )


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        (Setting("yes", MAIN, 9, "User bob"), f"({MAIN}:9 in Match User bob)."),
        (Setting("yes", "-o"), "by the arguments that sshd was started with."),
    ],
)
def test_a_line_that_would_win_all_the_same_is_named(setting: Setting, told: str) -> None:
    bob = probe("bob", {"passwordauthentication": setting})

    assert refused(harden(server(probe("root"), bob, probe("")))).endswith(told)


def test_a_match_block_of_ours_is_not_in_the_way() -> None:
    setting = Setting("yes", OURS, 9, "User bob")

    assert (
        list(
            obstacles(
                server(probe("bob", {"passwordauthentication": setting})),
                [Line("PasswordAuthentication", "no", "no")],
            )
        )
        == []
    )


@pytest.mark.parametrize(
    ("sshd", "told"),
    [
        (Sshd(present=False), "This host has no ssh server."),
        (
            replace(server(), gaps={"probes": "sshd -T: Bad configuration option"}),
            "What sshd does is not known: sshd -T: Bad configuration option.",
        ),
        (replace(server(), probes=None), "What sshd does is not known: sshd -T was not asked."),
        (replace(server(), masters=(Master(7, 0), Master(8, 0))), "Several sshd run here (7, 8)."),
        (
            replace(server(), version="OpenSSH_8.0p1"),
            "OpenSSH_8.0p1 knows no Include, so it reads no drop-in.",
        ),
    ],
)
def test_what_is_not_known_is_not_changed(sshd: Sshd, told: str) -> None:
    assert refused(harden(sshd)) == told


def test_those_who_lose_their_only_way_in_are_named() -> None:
    sshd = replace(
        server(probe("root"), probe("ann"), probe("")), login_keys=(LoginKey("root", "f", "rsa"),)
    )

    assert planned(harden(sshd)).forth.notes == (
        "without a key, so not able to log in any more: ann",
    )


@pytest.mark.parametrize(
    ("main", "drop_ins", "first"),
    [
        ("Port 22\n", (), INCLUDE),
        ("Port 22\n", ("00-hullward.conf",), INCLUDE),
        ("Port 22\n", ("50-old.conf",), f"Include {OURS}\n"),
        ("Port 22\r\n", (), INCLUDE.replace("\n", "\r\n")),
        ("", (), INCLUDE),
    ],
)
def test_an_include_goes_to_the_top_and_wakes_nobody(
    main: str, drop_ins: tuple[str, ...], first: str
) -> None:
    once = fix.included(main, replace(KEEP, drop_ins=drop_ins))

    assert once == first + main
    assert fix.included(once, replace(KEEP, drop_ins=drop_ins)) == once


config = st.lists(
    st.sampled_from(
        [
            "PasswordAuthentication yes\n", "passwordauthentication=yes\n", "# remark\n", "\n",
            "PasswordAuthenticationX yes\n", "Match User bob\n", "  PasswordAuthentication yes\n",
            "MaxAuthTries 3\r\n", TEXT.splitlines(keepends=True)[0],
        ]
    )
).map("".join)  # fmt: skip
NO = Line("PasswordAuthentication", "no", "no")


@given(config)
def test_our_line_comes_first_once_and_nothing_below_a_match_is_lost(text: str) -> None:
    written = fix.drop_in_text(text, [NO])
    outside, _, inside = text.partition("Match")
    _, _, kept = written.partition("Match")

    assert written.splitlines()[1] == "PasswordAuthentication no"
    assert fix.drop_in_text(written, [NO]) == written
    head = TEXT.splitlines(keepends=True)[0]
    assert kept == inside.replace(head, "")
    assert written.partition("Match")[0].lower().count("passwordauthentication") == 1 + (
        outside.count("AuthenticationX")
    )


KEYS = Wish(host_keys=True)
ED, EC, RSA = (
    HostKey(f"/etc/ssh/{name}", name, bits, f"SHA256:{name}")
    for name, bits in (("ed25519", 256), ("ecdsa", 256), ("rsa", 2048))
)


def with_keys(*keys: HostKey) -> Sshd:
    return replace(
        server(), host_keys=keys, settings={"hostkeyalgorithms": Setting("ssh-ed25519,ssh-rsa")}
    )


def test_the_host_keys_that_stay_are_named_and_a_short_one_is_told() -> None:
    plan = planned(harden(with_keys(EC, ED, RSA), wish=KEYS))

    assert (plan.edits[0].after or "").splitlines()[-3:] == [
        "HostKey /etc/ssh/ed25519",
        "HostKey /etc/ssh/rsa",
        "HostKeyAlgorithms -ssh-rsa*,ssh-dss*,ecdsa-*",
    ]
    assert "ECDSA (/etc/ssh/ecdsa)" in plan.forth.notes[-2]
    assert "SHA256:ed25519" in plan.forth.notes[-2]
    assert "RSA of 2048 bits" in plan.forth.notes[-1]
    assert fix.KEYS in plan.forth.rehearsal.split()


def test_a_host_key_of_a_line_in_the_main_file_becomes_a_remark_there_and_comes_back() -> None:
    main = f"{INCLUDE}HostKey /etc/ssh/ecdsa\nHostKey /etc/ssh/ed25519\n"
    keys = (replace(EC, file=MAIN, line=2), replace(ED, file=MAIN, line=3))
    plan = planned(harden(with_keys(*keys), main, wish=KEYS))

    assert plan.edits[1].after == main.replace("HostKey /etc/ssh/ecdsa", "#HostKey /etc/ssh/ecdsa")
    assert "HostKey /" not in (plan.edits[0].after or "")
    assert plan.inverse().edits[0].after == main


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ((EC,), "The server has no Ed25519 key, and no RSA key of 3072 bits, that could stay."),
        ((EC, RSA), "The server has no Ed25519 key, and no RSA key of 3072 bits, that could stay."),
        ((replace(EC, file="/etc/x", line=3), ED), "/etc/ssh/ecdsa is loaded by /etc/x:3."),
    ],
)
def test_host_keys_that_cannot_go_are_told(keys: tuple[HostKey, ...], told: str) -> None:
    assert refused(harden(with_keys(*keys), wish=KEYS)) == told


def test_strict_writes_every_limit_and_says_what_ends() -> None:
    plan = planned(harden(server(), wish=Wish(strict=True)))

    assert "AllowTcpForwarding no\n" in (plan.edits[0].after or "")
    assert plan.forth.notes == ("jumps through this host, ssh -L and -R, and agent forwarding end",)
    assert "ssh-forwarding" in fix.cleared(plan.forth.proof)


@pytest.mark.parametrize(
    ("rule", "sshd", "option"),
    [
        ("ssh-password-login", server(), ""),
        ("ssh-host-key-type", with_keys(EC, ED), " --host-keys"),
        ("ssh-host-key-type", with_keys(EC, ED, RSA), None),
        ("ssh-host-key-type", with_keys(EC), None),
        ("ssh-forwarding", server(), " --strict"),
        ("ssh-root-keys", server(), None),
        ("ssh-password-login", replace(server(), gaps={"probes": "no"}), None),
        ("ssh-root-login", server(probe("root", {"pubkeyauthentication": "no"})), None),
        (
            "ssh-password-login",
            server(probe("bob", {"passwordauthentication": Setting("yes", MAIN, 9, "User bob")})),
            None,
        ),
    ],
)
def test_a_command_is_named_only_where_it_would_clear_the_finding(
    rule: str, sshd: Sshd, option: str | None
) -> None:
    assert fix.clears(rule, sshd) == option
