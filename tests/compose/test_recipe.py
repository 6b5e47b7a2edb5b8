"""What a Dockerfile makes for a target: user, base, additions, gains and secrets, by line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import attempt
from hullward.compose.dockerfile import parse
from hullward.compose.recipe import recipe
from hullward.model.errors import HullwardError
from hullward.model.recipe import Added, Base, Gain, Recipe, Secret

Arguments = dict[str, str | None]

LINES = (
    "FROM scratch", "FROM debian AS a", "FROM a AS b", "FROM $B", "FROM unknown:1", "ARG B=a",
    "ARG U=app", "ARG U", "ENV U=root", "ENV U $U", "USER $U", "USER 0", "USER app:1",
    "USER ${U:-1}", "RUN useradd -u 1000 app", "RUN chmod u+s /x",
    "COPY --from=a --chmod=4755 x /y", "ADD http://x /",
    "RUN --mount=type=bind,from=b,target=/m x", "HEALTHCHECK NONE", "HEALTHCHECK CMD x",
    "RUN curl x | sh", "RUN apt-get update", "ENV DB_PASSWORD=hunter2", 'VOLUME ["/a", "/b"]',
    "ONBUILD USER root", "EXPOSE 80 443/udp", "RUN --security=insecure x", "RUN --network=host x",
)  # fmt: skip


def make(*lines: str, target: str = "", arguments: Arguments | None = None) -> Recipe:
    return recipe(parse("\n".join(lines), "Dockerfile"), target, arguments)


def user(*lines: str, target: str = "", arguments: Arguments | None = None) -> object:
    made = make(*lines, target=target, arguments=arguments)
    return made.user, made.uid, made.user_line


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["FROM scratch", "USER 1", "USER 2:3"], ("2:3", 2, 3)),
        (["FROM scratch", "RUN x"], ("", 0, 1)),
        (["FROM scratch", "USER root"], ("root", 0, 2)),
        (["FROM scratch", "USER 00"], ("00", 0, 2)),
        (["FROM x AS a", "USER 1", "FROM scratch", "RUN x"], ("", 0, 3)),
        (["FROM scratch AS a", "USER 1", "FROM a", "RUN x"], ("1", 1, 2)),
        (["FROM scratch AS a", "USER 1", "FROM A AS b", "FROM b"], ("1", 1, 2)),
        (["FROM scratch", "ARG U=7", "USER $U"], ("7", 7, 3)),
        (["FROM scratch", "ENV U=7 W=8", "ARG U=9", "USER ${U}"], ("9", 9, 4)),
        (["FROM scratch", "ARG U=9", "ENV U=7", "ARG U", "USER ${U}"], ("7", 7, 5)),
        (["FROM scratch AS a", "ENV U=7", "ARG U=9", "FROM a", "USER $U"], ("7", 7, 5)),
        (["ARG U=5", "FROM scratch", "USER $U"], ("", 0, 3)),
        (["ARG U=5", "FROM scratch", "ARG U", "USER $U"], ("5", 5, 4)),
        (["ARG U=5", "FROM scratch", "ARG U=6", "USER $U"], ("6", 6, 4)),
        (["FROM scratch", "ENV A 4", "USER $A"], ("4", 4, 3)),
        (["FROM scratch", "ENV A=1", "ENV A=2 B=$A", "USER $B"], ("1", 1, 4)),
        (["FROM scratch", "USER ${X:-12}:${Y:-13}"], ("12:13", 12, 2)),
        (["FROM scratch", "ONBUILD USER root", "USER 5"], ("5", 5, 3)),
        (["FROM debian:12", "RUN x"], ("", 0, 1)),
        (["FROM docker.io/library/python:3@sha256:00"], ("", 0, 1)),
    ],
)
def test_the_last_user_of_the_stages_that_are_built_counts(
    lines: list[str], expected: object
) -> None:
    assert user(*lines) == expected


def test_the_target_chooses_the_stage_by_name_or_number() -> None:
    lines = ("FROM scratch AS one", "USER 1", "FROM scratch AS Two", "USER 2", "FROM scratch")

    assert user(*lines, target="one") == ("1", 1, 2)
    assert user(*lines, target="TWO") == ("2", 2, 4)
    assert user(*lines, target="0") == ("1", 1, 2)
    assert user(*lines) == ("", 0, 5)


def test_a_target_that_is_not_there_is_said_with_those_that_are() -> None:
    with pytest.raises(HullwardError) as error:
        make("FROM a AS one", "FROM b", target="two")

    assert error.value.what == "Dockerfile has no stage 'two'."
    assert error.value.advice == "Its stages are: one."


def test_build_arguments_of_the_service_beat_the_defaults() -> None:
    lines = ("ARG B=scratch", "FROM $B", "ARG U=1", "USER $U")

    assert user(*lines, arguments={"U": "9"}) == ("9", 9, 4)
    assert make(*lines, arguments={"B": "debian"}).base == Base("debian", 2)


def test_an_argument_that_is_not_known_makes_the_user_unknown() -> None:
    made = make("FROM scratch", "ARG U=1", "USER $U", arguments={"U": None})

    assert (made.user, made.uid) == (None, None)
    assert made.gap == made.uid_gap == "USER $U: the value of U is not known"


def test_an_argument_that_nobody_declares_is_not_given() -> None:
    assert user("FROM scratch", "USER $U", arguments={"U": "9"}) == ("", 0, 2)


@pytest.mark.parametrize("base", ["registry.example/app:1", "grafana/grafana", "$B"])
def test_without_a_user_an_unknown_base_decides(base: str) -> None:
    made = make("ARG B", f"FROM {base}", "RUN x", arguments={"B": None})

    assert (made.user, made.uid) == (None, None)
    assert "the base image" in made.gap


def test_a_variable_of_the_base_image_is_not_taken_for_empty() -> None:
    made = make("FROM mcr.microsoft.com/dotnet/aspnet:9.0", "USER $APP_UID")

    assert made.uid is None
    assert made.gap == "USER $APP_UID: APP_UID is not set here, and the base image may set it"


@pytest.mark.parametrize(
    ("command", "uid"),
    [
        ("useradd -r -u 1234 app", 1234),
        ("groupadd -g 5 app && useradd --uid=1234 --gid app app", 1234),
        ("adduser -D -u1234 app", 1234),
        ("/usr/sbin/adduser --uid 1234 --disabled-password app", 1234),
        ("useradd -o -u 0 app", 0),
        ("useradd -u $ID app", 77),
        ("useradd app", None),
        ("useradd -u 5 other", None),
    ],
)
def test_a_name_has_the_uid_that_the_build_gives_it(command: str, uid: int | None) -> None:
    made = make("FROM debian", "ARG ID=77", f"RUN {command}", "USER app")

    assert made.uid == uid
    assert bool(made.uid_gap) is (uid is None)


def test_the_documents_of_a_command_are_read_too() -> None:
    made = make(
        "FROM debian", "RUN <<EOF", "useradd -u 9 app", "chmod +s /bin/x", "EOF", "USER app"
    )

    assert (made.uid, made.user_line) == (9, 6)
    assert made.gains == (Gain("setuid", "/bin/x", 2),)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("RUN chmod u+s /bin/x", ("setuid", "/bin/x")),
        ("RUN chmod 4755 /bin/x", ("setuid", "/bin/x")),
        ("RUN chmod 06755 /bin/x", ("setuid", "/bin/x")),
        ("RUN a && chmod -R +s /bin/x", ("setuid", "/bin/x")),
        ("RUN chmod g+s /srv", ("setgid", "/srv")),
        ("RUN chmod 2775 /srv", ("setgid", "/srv")),
        ('RUN ["chmod", "u=rwxs", "/bin/x"]', ("setuid", "/bin/x")),
        ("RUN install -m 4755 a /bin/x", ("setuid", "/bin/x")),
        ("RUN setcap cap_net_raw+ep /bin/x", ("capability", "/bin/x")),
        ("RUN echo 'app ALL=(ALL) NOPASSWD: ALL' >> /etc/sudoers", ("sudo", "sudoers")),
        ("COPY --chmod=4755 a /bin/x", ("setuid", "/bin/x")),
        ("ADD --chmod=u+s a /bin/x", ("setuid", "/bin/x")),
        ("COPY --chmod=$M a /bin/x", ("setuid", "/bin/x")),
    ],
)
def test_what_gives_more_than_the_caller_has_is_found(line: str, expected: tuple[str, str]) -> None:
    assert make("FROM debian", "ARG M=4755", line).gains == (Gain(*expected, line=3),)


@pytest.mark.parametrize(
    "line",
    [
        "RUN chmod 0755 /bin/x", "RUN chmod 755 /bin/x", "RUN chmod u-s /bin/su",
        "RUN find / -perm /6000 -exec chmod a-s {} +", "RUN chmod 1777 /tmp", "RUN chmod a+x x",
        "RUN setcap -r /bin/x", "COPY --chmod=755 a b", "RUN echo chmod", "RUN chmod 4755",
    ],
)  # fmt: skip
def test_ordinary_modes_are_none_of_it(line: str) -> None:
    assert make("FROM debian", line).gains == ()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ADD https://u:p@x.org/a?k=v /a", Added("url", "https://x.org/a", 2)),
        (
            "ADD --checksum=sha256:00 https://x.org/a /a",
            Added("url", "https://x.org/a", 2, pinned=True),
        ),
        ("ADD https://x.org/b.git#main /a", Added("git", "https://x.org/b.git#main", 2)),
        (
            f"ADD git@github.com:a/b.git#{'0' * 40}:sub /a",
            Added("git", f"git@github.com:a/b.git#{'0' * 40}:sub", 2, pinned=True),
        ),
        ("ADD a.tar.gz /a", Added("files", "a.tar.gz", 2, pinned=True)),
        ("ADD $HERE /a", Added("unknown", "$HERE", 2)),
        ("ADD ${NOT:-https://x.org}/a /a", Added("unknown", "${NOT:-https://x.org}/a", 2)),
        ('ADD ["https://x.org/a", "/a"]', Added("url", "https://x.org/a", 2)),
    ],
)  # fmt: skip
def test_what_add_brings_is_said_without_what_may_be_secret(line: str, expected: Added) -> None:
    assert make("FROM debian", line).added == (expected,)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("RUN curl -fsSL https://x.org/i.sh | sh", True),
        ("RUN wget -qO- https://x.org | sudo -E bash -", True),
        ("RUN bash <(curl -s https://x.org)", True),
        ('RUN sh -c "$(curl -fsSL https://x.org)"', True),
        ("RUN curl https://x.org | python3", True),
        ("RUN curl -o a https://x.org && sha256sum -c a.sum && sh a", False),
        ("RUN curl https://x.org | tar xz", False),
        ("RUN curl https://x.org | tee a; sh b", False),
    ],
)
def test_a_download_that_is_run_unseen_is_found(line: str, *, found: bool) -> None:
    assert bool(make("FROM debian", line).piped) is found


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ENV DB_PASSWORD=hunter22", ("DB_PASSWORD", "ENV", "a password or key")),
        ("ENV DB_PASSWORD hunter22", ("DB_PASSWORD", "ENV", "a password or key")),
        ("ARG NPM_TOKEN", ("NPM_TOKEN", "ARG", "given at build time")),
        ("ARG NPM_TOKEN=abcdef99", ("NPM_TOKEN", "ARG", "a password or key")),
        ("ENV NPM_TOKEN=$T", ("NPM_TOKEN", "ENV", "given by another variable")),
        ("ENV U=postgres://a:hunter22@db/x", ("U", "ENV", "a connection string with a password")),
        ("RUN export API_KEY=hunter22 && x", ("API_KEY", "RUN", "a literal")),
        ("RUN git clone https://a:hunter22@x.org/r", ("a password in a URL", "RUN", "a literal")),
    ],
)
def test_secrets_are_named_and_never_kept(line: str, expected: tuple[str, str, str]) -> None:
    made = make("FROM debian", line)

    assert made.secrets == (Secret(*expected, line=2),)
    assert "hunter22" not in repr(made)
    assert "abcdef99" not in repr(made)


@pytest.mark.parametrize(
    "line",
    [
        "ENV DB_PASSWORD_FILE=/run/secrets/x", "ENV PATH=/a", "ENV DB_PASSWORD=", "ARG TOKEN_URL=x",
        "ARG CHANGE_PASSWORD_PACKAGE",
        "RUN --mount=type=secret,id=npm NPM_TOKEN=$(cat /run/secrets/npm) npm ci",
    ],
)  # fmt: skip
def test_names_without_a_secret_are_none(line: str) -> None:
    assert make("FROM debian", line).secrets == ()


def test_bases_are_those_of_the_chain_and_those_that_lend_files() -> None:
    made = make(
        "ARG V=12",
        "FROM golang:1 AS build",
        "FROM debian:$V AS unused",
        "FROM alpine AS base",
        "FROM base",
        "COPY --from=build /a /a",
        "COPY --from=busybox:1 /b /b",
        "RUN --mount=type=bind,from=node:22,target=/n x",
    )

    assert made.base == Base("alpine", 4)
    assert set(made.bases[1:]) == {
        Base("golang:1", 2, final=False),
        Base("busybox:1", 7, final=False),
        Base("node:22", 8, final=False),
    }


def test_a_name_of_the_platform_is_not_guessed() -> None:
    assert make("FROM debian:$TARGETARCH").base.gap == "the value of TARGETARCH is not known"


@pytest.mark.parametrize(
    ("lines", "checked"),
    [
        (["FROM own/base:1"], None),
        (["FROM scratch"], False),
        (["FROM debian"], False),
        (["FROM debian", "HEALTHCHECK NONE"], False),
        (["FROM debian", "HEALTHCHECK --interval=5s CMD x"], True),
        (["FROM debian AS a", "HEALTHCHECK CMD x", "FROM a"], True),
    ],
)
def test_a_healthcheck_is_there_or_not_or_the_bases(
    lines: list[str], *, checked: bool | None
) -> None:
    assert make(*lines).checked is checked


def test_ports_and_volumes_are_listed_once() -> None:
    made = make("FROM a", "EXPOSE 80 80 443/udp", 'VOLUME ["/a", "/b"]', "VOLUME /a")

    assert made.exposed == ("80", "443/udp")
    assert made.volumes == ("/a", "/b")


def test_steps_with_power_over_the_builder_are_found() -> None:
    made = make("FROM a", "RUN --security=insecure x", "RUN --network=host x", "RUN x")

    assert [spot.line for spot in made.insecure] == [2]
    assert [spot.line for spot in made.host_network] == [3]


def test_values_that_grow_without_end_are_given_up() -> None:
    made = make("FROM scratch", "ENV A=aaaaaaaaaa", *["ENV A=$A$A"] * 60, "USER $A")

    assert made.gap.startswith("USER $A: the value of A is not known")


@given(st.lists(st.sampled_from(LINES), max_size=14), st.sampled_from(["", "a", "1"]))
def test_any_stages_give_a_recipe_or_are_refused(lines: list[str], target: str) -> None:
    made = attempt(lambda: make(*lines, target=target))
    if isinstance(made, HullwardError):
        assert made.advice
        return

    assert (made.uid is None) is bool(made.uid_gap)
    assert (made.user is None) is bool(made.gap)
    assert 1 <= made.user_line <= len(lines)
    assert "hunter2" not in repr(made)
