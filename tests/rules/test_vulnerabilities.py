import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullward.rules import vulnerabilities

LEAKED, SHIM = "CVE-2024-21626", "CVE-2020-15257"
NOVEMBER = {"CVE-2025-31133", "CVE-2025-52565", "CVE-2025-52881"}
OVERWRITTEN, VOLUMES, TARGETS = "CVE-2019-5736", "CVE-2019-19921", "CVE-2021-30465"
LINKED = "CVE-2023-27561"
COPIES = {"CVE-2026-41567", "CVE-2026-42306"}


@pytest.mark.parametrize(
    ("part", "version", "ids"),
    [
        ("runc", "1.0.0-rc6", {OVERWRITTEN, VOLUMES, TARGETS} | NOVEMBER),
        ("runc", "1.0.0-rc7", {VOLUMES, TARGETS} | NOVEMBER),
        ("runc", "1.0.0-rc10", {TARGETS} | NOVEMBER),
        ("runc", "1.0.0-rc93", {TARGETS, LEAKED} | NOVEMBER),
        ("runc", "1.0.0~rc93+ds1", {TARGETS, LEAKED} | NOVEMBER),
        ("runc", "1.0.0-rc95", {LINKED, LEAKED} | NOVEMBER),
        ("runc", "1.0.0", {LINKED, LEAKED} | NOVEMBER),
        ("runc", "1.1.4", {LINKED, LEAKED} | NOVEMBER),
        ("runc", "1.1.5", {LEAKED} | NOVEMBER),
        ("runc", "1.1.11", {LEAKED} | NOVEMBER),
        ("runc", "v1.1.11", {LEAKED} | NOVEMBER),
        ("runc", "1.1.12", NOVEMBER),
        ("runc", "1.1.12-0ubuntu2~22.04.1", NOVEMBER),
        ("runc", "1.1.15+ds1", NOVEMBER),
        ("runc", "1.1", {LINKED, LEAKED} | NOVEMBER),
        ("runc", "1.2.7", NOVEMBER),
        ("runc", "1.2.8-rc.1", NOVEMBER),
        ("runc", "1.2.8", set()),
        ("runc", "1.2.10", set()),
        ("runc", "1.3.2", NOVEMBER),
        ("runc", "1.3.3", set()),
        ("runc", "1.4.0-rc.1", NOVEMBER),
        ("runc", "1.4.0-rc.2", NOVEMBER),
        ("runc", "1.4.0-rc.3", set()),
        ("runc", "1.4.0-beta", NOVEMBER),
        ("runc", "1.4.0", set()),
        ("runc", "1.5.0", set()),
        ("runc", "2.0.0", set()),
        ("containerd", "1.2.14", {SHIM}),
        ("containerd", "1.3.8", {SHIM}),
        ("containerd", "1.3.9", set()),
        ("containerd", "v1.4.2", {SHIM}),
        ("containerd", "1.4.3", set()),
        ("containerd", "1.4.13~ds1", set()),
        ("containerd", "2.1.5", set()),
        ("Engine", "1.0.0", {"CVE-2026-42306"}),
        ("Engine", "28.5.2", COPIES),
        ("Engine", "29.5.0", COPIES),
        ("Engine", "29.5.1", set()),
    ],
)
def test_a_version_is_compared_with_its_own_branch(part: str, version: str, ids: set[str]) -> None:
    assert {flaw.id for flaw in vulnerabilities.of(part, version) or ()} == ids


@pytest.mark.parametrize("version", ["", "N/A", "unknown", "dev-1.0", "1", "library-import"])
def test_a_version_that_is_not_a_number_is_not_known(version: str) -> None:
    assert vulnerabilities.of("runc", version) is None


@given(st.text())
def test_any_version_has_an_answer(version: str) -> None:
    flaws = vulnerabilities.of("runc", version)

    assert flaws is None or all(flaw.part == "runc" for flaw in flaws)


@pytest.mark.parametrize(
    ("version", "patched"),
    [
        ("1.0.0~rc93+ds1", True),
        ("1.0.0~rc6+dfsg1", True),
        ("1.1.5+ds1", True),
        ("1.6.20~ds1", True),
        ("1.1.12-0ubuntu2~22.04.1", True),
        ("1.1.4-0ubuntu1~20.04.3", True),
        ("1.1.9-2.fc39", True),
        ("1.1.12-1.el9", True),
        ("1.1.14-1.amzn2023", True),
        ("1.7.2-deb12u1", True),
        ("1.1.12", False),
        ("v1.1.12", False),
        ("1.0.0-rc93", False),
        ("1.1.12+dev", False),
    ],
)
def test_a_distributions_build_is_known_by_its_version(version: str, *, patched: bool) -> None:
    assert vulnerabilities.patched_by_a_distribution(version) is patched


def test_every_flaw_names_versions_that_can_be_read() -> None:
    assert all(
        vulnerabilities.of(flaw.part, version) is not None
        for flaw in vulnerabilities.FLAWS
        for version in flaw.fixed
    )
