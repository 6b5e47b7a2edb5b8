import json
import subprocess
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullward.collect import daemon, daemon_settings
from hullward.collect.bundle import Said
from hullward.model.daemon import Daemon, Unit

STAT = "stat S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 11 0 9000 0 0\n"
ARGUMENTS = "/usr/bin/dockerd\n-H\nfd://\n--containerd=/run/containerd/containerd.sock\n"
DOCKERD = f"""clock 1000 100
== 700 same 0
{STAT}-- arguments
{ARGUMENTS}-- root /var/lib/docker
-- file 1200 /etc/docker/daemon.json
-- text
{{"icc": false, "log-driver": "json-file", "log-opts": {{"max-size": "10m", "tag": "***"}}}}
end
"""
UNITS = """Id=docker.service
LoadState=loaded
FragmentPath=/lib/systemd/system/docker.service
DropInPaths=/etc/systemd/system/docker.service.d/a.conf
ActiveState=active
UnitFileState=enabled
EnvironmentFiles=/etc/default/docker (ignore_errors=yes)

Id=docker.socket
LoadState=loaded
FragmentPath=/lib/systemd/system/docker.socket
ActiveState=active
UnitFileState=enabled
Listen=/run/docker.sock (Stream)
Listen=[::]:2375 (Stream)

Id=containerd.service
LoadState=not-found
ActiveState=inactive
status 0
option DOCKER_OPTS
end
"""


def answers(dockerd: str = DOCKERD, units: str = UNITS) -> Mapping[str, Said]:
    return {"dockerd": Said(dockerd), "docker-units": Said(units)}


def parsed(dockerd: str = DOCKERD, units: str = UNITS) -> Daemon:
    found = daemon.parse(answers(dockerd, units))
    assert isinstance(found, Daemon)
    return found


def test_flags_file_and_start_of_the_daemon_are_read() -> None:
    found = parsed()

    assert found.pid == 700
    assert found.flags == {
        "host": ("fd://",),
        "containerd": ("/run/containerd/containerd.sock",),
    }
    assert found.settings == {
        "icc": False,
        "log-driver": "json-file",
        "log-opts": {"max-size": "10m", "tag": "***"},
    }
    assert (found.started, found.written) == (1090, 1200)
    assert found.root == "/var/lib/docker"


def test_units_give_their_files_and_what_they_listen_on() -> None:
    found = parsed()

    assert found.units == (
        Unit(
            "docker.service",
            "/lib/systemd/system/docker.service",
            ("/etc/systemd/system/docker.service.d/a.conf",),
            "active",
            "enabled",
            reads=("/etc/default/docker",),
        ),
        Unit(
            "docker.socket",
            "/lib/systemd/system/docker.socket",
            (),
            "active",
            "enabled",
            ("/run/docker.sock", "[::]:2375"),
        ),
    )
    assert found.options == ("DOCKER_OPTS",)


def test_a_daemon_in_another_mount_namespace_is_not_preferred() -> None:
    other = DOCKERD.replace("== 700 same 0", "== 701 other 0").partition("\n")[2]
    both = DOCKERD.removesuffix("end\n") + other

    assert parsed(both).pid == 700


def test_of_several_daemons_none_is_guessed() -> None:
    hidden = DOCKERD.replace("700 same", "700 hidden")
    second = hidden.replace("== 700", "== 701").partition("\n")[2]

    found = parsed(hidden.removesuffix("end\n") + second)

    assert found.flags is None
    assert found.settings is None
    assert "700, 701" in found.gaps["flags"]
    assert "700, 701" in found.gaps["settings"]


def test_without_a_daemon_the_file_is_read_and_the_flags_are_a_gap() -> None:
    found = parsed(
        "clock 1000 100\n== 0 none 0\n-- file 0 /etc/docker/daemon.json\n-- absent\nend\n"
    )

    assert found.settings == {}
    assert found.flags is None
    assert found.gaps["flags"] == "no dockerd was seen on the host"


def test_a_file_that_may_not_be_read_is_a_gap_and_not_empty() -> None:
    before, _, _ = DOCKERD.partition("-- text")

    found = parsed(f"{before}-- denied\nend\n")

    assert found.settings is None
    assert found.gaps["settings"] == "/etc/docker/daemon.json may not be read by this login"


def test_a_file_that_is_no_json_is_broken() -> None:
    found = parsed(DOCKERD.replace('"icc": false,', '"icc": false'))

    assert found.settings is None
    assert found.broken == "it is not JSON"


def test_an_empty_file_is_as_none() -> None:
    before, _, _ = DOCKERD.partition('{"icc"')

    assert parsed(f"{before}\nend\n").settings == {}


def test_arguments_are_read_as_pflag_does() -> None:
    words = ["--host=unix:///a", "-H", "tcp://b", "-Htcp://c", "-D", "--icc=false", "--tlsverify"]

    assert daemon.arguments(words) == {
        "host": ("unix:///a", "tcp://b", "tcp://c"),
        "debug": ("true",),
        "icc": ("false",),
        "tlsverify": ("true",),
    }


