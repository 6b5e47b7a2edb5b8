"""What a machine says about a trial: read as it is meant, whatever it says; asked without risk."""

import os
import shlex
import subprocess
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from hullward.minimize import looking
from hullward.minimize.looking import Files, Look, Process
from hullward.minimize.probes import Http, Tcp

ANSWER = """== processes
0 0 00000000a80425fb nginx
33 33 0000000000000000 nginx: worker 1
no process
== tcp
00000000:0050 0A
0100007F:1F90 0A
0B00007F:9A3B 0A
020012AC:0050 01
020012AC:0019 0A
== tcp6
00000000000000000000000000000000:0050 0A
== udp
00000000:0035 07
00000000:8235 07
== udp6
== bounding
00000000a80425fb
== upper
/var/lib/docker/overlay2/a/diff
== lower
/l/A:/l/B
"""


def test_a_running_trial_is_described() -> None:
    found = looking.look(ANSWER)

    assert [(one.uid, one.gid, one.comm) for one in found.processes] == [
        (0, 0, "nginx"),
        (33, 33, "nginx: worker 1"),
    ]
    assert "CHOWN" in found.processes[0].effective
    assert found.processes[1].effective == frozenset()
    assert found.tree == {"0 nginx", "33 nginx: worker 1"}
    assert found.bounding == found.processes[0].effective
    assert found.upper == "/var/lib/docker/overlay2/a/diff"
    assert found.lowers == ("/l/A", "/l/B")


def test_who_listens_is_told_without_the_engines_resolver_and_passing_ports() -> None:
    assert looking.look(ANSWER).listeners == {
        "tcp *:80",
        "tcp 127.0.0.1:8080",
        "tcp its address:25",
        "udp *:53",
    }


@given(st.text())
def test_any_answer_is_read(text: str) -> None:
    assert all(one.uid >= 0 for one in looking.look(text).processes)
    assert looking.manifest(text).modes.keys() >= looking.manifest(text).sizes.keys()


def test_what_this_machine_says_of_a_process_is_read() -> None:
    said = subprocess.run(  # noqa: S603 - our own script
        ["sh", "-c", looking.look_script("no container has such a name", os.getpid())],  # noqa: S607 - any sh
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert looking.look(said).processes == ()
    assert looking.look(said).bounding


def test_what_was_written_is_listed_with_mode_owner_and_size(tmp_path: Path) -> None:
    (tmp_path / "with space").write_text("four")
    (tmp_path / "folder").mkdir(mode=0o750)
    (tmp_path / "folder").chmod(0o3750)
    owner = f"{os.getuid()}:{os.getgid()}"
    said = subprocess.run(  # noqa: S603 - our own script
        ["sh", "-c", looking.manifest_script({"/": str(tmp_path), "/gone": "/no/such/folder"})],  # noqa: S607 - any sh
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = looking.manifest(said)

    assert found.modes["/with space"].endswith(owner)
    assert found.modes["/folder"] == f"043750 {owner}"
    assert found.sizes == {"/with space": "4"}


def test_a_volume_is_listed_below_its_place() -> None:
    text = "== /data\n41ed 0 0 4096 .\n81a4 100 101 88 ./dump.rdb\n"

    assert looking.manifest(text) == Files(
        {"/data": "040755 0:0", "/data/dump.rdb": "100644 100:101"}, {"/data/dump.rdb": "88"}
    )


def test_folders_of_an_image_are_found_in_its_layers(tmp_path: Path) -> None:
    for layer in ("top/run", "base/run", "base/run/lock", "base/srv"):
        (tmp_path / layer).mkdir(parents=True)
    (tmp_path / "top/run").chmod(0o1777)
    script = looking.originals_script(
        [str(tmp_path / "top"), str(tmp_path / "base")], ["/run", "/srv", "/gone", "/a b'c"]
    )
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout  # noqa: S603, S607 - our own
    owner = f"{os.getuid()} {os.getgid()}"

    assert said.splitlines() == [f"1777 {owner} 1 /run", f"755 {owner} 0 /srv"]


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_no_word_of_a_user_becomes_a_command(text: str) -> None:
    path = "".join(c for c in text if c.isascii() and c.isprintable() and c not in " ?#")
    for probe in (Http(80, f"/{path}", text), Tcp(80, text)):
        script = looking.probe_script(probe, 1, "10.0.0.2", text)
        checked = subprocess.run(["sh", "-n"], input=script, text=True, check=False)  # noqa: S607 - any sh

        assert checked.returncode == 0
        (words,) = (line for line in script.splitlines() if line.startswith("if command"))
        inner = shlex.split(words.partition("set -- bash -c ")[2])[0]
        assert set(inner) <= set(
            "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ \"'<>=&|/.\\;:%-$3\n"
        )
        assert "$(" not in inner
        assert "`" not in inner


def test_what_comes_and_goes_is_in_one_of_several_looks() -> None:
    steady, passing = Process(0, 0, "sh"), Process(33, 33, "sleep")
    looks = [
        Look((steady,), frozenset({"tcp *:80"}), frozenset({"KILL"}), "/u"),
        Look((steady, passing), frozenset(), frozenset({"KILL"}), "/u"),
    ]

    assert looking.together(looks) == Look(
        (steady, passing), frozenset({"tcp *:80"}), frozenset({"KILL"}), "/u"
    )
