from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from fakes import attempt
from hullward.fixes import userns
from hullward.model.change import FileNow
from hullward.model.daemon import Daemon
from hullward.model.errors import HullwardError
from hullward.model.facts import Container, Engine, Mount, Snapshot
from hullward.model.plan import Edit, Owner, Plan, parts
from hullward.model.remap import Ground, Remap, Stock, root_of

PATH = "/etc/docker/daemon.json"
ENGINE = Engine("26.1.5", security_options=("name=seccomp",), root_directory="/var/lib/docker")
GROUND = Ground(
    7,
    program="/usr/sbin/dockerd",
    restart=("systemctl", "restart", "docker.service"),
    unit="docker.service",
    validates=True,
    known=frozenset({"userns-remap", "debug", "dns", "log-driver"}),
    free=10**9,
    owners={"/srv": (1000, 1000)},
)


def remap(*containers: Container, engine: Engine = ENGINE, ground: Ground = GROUND) -> Remap:
    snapshot = Snapshot("web1", engine=engine, containers=containers)
    return Remap(snapshot, Stock(images={}), Daemon(7, flags={}, file=PATH), ground)


def now(text: str | None = None, owner: Owner | None = None) -> tuple[FileNow, ...]:
    own = owner or Owner()
    first = FileNow(PATH, text, own.uid, own.gid, own.mode)
    return first, FileNow("/etc/subuid"), FileNow("/etc/subgid")


def refused(found: Plan | HullwardError) -> str:
    assert isinstance(found, HullwardError)
    assert found.advice.endswith("Nothing was changed.")
    return found.what


def on(found: Remap, text: str | None = None) -> Plan | HullwardError:
    return attempt(lambda: userns.on(found, now(text)))


ON = replace(
    ENGINE, security_options=("name=userns",), root_directory="/var/lib/docker/100000.100000"
)


def test_the_plan_sets_the_key_and_gives_ranges_where_there_are_none() -> None:
    plan = userns.on(remap(), now('{"debug": true}'))

    assert plan.edits == (
        Edit(PATH, '{"debug": true}', '{"debug": true, "userns-remap": "default"}'),
        Edit("/etc/subuid", None, "dockremap:100000:65536\n"),
        Edit("/etc/subgid", None, "dockremap:100000:65536\n"),
    )
    assert [act.words for act in plan.forth.activate] == [
        ("systemctl", "reset-failed", "docker.service"),
        ("systemctl", "restart", "docker.service"),
    ]


def test_off_takes_the_key_away_and_leaves_the_ranges() -> None:
    plan = userns.off(remap(engine=ON), now('{"debug": true, "userns-remap": "default"}'))

    assert plan.edits == (
        Edit(PATH, '{"debug": true, "userns-remap": "default"}', '{"debug": true}'),
    )


def test_a_check_never_asks_dockerd_for_the_ranges_which_it_would_write() -> None:
    plan = userns.on(remap(), now('{"debug": true}'))

    assert plan.forth.candidates == (("daemon.json", '{"debug": true}'),)
    words = [part for act in plan.forth.check for word in act.words for part in parts(word)]
    assert ("candidate", "daemon.json") in words
    assert not any(kind == "new" for kind, _ in words)


def test_a_file_that_is_not_roots_becomes_so() -> None:
    found = now("{}", Owner(1000, 1000, 0o664))
    edit = userns.on(remap(), found).edits[0]

    assert (edit.was, edit.becomes) == (Owner(1000, 1000, 0o664), Owner(0, 0, 0o644))


@pytest.mark.parametrize(
    ("container", "why"),
    [
        (Container("x", privileged=True), "x: privileged"),
        (Container("x", network_mode="host"), "x: network_mode: host"),
        (Container("x", pid_mode="host"), "x: pid: host"),
    ],
)
def test_a_container_that_runs_is_in_the_way_unless_it_opts_out_or_is_stopped(
    container: Container, why: str
) -> None:
    assert userns.blockers(remap(container)) == (why,)
    assert userns.blockers(remap(replace(container, userns_mode="host"))) == ()
    stopped = replace(container, state="exited")
    assert userns.blockers(remap(stopped)) == ()
    assert userns.stopped_blockers(remap(stopped)) == (why,)
    assert refused(on(remap(container))) == f"userns-remap is not possible, because of {why}."


