import os
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hullward.collect import bundle, collector, users
from hullward.collect.bundle import Said
from hullward.model.users import Account, ControlSocket, Grant, Users

HOSTS = Path(__file__).parents[1] / "hosts"
NAMES = [question.name for question in users.QUESTIONS]
RECORDED = sorted(path.name for path in HOSTS.iterdir() if path.is_dir())
ACCOUNTS, GRANTS, SOCKETS = (question.command for question in users.QUESTIONS)

WORDS = [
    *("== passwd\n", "== group\n", "== sudo\n", "== doas\n", "== /run/docker.sock\n", "== end\n"),
    *("permit", " as ", "cmd", "root", ":", "0", "acl\n", "read\n", "mask::", "user:a:rw-"),
    *("a ALL=", "NOPASSWD: ", "660|0|0|a|b|/run/docker.sock", "\n", " "),
]


def answers(host: str) -> dict[str, Said]:
    return {path.stem: Said(path.read_text()) for path in (HOSTS / host).glob("*.txt")}


def parsed(said: Mapping[str, Said]) -> Users:
    found = users.parse(said)
    assert isinstance(found, Users)
    return found


def of(host: str) -> Users:
    return parsed(answers(host))


def members(found: Users, name: str) -> tuple[str, ...]:
    group = found.group(name)
    assert group is not None
    return group.members


def run(command: str, *replaced: tuple[str, Path]) -> str:
    for path, to in replaced:
        command = command.replace(path, str(to))
    done = subprocess.run(["sh"], input=command, capture_output=True, check=True, text=True)  # noqa: S607
    return done.stdout


def test_the_docker_group_holds_its_members_and_those_whose_primary_group_it_is() -> None:
    assert members(of("debian12-root"), "docker") == ("alice", "deploy")


def test_a_group_whose_name_only_begins_alike_is_another_group() -> None:
    assert members(of("debian12-root"), "docker-readers") == ("bob",)


def test_members_that_only_a_directory_knows_are_listed() -> None:
    found = of("ubuntu2404-root")

    assert members(found, "docker") == ("erin",)
    assert found.directories == ("sss",)


def test_the_files_and_systemd_are_no_directory() -> None:
    assert of("fedora43-root").directories == ()


def test_nis_entries_in_the_files_are_a_directory() -> None:
    said = "== passwd\nroot:0:0:/bin/sh\n== group\nroot:0:\n== directories\n+\n== listed\n== end\n"

    assert parsed({"users-accounts": Said(said)}).directories == ("NIS",)


def test_people_have_a_number_of_their_own_and_a_shell() -> None:
    found = of("debian12-root").accounts or ()

    assert [account.name for account in found if account.person] == [
        "debian",
        "alice",
        "bob",
        "deploy",
    ]


def test_an_empty_shell_lets_in() -> None:
    assert Account("peggy", 1002, 1002, "").login


def test_grants_of_sudo_and_doas_are_read() -> None:
    assert of("debian12-root").grants == (
        Grant("root", everything=True),
        Grant("%sudo", everything=True),
        Grant("debian", everything=True, no_password=True),
        Grant("deploy", no_password=True),
    )
    assert of("alpine322-root").grants == (
        Grant(":wheel", everything=True, program="doas"),
        Grant("frank", no_password=True, program="doas"),
    )


def test_sudoers_that_only_root_may_read_are_a_gap() -> None:
    assert of("debian13-user").gaps == {
        "grants": "/etc/sudoers, /etc/sudoers.d can be read by root only"
    }


def test_a_socket_is_reachable_if_all_its_folders_may_be_passed() -> None:
    found = {socket.path: socket for socket in of("alpine322-root").sockets or ()}

    assert found["/run/docker.sock"] == ControlSocket(
        "/run/docker.sock", 0o660, 0, 102, "root", "docker"
    )
    assert not found["/run/docker/containerd/containerd.sock"].reachable


