"""The flow of looking: collect, judge, report."""

from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace

import machines
from fakes import inspected
from hullward import flow, judge
from hullward.collect.bundle import Said
from hullward.host.contexts import Target
from hullward.host.endpoints import SshEndpoint, TcpEndpoint, UnixEndpoint
from hullward.host.procfs import Procfs
from hullward.host.reader import Access, proc
from hullward.host.recorded import Fault, RecordedEngine
from hullward.model.errors import HullwardError
from hullward.model.facts import Container, Engine, Snapshot
from hullward.model.settings import Settings
from hullward.model.waiver import Waiver
from hullward.rules import ALL
from hullward.rules.selection import select
from scenes import shop
from terminal import CITIZEN, ENGINE, ROOT, recorded, save

LOCAL = Target("local", UnixEndpoint("engine.sock"))
WEB = inspected("a" * 64, "web")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_look_at_an_engine_is_a_snapshot() -> None:
    with RecordedEngine(recorded(containers=[WEB]), "engine.sock"):
        found = flow.collect(LOCAL, Access())

    assert isinstance(found, Snapshot)
    assert (found.target, [c.name for c in found.containers]) == ("local", ["web"])


def test_process_of_a_recorded_engine_is_not_one_of_this_machine() -> None:
    with RecordedEngine(recorded(containers=[WEB]), "engine.sock"):
        found = flow.collect(LOCAL, Access())

    assert isinstance(found, Snapshot)
    assert found.containers[0].processes is None
    assert "is not in this container" in found.containers[0].processes_gap


def test_engine_that_cannot_be_asked_is_a_failure_and_no_error() -> None:
    assert flow.collect(LOCAL, Access()) == flow.Failure(
        "local",
        "No engine listens on engine.sock.",
        "Start it (`sudo systemctl start docker`), or name another TARGET; "
        "`docker context ls` lists the ones you know.",
    )


def test_stopped_containers_are_looked_at_when_wanted() -> None:
    with RecordedEngine(recorded(), "engine.sock") as fake:
        flow.collect(LOCAL, Access(), flow.Wanted(stopped=True))

    assert "/containers/json?all=1" in fake.asked


@pytest.mark.parametrize("endpoint", [TcpEndpoint("web1", 2375), SshEndpoint("web1")])
def test_processes_of_another_machine_are_not_looked_for_here(
    endpoint: TcpEndpoint | SshEndpoint,
) -> None:
    assert proc(Target("x", endpoint)) == "the processes of a remote machine were not looked at"


def test_processes_of_this_machine_are_in_its_proc() -> None:
    assert isinstance(proc(LOCAL), Procfs)


def test_snapshots_of_several_files_keep_their_order(tmp_path: Path) -> None:
    names = [save(tmp_path / name, CITIZEN, target=name) for name in ("b", "a")]

    assert [snapshot.target for snapshot in flow.load(names)] == ["b", "a"]


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    snapshot = Snapshot("web1", engine=ENGINE, containers=(CITIZEN,))
    flow.save(str(tmp_path / "f"), [snapshot])

    assert flow.load([str(tmp_path / "f")]) == (snapshot,)


WAIVER = '[[waiver]]\nrule = "container-root"\ntarget = "root"\nreason = "x"\n'


def test_waivers_come_from_the_settings_of_the_folder_if_there_are_any(tmp_path: Path) -> None:
    without = flow.owner_settings("")
    (tmp_path / "hullward.toml").write_text(WAIVER)

    assert without == Settings()
    assert flow.owner_settings("").waiver == (Waiver("container-root", "root", "x"),)


def test_waivers_come_from_the_named_file(tmp_path: Path) -> None:
    (tmp_path / "hullward.toml").write_text("garbage")
    (tmp_path / "mine.toml").write_text(WAIVER)

    assert flow.owner_settings("mine.toml").waiver == (Waiver("container-root", "root", "x"),)
    with pytest.raises(HullwardError):
        flow.owner_settings("none.toml")


