"""A copy for trials: nothing of it can be taken for the original, or reach what is real."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullward.minimize import clone
from hullward.minimize.clone import Place, Variant
from hullward.model.capabilities import DEFAULT
from hullward.model.errors import HullwardError

ID = "0123456789ab" + "c" * 52
PLACE = Place("hullward-x-1", {"hullward.session": "x"}, "hullward-x", (), 1 << 30)


def inspect(*, config: Any = None, host: Any = None, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {
        "Id": ID,
        "Name": "/web",
        "Image": "sha256:1",
        "State": {"Running": True},
        "Config": {
            "Hostname": ID[:12],
            "Image": "nginx:1",
            "Env": ["PASSWORD=secret"],
            "Cmd": ["nginx"],
            "Labels": {
                "com.docker.compose.project": "shop",
                "com.docker.compose.service": "www",
                "traefik.enable": "true",
            },
            **(config or {}),
        },
        "HostConfig": {
            "NetworkMode": "shop_default",
            "RestartPolicy": {"Name": "always"},
            "PortBindings": {"80/tcp": [{"HostPort": "80"}]},
            "Binds": ["/srv:/srv"],
            "Links": ["/db:/web/db"],
            "LogConfig": {"Type": "syslog", "Config": {}},
            "CapAdd": ["NET_ADMIN"],
            "SecurityOpt": None,
            **(host or {}),
        },
        "NetworkSettings": {
            "Networks": {"shop_default": {"Aliases": ["www", ID[:12]], "DNSNames": ["web"]}}
        },
        "Mounts": [],
        **more,
    }


def body(found: dict[str, Any], variant: Variant = Variant()) -> Any:  # noqa: ANN401, B008 - JSON; frozen
    return clone.body(found, clone.subject(found), variant, PLACE)


def test_nothing_leads_to_or_from_the_copy() -> None:
    made = body(inspect())
    host = made["HostConfig"]

    assert host["PortBindings"] == {}
    assert host["NetworkMode"] == "hullward-x"
    assert host["RestartPolicy"] == {"Name": "no"}
    assert host["LogConfig"]["Type"] == "json-file"
    assert not {"Binds", "Links", "VolumesFrom", "ContainerIDFile"} & host.keys()


def test_no_label_of_the_original_is_copied() -> None:
    assert body(inspect())["Labels"] == {"hullward.session": "x"}


def test_the_copy_has_the_names_of_the_original_in_its_own_network() -> None:
    made = body(inspect())

    assert made["NetworkingConfig"]["EndpointsConfig"] == {
        "hullward-x": {"Aliases": ["web", "www"]}
    }
    assert "Hostname" not in made


def test_the_copy_has_limits_where_the_original_has_none() -> None:
    free, bound = body(inspect()), body(inspect(host={"Memory": 5, "PidsLimit": 7}))

    assert (free["HostConfig"]["Memory"], free["HostConfig"]["PidsLimit"]) == (1 << 30, 4096)
    assert (bound["HostConfig"]["Memory"], bound["HostConfig"]["PidsLimit"]) == (5, 7)


def test_a_baseline_has_what_the_original_has() -> None:
    host = body(inspect(host={"CapDrop": ["KILL"], "Privileged": True}))["HostConfig"]

    assert (host["CapAdd"], host["CapDrop"], host["Privileged"]) == (["NET_ADMIN"], ["KILL"], True)


@given(st.frozensets(st.sampled_from(sorted(DEFAULT))), st.booleans())
def test_a_trial_has_exactly_the_capabilities_that_are_tried(
    names: frozenset[str],
    privileged: bool,  # noqa: FBT001 - drawn
) -> None:
    host = body(inspect(host={"Privileged": privileged}), Variant(names))["HostConfig"]

    assert (host["CapAdd"], host["CapDrop"]) == (sorted(names), ["ALL"])
    assert host["Privileged"] is False


def test_a_trial_of_more_confines_more() -> None:
    variant = Variant(
        frozenset(),
        no_new_privileges=True,
        user="33:33",
        read_only=True,
        tmpfs={"/run": "mode=755"},
        volumes=("/var/lib/x",),
    )
    made = body(inspect(), variant)

    assert made["User"] == "33:33"
    assert made["HostConfig"]["ReadonlyRootfs"]
    assert made["HostConfig"]["SecurityOpt"] == ["no-new-privileges"]
    assert made["HostConfig"]["Tmpfs"] == {"/run": "mode=755"}
    assert made["HostConfig"]["Mounts"] == [{"Type": "volume", "Target": "/var/lib/x"}]


def test_a_healthcheck_is_asked_more_often_than_a_day_long() -> None:
    health = {"Test": ["CMD", "true"], "Interval": 86400 * 10**9, "StartPeriod": 60 * 10**9}
    made = body(inspect(config={"Healthcheck": health}))

    assert made["Healthcheck"] == {"Test": ["CMD", "true"], "Interval": 10**9, "StartPeriod": 0}


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"host": {"NetworkMode": "host"}}, "the host's network"),
        ({"host": {"NetworkMode": "container:abc"}}, "the network of another container"),
        ({"host": {"PidMode": "host"}}, "the host's PID namespace"),
        ({"host": {"IpcMode": "host"}}, "the host's IPC namespace"),
        ({"host": {"Devices": [{"PathOnHost": "/dev/sda"}]}}, "the device /dev/sda"),
        ({"host": {"DeviceRequests": [{"Driver": "nvidia"}]}}, "devices of a driver"),
        (
            {"Mounts": [{"Type": "bind", "Source": "/run/docker.sock", "Destination": "/s"}]},
            "the socket /run/docker.sock",
        ),
        (
            {"Mounts": [{"Type": "bind", "Source": "/", "Destination": "/host", "RW": False}]},
            "/ of the host",
        ),
        (
            {"Mounts": [{"Type": "npipe", "Source": "", "Destination": "/x"}]},
            "a mount of kind npipe",
        ),
        ({"config": {"Labels": {"com.docker.swarm.service.id": "1"}}}, "a swarm service"),
    ],
)
def test_what_cannot_be_copied_is_refused_with_its_reason(
    more: dict[str, Any], reason: str
) -> None:
    found = inspect(**more)

    with pytest.raises(HullwardError) as error:
        clone.refuse(clone.subject(found), clone.obstacles(found))
    assert reason in error.value.what


def test_an_ordinary_container_can_be_copied() -> None:
    devices = [{"PathOnHost": "/dev/net/tun"}]

    assert clone.obstacles(inspect(host={"Devices": devices})) == ()
