from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from hullward.model.daemon import Daemon
from hullward.model.facts import Engine, Snapshot
from hullward.model.files import File, Files
from hullward.model.host import Host
from hullward.model.rule import Fail, HostRule, Unknown
from hullward.model.severity import Severity
from hullward.rules import audit_trail, files

KEY, CERT = "/etc/docker/tls/key.pem", "/etc/docker/tls/cert.pem"
TLS = {"tlskey": KEY, "tlscert": CERT, "tlscacert": "/etc/docker/tls/ca.pem"}


def host(*found: File, daemon: Daemon | None = None, **more: object) -> Host:
    known = daemon or Daemon(700, flags={}, settings={})
    files = replace(Files({file.path: file for file in found}), **more)
    return Host(daemon=known, files=files)


def answers(rule: HostRule, host: Host) -> list[Fail | Unknown]:
    snapshot = Snapshot("web", engine=Engine("29", root_directory="/var/lib/docker"), host=host)
    return list(rule.check(host, snapshot))


def fails(found: Iterable[Fail | Unknown]) -> list[tuple[str, Severity | None]]:
    return [(answer.evidence, answer.severity) for answer in found if isinstance(answer, Fail)]


def unit(mode: int, uid: int = 0, gid: int = 0) -> File:
    return File("/lib/systemd/system/docker.service", mode, uid, gid, "u", "g")


@pytest.mark.parametrize("mode", [0o644, 0o600, 0o755, 0o444, 0o640])
def test_a_file_that_only_root_may_change_passes(mode: int) -> None:
    assert answers(files.unit_writable, host(unit(mode))) == []


@pytest.mark.parametrize("mode", [0o622, 0o606, 0o577, 0o666, 0o646, 0o002])
def test_a_file_that_everyone_may_change_fails_whatever_its_number(mode: int) -> None:
    found = fails(answers(files.unit_writable, host(unit(mode))))

    assert [(f"{mode:o}): everyone may change it" in text, grade) for text, grade in found] == [
        (True, None)
    ]


def test_owner_and_group_of_somebody_else_fail() -> None:
    assert fails(answers(files.unit_writable, host(unit(0o644, 1000)))) == [
        ("/lib/systemd/system/docker.service (u:g 644): its owner may change it", None)
    ]
    assert fails(answers(files.unit_writable, host(unit(0o664, 0, 50)))) == [
        ("/lib/systemd/system/docker.service (u:g 664): its group may change it", None)
    ]
    assert fails(answers(files.unit_writable, host(unit(0o664)))) == [
        ("/lib/systemd/system/docker.service (u:g 664): the group root may change it", Severity.LOW)
    ]


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        (files.settings_writable, "/etc/docker/daemon.json"),
        (files.settings_writable, "/etc/docker"),
        (files.settings_writable, "/etc/default/docker"),
        (files.settings_writable, "/etc/sysconfig/docker"),
        (files.settings_writable, "/etc/containerd/config.toml"),
        (files.registry_certificates, "/etc/docker/certs.d/reg:5000/ca.crt"),
        (files.program_writable, "/usr/bin/dockerd"),
        (files.program_writable, "/usr/sbin/runc"),
        (files.unit_writable, "/etc/systemd/system/docker.service.d/mine.conf"),
        (files.unit_writable, "/usr/lib/systemd/system/docker.socket"),
        (files.data_open, "/var/lib/docker"),
        (files.containerd_socket, "/run/containerd/containerd.sock"),
        (files.engine_socket, "/var/run/docker.sock"),
    ],
)
def test_every_kind_of_file_is_judged(rule: HostRule, path: str) -> None:
    kind = "socket" if path.endswith(".sock") else "file"

    assert len(fails(answers(rule, host(File(path, 0o666 & ~0o004, kind=kind))))) == 1
    assert fails(answers(rule, host(File(path, 0o600, kind=kind)))) == []


def test_settings_of_another_path_are_judged_too() -> None:
    daemon = Daemon(700, flags={}, file="/srv/docker.json", settings={})

    found = host(File("/srv/docker.json", 0o666), daemon=daemon)

    assert len(fails(answers(files.settings_writable, found))) == 1


@pytest.mark.parametrize(
    "rule",
    [
        files.unit_writable,
        files.program_writable,
        files.data_open,
        files.engine_socket,
    ],
)
def test_a_file_that_was_not_found_is_unknown(rule: HostRule) -> None:
    assert all(isinstance(answer, Unknown) for answer in answers(rule, host()))
    assert answers(rule, host())


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        (files.unit_writable, "/etc/systemd/system/docker.service"),
        (files.settings_writable, "/etc/docker/daemon.json"),
        (files.data_open, "/var/lib/docker"),
        (files.registry_certificates, "/etc/docker/certs.d/reg/ca.crt"),
        (files.engine_socket, "/run/docker.sock"),
        (files.containerd_socket, "/run/containerd/containerd.sock"),
        (audit_trail.audit_rule, "/etc/docker/daemon.json"),
    ],
)
def test_a_file_that_may_not_be_looked_at_is_unknown(rule: HostRule, path: str) -> None:
    found = answers(rule, host(unseen=(path,), watches=()))

    assert Unknown(f"this login may not look at {path}") in found
    assert fails(found) == []


