"""The collector's script and its bundle: what a host says arrives whole, or not at all."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes import attempt
from hullward.collect import bundle, by_hand, collector, host, processes, system
from hullward.collect.bundle import Said
from hullward.collect.collector import LIMIT, Question
from hullward.model.errors import HullwardError
from hullward.model.host import Host

SILENT = Said(problem="it did not answer in time")
slow = settings(deadline=None, max_examples=25)


def ran(*questions: Question) -> bytes:
    """Run the script with the shell of this machine."""
    script = collector.script(questions)
    done = subprocess.run(["sh"], input=script.encode(), capture_output=True, check=True)  # noqa: S607
    assert done.stderr == b""
    return done.stdout


def said(command: str, seconds: int = 5) -> Said:
    return bundle.parse(ran(Question("x", command, seconds)))["x"]


def forged(text: bytes) -> Mapping[str, Said]:
    """Let a host answer with these bytes, then with an honest word."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "text").write_bytes(text)
        return bundle.parse(
            ran(Question("lie", f"cat '{folder}/text'"), Question("truth", "echo no"))
        )


@slow
@given(st.binary())
def test_any_bytes_arrive_as_the_text_that_they_are(data: bytes) -> None:
    assert forged(data)["lie"] == Said(data.decode(errors="replace"))


@slow
@given(
    st.lists(
        st.sampled_from(["\n", " ", "truth", "0", "eWVz", "end", collector.FORMAT, "'", "$(id)"])
    )
)
def test_no_answer_passes_for_another_one(words: list[str]) -> None:
    assert forged("".join(words).encode())["truth"] == Said("no\n")


BUNDLE = ran(Question("a", "echo one"), Question("b", "echo two; exit 3"), Question("c", "true"))
WHOLE = {"a": Said("one\n"), "b": Said("two\n", 3), "c": Said()}


@given(st.integers(0, len(BUNDLE)))
def test_a_bundle_that_is_cut_holds_whole_answers_or_none(place: int) -> None:
    found = attempt(lambda: bundle.parse(BUNDLE[:place]))

    if isinstance(found, HullwardError):
        assert place <= len(collector.FORMAT)
    else:
        assert found.items() <= WHOLE.items()


@given(st.binary())
def test_what_is_no_bundle_is_refused_in_one_way(data: bytes) -> None:
    found = attempt(lambda: bundle.parse(data))

    assert isinstance(found, HullwardError | dict)


def test_a_bundle_of_another_version_is_refused() -> None:
    with pytest.raises(HullwardError, match="another version"):
        bundle.parse(b"hullward-bundle 99\n")


@pytest.mark.parametrize(
    ("command", "status", "problem"),
    [
        ("exit 3", 3, ""),
        ("no-such-program", 127, "the program is not there"),
        ("/etc", 126, "the program may not be run"),
        ("kill -9 $$", 137, "it did not answer in time"),
    ],
)
def test_how_a_command_ended_is_kept(command: str, status: int, problem: str) -> None:
    assert said(command) == Said("", status, problem)


def test_a_command_that_hangs_is_ended_and_keeps_what_it_said() -> None:
    answer = said("echo first; sleep 60", 1)

    assert (answer.text, answer.problem) == ("first\n", "it did not answer in time")


def test_a_command_gets_no_input_and_its_complaints_are_dropped() -> None:
    assert said("cat; echo complaint >&2") == Said()


def test_an_endless_answer_is_cut() -> None:
    assert len(said(f"head -c {LIMIT + 10} /dev/zero").text) == LIMIT


def test_every_question_has_a_name_of_its_own() -> None:
    names = [question.name for question in (*by_hand.QUESTIONS, *host.QUESTIONS)]

    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "script", [host.script(), host.processes_script(), collector.script(by_hand.QUESTIONS)]
)
def test_the_scripts_are_posix_and_change_nothing(script: str) -> None:
    checked = subprocess.run(["sh", "-n"], input=script.encode(), capture_output=True, check=False)  # noqa: S607

    assert (checked.returncode, checked.stderr) == (0, b"")
    assert "\nend" not in script.partition("exec 4>&1")[0]


