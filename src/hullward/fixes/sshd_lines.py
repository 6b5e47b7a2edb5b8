"""Which lines harden sshd as it is, and which lines of others would decide all the same."""

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from hullward.model.sshd import Probe, Setting, Sshd
from hullward.rules.ssh_words import DROP_IN, origin, whom

KBD_SINCE, INCLUDE_SINCE = (8, 7), (8, 2)
_STRICTER = ("no", "forced-commands-only")
_BY_KEY_OR_LESS = "|".join(("without-password", "prohibit-password", *_STRICTER))
_METHODS = {
    "passwordauthentication": "password",
    "kbdinteractiveauthentication": "keyboard-interactive",
}
# What lets a login reach further than this host: with it go jumps through it, and ssh -L.
_FORWARDING = (
    "AllowTcpForwarding",
    "AllowStreamLocalForwarding",
    "AllowAgentForwarding",
    "X11Forwarding",
    "GatewayPorts",
    "PermitTunnel",
)


class Wish(Struct, frozen=True):
    """What is asked for beside keys only: host keys of today, and no forwarding."""

    host_keys: bool = False
    strict: bool = False


PLAIN = Wish()


class Line(Struct, frozen=True):
    """A line of the drop-in, and the values, joined by |, by which sshd says that it won.

    `said` "" is for lines of which sshd does not say one value.
    """

    keyword: str
    value: str
    said: str = ""

    @property
    def name(self) -> str:
        """Give the keyword as `sshd -T` prints it."""
        return self.keyword.lower().replace("challengeresponse", "kbdinteractive")


def wanted(sshd: Sshd, wish: Wish) -> tuple[Line, ...]:
    """Choose the lines: what is stricter already stays, and so does a second factor."""
    probes = let_in(sshd)
    lines = [_root_line(sshd), Line("PubkeyAuthentication", "yes", "yes")]
    if not any(_demanded(p, "password") for p in probes):
        lines.append(Line("PasswordAuthentication", "no", "no"))
    if not any(_demanded(p, "keyboard-interactive") for p in probes):
        keyword = "KbdInteractive" if version(sshd) >= KBD_SINCE else "ChallengeResponse"
        lines.append(Line(f"{keyword}Authentication", "no", "no"))
    if wish.strict:
        lines += [Line(keyword, "no", "no") for keyword in _FORWARDING]
    return tuple(lines)


def _root_line(sshd: Sshd) -> Line:
    """Let root in by key, or as much less as is said outside of any Match block already."""
    outside = [
        p.value("permitrootlogin")
        for p in let_in(sshd)
        if p.user == "root" and not _matched(p, "permitrootlogin")
    ]
    stricter = [value for value in outside if value in _STRICTER]
    return Line("PermitRootLogin", (stricter or ["prohibit-password"])[0], _BY_KEY_OR_LESS)


def _matched(probe: Probe, name: str) -> bool:
    setting = probe.settings.get(name)
    return setting is not None and bool(setting.match)


def obstacles(sshd: Sshd, lines: Sequence[Line]) -> Iterator[tuple[str, str]]:
    """Say which lines would decide all the same, and what to do about each."""
    for line in lines:
        found: dict[Setting, list[Probe]] = {}
        for probe in missing(sshd, line):
            found.setdefault(probe.settings[line.name], []).append(probe)
        for setting, probes in found.items():
            what = f"{line.keyword} is {setting.value} for {whom(probes, sshd.probes or ())}"
            if setting.file == "-o":
                advice = "Take it out of them first: no file counts beside them."
                yield f"{what} {origin(setting)}", advice
            elif setting.match and setting.file != DROP_IN:
                by = f"by a Match block that is not hullward's ({origin(setting)})"
                advice = f"Remove line {setting.line} of {setting.file}, if it is not meant so."
                yield f"{what} {by}", advice
    yield from _lone_factors(sshd, {line.name for line in lines})


def _lone_factors(sshd: Sshd, names: set[str]) -> Iterator[tuple[str, str]]:
    """Find methods that must stay for some, and that others get in by alone."""
    for keyword, method in _METHODS.items():
        free = [p for p in let_in(sshd) if p.value(keyword) == "yes" and not _keyed(p)]
        if keyword not in names and free:
            what = f"{method} is the second factor of some (AuthenticationMethods)"
            yield (
                f"{what}, and alone lets in {whom(free, sshd.probes or ())}",
                "Demand publickey first of everybody: AuthenticationMethods outside any Match.",
            )


def missing(sshd: Sshd, line: Line) -> list[Probe]:
    """Give those for whom sshd says something else than the line wants."""
    probes = [probe for probe in let_in(sshd) if line.said and line.name in probe.settings]
    if line.name == "permitrootlogin":
        probes = [probe for probe in probes if probe.user == "root"]
    return [probe for probe in probes if probe.value(line.name) not in line.said.split("|")]


def told(sshd: Sshd, line: Line) -> bool:
    """Whether it is known what sshd says now of the keyword."""
    return bool(line.said) and any(line.name in probe.settings for probe in let_in(sshd))


def let_in(sshd: Sshd) -> tuple[Probe, ...]:
    """Give those who may log in, or of whom that is not known."""
    return tuple(probe for probe in sshd.probes or () if probe.admitted is not False)


def version(sshd: Sshd) -> tuple[int, int]:
    """Read the version of OpenSSH; (0, 0) where it has none."""
    found = re.match(r"OpenSSH_(\d+)\.(\d+)", sshd.version)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _lists(probe: Probe) -> list[list[str]]:
    named = probe.value("authenticationmethods", "any").split()
    if named in ([], ["any"]):
        return []
    return [[name.partition(":")[0] for name in methods.split(",")] for methods in named]


def _demanded(probe: Probe, method: str) -> bool:
    """Whether it is asked for beside a key, so that without it nobody gets in."""
    return any(method in names and "publickey" in names for names in _lists(probe))


def _keyed(probe: Probe) -> bool:
    """Whether a key is demanded of this user in any case."""
    lists = _lists(probe)
    return bool(lists) and all("publickey" in names for names in lists)
