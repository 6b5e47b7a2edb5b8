"""How long the walls of a large host take: 500 networks and 2,000 published ports.

Needs root and nft, or the path of one as the argument; loads in a network namespace of its own.
"""

import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from hullward.fixes import firewall, isolation
from hullward.model.firewall import Link
from hullward.model.walls import Ground, Publication

_NETWORKS, _PORTS, _RUNS = 500, 2000, 9


def _host() -> Ground:
    bridges = [f"br-{number:012x}" for number in range(_NETWORKS)]
    links = [
        Link(name, "bridge", "container", (f"10.{number // 256}.{number % 256}.1/24",))
        for number, name in enumerate(bridges)
    ]
    published = [
        Publication("tcp", 10_000 + number, "127.0.0.1" if number % 2 else "")
        for number in range(_PORTS)
    ]
    outer = Link("eth0", "", "outside", ("192.0.2.1/24",))
    return Ground((*links, outer), frozenset(bridges), published=tuple(published))


def _median(what: Callable[[], object]) -> float:
    times = []
    for _ in range(_RUNS):
        start = time.perf_counter()
        what()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


def main() -> None:
    """Print a line for each measurement, in milliseconds."""
    ground = _host()
    wishes, outer = isolation.Wishes(), firewall.Wishes()

    def isolated() -> str:
        return isolation.text(isolation.plan(ground, wishes), wishes)

    def walled() -> str:
        return firewall.text(firewall.plan(ground, outer), outer)

    print(f"isolation, text of {len(isolated()) // 1000} kB: {_median(isolated):.1f} ms")
    print(f"firewall, text of {len(walled()) // 1000} kB: {_median(walled):.1f} ms")
    nft = sys.argv[1] if sys.argv[1:] else shutil.which("nft")
    if not nft:
        print("loading: not measured, there is no nft")
        return
    for name, text in (("isolation", isolated()), ("firewall", walled())):
        times = []
        for count in (1, 9):
            loads = f"for i in $(seq {count}); do {nft} -f $f || exit; done"
            command = f"f=$(mktemp); cat >$f; {loads}; rm $f"
            start = time.perf_counter()
            subprocess.run(  # noqa: S603 - of this file
                ("unshare", "--net", "sh", "-c", command),  # noqa: S607 - as it is found
                input=text, text=True, check=True,
            )  # fmt: skip
            times.append(time.perf_counter() - start)
        print(f"{name}, each load: {(times[1] - times[0]) / 8 * 1000:.1f} ms")


if __name__ == "__main__":
    main()
