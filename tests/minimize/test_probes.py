"""Probes: what users write is read or refused, and answers are judged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import attempt
from hullward.minimize.probes import (
    Command,
    Http,
    Probe,
    Tcp,
    judge,
    parse,
    request,
    synthesised,
)
from hullward.model.errors import HullwardError

printable = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="?#"))
probes = st.one_of(
    st.builds(
        Http,
        st.integers(1, 65535),
        printable.map("/{}".format),
        st.sampled_from(["", "web", "10.0.0.1"]),
        st.sampled_from([0, 200, 404]),
        st.sampled_from(["", "hello", "two words"]),
    ),
    st.builds(Tcp, st.integers(1, 65535), st.sampled_from(["", "SSH-2.0"])),
    st.builds(Command, st.sampled_from(["true", "curl -s http://$TARGET/ | grep 'a b'"])),
)


@given(probes)
def test_a_probe_is_read_as_it_is_written(probe: Probe) -> None:
    assert parse(str(probe)) == probe


@pytest.mark.parametrize(
    ("word", "probe"),
    [
        ("http://:80/", Http(80, "/")),
        ("http:", None),
        ("http:/status", Http(80, "/status")),
        ("http://:8080/a?b=c 404", Http(8080, "/a?b=c", status=404)),
        ("http://web/ 200 two words", Http(80, "/", "web", 200, "two words")),
        ("HTTP://:80/", Http(80, "/")),
        ("tcp://:22 SSH-2.0", Tcp(22, "SSH-2.0")),
        ("tcp:22", Tcp(22)),
        ("cmd:redis-cli -h $TARGET ping", Command("redis-cli -h $TARGET ping")),
        ("cmd:", None),
        ("tcp://:0", None),
        ("tcp://:65536", None),
        ("tcp://:x", None),
        ("http://:99999/", None),
        ("http://user:secret@web/", None),
        ("http://[::1/", None),
        ("http://:80/\r\nX: y", None),
        ("ftp://web", None),
        ("", None),
    ],
)
def test_each_form_is_read_or_refused(word: str, probe: Probe | None) -> None:
    found = attempt(lambda: parse(word))

    assert found == probe if probe else isinstance(found, HullwardError)


@given(st.text())
def test_any_word_is_a_probe_or_one_error(word: str) -> None:
    found = attempt(lambda: parse(word))

    assert isinstance(found, Probe) or found.advice


def test_a_request_cannot_be_split_by_its_path() -> None:
    lines = request(parse("http://:8080/a%0d%0ab"), "web").split(b"\r\n")  # type: ignore[arg-type]

    assert lines[0] == b"GET /a%0d%0ab HTTP/1.1"
    assert b"Host: web:8080" in lines


@pytest.mark.parametrize(
    ("word", "answer", "wrong"),
    [
        ("http://:80/", b"HTTP/1.1 200 OK\r\n\r\n", ""),
        ("http://:80/", b"HTTP/1.0 302 Found\r\n\r\n", ""),
        ("http://:80/", b"HTTP/1.1 500 No\r\n\r\n", "http://:80/: status 500"),
        ("http://:80/ 500", b"HTTP/1.1 500 No\r\n\r\n", ""),
        ("http://:80/ ok", b"HTTP/1.1 200 OK\r\n\r\nfail", "http://:80/ ok: the answer lacks that"),
        ("http://:80/", b"", "http://:80/: no HTTP came back"),
        ("tcp://:22 SSH", b"SSH-2.0-OpenSSH\r\n", ""),
        ("tcp://:22 SSH", b"", "tcp://:22 SSH: the answer was b''"),
    ],
)
def test_an_answer_is_judged(word: str, answer: bytes, wrong: str) -> None:
    found = judge(parse(word), answer)  # type: ignore[arg-type]

    assert found.startswith(wrong) if wrong else found == ""


def test_what_listens_for_others_is_connected_to() -> None:
    listeners = {"tcp *:80", "tcp 127.0.0.1:81", "udp *:53", "tcp its address v6:443"}

    assert synthesised(frozenset(listeners)) == (Tcp(80), Tcp(443))
