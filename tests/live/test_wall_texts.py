import os
import shutil

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

import walls
from hullward.fixes import firewall, isolation
from hullward.model.errors import HullwardError
from hullward.model.walls import Ground
from nft_versions import SUITES, alone
from nft_versions import nft as program

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
    pytest.mark.skipif(not shutil.which("apt-get"), reason="nft is taken from Debian's packages"),
]
slowly = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


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
