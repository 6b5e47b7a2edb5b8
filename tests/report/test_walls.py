import json

from hullward.model.proof import Knock, Proof
from hullward.model.report import Outcome
from hullward.report import walls
from hullward.report.terminal import Style

PROOF = Proof(
    (
        Knock("root", "container web", "172.17.0.2:80", "open", "open", Outcome.PASS),
        Knock("bob (uid 1000)", "container web", "172.17.0.2:80", "closed", "open", Outcome.FAIL),
    ),
    ("db: it is not there any more",),
)


def test_a_proof_begins_with_what_failed_and_ends_with_the_sum() -> None:
    assert walls.proof(PROOF, Style(200)) == (
        "      WHO             WHAT           WHERE          WANTED  FOUND\n"
        "fail  bob (uid 1000)  container web  172.17.0.2:80  closed  open\n"
        "pass  root            container web  172.17.0.2:80  open    open\n"
        "\n"
        "  not looked into: db: it is not there any more\n"
        "1 as they should be, 1 not, 0 unknown\n"
    )


def test_a_proof_for_programs_has_every_attempt_and_the_sum() -> None:
    value = json.loads(walls.proof_json(PROOF, "web1"))

    assert value["summary"] == {"pass": 1, "fail": 1, "unknown": 0}
    assert value["knocks"][1] == {
        "who": "bob (uid 1000)", "what": "container web", "place": "172.17.0.2:80",
        "wanted": "closed", "found": "open", "outcome": "fail", "why": "",
    }  # fmt: skip


def test_the_name_of_a_container_cannot_forge_a_line() -> None:
    hostile = Proof((Knock("container a\nroot", "x", "y", "open", "open", Outcome.PASS),))

    assert "container a\\x0aroot" in walls.proof(hostile, Style(200))


def test_status_says_whether_it_stands_and_what_is_behind() -> None:
    drift = ("missing: 8443 in open_tcp",)

    assert walls.status("The wall", (), {"limits": "one\ntwo"}, Style(80), loaded=True) == (
        "The wall stands\n\n  limits    one\n  limits    two\n"
    )
    assert walls.status("The wall", drift, {}, Style(80), loaded=True).startswith(
        "The wall stands, but not as it should\n\n  drift     missing: 8443 in open_tcp\n"
    )
    assert walls.status("The wall", (), {}, Style(80), loaded=False).startswith(
        "The wall does not stand\n"
    )
