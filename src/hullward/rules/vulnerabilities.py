"""Known flaws by version of the engine's programs. As of 2026-11; newer ones are missing."""

import re
from collections.abc import Iterable

from msgspec import Struct

from hullward.model.system import Distribution, Package, System


class Flaw(Struct, frozen=True):
    """A flaw of one program; `fixed` names the first good version of each branch.

    Older versions than `since` never had it. `later` are branches that were mended by a version
    which this table does not know. `needs` is what must be true of the host, "" for nothing.
    """

    id: str
    part: str
    what: str
    fixed: tuple[str, ...]
    since: str = ""
    later: tuple[str, ...] = ()
    needs: str = ""


class Build(Struct, frozen=True):
    """What is known of a distribution's own builds: mended from one version on, or lacking it yet.

    A package that was made before a flaw was found cannot hold its mend.
    """

    flaws: tuple[str, ...]
    distribution: str
    release: str
    package: str
    mended: str = ""
    lacking: str = ""


# Left out: flaws of containerd that only Kubernetes meets (CVE-2022-23648, CVE-2025-64329,
# CVE-2026-53488), and those of runc that Docker's preparation of images hides (CVE-2026-41579).
FLAWS = (
    Flaw("CVE-2019-5736", "runc", "the host's runc is overwritten", ("1.0.0-rc7",)),
    Flaw("CVE-2019-19921", "runc", "a volume is swapped while it is mounted", ("1.0.0-rc10",)),
    Flaw("CVE-2021-30465", "runc", "mount targets are swapped", ("1.0.0-rc95",)),
    Flaw("CVE-2023-27561", "runc", "/proc is replaced by a link", ("1.1.5",), since="1.0.0-rc95"),
    Flaw("CVE-2024-21626", "runc", "a leaked file descriptor", ("1.1.12",), since="1.0.0-rc93"),
    Flaw("CVE-2025-31133", "runc", "masked paths are swapped", ("1.2.8", "1.3.3", "1.4.0-rc.3")),
    Flaw(
        "CVE-2025-52565", "runc", "the console mount is swapped", ("1.2.8", "1.3.3", "1.4.0-rc.3")
    ),
    Flaw(
        "CVE-2025-52881", "runc", "writes to /proc are redirected", ("1.2.8", "1.3.3", "1.4.0-rc.3")
    ),
    Flaw("CVE-2020-15257", "containerd", "the shim's abstract socket", ("1.3.9", "1.4.3")),
    Flaw(
        "CVE-2019-14271",
        "Engine",
        "docker cp loads libraries of the container",
        ("19.03.1",),
        since="19.03.0",
    ),
    Flaw(
        "CVE-2024-23651",
        "Engine",
        "a build swaps its cache mount",
        ("24.0.9", "25.0.2"),
        since="18.06.0",
    ),
    Flaw(
        "CVE-2024-23653",
        "Engine",
        "a build runs with privileges that nobody gave",
        ("24.0.9", "25.0.2"),
        since="18.06.0",
    ),
    Flaw(
        "CVE-2026-41567",
        "Engine",
        "docker cp runs programs of the container as root",
        ("29.5.1",),
        since="28.0.0",
    ),
    Flaw(
        "CVE-2026-42306",
        "Engine",
        "docker cp mounts over a path of the host",
        ("29.5.1",),
        later=("25.0",),
    ),
)
LESSER = (
    Flaw(
        "CVE-2023-25809",
        "runc",
        "a container writes to the user's control groups",
        ("1.1.5",),
        needs="rootless",
    ),
    Flaw(
        "CVE-2021-41103",
        "containerd",
        "local users enter the folders of containers",
        ("1.4.11", "1.5.7"),
        needs="people",
    ),
    Flaw(
        "CVE-2024-25621",
        "containerd",
        "local users enter containerd's folders",
        ("1.7.29", "2.0.7", "2.1.5", "2.2.0"),
        needs="people",
    ),
    Flaw(
        "CVE-2021-41091",
        "Engine",
        "local users enter the folders of containers",
        ("20.10.9",),
        needs="people",
    ),
    Flaw(
        "CVE-2021-21284",
        "Engine",
        "remapped root changes files of the daemon",
        ("19.03.15", "20.10.3"),
        needs="userns",
    ),
    Flaw(
        "CVE-2024-29018",
        "Engine",
        "names are resolved out of internal networks",
        ("23.0.11", "25.0.5", "26.0.0-rc3"),
        needs="internal",
    ),
    Flaw(
        "CVE-2024-41110",
        "Engine",
        "requests pass authorization plugins unseen",
        ("23.0.15", "25.0.6", "26.1.5", "27.1.1"),
        needs="authorization",
    ),
    Flaw(
        "CVE-2026-34040",
        "Engine",
        "large requests pass authorization plugins unseen",
        ("29.3.1",),
        later=("25.0",),
        needs="authorization",
    ),
    Flaw(
        "CVE-2025-54388",
        "Engine",
        "a reload of firewalld opens ports of 127.0.0.1",
        ("28.3.3",),
        since="28.2.0",
        needs="firewalld",
    ),
)
_RUNC_2025 = ("CVE-2025-31133", "CVE-2025-52565", "CVE-2025-52881")
_CP_2026 = ("CVE-2026-41567", "CVE-2026-42306")
# By the changelogs of the packages.
BUILDS = (
    Build(("CVE-2024-21626",), "debian", "11", "runc", mended="1.0.0~rc93+ds1-5+deb11u3"),
    Build(("CVE-2024-21626",), "debian", "12", "runc", mended="1.1.5+ds1-1+deb12u1"),
    Build(("CVE-2024-21626",), "ubuntu", "20.04", "runc", mended="1.1.7-0ubuntu1~20.04.2"),
    Build(("CVE-2024-21626",), "ubuntu", "22.04", "runc", mended="1.1.7-0ubuntu1~22.04.2"),
    Build(_RUNC_2025, "debian", "12", "runc", lacking="1.1.5+ds1-1+deb12u1"),
    Build(_RUNC_2025, "debian", "13", "runc", lacking="1.1.15+ds1-2"),
    Build(("CVE-2026-42306",), "debian", "12", "docker.io", lacking="20.10.24+dfsg1-1+deb12u1"),
    Build(("CVE-2026-42306",), "debian", "13", "docker.io", mended="26.1.5+dfsg1-9+deb13u1"),
    Build(("CVE-2026-34040",), "debian", "13", "docker.io", mended="26.1.5+dfsg1-9+deb13u1"),
    Build(_CP_2026, "debian", "", "docker.io", mended="28.5.2+dfsg4-3"),
    Build(("CVE-2024-41110",), "debian", "12", "docker.io", mended="20.10.24+dfsg1-1+deb12u1"),
    Build(("CVE-2024-25621",), "debian", "12", "containerd", mended="1.6.20~ds1-1+deb12u2"),
    Build(("CVE-2024-25621",), "debian", "13", "containerd", mended="1.7.24~ds1-6+deb13u1"),
)
_FINAL = 10_000