def test_no_secret_of_the_arguments_is_kept() -> None:
    words = [
        "--log-opt=splunk-token=SECRET",
        "--log-opt",
        "max-size=10m",
        "--label",
        "key=SECRET",
        "--http-proxy=http://user:SECRET@proxy",
        "--registry-mirror=https://user:SECRET@mirror",
    ]

    kept = daemon.arguments(words)

    assert "SECRET" not in str(kept)
    assert kept["log-opt"] == ("splunk-token=***", "max-size=10m")


def test_no_secret_of_the_file_is_kept() -> None:
    text = json.dumps(
        {
            "log-opts": {"splunk-token": "SECRET", "max-size": "1m"},
            "proxies": {"http-proxy": "http://user:SECRET@proxy"},
            "labels": ["SECRET"],
            "registry-mirrors": ["https://user:SECRET@mirror"],
            "unheard-of": {"deep": ["SECRET"]},
        }
    )

    settings, _ = daemon_settings.read(f"\n-- text\n{text}\n", "/f", {})

    assert "SECRET" not in str(settings)
    assert settings is not None
    assert settings["log-opts"] == {"splunk-token": "***", "max-size": "1m"}
    assert settings["unheard-of"] is None


def masked(text: str) -> str:
    command = ("/bin/sh", "-c", f"{daemon_settings.MASK}masked")
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)  # noqa: S603 - our own text
    return done.stdout


def test_the_script_itself_masks_what_it_does_not_need() -> None:
    settings = {
        "hosts": ["unix:///run/docker.sock", "tcp://[::]:2376"],
        "tlskey": "/etc/docker/key.pem",
        "log-opts": {"max-size": "10m", "splunk-token": 'SE"CRET, with \\ and }'},
        "proxies": {"https-proxy": "http://user:SECRET@proxy"},
        "labels": ["a=SECRET]", "SECRET"],
        "registry-mirrors": ["https://user:SE/CRET@mirror"],
        "default-address-pools": [{"base": "10.5.0.0/16", "size": 24}],
        "debug": True,
        "mtu": 1500,
    }

    for text in (json.dumps(settings), json.dumps(settings, indent=2)):
        out = masked(text)

        assert "CRET" not in out
        assert json.loads(out) == {
            **settings,
            "log-opts": {"max-size": "10m", "splunk-token": "***"},
            "proxies": {"https-proxy": "***"},
            "labels": ["***"],
            "registry-mirrors": ["https://***@mirror"],
        }


def test_a_secret_in_a_broken_file_is_masked_too_and_it_stays_broken() -> None:
    for text in ('{"splunk-token": SECRET}', "{'splunk-token': 'SECRET'}", '{"a": "b" SECRET'):
        out = masked(text)

        assert "SECRET" not in out
        _, broken = daemon_settings.read(f"\n-- text\n{out}\n", "/f", {})
        assert broken == "it is not JSON"


@given(st.integers(0, len(DOCKERD)), st.integers(0, len(UNITS)))
def test_a_cut_answer_is_unknown_and_never_another_fact(first: int, second: int) -> None:
    whole = daemon.parse(answers())
    found = daemon.parse(answers(DOCKERD[:first], UNITS[:second]))

    if isinstance(found, Daemon) and isinstance(whole, Daemon):
        assert found.units in {None, whole.units}
        assert found.flags == whole.flags
        assert found.settings == whole.settings
    else:
        assert isinstance(found, str)


@given(st.text(), st.text(), st.text())
def test_any_text_is_read_without_a_crash(head: str, middle: str, units: str) -> None:
    texts = [head, f"{DOCKERD[:30]}{head}\nend\n", f"{DOCKERD[:190]}{middle}{DOCKERD[190:]}"]

    for text in texts:
        found = daemon.parse(answers(text, f"{units}\nstatus 0\nend\n"))
        assert isinstance(found, Daemon | str)


def test_a_missing_answer_is_a_reason() -> None:
    assert isinstance(daemon.parse({}), str)


@pytest.mark.parametrize(
    ("heads", "network"),
    [
        (["700 same 0"], ""),
        (["700 same 0 same"], "same"),
        (["700 same 0 other"], "other"),
        (["700 hidden 0 hidden"], "hidden"),
        (["700 same 0 same", "701 other 0 other"], "same"),
        (["700 other 0 other", "701 other 0 other"], "other"),
        (["700 other 0 other", "701 other 0 same"], ""),
    ],
)
def test_whether_dockerd_shares_the_collectors_network_is_kept(
    heads: list[str], network: str
) -> None:
    clock, _, rest = DOCKERD.partition("== 700 same 0\n")
    body = rest.removesuffix("end\n")
    text = clock + "".join(f"== {head}\n{body}" for head in heads) + "end\n"
    found = daemon.parse({"dockerd": Said(text)})

    assert isinstance(found, Daemon)
    assert found.network == network
