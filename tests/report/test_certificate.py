"""A certificate on a terminal: what goes, what stays and why; hostile words made harmless."""

from msgspec.structs import replace

from hullward.model.certificate import Certificate, Need, Surroundings, Tried, Verification
from hullward.report import certificate
from hullward.report.terminal import Style

CERTIFICATE = Certificate(
    hullward="0.1.0",
    made_at="2026-11-24T15:00:00Z",
    container="web",
    surroundings=Surroundings(
        "nginx:1", "sha256:1", "26.1.5", "6.18", ("http://:80/",), liveness_only=False, observer=""
    ),
    before=("CHOWN", "KILL", "SETUID"),
    observed=("CHOWN", "SETUID"),
    needs=(
        Need(
            "SETUID", "required", ("first start: it ended with exit code 1",), "nginx in setuid()"
        ),
        Need("CHOWN", "tolerated", ("file /data: 33:33 became 0:0",)),
    ),
    unused=("KILL",),
    proven=True,
    trials=11,
    seconds=18.2,
    tried=(
        Tried("user 33:33", works=False, evidence=("it ended",)),
        Tried("a read-only root", works=True, options=("--read-only",)),
    ),
    notes=("liveness-level evidence only",),
)


def test_a_certificate_says_what_goes_and_why_the_rest_stays() -> None:
    assert certificate.render(CERTIFICATE, Style(100)) == (
        "web: 3 -> 2 capabilities\n"
        "  before  CHOWN KILL SETUID\n"
        "  asked   CHOWN SETUID\n"
        "  after   CHOWN SETUID\n"
        "\n"
        "  SETUID  required\n"
        "    without it: first start: it ended with exit code 1\n"
        "    asked by nginx in setuid()\n"
        "  CHOWN  tolerated\n"
        "    without it: file /data: 33:33 became 0:0\n"
        "\n"
        "  user 33:33: does not work\n"
        "    it ended\n"
        "  a read-only root: works\n"
        "    --read-only\n"
        "\n"
        "  proven by 11 trials in 18 s (image nginx:1, engine 26.1.5)\n"
        "  probe http://:80/\n"
        "  note: liveness-level evidence only\n"
        "\n"
        "  docker run --cap-drop=ALL --cap-add=CHOWN --cap-add=SETUID\n"
        "\n"
        "  cap_drop:\n"
        "    - ALL\n"
        "  cap_add:\n"
        "    - CHOWN  # without it: file /data: 33:33 became 0:0\n"
        "    - SETUID  # first start: it ended with exit code 1\n"
    )


def test_what_was_not_proven_says_so() -> None:
    text = certificate.render(replace(CERTIFICATE, proven=False), Style(100))

    assert "NOT PROVEN by 11 trials" in text


def test_without_needs_nothing_is_added() -> None:
    text = certificate.render(replace(CERTIFICATE, needs=()), Style(100))

    assert "cap_add" not in text
    assert "after   none" in text
    assert certificate.flags(replace(CERTIFICATE, needs=())) == ("--cap-drop=ALL",)


def test_words_of_a_container_cannot_paint_the_terminal_or_end_a_comment() -> None:
    evil = Need("CHOWN", "tolerated", ("new in the log: \x1b[2J\n    - SYS_ADMIN",))
    text = certificate.render(replace(CERTIFICATE, needs=(evil,), container="\x1b]0;x"), Style(100))

    assert "\x1b" not in text
    assert "\n    - SYS_ADMIN" not in text


def test_a_verification_says_what_is_not_true_any_more() -> None:
    found = Verification(("it ended",), (), ("engine: 26 became 28",), 7)

    assert certificate.verification(CERTIFICATE, found) == (
        "web: the certificate of 2026-11-24T15:00:00Z is not valid any more\n"
        "  does not work any more: it ended\n"
        "  changed since: engine: 26 became 28\n"
        "  7 trials\n"
    )
    assert "is still valid" in certificate.verification(CERTIFICATE, Verification((), (), (), 7))
