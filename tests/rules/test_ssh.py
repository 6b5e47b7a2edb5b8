from collections.abc import Mapping
from datetime import date

import pytest
from msgspec.structs import replace

from hullward.judge import judge
from hullward.model.facts import Snapshot
from hullward.model.host import Host
from hullward.model.report import Outcome, Verdict
from hullward.model.rule import Rule
from hullward.model.severity import Severity
from hullward.model.sshd import (
    HostKey,
    LoginKey,
    Master,
    Probe,
    Setting,
    Socket,
    Sshd,
    TrustedFile,
)
from hullward.rules import ssh, ssh_server, ssh_state

RULES = {
    value.id: value
    for module in (ssh, ssh_server, ssh_state)
    for value in vars(module).values()
    if isinstance(value, Rule)
}
MAIN = "/etc/ssh/sshd_config"
DROP_IN = "/etc/ssh/sshd_config.d/00-hullward.conf"
GOOD = {
    "permitrootlogin": "without-password",
    "pubkeyauthentication": "yes",
    "passwordauthentication": "no",
    "kbdinteractiveauthentication": "no",
    "permitemptypasswords": "no",
    "hostbasedauthentication": "no",
    "gssapiauthentication": "no",
    "kerberosauthentication": "no",
    "x11forwarding": "no",
    "gatewayports": "no",
    "authenticationmethods": "any",
}
COMMON = {
    "port": "22",
    "usepam": "yes",
    "strictmodes": "yes",
    "permituserenvironment": "no",
    "hostkeyalgorithms": "ssh-ed25519,rsa-sha2-512",
    "kexalgorithms": "sntrup761x25519-sha512,curve25519-sha256",
    "macs": "hmac-sha2-256-etm@openssh.com",
    "ciphers": "aes256-gcm@openssh.com",
}


def settings(values: Mapping[str, str]) -> dict[str, Setting]:
    return {name: Setting(value) for name, value in values.items()}


def probe(user: str, address: str = "203.0.113.250", **changes: str) -> Probe:
    return Probe(user, address, address, "127.0.0.1", "22", settings(GOOD | changes))


def trusted(path: str, kind: str = "config", **changes: object) -> TrustedFile:
    return replace(TrustedFile(path, kind, 0, "root", "root", 0o600, 100, 100), **changes)


BEST = Sshd(
    version="OpenSSH_9.2",
    program="/usr/sbin/sshd",
    masters=(Master(7, 90, 200),),
    socket=Socket(active=False),
    probes=(probe("root"), probe(""), probe("bob")),
    settings=settings(COMMON),
    files=(trusted(MAIN), trusted("/etc/ssh", "directory", mode=0o755)),
    host_keys=(HostKey("/etc/ssh/ssh_host_ed25519_key", "ed25519", 256, "SHA256:h"),),
    login_keys=(LoginKey("root", "/root/.ssh/authorized_keys", "ed25519", 256, "SHA256:k", True),),  # noqa: FBT003
)


def ask(rule: str, sshd: Sshd = BEST, **changes: object) -> Verdict:
    snapshot = Snapshot("h", host=Host(sshd=replace(sshd, **changes)))
    return judge(snapshot, [RULES[rule]], [], date(2026, 1, 1)).verdicts[0]


def logins(rule: str, **changes: str) -> Verdict:
    probes = tuple(probe(user, **changes) for user in ("root", "", "bob"))
    return ask(rule, probes=probes)


def common(rule: str, **changes: str) -> Verdict:
    return ask(rule, settings=settings(COMMON | changes))


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_is_silent_on_the_best_server(rule: str) -> None:
    assert ask(rule).outcome is Outcome.PASS


