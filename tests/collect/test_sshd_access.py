"""Who may log in at all, as allowed_user and match_user of OpenSSH decide it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullward.collect.sshd_access import admitted
from hullward.model.sshd import Probe

BOB = Probe("bob", "10.1.0.5", "desk.example")
names = st.text("abc", min_size=1, max_size=3)
lists = st.dictionaries(
    st.sampled_from(["allowusers", "denyusers", "allowgroups", "denygroups"]),
    st.lists(names, max_size=3).map(" ".join),
)


@pytest.mark.parametrize(
    ("lists", "groups", "answer"),
    [
        ({}, None, True),
        ({"allowusers": "bob"}, None, True),
        ({"allowusers": "eve b*"}, None, True),
        ({"allowusers": "eve"}, None, False),
        ({"allowusers": "BOB"}, None, False),
        ({"allowusers": "!eve"}, None, False),
        ({"denyusers": "!eve"}, None, True),
        ({"denyusers": "b?b"}, None, False),
        ({"allowusers": "bob", "denyusers": "bob"}, None, False),
        ({"allowusers": "bob@10.0.0.0/8"}, None, True),
        ({"allowusers": "bob@10.1.*"}, None, True),
        ({"allowusers": "bob@192.0.2.0/24"}, None, False),
        ({"allowusers": "bob@*.EXAMPLE"}, None, True),
        ({"allowusers": "bob@!10.1.0.5,*"}, None, False),
        ({"allowusers": "bob@!*.example,10.0.0.0/8"}, None, False),
        ({"denyusers": "bob@10.1.0.5"}, None, False),
        ({"allowgroups": "ops"}, ["ops"], True),
        ({"allowgroups": "ops"}, ["users"], False),
        ({"allowgroups": "o*"}, ["users", "ops"], True),
        ({"allowgroups": "ops"}, [], False),
        ({"allowgroups": "ops"}, None, None),
        ({"denygroups": "ops"}, ["users", "ops"], False),
        ({"denygroups": "ops"}, None, None),
        ({"denygroups": "ops", "allowgroups": "ops"}, ["ops"], False),
        ({"denyusers": "bob", "allowgroups": "ops"}, None, False),
        ({"allowusers": "eve", "allowgroups": "ops"}, ["ops"], False),
    ],
)
def test_the_lists_are_asked_in_the_order_of_sshd(
    lists: dict[str, str], groups: list[str] | None, *, answer: bool | None
) -> None:
    assert admitted(lists, BOB, groups) is answer


@given(lists, names, st.lists(names, max_size=2))
def test_whom_no_list_lets_in_with_groups_known_is_never_unsure(
    found: dict[str, str], user: str, groups: list[str]
) -> None:
    answer = admitted(found, Probe(user), groups)
    users, grouped = (found.get(name, "").split() for name in ("allowusers", "allowgroups"))
    shut = user in found.get("denyusers", "").split()
    shut |= bool(set(groups) & set(found.get("denygroups", "").split()))
    let = (not users or user in users) and (not grouped or bool(set(groups) & set(grouped)))

    assert answer is (let and not shut)


@given(lists, names)
def test_unknown_groups_never_let_in_whom_some_groups_would_not(
    found: dict[str, str], user: str
) -> None:
    unsure = admitted(found, Probe(user), None)
    sure = {admitted(found, Probe(user), groups) for groups in ([], ["a"], ["b", "abc"])}

    assert unsure is None or sure == {unsure}


@given(st.text(max_size=12), st.text(max_size=8))
def test_no_pattern_breaks_it(pattern: str, user: str) -> None:
    answer = admitted({"allowusers": pattern, "denyusers": pattern}, Probe(user), [])

    assert answer is not None
