"""The options of the commands, and how they end."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from bundles import ANSWERS, written
from hullward import __version__
from hullward.host.recorded import Fault, RecordedEngine
from hullward.host.recording import Recorded
from hullward.model.severity import Severity
from hullward.rules import ALL, profiles
from hullward.rules.image_files import DEEP
from terminal import CITIZEN, PRIVILEGED, ROOT, recorded, run, save

Capture = pytest.CaptureFixture[str]
HULLWARD = (sys.executable, "-m", "hullward")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder, with no docker configuration of this machine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def three(tmp_path: Path) -> str:
    return save(tmp_path / "three.json", CITIZEN, ROOT, PRIVILEGED)


def test_version_is_one_line(capsys: Capture) -> None:
    said = run(capsys, "--version")

    assert (said.status, said.out, said.err) == (0, f"hullward {__version__}\n", "")


@pytest.mark.parametrize("words", [["--help"], ["-h"], [], ["audit", "-h"], ["collect", "--help"]])
def test_help_is_on_stdout_or_tells_what_is_missing(capsys: Capture, words: list[str]) -> None:
    said = run(capsys, *words)

    assert "Usage: hullward" in said.out + said.err


def test_help_names_every_command(capsys: Capture) -> None:
    said = run(capsys, "--help")

    assert re.findall(r"^  (\w+)  ", said.out, re.MULTILINE) == [
        "audit",
        "collect",
        "diff",
        "ports",
        "userns",
        "ssh",
        "changes",
        "undo",
        "explain",
    ]


@pytest.mark.parametrize(
    "words", [["nothing"], ["audit", "--nothing"], ["audit", "--format", "x"], ["diff", "old"]]
)
def test_wrong_usage_is_two_lines_and_2(capsys: Capture, words: list[str]) -> None:
    said = run(capsys, *words)

    assert (said.status, said.out) == (2, "")
    assert said.complaint[1] == "`hullward --help` shows the commands and options."


def test_snapshot_without_a_file_to_write_to_is_refused(capsys: Capture) -> None:
    said = run(capsys, "collect")

    assert (said.status, said.out) == (2, "")
    assert said.complaint == ("No file to write to was given.", "Name one: `-o FILE`.")


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "-inf", "1e999", "soon", ""])
def test_timeout_that_no_clock_knows_is_refused(capsys: Capture, seconds: str) -> None:
    said = run(capsys, "audit", f"--timeout={seconds}")

    assert said.status == 2
    assert said.complaint[0].startswith("Invalid value for '--timeout': ")


def graded(tmp_path: Path, severity: Severity) -> list[str]:
    """Give the options that leave only findings of this severity in the audit of a root."""
    everything = tmp_path / "graded.json"
    save(everything, PRIVILEGED, ROOT)
    return ["--from", str(everything), "--format", "json", "--fail-on", severity.value]


@pytest.mark.parametrize("severity", list(Severity))
def test_exit_status_is_1_from_the_chosen_severity_on(
    capsys: Capture, tmp_path: Path, severity: Severity
) -> None:
    options = graded(tmp_path, severity)
    found = {
        verdict["rule"]
        for verdict in json.loads(run(capsys, "audit", *options).out)["hosts"][0]["verdicts"]
        if verdict["verdict"] == "fail" and Severity(verdict["severity"]).rank >= severity.rank
    }
    excluded = [word for rule in found for word in ("--exclude", rule)]

    assert run(capsys, "audit", *options).status == 1
    assert run(capsys, "audit", *options, *excluded).status == 0


def test_exit_status_is_0_when_nothing_may_fail(capsys: Capture, three: str) -> None:
    assert run(capsys, "audit", "--from", three, "--fail-on", "never").status == 0


def test_exit_status_is_1_for_high_findings_by_default(
    capsys: Capture, tmp_path: Path, three: str
) -> None:
    citizen = save(tmp_path / "citizen.json", CITIZEN)

    assert run(capsys, "audit", "--from", three).status == 1
    assert run(capsys, "audit", "--from", citizen).status == 0


def rules(capsys: Capture, *options: str) -> set[str]:
    said = run(capsys, "audit", "--format", "json", *options)
    return {verdict["rule"] for verdict in json.loads(said.out)["hosts"][0]["verdicts"]}


def test_rules_are_chosen_by_area_name_and_glob(capsys: Capture, three: str) -> None:
    everything = {rule.id for rule in ALL}
    chosen = ("--rule", "container-root", "--rule", "container-host-*")

    assert rules(capsys, "--from", three, "--area", "daemon") == {
        rule for rule in everything if rule.startswith("daemon-")
    }
    assert rules(capsys, "--from", three, *chosen) == {
        rule for rule in everything if rule == "container-root" or rule.startswith("container-host")
    }
    assert rules(capsys, "--from", three, "--exclude", "container-*") == {
        rule.id
        for rule in profiles.apply("guide", ALL)
        if rule.area != "container" and rule.id not in DEEP
    }


def test_profile_chooses_rules_and_says_how_grave_they_are(capsys: Capture, three: str) -> None:
    said = run(capsys, "audit", "--from", three, "--format", "json", "--profile", "homelab")
    verdicts = json.loads(said.out)["hosts"][0]["verdicts"]
    graded = {verdict["rule"]: verdict["severity"] for verdict in verdicts}

    assert rules(capsys, "--from", three) == {
        rule.id for rule in profiles.apply("guide", ALL) if rule.id not in DEEP
    }
    assert "host-audit-rule" not in graded
    assert graded["daemon-userns-off"] == "low"


def test_choice_of_no_rule_is_refused_and_no_clean_audit(capsys: Capture, three: str) -> None:
    said = run(capsys, "audit", "--from", three, "--profile", "cis-2", "--area", "ssh")

    assert (said.status, said.out) == (2, "")
    assert said.complaint[0] == "No rule is chosen."


@pytest.mark.parametrize(
    ("option", "word", "near"),
    [
        ("--rule", "container-rot", "container-root"),
        ("--exclude", "container-rot", "container-root"),
        ("--area", "containers", "container"),
        ("--rule", "x*", ""),
    ],
)
def test_unknown_rule_or_area_is_refused_with_the_nearest(
    capsys: Capture, three: str, option: str, word: str, near: str
) -> None:
    said = run(capsys, "audit", "--from", three, option, word)

    assert (said.status, said.out) == (2, "")
    assert said.complaint[0].endswith(f" {word!r}.")
    assert near in said.complaint[1]


@pytest.mark.parametrize(
    "words", [["web1"], ["-H", "ssh://web1"], ["--context", "web1"], ["--all-contexts"]]
)
def test_snapshot_and_target_together_are_refused(
    capsys: Capture, three: str, words: list[str]
) -> None:
    said = run(capsys, "audit", "--from", three, *words)

    assert (said.status, said.out) == (2, "")
    assert said.complaint[0] == "--from was given together with a target."


@pytest.mark.parametrize(
    "words",
    [
        ["web1", "-H", "ssh://web1"],
        ["web1", "--all-contexts"],
        ["-c", "web1", "--all-contexts"],
        ["-H", "ssh://web1", "-c", "web1"],
    ],
)
def test_target_named_in_two_ways_is_refused(capsys: Capture, words: list[str]) -> None:
    said = run(capsys, "audit", *words)

    assert (said.status, said.out) == (2, "")
    assert said.complaint[1]


def test_several_snapshots_are_several_hosts(capsys: Capture, tmp_path: Path) -> None:
    one = save(tmp_path / "1", CITIZEN, target="one")
    two = save(tmp_path / "2", ROOT, target="two")
    said = run(capsys, "audit", "--from", one, "--from", two, "--format", "json")

    assert [host["target"] for host in json.loads(said.out)["hosts"]] == ["one", "two"]


def test_several_targets_are_several_hosts_in_their_order(capsys: Capture) -> None:
    targets = ["unix:///none/2", "unix:///none/1", "unix:///none/3"]
    said = run(capsys, "audit", *targets, "--format", "json")

    assert [host["target"] for host in json.loads(said.out)["hosts"]] == targets
    assert said.status == 2
    assert len(said.err.splitlines()) == 6


@pytest.mark.parametrize("form", ["table", "json", "markdown", "csv"])
def test_report_is_on_stdout_alone(capsys: Capture, three: str, form: str) -> None:
    said = run(capsys, "audit", "--from", three, "--format", form)

    assert "citizen" in said.out
    assert said.err == ""


def test_risk_comes_first_when_asked_for(capsys: Capture, three: str) -> None:
    def order(*options: str) -> list[str]:
        said = run(capsys, "audit", "--from", three, "--wide", *options)
        return re.findall(r"^(citizen|privileged|root) ", said.out, re.MULTILINE)

    assert order() == ["citizen", "privileged", "root"]
    assert order("--sort", "risk")[0] == "privileged"


def test_no_colour_where_nobody_looks(capsys: Capture, three: str) -> None:
    assert "\x1b" not in run(capsys, "audit", "--from", three).out


def on_terminal(three: str, **environment: str) -> str:
    """Give what an audit prints on a terminal of its own."""
    import pty  # noqa: PLC0415 - not everywhere

    master, slave = pty.openpty()
    with subprocess.Popen(  # noqa: S603 - our own command
        [*HULLWARD, "audit", "--from", three, "--fail-on", "never"],
        stdout=slave,
        env={**os.environ, **environment},
    ) as process:
        os.close(slave)
        text = b""
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:  # the other side is closed
                break
            if not part:
                break
            text += part
    os.close(master)
    assert process.returncode == 0
    return text.decode()


def test_colour_is_for_terminals_and_no_color_forbids_it(three: str) -> None:
    assert "\x1b[31m" in on_terminal(three)
    assert "\x1b" not in on_terminal(three, NO_COLOR="1")


def test_unread_container_is_an_audit_that_is_not_complete(capsys: Capture) -> None:
    listing = json.dumps([{"Id": "a" * 64, "Names": ["/gone"]}])
    recording = recorded({"/containers/json?all=0": Recorded(body=listing)})
    with RecordedEngine(recording, "engine.sock") as fake:
        said = run(capsys, "audit", fake.url, "--format", "json", "--fail-on", "never")

    assert said.status == 2
    assert said.complaint[0] == (
        "unix://engine.sock: the container gone is unknown: it disappeared while it was looked at."
    )


def test_interrupt_is_two_lines_and_2() -> None:
    with RecordedEngine(recorded(), "engine.sock", {"/info": Fault.HANG}) as fake:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [*HULLWARD, "audit", fake.url],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        while "/info" not in fake.asked:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (2, "")
    assert err.strip().splitlines() == ["hullward: Interrupted.", "  Nothing was changed."]


@pytest.mark.parametrize("words", [["explain"], ["--help"], ["audit", "--from", "three.json"]])
def test_reader_that_goes_away_is_no_trace_and_2(three: str, words: list[str]) -> None:
    del three
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(  # noqa: S603 - our own command
        [*HULLWARD, *words], stdout=write, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write)

    assert (done.returncode, done.stderr) == (2, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_report_without_room_is_two_lines_and_2(three: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(  # noqa: S603 - our own command
            [*HULLWARD, "audit", "--from", three],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == (
        "hullward: The report cannot be written: No space left on device."
    )


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_trace(three: str, closed: str) -> None:
    line = f'"$0" -m hullward audit --from "$1" --fail-on never {closed}'
    done = subprocess.run(  # noqa: S603 - our own command
        ["sh", "-c", line, sys.executable, three],  # noqa: S607 - the shell of this machine
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_snapshot_is_written_for_its_owner_only(capsys: Capture, tmp_path: Path) -> None:
    with RecordedEngine(recorded(), "engine.sock") as fake:
        said = run(capsys, "collect", fake.url, "-o", "out.json")

    assert (said.status, said.out) == (0, "")
    assert said.err == "Saved 0 containers of 1 engines in out.json.\n"
    assert (tmp_path / "out.json").stat().st_mode & 0o777 == 0o600
    assert run(capsys, "audit", "--from", "out.json").status == 0


def test_unreachable_target_is_not_in_the_snapshot_file(capsys: Capture) -> None:
    with RecordedEngine(recorded(), "engine.sock") as fake:
        said = run(capsys, "collect", fake.url, "unix:///none", "-o", "out.json")
    audited = run(capsys, "audit", "--from", "out.json", "--format", "json")

    assert said.status == 2
    assert [h["target"] for h in json.loads(audited.out)["hosts"]] == ["unix://engine.sock"]


def test_nothing_is_written_where_no_target_could_be_reached(
    capsys: Capture, tmp_path: Path
) -> None:
    said = run(capsys, "collect", "unix:///none", "-o", "out.json")

    assert said.status == 2
    assert not (tmp_path / "out.json").exists()


def test_all_contexts_are_audited(capsys: Capture, tmp_path: Path) -> None:
    said = run(capsys, "audit", "--all-contexts", "--format", "csv")

    assert said.status == 2
    assert "default" in said.err
    assert not (tmp_path / "docker").exists()


def test_waivers_are_read_from_the_folder_and_shown(
    capsys: Capture, tmp_path: Path, three: str
) -> None:
    waiver = '[[waiver]]\nrule = "container-root"\ntarget = "root"\nreason = "it must"\n'
    (tmp_path / "hullward.toml").write_text(waiver)
    said = run(capsys, "audit", "--from", three, "--format", "json")
    waived = [
        (v["subject"], v["reason"])
        for v in json.loads(said.out)["hosts"][0]["verdicts"]
        if v["verdict"] == "waived"
    ]

    assert waived == [("root", "waived: it must")]


def test_expired_waiver_counts_no_more_and_says_so(
    capsys: Capture, tmp_path: Path, three: str
) -> None:
    waiver = '[[waiver]]\nrule = "container-root"\ntarget = "*"\nreason = "x"\nexpires = 2020-01-01'
    (tmp_path / "other.toml").write_text(waiver)
    said = run(capsys, "audit", "--from", three, "--config", "other.toml", "--format", "json")

    assert json.loads(said.out)["notes"] == [
        "The waiver of container-root for * expired on 2020-01-01 and counts no more."
    ]
    assert json.loads(said.out)["summary"]["waived"] == 0


def test_unknown_name_to_explain_is_refused(capsys: Capture) -> None:
    said = run(capsys, "explain", "container-rot")

    assert (said.status, said.out) == (2, "")
    assert "container-root" in said.complaint[1]


def test_no_thread_is_left_behind(capsys: Capture) -> None:
    run(capsys, "audit", "unix:///none/1", "unix:///none/2")

    assert threading.active_count() == 1


@pytest.mark.parametrize("words", [["audit", "--show-commands"], ["collect", "--print-script"]])
def test_the_script_is_printed_and_nothing_is_asked(capsys: Capture, words: list[str]) -> None:
    said = run(capsys, *words, "ssh://nobody@nowhere.invalid")
    checked = subprocess.run(
        ["sh", "-n"],  # noqa: S607 - the shell of this machine
        input=said.out,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (said.status, said.err) == (0, "")
    assert said.out.startswith("#!/bin/sh\n")
    assert checked.returncode == 0


def test_only_the_script_for_a_host_without_connection_asks_docker(capsys: Capture) -> None:
    assert "docker container inspect" in run(capsys, "collect", "--print-script").out
    assert "docker container inspect" not in run(capsys, "audit", "--show-commands").out


def test_a_bundle_is_audited_like_a_snapshot(capsys: Capture, tmp_path: Path) -> None:
    (tmp_path / "bundle").write_bytes(written(ANSWERS))
    said = run(capsys, "audit", "--from", "bundle", "--format", "json", "--fail-on", "never")

    (host,) = json.loads(said.out)["hosts"]
    assert said.status == 0
    assert [c["name"] for c in host["containers"]] == ["web"]


@pytest.mark.parametrize("form", ["table", "markdown", "csv"])
def test_people_are_told_nothing_of_nothing(capsys: Capture, form: str) -> None:
    said = run(capsys, "audit", "unix:///none", "--format", form)

    assert (said.status, said.out) == (2, "")
    assert said.complaint[0] == "unix:///none: No engine listens on /none."


@pytest.mark.parametrize("form", ["json", "sarif", "junit", "html", "prometheus"])
def test_programs_get_a_document_even_of_nothing(capsys: Capture, form: str) -> None:
    said = run(capsys, "audit", "unix:///none", "--format", form)

    assert said.status == 2
    assert "unix:///none" in said.out


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_a_target_that_failed_is_a_row_beside_the_others(capsys: Capture, form: str) -> None:
    with RecordedEngine(recorded(), "engine.sock") as fake:
        said = run(capsys, "audit", fake.url, "unix:///none", "--format", form)

    assert said.status == 2
    assert "engine.sock" in said.out
    assert "none" in said.out


@pytest.mark.parametrize("form", ["snapshot", "json", "bundle"])
def test_only_what_is_new_since_the_baseline_counts(
    capsys: Capture, tmp_path: Path, form: str
) -> None:
    if form == "bundle":
        (tmp_path / "now").write_bytes(written(ANSWERS))
    else:
        save(tmp_path / "now", ROOT, PRIVILEGED)
    options = ("audit", "--from", "now", "--fail-on", "medium")
    (tmp_path / "old").write_bytes((tmp_path / "now").read_bytes())
    if form == "json":
        (tmp_path / "old").write_text(run(capsys, *options, "--format", "json").out)

    assert run(capsys, *options).status == 1
    assert run(capsys, *options, "--baseline", "old").status == 0


def test_a_finding_that_the_baseline_does_not_have_counts(capsys: Capture, tmp_path: Path) -> None:
    save(tmp_path / "old", ROOT)
    save(tmp_path / "now", ROOT, PRIVILEGED)
    options = ("audit", "--from", "now", "--baseline", "old")

    assert run(capsys, *options).status == 1
    assert run(capsys, *options, "--fail-on", "never").status == 0
    assert run(capsys, *options, "--area", "ssh").status == 0


def test_a_baseline_that_is_none_is_refused_before_anything_is_asked(
    capsys: Capture, three: str
) -> None:
    said = run(capsys, "audit", "--from", three, "--baseline", "missing")

    assert (said.status, said.out) == (2, "")
    assert "missing" in said.complaint[0]
