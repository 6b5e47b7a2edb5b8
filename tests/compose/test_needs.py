"""What images need: the packaged files, the user's own, and when they are meant for a service."""

from datetime import date
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

import hullward
from hullward.compose import needs
from hullward.host import needs as stored
from hullward.model.errors import HullwardError
from hullward.model.needs import Confidence, Fit, Invocation, Needs

FOLDER = Path(hullward.__file__).parent / "profiles"
FILES = sorted(FOLDER.glob("*.toml"))
REDIS = Needs(
    image="docker.io/library/redis",
    tags=("7.2", "7.2[.-]*"),
    invocation="root becomes redis",
    sources=("https://example.org",),
    checked=date(2026, 11, 24),
    confidence=Confidence.MEDIUM,
    capabilities=("SETUID", "SETGID"),
    tolerated={"CHOWN": "a foreign folder is not handed over"},
)
OWN = """\
image = "docker.io/library/redis"
[[needs]]
tags = ["7.2"]
invocation = "ours"
sources = ["our own trial"]
checked = 2026-11-24
confidence = "medium"
"""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_packaged_file_is_read_and_found_by_the_image_that_it_describes(path: Path) -> None:
    found = needs.parse(path.read_bytes(), path.name)

    assert needs.file_name(found[0].image) == path.name
    assert stored.load(found[0].image) == found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_packaged_claim_has_an_address_that_anybody_can_read(path: Path) -> None:
    for entry in needs.parse(path.read_bytes(), path.name):
        assert any(source.startswith("https://") for source in entry.sources)
        assert len(entry.sources) > 1 or entry.confidence is not Confidence.HIGH


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_claim_says_that_it_holds_for_its_invocation_only(path: Path) -> None:
    for entry in needs.parse(path.read_bytes(), path.name):
        assert f"holds for this invocation only: {entry.invocation}" in entry.caveat


def test_what_is_kept_is_what_is_needed_and_what_is_missed() -> None:
    assert REDIS.kept == ("CHOWN", "SETGID", "SETUID")


def test_the_very_invocation_leaves_no_doubt() -> None:
    assert needs.fitting([REDIS], Invocation("redis:7.2.4")) == Fit(REDIS)


@pytest.mark.parametrize(
    ("invocation", "doubt"),
    [
        (Invocation("redis"), "the tag here is not named"),
        (Invocation("redis:8"), "the tag here is 8"),
        (Invocation("redis:7.2", command=True), "it has a command of its own"),
        (Invocation("redis:7.2", entrypoint=True), "it has an entrypoint of its own"),
        (Invocation("redis:7.2", command=None), "its command is not known"),
        (Invocation("redis:7.2", user=None), "its user is not known"),
        (Invocation("redis:7.2", host_network=True), "take NET_BIND_SERVICE"),
        (
            Invocation("redis:7.2", sysctls={"net.ipv4.ip_unprivileged_port_start": "1024"}),
            "makes low ports take NET_BIND_SERVICE",
        ),
    ],
)
def test_whatever_differs_is_a_doubt(invocation: Invocation, doubt: str) -> None:
    fit = needs.fitting([REDIS], invocation)

    assert fit is not None
    assert len(fit.doubts) == 1
    assert doubt in fit.doubts[0]


@pytest.mark.parametrize(
    "invocation",
    [
        Invocation("valkey/valkey:7.2"),
        Invocation("ghcr.io/library/redis:7.2"),
        Invocation("redis:7.2", user="1000"),
    ],
)
def test_another_image_or_user_is_not_meant(invocation: Invocation) -> None:
    assert needs.fitting([REDIS], invocation) is None


def test_the_entry_with_the_fewest_doubts_is_chosen() -> None:
    newer = replace(REDIS, tags=("8",))

    assert needs.fitting([REDIS, newer], Invocation("redis:8")) == Fit(newer)


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("redis", ("docker.io/library/redis", "")),
        ("redis:7", ("docker.io/library/redis", "7")),
        ("docker.io/redis:7", ("docker.io/redis", "7")),
        ("grafana/grafana:13", ("docker.io/grafana/grafana", "13")),
        ("index.docker.io/a/b", ("docker.io/a/b", "")),
        ("localhost/a", ("localhost/a", "")),
        ("registry:5000/a", ("registry:5000/a", "")),
        ("registry:5000/a:1@sha256:00", ("registry:5000/a", "1")),
    ],
)
def test_a_reference_is_split_as_the_engine_does(reference: str, parts: tuple[str, str]) -> None:
    assert needs.split(reference) == parts


def test_the_users_own_come_first(tmp_path: Path) -> None:
    (tmp_path / "redis.toml").write_text(OWN)

    found = stored.load("redis:7.2", [tmp_path])

    assert found[0].invocation == "ours"
    assert len(found) > 1


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("image = ", "is not TOML"),
        ("needs = []", "'image' is missing"),
        ('image = "redis"\nneeds = [1]', "cannot be understood"),
        ('image = "redis"\nother = 1\nneeds = []', "only image and"),
        (OWN.replace("docker.io/library/redis", "redis"), "must be written as"),
        (OWN + 'capabilities = ["CAP_CHOWN"]', "is no capability"),
        (OWN + 'capabilities = ["CHOWN"]\ntolerated = { CHOWN = "x" }', "cannot be needed and"),
        (OWN + 'tmpfs = ["tmp"]', "no absolute path"),
        (OWN + 'capability = ["CHOWN"]', "unknown field"),
        (OWN.replace('["our own trial"]', "[]"), "must not be empty"),
        (OWN.replace('"medium"', '"sure"'), "sure"),
        ("x = " + "[" * 5000, "is not TOML"),
    ],
)
def test_a_file_of_the_users_that_cannot_be_meant_is_refused(
    text: str, what: str, tmp_path: Path
) -> None:
    (tmp_path / "redis.toml").write_text(text)

    with pytest.raises(HullwardError) as error:
        stored.load("redis", [tmp_path])

    assert what in error.value.what


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(HullwardError, match="is no folder"):
        stored.load("redis", [tmp_path / "none"])


def test_a_file_without_end_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "redis.toml").write_bytes(b"#" * 70_000)

    with pytest.raises(HullwardError, match="larger than 64 KiB"):
        stored.load("redis", [tmp_path])


@given(st.text(max_size=80))
def test_no_name_of_an_image_leads_out_of_the_folder(image: str) -> None:
    for found in stored.load(image):
        assert needs.split(image)[0] == found.image


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        found = needs.parse(data, "some.toml")
    except HullwardError:
        return
    assert msgspec.to_builtins(found) is not None
