"""How the ssh server proves itself, and with which algorithms."""

from collections.abc import Generator

from hullward.model.facts import Snapshot
from hullward.model.host import Host
from hullward.model.rule import Answers, Fail, Unknown, host_rule
from hullward.model.severity import Severity
from hullward.model.sshd import HostKey, Setting, Sshd
from hullward.rules.ssh_words import origin, remedy, write

_GUIDE = "guide: Harden SSH"
_RSA_BITS = 3072
_POST_QUANTUM = ("sntrup761", "mlkem")
_PINNED = (
    "\nClients that pinned only the old key will see an unknown host. So on each workstation "
    "first: ssh-keygen -F HOST, and while a session is still trusted: "
    "ssh HOST cat /etc/ssh/ssh_host_ed25519_key.pub, to add that key to known_hosts."
)


def _sshd(host: Host) -> Sshd:
    return host.sshd or Sshd(present=False)


@host_rule(
    id="ssh-host-key-type",
    title="The server proves itself with a weak or unwanted key",
    severity=Severity.MEDIUM,
    rationale=(
        "The guide keeps RSA and Ed25519 only: DSA is broken, ECDSA leaks its key when a single "
        "random number is poor, and RSA below 3072 bits is too short for keys that live for years."
    ),
    remedy="Load only the Ed25519 key and an RSA key of 3072 bits or more, by HostKey lines.",
    refs=(_GUIDE, "sshd_config(5) HostKey", "ssh-keygen(1)"),
    needs="sshd",
)
def host_key_type(host: Host, snapshot: Snapshot) -> Answers:
    """Judge each loaded key by what ssh-keygen reads in it, never by the name of its file."""
    del snapshot
    sshd = _sshd(host)
    if not sshd.present:
        return
    if "host_keys" in sshd.gaps or sshd.host_keys is None:
        yield Unknown(sshd.gaps.get("host_keys", "the host keys were not read"))
    keys = sshd.host_keys or ()
    for key in keys:
        if not key.type or not key.bits:
            yield Unknown(f"ssh-keygen cannot read {key.path}")
        elif weakness := weak(key.type, key.bits):
            where = f"loaded by {key.file}:{key.line}" if key.file else "loaded by default"
            yield Fail(f"{key.path} is {weakness} ({where})", remedy=_without(sshd, key, keys))


def weak(type_: str, bits: int) -> str:
    """Say what is wrong with a key, "" for nothing; keys in hardware are of their own kind."""
    name = type_.removesuffix("-cert")
    if name == "rsa":
        return f"RSA of {bits} bits" if bits < _RSA_BITS else ""
    return "" if name in {"ed25519", "ed25519-sk", "ecdsa-sk"} else f"{name.upper()} of {bits} bits"


def _without(sshd: Sshd, key: HostKey, keys: tuple[HostKey, ...]) -> str:
    """Say how to stop loading a key: its own line goes, or the good ones are named instead."""
    short = key.type == "rsa"
    if short:
        return (
            f"ssh-keygen -q -t rsa -b 4096 -N '' -f {key.path}.new && mv {key.path}.new {key.path} "
            f"&& mv {key.path}.new.pub {key.path}.pub && {sshd.reload}{_PINNED}"
        )
    if key.file:
        change = f"Remove line {key.line} of {key.file}, then: sshd -t && {sshd.reload}"
        return change + _PINNED
    good = [f"HostKey {k.path}" for k in keys if k.type and not weak(k.type, k.bits)]
    return write(sshd, *(good or ["HostKey /etc/ssh/ssh_host_ed25519_key"])) + _PINNED


@host_rule(
    id="ssh-host-key-algorithms",
    title="The server signs with SHA-1, DSA or ECDSA",
    severity=Severity.LOW,
    rationale="SHA-1 signatures can be forged at a price; what is not offered cannot be chosen.",
    remedy="HostKeyAlgorithms -ssh-rsa*,ssh-dss*,ecdsa-*",
    refs=(_GUIDE, "sshd_config(5) HostKeyAlgorithms"),
    needs="sshd",
)
def host_key_algorithms(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for old algorithms, and for ECDSA where such a key is loaded."""
    del snapshot
    sshd = _sshd(host)
    setting = yield from _setting(sshd, "hostkeyalgorithms")
    if setting is None:
        return
    if sshd.host_keys is None or "host_keys" in sshd.gaps:
        yield Unknown(sshd.gaps.get("host_keys", "the host keys were not read"))
    loaded = {key.type for key in sshd.host_keys or ()}
    ecdsa = "ecdsa" in loaded
    names = [
        name
        for name in setting.value.split(",")
        if name.startswith(("ssh-rsa", "ssh-dss")) or (ecdsa and name.startswith("ecdsa-"))
    ]
    if names:
        names = [name for name in names if "-cert-" not in name] or names
        wanted = "HostKeyAlgorithms -ssh-rsa*,ssh-dss*,ecdsa-*"
        yield Fail(
            f"HostKeyAlgorithms has {', '.join(names)} ({origin(setting)})",
            remedy=remedy(sshd, setting, "HostKeyAlgorithms", wanted) + (_PINNED if ecdsa else ""),
        )


@host_rule(
    id="ssh-key-exchange",
    title="Key exchange or encryption is not of today",
    severity=Severity.INFO,
    rationale=(
        "What is recorded today can be read by a quantum computer one day, unless the key exchange "
        "is a hybrid. SHA-1, MD5 and CBC are kept for clients that hardly exist any more."
    ),
    remedy="MACs -hmac-sha1*,hmac-md5*; KexAlgorithms -*-sha1; an OpenSSH of 9.0 or later.",
    refs=("sshd_config(5) KexAlgorithms", "openssh.com/pq.html"),
    needs="sshd",
)
def key_exchange(host: Host, snapshot: Snapshot) -> Answers:
    """Read the lists of sshd -T: no scan, which would ban the workstation (PerSourcePenalties)."""
    del snapshot
    sshd = _sshd(host)
    kex = yield from _setting(sshd, "kexalgorithms")
    if kex and not any(name.startswith(_POST_QUANTUM) for name in kex.value.split(",")):
        wanted = "KexAlgorithms +sntrup761x25519-sha512@openssh.com"
        yield Fail(
            f"KexAlgorithms has no post-quantum hybrid ({origin(kex)})",
            remedy=remedy(sshd, kex, "KexAlgorithms", wanted),
        )
    for keyword, old, wanted in (
        ("KexAlgorithms", ("sha1",), "KexAlgorithms -*-sha1"),
        ("MACs", ("sha1", "md5"), "MACs -hmac-sha1*,hmac-md5*"),
        ("Ciphers", ("-cbc", "arcfour"), "Ciphers -*-cbc,arcfour*"),
    ):
        setting = yield from _setting(sshd, keyword.lower())
        names = [n for n in setting.value.split(",") if any(o in n for o in old)] if setting else []
        if setting and names:
            yield Fail(
                f"{keyword} has {', '.join(names)} ({origin(setting)})",
                remedy=remedy(sshd, setting, keyword, wanted),
            )


def _setting(sshd: Sshd, name: str) -> Generator[Unknown, None, Setting | None]:
    """Give a setting that holds for everybody, or say why it is not known."""
    if not sshd.present:
        return None
    if sshd.settings is None:
        yield Unknown(sshd.gaps.get("settings", "sshd -T was not asked"))
        return None
    if name not in sshd.settings:
        yield Unknown(f"sshd -T does not print {name}")
        return None
    return sshd.settings[name]
