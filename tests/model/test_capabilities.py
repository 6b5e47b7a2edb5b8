"""The table of capabilities is complete and readable, and grants follow the engine's rule."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullward.model.capabilities import (
    ALL,
    BY_NAME,
    DEFAULT,
    Capability,
    from_mask,
    granted,
    normalise,
    to_mask,
)
from hullward.model.severity import Severity

EVERY = frozenset(BY_NAME)
# The header linux/capability.h in the order of its bits.
HEADER = """
    CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
    NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO
    SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME
    SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG
    WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE
"""
# CapEff of a root process in a container of Docker 20.10 that was started without options.
DOCKER_DEFAULT = 0x00000000A80425FB

masks = st.integers(min_value=0, max_value=2**64 - 1)
names = st.sampled_from(sorted(EVERY))
requests = st.lists(st.sampled_from([*sorted(EVERY), "ALL"]), max_size=8)
each_capability = pytest.mark.parametrize("capability", ALL, ids=lambda c: c.name)


@st.composite
def spellings(draw: st.DrawFn, request: list[str]) -> list[str]:
    """Write the same request in another case, with or without CAP_ where that is allowed."""
    prefixed = [draw(st.sampled_from([n, f"CAP_{n}"])) if n != "ALL" else n for n in request]
    return [draw(st.sampled_from([n, n.lower(), n.title()])) for n in prefixed]


def test_table_has_the_bits_of_the_kernel_header_in_order() -> None:
    assert [(c.number, c.name) for c in ALL] == list(enumerate(HEADER.split()))
    assert len(ALL) == 41


def test_names_are_unique_and_index_the_table() -> None:
    assert len(BY_NAME) == len(ALL)
    assert all(BY_NAME[capability.name] is capability for capability in ALL)


def test_index_is_read_only() -> None:
    with pytest.raises(TypeError):
        BY_NAME["CHOWN"] = ALL[1]  # type: ignore[index]


def test_default_is_the_list_of_moby() -> None:
    expected = (
        "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP "
        "NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE"
    )

    assert frozenset(expected.split()) == DEFAULT
    assert len(DEFAULT) == 14


def test_no_default_is_worse_than_medium() -> None:
    ranks = {BY_NAME[name].severity.rank for name in DEFAULT}

    assert max(ranks) == Severity.MEDIUM.rank


def test_critical_are_those_that_lead_to_the_host_alone() -> None:
    critical = {c.name for c in ALL if c.severity is Severity.CRITICAL}

    assert critical == {"DAC_READ_SEARCH", "SYS_ADMIN", "SYS_MODULE", "SYS_RAWIO"}
    assert all(BY_NAME[name].escapes for name in critical)


def test_later_bits_never_came_with_an_earlier_kernel() -> None:
    versions = [tuple(map(int, c.since.split("."))) for c in ALL]

    assert all(before <= after for before, after in pairwise(versions))


@each_capability
def test_texts_are_short_plain_sentences(capability: Capability) -> None:
    texts = (capability.allows, capability.drop_when, capability.abuse)

    for text in texts:
        assert text == " ".join(text.split())
        assert text.endswith(".")
        assert text.isascii()
        assert 20 <= len(text) <= 220
    assert sum(map(len, texts)) <= 560


@each_capability
def test_short_fields_fit_one_line(capability: Capability) -> None:
    for entries in (capability.escapes, capability.references):
        assert all(entry and "\n" not in entry for entry in entries)
        assert len(", ".join(entries)) <= 140
        assert len(set(entries)) == len(entries)


@each_capability
def test_manual_page_comes_first_and_each_cve_is_referenced(capability: Capability) -> None:
    text = f"{capability.abuse} {' '.join(capability.escapes)}"
    cves = {word.strip("(),.") for word in text.split() if "CVE-" in word}

    assert capability.references[0] == "capabilities(7)"
    assert cves == {entry for entry in capability.references if entry.startswith("CVE-")}


@each_capability
def test_advice_says_drop_for_defaults_and_leave_out_for_others(capability: Capability) -> None:
    first = capability.drop_when.split(maxsplit=1)[0]

    assert first in ({"Drop"} if capability.default else {"Leave", "Always"})
    assert (first == "Always") is (capability.severity is Severity.CRITICAL)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SYS_ADMIN", "SYS_ADMIN"),
        ("CAP_SYS_ADMIN", "SYS_ADMIN"),
        ("cap_net_raw", "NET_RAW"),
        ("Net_Raw", "NET_RAW"),
        ("all", "ALL"),
        ("CAP_ALL", None),
        ("CAP_CAP_CHOWN", None),
        ("CAP_41", None),
        (" CHOWN", None),
        ("CAP_", None),
        ("", None),
    ],
)
def test_normalise_takes_what_the_engine_takes(name: str, expected: str | None) -> None:
    assert normalise(name) == expected


@given(st.text())
def test_normalise_is_idempotent_and_closed(name: str) -> None:
    result = normalise(name)

    assert result is None or (result in EVERY | {"ALL"} and normalise(result) == result)


@pytest.mark.parametrize(
    ("add", "drop", "expected"),
    [
        ([], [], DEFAULT),
        (["SYS_ADMIN"], [], DEFAULT | {"SYS_ADMIN"}),
        ([], ["NET_RAW"], DEFAULT - {"NET_RAW"}),
        (["CHOWN"], ["CHOWN"], DEFAULT),
        (["SYS_TIME"], ["SYS_TIME"], DEFAULT | {"SYS_TIME"}),
        ([], ["ALL"], frozenset[str]()),
        (["CHOWN", "SYS_ADMIN"], ["ALL"], {"CHOWN", "SYS_ADMIN"}),
        (["CHOWN"], ["ALL", "CHOWN"], {"CHOWN"}),
        (["ALL"], [], EVERY),
        (["ALL"], ["ALL"], EVERY),
        (["ALL"], ["SYS_ADMIN"], EVERY - {"SYS_ADMIN"}),
        (["ALL"], ["ALL", "SYS_ADMIN"], EVERY - {"SYS_ADMIN"}),
        (["ALL", "SYS_ADMIN"], ["SYS_ADMIN"], EVERY - {"SYS_ADMIN"}),
        (["NONSENSE"], ["CAP_ALL"], DEFAULT),
    ],
)
def test_granted_in_each_branch(add: list[str], drop: list[str], expected: set[str]) -> None:
    assert granted(add, drop) == expected


@given(requests, requests)
def test_granted_decides_each_capability_by_one_sentence(add: list[str], drop: list[str]) -> None:
    """Added by name beats dropped, except under ALL; untouched ones keep the default."""
    for name in EVERY:
        if "ALL" in add:
            expected = name not in drop
        elif name in add:
            expected = True
        else:
            expected = name in DEFAULT and not {"ALL", name} & set(drop)

        assert (name in granted(add, drop)) is expected


@given(requests, requests)
def test_privileged_ignores_both_lists(add: list[str], drop: list[str]) -> None:
    assert granted(add, drop, privileged=True) == EVERY


@given(requests, requests)
def test_drop_all_leaves_exactly_the_added(add: list[str], drop: list[str]) -> None:
    named = [name for name in add if name != "ALL"]

    assert granted(named, [*drop, "ALL"]) == set(named)


@given(requests, requests)
def test_add_all_contains_everything_not_dropped(add: list[str], drop: list[str]) -> None:
    assert granted([*add, "ALL"], drop) == EVERY - set(drop)


@given(requests, names, requests)
def test_adding_by_name_never_takes_away(add: list[str], more: str, drop: list[str]) -> None:
    assert granted(add, drop) <= granted([*add, more], drop)


def test_adding_all_can_take_away() -> None:
    assert "CHOWN" in granted(["CHOWN"], ["CHOWN"])
    assert "CHOWN" not in granted(["CHOWN", "ALL"], ["CHOWN"])


@given(requests, requests, st.sampled_from([*sorted(EVERY), "ALL"]))
def test_dropping_never_gives(add: list[str], drop: list[str], more: str) -> None:
    assert granted(add, [*drop, more]) <= granted(add, drop)


@given(st.data(), requests, requests)
def test_spelling_order_and_repetition_do_not_matter(
    data: st.DataObject, add: list[str], drop: list[str]
) -> None:
    other_add = data.draw(spellings(data.draw(st.permutations(add + add))))
    other_drop = data.draw(spellings(data.draw(st.permutations(drop + drop))))

    assert granted(other_add, other_drop) == granted(add, drop)


def test_mask_of_a_fresh_docker_container_is_the_default() -> None:
    assert from_mask(DOCKER_DEFAULT) == DEFAULT
    assert to_mask(DEFAULT) == DOCKER_DEFAULT


def test_full_set_of_a_kernel_with_41_capabilities() -> None:
    assert from_mask(0x1FFFFFFFFFF) == EVERY
    assert from_mask(0) == frozenset()


def test_bits_without_a_name_are_numbered() -> None:
    assert from_mask(1 << 41 | 1 << 63 | 1) == {"CHOWN", "CAP_41", "CAP_63"}


@given(masks)
def test_mask_survives_the_round_trip(mask: int) -> None:
    assert to_mask(from_mask(mask)) == mask


@given(masks, masks)
def test_masks_and_sets_agree_on_union_and_intersection(a: int, b: int) -> None:
    assert from_mask(a | b) == from_mask(a) | from_mask(b)
    assert from_mask(a & b) == from_mask(a) & from_mask(b)


@given(st.sets(names))
def test_names_survive_the_round_trip(some: set[str]) -> None:
    assert from_mask(to_mask(some)) == some


@given(st.data(), st.lists(names))
def test_to_mask_takes_every_spelling(data: st.DataObject, some: list[str]) -> None:
    assert to_mask(data.draw(spellings(some))) == to_mask(some)


@pytest.mark.parametrize("name", ["", "ALL", "NONSENSE", "CAP_5", "CAP_40", "CAP_041", "CAP_64"])
def test_to_mask_refuses_what_is_no_capability(name: str) -> None:
    with pytest.raises(ValueError, match=f"^no capability: {name}$"):
        to_mask(["CHOWN", name])


@pytest.mark.parametrize("mask", [-1, 1 << 64])
def test_from_mask_refuses_what_no_kernel_set_can_hold(mask: int) -> None:
    with pytest.raises(ValueError, match="no set of 64 capabilities"):
        from_mask(mask)
