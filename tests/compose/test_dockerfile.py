"""A Dockerfile's text as instructions and stages; facts compared with BuildKit's own parser."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import attempt
from hullward.compose.dockerfile import Dockerfile, Heredoc, parse
from hullward.compose.dockerfile_words import Unresolved, expand, flags, split
from hullward.model.errors import HullwardError

LINES = (
    "FROM a", "FROM a AS b", "FROM b", "RUN x", "RUN echo 'a b' \\", "  && c", "# c", "# escape=`",
    "# syntax=docker/dockerfile:1", "", "\t", "RUN <<EOF", "EOF", "\tEOF", "RUN <<-EOF cat",
    'COPY <<"A B" /x', "COPY <<A <<B /x", "A", "B", "A B", "ENV A=b C='d e'", "USER $x", "USER ${x",
    "ARG X=1", "ARG X", "USER \\", "\\", "`", "RUN a `", "run a\\\\", "ADD --chmod=4755 c d",
    'RUN ["a","b"]', 'RUN ["a"', "ONBUILD RUN <<EOF", "\ufeffFROM x", "HEALTHCHECK NONE", "CMD",
    "COPY --from=b x y", "RUN --mount=from=a,target=/x -- b", "USER", "FROM $X", "ENV A", "\0",
)  # fmt: skip


def read(*lines: str) -> Dockerfile:
    return parse("\n".join(lines), "Dockerfile")


def said(*lines: str) -> list[tuple[str, str, int, int]]:
    found = read("FROM scratch", *lines).stages[0].instructions
    return [(i.keyword, i.rest, i.line, i.end) for i in found]


def refusal(*lines: str) -> str:
    with pytest.raises(HullwardError) as error:
        read(*lines)
    return error.value.what


def test_a_continued_line_is_one_instruction_without_its_comments() -> None:
    assert said("RUN a \\", "# no", "", "  && b \\  ", "  && c", "USER x") == [
        ("RUN", "a   && b   && c", 2, 6),
        ("USER", "x", 7, 7),
    ]


def test_two_marks_of_continuation_are_none() -> None:
    assert said("RUN a\\\\", "USER x") == [("RUN", "a\\\\", 2, 2), ("USER", "x", 3, 3)]


def test_the_mark_of_continuation_can_be_chosen() -> None:
    file = read("# escape=`", "FROM scratch", "RUN a `", "  b", "RUN c \\")

    assert [i.rest for i in file.stages[0].instructions] == ["a   b", "c \\"]


@pytest.mark.parametrize("before", ["", "# a comment", "# escape = is one"])
def test_a_directive_after_anything_else_is_a_comment(before: str) -> None:
    if before.startswith("# escape"):
        assert refusal(before, "FROM a") == (
            "Dockerfile:1: the escape directive takes \\ or ` only."
        )
    else:
        assert read(before, "# escape=`", "FROM a").escape == "\\"


def test_keywords_are_read_in_any_case_and_line_ending() -> None:
    assert said("user a\r", "\trun b\r") == [("USER", "a", 2, 2), ("RUN", "b", 3, 3)]


def test_a_mark_of_byte_order_is_passed_over() -> None:
    assert parse("\ufeffFROM a", "Dockerfile").stages[0].base == "a"


def test_flags_stand_before_the_rest() -> None:
    instruction = read("FROM a", 'ADD --chmod=4755 --link --x="a b" -- --c d').stages[0]

    assert instruction.instructions[0].flags == (("chmod", "4755"), ("link", ""), ("x", "a b"))
    assert instruction.instructions[0].rest == "--c d"


def test_heredocs_belong_to_their_instruction() -> None:
    file = read("FROM a", "COPY <<A <<-'B' /x", "one", "A", "\ttwo", "\tB", "USER x")
    copy, user = file.stages[0].instructions

    assert copy.heredocs == (Heredoc("A", "one", expand=True), Heredoc("B", "two", expand=False))
    assert (copy.line, copy.end, user.line) == (2, 6, 7)


@pytest.mark.parametrize("line", ['RUN ["<<EOF"]', "LABEL a=<<EOF", "RUN a<<EOF"])
def test_not_every_mark_of_a_heredoc_is_one(line: str) -> None:
    assert [keyword for keyword, *_ in said(line, "USER x")][-1] == "USER"


def test_stages_have_their_names_and_bases() -> None:
    file = read("ARG V=1", "FROM a:$V AS Build", "RUN x", "from --platform=linux/amd64 build")

    assert [(s.base, s.name, s.line) for s in file.stages] == [
        ("a:$V", "build", 2),
        ("build", "", 4),
    ]
    assert [i.rest for i in file.arguments] == ["V=1"]


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        ((), "Dockerfile:1: it has no FROM."),
        (("# only a comment",), "Dockerfile:1: it has no FROM."),
        (("RUN x",), "Dockerfile:1: RUN stands before any FROM."),
        (("FROM a", "FOO x"), "Dockerfile:2: there is no instruction 'FOO'."),
        (("FROM a", "USER"), "Dockerfile:2: USER says nothing."),
        (("FROM a b",), "Dockerfile:1: FROM takes an image, or an image AS a name."),
        (("FROM a AS 1",), "Dockerfile:1: '1' cannot be the name of a stage."),
        (("FROM a", "RUN <<EOF", "x"), "Dockerfile:2: the heredoc 'EOF' has no end."),
        (("FROM a", "RUN \0"), "Dockerfile:2: it holds a NUL byte."),
        (("# escape=x", "FROM a"), "Dockerfile:1: the escape directive takes \\ or ` only."),
        (("# escape=`",) * 2, "Dockerfile:2: the directive escape is there twice."),
        (
            ("# syntax=example.org/own", "FROM a"),
            "Dockerfile:1: it is written for a frontend of its own, not for Docker's.",
        ),
        (("FROM a",) * 501, "Dockerfile:501: more than 500 stages."),
        (("#" * 1_100_000,), "Dockerfile:1: it is larger than 1 MiB, which no Dockerfile is."),
    ],
)  # fmt: skip
def test_what_buildkit_refuses_is_refused_with_its_line(lines: tuple[str, ...], what: str) -> None:
    assert refusal(*lines) == what


@given(st.lists(st.sampled_from(LINES), max_size=12), st.sampled_from(["\n", "\r\n"]))
def test_any_lines_are_read_in_order_or_refused(lines: list[str], ending: str) -> None:
    file = attempt(lambda: parse(ending.join(lines), "Dockerfile"))
    if isinstance(file, HullwardError):
        assert file.what.startswith("Dockerfile:")
        return
    found = [*file.arguments, *(i for s in file.stages for i in s.instructions)]

    assert all(1 <= i.line <= i.end <= len(lines) for i in found)
    assert [i.line for i in found] == sorted({i.line for i in found})


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    file = attempt(lambda: parse(text, "Dockerfile"))

    assert isinstance(file, Dockerfile) or file.what.startswith("Dockerfile:")


@pytest.mark.parametrize(
    "text",
    [
        "FROM a\n" + "RUN \\\n" * 170_000,
        "FROM a\n" + "ADD " + "--a " * 250_000,
        "# a=" + " x" * 250_000 + "\nFROM a",
        "# a=" + " " * 900_000 + "x\nFROM a",
        "FROM a\nRUN " + "<<A " * 200_000,
        "FROM a\nRUN " + "'\"\\" * 300_000,
        "FROM a\n" + "ENV " + "A=$A " * 200_000,
    ],
)
def test_texts_whose_reading_must_not_take_the_square_of_their_length_are_read(text: str) -> None:
    file = attempt(lambda: parse(text, "Dockerfile"))

    assert isinstance(file, Dockerfile | HullwardError)


VALUES: dict[str, str | None] = {"A": "x", "E": "", "N": None, "P": "/usr/lib"}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$A", "x"), ("${A}y", "xy"), ("$Ay", ""), ("a$", "a$"), ("$E", ""), ("'$A'", "$A"),
        ('"$A b"', "x b"), ("\\$A", "$A"), ('"\\$A"', "$A"), ('"\\a"', "\\a"),
        ("${U:-d}", "d"), ("${U-d}", "d"), ("${E:-d}", "d"), ("${E-d}", ""), ("${A:-d}", "x"),
        ("${A:+d}", "d"), ("${U:+d}", ""), ("${E+d}", "d"), ("${U:-${A}}", "x"), ("${A:?m}", "x"),
        ("${P#/*/}", "lib"), ("${P##*/}", "lib"), ("${P%/*}", "/usr"), ("${P%%/*}", ""),
        ("${P/usr/opt}", "/opt/lib"), ("${P//\\//}", "/usr/lib"),
    ],
)  # fmt: skip
def test_variables_are_replaced_as_buildkit_does(text: str, result: str) -> None:
    assert expand(text, VALUES, "\\") == result


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("$N", "the value of N is not known"),
        ("${N:-d}", "the value of N is not known"),
        ("${U:?m}", "U must be set"),
        ("${A", "is written in a way that is not known"),
        ("${}", "a ${ holds no name"),
        ("${U:-", "a ${ has no }"),
        ("'a", "a ' has no end"),
        ('"a', 'a " has no end'),
        ("${U:-" * 100 + "x" + "}" * 100, "nested too deep"),
        ("${A:*}", "is written in a way that is not known"),
    ],
)
def test_what_cannot_be_known_says_why(text: str, why: str) -> None:
    with pytest.raises(Unresolved, match=why.replace("$", r"\$").replace("{", r"\{")):
        expand(text, VALUES, "\\")


def test_a_name_that_the_base_image_may_set_is_not_empty_but_unknown() -> None:
    with pytest.raises(Unresolved, match="U is not set here, and the base"):
        expand("$U", VALUES, "\\", missing="the base image may set it")


@given(st.text(alphabet="aA$E{}:-+?#%/'\"\\ UN*", max_size=30))
def test_any_word_is_expanded_or_says_why_not(text: str) -> None:
    try:
        result = expand(text, VALUES, "\\")
    except Unresolved as reason:
        result = str(reason)

    assert len(result) <= 1 << 16


@given(st.lists(st.from_regex(r"[a-z=/.]{1,8}", fullmatch=True)))
def test_plain_words_survive_being_joined_and_split(words: list[str]) -> None:
    assert split("  ".join(words), "\\") == words


@given(st.text(alphabet="-a= \"'\\", max_size=30))
def test_what_follows_the_flags_is_the_end_of_the_text(text: str) -> None:
    assert text.endswith(flags(text, "\\")[1])
