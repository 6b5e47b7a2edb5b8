"""The kernel's word on the processes of a container, from the text of /proc."""

from collections.abc import Iterator, Mapping

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hullward.collect import processes, saved
from hullward.model.facts import Container, Listener, Process, Snapshot

WEB, INNER = "a" * 64, "b" * 64
IDENTITY = "         0          0 4294967295\n"
DEFAULT = 0x00000000A80425FB


def status(
    uids: str = "0 0 0 0",
    effective: str = "00000000a80425fb",
    *,
    name: str = "nginx",
    no_new_privileges: int = 0,
    seccomp: int = 2,
) -> str:
    fields = {
        "Name": name,
        "Umask": "0022",
        "State": "S (sleeping)",
        "Uid": uids.replace(" ", "\t"),
        "Gid": "0\t0\t0\t0",
        "CapInh": "0000000000000000",
        "CapPrm": effective,
        "CapEff": effective,
        "CapBnd": "00000000a80425fb",
        "CapAmb": "0000000000000000",
        "NoNewPrivs": str(no_new_privileges),
        "Seccomp": str(seccomp),
        "Seccomp_filters": "1",
    }
    return "".join(f"{key}:\t{value}\n" for key, value in fields.items())


class FakeProc:
    """A /proc in memory: the texts of processes, and the inodes of their sockets."""

    def __init__(
        self,
        texts: Mapping[int, Mapping[str, str]],
        sockets: Mapping[int, frozenset[int] | None] | None = None,
    ) -> None:
        self._texts = texts
        self._sockets = sockets or {}

    def pids(self) -> Iterator[int]:
        return iter(self._texts)

    def read(self, pid: int, name: str) -> str | None:
        return self._texts.get(pid, {}).get(name)

    def sockets(self, pid: int) -> frozenset[int] | None:
        return self._sockets.get(pid, frozenset())


class NoProc(FakeProc):
    def pids(self) -> Iterator[int]:
        raise FileNotFoundError(2, "No such file or directory")


def process(cgroup: str, text: str | None = None, uid_map: str = IDENTITY) -> dict[str, str]:
    return {"cgroup": cgroup, "status": text or status(), "uid_map": uid_map}


def look(proc: FakeProc, *containers: Container) -> tuple[Container, ...]:
    return processes.collect(proc, Snapshot("web1", containers=containers)).containers


def web(**more: object) -> Container:
    return Container("web", id=WEB, pid=10, **more)  # type: ignore[arg-type]


def test_process_is_read_whole() -> None:
    text = status("0 33 0 33", "0000000000000400", no_new_privileges=1)

    assert processes.parse_status(7, text, IDENTITY) == Process(
        pid=7,
        name="nginx",
        uids=(0, 33, 0, 33),
        effective=0x400,
        permitted=0x400,
        bounding=DEFAULT,
        no_new_privileges=True,
        seccomp=2,
    )


@pytest.mark.parametrize(
    "line", ["Uid", "CapEff", "CapPrm", "CapBnd", "CapInh", "NoNewPrivs", "Seccomp"]
)
def test_process_without_a_needed_line_is_not_read(line: str) -> None:
    text = "".join(part for part in status().splitlines(keepends=True) if not part.startswith(line))
    shorter = text if line != "Seccomp" else text.replace("Seccomp_filters", "X")

    assert processes.parse_status(7, shorter, IDENTITY) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Uid:\t0", "Uid:\t-1"),
        ("Uid:\t0", "Uid:\tx"),
        ("Uid:\t0", "Uid:\t99999999999"),
        ("CapEff:\t0", "CapEff:\tx"),
        ("CapEff:\t0", "CapEff:\t-"),
        ("CapEff:\t0", "CapEff:\tfffffffff"),
        ("Seccomp:\t2", "Seccomp:\tx"),
    ],
)
def test_process_with_a_number_that_is_none_is_not_read(old: str, new: str) -> None:
    assert processes.parse_status(7, status().replace(old, new), IDENTITY) is None


def test_old_kernel_without_an_ambient_set_has_an_empty_one() -> None:
    text = status().replace("CapAmb", "X")
    found = processes.parse_status(7, text, IDENTITY)

    assert found
    assert found.ambient == 0


def test_capabilities_that_nobody_has_named_yet_are_kept() -> None:
    found = processes.parse_status(7, status(effective="000003ffffffffff"), IDENTITY)

    assert found
    assert found.effective == 2**42 - 1