@pytest.mark.parametrize("rule", sorted(RULES))
def test_no_rule_passes_where_nothing_could_be_read(rule: str) -> None:
    gaps = {"probes": "sshd -T: no", "socket": "no"}
    verdict = ask(rule, Sshd(gaps=gaps))

    assert verdict.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_passes_where_there_is_no_ssh_server(rule: str) -> None:
    absent = Sshd(present=False, probes=(), settings={}, files=(), masters=())

    assert ask(rule, absent).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("rule", "changes", "severity"),
    [
        ("ssh-root-login", {"permitrootlogin": "yes"}, Severity.MEDIUM),
        (
            "ssh-root-login",
            {"permitrootlogin": "yes", "passwordauthentication": "yes"},
            Severity.HIGH,
        ),
        ("ssh-public-key", {"pubkeyauthentication": "no"}, Severity.HIGH),
        ("ssh-password-login", {"passwordauthentication": "yes"}, Severity.HIGH),
        ("ssh-keyboard-interactive", {"kbdinteractiveauthentication": "yes"}, Severity.HIGH),
        ("ssh-empty-passwords", {"permitemptypasswords": "yes"}, Severity.LOW),
        (
            "ssh-empty-passwords",
            {"permitemptypasswords": "yes", "passwordauthentication": "yes"},
            Severity.HIGH,
        ),
        ("ssh-other-methods", {"hostbasedauthentication": "yes"}, Severity.HIGH),
        ("ssh-other-methods", {"gssapiauthentication": "yes"}, Severity.HIGH),
        ("ssh-other-methods", {"kerberosauthentication": "yes"}, Severity.HIGH),
        ("ssh-forwarding", {"x11forwarding": "yes"}, Severity.LOW),
        ("ssh-forwarding", {"gatewayports": "clientspecified"}, Severity.LOW),
    ],
)
def test_a_login_that_is_too_easy_fails(
    rule: str, changes: dict[str, str], severity: Severity
) -> None:
    verdict = logins(rule, **changes)

    assert (verdict.outcome, verdict.severity) == (Outcome.FAIL, severity)


@pytest.mark.parametrize(
    "value", ["no", "without-password", "prohibit-password", "forced-commands-only"]
)
def test_root_by_key_is_no_finding(value: str) -> None:
    assert logins("ssh-root-login", permitrootlogin=value).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("admitted", "outcome"),
    [(True, Outcome.FAIL), (False, Outcome.PASS), (None, Outcome.UNKNOWN)],
)
@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("ssh-root-login", {"permitrootlogin": "yes"}),
        ("ssh-public-key", {"pubkeyauthentication": "no"}),
        ("ssh-password-login", {"passwordauthentication": "yes", "permitrootlogin": "yes"}),
        ("ssh-keyboard-interactive", {"kbdinteractiveauthentication": "yes"}),
        ("ssh-empty-passwords", {"permitemptypasswords": "yes"}),
        ("ssh-other-methods", {"hostbasedauthentication": "yes"}),
        ("ssh-forwarding", {"x11forwarding": "yes"}),
    ],
)
def test_who_may_not_log_in_at_all_is_no_finding(
    rule: str, changes: dict[str, str], *, admitted: bool | None, outcome: Outcome
) -> None:
    user = "root" if rule == "ssh-root-login" else "eve"
    probes = (replace(probe(user, **changes), admitted=admitted), probe("root"))

    assert ask(rule, probes=probes).outcome is outcome


def test_a_finding_for_all_who_may_log_in_says_so() -> None:
    shut = replace(probe("eve"), admitted=False)
    changes = {"passwordauthentication": "yes", "permitrootlogin": "yes"}
    verdict = ask("ssh-password-login", probes=(probe("root", **changes), shut))

    assert "is yes for everybody who may log in (" in verdict.evidence


@pytest.mark.parametrize(
    ("methods", "outcome"),
    [
        ("publickey,password", Outcome.PASS),
        ("publickey,password publickey,keyboard-interactive:pam", Outcome.PASS),
        ("publickey", Outcome.PASS),
        ("publickey password", Outcome.FAIL),
        ("any", Outcome.FAIL),
    ],
)
def test_a_password_is_no_finding_where_a_key_is_demanded_besides(
    methods: str, outcome: Outcome
) -> None:
    verdict = logins(
        "ssh-password-login", passwordauthentication="yes", authenticationmethods=methods
    )

    assert verdict.outcome is outcome


def test_keyboard_interactive_without_pam_is_milder() -> None:
    probes = (probe("bob", kbdinteractiveauthentication="yes"),)
    verdict = ask(
        "ssh-keyboard-interactive", probes=probes, settings=settings(COMMON | {"usepam": "no"})
    )

    assert verdict.severity is Severity.LOW