def test_the_data_folder_may_be_passed_and_not_listed() -> None:
    assert fails(answers(files.data_open, host(File("/var/lib/docker", 0o711)))) == []
    assert fails(answers(files.data_open, host(File("/var/lib/docker", 0o755)))) == [
        ("/var/lib/docker (0:0 755): everyone may list it", Severity.MEDIUM)
    ]


@pytest.mark.parametrize(
    ("mode", "gid", "evidence"),
    [
        (0o644, 0, "everyone may use it"),
        (0o604, 0, "everyone may use it"),
        (0o640, 33, "its group may use it"),
    ],
)
def test_a_key_that_others_may_read_fails(mode: int, gid: int, evidence: str) -> None:
    found = fails(answers(files.tls_key, host(File(KEY, mode, 0, gid), tls=TLS)))

    assert found == [(f"{KEY} (0:{gid} {mode:o}): {evidence}", None)]


def test_a_key_of_root_alone_passes() -> None:
    for mode in (0o400, 0o600):
        assert answers(files.tls_key, host(File(KEY, mode), tls=TLS)) == []


def test_a_key_that_is_configured_and_not_found_is_unknown() -> None:
    found = answers(files.tls_key, host(tls=TLS))

    assert found == [Unknown(f"{KEY} is configured, and was not found")]


def test_tls_without_named_files_is_unknown() -> None:
    daemon = Daemon(700, flags={"tlsverify": ("true",)}, settings={})

    for rule in (files.tls_key, files.tls_certificates):
        assert answers(rule, host(daemon=daemon)) == [
            Unknown("tlsverify is on, and its files are not named: they are in ~/.docker")
        ]
        assert answers(rule, host()) == []


def test_a_client_key_of_a_registry_is_a_secret() -> None:
    path = "/etc/docker/certs.d/reg/client.key"

    assert len(fails(answers(files.registry_certificates, host(File(path, 0o644))))) == 1


def socket(mode: int, uid: int = 0, gid: int = 998, group: str = "docker") -> File:
    return File("/run/docker.sock", mode, uid, gid, "root", group, "socket")


def test_the_socket_is_for_root_and_its_group() -> None:
    custom = Daemon(700, flags={"group": ("wheel",)}, settings={})

    assert answers(files.engine_socket, host(socket(0o660))) == []
    assert answers(files.engine_socket, host(socket(0o600, gid=5, group="x"))) == []
    assert answers(files.engine_socket, host(socket(0o660, gid=0, group="root"))) == []
    assert answers(files.engine_socket, host(socket(0o660, 0, 10, "wheel"), daemon=custom)) == []
    assert fails(answers(files.engine_socket, host(socket(0o666)))) == [
        ("/run/docker.sock (root:docker 666): everyone may write to it", None)
    ]
    assert fails(answers(files.engine_socket, host(socket(0o660, 0, 100, "users")))) == [
        ("/run/docker.sock (root:users 660): its group is root by it", Severity.HIGH)
    ]
    assert len(fails(answers(files.engine_socket, host(socket(0o660, 1000))))) == 1


def test_a_socket_by_two_names_is_said_once() -> None:
    other = File("/var/run/docker.sock", 0o666, kind="socket")

    assert len(fails(answers(files.engine_socket, host(socket(0o666), other)))) == 1


WATCHED = (
    File("/usr/bin/dockerd", 0o755),
    File("/etc/docker/daemon.json", 0o644),
    File("/var/run/docker.sock", 0o660),
    File("/lib/systemd/system/docker.service", 0o644),
    File("/etc/docker/tls/key.pem", 0o600),
)


def test_only_what_is_there_and_unwatched_is_missing() -> None:
    found = answers(audit_trail.audit_rule, host(*WATCHED, watches=("/etc/docker", "/usr/bin")))

    assert fails(found) == [
        (
            "no audit rule watches /lib/systemd/system/docker.service, /run/docker.sock",
            None,
        )
    ]


def test_without_any_audit_rule_all_is_missing() -> None:
    found = fails(answers(audit_trail.audit_rule, host(*WATCHED, watches=())))

    assert found[0][0].startswith("nothing is recorded: no rule watches /etc/docker/daemon.json")


def test_a_watch_of_every_file_passes() -> None:
    assert answers(audit_trail.audit_rule, host(*WATCHED, watches=("/",))) == []


def test_a_like_named_folder_is_no_watch() -> None:
    found = answers(audit_trail.audit_rule, host(WATCHED[1], watches=("/etc/docke",)))

    assert len(fails(found)) == 1


def test_audit_rules_that_could_not_be_read_are_unknown() -> None:
    found = answers(audit_trail.audit_rule, host(*WATCHED, gaps={"watches": "needs root"}))

    assert found == [Unknown("needs root")]