@pytest.mark.parametrize(
    ("uid_map", "uids", "inside", "remapped"),
    [
        (IDENTITY, "0 0 0 0", (0, 0, 0, 0), False),
        ("0 100000 65536\n", "100000 100000 100000 100000", (0, 0, 0, 0), True),
        ("0 100000 65536\n", "100033 100033 100033 100033", (33, 33, 33, 33), True),
        ("0 1000 1\n1 100000 65536\n", "1000 100000 1000 165535", (0, 1, 0, 65536), True),
        ("0 100000 65536\n", "0 0 0 0", (0, 0, 0, 0), True),
        ("", "5 5 5 5", (5, 5, 5, 5), False),
    ],
)
def test_uids_are_those_that_the_container_counts(
    uid_map: str, uids: str, inside: tuple[int, ...], remapped: object
) -> None:
    found = processes.parse_status(7, status(uids), uid_map)

    assert found
    assert (found.uids, found.remapped) == (inside, remapped)


@given(
    st.text() | st.from_regex(r"(Uid|Cap(Eff|Prm|Bnd|Inh|Amb)|Seccomp|NoNewPrivs):.*"), st.text()
)
@example(status("0 0 0 0", "ffffffffffffffff"), "0 0 99999999999999999999")
@example(status("\N{ARABIC-INDIC DIGIT ONE} 0 0 0"), "")
@example(status("4294967295 1 1 1"), "0 0 4294967295")
def test_any_text_is_a_process_that_can_be_saved_or_none(text: str, uid_map: str) -> None:
    found = processes.parse_status(7, status() + text, uid_map)
    members = () if found is None else (found,)
    snapshot = Snapshot("t", containers=(Container("c", processes=members),))

    assert saved.load(saved.dump([snapshot]), "f") == (snapshot,)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (IDENTITY, ((0, 0, 4294967295),)),
        ("0 1000 1\n1 100000 65536\n", ((0, 1000, 1), (1, 100000, 65536))),
        ("", ()),
        ("0 1\n", ()),
        ("a b c\n0 0 x", ()),
        ("-1 0 1\n", ()),
    ],
)
def test_uid_map_is_read_by_lines(text: str, rows: tuple[tuple[int, int, int], ...]) -> None:
    assert processes.parse_uid_map(text) == rows


@pytest.mark.parametrize(
    "cgroup",
    [
        f"12:devices:/docker/{WEB}\n11:memory:/docker/{WEB}\n0::/\n",
        f"0::/system.slice/docker-{WEB}.scope\n",
        f"0::/../../docker/{WEB}\n",
        f"4:cpu:/hullward-demo/{WEB}\n",
        f"0::/user.slice/user-1000.slice/user@1000.service/app.slice/docker-{WEB}.scope\n",
        f"0::/system.slice/docker-{WEB}.scope/init.scope\n",
    ],
)
def test_process_belongs_to_the_container_that_its_control_group_names(cgroup: str) -> None:
    proc = FakeProc({10: process(cgroup), 11: process("0::/init.scope\n"), 12: process("")})
    (found,) = look(proc, web())

    assert [p.pid for p in found.processes or ()] == [10]


def test_container_holds_the_processes_of_the_containers_inside_it() -> None:
    inner = process(f"0::/docker/{WEB}/docker/{INNER}\n")
    proc = FakeProc({10: process(f"0::/docker/{WEB}\n"), 20: inner})
    (found,) = look(proc, web())

    assert [p.pid for p in found.processes or ()] == [10, 20]


def test_engine_inside_a_container_sees_only_its_own() -> None:
    inner = process(f"0::/docker/{WEB}/docker/{INNER}\n")
    proc = FakeProc({10: process(f"0::/docker/{WEB}\n"), 20: inner})
    (found,) = look(proc, Container("inner", id=INNER, pid=20))

    assert [p.pid for p in found.processes or ()] == [20]


GAP = (
    "process 10 of this machine is not in this container: /proc hides it, "
    "or the socket leads to another machine"
)


@pytest.mark.parametrize(
    "texts",
    [
        {},
        {11: process(f"0::/docker/{WEB}\n")},
        {10: process("0::/init.scope\n")},
        {10: process(f"0::/docker/{INNER}\n")},
        {10: {}},
    ],
)
def test_process_of_another_machine_is_never_taken_for_the_containers(
    texts: Mapping[int, Mapping[str, str]],
) -> None:
    (found,) = look(FakeProc(texts), web())

    assert (found.processes, found.processes_gap) == (None, GAP)


def test_process_that_ended_in_between_is_left_out() -> None:
    gone = {"cgroup": f"0::/docker/{WEB}\n"}
    (found,) = look(FakeProc({10: process(f"0::/docker/{WEB}\n"), 11: gone}), web())

    assert [p.pid for p in found.processes or ()] == [10]


def test_first_process_that_cannot_be_read_is_a_gap() -> None:
    (found,) = look(FakeProc({10: {"cgroup": f"0::/docker/{WEB}\n"}}), web())

    assert (found.processes, found.processes_gap) == (None, "/proc/10/status cannot be read")