def test_gssapi_without_a_keytab_is_milder() -> None:
    probes = (probe("bob", gssapiauthentication="yes"),)

    assert ask("ssh-other-methods", probes=probes, keytab=False).severity is Severity.LOW


def test_a_keyword_that_sshd_does_not_print_is_unknown() -> None:
    silent = replace(probe("bob"), settings={})
    verdict = ask("ssh-password-login", probes=(probe("root"), silent))

    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.reason == "sshd -T does not print PasswordAuthentication for bob"


def test_a_finding_says_for_whom_and_from_where() -> None:
    probes = (
        probe("", "10.1.0.0", passwordauthentication="yes"),
        probe("", "203.0.113.250"),
        probe("bob", "10.1.0.0", passwordauthentication="yes"),
        probe("bob", "203.0.113.250", passwordauthentication="yes"),
        probe("root", "10.1.0.0", passwordauthentication="yes"),
    )

    assert ask("ssh-password-login", probes=probes).evidence == (
        "PasswordAuthentication is yes for any other user from 10.1.0.0 and bob "
        "(sshd's own default)"
    )


def test_many_users_are_counted() -> None:
    probes = tuple(probe(f"u{n}", passwordauthentication="yes") for n in range(9))
    evidence = ask("ssh-password-login", probes=(*probes, probe("root"))).evidence

    assert "for u0, u1, u2, u3 and 5 more (" in evidence


@pytest.mark.parametrize(
    ("setting", "remedy"),
    [
        (
            Setting("yes", f"{MAIN}.d/50-cloud-init.conf", 1),
            f"Write at the top of {DROP_IN}:\n  PasswordAuthentication no\nthen: sshd -t && ",
        ),
        (Setting("yes"), f"Write at the top of {DROP_IN}:\n"),
        (Setting("yes", MAIN, 9, "User bob"), f"Remove line 9 of {MAIN} (in Match User bob)."),
        (
            Setting("yes", f"{MAIN}.d/50-cloud-init.conf", 9, "User bob"),
            f"Write at the end of {DROP_IN}, whose blocks come first:\n  Match User bob\n    Pass",
        ),
        (
            Setting("yes", f"{MAIN}.d/00-a.conf", 3),
            f"Change line 3 of {MAIN}.d/00-a.conf to: PasswordAuthentication no\n",
        ),
        (Setting("yes", "-o"), "Take `-o PasswordAuthentication=…` from sshd's arguments"),
    ],
)
def test_the_remedy_is_a_line_that_wins(setting: Setting, remedy: str) -> None:
    bob = replace(probe("bob"), settings={"passwordauthentication": setting})
    verdict = ask("ssh-password-login", probes=(bob,))

    assert verdict.remedy.startswith(remedy)
    assert "a session that you keep open" in verdict.remedy or "keep this session open" in (
        verdict.remedy
    )


def test_without_drop_ins_the_remedy_goes_to_the_top_of_the_main_file() -> None:
    probes = (probe("bob", x11forwarding="yes"),)

    assert ask("ssh-forwarding", probes=probes, drop_in=False).remedy.startswith(
        f"Write at the top of {MAIN}:\n  X11Forwarding no"
    )


def test_disabled_forwarding_covers_x11() -> None:
    verdict = logins("ssh-forwarding", x11forwarding="yes", disableforwarding="yes")

    assert verdict.outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("type_", "bits", "outcome"),
    [
        ("rsa", 3072, Outcome.PASS),
        ("rsa", 2048, Outcome.FAIL),
        ("ecdsa", 256, Outcome.FAIL),
        ("dsa", 1024, Outcome.FAIL),
        ("", 0, Outcome.UNKNOWN),
    ],
)
def test_host_keys_are_judged_by_type_and_size(type_: str, bits: int, outcome: Outcome) -> None:
    keys = (*(BEST.host_keys or ()), HostKey("/etc/ssh/other", type_, bits))

    assert ask("ssh-host-key-type", host_keys=keys).outcome is outcome


