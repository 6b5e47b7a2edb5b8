from hypothesis import given
from hypothesis import strategies as st

from hullward.model.plan import Act, Edit, Owner, Plan, Way, lines, parts

TEXTS = st.none() | st.text(max_size=30)
OWNERS = st.none() | st.builds(Owner, st.integers(0, 9), st.integers(0, 9))
EDITS = st.builds(Edit, st.sampled_from(["/a", "/b"]), TEXTS, TEXTS, OWNERS, OWNERS)
WAYS = st.builds(Way, proof=st.sampled_from(["", "on", "off"]))
PLANS = st.builds(
    Plan, st.text(max_size=5), st.just("job"), st.lists(EDITS, max_size=3).map(tuple), WAYS, WAYS
)


@given(PLANS)
def test_the_inverse_of_the_inverse_is_the_plan(plan: Plan) -> None:
    assert plan.inverse().inverse() == plan


@given(st.text())
def test_a_text_is_the_sum_of_its_lines(text: str) -> None:
    assert "".join(lines(text)) == text


def test_the_diff_names_what_is_created_removed_and_whose_it_becomes() -> None:
    plan = Plan(
        "x",
        "job",
        (
            Edit("/new", None, "a\nb", None, Owner(0, 0, 0o600)),
            Edit("/gone", "a\n", None),
            Edit("/kept", "a\n", "a\n"),
        ),
    )

    assert plan.diff() == (
        "--- /dev/null\n+++ /new  (uid 0, gid 0, mode 0600)\n@@ -0,0 +1,2 @@\n+a\n+b\n"
        "\\ No newline at end of file\n"
        "--- /gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n"
    )


def test_the_inverse_goes_the_other_way_with_what_belongs_to_it() -> None:
    there, back = Way(activate=(Act(("start",)),), proof="on"), Way(proof="off")
    plan = Plan("x", "job", (Edit("/a", "1", "2"), Edit("/b", None, "3")), there, back)
    inverse = plan.inverse()

    assert inverse.edits == (Edit("/b", "3", None), Edit("/a", "2", "1"))
    assert (inverse.forth, inverse.back) == (back, there)


def test_a_word_names_what_is_staged() -> None:
    assert list(parts("--file={new:/etc/a.b}x")) == [
        ("", "--file="),
        ("new", "/etc/a.b"),
        ("", "x"),
    ]
    assert list(parts("{candidate:main.conf}")) == [("candidate", "main.conf")]
    assert list(parts("{}")) == [("", "{}")]
