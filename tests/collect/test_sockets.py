import subprocess
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from hullward.collect import sockets
from hullward.collect.bundle import Said
from hullward.model.sockets import Socket, Sockets

ID = "e6005091660d2c33870e58a82dde191b72b97ff8e482d3ca7a15391343589d39"
SS = """\
== ss
udp UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:* users:(("systemd-resolve",pid=3,fd=4)) ino:1 sk:1 <->
tcp LISTEN 0 4096 0.0.0.0:8080 0.0.0.0:* users:(("docker-proxy",pid=24008,fd=4)) ino:2 sk:5
tcp LISTEN 0 4096 [::]:8080 [::]:* users:(("docker-proxy",pid=24014,fd=4)) ino:3 sk:8 v6only:1
tcp LISTEN 0 9 *:8090 *:* users:(("httpd",pid=24351,fd=3)) ino:4 sk:9 cgroup:/x v6only:0 <->
tcp LISTEN 0 128 [fe80::1%eth0]:22 [::]:* users:(("sshd",pid=77,fd=3)) ino:5 sk:2 <->
== status
0
"""
PROGRAMS = f"""\
== 77
0::/system.slice/ssh.service
== 24351
0::/system.slice/docker-{ID}.scope
== 24008
0::/system.slice/docker.service
== exe
77 /usr/sbin/sshd
24351 /bin/busybox
24008 /usr/bin/docker-proxy (deleted)
== packages
openssh-server: /usr/sbin/sshd
docker-ce:amd64: /usr/bin/docker-proxy
busybox: /bin/busybox
== end
"""
PROC = """\
== tcp
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1
   1: 0100007F:1F90 00000000:0000 01 00000000:00000000 00:00000000 00000000     0        0 4712 1
== tcp6
== udp
== udp6
== fd
/proc/31/fd:
lrwx------ 1 root root 64 Nov 24 12:00 3 -> socket:[4711]
== listed
"""
ANSWERS = {"sockets": Said(SS + PROGRAMS)}


def found(answers: dict[str, Said]) -> Sockets:
    parsed = sockets.parse(answers)
    assert isinstance(parsed, Sockets)
    return parsed


def at(port: int, answers: dict[str, Said] = ANSWERS) -> list[Socket]:
    return [socket for socket in found(answers).listening if socket.port == port]


def test_a_star_is_a_socket_of_both_families() -> None:
    assert [(s.address, s.dual) for s in at(8090)] == [("::", True)]


def test_two_sockets_of_one_port_stay_two() -> None:
    assert [(s.address, s.dual) for s in at(8080)] == [("0.0.0.0", None), ("::", False)]  # noqa: S104


def test_an_address_of_one_link_keeps_the_name_of_the_link() -> None:
    assert [(s.address, s.interface) for s in at(22)] == [("fe80::1", "eth0")]
    assert [(s.address, s.interface) for s in at(53)] == [("127.0.0.53", "lo")]


def test_unit_and_package_come_from_the_process() -> None:
    assert [(s.program, s.unit, s.package) for s in at(22)] == [
        ("sshd", "ssh.service", "openssh-server")
    ]


def test_a_process_of_a_container_has_neither_unit_nor_package() -> None:
    assert [(s.container, s.unit, s.package) for s in at(8090)] == [(ID, "", "")]


def test_a_deleted_program_keeps_its_package() -> None:
    assert at(8080)[0].package == "docker-ce"


def test_without_ss_the_kernels_tables_tell_the_sockets_and_their_processes() -> None:
    told = {"sockets": Said(f"{PROC}== 31\n== exe\n31 /opt/x\n== end\n")}

    assert found(told).listening == (Socket("tcp", "0.0.0.0", 22, program="x", pid=31),)  # noqa: S104


def test_a_socket_without_a_process_is_a_gap() -> None:
    told = {"sockets": Said("== ss\ntcp LISTEN 0 1 *:22 *:*\n== status\n0\n")}

    assert "programs" in found(told).gaps


def test_a_cut_answer_is_no_list_of_sockets() -> None:
    cut = SS[: SS.index("== status")]

    assert sockets.parse({"sockets": Said(cut)}) == (
        "the listening sockets: the answer is not whole"
    )
    assert isinstance(sockets.parse({}), str)


def test_an_ss_that_fails_is_told_by_the_real_question(tmp_path: Path) -> None:
    (tmp_path / "ss").write_text("#!/bin/sh\nexit 3\n")
    (tmp_path / "ss").chmod(0o755)
    done = subprocess.run(  # noqa: S603 - the question itself
        ("/bin/sh", "-c", sockets.QUESTIONS[0].command),
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert isinstance(sockets.parse({"sockets": Said(done.stdout)}), str)


@given(st.text(), st.text())
def test_no_text_breaks_the_parse(first: str, second: str) -> None:
    bare = sockets.parse({"sockets": Said(first)})
    framed = sockets.parse({"sockets": Said(f"== ss\n{first}\n== status\n0\n{second}")})

    assert isinstance(bare, Sockets | str)
    assert isinstance(framed, Sockets | str)


@given(st.sampled_from([SS, PROC]), st.integers(0, 3000))
def test_an_answer_cut_anywhere_gives_no_socket_that_is_not_there(text: str, place: int) -> None:
    whole = text + PROGRAMS
    listening = found({"sockets": Said(whole)}).listening
    cut = sockets.parse({"sockets": Said(whole[:place])})
    places = {(s.protocol, s.address, s.port) for s in listening}

    assert (
        isinstance(cut, str) or {(s.protocol, s.address, s.port) for s in cut.listening} == places
    )
    assert isinstance(cut, str) or "packages" in cut.gaps or place >= len(whole) - 1