def test_the_remedy_for_an_ecdsa_host_key_names_the_good_keys_and_warns_of_known_hosts() -> None:
    keys = (*(BEST.host_keys or ()), HostKey("/etc/ssh/ssh_host_ecdsa_key", "ecdsa", 256))
    remedy = ask("ssh-host-key-type", host_keys=keys).remedy

    assert "HostKey /etc/ssh/ssh_host_ed25519_key\n" in remedy
    assert "HostKey /etc/ssh/ssh_host_ecdsa_key" not in remedy
    assert "ssh-keygen -F HOST" in remedy


@pytest.mark.parametrize(
    ("algorithms", "loaded", "outcome"),
    [
        ("ssh-ed25519,ecdsa-sha2-nistp256", "ed25519", Outcome.PASS),
        ("ssh-ed25519,ecdsa-sha2-nistp256", "ecdsa", Outcome.FAIL),
        ("rsa-sha2-512,ssh-rsa", "rsa", Outcome.FAIL),
        ("ssh-dss", "dsa", Outcome.FAIL),
    ],
)
def test_host_key_algorithms_are_judged_with_the_keys_that_are_loaded(
    algorithms: str, loaded: str, outcome: Outcome
) -> None:
    verdict = ask(
        "ssh-host-key-algorithms",
        settings=settings(COMMON | {"hostkeyalgorithms": algorithms}),
        host_keys=(HostKey("/k", loaded, 256),),
    )

    assert verdict.outcome is outcome


@pytest.mark.parametrize(
    ("keyword", "value", "said"),
    [
        ("kexalgorithms", "curve25519-sha256", "no post-quantum hybrid"),
        ("kexalgorithms", "mlkem768x25519-sha256,diffie-hellman-group14-sha1", "group14-sha1"),
        ("macs", "hmac-sha2-256,hmac-sha1", "MACs has hmac-sha1"),
        ("ciphers", "aes256-ctr,3des-cbc", "Ciphers has 3des-cbc"),
    ],
)
def test_old_algorithms_are_told(keyword: str, value: str, said: str) -> None:
    verdict = common("ssh-key-exchange", **{keyword: value})

    assert (verdict.outcome, verdict.severity) == (Outcome.FAIL, Severity.INFO)
    assert said in verdict.evidence


@pytest.mark.parametrize(
    ("master", "file", "outcome"),
    [
        (Master(7, 90, 100), trusted(MAIN), Outcome.PASS),
        (Master(7, 90, 99), trusted(MAIN), Outcome.FAIL),
        (Master(7, 90), trusted(MAIN), Outcome.UNKNOWN),
        (Master(7, 200), trusted(MAIN), Outcome.PASS),
        (Master(7, 90, 100), trusted(MAIN, changed=101), Outcome.UNKNOWN),
        (Master(7, 90, 100), trusted("/k", "host key", modified=101), Outcome.FAIL),
        (Master(7, 90, 100), trusted(f"{MAIN}.d", "directory", modified=101), Outcome.UNKNOWN),
        (Master(7, 90, 100), trusted("/etc/ssh", "directory", modified=101), Outcome.PASS),
        (Master(7, 90, 100, replaced=True), trusted(MAIN), Outcome.FAIL),
    ],
)
def test_a_daemon_older_than_its_files_is_told(
    master: Master, file: TrustedFile, outcome: Outcome
) -> None:
    assert ask("ssh-running-differs", masters=(master,), files=(file,)).outcome is outcome


def test_two_servers_are_one_too_many_to_know() -> None:
    verdict = ask("ssh-running-differs", masters=(Master(7, 90, 200), Master(8, 90, 200)))

    assert verdict.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("socket", "outcome"),
    [
        (Socket(active=True, ports=("22",)), Outcome.PASS),
        (Socket(active=True, ports=("2222",)), Outcome.FAIL),
        (Socket(active=True, ports=("22",), stale=True), Outcome.FAIL),
        (Socket(active=False, ports=(), stale=True), Outcome.PASS),
    ],
)
def test_a_socket_of_systemd_that_lags_behind_is_told(socket: Socket, outcome: Outcome) -> None:
    assert ask("ssh-running-differs", socket=socket).outcome is outcome


