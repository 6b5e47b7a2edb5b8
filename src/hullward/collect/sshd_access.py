"""Who may log in at all: AllowUsers, DenyUsers, AllowGroups, DenyGroups (sshd_config(5))."""

from collections.abc import Iterable, Mapping, Sequence

from hullward.collect.sshd_files import address_list, pattern_list
from hullward.model.sshd import Probe


def admitted(values: Mapping[str, str], probe: Probe, groups: Sequence[str] | None) -> bool | None:
    """Whether sshd lets somebody try to log in; None where it hangs on groups not known.

    It asks in this order: DenyUsers, AllowUsers, DenyGroups, AllowGroups (allowed_user of auth.c).
    """
    denied, allowed = (values.get(name, "").split() for name in ("denyusers", "allowusers"))
    if _named(denied, probe) or (allowed and not _named(allowed, probe)):
        return False
    shut, let = (values.get(name, "").split() for name in ("denygroups", "allowgroups"))
    if not shut and not let:
        return True
    if groups is None:
        return None
    return not _member(shut, groups) and (not let or _member(let, groups))


def _named(patterns: Iterable[str], probe: Probe) -> bool:
    return any(_is(pattern, probe) for pattern in patterns)


def _is(pattern: str, probe: Probe) -> bool:
    """Match `USER` or `USER@HOST`, where HOST is a list of addresses, networks and names."""
    user, at, hosts = pattern.rpartition("@")
    if not at:
        return _fits(pattern, probe.user)
    return _fits(user, probe.user) and _comes_from(hosts, probe)


def _comes_from(hosts: str, probe: Probe) -> bool:
    """Match address or name; a negated hit of either beats every other."""
    hit = False
    for pattern in hosts.split(","):
        name = pattern.removeprefix("!")
        if address_list(name, probe.address) or pattern_list(name.lower(), probe.host.lower()):
            if name != pattern:
                return False
            hit = True
    return hit


def _member(patterns: Iterable[str], groups: Iterable[str]) -> bool:
    known = tuple(groups)
    return any(_fits(pattern, group) for pattern in patterns for group in known)


def _fits(pattern: str, name: str) -> bool:
    """Match one pattern; neither a comma nor an exclamation mark means anything here."""
    return "," not in pattern and not pattern.startswith("!") and pattern_list(pattern, name)