PARTS = tuple(sorted({flaw.part for flaw in FLAWS}))


def of(part: str, version: str, table: Iterable[Flaw] = FLAWS) -> tuple[Flaw, ...] | None:
    """Give the flaws of a program's version; None for a version that is not a number."""
    if _number(version) is None:
        return None
    return tuple(flaw for flaw in table if flaw.part == part and _has(version, flaw))


def patched_by_a_distribution(version: str) -> bool:
    """Whether the version is a distribution's build, which may hold mends of newer ones."""
    return bool(re.search(r"dfsg|[+~-](ds|deb|ubuntu|rpt)|\.(el|fc|amzn)\d|-\d*ubuntu", version))


def sort(
    flaws: Iterable[Flaw], version: str, system: System
) -> tuple[tuple[Flaw, ...], tuple[Flaw, ...]]:
    """Part the flaws of a version into those that it has, and those that nobody can tell.

    Only a distribution's build may hold mends of newer versions; there its package decides.
    """
    certain, unclear = [], []
    for flaw in flaws:
        state: bool | None = False
        if patched_by_a_distribution(version):
            state = mended(flaw, system.package(flaw.part), system.distribution)
        elif any(version.removeprefix("v").startswith(f"{branch}.") for branch in flaw.later):
            state = None
        if state is None:
            unclear.append(flaw)
        elif not state:
            certain.append(flaw)
    return tuple(certain), tuple(unclear)


def mended(flaw: Flaw, package: Package | None, distribution: Distribution | None) -> bool | None:
    """Say whether a distribution's build of a flawed version holds the mend; None: not known."""
    if package is None or distribution is None or package.manager != "dpkg":
        return None
    built = re.sub(r"\+b\d+$", "", package.version)
    for build in BUILDS:
        if (build.distribution, build.release) != (distribution.id, distribution.version):
            continue
        if build.package != package.name or flaw.id not in build.flaws:
            continue
        if build.mended:
            return _order(built) >= _order(build.mended)
        if _order(built) <= _order(build.lacking):
            return False
    return None


def _has(version: str, flaw: Flaw) -> bool:
    """Whether a version lacks the mend: by its own branch's, or older than every mended branch."""
    number, since = _number(version), _number(flaw.since)
    if number is None or (since is not None and number < since):
        return False
    fixed = sorted(filter(None, map(_number, flaw.fixed)))
    for mend in fixed:
        if number[:2] == mend[:2]:
            return number < mend
    return number[:2] < fixed[-1][:2]


def _number(version: str) -> tuple[int, int, int, int] | None:
    match = re.match(
        r"v?(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(?:[~-](rc|beta|alpha)[.-]?(\d{0,4}))?", version
    )
    if match is None:
        return None
    # A release candidate comes before its release.
    before = int(match[5] or 0) - 5_000 * (match[4] != "rc") if match[4] else _FINAL
    return int(match[1]), int(match[2]), int(match[3] or 0), before


def _order(version: str) -> tuple[object, ...]:
    """Give a key that sorts versions as dpkg does (deb-version(7))."""
    epoch, _, rest = version.rpartition(":")
    upstream, dash, revision = rest.rpartition("-")
    parts = (epoch or "0", upstream if dash else rest, revision if dash else "0")
    return tuple(_runs(part) for part in parts)


def _runs(part: str) -> tuple[tuple[tuple[int, ...], int], ...]:
    """Take words and numbers in turn; a word's end sorts behind ~ and before everything else."""
    runs = re.findall(r"([^0-9]*)([0-9]*)", part[:200])
    return tuple(
        ((*(_weight(letter) for letter in word), 0), int(number or 0)) for word, number in runs
    )


def _weight(letter: str) -> int:
    if letter == "~":
        return -1
    return ord(letter) if letter.isalpha() else ord(letter) + 0x110000
