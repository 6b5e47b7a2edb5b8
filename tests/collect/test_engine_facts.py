import base64
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hullward.collect import engine_facts
from hullward.model.facts import Engine, Network, Plugin, Swarm

INFO = {
    "Name": "web",
    "SecurityOptions": ["name=seccomp,profile=builtin"],
    "Driver": "overlayfs",
    "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"], ["odd"]],
    "LoggingDriver": "local",
    "LiveRestoreEnabled": True,
    "ExperimentalBuild": False,
    "Plugins": {"Authorization": None},
    "RegistryConfig": {
        "InsecureRegistryCIDRs": ["::1/128", "127.0.0.0/8", "10.0.0.0/8"],
        "IndexConfigs": {"docker.io": {"Secure": True}, "reg:5000": {"Secure": False}, "x": None},
    },
    "DefaultAddressPools": [{"Base": "10.5.0.0/16", "Size": 24}],
    "Swarm": {"LocalNodeState": "active", "ControlAvailable": True},
}
VERSION = '{"Version": "29.1.0", "BuildTime": "2026-10-30T00:00:00Z"}'


class Answered:
    """An answer of the engine."""

    def __init__(self, body: Any, problem: str = "") -> None:  # noqa: ANN401 - any JSON
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.ok, self.status, self.problem = not problem, 200, problem


def certificate(*times: bytes) -> str:
    der = b"0\x82" + b"".join(times)
    return (
        f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(der).decode()}\n-----END CERTIFICATE-----"
    )


def test_settings_in_effect_are_read() -> None:
    gaps: dict[str, str] = {}
    found = engine_facts.engine(Answered(VERSION.encode()), Answered(INFO), "1.52", gaps)

    assert gaps == {}
    assert found == Engine(
        "29.1.0",
        "1.52",
        "web",
        security_options=("name=seccomp,profile=builtin",),
        swarm="active",
        built="2026-10-30T00:00:00Z",
        log_driver="local",
        live_restore=True,
        experimental=False,
        storage_driver="overlayfs",
        storage_status={"driver-type": "io.containerd.snapshotter.v1"},
        insecure_registries=("10.0.0.0/8", "reg:5000"),
        authorization=(),
        pools=(("10.5.0.0/16", 24),),
        manager=True,
    )


def test_what_info_does_not_say_is_none_and_not_off() -> None:
    found = engine_facts.engine(Answered(VERSION.encode()), Answered({}), "1.52", {})

    assert found is not None
    assert found.security_options == ()
    assert (found.live_restore, found.experimental, found.log_driver) == (None, None, None)
    assert (found.insecure_registries, found.authorization) == (None, None)


def test_an_info_that_failed_is_a_gap() -> None:
    gaps: dict[str, str] = {}
    found = engine_facts.engine(Answered(VERSION.encode()), Answered("", "403"), "1.52", gaps)

    assert found is not None
    assert found.security_options is None
    assert gaps == {"info": "/info: 403"}


def test_networks_are_read_with_their_options() -> None:
    prefix = "com.docker.network.bridge."
    raw = [
        {
            "Name": "a",
            "Driver": "bridge",
            "Attachable": True,
            "IPAM": {"Config": [{"Subnet": "172.18.0.0/16"}, {}]},
            "Options": {
                f"{prefix}enable_icc": "false",
                f"{prefix}gateway_mode_ipv4": "nat-unprotected",
            },
        },
        {"Name": "b", "Driver": "overlay", "Ingress": True, "Options": {"encrypted": ""}},
    ]

    assert engine_facts.networks(Answered(raw), {}) == (
        Network(
            "a",
            talk=False,
            attachable=True,
            subnets=("172.18.0.0/16",),
            gateway_modes=("nat-unprotected",),
        ),
        Network("b", "overlay", encrypted=True, ingress=True),
    )


def test_a_plugin_is_read_with_its_powers() -> None:
    raw = [
        {
            "Name": "p",
            "Enabled": True,
            "Config": {
                "Linux": {"Capabilities": ["CAP_SYS_ADMIN"], "AllowAllDevices": True},
                "Network": {"Type": "host"},
            },
            "Settings": {"Mounts": [{"Source": "/"}, {"Source": None}]},
        }
    ]

    assert engine_facts.plugins(Answered(raw), {}) == (
        Plugin(
            "p",
            enabled=True,
            capabilities=("CAP_SYS_ADMIN",),
            all_devices=True,
            host_network=True,
            mounts=("/",),
        ),
    )


def test_a_swarm_is_read_without_its_tokens() -> None:
    raw = {
        "JoinTokens": {"Worker": "SWMTKN-SECRET"},
        "Spec": {
            "CAConfig": {"NodeCertExpiry": 7776000000000000, "SigningCAKey": "SECRET"},
            "EncryptionConfig": {"AutoLockManagers": True},
        },
        "TLSInfo": {"TrustRoot": certificate(b"\x17\x0d261124000000Z", b"\x17\x0d461119000000Z")},
    }
    nodes = [{"Spec": {"Role": "manager"}}, {"Spec": {"Role": "worker"}}, {}]

    assert engine_facts.swarm(Answered(raw), Answered(nodes), {}) == Swarm(
        autolock=True, certificate_days=90, root_expires="2046-11-19", managers=1, nodes=3
    )


def test_nodes_that_were_not_listed_are_not_counted() -> None:
    gaps: dict[str, str] = {}
    found = engine_facts.swarm(Answered({}), Answered("", "403"), gaps)

    assert found is not None
    assert (found.managers, found.nodes) == (None, None)
    assert gaps == {"nodes": "/nodes: 403"}


def test_the_last_day_of_a_certificate_is_its_second_time() -> None:
    long = certificate(b"\x17\x0d261124000000Z", b"\x18\x0f20560101000000Z")
    old = certificate(b"\x17\x0d760101000000Z", b"\x17\x0d960101000000Z")

    assert engine_facts.expiry(long) == "2056-01-01"
    assert engine_facts.expiry(old) == "1996-01-01"
    assert engine_facts.expiry(certificate()) == ""
    assert engine_facts.expiry("none") == ""


@given(st.text())
def test_no_certificate_is_a_crash(text: str) -> None:
    for pem in (text, f"-----BEGIN CERTIFICATE-----{text}-----END"):
        assert engine_facts.expiry(pem) == ""


@given(st.integers(0, len(json.dumps(INFO)) - 1))
def test_a_cut_info_is_a_gap(length: int) -> None:
    gaps: dict[str, str] = {}
    cut = json.dumps(INFO).encode()[:length]
    found = engine_facts.engine(Answered(VERSION.encode()), Answered(cut), "1.52", gaps)

    assert found is not None
    assert found.security_options is None
    assert "info" in gaps
