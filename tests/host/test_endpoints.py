import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fakes import attempt
from hullward.host.endpoints import SshEndpoint, TcpEndpoint, Tls, UnixEndpoint, parse
from hullward.model.errors import HullwardError

TLS = Tls(ca="ca.pem")


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("unix:///run/docker.sock", UnixEndpoint("/run/docker.sock")),
        ("unix:///a place/with@sign:1", UnixEndpoint("/a place/with@sign:1")),
        ("unix://", UnixEndpoint("/var/run/docker.sock")),
        ("tcp://web1:2375", TcpEndpoint("web1", 2375)),
        ("tcp://web1", TcpEndpoint("web1", 2375)),
        ("tcp://web1/", TcpEndpoint("web1", 2375)),
        ("tcp://", TcpEndpoint("127.0.0.1", 2375)),
        ("tcp://:2000", TcpEndpoint("127.0.0.1", 2000)),
        ("tcp://10.0.0.7:65535", TcpEndpoint("10.0.0.7", 65535)),
        ("tcp://[::1]:2376", TcpEndpoint("::1", 2376)),
        ("tcp://[fe80::1%eth0]", TcpEndpoint("fe80::1%eth0", 2375)),
        (" tcp://web1:1 \n", TcpEndpoint("web1", 1)),
        ("web1:2375", TcpEndpoint("web1", 2375)),
        ("ssh://web1", SshEndpoint("web1")),
        ("ssh://Web1", SshEndpoint("Web1")),
        ("ssh://web_1.example.org", SshEndpoint("web_1.example.org")),
        ("ssh://root@web1:22", SshEndpoint("web1", "root", 22)),
        ("ssh://DOM\\me@web1", SshEndpoint("web1", "DOM\\me")),
        ("ssh://me%40example.org@web1", SshEndpoint("web1", "me@example.org")),
        ("ssh://root@[2001:db8::1]:2222", SshEndpoint("2001:db8::1", "root", 2222)),
        ("ssh://web1/", SshEndpoint("web1")),
        ("ssh://@web1:", SshEndpoint("web1")),
        ("ssh://web1/run/my docker.sock", SshEndpoint("web1", socket="/run/my docker.sock")),
        ("ssh://web1/a%20b", SshEndpoint("web1", socket="/a b")),
    ],
)
def test_address_is_read_as_docker_reads_it(url: str, endpoint: object) -> None:
    assert parse(url) == endpoint


def test_tcp_with_tls_has_another_port_by_default() -> None:
    assert parse("tcp://web1", TLS) == TcpEndpoint("web1", 2376, TLS)
    assert parse("tcp://web1:2375", TLS) == TcpEndpoint("web1", 2375, TLS)


@pytest.mark.parametrize(
    "url",
    [
        "http://web1:2375",
        "npipe:////./pipe/docker",
        "fd://",
        "://web1",
        "UNIX:///run/docker.sock",
        "unix:///run/do\x1bcker.sock",
        "tcp://web1:0",
        "tcp://web1:65536",
        "tcp://web1:-1",
        "tcp://web1:2375x",
        "tcp://web1:٣",
        "tcp://web1:2375/v1.41",
        "tcp://web1?x=1",
        "tcp://web 1",
        "tcp://we\nb1",
        "tcp://[::1",
        "tcp://::1",
        "tcp://user@web1",
        "ssh://",
        "ssh:///run/docker.sock",
        "ssh://web1:0",
        "ssh://web1:65536",
        "ssh://web1#x",
        "ssh://we b1",
        "ssh://web1;id",
        "ssh://$(id)",
        "ssh://`id`",
        "ssh://web1/run\x00/docker.sock",
        "ssh://web1/run%0A/docker.sock",
        "ssh://-oProxyCommand=id",
        "ssh://-oProxyCommand=id@web1",
        "ssh://root@-oProxyCommand=id",
        "ssh://%2doProxyCommand=id@web1",
        "ssh://ro ot@web1",
        "ssh://ro%0aot@web1",
        "ssh://ro%20ot@web1",
        "ssh://$(id)@web1",
        "ssh://%60id%60@web1",
        "ssh://a;b@web1",
    ],
)
def test_address_that_means_nothing_or_harm_is_refused(url: str) -> None:
    with pytest.raises(HullwardError) as refused:
        parse(url)

    assert refused.value.advice


@pytest.mark.parametrize(
    "url",
    [
        "ssh://root:hunter2@web1",
        "ssh://root:hunter2@web1:99999",
        "ssh://root:hunter2@-web1",
        "ssh://root:hunter2@",
        "ssh://root:hunt/er2hunter2@web1",
        "ssh://root:hunter2://@web1",
        "ssh://root:hunter2#@web1",
        "tcp://root:hunter2@web1:2375",
        "tcp://root:hunter2@web1:99999",
        "http://root:hunter2@web1",
        "root:hunter2@web1:2375",
    ],
)
def test_password_in_an_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(HullwardError) as refused:
        parse(url)

    assert "hunter2" not in f"{refused.value.what} {refused.value.advice}"


@given(st.text() | st.from_regex(r"(unix|tcp|ssh)://.*"))
@example("ssh://[")
@example("tcp://[::1]]")
@example("ssh://\udcff")
def test_any_text_is_an_endpoint_or_refused(url: str) -> None:
    result = attempt(lambda: parse(url))

    assert isinstance(result, UnixEndpoint | TcpEndpoint | SshEndpoint | HullwardError)


def safe(endpoint: object) -> bool:
    """Whether no field of an endpoint can be an option of ssh, or shell text."""
    return (
        isinstance(endpoint, SshEndpoint)
        and re.fullmatch(r"[\w.:][\w.:%-]*", endpoint.host, re.ASCII) is not None
        and not endpoint.user.startswith("-")
        and not re.search(r"[\s`$;&|<>(){}'\"]", endpoint.user)
    )


ascii_text = st.text(st.characters(min_codepoint=9, max_codepoint=126), max_size=8)


@given(st.builds("ssh://{}{}@{}{}".format, ascii_text, ascii_text, ascii_text, ascii_text))
@example("ssh://a%2db@-c")
def test_no_part_of_an_ssh_address_can_be_an_option_or_shell_text(url: str) -> None:
    result = attempt(lambda: parse(url))

    assert isinstance(result, HullwardError) or safe(result)