def test_a_volume_of_a_plugin_is_in_the_way() -> None:
    container = Container("db", mounts=(Mount("volume", "/data", volume="v"),))
    found = replace(remap(container), stock=Stock(drivers={"v": "rexray"}))

    assert userns.blockers(found) == ("db: volume v of the plugin rexray",)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"security_options": ("name=rootless",)}, "rootless"),
        ({"storage_status": {"driver-type": "io.containerd.snapshotter.v1"}}, "containerd"),
        ({"swarm": "active"}, "swarm"),
        ({"live_restore": True}, "live-restore"),
    ],
)
def test_an_engine_may_stand_in_its_own_way(changes: Mapping[str, object], word: str) -> None:
    engine = replace(ENGINE, **changes)
    (found,) = userns.blockers(remap(Container("web"), engine=engine))

    assert word in found


def test_what_it_costs_is_told_with_names_and_bytes() -> None:
    bound = Container("web", mounts=(Mount("bind", "/data", "/srv"),))
    stock = Stock(2 * 10**9, {"nginx:1": 2 * 10**9}, {"pg": 3_500_000, "x": -1})
    found = replace(remap(bound), stock=stock)

    assert userns.costs(found) == (
        "out of sight, to be made anew: web",
        (
            "out of sight, to be pulled or built again: nginx:1; 2.0 GB in all, 1.0 GB are free, "
            "which is NOT enough"
        ),
        "out of sight, to be copied by hand: volume pg (3.5 MB)",
        "out of sight, to be copied by hand: volume x (unknown size)",
        (
            "web binds /srv of uid 1000: inside it will belong to nobody (chown to 101000, or run "
            "with userns host)"
        ),
    )


def test_what_is_done_already_is_not_done_again() -> None:
    assert refused(on(remap(engine=ON))) == "userns-remap is in effect already."
    assert refused(attempt(lambda: userns.off(remap(), now()))) == "userns-remap is not in effect."


def test_a_flag_beats_the_file_and_is_named() -> None:
    found = replace(remap(), daemon=Daemon(7, flags={"userns-remap": ("default",)}, file=PATH))

    assert "dockerd is started with --userns-remap=default" in refused(on(found))


def test_unknown_flags_or_restarts_are_no_ground_to_build_on() -> None:
    blind = replace(remap(), daemon=Daemon(7, file=PATH, gaps={"flags": "not root"}))
    stuck = remap(ground=replace(GROUND, restart=()))

    assert refused(on(blind)) == "The flags of dockerd are not known: not root."
    assert "It is not known how dockerd (process 7) is restarted" in refused(on(stuck))


def test_an_engine_without_a_validator_gets_our_own_check() -> None:
    old = remap(ground=replace(GROUND, validates=False))
    plan = on(old, '{"debug": true, "features": {}, "dns": []}')

    assert isinstance(plan, Plan)
    assert plan.forth.check == ()
    assert "does not know: 'userns-remapp'" in refused(on(old, '{"userns-remapp": "x"}'))
    both = replace(old, daemon=Daemon(7, flags={"debug": ("true",)}, file=PATH))
    assert "'debug' of" in refused(on(both, '{"debug": true}'))


def test_the_way_back_starts_what_runs_now() -> None:
    plan = userns.on(remap(Container("web"), Container("idle", state="exited")), now())

    assert plan.back.activate[-1].shown == "docker start web"
    assert all("docker start" not in act.shown for act in plan.forth.activate)


def test_ranges_that_overlap_are_refused() -> None:
    found = (
        FileNow(PATH),
        FileNow("/etc/subuid", "dockremap:100000:65536\nalice:150000:65536\n"),
        FileNow("/etc/subgid", "dockremap:100000:65536\n"),
    )

    assert refused(attempt(lambda: userns.on(remap(), found))) == (
        "/etc/subuid gives ids of dockremap to alice as well."
    )


def test_a_remapped_data_folder_says_whose_root_is() -> None:
    assert root_of("/var/lib/docker/100000.100001") == (100000, 100001)
    assert root_of("/var/lib/docker") is None
