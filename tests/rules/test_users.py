from pathlib import Path

import pytest

from hullward.collect import users as collected
from hullward.collect.bundle import Said
from hullward.model.facts import Snapshot
from hullward.model.host import Host
from hullward.model.rule import Fail, HostRule, Unknown
from hullward.model.severity import Severity
from hullward.model.users import Account, ControlSocket, Grant, Group, Users
from hullward.rules import users

HOSTS = Path(__file__).parents[1] / "hosts"
RULES = (
    users.docker_group,
    users.root_equals,
    users.power_group,
    users.administrators,
    users.sudo_nopasswd,
    users.socket_open,
)
DOCKER_SOCKET = ControlSocket("/run/docker.sock", 0o660, 0, 999, "root", "docker")


def recorded(host: str) -> Users:
    answers = {path.stem: Said(path.read_text()) for path in (HOSTS / host).glob("*.txt")}
    found = collected.parse(answers)
    assert isinstance(found, Users)
    return found


def judged(rule: HostRule, found: Users) -> list[Fail | Unknown]:
    host = Host(users=found)
    return list(rule.check(host, Snapshot("web1", host=host)))


def evidence(rule: HostRule, found: Users) -> list[str]:
    return [answer.evidence for answer in judged(rule, found) if isinstance(answer, Fail)]


