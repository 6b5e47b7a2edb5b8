"""Who may log in by ssh, and with what, for every user and address that a Match block names."""

from hullward.model.facts import Snapshot
from hullward.model.host import Host
from hullward.model.rule import Answers, Unknown, host_rule
from hullward.model.severity import Severity
from hullward.model.sshd import Probe, Sshd
from hullward.rules.ssh_words import judged

_KEYS = frozenset({"publickey", "hostbased", "gssapi-with-mic"})
_ROOT_BY_KEY = frozenset({"no", "without-password", "prohibit-password", "forced-commands-only"})
_GUIDE = "guide: Harden SSH"


def _sshd(host: Host) -> Sshd:
    """Give the area; the judge asks a rule only where it is there."""
    return host.sshd or Sshd(present=False, probes=())


def _suffices(probe: Probe, method: str) -> bool:
    """Whether this method logs somebody in without a key besides (AuthenticationMethods)."""
    wanted = probe.value("authenticationmethods", "any").split()
    if wanted in ([], ["any"]):
        return True
    lists = ({name.partition(":")[0] for name in methods.split(",")} for methods in wanted)
    return any(method in names and not names & _KEYS for names in lists)


def _root_refused(probe: Probe) -> bool:
    """Whether root gets in by nothing but a key, whatever is offered (sshd: auth_root_allowed)."""
    return probe.user == "root" and probe.value("permitrootlogin") in _ROOT_BY_KEY


def _by_password(probe: Probe) -> bool:
    """Whether something that was guessed or stolen as words logs this user in."""
    return any(
        probe.value(keyword) == "yes" and _suffices(probe, method)
        for keyword, method in (
            ("passwordauthentication", "password"),
            ("kbdinteractiveauthentication", "keyboard-interactive"),
        )
    )


