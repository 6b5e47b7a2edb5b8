"""The proposal of an unprivileged user for a Dockerfile: what it adds, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import attempt
from hullward.compose.changes import inverse, spliced
from hullward.compose.dockerfile import parse
from hullward.compose.recipe import recipe
from hullward.fixes.dockerfile import Declined, UserProposal, own_uid, unprivileged_user
from hullward.model.errors import HullwardError

UID = 54321
MADE = "RUN groupadd --gid 54321 app && useradd --uid 54321 --gid 54321"
STEPS = st.sampled_from(
    [
        "RUN apt-get update \\\n  # why\n  && x", "COPY <<EOF /a\nUSER 5\nEOF", "USER root",
        'CMD ["a"]', "ENTRYPOINT x", "EXPOSE 80", "# a comment", "", "HEALTHCHECK CMD x", "USER 0",
        "USER 1000",
        "VOLUME /data", "FROM debian:13", "FROM alpine:3 AS b", "FROM b", "ENV A=b", "LABEL a=b",
        "ARG U=0", "USER $U", "RUN a \\",
    ]
)  # fmt: skip


def proposal(*lines: str, target: str = "") -> UserProposal:
    found = unprivileged_user("\n".join(lines), "Dockerfile", UID, target)
    assert isinstance(found, UserProposal)
    return found


def declined(*lines: str, target: str = "") -> Declined:
    found = unprivileged_user("\n".join(lines), "Dockerfile", UID, target)
    assert isinstance(found, Declined)
    return found


def test_the_user_is_made_after_the_last_step_that_may_need_root() -> None:
    lines = ("FROM debian:13", "RUN make install", "EXPOSE 8080", 'CMD ["app"]', "")
    found = proposal(*lines)

    assert spliced("\n".join(lines), found.pieces).split("\n") == [
        "FROM debian:13",
        "RUN make install",
        "# hullward: a user of its own, without privileges",
        f"{MADE} --no-create-home --shell /usr/sbin/nologin app",
        "USER 54321:54321",
        "EXPOSE 8080",
        'CMD ["app"]',
        "",
    ]


@pytest.mark.parametrize(
    ("base", "program"),
    [
        ("alpine:3.22", "adduser -D -H -u 54321"),
        ("python:3.13-alpine3.22", "adduser -D -H -u 54321"),
        ("registry.example/alpine", "adduser -D -H -u 54321"),
        ("node:22", "useradd --uid 54321"),
        ("ubuntu:24.04", "useradd --uid 54321"),
    ],
)
def test_the_user_is_made_with_the_programs_that_the_base_has(base: str, program: str) -> None:
    assert program in proposal(f"FROM {base}", "USER 0").lines[1]


@pytest.mark.parametrize("base", ["scratch", "own/base:1"])
def test_where_nobody_knows_the_programs_the_number_stands_alone(base: str) -> None:
    found = proposal(f"FROM {base}", "USER root")

    assert found.lines[1:] == ("USER 54321:54321",)
    assert any("without a name" in caution for caution in found.cautions)


def test_what_may_fail_is_said() -> None:
    said = "\n".join(proposal("FROM debian", "EXPOSE 80 8080", "VOLUME /data").cautions)

    assert "must belong to 54321" in said
    assert "the volume /data belongs to root" in said
    assert "ports below 1024 (80)" in said


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("FROM debian", "USER 1000"), Declined(2, "it starts as uid 1000")),
        (
            ("FROM own/base:1",),
            Declined(1, "no USER is set, and the base image own/base:1 decides"),
        ),
        (
            ("FROM debian AS a", "RUN x", "FROM a", "RUN y"),
            Declined(3, "another stage stands on a, and would change its user"),
        ),
    ],
)
def test_nothing_is_proposed_where_it_is_not_due(
    lines: tuple[str, ...], expected: Declined
) -> None:
    assert declined(*lines, target="a" if "AS a" in lines[0] else "") == expected


def test_a_text_that_is_no_dockerfile_is_refused() -> None:
    with pytest.raises(HullwardError, match="Dockerfile:1: it has no FROM"):
        unprivileged_user("", "Dockerfile", UID)


@given(
    st.lists(STEPS, max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\n"]),
    st.sampled_from(["", "b"]),
)
def test_any_file_keeps_every_line_and_can_be_had_back(
    lines: list[str], ending: str, last: str, target: str
) -> None:
    text = "\n".join(["FROM debian", *lines]).replace("\n", ending) + last
    found = attempt(lambda: unprivileged_user(text, "Dockerfile", UID, target))
    if isinstance(found, HullwardError | Declined):
        assert isinstance(found, HullwardError) or found.reason
        return
    changed = spliced(text, found.pieces)

    assert recipe(parse(changed, "Dockerfile"), target).uid == UID
    assert spliced(changed, inverse(text, found.pieces)) == text
    kept = iter(changed.split("\n"))
    assert all(
        line.rstrip("\r") in (other.rstrip("\r") for other in kept) for line in text.split("\n")
    )


def test_uids_are_the_same_every_time_and_never_shared() -> None:
    first = own_uid("web")
    second = own_uid("web", {first})

    assert first == own_uid("web")
    assert {50_000 <= uid < 60_000 for uid in (first, second)} == {True}
    assert first != second


def test_when_all_uids_are_taken_that_is_said() -> None:
    with pytest.raises(HullwardError, match="No uid between"):
        own_uid("web", range(50_000, 60_000))
