"""The machine: size, kernel, distribution, and what else it is used for."""

from collections.abc import Mapping

from hullward.collect.bundle import Said
from hullward.collect.collector import Question
from hullward.model.system import System

QUESTIONS: tuple[Question, ...] = ()


def parse(answers: Mapping[str, Said]) -> System | str:
    """Read the answers; a string says why nothing is known."""
    del answers
    return "hullward does not look at it yet"
