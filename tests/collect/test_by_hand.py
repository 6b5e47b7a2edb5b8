"""An engine in a bundle that was made by hand: as the docker command tells of it."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundles import ANSWERS, written
from fakes import attempt
from hullward import flow
from hullward.collect import by_hand, engine
from hullward.collect.bundle import Said
from hullward.model.errors import HullwardError
from hullward.model.facts import Snapshot

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def look(answers: Mapping[str, Said]) -> Snapshot | HullwardError:
    return attempt(lambda: engine.collect(by_hand.BundledEngine(answers), "web1", NOW))


def test_an_engine_is_read_from_a_bundle() -> None:
    found = look(ANSWERS)

    assert isinstance(found, Snapshot)
    assert [container.name for container in found.containers] == ["web"]
    assert found.engine
    assert (found.engine.version, found.engine.api, found.engine.name) == (
        "29.6.0",
        "1.51",
        "web1",
    )
    assert [network.name for network in found.networks or ()] == ["bridge"]
    assert [image.tags for image in found.images.values()] == [("shop/web:1",)]


def test_what_a_bundle_cannot_hold_is_a_gap() -> None:
    found = look(ANSWERS)

    assert isinstance(found, Snapshot)
    assert found.plugins is None
    assert found.gaps["plugins"] == "/plugins: a bundle that was made by hand does not hold it"
    assert [image.history for image in found.images.values()] == [None]


def test_docker_that_was_silent_is_refused() -> None:
    found = look({**ANSWERS, "engine-version": Said("", 1)})

    assert isinstance(found, HullwardError)
    assert found.what.startswith("The bundle holds nothing of an engine")


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (Said("", 1), "docker could not say"),
        (Said(problem="it did not answer in time"), "it did not answer in time"),
        (Said('{"Id": "x"}\n{"Id": '), "the copy is damaged"),
    ],
)
def test_containers_that_were_not_copied_whole_are_no_empty_list(
    answer: Said, problem: str
) -> None:
    found = look({**ANSWERS, "engine-containers": answer})

    assert isinstance(found, HullwardError)
    assert found.what == f"The containers cannot be listed: {problem}."


@given(st.sampled_from([name for name in ANSWERS if name != "made"]), st.integers(0, 500))
def test_an_answer_that_is_cut_is_never_an_engine_without_containers(name: str, end: int) -> None:
    found = look({**ANSWERS, name: Said(ANSWERS[name].text[:end])})

    if isinstance(found, Snapshot):
        assert [c.name for c in found.containers] == ["web"] or name == "engine-containers"
        assert len(found.containers) == 1 or end == 0


@given(st.integers(0, len(written(ANSWERS))))
def test_a_file_that_is_cut_is_an_error_or_whole_in_what_it_tells(end: int) -> None:
    found = attempt(lambda: flow.unpacked(written(ANSWERS)[:end], "file"))

    if not isinstance(found, HullwardError):
        assert [[c.name for c in snapshot.containers] for snapshot in found] == [["web"]]


def test_a_bundle_without_the_host_says_why_it_is_not_known() -> None:
    (found,) = flow.unpacked(written(ANSWERS), "file")

    assert found.collected_at == "2026-11-28T12:00:00Z"
    assert found.host is None
    assert found.gaps["host"] == "the engine runs on web1, but the host that was asked is "
    assert "processes" in found.gaps


def test_no_template_asks_for_values_of_variables_or_commands() -> None:
    script = flow.script()

    assert ".Config.Cmd" not in script
    assert ".Args" not in script
    assert script.count(".Config.Env") == 1
    assert 'index (split $v "=") 0' in script
