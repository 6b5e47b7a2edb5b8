"""Which distributions Docker has packages for. As of 2026-11 (docs.docker.com/engine/install)."""

from enum import Enum

from msgspec import Struct

from hullward.model.system import Distribution


class Support(Enum):
    """What Docker's packages are for a distribution."""

    SUPPORTED = "supported"
    ENDED = "ended"
    NEWER = "newer"
    RELATED = "related"
    NONE = "none"


class Family(Struct, frozen=True):
    """The versions of a distribution that have packages, oldest first; `major` ignores the rest."""

    versions: tuple[str, ...]
    major: bool = False


FAMILIES = {
    "debian": Family(("12", "13"), major=True),
    "ubuntu": Family(("22.04", "24.04", "26.04")),
    "fedora": Family(("43", "44"), major=True),
    "rhel": Family(("8", "9", "10"), major=True),
    "centos": Family(("9", "10"), major=True),
}
# Docker 28 was the last one with packages for the 32-bit Raspberry Pi OS; the 64-bit one is Debian.
_RASPBIAN = "raspbian"
_SLES = "sles"


def judge(distribution: Distribution, architecture: str) -> Support:
    """Find a distribution in the table."""
    if distribution.id == _RASPBIAN:
        return Support.ENDED
    if distribution.id == _SLES and architecture == "s390x":
        return Support.SUPPORTED
    family = FAMILIES.get(distribution.id)
    if family is None:
        return Support.RELATED if FAMILIES.keys() & set(distribution.like) else Support.NONE
    version = distribution.version.partition(".")[0] if family.major else distribution.version
    if version in family.versions:
        return Support.SUPPORTED
    number, newest = _number(version), _number(family.versions[-1])
    # Without a version it is a distribution that rolls on, such as Debian unstable.
    return Support.NEWER if not number or number > newest else Support.ENDED


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(word) for word in version.split(".") if word.isdecimal())
