"""What the owner has accepted is not proposed against."""

from datetime import date

from hullward.compose import comments, nodes
from hullward.compose import project as reading
from hullward.fixes.compose import accepted
from hullward.fixes.compose.proposal import Left, Proposal
from hullward.fixes.compose.proposing import propose
from hullward.model.waiver import Waiver
from hullward.rules import ALL

FILE = "/p/compose.yaml"
TEXT = """\
services:
  web:
    image: a
    labels: [traefik.enable=true]
    ports:
      - 80:80
      - 90:90
"""
RULES = {
    "container-new-privileges",
    "container-default-capabilities",
    "container-writable-root",
    "container-no-pids-limit",
    "container-no-memory-limit",
    "container-published-everywhere",
}


def found(text: str, *waivers: Waiver) -> list[Proposal | Left]:
    project = reading.read((FILE,), {}, lambda _: text.encode(), env_files=())
    root = nodes.parse(text, FILE)
    assert root
    ignores = comments.ignores(text, [root], FILE)
    proposed = propose(project, root, {}, ["web"])
    return list(accepted.without(proposed, project, ignores, waivers, FILE))


def proposed(answers: list[Proposal | Left]) -> set[str]:
    return {answer.rule for answer in answers if isinstance(answer, Proposal)}


def test_a_proposal_names_a_rule_that_there_is() -> None:
    answers = found(TEXT)

    assert proposed(answers) == RULES
    assert {rule.id for rule in ALL} >= RULES | {"container-root"}


def test_a_comment_at_the_service_accepts_a_rule_for_it() -> None:
    answers = found(
        TEXT.replace("web:", "web:  # hullward: ignore[container-writable-root] it updates itself")
    )

    assert proposed(answers) == RULES - {"container-writable-root"}
    assert Left("web", "container-writable-root", "accepted: it updates itself") in answers


def test_a_comment_without_a_reason_accepts_nothing() -> None:
    assert (
        proposed(found(TEXT.replace("web:", "web:  # hullward: ignore[container-writable-root]")))
        == RULES
    )


def test_a_waiver_of_the_settings_accepts_a_rule_until_it_expires() -> None:
    waivers = (
        Waiver(rule="container-writable-root", target=f"{FILE}/web", reason="old"),
        Waiver(
            rule="container-new-privileges",
            target=f"{FILE}/web",
            reason="late",
            expires=date(2026, 1, 1),
        ),
    )

    answers = found(TEXT, *accepted.current(waivers, date(2026, 11, 24)))

    assert proposed(answers) == RULES - {"container-writable-root"}
