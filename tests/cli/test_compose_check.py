"""`hullward compose check`: files, folders, formats, waivers, and how it ends."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from hullward.host import compose_files
from terminal import Said, run

Capture = pytest.CaptureFixture[str]
SCHEMA = Path(__file__).parents[1] / "report" / "schemas" / "sarif-2.1.0.json"
BAD = "services:\n  web:\n    image: nginx:1.27\n    privileged: true\n"
GOOD = """\
services:
  web:
    image: x:1.2@sha256:{digest}
    user: 1000:1000
    cap_drop: [ALL]
    security_opt: [no-new-privileges:true]
    read_only: true
    restart: on-failure:5
    mem_limit: 64m
    cpus: 1
    pids_limit: 50
    healthcheck: {{test: [CMD, /health]}}
""".format(digest="a" * 64)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("COMPOSE_")]:
        monkeypatch.delenv(name)


def write(name: str, text: str | bytes) -> str:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return name


def check(capsys: Capture, *words: str) -> Said:
    return run(capsys, "compose", "check", *words)


def found(capsys: Capture, *words: str) -> set[tuple[str, str]]:
    """Give (rule, subject) of what fails."""
    report = json.loads(check(capsys, *words, "--format", "json").out)
    return {
        (v["rule"], v["subject"])
        for host in report["hosts"]
        for v in host["verdicts"]
        if v["verdict"] == "fail"
    }


def one_error(said: Said) -> str:
    """Give the error: one line, one line of advice, exit 2, and nothing that is a trace."""
    what, advice = said.err.splitlines()

    assert said.status == 2
    assert what.startswith("hullward: ")
    assert advice.startswith("  ")
    return what.removeprefix("hullward: ")


def test_findings_end_with_1_and_a_file_in_order_with_0(capsys: Capture) -> None:
    write("bad.yaml", BAD)
    write("good.yaml", GOOD)

    assert check(capsys, "bad.yaml").status == 1
    assert check(capsys, "bad.yaml", "--fail-on", "never").status == 0
    assert check(capsys, "good.yaml", "--fail-on", "info").status == 0


def test_the_compose_file_of_this_folder_is_found_with_its_override(capsys: Capture) -> None:
    write("compose.yaml", BAD)
    write("compose.override.yaml", "services: {web: {privileged: false, pid: host}}\n")
    rules = {rule for rule, _ in found(capsys)}

    assert "container-host-pid" in rules
    assert "container-privileged" not in rules


def test_a_project_that_is_named_twice_is_judged_once(capsys: Capture) -> None:
    write("compose.yaml", BAD)
    write("compose.override.yaml", "services: {web: {pid: host}}\n")
    report = json.loads(
        check(capsys, "compose.yaml", "compose.override.yaml", "--format", "json").out
    )

    assert [h["target"] for h in report["hosts"]] == ["compose.yaml + compose.override.yaml"]


def test_files_with_f_are_merged_and_exactly_those(capsys: Capture) -> None:
    write("compose.yaml", BAD)
    write("compose.override.yaml", "services: {web: {pid: host}}\n")
    write("more.yaml", "services: {web: {ipc: host}}\n")
    rules = {rule for rule, _ in found(capsys, "-f", "compose.yaml", "-f", "more.yaml")}

    assert {"container-privileged", "container-host-ipc"} <= rules
    assert "container-host-pid" not in rules


def test_every_compose_file_of_a_folder_is_judged(capsys: Capture) -> None:
    write("a/compose.yaml", BAD)
    write("b/docker-compose.yml", BAD.replace("web", "db"))
    write("b/values.yaml", "a: [")

    assert {s for r, s in found(capsys, ".") if r == "container-privileged"} == {"web", "db"}


def test_a_file_that_cannot_be_read_hides_no_other(capsys: Capture) -> None:
    write("a/compose.yaml", BAD)
    write("b/compose.yaml", "services: [\n")
    said = check(capsys, ".", "--format", "gcc")

    assert said.status == 2
    assert "a/compose.yaml:4:5: error: web: HostConfig.Privileged is true" in said.out
    assert "hullward: b/compose.yaml:2:1: " in said.err


def test_a_template_in_a_folder_is_skipped_and_told_and_one_that_is_named_is_an_error(
    capsys: Capture,
) -> None:
    write("a/compose.yaml", GOOD)
    write("a/compose.j2.yaml", "{% if x %}\nservices: {}\n{% endif %}\n")
    folder = check(capsys, "a")
    named = check(capsys, "a/compose.j2.yaml")

    assert folder.status == 0
    assert "Templates are no compose files: a/compose.j2.yaml" in " ".join(folder.out.split())
    assert "a template (jinja, helm or gomplate)" in one_error(named)


def test_variables_come_from_env_the_env_file_and_the_shell(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("compose.yaml", BAD.replace("true", "${MIGHTY}"))
    privileged = ("container-privileged", "web")
    write(".env", "MIGHTY=true\n")
    write("off.env", "MIGHTY=false\n")

    assert privileged in found(capsys)
    assert privileged not in found(capsys, "--env-file", "off.env")
    monkeypatch.setenv("MIGHTY", "true")
    assert privileged in found(capsys, "--env-file", "off.env")


def test_services_are_chosen_by_their_profiles(capsys: Capture) -> None:
    write(
        "compose.yaml",
        BAD + "    profiles: [debug]\n  db: {image: 'x:1', privileged: true}\n",
    )

    def names(*words: str) -> set[str]:
        return {s for r, s in found(capsys, *words) if r == "container-privileged"}

    assert names() == {"web", "db"}
    assert names("--service-profile", "debug") == {"web", "db"}
    assert names("--service-profile", "other") == {"db"}


def test_rules_are_chosen_by_name_and_profile(capsys: Capture) -> None:
    write("compose.yaml", BAD)
    write("Dockerfile", "FROM x\n")

    assert found(capsys, "--rule", "container-priv*") == {("container-privileged", "web")}
    assert ("container-privileged", "web") not in found(capsys, "--exclude", "container-priv*")
    assert not {r for r, _ in found(capsys, "--profile", "cis-1") if r.startswith("compose-o")}
    assert "There is no rule 'daemon-tls'" in one_error(check(capsys, "--rule", "daemon-tls"))


def test_comments_and_settings_waive_and_one_without_a_reason_is_told(capsys: Capture) -> None:
    write(
        "compose.yaml",
        "services:\n  web:\n    image: nginx:1.27\n"
        "    privileged: true  # hullward: ignore[container-privileged] it mounts disks\n"
        "    pid: host  # hullward: ignore[container-host-pid]\n    ipc: host\n",
    )
    write(
        "hullward.toml",
        '[[waiver]]\nrule = "container-host-ipc"\ntarget = "web"\nreason = "shared memory"\n',
    )
    said = check(capsys, "--rule", "container-privileged", "--rule", "container-host-*")

    assert "waived at compose.yaml:4:23: it mounts disks" in said.out
    assert "waived: shared memory" in said.out
    assert "compose.yaml:5:16: the waiver of container-host-pid gives no reason" in said.out
    assert found(capsys, "--rule", "container-host-*") == {("container-host-pid", "web")}


def test_the_table_shows_places_and_remedies(capsys: Capture) -> None:
    write("compose.yaml", BAD)
    said = check(capsys)

    assert "CRITICAL container-privileged\n  web (compose.yaml:4:5): HostConfig" in said.out
    assert "In compose.yaml, service web, remove:\n        privileged: true" in said.out
    assert "Note: Files are judged as they would run on an engine with Docker's own" in said.out
    assert said.err == ""


def test_json_has_file_line_and_column_of_each_verdict(capsys: Capture) -> None:
    write("compose.yaml", BAD)
    report = json.loads(check(capsys, "--format", "json").out)
    (privileged,) = (
        v for v in report["hosts"][0]["verdicts"] if v["rule"] == "container-privileged"
    )

    assert (privileged["file"], privileged["line"], privileged["column"]) == ("compose.yaml", 4, 5)
    assert report["hosts"][0]["target"] == "compose.yaml"


def _sarif(said: Said) -> dict[str, Any]:
    log = json.loads(said.out)
    jsonschema.Draft4Validator(json.loads(SCHEMA.read_text())).validate(log)
    return dict(log["runs"][0])


def test_sarif_names_the_real_file_and_line(capsys: Capture) -> None:
    write("a b/compose.yaml", BAD)
    sarif = _sarif(check(capsys, "a b", "--format", "sarif"))
    results = sarif["results"]
    assert "container-kernel-differs" in sarif["properties"]["undecided"]
    (privileged,) = (r for r in results if r["ruleId"] == "container-privileged")
    assert "container-kernel-differs" not in {r["ruleId"] for r in results}
    place = privileged["locations"][0]["physicalLocation"]

    assert place["artifactLocation"]["uri"] == "a%20b/compose.yaml"
    assert place["region"] == {"startLine": 4, "startColumn": 5}
    marks = [r["partialFingerprints"]["hullwardFinding/v1"] for r in results]
    assert len(set(marks)) == len(marks)


def _fixed(text: str, change: dict[str, Any]) -> str:
    """Apply a change as an editor would, from the end on."""
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    for part in reversed(change["replacements"]):
        region = part["deletedRegion"]
        start = starts[region["startLine"] - 1] + region["startColumn"] - 1
        end = starts[region["endLine"] - 1] + region["endColumn"] - 1
        text = text[:start] + part["insertedContent"]["text"] + text[end:]
    return text


def test_sarif_offers_what_harden_knows_and_guesses_only_if_asked(capsys: Capture) -> None:
    text = "services:\n  web:\n    image: redis:7.2  # ours\n"
    write("compose.yaml", text)

    def offered(*words: str) -> dict[str, str]:
        results = _sarif(check(capsys, "--format", "sarif", *words))["results"]
        return {
            r["ruleId"]: _fixed(text, r["fixes"][0]["artifactChanges"][0])
            for r in results
            if "fixes" in r
        }

    known, all_ = offered(), offered("--guess")
    assert known["container-new-privileges"] == (
        text + "    security_opt:\n      - no-new-privileges:true\n"
    )
    assert "container-no-memory-limit" in set(all_) - set(known)
    for rule, fixed in all_.items():
        write("compose.yaml", fixed)
        assert (rule, "web") not in found(capsys)


def test_junit_and_markdown_name_the_place(capsys: Capture) -> None:
    write("compose.yaml", BAD)

    assert 'file="compose.yaml" line="4"' in check(capsys, "--format", "junit").out
    assert r"web \(compose.yaml:4:5\)" in check(capsys, "--format", "markdown").out


def test_what_an_extended_file_says_is_placed_in_that_file(capsys: Capture) -> None:
    write("compose.yaml", "services: {web: {extends: {file: base/b.yaml, service: x}}}\n")
    write("base/b.yaml", "services:\n  x:\n    image: y:1\n    privileged: true\n")
    said = check(capsys, "--format", "gcc")

    assert "base/b.yaml:4:5: error: web: HostConfig.Privileged is true" in said.out


def test_what_is_included_from_elsewhere_is_unknown_and_ends_with_2(capsys: Capture) -> None:
    write("compose.yaml", "include: [https://x.example/y.yaml]\n" + GOOD)
    said = check(capsys, "--format", "gcc")

    assert said.status == 2
    assert re.search(r"compose.yaml:1:\d+: note: project: unknown: include of https", said.out)


def test_no_secret_is_printed_in_any_format(capsys: Capture) -> None:
    write(
        "compose.yaml",
        "services:\n  web:\n    image: x:1\n    command: run --token hunter2\n"
        "    environment: {DB_PASSWORD: hunter2, URL: 'a://b:hunter2@c'}\n"
        "    build: {context: ., args: {API_KEY: hunter2}}\n",
    )
    write(".env", "OTHER_PASSWORD=hunter2\n")
    write("Dockerfile", "FROM x\nENV TOKEN=hunter2\n")

    for form in ("table", "json", "sarif", "gcc", "junit", "markdown"):
        said = check(capsys, "--format", form)
        assert "literal" in said.out
        assert "hunter2" not in said.out + said.err


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\xff\xfes\0", "compose.yaml:1:1: the file is in UTF-16"),
        (b"services: {a: \0}", "compose.yaml:1:15: a NUL byte"),
        (b"services:\n\ta: b\n", "compose.yaml:2:1: a tab"),
        (b"services:\n  a: {}\n  a: {}\n", "compose.yaml:3:3: the key 'a' is there twice"),
        (b"services: {a: {extends: a, image: x}}\n", "extends itself"),
        (b"include: [compose.yaml]\n", "includes itself"),
        (b"- a\n", "compose.yaml:1:1: a compose file is a mapping"),
        (b"a: &a [*a]\n", "compose.yaml:1:8"),
        (b"\x80", "compose.yaml:1:1: bytes that are no UTF-8"),
    ],
)
def test_what_is_no_compose_file_is_one_line_with_its_place(
    capsys: Capture, content: bytes, what: str
) -> None:
    write("compose.yaml", content)

    assert what in one_error(check(capsys, "compose.yaml"))


def test_a_bomb_of_aliases_is_refused(capsys: Capture) -> None:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    write("compose.yaml", "\n".join([*lines, "services: {a: {image: x, labels: *a11}}"]))

    assert "compose.yaml:" in one_error(check(capsys, "compose.yaml"))


def test_files_that_cannot_be_are_one_line(capsys: Capture) -> None:
    os.mkfifo("pipe.yaml")
    with Path("huge.yaml").open("wb") as file:
        file.truncate(compose_files.LIMIT + 1)
    Path("empty").mkdir()

    assert "no.yaml cannot be read" in one_error(check(capsys, "no.yaml"))
    assert "not a regular file" in one_error(check(capsys, "pipe.yaml"))
    assert "larger than 16 MiB" in one_error(check(capsys, "huge.yaml"))
    assert "There is no compose file in empty" in one_error(check(capsys, "empty"))
    assert "more than one way" in one_error(check(capsys, "-f", "a.yaml", "b.yaml"))


def test_an_env_file_that_is_missing_is_one_line(capsys: Capture) -> None:
    write("compose.yaml", GOOD)

    assert "no.env" in one_error(check(capsys, "--env-file", "no.env"))


def test_a_hostile_name_cannot_reach_the_terminal(capsys: Capture) -> None:
    write("compose.yaml", 'services:\n  "a\\e[2J":\n    image: "x\\e[1m"\n    privileged: true\n')

    for form in ("table", "json", "sarif", "gcc", "junit", "markdown"):
        said = check(capsys, "--format", form)
        assert "\x1b" not in said.out + said.err


def test_nothing_is_written_to_stderr_but_errors(capsys: Capture) -> None:
    for name in ("a", "b", "c"):
        write(f"{name}/compose.yaml", GOOD)

    assert check(capsys, ".").err == ""


def test_rules_for_files_are_explained(capsys: Capture) -> None:
    said = run(capsys, "explain", "compose-api-socket")

    assert said.status == 0
    assert "use_api_socket" in said.out


def test_an_inline_dockerfile_is_judged_at_its_own_lines(capsys: Capture) -> None:
    write(
        "compose.yaml",
        "services:\n  web:\n    build:\n      context: .\n      dockerfile_inline: |\n"
        "        FROM debian:12\n        RUN chmod u+s /bin/x\n",
    )
    said = check(capsys, "--format", "gcc")

    assert "compose.yaml:7:7: warning: web: /bin/x is made setuid" in said.out


def test_a_dockerfile_from_elsewhere_or_broken_is_unknown_and_hides_nothing(
    capsys: Capture,
) -> None:
    write("Dockerfile", "NONSENSE\n")
    write(
        "compose.yaml",
        "services:\n  far: {build: 'https://x.example/y.git'}\n  broken: {build: .}\n",
    )
    said = check(capsys, "--format", "gcc", "--rule", "dockerfile-root", "--rule", "container-root")

    assert "far: unknown: the Dockerfile comes with a context from elsewhere" in said.out
    assert "broken: unknown: the Dockerfile was not judged: " in said.out
    assert said.status == 0


def test_a_comment_in_a_dockerfile_waives_the_instruction_below_it(capsys: Capture) -> None:
    write("compose.yaml", "services:\n  web:\n    build: .\n")
    write(
        "Dockerfile",
        "FROM debian:12\n# hullward: ignore[dockerfile-setuid] su is what it is for\n"
        "RUN chmod u+s /bin/x\n",
    )

    assert ("dockerfile-setuid", "web") not in found(capsys)
    assert "waived at " in check(capsys).out


def test_progress_is_shown_on_a_terminal_and_nowhere_else(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write(f"{name}/compose.yaml", GOOD)
    ours, theirs = pty.openpty()
    subprocess.run(
        [sys.executable, "-m", "hullward", "compose", "check", "."],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        check=True,
    )
    os.close(theirs)
    seen = os.read(ours, 4096).decode()
    os.close(ours)

    assert seen == "\r1 of 3 projects\r2 of 3 projects\r\x1b[K"


def test_both_commands_for_files_are_named(capsys: Capture) -> None:
    said = run(capsys, "compose", "--help")

    assert re.findall(r"^  (\w+)  ", said.out, re.MULTILINE) == ["check", "harden"]
    assert run(capsys, "compose", "chek").status == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root lists every folder")
def test_a_folder_that_cannot_be_listed_hides_no_other(capsys: Capture) -> None:
    write("a/compose.yaml", BAD)
    Path("closed").mkdir(mode=0)
    said = check(capsys, ".", "--format", "gcc")

    assert said.status == 2
    assert "[container-privileged]" in said.out
    assert "The folder ./closed cannot be listed: Permission denied" in said.err
