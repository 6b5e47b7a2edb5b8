"""Known escapes by version of the engine's programs. As of 2026-11; newer ones are missing."""

import re

from msgspec import Struct


class Flaw(Struct, frozen=True):
    """A flaw of one program; `fixed` names the first good version of each branch."""

    id: str
    part: str
    what: str
    fixed: tuple[str, ...]


_NOVEMBER_2025 = ("1.2.8", "1.3.3", "1.4.0-rc3")

FLAWS = (
    Flaw("CVE-2019-5736", "runc", "the host's runc is overwritten", ("1.0.0-rc7",)),
    Flaw("CVE-2021-30465", "runc", "mount targets are swapped", ("1.0.0-rc95",)),
    Flaw("CVE-2024-21626", "runc", "a leaked file descriptor", ("1.1.12",)),
    Flaw("CVE-2025-31133", "runc", "masked paths are swapped", _NOVEMBER_2025),
    Flaw("CVE-2025-52565", "runc", "the console mount is swapped", _NOVEMBER_2025),
    Flaw("CVE-2025-52881", "runc", "writes to /proc are redirected", _NOVEMBER_2025),
    Flaw("CVE-2020-15257", "containerd", "the shim's abstract socket", ("1.3.9", "1.4.3")),
)

PARTS = tuple(sorted({flaw.part for flaw in FLAWS}))
_RELEASE = 1_000_000

# Major, minor, patch, and the number of a release candidate, which comes before its release.
Number = tuple[int, int, int, int]


def of(part: str, version: str) -> tuple[Flaw, ...] | None:
    """Give the known flaws of a program's version; None for a version that is not a number."""
    number = _number(version)
    if number is None:
        return None
    return tuple(flaw for flaw in FLAWS if flaw.part == part and _before(number, flaw.fixed))


def patched_by_a_distribution(version: str) -> bool:
    """Whether the version is a distribution's build, which may hold mends of newer ones."""
    return bool(re.search(r"dfsg|[+~-](ds|deb|ubuntu|rpt)|\.(el|fc|amzn)\d|-\d*ubuntu", version))


def _before(number: Number, fixed: tuple[str, ...]) -> bool:
    """Whether a version lacks the mend: by its own branch's, or older than every mended branch."""
    mended = sorted(filter(None, map(_number, fixed)))
    for mend in mended:
        if number[:2] == mend[:2]:
            return number < mend
    return number[:2] < mended[-1][:2]


def _number(version: str) -> Number | None:
    match = re.match(
        r"v?(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(?:[~-](rc|beta|alpha)\.?(\d{1,5})?)?", version
    )
    if match is None:
        return None
    candidate = int(match[5] or 0) if match[4] == "rc" else 0
    return int(match[1]), int(match[2]), int(match[3] or 0), candidate if match[4] else _RELEASE