@host_rule(
    id="ssh-root-login",
    title="root may log in by password",
    severity=Severity.HIGH,
    rationale=(
        "root is the one account name that every attacker knows, and a password for it is guessed "
        "day and night. A key cannot be guessed."
    ),
    remedy="PermitRootLogin prohibit-password, or no where nobody logs in as root.",
    refs=(_GUIDE, "sshd_config(5) PermitRootLogin"),
    needs="sshd",
)
def root_login(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for root where more than keys is permitted; milder while passwords are off for root."""
    del snapshot
    sshd = _sshd(host)

    def offends(probe: Probe) -> Severity | None:
        if probe.user != "root" or probe.value("permitrootlogin") in _ROOT_BY_KEY:
            return None
        return Severity.HIGH if _by_password(probe) else Severity.MEDIUM

    if sshd.probes and not any(probe.user == "root" for probe in sshd.probes):
        yield Unknown("sshd -T was not asked about root")
    yield from judged(sshd, "PermitRootLogin", offends, "PermitRootLogin prohibit-password")


@host_rule(
    id="ssh-public-key",
    title="Keys are not accepted",
    severity=Severity.HIGH,
    rationale="Without keys, passwords are all that is left, and people turn those on again.",
    remedy="PubkeyAuthentication yes",
    refs=(_GUIDE, "sshd_config(5) PubkeyAuthentication"),
    needs="sshd",
)
def public_key(host: Host, snapshot: Snapshot) -> Answers:
    """Fail wherever keys are off."""
    del snapshot
    yield from judged(
        _sshd(host),
        "PubkeyAuthentication",
        lambda probe: Severity.HIGH if probe.value("pubkeyauthentication") != "yes" else None,
        "PubkeyAuthentication yes",
    )


@host_rule(
    id="ssh-password-login",
    title="Passwords are accepted",
    severity=Severity.HIGH,
    rationale=(
        "Passwords are guessed by machines that try all day, and whoever is in the docker group is "
        "root. sshd keeps the first value that it reads, and Match blocks overrule it, so a file "
        "that says no is no proof: here sshd itself was asked for each user and address."
    ),
    remedy="PasswordAuthentication no",
    refs=(_GUIDE, "sshd_config(5) PasswordAuthentication"),
    needs="sshd",
)
def password_login(host: Host, snapshot: Snapshot) -> Answers:
    """Fail wherever a password alone suffices; root by key only refuses its own."""
    del snapshot

    def offends(probe: Probe) -> Severity | None:
        on = probe.value("passwordauthentication") != "no" and not _root_refused(probe)
        return Severity.HIGH if on and _suffices(probe, "password") else None

    yield from judged(_sshd(host), "PasswordAuthentication", offends, "PasswordAuthentication no")


@host_rule(
    id="ssh-keyboard-interactive",
    title="Passwords are accepted by keyboard-interactive",
    severity=Severity.HIGH,
    rationale=(
        "With PAM, keyboard-interactive asks for the same password under another name: "
        "PasswordAuthentication no leaves it open. sshd's own default is yes."
    ),
    remedy="KbdInteractiveAuthentication no",
    refs=(_GUIDE, "sshd_config(5) KbdInteractiveAuthentication"),
    needs="sshd",
)
def keyboard_interactive(host: Host, snapshot: Snapshot) -> Answers:
    """Fail wherever it suffices without a key; without PAM nothing answers, which is milder."""
    del snapshot
    sshd = _sshd(host)
    pam = (sshd.settings or {}).get("usepam")
    severity = Severity.LOW if pam and pam.value.lower() == "no" else Severity.HIGH

    def offends(probe: Probe) -> Severity | None:
        on = probe.value("kbdinteractiveauthentication") != "no" and not _root_refused(probe)
        return severity if on and _suffices(probe, "keyboard-interactive") else None

    yield from judged(
        sshd, "KbdInteractiveAuthentication", offends, "KbdInteractiveAuthentication no"
    )


@host_rule(
    id="ssh-empty-passwords",
    title="Empty passwords are accepted",
    severity=Severity.HIGH,
    rationale="An account without a password is then open to everybody who knows its name.",
    remedy="PermitEmptyPasswords no",
    refs=("sshd_config(5) PermitEmptyPasswords",),
    needs="sshd",
)
def empty_passwords(host: Host, snapshot: Snapshot) -> Answers:
    """Fail wherever they are; milder where passwords are off."""
    del snapshot

    def offends(probe: Probe) -> Severity | None:
        if probe.value("permitemptypasswords") == "no":
            return None
        return Severity.HIGH if _by_password(probe) else Severity.LOW

    yield from judged(_sshd(host), "PermitEmptyPasswords", offends, "PermitEmptyPasswords no")


@host_rule(
    id="ssh-other-methods",
    title="Logins by host, Kerberos or GSSAPI are accepted",
    severity=Severity.HIGH,
    rationale=(
        "Each is one more way in, which trusts another machine: hosts that vouch for their users, "
        "or the servers of a Kerberos realm."
    ),
    remedy="HostbasedAuthentication no, GSSAPIAuthentication no, KerberosAuthentication no",
    refs=("sshd_config(5) HostbasedAuthentication", "sshd_config(5) GSSAPIAuthentication"),
    needs="sshd",
)
def other_methods(host: Host, snapshot: Snapshot) -> Answers:
    """Fail wherever one is on; GSSAPI and Kerberos are idle without a keytab, which is milder."""
    del snapshot
    sshd = _sshd(host)
    idle = Severity.HIGH if sshd.keytab else Severity.LOW

    def on(keyword: str, severity: Severity) -> Answers:
        name = keyword.lower()
        return judged(
            sshd,
            keyword,
            lambda probe: severity if probe.value(name, "no") != "no" else None,
            f"{keyword} no",
        )

    yield from on("HostbasedAuthentication", Severity.HIGH)
    # Builds without Kerberos print neither.
    for keyword in ("GSSAPIAuthentication", "KerberosAuthentication"):
        if any(keyword.lower() in probe.settings for probe in sshd.probes or ()):
            yield from on(keyword, idle)


@host_rule(
    id="ssh-forwarding",
    title="sshd forwards X11, or opens forwarded ports to the network",
    severity=Severity.LOW,
    rationale=(
        "A forwarded X11 display lets the server read the keyboard of whoever logs in. With "
        "GatewayPorts a forwarded port of somebody's machine is open to the whole network."
    ),
    remedy="X11Forwarding no, GatewayPorts no",
    refs=("sshd_config(5) X11Forwarding", "sshd_config(5) GatewayPorts"),
    needs="sshd",
)
def forwarding(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for X11 and for gateway ports; TCP and sockets stay: jumps and tunnels use them."""
    del snapshot
    sshd = _sshd(host)

    def on(probe: Probe, name: str) -> Severity | None:
        active = probe.value(name) != "no" and probe.value("disableforwarding", "no") == "no"
        return Severity.LOW if active else None

    yield from judged(sshd, "X11Forwarding", lambda p: on(p, "x11forwarding"), "X11Forwarding no")
    yield from judged(sshd, "GatewayPorts", lambda p: on(p, "gatewayports"), "GatewayPorts no")
