import pytest

from builders import ask, best, evidence, reasons
from hullward.model.facts import Container, Image, Mount
from hullward.model.rule import Fail
from hullward.model.severity import Severity
from hullward.rules.containers.upkeep import floating_image, old_image

SOCKET = Mount("bind", "/run/docker.sock", "/run/docker.sock")
WATCHTOWER = Container("tower", image="containrrr/watchtower:1.7.1", mounts=(SOCKET,))


def test_floating_image_is_worse_where_something_replaces_it() -> None:
    container = Container("web", image="shop/web:latest")

    assert ask(floating_image, container) == [Fail("image shop/web:latest")]
    assert ask(floating_image, container, WATCHTOWER) == [
        Fail("image shop/web:latest, and tower replaces it by itself", Severity.MEDIUM)
    ]


def test_floating_image_is_silent_for_a_version() -> None:
    assert ask(floating_image, Container("web", image="shop/web:1.2"), WATCHTOWER) == []


@pytest.mark.parametrize(
    ("created", "said"),
    [
        ("2025-10-31T00:00:00Z", ["image shop/web:1 was built 366 days before this look"]),
        ("2025-11-01T00:00:00.123456789Z", []),
        ("2026-10-31T23:00:00+00:00", []),
    ],
)
def test_old_image_fires_after_a_year(created: str, said: list[str]) -> None:
    container = Container("web", image="shop/web:1", image_id="i")

    assert evidence(ask(old_image, container, images={"i": Image("i", created=created)})) == said


@pytest.mark.parametrize(
    ("created", "reason"),
    [
        ("", "its image gives no date ('')"),
        ("yesterday", "its image gives no date ('yesterday')"),
        ("2025-01-01T00:00:00", "its image gives no date ('2025-01-01T00:00:00')"),
        (
            "0001-01-01T00:00:00Z",
            "its image gives 0001-01-01T00:00:00Z, the date of a reproducible build",
        ),
        (
            "1980-01-01T00:00:00Z",
            "its image gives 1980-01-01T00:00:00Z, the date of a reproducible build",
        ),
        ("2030-01-01T00:00:00Z", "its image gives 2030-01-01T00:00:00Z, which is still to come"),
    ],
)
def test_old_image_is_unknown_for_a_date_that_cannot_be_true(created: str, reason: str) -> None:
    container = Container("web", image_id="i")

    assert reasons(ask(old_image, container, images={"i": Image("i", created=created)})) == [reason]


def test_old_image_is_unknown_where_the_image_was_not_read() -> None:
    assert reasons(ask(old_image, best())) == ["its image could not be read"]
