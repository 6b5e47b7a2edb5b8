"""Snapshots as files: there and back, and nothing else gets in."""

import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fakes import attempt
from hullward.collect import saved
from hullward.model.errors import HullwardError
from hullward.model.facts import Container, Snapshot
from strategies import snapshots

ONE = Snapshot("web1", containers=(Container("web", processes=()),))
SAVED = saved.dump([ONE])


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(snapshots, max_size=2))
def test_what_was_saved_is_what_is_loaded(wanted: list[Snapshot]) -> None:
    assert saved.load(saved.dump(wanted), "f") == tuple(wanted)


def test_file_is_text_that_a_person_can_read_and_compare() -> None:
    lines = SAVED.decode().splitlines()

    assert json.loads(SAVED)["format"] == "hullward-snapshot"
    assert len(lines) > 20
    assert SAVED.endswith(b"}\n")


@given(st.integers(0, len(SAVED) - 3))
def test_file_that_was_cut_off_is_an_error(length: int) -> None:
    result = attempt(lambda: saved.load(SAVED[:length], "my.json"))

    assert isinstance(result, HullwardError)
    assert result.what.startswith("The snapshot 'my.json' is damaged or none at all: ")


def test_file_of_the_future_is_told_from_a_damaged_one() -> None:
    future = b'{"format": "hullward-snapshot", "version": 2, "hosts": {"new": "shape"}}'

    with pytest.raises(HullwardError) as refused:
        saved.load(future, "my.json")

    assert refused.value.what == "The snapshot 'my.json' has version 2; this hullward reads 1."
    assert refused.value.advice.startswith("Update hullward")


def changed(**fields: object) -> bytes:
    return json.dumps({**json.loads(SAVED), **fields}).encode()


def with_container(**fields: object) -> bytes:
    value = json.loads(SAVED)
    value["hosts"][0]["containers"][0].update(fields)
    return json.dumps(value).encode()


PROCESS = {"pid": 1, "name": "x", "uids": [0], "effective": 0, "permitted": 0, "bounding": 0}


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b"[]",
        b"null",
        b'{"format": "other", "version": 1, "hosts": []}',
        b'{"Id": "abc", "Name": "/web"}',
        changed(format=1),
        changed(version="1"),
        changed(version=0),
        changed(version=-1),
        changed(version=1.5),
        changed(version=10**30),
        changed(hosts=None),
        changed(hosts={}),
        changed(hosts=[{}]),
        changed(hosts=[{"target": 7}]),
        with_container(uid="0"),
        with_container(name=None),
        with_container(privileged="yes"),
        with_container(processes=[{}]),
        with_container(processes=[{**PROCESS, "effective": -1}]),
        with_container(processes=[{**PROCESS, "effective": 2**64}]),
        with_container(name="\ud800"),
        with_container(memory="1"),
        SAVED.replace(b"web1", b"w\xffb1"),
        SAVED.replace(b"web1", b"w\xed\xa0\x80b1"),
        b"[" * 100_000,
        b'{"hosts":' * 100_000,
        b'{"format": "hullward-snapshot", "version": 1, "hosts": ' + b"[" * 100_000,
        b'{"x": ' + b"[" * 100_000,
        b"9" * 100_000,
        b"\xef\xbb\xbf" + SAVED,
        SAVED + b"x",
        b"\x1f\x8b\x08\x00",
        b"\x00" * 1000,
    ],
)
def test_what_is_no_snapshot_is_an_error(data: bytes) -> None:
    result = attempt(lambda: saved.load(data, "my.json"))

    assert isinstance(result, HullwardError)
    assert "'my.json'" in result.what
    assert result.advice


@given(st.binary() | st.text().map(lambda text: json.dumps(text).encode()))
@example(b"")
def test_any_bytes_are_snapshots_or_an_error(data: bytes) -> None:
    assert isinstance(attempt(lambda: saved.load(data, "f")), tuple | HullwardError)


@given(st.integers(0, len(SAVED) - 1), st.binary(min_size=1, max_size=3))
def test_file_that_is_damaged_anywhere_is_snapshots_or_an_error(at: int, bytes_: bytes) -> None:
    data = SAVED[:at] + bytes_ + SAVED[at + len(bytes_) :]

    assert isinstance(attempt(lambda: saved.load(data, "f")), tuple | HullwardError)
