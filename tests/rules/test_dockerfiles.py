"""What is said of a Dockerfile, at which line, and how grave it is."""

import pytest
from msgspec.structs import replace

from hullward import rules
from hullward.compose.dockerfile import parse
from hullward.compose.recipe import recipe
from hullward.model.rule import Fail, Unknown
from hullward.model.severity import Severity
from hullward.rules.dockerfiles import DockerfileRule, Located

BY_ID = {rule.id: rule for rule in rules.ALL if isinstance(rule, DockerfileRule)}
ALPINE = "RUN addgroup -g 54321 app && adduser -D -H -u 54321 -G app -s /sbin/nologin app"
DEBIAN = (
    "RUN groupadd --gid 54321 app && useradd --uid 54321 --gid 54321 --no-create-home "
    "--shell /usr/sbin/nologin app"
)
CLEAN = (
    "FROM golang:1.25@sha256:00 AS build",
    "RUN apt-get update && apt-get install -y make",
    "FROM debian:13@sha256:00",
    "RUN useradd --uid 54321 app",
    "COPY --from=build --chmod=755 /app /app",
    "ADD --checksum=sha256:00 https://x.org/a /a",
    "HEALTHCHECK CMD /app --check",
    "USER app",
)


def answers(rule: str, *lines: str, **arguments: str | None) -> list[Located]:
    made = recipe(parse("\n".join(lines), "Dockerfile"), "", arguments)
    return list(BY_ID[rule].check(made))


def test_there_is_a_rule_for_each_thing_that_a_recipe_says() -> None:
    assert sorted(BY_ID) == [
        "dockerfile-add",
        "dockerfile-floating-base",
        "dockerfile-host-network",
        "dockerfile-insecure-run",
        "dockerfile-no-healthcheck",
        "dockerfile-piped-script",
        "dockerfile-root",
        "dockerfile-secret",
        "dockerfile-setuid",
        "dockerfile-update-alone",
    ]


@pytest.mark.parametrize("rule", sorted(BY_ID))
def test_a_careful_dockerfile_passes(rule: str) -> None:
    assert answers(rule, *CLEAN) == []


@pytest.mark.parametrize(
    ("rule", "lines", "expected"),
    [
        (
            "dockerfile-root",
            ["FROM scratch"],
            (1, "no USER is set, and scratch sets none: uid 0", None),
        ),
        ("dockerfile-root", ["FROM x", "USER root"], (2, "USER root: uid 0", None)),
        ("dockerfile-root", ["FROM x", "USER 0:5"], (2, "USER 0:5: uid 0", None)),
        (
            "dockerfile-root",
            ["FROM python:3.13", "RUN x"],
            (1, "no USER is set, and python:3.13 sets none: uid 0", None),
        ),
        ("dockerfile-setuid", ["FROM x", "RUN chmod 4755 /x"], (2, "/x is made setuid", None)),
        (
            "dockerfile-setuid",
            ["FROM x", "RUN chmod g+s /x"],
            (2, "/x is made setgid", Severity.LOW),
        ),
        ("dockerfile-add", ["FROM x", "ADD a /"], (2, "ADD of a", Severity.INFO)),
        (
            "dockerfile-add",
            ["FROM x", "ADD https://u:p@x.org/a /"],
            (2, "ADD of https://x.org/a without a checksum", None),
        ),
        (
            "dockerfile-piped-script",
            ["FROM x", "RUN curl x | sh"],
            (2, "it runs what it downloads", None),
        ),
        (
            "dockerfile-secret",
            ["FROM x", "ARG NPM_TOKEN"],
            (2, "ARG NPM_TOKEN: given at build time", Severity.LOW),
        ),
        (
            "dockerfile-insecure-run",
            ["FROM x", "RUN --security=insecure x"],
            (2, "RUN --security=insecure", None),
        ),
        (
            "dockerfile-host-network",
            ["FROM x", "RUN --network=host x"],
            (2, "RUN --network=host", None),
        ),
        ("dockerfile-floating-base", ["FROM node"], (1, "FROM node", None)),
        ("dockerfile-floating-base", ["FROM node:latest"], (1, "FROM node:latest", None)),
        (
            "dockerfile-no-healthcheck",
            ["FROM scratch"],
            (1, "no HEALTHCHECK is set, and scratch sets none", None),
        ),
        (
            "dockerfile-no-healthcheck",
            ["FROM x", "HEALTHCHECK NONE"],
            (2, "HEALTHCHECK NONE", None),
        ),
        (
            "dockerfile-update-alone",
            ["FROM x", "RUN apt-get update"],
            (2, "it only refreshes the list of packages", None),
        ),
    ],
)  # fmt: skip
def test_a_fault_is_said_with_its_line(
    rule: str, lines: list[str], expected: tuple[int, str, Severity | None]
) -> None:
    line, evidence, severity = expected

    assert [bare(found) for found in answers(rule, *lines)] == [
        Located(line, Fail(evidence, severity))
    ]


def bare(found: Located) -> Located:
    """Leave the remedy away."""
    assert isinstance(found.answer, Fail)
    return Located(found.line, replace(found.answer, remedy=""))


@pytest.mark.parametrize(
    ("base", "steps"),
    [
        ("own/base:1", ["USER 54321:54321"]),
        ("alpine:3", [ALPINE, "USER 54321:54321"]),
        ("node:22-alpine", [ALPINE, "USER 54321:54321"]),
        ("python:3.13", [DEBIAN, "USER 54321:54321"]),
    ],
)
def test_the_remedy_is_in_the_words_of_the_base_image(base: str, steps: list[str]) -> None:
    (found,) = answers("dockerfile-root", f"FROM {base}", "USER root")

    assert isinstance(found.answer, Fail)
    assert found.answer.remedy.split("\n") == ["As the last steps of its stage:", *steps]


@pytest.mark.parametrize(
    ("rule", "lines", "line", "reason"),
    [
        ("dockerfile-root", ["FROM own/app:1"], 1, "the base image own/app:1 decides"),
        ("dockerfile-root", ["FROM x", "ARG U=1", "USER $U"], 3, "the value of U is not known"),
        ("dockerfile-root", ["FROM x", "USER app"], 2, "is in the image's /etc/passwd"),
        ("dockerfile-floating-base", ["ARG U", "FROM $U"], 2, "the value of U is not known"),
        ("dockerfile-no-healthcheck", ["FROM x"], 1, "x may have one"),
        ("dockerfile-add", ["FROM x", "ARG U=1", "ADD $U /a"], 3, "what ADD $U brings"),
    ],
)
def test_what_the_file_does_not_decide_is_unknown(
    rule: str, lines: list[str], line: int, reason: str
) -> None:
    (found,) = answers(rule, *lines, U=None)

    assert found.line == line
    assert isinstance(found.answer, Unknown)
    assert reason in found.answer.reason


def test_a_base_that_only_lends_files_floats_too() -> None:
    lines = ("FROM busybox AS b", "FROM debian:13", "COPY --from=b /a /a")

    assert answers("dockerfile-floating-base", *lines) == [Located(1, Fail("FROM busybox"))]