def test_process_that_cannot_be_understood_is_a_gap() -> None:
    odd = process(f"0::/docker/{WEB}\n", "Name:\tx\n")
    (found,) = look(FakeProc({10: process(f"0::/docker/{WEB}\n"), 11: odd}), web())

    assert (found.processes, found.processes_gap) == (None, "/proc/11/status cannot be read")


def test_stopped_container_has_no_processes_and_no_gap() -> None:
    (found,) = look(FakeProc({}), web(state="exited"))

    assert (found.processes, found.processes_gap) == (None, "")


def test_paused_container_has_its_processes() -> None:
    (found,) = look(FakeProc({10: process(f"0::/docker/{WEB}\n")}), web(state="paused"))

    assert [p.pid for p in found.processes or ()] == [10]


def test_no_proc_is_a_gap_of_every_running_container() -> None:
    snapshot = Snapshot("web1", containers=(web(), web(state="exited")), gaps={"info": "no"})
    found = processes.collect(NoProc({}), snapshot)
    why = "/proc cannot be read: No such file or directory"

    assert [c.processes_gap for c in found.containers] == [why, ""]
    assert found.gaps == {"info": "no", "processes": why}


HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  inode\n"
REST = "00000000:00000000 00:00000000 00000000     0        0"


def line(local: str, state: str, inode: int) -> str:
    return f"   0: {local} 00000000:0000 {state} {REST} {inode} 1 0000000000000000 100 0 0 10 0\n"


@pytest.mark.parametrize(
    ("text", "protocol", "found"),
    [
        (line("00000000:07E8", "0A", 7), "tcp", [(7, Listener("0.0.0.0", 2024))]),  # noqa: S104
        (line("0100007F:0050", "0A", 7), "tcp", [(7, Listener("127.0.0.1", 80))]),
        (line("0100007F:0050", "01", 7), "tcp", []),
        (line("0100007F:0035", "07", 7), "udp", [(7, Listener("127.0.0.1", 53, "udp"))]),
        (line("0100007F:0035", "01", 7), "udp", []),
        (line("0" * 32 + ":0050", "0A", 7), "tcp", [(7, Listener("::", 80))]),
        (line("0" * 24 + "01000000:0050", "0A", 7), "tcp", [(7, Listener("::1", 80))]),
        (
            line("0000000000000000FFFF00000100007F:0050", "0A", 7),
            "tcp",
            [(7, Listener("127.0.0.1", 80))],
        ),
        (
            line("0000000000000000FFFF000000000000:0050", "0A", 7),
            "tcp",
            [(7, Listener("0.0.0.0", 80))],  # noqa: S104 - compared
        ),
        ("garbage\n", "tcp", []),
        (line("XX:0050", "0A", 7), "tcp", []),
        (line("0100007F:XX", "0A", 7), "tcp", []),
        (line("0100:0050", "0A", 7), "tcp", []),
        ("", "tcp", []),
    ],
)
def test_sockets_that_wait_for_peers_are_read(
    text: str, protocol: str, found: list[tuple[int, Listener]]
) -> None:
    assert list(processes.parse_net(HEAD + text, protocol)) == found


@given(st.text(), st.sampled_from(["tcp", "udp"]))
def test_any_text_of_sockets_is_read_without_an_error(text: str, protocol: str) -> None:
    found = list(processes.parse_net(HEAD + text, protocol))

    assert all(isinstance(listener, Listener) for _, listener in found)


def test_host_network_container_shows_the_sockets_of_its_own_processes_only() -> None:
    texts = process(f"0::/docker/{WEB}\n") | {
        "net/tcp": HEAD + line("00000000:0050", "0A", 7) + line("00000000:0016", "0A", 8),
        "net/udp6": HEAD + line("0" * 32 + ":0035", "07", 9),
    }
    proc = FakeProc({10: texts}, {10: frozenset({7, 9})})
    (found,) = look(proc, web(network_mode="host"))

    assert found.listeners == (
        Listener("0.0.0.0", 80),  # noqa: S104 - compared
        Listener("::", 53, "udp"),
    )


def test_sockets_that_may_not_be_seen_are_unknown() -> None:
    proc = FakeProc({10: process(f"0::/docker/{WEB}\n")}, {10: None})
    (found,) = look(proc, web(network_mode="host"))

    assert found.listeners is None


def test_container_with_its_own_network_has_no_listeners_of_the_host() -> None:
    proc = FakeProc({10: process(f"0::/docker/{WEB}\n")}, {10: None})
    (found,) = look(proc, web())

    assert found.listeners is None
    assert found.processes
