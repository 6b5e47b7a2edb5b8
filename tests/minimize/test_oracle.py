"""What counts as working: what all good lives share, and nothing that varies between them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hullward.minimize.observe import Refusal, Trace
from hullward.minimize.oracle import Difference, Life, Phase, differences, masked, norm, summary

PHASES = (
    Phase("first", 0.5, frozenset({"0 nginx", "33 nginx"}), frozenset({"tcp *:80"}), 0),
    Phase("second", 0.4, frozenset({"0 nginx", "33 nginx"}), frozenset({"tcp *:80"}), 0),
)
GOOD = Life(
    ok=True,
    phases=PHASES,
    log="worker 17 started\n",
    files={"/data/db": "100644 100:101", "/run/pid": "100644 0:0"},
    sizes={"/data/db": "4096"},
)

words = st.text(st.sampled_from("ab/ 1é\n"), max_size=6)
phases = st.builds(
    Phase,
    st.sampled_from(["first", "second"]),
    st.floats(0, 9),
    st.frozensets(words, max_size=3),
    st.frozensets(words, max_size=3),
    st.integers(0, 255),
    st.booleans(),
)
lives = st.builds(
    Life,
    ok=st.just(value=True),
    phases=st.lists(phases, max_size=2).map(tuple),
    log=words.map(lambda word: f"error {word}"),
    files=st.dictionaries(words, words, max_size=4),
    sizes=st.dictionaries(words, words, max_size=4),
)


def second(life: Life, **changes: object) -> Life:
    """Change what the second start showed."""
    first, last = life.phases
    return replace(life, phases=(first, replace(last, **changes)))


def found(life: Life, *baselines: Life) -> list[str]:
    return [str(one) for one in differences(norm(baselines or (GOOD,) * 3), life)]


@given(st.lists(lives, min_size=1, max_size=4), st.data())
def test_no_baseline_differs_from_its_own_norm(baselines: list[Life], data: st.DataObject) -> None:
    assert differences(norm(baselines), data.draw(st.sampled_from(baselines))) == ()


@given(st.lists(lives, min_size=1, max_size=3), lives, lives)
def test_another_baseline_never_makes_the_norm_stricter(
    baselines: list[Life], more: Life, life: Life
) -> None:
    strict, mild = norm(baselines), norm([*baselines, more])
    changed = {one.kind for one in differences(mild, life)}

    # A kind of fact that only the other one has is new in the mild norm, and cannot be missed.
    assert changed <= {one.kind for one in differences(strict, life)} | {"file", "size"}


@pytest.mark.parametrize(
    ("life", "expected"),
    [
        (
            second(GOOD, tree=frozenset({"0 nginx"})),
            ["process on second start 33 nginx: missing"],
        ),
        (
            second(GOOD, listeners=frozenset({"tcp *:80", "tcp *:81"})),
            ["listener on second start tcp *:81: new"],
        ),
        (second(GOOD, exit_code=9), ["stop after second start exit code: 0 became 9"]),
        (second(GOOD, slow=True), ["stop after second start ends by itself: yes became no"]),
        (
            replace(GOOD, files={**GOOD.files, "/data/db": "100644 0:0"}),
            ["file /data/db: 100644 100:101 became 100644 0:0"],
        ),
        (
            replace(GOOD, files={"/run/pid": "100644 0:0"}),
            ["file /data/db: missing (100644 100:101)"],
        ),
        (replace(GOOD, sizes={"/data/db": "0"}), ["size /data/db: 4096 became 0"]),
        (
            replace(GOOD, log="worker 18 started\nchown: not permitted\n"),
            ["new in the log: chown: not permitted"],
        ),
        (
            replace(GOOD, trace=Trace(refusals=frozenset({Refusal("kill", "EPERM")}))),
            ["refused by the kernel: kill (EPERM)"],
        ),
    ],
)
def test_what_a_probe_does_not_see_is_seen(life: Life, expected: list[str]) -> None:
    assert found(life) == expected


def test_a_setgid_bit_that_vanishes_without_an_error_is_seen() -> None:
    before = replace(GOOD, files={"/run/postgresql": "043777 109:112"})
    after = replace(GOOD, files={"/run/postgresql": "041777 109:112"})

    assert found(after, before, before) == [
        "file /run/postgresql: 043777 109:112 became 041777 109:112"
    ]


def test_fewer_errors_than_in_a_good_life_are_no_difference() -> None:
    noisy = replace(GOOD, log="error: cannot set rlimit 7\n")

    assert found(GOOD, noisy, noisy, noisy) == []


def test_numbers_and_identifiers_do_not_make_a_line_new() -> None:
    before = replace(GOOD, log="error 17 in 0xdeadbeef\n")

    assert found(replace(GOOD, log="error 18 in 0xfeedface\n"), before) == []


def test_a_process_that_comes_and_goes_is_noise() -> None:
    with_sleep = second(GOOD, tree=PHASES[1].tree | {"33 sleep"})

    assert found(GOOD, GOOD, with_sleep) == []
    assert found(with_sleep, GOOD, with_sleep) == []


def test_a_folder_of_files_with_chance_names_is_noise() -> None:
    one = replace(GOOD, files={**GOOD.files, "/spool/qzx": "100600 0:0"})
    other = replace(GOOD, files={**GOOD.files, "/spool/wvu": "100600 0:0"})

    assert found(replace(GOOD, files={**GOOD.files, "/spool/abc": "100600 0:0"}), one, other) == []


def test_a_size_that_varies_is_noise() -> None:
    sizes = [replace(GOOD, sizes={"/data/db": size}) for size in ("1", "2")]

    assert found(replace(GOOD, sizes={"/data/db": "3"}), *sizes) == []


def test_of_a_job_everything_it_says_counts() -> None:
    job = replace(GOOD, job=True, log="17 files copied\ndone\n")

    assert found(replace(job, log="17 files copied\n"), job) == ["output done: missing"]


def test_a_life_that_ended_well_can_be_a_jobs() -> None:
    assert Life(ok=False, why="first start: it ended with exit code 0").ended_well
    assert not Life(ok=False, why="first start: it ended with exit code 1").ended_well


def test_a_summary_says_how_much_it_leaves_out() -> None:
    many = [Difference("file", str(number), "a", "") for number in range(7)]

    assert len(summary(many)) == 6
    assert summary(many)[-1] == "and 2 more"


@given(st.text())
def test_what_is_masked_stays_masked(text: str) -> None:
    assert masked(masked(text)) == masked(text)
