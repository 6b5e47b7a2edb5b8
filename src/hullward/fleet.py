"""One flow over many targets; a target that cannot be reached is a row."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from hullward import flow
from hullward.host.contexts import Target
from hullward.host.reader import Access
from hullward.model.facts import Snapshot

_AT_ONCE = 16


def collect(
    targets: Sequence[Target],
    access: Access,
    wanted: flow.Wanted = flow.EVERYTHING,
    meanwhile: Callable[[], object] = flow.nothing,
) -> tuple[Snapshot | flow.Failure, ...]:
    """Look at every target, several at a time; the answers keep the order of the targets.

    `meanwhile` is done while the engines work on their first answers.
    """
    if len(targets) == 1:
        return (flow.collect(targets[0], access, wanted, meanwhile),)

    def one(target: Target) -> Snapshot | flow.Failure:
        return flow.collect(target, access, wanted, meanwhile)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return tuple(pool.map(one, targets))
