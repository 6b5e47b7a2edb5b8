from hypothesis import given
from hypothesis import strategies as st

from hullward.fixes.subids import COUNT, NAME, Range, added, faults, free, mine, parse

RANGES = st.lists(
    st.builds(
        Range,
        st.sampled_from(["alice", "bob", "1000"]),
        st.integers(100000, 10**7),
        st.integers(1, COUNT),
    ),
    max_size=5,
)


def written(ranges: list[Range]) -> str:
    return "".join(f"{r.user}:{r.start}:{r.count}\n" for r in ranges)


@given(RANGES, RANGES, st.frozensets(st.integers(0, 300000), max_size=5))
def test_a_new_range_fits_and_belongs_to_nobody_else(
    uids: list[Range], gids: list[Range], taken: frozenset[int]
) -> None:
    start = free(tuple(uids), tuple(gids), taken=taken)
    found = tuple(parse(added(written(ranges), start)) for ranges in (uids, gids))

    assert list(faults(*found)) == []
    assert mine(found[0]) == mine(found[1]) == (Range(NAME, start, COUNT),)
    assert not any(start <= uid < start + COUNT for uid in taken)


@given(RANGES)
def test_what_is_written_is_read(ranges: list[Range]) -> None:
    assert list(parse(written(ranges))) == ranges


def test_comments_and_broken_lines_are_no_ranges() -> None:
    assert parse("# alice:1:2\nalice\nalice:x:1\nalice:1:\n\nbob:5:6") == (Range("bob", 5, 6),)


def test_a_missing_last_line_feed_is_made_good() -> None:
    assert added("a:1:2", 100000) == "a:1:2\ndockremap:100000:65536\n"
    assert added(None, 100000) == "dockremap:100000:65536\n"


def test_faults_are_named() -> None:
    small, other = Range(NAME, 100000, 1000), Range("alice", 100500, 65536)

    assert list(faults((small, other), ())) == [
        "/etc/subuid gives dockremap fewer than 65536 ids",
        "/etc/subuid gives ids of dockremap to alice as well",
        "/etc/subgid gives dockremap nothing, and the other file does",
    ]


def test_no_room_is_no_range() -> None:
    assert free((Range("a", 0, 2**32 - 10),)) == 0
