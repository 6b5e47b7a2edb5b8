"""One flow over many targets."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from fakes import inspected
from hullward import fleet, flow
from hullward.host.contexts import Target
from hullward.host.endpoints import UnixEndpoint
from hullward.host.reader import Access
from hullward.host.recorded import Fault, RecordedEngine
from hullward.model.facts import Snapshot
from terminal import recorded


def target(name: str) -> Target:
    return Target(name, UnixEndpoint(name))


def kinds(looks: tuple[Snapshot | flow.Failure, ...]) -> list[tuple[str, type]]:
    return [(look.target, type(look)) for look in looks]


def test_answers_keep_the_order_of_the_targets_and_a_failure_is_one_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    web = recorded(containers=[inspected()])
    with ExitStack() as stack:
        stack.enter_context(RecordedEngine(web, "slow", {"/info": Fault.HANG}))
        stack.enter_context(RecordedEngine(web, "good"))
        stack.enter_context(RecordedEngine(web, "cut", {"/info": Fault.CLOSE}))
        names = ["slow", "none", "good", "cut"] + [f"none{i}" for i in range(40)]
        looks = fleet.collect([target(name) for name in names], Access(timeout=0.5))

    assert kinds(looks) == [(name, Snapshot if name == "good" else flow.Failure) for name in names]


def test_one_target_is_looked_at_as_well() -> None:
    assert kinds(fleet.collect([target("/none")], Access())) == [("/none", flow.Failure)]


def test_no_target_is_no_answer() -> None:
    assert fleet.collect([], Access()) == ()
