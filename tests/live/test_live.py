"""Real engines: what hullward says is what was started, and what the kernel says."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from hullward.model import capabilities
from hullward.model.facts import Container, Device, Exec, Process, Snapshot
from live_cases import ALL, CASES, DEFAULT, TOKEN, Case
from live_engine import LiveEngine

pytestmark = pytest.mark.live
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def needs(engine: LiveEngine, case: Case) -> None:
    if case not in engine.cases:
        pytest.skip("this machine lacks a capability, and this engine insists on all of them")


def filled(value: Any, folder: Path) -> Any:  # noqa: ANN401 - what a report holds
    if isinstance(value, list):
        return [filled(item, folder) for item in value]
    return value.format(folder=folder) if isinstance(value, str) else value


def test_every_container_is_in_the_report(engine: LiveEngine) -> None:
    assert set(engine.rows) == {case.name for case in engine.cases}
    assert engine.look.unread == ()
    assert engine.look.gaps == {}


def test_engine_is_the_one_that_was_asked(engine: LiveEngine) -> None:
    version = engine.docker("version", "--format", "{{.Server.Version}} {{.Server.APIVersion}}")

    assert engine.look.engine
    assert f"{engine.look.engine.version} {engine.look.engine.api}" == version


@each_case
def test_report_says_how_the_container_was_started(engine: LiveEngine, case: Case) -> None:
    needs(engine, case)
    row = engine.rows[case.name]

    assert {key: row[key] for key in case.row} == {
        key: filled(value, engine.folder) for key, value in case.row.items()
    }


@each_case
def test_snapshot_holds_how_the_container_was_started(engine: LiveEngine, case: Case) -> None:
    needs(engine, case)
    container = engine.container(case.name)

    assert {key: getattr(container, key) for key in case.facts} == dict(case.facts)


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.declared is not None], ids=lambda case: case.name
)
def test_declared_capabilities_are_what_the_kernel_bounds(engine: LiveEngine, case: Case) -> None:
    needs(engine, case)
    row = engine.rows[case.name]
    pid = engine.container(case.name).pid
    kernel = capabilities.from_mask(int(engine.kernel(pid)["CapBnd"], 16))

    assert frozenset(row["capabilities"]["declared"]) == case.declared
    assert kernel == (case.declared or frozenset()) & engine.grantable


def test_every_process_is_what_the_kernel_says(engine: LiveEngine) -> None:
    seen = 0
    for container in engine.look.containers:
        for process in container.processes or ():
            kernel = engine.kernel(process.pid)
            assert (
                process.name,
                process.effective,
                process.permitted,
                process.bounding,
                process.inheritable,
                process.ambient,
                process.uids,
                process.no_new_privileges,
                process.seccomp,
            ) == (
                kernel["Name"],
                *(int(kernel[f"Cap{name}"], 16) for name in ("Eff", "Prm", "Bnd", "Inh", "Amb")),
                tuple(map(int, kernel["Uid"].split())),
                kernel["NoNewPrivs"] == "1",
                int(kernel["Seccomp"]),
            )
            seen += 1

    assert seen >= len(engine.cases) - 2


def test_every_running_container_has_the_processes_that_docker_lists(engine: LiveEngine) -> None:
    running = [c for c in engine.look.containers if c.state == "running"]
    listed = {
        c.name: {
            int(line.split()[0])
            for line in engine.docker("top", c.name, "-eo", "pid").splitlines()[1:]
        }
        for c in running[:12]
    }

    assert {c.name: {p.pid for p in c.processes or ()} for c in running[:12]} == listed


def test_user_whose_passwd_is_hidden_is_what_the_kernel_says(engine: LiveEngine) -> None:
    assert engine.container("user-hidden").uid_gap == "a mount hides /etc/passwd of its image"
    assert engine.rows["user-hidden"]["uids"] == [0]


def test_user_without_capabilities_keeps_them_in_the_bounding_set(engine: LiveEngine) -> None:
    kernel = engine.rows["caps-user"]["capabilities"]["kernel"]

    assert kernel["effective"] == []
    assert frozenset(kernel["bounding"]) == DEFAULT


def test_program_that_left_root_holds_nothing(engine: LiveEngine) -> None:
    (process,) = engine.container("drops-root").processes or ()

    assert (process.uids, process.permitted, process.name) == ((1000,) * 4, 0, "sleep")


def test_exec_with_privileges_is_seen_beside_what_was_declared(engine: LiveEngine) -> None:
    needs(engine, next(case for case in CASES if case.name == "exec-privileged"))
    row = engine.rows["exec-privileged"]

    assert row["capabilities"]["declared"] == []
    assert set(row["capabilities"]["kernel"]["effective"]) == ALL & engine.grantable
    assert engine.container("exec-privileged").execs == (Exec("", privileged=True),)


def test_random_port_is_the_one_that_the_engine_chose(engine: LiveEngine) -> None:
    listed = engine.docker("port", "ports-random").splitlines()
    chosen = sorted(line.partition(" -> ")[2] for line in listed)
    ports = engine.rows["ports-random"]["ports"]

    assert sorted(port.partition("->")[0] for port in ports) == chosen


def test_stopped_container_shows_the_ports_that_it_wishes_for(engine: LiveEngine) -> None:
    container = engine.container("created")

    assert container.ports == ()
    assert [port.public for port in container.wished_ports] == [18890]


def test_joined_namespaces_name_the_container_that_owns_them(engine: LiveEngine) -> None:
    container, owner = engine.container("joined"), engine.container("plain")

    assert container.network_mode == container.pid_mode == f"container:{owner.id}"


def test_device_keeps_its_path_on_the_host(engine: LiveEngine) -> None:
    assert Device("/dev/null", "r") in engine.container("devices").devices


def test_stopped_containers_are_left_out_by_default(engine: LiveEngine) -> None:
    text = engine.hullward("audit", engine.url, "--format", "json")
    names = {row["name"] for row in json.loads(text)["hosts"][0]["containers"]}

    assert {case.name for case in engine.cases} - names == {"created", "exited"}


FORMS = (("--format", "table"), ("--format", "csv"), ("--format", "markdown"), ("--wide",))


@pytest.mark.parametrize("form", [*FORMS, ("--format", "json")])
def test_no_secret_and_no_escape_reaches_the_report(
    engine: LiveEngine, form: tuple[str, ...]
) -> None:
    text = engine.hullward("audit", "--all", engine.url, *form)
    planted = engine.docker("inspect", "secrets").count(TOKEN)

    assert planted > 10
    assert TOKEN not in text.replace(f"/{TOKEN}", "")
    assert {char for char in text if not char.isprintable()} == {"\n"}


def test_no_secret_is_in_the_snapshot(engine: LiveEngine) -> None:
    _ = engine.look
    text = (engine.folder / "snapshot.json").read_text()

    assert "secrets" in text
    assert TOKEN not in text


def still(snapshot: Snapshot) -> Snapshot:
    """Leave out what differs by the way: the target, the time, /proc and the rest of the host."""

    def silent(container: Container) -> Container:
        return replace(
            container, processes=None, processes_gap="", listeners=None, health="", execs=()
        )

    gaps = {name: why for name, why in snapshot.gaps.items() if name not in {"processes", "host"}}
    containers = tuple(map(silent, sorted(snapshot.containers, key=lambda c: c.name)))
    return replace(
        snapshot, target="", collected_at="", gaps=gaps, containers=containers, host=None
    )


def first_processes(snapshot: Snapshot) -> dict[str, Process]:
    """Give the process that each running container began with."""
    return {
        container.name: process
        for container in snapshot.containers
        for process in container.processes or ()
        if process.pid == container.pid
    }


def test_ssh_shows_the_same_as_the_socket(engine: LiveEngine) -> None:
    config = str(engine.home / "sshd" / "ssh_config")
    found = engine.snapshot(f"ssh://{engine.name}", "--ssh-config", config)

    assert still(found) == still(engine.look)
    assert found.host
    assert engine.look.host
    assert found.host.name == engine.look.host.name
    assert first_processes(found)
    assert first_processes(found) == first_processes(engine.look)


def test_for_containers_alone_ssh_shows_the_same_processes(engine: LiveEngine) -> None:
    words = ("--area", "container", "--ssh-config", str(engine.home / "sshd" / "ssh_config"))
    over_ssh = engine.hullward("audit", f"ssh://{engine.name}", *words, "--format", "json")
    found = {c["name"]: c["uids"] for c in json.loads(over_ssh)["hosts"][0]["containers"]}
    here = {c["name"]: c["uids"] for c in engine.report["hosts"][0]["containers"]}

    assert any(found.values())
    assert {name: here[name] for name in found} == found


def test_tls_shows_the_same_as_the_socket(engine: LiveEngine) -> None:
    if not (engine.home / "tls").exists():
        pytest.skip(f"{engine.name} was started without TLS=1")
    inside = ("nsenter", f"--net=/run/netns/hullward-{engine.name}")
    certificates = str(engine.home / "tls")
    found = engine.snapshot(
        "tcp://127.0.0.1:2376", "--tlsverify", before=inside, DOCKER_CERT_PATH=certificates
    )

    assert still(found) == still(engine.look)


def test_login_without_rights_is_told_from_a_missing_engine(engine: LiveEngine) -> None:
    config = str(engine.home / "sshd" / "ssh_config")
    words = {
        f"ssh://{engine.name}-plain": "may not use the engine's socket",
        f"ssh://{engine.name}/none.sock": "no engine answers there",
    }
    for target, what in words.items():
        with pytest.raises(AssertionError, match=re.escape(what)):
            engine.hullward("audit", target, "--ssh-config", config)


def test_context_of_the_docker_command_is_the_target(engine: LiveEngine) -> None:
    home = engine.folder / "docker"
    env = {**engine.env, "DOCKER_CONFIG": str(home), "DOCKER_HOST": ""}
    here = replace_env(engine, env)
    here.docker("context", "create", "mine", "--docker", f"host={engine.url}")
    here.docker("context", "use", "mine")
    text = engine.hullward("audit", "--format", "json", DOCKER_CONFIG=str(home))

    assert json.loads(text)["hosts"][0]["target"] == "mine"
    assert len(json.loads(text)["hosts"][0]["containers"]) == len(engine.cases) - 2


def replace_env(engine: LiveEngine, env: dict[str, str]) -> LiveEngine:
    other = type(engine)(engine.name, engine.folder)
    other.env = env
    return other


def test_remapped_root_is_root_inside_and_nobody_outside(remapped: LiveEngine) -> None:
    found = {
        name: [(p.uids[0], p.remapped) for p in remapped.container(name).processes or ()]
        for name in ("inside", "app", "outside")
    }

    assert found == {"inside": [(0, True)], "app": [(1000, True)], "outside": [(0, False)]}
    assert int(remapped.kernel(remapped.container("inside").pid)["Uid"].split()[0]) >= 65536


def test_remapped_engine_says_so(remapped: LiveEngine) -> None:
    assert remapped.look.engine
    assert remapped.look.engine.option("userns")
    assert remapped.container("outside").userns_mode == "host"


def test_an_engine_with_a_network_of_its_own_is_not_judged_by_that_of_the_machine(
    engine: LiveEngine,
) -> None:
    outside = engine.look.host
    inside = engine.snapshot(
        engine.url, before=("nsenter", f"--net=/run/netns/hullward-{engine.name}")
    ).host

    assert outside
    assert inside
    assert (outside.sockets, outside.firewall) == (None, None)
    assert "another network namespace" in outside.gaps["firewall"]
    assert inside.firewall
    assert any(link.name == "docker0" for link in inside.firewall.links or ())