def test_an_access_control_list_names_who_may_write() -> None:
    found = {socket.path: socket for socket in of("worst-root").sockets or ()}

    assert found["/run/docker.sock"].acl == ("user:jenkins",)


def test_a_mask_takes_the_right_to_write_away() -> None:
    said = (
        "== /run/docker.sock\n660|0|9|root|docker|/run/docker.sock\n755|0|0|root|root|/run\n"
        "acl\nuser::rw-\nuser:jenkins:rw-\nmask::r--\nother::---\nread\n== end\n"
    )
    found = parsed({"users-sockets": Said(said)}).sockets or ()

    assert [socket.acl for socket in found] == [()]


def test_an_access_control_list_that_nobody_could_read_is_not_an_empty_one() -> None:
    said = (
        "== /run/docker.sock\n660|0|9|root|docker|/run/docker.sock\n755|0|0|root|root|/run\n"
        "acl\n== end\n"
    )
    found = parsed({"users-sockets": Said(said)}).sockets or ()

    assert [socket.acl for socket in found] == [None]


def test_a_socket_whose_folders_are_not_known_is_unread() -> None:
    said = "== /run/docker.sock\n660|0|9|root|docker|/run/docker.sock\n== end\n"
    found = parsed({"users-sockets": Said(said)})

    assert (found.sockets, found.unread) == ((), ("/run/docker.sock",))


def test_a_socket_behind_a_folder_of_root_alone_is_closed_to_all() -> None:
    said = "== /run/docker/x.sock\n700|0|0|root|root|/run/docker\n755|0|0|root|root|/run\n== end\n"
    found = parsed({"users-sockets": Said(said)})

    assert (found.sockets, found.unread) == (
        (ControlSocket("/run/docker/x.sock", 0, reachable=False),),
        (),
    )


def test_a_socket_behind_a_folder_of_some_group_is_unread() -> None:
    said = "== /run/docker/x.sock\n750|0|50|root|ops|/run/docker\n755|0|0|root|root|/run\n== end\n"

    assert parsed({"users-sockets": Said(said)}).unread == ("/run/docker/x.sock",)


def test_a_bound_socket_is_found_wherever_it_is(tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))
        path.chmod(0o666)
        said = run(SOCKETS)
    found = {one.path: one for one in parsed({"users-sockets": Said(said)}).sockets or ()}

    assert (found[str(path)].mode, found[str(path)].uid) == (0o666, os.getuid())
    assert not found[str(path)].reachable  # pytest's folders are closed


def test_no_answer_at_all_is_no_users() -> None:
    assert users.parse(bundle.missing("no ssh", NAMES)) == "the users: no ssh"


def test_a_missing_answer_is_a_gap_with_its_reason() -> None:
    said = answers("rhel9-root") | {"users-sockets": Said(problem="it did not answer in time")}

    assert parsed(said).gaps == {"sockets": "the control sockets: it did not answer in time"}


@given(st.dictionaries(st.sampled_from(NAMES), st.text()))
@settings(deadline=None)
def test_any_text_is_read_without_a_crash(texts: Mapping[str, str]) -> None:
    assert users.parse({name: Said(text) for name, text in texts.items()})


@given(st.lists(st.sampled_from(WORDS)))
@settings(deadline=None)
def test_any_mixture_of_the_words_is_read_without_a_crash(words: list[str]) -> None:
    assert users.parse({name: Said("".join(words)) for name in NAMES})


@pytest.mark.parametrize("host", RECORDED)
def test_a_cut_answer_never_tells_what_the_whole_one_does_not(host: str) -> None:
    whole = of(host)
    for name in NAMES:
        text = answers(host)[name].text
        for end in range(len(text)):
            found = users.parse(answers(host) | {name: Said(text[:end])})
            assert isinstance(found, Users)
            assert found.accounts in {None, whole.accounts}
            assert found.grants in {None, whole.grants}
            assert found.sockets in {None, whole.sockets}
            for group in found.groups or ():
                assert set(group.members) <= set(members(whole, group.name))
            assert found.gaps or found.directories or found == whole


