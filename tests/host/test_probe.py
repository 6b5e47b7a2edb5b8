import socket
from pathlib import Path

import pytest

from hullward.host import probe
from hullward.host.contexts import Target
from hullward.host.endpoints import SshEndpoint, TcpEndpoint, UnixEndpoint
from hullward.model.errors import HullwardError


def test_a_listener_is_reachable_and_a_free_port_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        open_, free = server.getsockname()[1], held.getsockname()[1]
        answers = probe.probe(("127.0.0.1",), (open_, free))

    assert answers == {("127.0.0.1", open_): "reachable", ("127.0.0.1", free): "refused"}


def test_an_address_of_the_other_family_is_unreachable_and_no_error() -> None:
    assert probe.connect("::ffff:0.0.0.0:1", 1, 1) == "unreachable"


def test_the_address_of_an_ssh_target_is_the_one_that_ssh_would_take(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host prod\n  HostName 127.0.0.1\n")
    target = Target("prod", SshEndpoint("prod"))

    assert probe.addresses(target, str(config)) == ("127.0.0.1",)


def test_a_host_behind_another_one_has_no_address_from_here(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host prod\n  ProxyJump gate\n")

    with pytest.raises(HullwardError, match="by way of"):
        probe.addresses(Target("prod", SshEndpoint("prod")), str(config))


def test_the_address_of_a_tcp_target_is_its_own() -> None:
    assert probe.addresses(Target("t", TcpEndpoint("[::1]", 2376))) == ("::1",)


def test_this_machine_is_no_place_to_probe_itself_from() -> None:
    with pytest.raises(HullwardError, match="by itself"):
        probe.addresses(Target("here", UnixEndpoint("/run/docker.sock")))
