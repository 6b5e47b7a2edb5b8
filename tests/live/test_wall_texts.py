import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

import walls
from hullward.fixes import firewall, isolation, standing
from hullward.fixes.standing import FOLDER, Standing
from hullward.model.errors import HullwardError
from hullward.model.firewall import Link
from hullward.model.walls import FIREWALL, ISOLATION, Ground
from nft_versions import SUITES, alone
from nft_versions import nft as program

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
    pytest.mark.skipif(not shutil.which("apt-get"), reason="nft is taken from Debian's packages"),
]
slowly = settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("suite", SUITES)
@slowly
@given(ground=walls.grounds(), wishes=walls.isolation_wishes)
def test_the_isolation_of_any_host_loads(
    suite: str, ground: Ground, wishes: isolation.Wishes
) -> None:
    try:
        text = isolation.text(isolation.plan(ground, wishes), wishes)
    except HullwardError:
        reject()

    assert alone(*program(suite), "-c", "-f", "-", text=text).stderr == ""


@pytest.mark.parametrize("suite", SUITES)
@slowly
@given(ground=walls.grounds(), wishes=walls.firewall_wishes, data=st.data())
def test_the_firewall_of_any_host_loads(
    suite: str, ground: Ground, wishes: firewall.Wishes, data: st.DataObject
) -> None:
    found = firewall.kinds(ground, wishes)
    unclear = [name for name, kind in found.items() if kind == firewall.UNKNOWN]
    trusted = [name for name in unclear if data.draw(st.booleans())]
    outside = [name for name in unclear if name not in trusted]
    wishes = firewall.Wishes(
        wishes.open_tcp, wishes.open_udp, wishes.open, tuple(trusted), tuple(outside)
    )
    try:
        text = firewall.text(firewall.plan(ground, wishes), wishes)
    except HullwardError:
        reject()

    assert alone(*program(suite), "-c", "-f", "-", text=text).stderr == ""


def test_what_runs_at_boot_makes_both_walls_in_an_empty_namespace(tmp_path: Path) -> None:
    ground = Ground(links=(Link("lo", role="loopback"), Link("eth0", role="outside")))
    isolated, walled = isolation.Wishes(), firewall.Wishes()
    texts = {
        ISOLATION: isolation.text(isolation.plan(ground, isolated), isolated),
        FIREWALL: firewall.text(firewall.plan(ground, walled), walled),
    }
    command = tmp_path / "nft"
    command.write_text(f'#!/bin/sh\nexec {" ".join(program("bookworm"))} "$@"\n')
    command.chmod(0o755)
    loaders = []
    for table, text in texts.items():
        wall = Standing(table, table, "a wall")
        (tmp_path / f"{table}.nft").write_text(text)
        loaders.append(
            standing.loader(wall, str(command), str(tmp_path)).replace(FOLDER, str(tmp_path))
        )
    for number, loader in enumerate(loaders):
        (tmp_path / f"load{number}").write_text(loader)
    lines = [f"/bin/sh {tmp_path}/load{number}" for number in range(len(loaders))] * 2

    done = alone("/bin/sh", "-ec", "\n".join([*lines, f"{command} list tables"]))

    assert done.stderr == ""
    assert set(done.stdout.splitlines()) == {f"table inet {name}" for name in texts}
