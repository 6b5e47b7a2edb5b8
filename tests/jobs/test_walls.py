import pytest

from hullward.fixes import isolation, nft
from hullward.fixes.isolation import Wishes
from hullward.jobs import walls
from hullward.jobs.ground import Look
from hullward.jobs.isolation import KIND
from hullward.model.change import FileNow
from hullward.model.errors import HullwardError
from hullward.model.facts import Snapshot
from hullward.model.walls import ISOLATION, Ground, Loaded, Publication

TEXT = isolation.text(isolation.plan(Ground(), Wishes()), Wishes())
LOADED = Loaded(ours=True, sets=nft.elements(TEXT), rules=nft.rules(TEXT))
STANDS = Ground(loaded={ISOLATION: LOADED})


def look(ground: Ground, text: str | None = TEXT) -> Look:
    return Look(Snapshot("web1"), ground, (FileNow(KIND.standing.text, text),))


def test_a_wall_that_is_loaded_as_it_would_be_made_now_is_not_behind() -> None:
    assert walls.behind(KIND, look(STANDS)) == ()


def test_where_there_is_no_wall_nothing_is_behind() -> None:
    assert walls.behind(KIND, look(Ground(), None)) == ()


def test_a_wall_that_is_loaded_without_its_file_is_behind() -> None:
    assert walls.behind(KIND, look(STANDS, None)) == (f"the table {ISOLATION} is still loaded",)


def test_what_was_published_since_is_missing() -> None:
    ground = Ground(published=(Publication("tcp", 8080),), loaded=STANDS.loaded)

    assert walls.behind(KIND, look(ground)) == ("missing: 8080 in open_tcp",)


def test_an_element_or_a_rule_that_somebody_added_is_told() -> None:
    sets = {**LOADED.sets, "allowed_uids": frozenset({"0", "1000"})}
    rules = {**LOADED.rules, "output": 9}
    ground = Ground(loaded={ISOLATION: Loaded(ours=True, sets=sets, rules=rules)})

    assert walls.behind(KIND, look(ground)) == (
        "too much: 1000 in allowed_uids",
        "chain output has 9 rules, not 7",
    )


def test_a_file_that_was_edited_says_no_wishes() -> None:
    (told,) = walls.behind(KIND, look(STANDS, "table inet x {}\n"))

    assert told == "/etc/hullward/isolate.nft was edited: what was wished cannot be read"


def test_an_nft_without_json_leaves_it_open() -> None:
    ground = Ground(loaded={ISOLATION: Loaded(ours=True)})

    (told,) = walls.behind(KIND, look(ground))

    assert "does not show the table as JSON" in told


def test_where_dockers_rules_are_gone_no_wall_is_made() -> None:
    with pytest.raises(HullwardError, match="Docker's own rules are gone") as told:
        walls.refuse_wiped(Ground(wiped="no rule translates 8080/tcp"))

    assert "systemctl restart docker" in told.value.advice