def reasons(rule: HostRule, found: Users) -> list[str]:
    return [answer.reason for answer in judged(rule, found) if isinstance(answer, Unknown)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_what_was_not_looked_at_is_unknown(rule: HostRule) -> None:
    gaps = dict.fromkeys(("accounts", "groups", "grants", "sockets"), "nobody looked")

    assert reasons(rule, Users(gaps=gaps))
    assert not evidence(rule, Users(gaps=gaps))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_nothing_is_wrong_on_a_well_kept_host(rule: HostRule) -> None:
    assert judged(rule, recorded("rhel9-root")) == []


def test_every_member_of_the_docker_group_is_named() -> None:
    assert judged(users.docker_group, recorded("debian12-root")) == [
        Fail(
            "group docker: alice, deploy",
            remedy="gpasswd -d alice docker\n"
            "usermod -g GROUP deploy   (its primary group is docker)",
        )
    ]


def test_the_group_that_owns_the_socket_counts_whatever_its_name() -> None:
    found = Users(
        accounts=(),
        groups=(Group("docker", 999, ("alice",)), Group("ops", 50, ("bob",))),
        sockets=(ControlSocket("/run/docker.sock", 0o660, 0, 50, "root", "ops"),),
    )

    assert [
        (a.evidence, a.severity) for a in judged(users.docker_group, found) if isinstance(a, Fail)
    ] == [
        ("group docker: alice (no control socket is of this group now)", Severity.LOW),
        ("group ops: bob", None),
    ]


def test_the_group_of_a_socket_is_a_number_whatever_its_names() -> None:
    found = Users(
        accounts=(),
        groups=(Group("docker", 999, ("alice",)), Group("journal", 999, ("bob",))),
        sockets=(ControlSocket("/run/docker.sock", 0o660, 0, 999, "root", "journal"),),
    )

    assert evidence(users.docker_group, found) == ["group docker: alice", "group journal: bob"]


def test_members_that_a_directory_may_hide_are_unknown() -> None:
    found = recorded("ubuntu2404-root")

    assert evidence(users.docker_group, found) == [
        "group docker: erin (no control socket is of this group now)"
    ]
    assert "sss" in reasons(users.docker_group, found)[0]


def test_an_empty_docker_group_is_a_pass() -> None:
    assert judged(users.docker_group, recorded("fedora43-root")) == []


def test_another_name_for_root_is_found() -> None:
    assert evidence(users.root_equals, recorded("worst-root")) == ["account toor has uid 0"]


def test_another_name_for_root_without_a_shell_is_milder() -> None:
    found = Users(accounts=(Account("halt", 0, 0, "/sbin/halt"),))

    assert [a.severity for a in judged(users.root_equals, found) if isinstance(a, Fail)] == [
        Severity.LOW
    ]


def test_members_of_lxd_and_disk_are_named() -> None:
    assert evidence(users.power_group, recorded("ubuntu2404-root")) == [
        "group lxd (start a container that mounts the host's disk): carol, dave"
    ]
    assert evidence(users.power_group, recorded("worst-root")) == [
        "group disk (read and write every disk): peggy"
    ]


def test_administrators_are_those_of_the_groups_and_of_the_rules() -> None:
    assert evidence(users.administrators, recorded("worst-root")) == [
        "group sudo: mallory",
        "sudo: victor",
    ]
    assert evidence(users.administrators, recorded("alpine322-root")) == ["group wheel: frank"]


def test_rules_that_only_root_may_read_are_unknown() -> None:
    assert judged(users.sudo_nopasswd, recorded("debian13-user")) == [
        Unknown("/etc/sudoers, /etc/sudoers.d can be read by root only")
    ]


def test_commands_without_a_password_are_told() -> None:
    assert evidence(users.sudo_nopasswd, recorded("debian12-root")) == [
        "sudo lets debian run everything without a password",
        "sudo lets deploy run some commands without a password",
    ]


def test_a_socket_for_everybody_is_critical() -> None:
    found = judged(users.socket_open, recorded("worst-root"))

    assert found == [
        Fail(
            "/run/containerd/containerd.sock belongs to mallory (uid 1000)",
            Severity.HIGH,
            "chown root /run/containerd/containerd.sock",
        ),
        Fail(
            "/run/docker.sock has mode 666: everybody on the host may use it",
            None,
            "chmod o-w /run/docker.sock",
        ),
        Fail(
            "the access control list of /run/docker.sock lets user:jenkins use it",
            Severity.HIGH,
            "setfacl -x user:jenkins /run/docker.sock",
        ),
    ]
    assert users.socket_open.severity is Severity.CRITICAL


def test_a_socket_behind_a_closed_folder_is_closed() -> None:
    found = Users(sockets=(ControlSocket("/run/docker/x.sock", 0o666, reachable=False),))

    assert judged(users.socket_open, found) == []


def test_a_rootless_engine_belongs_to_its_user() -> None:
    path = "/run/user/1000/docker.sock"
    found = Users(sockets=(ControlSocket(path, 0o660, 1000, 1000, "alice", "alice"),))

    assert judged(users.socket_open, found) == []


def test_no_socket_at_all_is_unknown() -> None:
    assert judged(users.socket_open, Users(sockets=())) == [
        Unknown("no control socket of an engine is to be seen")
    ]


def test_a_socket_that_could_not_be_looked_at_is_unknown() -> None:
    assert judged(users.socket_open, recorded("debian13-user")) == [
        Unknown("/run/docker/containerd/containerd-debug.sock could not be looked at")
    ]


def test_an_unreadable_access_control_list_is_unknown() -> None:
    found = Users(sockets=(ControlSocket("/run/docker.sock", 0o660, acl=None),))

    assert reasons(users.socket_open, found) == [
        "/run/docker.sock has an access control list, and getfacl is not there"
    ]


def test_the_powerful_are_root_by_uid_group_socket_or_rule() -> None:
    found = Users(
        accounts=(Account("root", 0, 0), Account("toor", 0, 0), Account("eve", 1000, 1000)),
        groups=(
            Group("docker", 999, ("alice",)),
            Group("sudo", 27, ("bob",)),
            Group("ops", 50, ("x",)),
        ),
        grants=(Grant("carol", everything=True), Grant("dave")),
        sockets=(DOCKER_SOCKET, ControlSocket("/run/p.sock", 0o660, 0, 50, "root", "ops")),
    )

    assert users.powerful(found) == {"root", "toor", "alice", "bob", "carol", "x"}
