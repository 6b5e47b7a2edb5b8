import json
import os
import shutil
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import walls
from hullward.fixes import firewall, isolation, nft
from hullward.model.errors import HullwardError
from hullward.model.walls import FIREWALL, ISOLATION, Ground
from nft_versions import SUITES, alone
from nft_versions import nft as program

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
    pytest.mark.skipif(not shutil.which("apt-get"), reason="nft is taken from Debian's packages"),
]
slowly = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


def loaded(suite: str, text: str, name: str) -> dict[str, Any]:
    """Load a text twice in a namespace of its own, and list the table."""
    command = " ".join(program(suite))
    done = alone(
        "sh", "-c",
        f'cat >/tmp/$$.nft; for i in 1 2; do {command} -f /tmp/$$.nft || exit; done; '
        f"rm /tmp/$$.nft; {command} -j list table inet {name}",
        text=text,
    )  # fmt: skip
    assert done.returncode == 0, (text, done.stderr)
    value: dict[str, Any] = json.loads(done.stdout)
    return value


@pytest.mark.parametrize("suite", SUITES)
@slowly
@given(ground=walls.grounds(), wishes=walls.isolation_wishes)
def test_the_isolation_of_any_host_loads(
    suite: str, ground: Ground, wishes: isolation.Wishes
) -> None:
    try:
        text = isolation.text(isolation.plan(ground, wishes), wishes)
    except HullwardError:
        assume(False)

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
        assume(False)

    assert alone(*program(suite), "-c", "-f", "-", text=text).stderr == ""