@pytest.mark.parametrize(
    ("methods", "offered", "outcome"),
    [
        ("any", ("publickey",), Outcome.PASS),
        ("any", ("publickey", "password"), Outcome.FAIL),
        ("any", ("gssapi-keyex", "publickey"), Outcome.PASS),
        ("any", ("keyboard-interactive",), Outcome.FAIL),
        ("any", ("none",), Outcome.FAIL),
        ("publickey,password", ("publickey",), Outcome.PASS),
    ],
)
def test_offered_methods_are_compared(
    methods: str, offered: tuple[str, ...], outcome: Outcome
) -> None:
    verdict = ask(
        "ssh-running-differs",
        probes=(
            probe(
                "",
                authenticationmethods=methods,
                passwordauthentication="yes" if "," in methods else "no",
            ),
        ),
        offered={"eve": offered},
    )

    assert verdict.outcome is outcome


@pytest.mark.parametrize(
    ("connection", "outcome"),
    [
        (("192.0.2.9", "127.0.0.1", "22"), Outcome.PASS),
        (("203.0.113.250", "127.0.0.1", "22"), Outcome.FAIL),
        ((), Outcome.PASS),
    ],
)
def test_an_offer_is_compared_with_what_holds_on_the_way_that_it_came(
    connection: tuple[str, ...], outcome: Outcome
) -> None:
    verdict = ask(
        "ssh-running-differs",
        probes=(probe("eve"), probe("eve", "192.0.2.9", passwordauthentication="yes")),
        offered={"eve": ("publickey", "password")},
        connection=connection,
    )

    assert verdict.outcome is outcome


def test_an_offer_that_could_not_be_had_is_no_pass() -> None:
    verdict = ask("ssh-running-differs", gaps={"offered": "web1 did not answer in time"})

    assert (verdict.outcome, verdict.reason) == (Outcome.UNKNOWN, "web1 did not answer in time")


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (trusted(MAIN, uid=1000, owner="bob"), "belongs to bob"),
        (trusted(MAIN, mode=0o664), "can be written by others"),
        (trusted("/etc/ssh", "directory", mode=0o777), "can be written by others"),
        (trusted("/k", "host key", mode=0o644), "can be read by others than root"),
        (trusted("/k", "host key", mode=0o640, group="users"), "can be read by others than root"),
        (trusted("/bin/keys", "command", uid=1000, owner="bob"), "belongs to bob"),
    ],
)
def test_files_that_others_can_change_or_keys_that_they_can_read_fail(
    file: TrustedFile, said: str
) -> None:
    verdict = ask("ssh-file-permissions", files=(file,))

    assert (verdict.outcome, verdict.severity) == (Outcome.FAIL, Severity.HIGH)
    assert said in verdict.evidence


def test_fedoras_group_for_host_keys_may_read_them() -> None:
    file = trusted("/k", "host key", mode=0o640, group="ssh_keys")

    assert ask("ssh-file-permissions", files=(file,)).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("changes", "severity"),
    [
        ({"strictmodes": "no"}, Severity.HIGH),
        ({"permituserenvironment": "yes"}, Severity.HIGH),
        ({"permituserenvironment": "LANG,LC_*"}, Severity.LOW),
    ],
)
def test_careless_settings_fail(changes: dict[str, str], severity: Severity) -> None:
    verdict = common("ssh-file-permissions", **changes)

    assert (verdict.outcome, verdict.severity) == (Outcome.FAIL, severity)


def test_keys_that_open_root_are_counted_and_the_weak_ones_named() -> None:
    keys = (
        LoginKey("root", "/r", "ed25519", 256, "SHA256:a", bound=True),
        LoginKey("bob", "/b", "rsa", 1024, "SHA256:b"),
    )
    verdict = ask("ssh-root-keys", login_keys=keys)

    assert verdict.severity is Severity.INFO
    assert verdict.evidence == (
        "bob has a key that is RSA of 1024 bits: SHA256:b; "
        "keys that open root: 2, 1 of them from any address: bob SHA256:b (RSA 1024)"
    )


def test_keys_that_no_file_lists_are_told() -> None:
    verdict = logins("ssh-root-keys", trustedusercakeys="/etc/ssh/CA.pub")

    assert (
        verdict.evidence == "trustedusercakeys /etc/ssh/CA.pub lets in keys that no file here lists"
    )