def test_no_password_of_passwd_or_group_leaves_the_host(tmp_path: Path) -> None:
    passwd, group = tmp_path / "passwd", tmp_path / "group"
    passwd.write_text("root:$6$hash:0:0:The Admin:/root:/bin/bash\n+@nis:$1$hash:::::\n")
    group.write_text("docker:$5$hash:999:alice,bob\n")
    said = run(ACCOUNTS, ("/etc/passwd", passwd), ("/etc/group", group))

    assert "hash" not in said
    assert "Admin" not in said
    assert "== passwd\nroot:0:0:/bin/bash\n" in said
    assert "== group\ndocker:999:alice,bob\n" in said


SUDOERS = r"""# NOPASSWD in a comment
Defaults env_reset
Defaults:backup !requiretty
User_Alias OPS = carol, dave
Cmnd_Alias RESTART = /usr/bin/systemctl restart app
root	ALL=(ALL:ALL) ALL
%sudo   ALL=(ALL:ALL) ALL
deploy ALL=(root) NOPASSWD: /usr/bin/docker login -p secret, /bin/ls
mixed ALL = (ALL) ALL, NOPASSWD: /bin/true
OPS web1=(root) NOPASSWD:SETENV: ALL
erin, frank ALL=(ALL) PASSWD: ALL
@includedir /etc/sudoers.d
"""


def test_sudoers_are_cut_down_to_who_and_whether_all(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "sudoers").write_text(SUDOERS)
    (tmp_path / "d" / "90-cloud").write_text("debian ALL=(ALL) NOPASSWD:ALL\n")
    (tmp_path / "d" / "old.bak").write_text("gone ALL=(ALL) NOPASSWD:ALL\n")
    (tmp_path / "d" / "old~").write_text("gone ALL=(ALL) NOPASSWD:ALL\n")
    said = run(GRANTS, ("/etc/sudoers.d", tmp_path / "d"), ("/etc/sudoers", tmp_path / "sudoers"))

    assert "secret" not in said
    assert parsed({"users-grants": Said(said)}).grants == (
        Grant("root", everything=True),
        Grant("%sudo", everything=True),
        Grant("deploy", no_password=True),
        Grant("mixed", everything=True, no_password=True),
        Grant("OPS", everything=True, no_password=True),
        Grant("erin, frank", everything=True),
        Grant("debian", everything=True, no_password=True),
    )


DOAS = """# permit nopass everybody
permit persist :wheel
permit nopass keepenv setenv { TOKEN=secret PATH } alice
permit nopass bob as root cmd /sbin/apk args add secret
permit carol as www
deny dave
"""


def test_doas_conf_is_cut_down_to_who_and_whether_all(tmp_path: Path) -> None:
    (tmp_path / "doas.conf").write_text(DOAS)
    said = run(
        GRANTS, ("/etc/sudoers", tmp_path / "no"), ("/etc/doas.conf", tmp_path / "doas.conf")
    )

    assert "secret" not in said
    assert parsed({"users-grants": Said(said)}).grants == (
        Grant(":wheel", everything=True, program="doas"),
        Grant("alice", everything=True, no_password=True, program="doas"),
        Grant("bob", no_password=True, program="doas"),
        Grant("carol", program="doas"),
    )


def test_this_machine_answers_within_the_same_script() -> None:
    script = collector.script(users.QUESTIONS)
    done = subprocess.run(["sh"], input=script.encode(), capture_output=True, check=True)  # noqa: S607
    found = users.parse(bundle.parse(done.stdout))

    assert isinstance(found, Users)
    assert Account("root", 0, 0) in {Account(a.name, a.uid, a.gid) for a in found.accounts or ()}
