import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fakes import attempt
from hullward.host.contexts import Contexts, Target, TlsOptions
from hullward.host.endpoints import SshEndpoint, TcpEndpoint, Tls, UnixEndpoint
from hullward.model.errors import HullwardError

LOCAL = UnixEndpoint("/var/run/docker.sock")
DOCKER = shutil.which("docker")
reuses_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def folder_of(home: Path, name: str) -> Path:
    digest = hashlib.sha256(name.encode()).hexdigest()
    folder = home / "contexts" / "meta" / digest
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def add(home: Path, name: str, host: str, *, skip: bool = False) -> None:
    endpoint = {"Host": host, "SkipTLSVerify": skip}
    meta = {"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}
    (folder_of(home, name) / "meta.json").write_text(json.dumps(meta))


def add_tls(home: Path, name: str, *files: str) -> Path:
    digest = hashlib.sha256(name.encode()).hexdigest()
    folder = home / "contexts" / "tls" / digest / "docker"
    folder.mkdir(parents=True)
    for file in files:
        (folder / file).touch()
    return folder


def use(home: Path, name: str) -> None:
    (home / "config.json").write_text(json.dumps({"currentContext": name}))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Give a configuration folder with three contexts, of which config.json chooses `file`."""
    for name in ("option", "variable", "file"):
        add(tmp_path, name, f"ssh://{name}")
    use(tmp_path, "file")
    return tmp_path


def contexts(
    home: Path, environment: Mapping[str, str] | None = None, tls: TlsOptions | None = None
) -> Contexts:
    return Contexts({"DOCKER_CONFIG": str(home), **(environment or {})}, tls)


HOST, OPTION, VARIABLE, FILE, DEFAULT = (
    Target("default", TcpEndpoint("fromenv", 1)),
    Target("option", SshEndpoint("option")),
    Target("variable", SshEndpoint("variable")),
    Target("file", SshEndpoint("file")),
    Target("default", LOCAL),
)


@pytest.mark.parametrize(
    ("host", "context", "environment", "target"),
    [
        ("", "", {}, FILE),
        ("", "", {"DOCKER_CONTEXT": "variable"}, VARIABLE),
        ("", "", {"DOCKER_HOST": "tcp://fromenv:1"}, HOST),
        ("", "", {"DOCKER_HOST": "tcp://fromenv:1", "DOCKER_CONTEXT": "variable"}, HOST),
        ("", "", {"DOCKER_HOST": "", "DOCKER_CONTEXT": ""}, FILE),
        ("", "", {"DOCKER_CONTEXT": "default"}, DEFAULT),
        ("", "option", {}, OPTION),
        ("", "option", {"DOCKER_CONTEXT": "variable"}, OPTION),
        ("", "option", {"DOCKER_HOST": "tcp://fromenv:1"}, OPTION),
        ("", "default", {"DOCKER_CONTEXT": "variable"}, DEFAULT),
        ("", "default", {"DOCKER_HOST": "tcp://fromenv:1"}, HOST),
        ("ssh://web1", "", {}, Target("ssh://web1", SshEndpoint("web1"))),
        (
            "ssh://web1",
            "",
            {"DOCKER_HOST": "tcp://fromenv:1", "DOCKER_CONTEXT": "variable"},
            Target("ssh://web1", SshEndpoint("web1")),
        ),
    ],
)
def test_what_wins_wins_as_in_docker(
    home: Path, host: str, context: str, environment: Mapping[str, str], target: Target
) -> None:
    assert contexts(home, environment).current(host=host, context=context) == target


def test_host_and_context_together_are_an_error(home: Path) -> None:
    with pytest.raises(HullwardError, match="--host and --context"):
        contexts(home).current(host="ssh://web1", context="option")


def test_without_any_configuration_it_is_the_local_socket(tmp_path: Path) -> None:
    assert contexts(tmp_path / "none").current() == DEFAULT


def test_configuration_is_in_the_home_folder_by_default(tmp_path: Path) -> None:
    add(tmp_path / ".docker", "web1", "ssh://web1")
    found = Contexts({"HOME": str(tmp_path), "DOCKER_CONTEXT": "web1"})

    assert found.current() == Target("web1", SshEndpoint("web1"))


@pytest.mark.parametrize("name", ["nobody", "../../etc", "a/b", "a\0b", "\udcff", "ü"])
def test_unknown_context_is_an_error_wherever_it_is_named(home: Path, name: str) -> None:
    use(home, name)

    ways: tuple[Callable[[], object], ...] = (
        lambda: contexts(home).current(context=name),
        lambda: contexts(home).resolve(name),
        lambda: contexts(home).current(),
        lambda: contexts(home, {"DOCKER_CONTEXT": name}).current(),
    )
    for found in ways:
        with pytest.raises(HullwardError, match="There is no docker context"):
            found()


def test_word_with_a_scheme_is_an_address_and_any_other_a_context(home: Path) -> None:
    assert contexts(home).resolve("ssh://file") == Target("ssh://file", SshEndpoint("file"))
    assert contexts(home).resolve("file") == FILE


def test_all_contexts_are_default_and_the_others_by_name(home: Path) -> None:
    assert contexts(home).everything() == (DEFAULT, FILE, OPTION, VARIABLE)
    assert contexts(home, {"DOCKER_HOST": "tcp://fromenv:1"}).everything()[0] == HOST


def test_all_contexts_are_only_default_without_any(tmp_path: Path) -> None:
    assert contexts(tmp_path).everything() == (DEFAULT,)


def test_all_contexts_skip_a_folder_without_meta_and_a_stray_file(home: Path) -> None:
    folder_of(home, "empty")
    (home / "contexts" / "meta" / "stray").touch()

    assert contexts(home).everything() == (DEFAULT, FILE, OPTION, VARIABLE)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_configuration_is_an_error_and_not_an_absent_one(home: Path) -> None:
    (home / "contexts" / "meta").chmod(0)

    with pytest.raises(HullwardError, match="cannot be read"):
        contexts(home).everything()


def test_configuration_folder_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "contexts").mkdir()
    (tmp_path / "contexts" / "meta").touch()

    with pytest.raises(HullwardError, match="cannot be read: Not a directory"):
        contexts(tmp_path).everything()


@pytest.mark.parametrize(
    "meta",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b"{}",
        b'{"Endpoints": []}',
        b'{"Endpoints": {}}',
        b'{"Endpoints": {"docker": "ssh://web1"}}',
        b'{"Endpoints": {"docker": {}}}',
        b'{"Endpoints": {"docker": {"Host": ""}}}',
        b'{"Endpoints": {"docker": {"Host": 1}}}',
        b'{"Endpoints": {"docker": {"Host": "ftp://web1"}}}',
        b'{"Endpoints": {"docker": {"Host": "ssh://web1", "SkipTLSVerify": "no"}}}',
        b"[" * 100_000,
        b"9" * 10_000,
    ],
)
def test_damaged_context_is_an_error(tmp_path: Path, meta: bytes) -> None:
    (folder_of(tmp_path, "web1") / "meta.json").write_bytes(meta)

    ways: tuple[Callable[[], object], ...] = (
        contexts(tmp_path).everything,
        lambda: contexts(tmp_path).named("web1"),
    )
    for found in ways:
        with pytest.raises(HullwardError):
            found()


def test_damaged_context_is_named_with_its_path(tmp_path: Path) -> None:
    path = folder_of(tmp_path, "web1") / "meta.json"
    path.write_text("garbage")

    with pytest.raises(HullwardError) as refused:
        contexts(tmp_path).named("web1")

    assert str(path) in refused.value.what
    assert "not JSON" in refused.value.what


@reuses_folder
@given(st.binary())
@example(b'{"currentContext": 1}')
@example(b'{"currentContext": "\\ud800"}')
@example(b'{"currentContext": "a\\u0000b"}')
@example(b'"\xff"')
def test_any_bytes_in_the_files_give_a_target_or_an_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "config.json").write_bytes(data)
    (folder_of(tmp_path, "web1") / "meta.json").write_bytes(data)

    ways: tuple[Callable[[], Target], ...] = (
        contexts(tmp_path).current,
        lambda: contexts(tmp_path).named("web1"),
    )
    for found in ways:
        result = attempt(found)

        assert result.advice if isinstance(result, HullwardError) else result.name


def test_context_has_its_own_tls_files(tmp_path: Path) -> None:
    add(tmp_path, "web1", "tcp://web1:2376")
    folder = add_tls(tmp_path, "web1", "ca.pem", "cert.pem", "key.pem")
    tls = Tls(f"{folder}/ca.pem", f"{folder}/cert.pem", f"{folder}/key.pem")

    assert contexts(tmp_path).named("web1").endpoint == TcpEndpoint("web1", 2376, tls)


def test_context_that_skips_verification_speaks_tls_without_files(tmp_path: Path) -> None:
    add(tmp_path, "web1", "tcp://web1", skip=True)

    assert contexts(tmp_path).named("web1").endpoint == TcpEndpoint("web1", 2376, Tls(verify=False))


def test_context_takes_no_tls_from_the_environment(tmp_path: Path) -> None:
    add(tmp_path, "web1", "tcp://web1")

    assert contexts(tmp_path, {"DOCKER_TLS_VERIFY": "1"}).named("web1").endpoint == TcpEndpoint(
        "web1", 2375
    )


@pytest.mark.parametrize(
    ("options", "environment", "verify"),
    [
        (TlsOptions(), {}, None),
        (TlsOptions(), {"DOCKER_TLS_VERIFY": ""}, None),
        (TlsOptions(), {"DOCKER_TLS": "1"}, False),
        (TlsOptions(), {"DOCKER_TLS_VERIFY": "1"}, True),
        (TlsOptions(), {"DOCKER_TLS": "1", "DOCKER_TLS_VERIFY": "0"}, True),
        (TlsOptions(verify=True), {}, True),
        (TlsOptions(ca="/my/ca.pem"), {}, True),
        (TlsOptions(cert="/my/cert.pem", key="/my/key.pem"), {}, True),
    ],
)
def test_tls_is_verified_wherever_it_was_asked_for(
    tmp_path: Path, options: TlsOptions, environment: Mapping[str, str], verify: object
) -> None:
    endpoint = contexts(tmp_path, environment, options).address("tcp://web1").endpoint

    assert isinstance(endpoint, TcpEndpoint)
    assert (endpoint.tls.verify if endpoint.tls else None) == verify


def test_tls_files_come_from_the_options_then_the_certificate_folder(tmp_path: Path) -> None:
    certificates = tmp_path / "certificates"
    certificates.mkdir()
    for name in ("ca.pem", "cert.pem"):
        (certificates / name).touch()
    found = contexts(
        tmp_path,
        {"DOCKER_CERT_PATH": str(certificates)},
        TlsOptions(verify=True, cert="/my/cert.pem"),
    )

    assert found.address("tcp://web1").endpoint == TcpEndpoint(
        "web1", 2376, Tls(f"{certificates}/ca.pem", "/my/cert.pem", "")
    )


def test_certificate_folder_is_the_configuration_folder_by_default(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    found = contexts(tmp_path, tls=TlsOptions(verify=True))

    assert found.address("tcp://web1").endpoint == TcpEndpoint(
        "web1", 2376, Tls(f"{tmp_path}/ca.pem")
    )


def docker(home: Path, environment: Mapping[str, str], *words: str) -> str:
    """Ask the real docker command; "" where it refuses."""
    done = subprocess.run(  # noqa: S603 - the docker command of this machine
        [DOCKER or "docker", *words],
        env={"PATH": os.environ["PATH"], "DOCKER_CONFIG": str(home), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout.strip() if done.returncode == 0 else ""


@pytest.mark.skipif(DOCKER is None, reason="there is no docker command to compare with")
@pytest.mark.parametrize("in_file", ["", "file", "default", "nobody"])
@pytest.mark.parametrize("variable", [None, "", "variable", "default", "nobody"])
@pytest.mark.parametrize("host", [None, "", "tcp://fromenv:1"])
@pytest.mark.parametrize("option", ["", "option", "default", "nobody"])
def test_current_context_is_that_of_the_docker_command(
    home: Path, in_file: str, variable: str | None, host: str | None, option: str
) -> None:
    use(home, in_file)
    given_ = {"DOCKER_CONTEXT": variable, "DOCKER_HOST": host}
    environment = {name: value for name, value in given_.items() if value is not None}
    words = ["--context", option] if option else []
    theirs = docker(home, environment, *words, "context", "inspect", "--format", "{{.Name}}")
    try:
        ours = contexts(home, environment).current(context=option).name
    except HullwardError:
        ours = ""

    assert ours == theirs


@pytest.mark.skipif(DOCKER is None, reason="there is no docker command to compare with")
@pytest.mark.parametrize(
    "url",
    ["unix:///a/b.sock", "tcp://web1:1", "ssh://me@web1:22", "ssh://Web1/a.sock", "tcp://[::1]:1"],
)
def test_context_made_by_the_docker_command_is_read(tmp_path: Path, url: str) -> None:
    docker(tmp_path, {}, "context", "create", "web1", "--docker", f"host={url}")
    docker(tmp_path, {}, "context", "use", "web1")
    found = contexts(tmp_path)

    assert found.current() == Target("web1", found.address(url).endpoint)
