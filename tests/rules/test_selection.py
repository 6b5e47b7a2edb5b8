import pytest

from hullward.model.errors import HullwardError
from hullward.rules import ALL
from hullward.rules.selection import select


def ids(**words: list[str]) -> list[str]:
    return [rule.id for rule in select(ALL, **words)]


def test_without_words_every_rule_is_asked() -> None:
    assert select(ALL) == ALL


def test_an_area_keeps_its_rules() -> None:
    assert ids(areas=["network"]) == [
        "network-bridge-icc",
        "network-gateway-unprotected",
        "network-overlay-plain",
    ]


def test_an_id_may_be_a_glob() -> None:
    assert ids(ids=["container-privileged"]) == ["container-privileged"]
    assert ids(ids=["*-engine-*"]) == [
        "container-engine-api",
        "container-engine-socket",
        "files-engine-socket",
    ]


def test_excluded_rules_are_left_out_of_what_was_chosen() -> None:
    assert ids(ids=["container-engine-*"], excluded=["*-api"]) == ["container-engine-socket"]


def test_area_and_id_must_both_fit() -> None:
    assert ids(areas=["daemon"], ids=["*-engine-*"]) == []


@pytest.mark.parametrize(
    ("words", "what", "advice"),
    [
        (
            {"ids": ["container-priviledged"]},
            "There is no rule 'container-priviledged'.",
            "Did you mean container-privileged or",
        ),
        ({"excluded": ["conteiner-root"]}, "There is no rule 'conteiner-root'.", "Did you mean"),
        ({"areas": ["deamon"]}, "There is no area 'deamon'.", "Did you mean daemon?"),
        ({"areas": ["x"]}, "There is no area 'x'.", "There are: compose, container, daemon,"),
    ],
)
def test_a_word_that_fits_nothing_is_an_error_with_near_words(
    words: dict[str, list[str]], what: str, advice: str
) -> None:
    with pytest.raises(HullwardError) as error:
        select(ALL, **words)

    assert error.value.what == what
    assert error.value.advice.startswith(advice)
