"""Text that a container's owner chose reaches no reader as anything but text."""

import csv
import io
import json
import re
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import engine, snapshot
from hullward.model.facts import (
    Container,
    Device,
    Exec,
    Image,
    Listener,
    Mount,
    Plugin,
    Port,
    Process,
    Snapshot,
    Unread,
)
from hullward.model.report import Report
from hullward.report import csv_report, json_report, markdown, table
from hullward.report.text import visible
from scenes import audited

HOSTILE = [
    "\x1b[2J\x1b[31m",
    "x\nCRITICAL container-privileged",
    "x\r\nfake  root  ALL  yes",
    "\u202egnp.exe",
    "\u2028\u2029\x85\x0b\x0c",
    "\udc80\ud800",
    "a|b|c",
    "<script>alert(1)</script>",
    "`rm`",
    "\x7f\x9b\x00",
    "=1+1",
    "good name           fake row",
    "'\"\\'",
    "Findings: 0 critical",
]
texts = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(), max_size=30))
FORBIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
FORMATS: dict[str, Callable[[Report], str]] = {
    "table at 80": lambda report: table.render(report, table.Style(80)),
    "table at 120": lambda report: table.render(report, table.Style(120)),
    "table, wide": lambda report: table.render(report, table.Style(80, wide=True)),
    "markdown": markdown.render,
    "csv": csv_report.render,
    "json": json_report.render,
}
HEADS = re.compile(
    r"(CRITICAL|HIGH|MEDIUM) [a-z-]+"
    r"|(LOW|INFO) \(in full with --wide\)|(LOW|INFO) [a-z-]+"
    r"|UNKNOWN, because nobody could look|WAIVED"
    r"|Findings: \d+ critical, .*|ssh://away|Note: The waiver of .*"
)


@st.composite
def hosts(draw: st.DrawFn) -> Snapshot:
    """Put hostile text wherever an engine takes what others wrote."""
    some = [draw(texts) for _ in range(12)]
    name, user, image, path, word, label = some[:6]
    compose = {
        "com.docker.compose.service": label,
        "com.docker.compose.project.config_files": path,
    }
    container = Container(
        name,
        id=some[6],
        image=image,
        image_id="i",
        user=user,
        uid=draw(st.sampled_from([0, 1000, None])),
        uid_gap=word,
        program=word,
        groups=(word, "docker"),
        privileged=draw(st.booleans()),
        cap_add=(word, "SYS_ADMIN"),
        cap_drop=(word,),
        security_opt=(word, "seccomp=custom"),
        seccomp_default_action=word,
        runtime=word,
        network_mode=draw(st.sampled_from(["host", f"container:{word}", word])),
        pid_mode=draw(st.sampled_from(["host", "container:other", f"container:{word}"])),
        cgroup_parent=path,
        networks=(word, "bridge"),
        mounts=(
            Mount("bind", path, f"/etc/{path}"),
            Mount("bind", path, "/run/docker.sock", propagation="shared"),
            Mount("volume", path, "/etc", volume=word, filesystem=word, credentials=True),
            Mount("volume", path, None, volume=word),
        ),
        ports=(Port(80, word, word, 80), Port(22, word, "::", 22)),
        listeners=(Listener("::", 80, word),),
        devices=(Device(f"/dev/{path}", word),),
        device_rules=(f"b {word}",),
        device_requests=(word,),
        sysctls={f"kernel.{word}": word},
        ulimits=(word,),
        restart=draw(st.sampled_from(["always", word])),
        environment=("DOCKER_HOST", f"{word}_TOKEN"),
        labels=draw(st.sampled_from([{}, compose])),
        api_listens=(word,),
        execs=(Exec(word, privileged=True),),
        processes=draw(st.sampled_from([None, (Process(1, word, (0, 0, 0, 0), 0, 0, 1 << 21),)])),
        processes_gap=word,
    )
    return snapshot(
        container,
        Container("other", networks=(word,), image=f"{word}/watchtower", mounts=container.mounts),
        target=f"t{some[7]}",
        collected_at=some[8],
        engine=engine(
            version=word,
            api=word,
            components={"runc": f"1.0.0{word}", "containerd": word},
            warnings=(f"API is accessible on http://{word} without {word}.",),
            swarm=word,
        ),
        unread=(Unread(some[9], some[10], some[11]),),
        images={"i": Image("i", created=word, exposed=(word,))},
        plugins=(Plugin(word, enabled=True, capabilities=(word,), mounts=(f"/etc/{word}",)),),
    )


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=60, deadline=None)
@given(host=hosts())
def test_no_character_that_a_terminal_obeys_gets_through(form: str, host: Snapshot) -> None:
    written = FORMATS[form](audited(host))

    found = {char for char in written if unicodedata.category(char) in FORBIDDEN}
    assert found <= {"\n"}


@pytest.mark.parametrize("columns", [80, 120])
@settings(max_examples=60, deadline=None)
@given(host=hosts())
def test_no_name_can_forge_a_row_or_a_heading(columns: int, host: Snapshot) -> None:
    title, *lines = table.render(audited(host), table.Style(columns)).split("\n")
    start = next(i for i, line in enumerate(lines) if line.startswith("CONTAINER "))
    end = lines.index("", start)

    rows = [line for line in lines[start + 1 : end] if line[:1] not in {"", " "}]
    below = [line for line in lines[end:] if line[:1] not in {"", " "}]
    assert len(rows) <= 3
    assert title.startswith("t")
    assert [line for line in below if not HEADS.fullmatch(line)] == []


@settings(max_examples=60, deadline=None)
@given(host=hosts())
def test_a_wide_table_has_one_line_for_each_container(host: Snapshot) -> None:
    lines = table.render(audited(host), table.Style(80, wide=True)).split("\n")
    start = next(i for i, line in enumerate(lines) if line.startswith("CONTAINER "))

    assert lines[start + 4] == ""


@settings(max_examples=60, deadline=None)
@given(host=hosts())
def test_a_csv_has_one_record_for_each_container_and_no_formula(host: Snapshot) -> None:
    text = csv_report.render(audited(host))
    records = list(csv.reader(io.StringIO(text)))

    assert len(records) == len(text.splitlines()) == 5
    assert {len(record) for record in records} == {10}
    assert not [cell for record in records for cell in record if cell[:1] in set("=+-@\t\r")]


@settings(max_examples=60, deadline=None)
@given(host=hosts())
def test_a_markdown_table_has_one_line_for_each_container(host: Snapshot) -> None:
    lines = markdown.render(audited(host)).split("\n")
    rows = [line for line in lines if line.startswith("|")]

    assert len(rows) == 5
    assert {re.sub(r"\\.", "", row).count("|") for row in rows} == {9}
    assert not [line for line in lines if "<script" in re.sub(r"\\.", "", line)]


@settings(max_examples=60, deadline=None)
@given(host=hosts())
def test_json_is_ascii_and_brings_every_text_back(host: Snapshot) -> None:
    text = json_report.render(audited(host))
    report = json.loads(text)

    assert text.isascii()
    names = {container["name"] for container in report["hosts"][0]["containers"]}
    assert names == {c.name for c in host.containers} | {host.unread[0].name}


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_hostile_is_shown_and_not_dropped(text: str) -> None:
    lines = table.render(audited(snapshot(Container(text))), table.Style(80, wide=True)).split("\n")

    assert lines[3].startswith(visible(text))