def test_report_keeps_failures_among_the_hosts() -> None:
    failure = flow.Failure("b", "what", "advice")
    looks: tuple[Snapshot | flow.Failure, ...] = (Snapshot("a"), failure, Snapshot("c"))
    report = flow.report(looks, ALL)

    assert [(host.target, host.error) for host in report.hosts] == [
        ("a", None),
        ("b", "what"),
        ("c", None),
    ]
    assert report.hosts[1].incomplete


def test_report_says_which_waivers_are_over() -> None:
    over = Waiver("container-root", "*", "x", date(2020, 1, 1))
    report = flow.report([Snapshot("a", containers=(ROOT,))], ALL, Settings((over,)))

    assert report.notes == (
        "The waiver of container-root for * expired on 2020-01-01 and counts no more.",
    )


def test_time_for_a_target_is_counted_from_the_start_of_its_look() -> None:
    with RecordedEngine(recorded(), "engine.sock", {"/info": Fault.HANG}):
        found = flow.collect(LOCAL, Access(timeout=0.3))

    assert isinstance(found, flow.Failure)
    assert found.what == "The engine did not answer within 0.3 seconds."


IDENTITY = Said("0\n6.12.48\nweb1\n")
PROCESS = {
    "processes": Said(
        f"/proc/7/cgroup:0::/docker/{'a' * 64}\n/proc/7/uid_map:         0          0 4294967295\n"
        "/proc/7/status:Name:\tnginx\n/proc/7/status:Uid:\t0\t0\t0\t0\n"
        "/proc/7/status:CapInh:\t0\n/proc/7/status:CapPrm:\t0\n/proc/7/status:CapEff:\t0\n"
        "/proc/7/status:CapBnd:\t0\n/proc/7/status:NoNewPrivs:\t1\n"
        "/proc/7/status:Seccomp:\t2\nend\n"
    ),
    "container-sockets": Said("end\n"),
}
REMOTE = "the processes of a remote machine were not looked at"


def looked(name: str = "web1") -> Snapshot:
    engine = Engine("29.6.0", name=name, kernel="6.12.48")
    return Snapshot("web1", engine=engine, containers=(Container("web", id="a" * 64, pid=7),))


def test_the_host_of_the_engine_is_joined_with_it() -> None:
    found = flow.joined(looked(), {"identity": IDENTITY, **PROCESS}, REMOTE)

    assert found.host
    assert (found.host.name, found.host.root) == ("web1", True)
    assert "host" not in found.gaps


def test_the_processes_of_another_machine_come_from_its_bundle() -> None:
    (web,) = flow.joined(looked(), {"identity": IDENTITY, **PROCESS}, REMOTE).containers

    assert [process.name for process in web.processes or ()] == ["nginx"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("db", "the engine runs on db, but the host that was asked is web1"),
        ("", "it is not known on which host the engine runs"),
    ],
)
def test_a_host_that_may_not_be_the_engines_is_not_joined(name: str, reason: str) -> None:
    found = flow.joined(looked(name), {"identity": IDENTITY, **PROCESS}, REMOTE)

    assert found.host is None
    assert found.gaps["host"] == reason
    assert found.containers[0].processes_gap == reason


def test_a_host_that_could_not_be_asked_is_a_gap_and_no_end() -> None:
    found = flow.joined(looked(), "ssh was refused", REMOTE)

    assert found.host is None
    assert found.gaps == {"host": "ssh was refused", "processes": REMOTE}


def test_no_rule_on_containers_images_or_networks_needs_the_host() -> None:
    few = select(ALL, areas=["container", "image", "network"])
    asked = frozenset(rule.id for rule in few)
    with_host = replace(shop(), host=machines.worst())

    without = judge.judge(flow.without_host(with_host), few, (), date(2026, 11, 1), asked=asked)

    assert judge.judge(with_host, few, (), date(2026, 11, 1), asked=asked).verdicts == (
        without.verdicts
    )
