"""`hullward compose harden`, as a person calls it."""

import json
import os
from pathlib import Path

import pytest

import terminal
from hullward import harden
from hullward.host.recorded import RecordedEngine
from hullward.host.recording import Recorded
from hullward.model.errors import HullwardError

REDIS = """\
# the cache of the shop
services:
  cache:
    image: redis:7.2   # pinned
    volumes: [data:/data]
    environment: {REDIS_PASSWORD: hunter2}

volumes: {data: }
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # No settings and no docker compose of whoever runs the tests.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    path = tmp_path / "compose.yaml"
    path.write_text(REDIS)
    return path


def test_a_diff_with_a_reason_for_every_line_changes_nothing(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = terminal.run(capsys, "compose", "harden", "compose.yaml")

    head, _, diff = said.out.partition("--- a/compose.yaml\n+++ b/compose.yaml\n")
    added = [line[1:] for line in diff.splitlines() if line[:1] == "+"]
    assert (said.status, said.err, file.read_text()) == (1, "", REDIS)
    assert added == [
        "    security_opt:",
        "      - no-new-privileges:true",
        "    cap_drop:",
        "      - ALL",
        "    cap_add:",
        "      - CHOWN",
        "      - DAC_OVERRIDE",
        "      - SETGID",
        "      - SETUID",
        "    read_only: true",
    ]
    assert "#   line 8  known  security_opt: [no-new-privileges:true]\n#       profile of" in head
    assert "# cache: only with --guess: " in head
    assert "hunter2" not in said.out


def test_write_adds_the_lines_and_says_how_to_take_them_back(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.chmod(0o640)
    shown = terminal.run(capsys, "compose", "harden", "compose.yaml")

    said = terminal.run(capsys, "compose", "harden", "--write", "compose.yaml")

    what, advice = said.complaint
    (copy,) = file.parent.glob("*.bak")
    assert (said.status, said.out) == (0, shown.out)
    assert what == "compose.yaml was written; not checked: there is no docker compose here."
    assert advice == f"To take it back: mv {copy} {file}"
    assert copy.read_text() == REDIS
    assert file.stat().st_mode & 0o777 == 0o640
    assert [line for line in file.read_text().splitlines() if line in REDIS.splitlines()] == (
        REDIS.splitlines()
    )


def test_a_file_that_has_it_all_is_done(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.run(capsys, "compose", "harden", "--write", "--guess", "compose.yaml")
    text = file.read_text()

    said = terminal.run(capsys, "compose", "harden", "--write", "--guess", "compose.yaml")

    assert (said.status, said.out, said.err) == (0, "", "")
    assert file.read_text() == text


def test_only_the_services_that_are_named_are_changed(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(REDIS.replace("services:\n", "services:\n  other: {image: redis:7.2}\n"))

    said = terminal.run(capsys, "compose", "harden", "compose.yaml", "cache")
    wrong = terminal.run(capsys, "compose", "harden", "compose.yaml", "caches")

    assert "other:" not in said.out.replace("  other: {image: redis:7.2}", "")
    assert (wrong.status, wrong.complaint) == (
        2,
        ("compose.yaml has no service 'caches'.", "It has: other, cache."),
    )


def test_json_says_the_same_to_programs(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = terminal.run(capsys, "compose", "harden", "--format", "json", str(file))

    value = json.loads(said.out)
    assert (value["schema_version"], value["file"]) == ("1", str(file))
    assert [(w["grade"], w["path"], w["value"], w["line"]) for w in value["written"]] == [
        ("known", ["security_opt"], ["no-new-privileges:true"], 8),
        ("known", ["cap_drop"], ["ALL"], 10),
        ("known", ["cap_add"], ["CHOWN", "DAC_OVERRIDE", "SETGID", "SETUID"], 12),
        ("known", ["read_only"], True, 16),
    ]
    assert {p["rule"] for p in value["only_with_guess"]} == {
        "container-root",
        "container-no-pids-limit",
        "container-no-memory-limit",
    }
    assert "hunter2" not in said.out


def test_what_cannot_be_written_is_shown_to_paste(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("services:\n  a: &a {image: i}\n  b: *a\n")

    said = terminal.run(capsys, "compose", "harden", "--write", "--guess", "compose.yaml", "a")

    assert (said.status, said.err) == (1, "")
    assert (
        "# a: not written, because an anchor shares this place with b (line 2). To paste:\n"
        "#     security_opt:\n"
        "#       - no-new-privileges:true\n"
    ) in said.out


def test_the_override_file_is_read_with_it(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    override = "services:\n  cache:\n    read_only: true\n    cap_drop: [ALL]\n"
    file.with_name("compose.override.yaml").write_text(override)

    said = terminal.run(capsys, "compose", "harden", "compose.yaml")

    assert "read_only" not in said.out
    assert "cap_drop" not in said.out
    assert "no-new-privileges" in said.out


def test_an_override_file_is_read_over_its_base(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    over = file.with_name("compose.override.yaml")
    over.write_text("services:\n  cache:\n    cap_drop: [ALL]\n    read_only: true\n")

    said = terminal.run(capsys, "compose", "harden", "--write", over.name)

    assert said.status == 0
    assert file.read_text() == REDIS
    assert over.read_text() == (
        "services:\n  cache:\n    cap_drop: [ALL]\n    read_only: true\n"
        "    security_opt:\n      - no-new-privileges:true\n"
    )


def test_a_waiver_of_the_settings_holds_here_too(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.with_name("hullward.toml").write_text(
        '[[waiver]]\nrule = "container-writable-root"\ntarget = "cache"\nreason = "it must"\n'
    )

    said = terminal.run(capsys, "compose", "harden", "compose.yaml")

    assert "# cache: left to you (container-writable-root): accepted: it must\n" in said.out
    assert "read_only" not in said.out


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"services:\n\tweb: {}\n", "compose.yaml:2:1: a tab is no indentation"),
        (b"services: {a: {}, a: {}}\n", "compose.yaml:1:19: the key 'a' is there twice"),
        (b"services:\n  a\0: {}\n", "compose.yaml:2:4: a NUL byte"),
        ("services:\n".encode("utf-16"), "compose.yaml:1:1: the file is in UTF-16"),
        (b"services: &a [*a]\n", "compose.yaml:1:15: "),
        (b"services: {}\n---\nservices: {}\n", "compose.yaml:3:1: a second document starts here"),
        (b"#@ load('x')\nservices: {}\n", "compose.yaml:1:1: a template (ytt)"),
        (b"x" * (17 << 20), "compose.yaml is larger than 16 MiB"),
    ],
)
@pytest.mark.parametrize("write", [(), ("--write",)])
def test_a_file_that_is_no_compose_file_is_told_with_its_place_and_left_alone(
    content: bytes,
    what: str,
    write: tuple[str, ...],
    file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file.write_bytes(content)

    said = terminal.run(capsys, "compose", "harden", *write, "compose.yaml")

    assert (said.status, said.out, len(said.err.splitlines())) == (2, "", 2)
    assert said.complaint[0].startswith(what)
    assert file.read_bytes() == content
    assert os.listdir(file.parent) == ["compose.yaml"]  # noqa: PTH208 - names are enough


def test_files_that_cannot_be_written_are_told_and_left_alone(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.link(file, file.with_name("second.yaml"))

    said = terminal.run(capsys, "compose", "harden", "--write", "compose.yaml")

    assert (said.status, said.complaint[0]) == (
        2,
        "compose.yaml has a second name (a hard link).",
    )
    assert file.read_text() == REDIS
    assert not list(file.parent.glob("*.bak"))


def test_a_file_that_changes_after_it_was_judged_is_not_written(file: Path) -> None:
    plan = harden.plan("compose.yaml", [], harden.Around({}), lambda _: {}, guess=True)
    file.write_text(REDIS + "# mine\n")

    with pytest.raises(HullwardError, match="was changed while it was read"):
        harden.write(plan)

    assert file.read_text() == REDIS + "# mine\n"


def test_a_folder_means_its_compose_file(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    named = terminal.run(capsys, "compose", "harden", "./compose.yaml")
    folder = terminal.run(capsys, "compose", "harden", "./")
    file.unlink()
    nothing = terminal.run(capsys, "compose", "harden", "./")

    assert folder == named
    assert nothing.complaint == ("There is no compose file in ./.", "Name the file.")


def test_deep_asks_the_engine_for_the_images(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("services:\n  a: {image: 'i:1'}\n  b: {image: j}\n  c: {build: .}\n")
    asked = {
        "/info": {"ServerVersion": "28.5.2", "SecurityOptions": ["name=no-new-privileges"]},
        "/images/i:1/json": {"Id": "sha256:aa", "Config": {"User": "7"}},
    }
    answers = {path: Recorded(body=json.dumps(body)) for path, body in asked.items()}
    with RecordedEngine(terminal.recorded(answers), "engine.sock") as engine:
        words = ("compose", "harden", "--deep", "--guess", "-H", engine.url, "--format", "json")
        said = terminal.run(capsys, *words, "compose.yaml")

    reasons = {
        (line["service"], line["path"][0]): (line["grade"], line["reason"])
        for line in json.loads(said.out)["written"]
    }
    sure = ("safe", "the engine sets it for every container already")
    assert reasons["a", "security_opt"] == reasons["b", "security_opt"] == sure
    assert "it runs as uid 7, which holds no capability, but" in reasons["a", "cap_drop"][1]
    assert reasons["c", "security_opt"][0] == "guess"


def test_an_engine_that_does_not_answer_is_told(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = terminal.run(capsys, "compose", "harden", "--deep", "-H", "unix:///no", "compose.yaml")

    assert (said.status, said.out, len(said.err.splitlines())) == (2, "", 2)
    assert file.read_text() == REDIS


DOCKER = """\
#!/bin/sh
# Stands for a docker that knows compose: `config` refuses what holds the word.
case $* in *version) exit 0 ;; esac
while read -r line; do case $line in *"WORD"*) echo "not this" >&2; exit 1 ;; esac; done
exit 0
"""


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("cap_drop", (2, "docker compose would not accept the new text: not this")),
        ("redis", (0, "compose.yaml was written; docker compose did not accept the old text")),
        ("nothing", (0, "compose.yaml was written; docker compose accepts it.")),
    ],
)
def test_what_docker_compose_says_of_the_new_text_counts(
    word: str,
    expected: tuple[int, str],
    file: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = file.with_name("docker")
    program.write_text(DOCKER.replace("WORD", word))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{file.parent}:/usr/bin:/bin")

    said = terminal.run(capsys, "compose", "harden", "--write", "compose.yaml")

    status, words = expected
    assert said.status == status
    assert said.complaint[0].startswith(words)
    assert (file.read_text() == REDIS) == (status != 0)
    assert len(list(file.parent.glob("*.bak"))) == (status == 0)


def test_a_service_that_is_built_gets_a_user_of_its_own_in_its_dockerfile(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("services:\n  web: {build: app}\n  same: {build: app}\n")
    made = file.with_name("app")
    made.mkdir()
    text = 'FROM debian:13\nENV PASSWORD=hunter2\nRUN make\nCMD ["app"]\n'
    made.joinpath("Dockerfile").write_text(text)

    careful = terminal.run(capsys, "compose", "harden", "compose.yaml")
    bold = terminal.run(capsys, "compose", "harden", "--guess", "--write", "compose.yaml")
    value = terminal.run(capsys, "compose", "harden", "--guess", "--format", "json", "compose.yaml")

    _, _, diff = bold.out.partition("--- a/app/Dockerfile\n+++ b/app/Dockerfile\n")
    (dockerfile,) = json.loads(value.out)["dockerfiles"]
    assert "Dockerfile" not in careful.out
    assert [line for line in diff.splitlines() if line[:5] == "+USER"]
    assert "hunter2" not in bold.out
    assert dockerfile["diff"].endswith(diff)
    assert made.joinpath("Dockerfile").read_text() == text


def test_names_from_the_file_cannot_forge_lines(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text('services:\n  "a\\n--- b\\e[2J": {image: i, security_opt: ["${X}"]}\n')

    said = terminal.run(capsys, "compose", "harden", "compose.yaml")

    assert "\x1b" not in said.out
    assert all(line.startswith("#") for line in said.out.splitlines())
