"""What hullward reads in a Dockerfile, against what a real builder makes of it."""

import json
import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from hullward.compose.changes import spliced
from hullward.compose.dockerfile import parse
from hullward.compose.recipe import recipe
from hullward.fixes.dockerfile import UserProposal, own_uid, unprivileged_user
from hullward.model.recipe import Recipe
from live_engine import NAMES, LiveEngine

LABEL = "hullward.test=dockerfiles"
# Builders of Docker 20.10 refuse it.
WITHOUT_COLON = re.compile(r"\$\{\w+[-+]")
NAME = st.sampled_from(["A", "B", "U"])
VALUE = st.sampled_from(
    ["1", "a", "'b c'", '"d"', "$A", "${B}", "${U:-7}", "${A:+8}", "${B-9}", "x\\ y", '"$A$B"', ""]
)
CASES = (
    "FROM scratch",
    "FROM scratch\nARG U=1\nARG U=2\nUSER $U",
    "FROM scratch\nENV U=1\nARG U=2\nUSER $U",
    "FROM scratch\nARG U=2\nENV U=1\nUSER $U",
    "FROM scratch\nENV U=1\nENV U=2 V=$U\nUSER $V",
    "FROM scratch\nENV U 1 2\nUSER ${U}",
    "ARG U=5\nFROM scratch\nARG U\nUSER $U",
    "ARG U=5\nFROM scratch\nUSER ${U:-6}",
    "ARG S=one\nFROM scratch AS one\nUSER 1\nFROM scratch AS two\nUSER 2\nFROM $S",
    "FROM scratch AS a\nENV U=4\nFROM a\nUSER $U:$U",
    "FROM scratch AS a\nARG U=4\nFROM a\nUSER x$U",
    "ARG U=1\nFROM scratch AS a\nENV U=2\nARG U\nFROM a\nUSER $U",
    "FROM scratch AS a\nENV U=2\nARG U=3\nFROM a\nUSER $U",
    "FROM scratch AS a\nARG U=3\nENV U=2\nFROM a AS b\nARG U\nARG V=$U\nFROM b\nUSER $V",
    "FROM scratch AS A\nUSER 3\nFROM a AS b\nFROM b\nONBUILD USER 9",
    "# escape=`\nFROM scratch\nUSER `\n  7",
    "from scratch\nuser \\\n# a comment\n\n  8",
    'FROM scratch\nHEALTHCHECK NONE\nEXPOSE 80 443/udp\nVOLUME ["/a"]\nVOLUME /b /c',
    'FROM scratch\nHEALTHCHECK --interval=5s CMD x\nUSER "q"',
    "FROM scratch AS a\nHEALTHCHECK CMD x\nUSER 1\nFROM scratch\nUSER '2'",
    "FROM scratch\nENV P=/usr/lib\nUSER ${P:+7}",
)  # fmt: skip


@pytest.fixture(scope="module", params=NAMES or [""])
def builder(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveEngine]:
    """Give each engine to build with; no container is needed."""
    if not request.param:
        pytest.skip("HULLWARD_LIVE_ENGINES names no engine; `make live` does")
    engine = LiveEngine(request.param, tmp_path_factory.mktemp("builder"))
    yield engine
    made = engine.docker("images", "-q", "--filter", f"label={LABEL}").split()
    if made:
        engine.docker("rmi", "-f", *dict.fromkeys(made))


def built(engine: LiveEngine, text: str, *flags: str) -> dict[str, object]:
    """Give the parts of the image's configuration that a recipe speaks of."""
    words = ("build", "-q", "--label", LABEL, *flags, "-")
    image = engine.docker(*words, given=text.encode())
    config = json.loads(engine.docker("image", "inspect", image))[0]["Config"]
    test = (config.get("Healthcheck") or {}).get("Test") or ["NONE"]
    return {
        "user": config.get("User", ""),
        "checked": test[0] != "NONE",
        "ports": {port.removesuffix("/tcp") for port in config.get("ExposedPorts") or {}},
        "volumes": set(config.get("Volumes") or {}),
    }


def read(made: Recipe) -> dict[str, object]:
    return {
        "user": made.user,
        "checked": made.checked,
        "ports": set(made.exposed),
        "volumes": set(made.volumes),
    }


@pytest.mark.live
@pytest.mark.parametrize("text", CASES)
def test_a_real_builder_makes_what_is_read(builder: LiveEngine, text: str) -> None:
    assert read(recipe(parse(text, "Dockerfile"))) == built(builder, text)


@pytest.mark.live
def test_arguments_and_targets_mean_what_a_real_builder_takes_them_for(
    builder: LiveEngine,
) -> None:
    text = "ARG B=scratch\nFROM $B AS one\nARG U=1\nUSER $U\nFROM scratch\nUSER 2"
    made = recipe(parse(text, "Dockerfile"), "one", {"U": "9", "X": "3"})

    flags = ("--target", "one", "--build-arg", "U=9", "--build-arg", "X=3")
    assert read(made) == built(builder, text, *flags)


@pytest.mark.live
@pytest.mark.parametrize("text", ["FROM scratch\nEXPOSE 80", "FROM scratch AS a\nUSER 0\nCMD x\n"])
def test_a_proposed_user_is_the_one_that_a_real_builder_sets(
    builder: LiveEngine, text: str
) -> None:
    uid = own_uid("web")
    found = unprivileged_user(text, "Dockerfile", uid)

    assert isinstance(found, UserProposal)
    assert built(builder, spliced(text, found.pieces))["user"] == f"{uid}:{uid}"


@pytest.mark.live
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.one_of(
            st.builds("ARG {}={}".format, NAME, VALUE),
            st.builds("ARG {}".format, NAME),
            st.builds("ENV {}={}".format, NAME, VALUE),
            st.builds("USER {}".format, VALUE.filter(bool)),
            st.just("FROM scratch AS a"),
            st.just("FROM a"),
        ),
        max_size=8,
    )
)
def test_any_users_are_those_of_a_real_builder(builder: LiveEngine, lines: list[str]) -> None:
    text = "\n".join(["ARG A=m", "FROM scratch AS a", *lines, "USER ${U:-z}$A"])
    assume(not (builder.old and WITHOUT_COLON.search(text)))

    assert recipe(parse(text, "Dockerfile")).user == built(builder, text)["user"]
