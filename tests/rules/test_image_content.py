import pytest

from hullward.model.facts import Container, History, Image, Snapshot
from hullward.model.rule import EngineRule, Fail, Unknown
from hullward.model.severity import Severity
from hullward.rules import image_content

BAD = Image(
    "sha256:bad",
    ("shop/app:1",),
    environment=("PATH", "API_TOKEN", "DB_PASSWORD_FILE"),
    history=History(("a URL", "files"), 2, ("BUILD_SECRET",)),
)
GOOD = Image("sha256:good", checked=True, environment=("PATH",), history=History())
RULES = (
    image_content.secret,
    image_content.no_healthcheck,
    image_content.add,
    image_content.update_alone,
)


def of(image: Image) -> Snapshot:
    return Snapshot(
        "web", containers=(Container("app", image_id=image.id),), images={image.id: image}
    )


@pytest.mark.parametrize(
    ("rule", "fail"),
    [
        (image_content.secret, Fail("shop/app:1: API_TOKEN, BUILD_SECRET")),
        (image_content.no_healthcheck, Fail("no HEALTHCHECK in shop/app:1")),
        (image_content.add, Fail("shop/app:1: ADD of a URL and files", Severity.LOW)),
        (image_content.update_alone, Fail("shop/app:1: an update without an installation")),
    ],
)
def test_a_badly_made_image_fails(rule: EngineRule, fail: Fail) -> None:
    assert list(rule.check(of(BAD))) == [fail]


@pytest.mark.parametrize("rule", RULES)
def test_a_well_made_image_passes(rule: EngineRule) -> None:
    assert list(rule.check(of(GOOD))) == []


@pytest.mark.parametrize("rule", RULES)
def test_an_image_that_could_not_be_read_is_unknown(rule: EngineRule) -> None:
    snapshot = Snapshot("web", containers=(Container("app", image_id="sha256:x"),))

    assert list(rule.check(snapshot)) == [Unknown("the image of app could not be read")]


def test_a_history_that_could_not_be_read_is_unknown() -> None:
    image = Image("sha256:0123456789abcdef", checked=True)
    said = Unknown("the history of 0123456789ab could not be read")

    for rule in (image_content.secret, image_content.add, image_content.update_alone):
        assert list(rule.check(of(image))) == [said]