def test_a_host_is_read_from_what_this_machine_says() -> None:
    with_identity = tuple(q for q in host.QUESTIONS if q.name == "identity")
    found = host.parse(bundle.parse(ran(*with_identity, *system.QUESTIONS)))

    assert found.kernel == Path("/proc/sys/kernel/osrelease").read_text().strip()
    assert found.system is not None
    assert found.gaps.keys() == {"users", "daemon", "files", "sshd", "sockets", "firewall"}


@given(st.dictionaries(st.sampled_from([q.name for q in host.QUESTIONS]), st.text()))
def test_any_answers_give_a_host_with_a_reason_for_each_gap(texts: dict[str, str]) -> None:
    found = host.parse({name: Said(text) for name, text in texts.items()})

    missing = {area for area in host.AREAS if getattr(found, area) is None}
    assert missing == found.gaps.keys()
    assert all(found.gaps.values())


def test_a_silent_host_is_all_gaps() -> None:
    found = host.parse(dict.fromkeys((q.name for q in host.QUESTIONS), SILENT))

    assert found == Host(gaps=found.gaps)
    assert found.gaps.keys() == set(host.AREAS)


ID = "a" * 64
COPY = {
    "processes": Said(
        f"/proc/7/cgroup:0::/system.slice/docker-{ID}.scope\n"
        f"/proc/8/cgroup:0::/system.slice/docker-{ID}.scope\n"
        "/proc/7/uid_map:         0          0 4294967295\n"
        "/proc/7/status:Name:\tnginx\n/proc/7/status:Uid:\t0\t0\t0\t0\nend\n"
    ),
    "container-sockets": Said(
        "== /proc/1/net/tcp\n  sl  local_address\n"
        "== /proc/7/fd\ntotal 0\nsocket:[123]\n== /proc/8/fd\nend\n"
    ),
}


def test_a_copied_proc_is_read_like_the_real_one() -> None:
    proc = processes.bundled(COPY)

    assert isinstance(proc, processes.BundledProc)
    assert list(proc.pids()) == [7, 8]
    assert proc.read(7, "status") == "Name:\tnginx\nUid:\t0\t0\t0\t0"
    assert proc.read(8, "status") is None
    assert proc.read(7, "net/tcp") == "  sl  local_address\n"
    assert (proc.sockets(7), proc.sockets(8)) == (frozenset({123}), None)


@pytest.mark.parametrize("name", ["processes", "container-sockets"])
def test_a_copied_proc_that_is_cut_or_silent_is_none(name: str) -> None:
    cut = {**COPY, name: Said(COPY[name].text[:-2])}

    assert processes.bundled(cut) == "the processes of the host: the answer is cut off"
    assert (
        processes.bundled({**COPY, name: SILENT}) == f"the processes of the host: {SILENT.problem}"
    )
    assert isinstance(processes.bundled({}), str)


@given(st.text(), st.text())
def test_no_copied_proc_breaks_the_reader(one: str, two: str) -> None:
    answers = {"processes": Said(f"{one}\nend\n"), "container-sockets": Said(f"{two}\nend\n")}
    proc = processes.bundled(answers)

    assert isinstance(proc, processes.BundledProc)
    assert not isinstance(processes.scan(proc), str)
    assert all(isinstance(pid, int) for pid in proc.pids())


def test_a_host_without_a_program_that_answers_hang_on_gives_no_bundle() -> None:
    script = host.script().replace("in base64 cat", "in base64 no-such-program cat", 1)
    words = ("sh",)
    done = subprocess.run(words, input=script, capture_output=True, text=True, check=False)  # noqa: S603 - the script itself

    assert (done.returncode, done.stdout) == (9, "")
    assert done.stderr == "This host has no no-such-program.\n"
