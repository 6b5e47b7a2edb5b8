import re

from hypothesis import given
from hypothesis import strategies as st

from hullward.collect import daemon, files
from hullward.collect.bundle import Said
from hullward.collect.daemon_settings import MASK
from hullward.model.files import File, Files

FILES = """tls tlskey /etc/docker/tls/key.pem
! /etc/docker/tls/ca.pem
c1b0 0 998 root docker /run/docker.sock
41ed 0 0 root root /etc/docker
8192 0 0 root root /etc/docker/daemon.json
8180 1000 1000 ann ann /etc/docker/tls/key.pem
81a4 0 0 root root /etc/docker/certs.d/reg:5000/ca crt.crt
end
"""
RULES = """status 0
-w /usr/bin/dockerd
-F path=/etc/docker/daemon.json
-F dir=/var/lib/docker/
end
"""


def parsed(text: str = FILES, rules: str = RULES) -> Files:
    found = files.parse({"files": Said(text), "audit-rules": Said(rules)})
    assert isinstance(found, Files)
    return found


def test_owner_and_mode_are_read_as_bits() -> None:
    found = parsed().found

    assert found["/run/docker.sock"] == File(
        "/run/docker.sock", 0o660, 0, 998, "root", "docker", "socket"
    )
    assert found["/etc/docker"].kind == "directory"
    assert found["/etc/docker/daemon.json"].mode == 0o622
    assert found["/etc/docker/certs.d/reg:5000/ca crt.crt"].mode == 0o644


def test_a_path_that_may_not_be_looked_at_is_unseen_and_not_absent() -> None:
    assert parsed().unseen == ("/etc/docker/tls/ca.pem",)
    assert parsed().tls == {"tlskey": "/etc/docker/tls/key.pem"}


def test_watches_of_both_forms_are_read() -> None:
    assert parsed().watches == ("/usr/bin/dockerd", "/etc/docker/daemon.json", "/var/lib/docker")


def test_without_an_audit_program_nothing_is_watched() -> None:
    assert parsed(rules="absent\nend\n").watches == ()


def test_rules_that_were_refused_are_unknown() -> None:
    found = parsed(rules="status 4\nend\n")

    assert found.watches is None
    assert "needs root" in found.gaps["watches"]


def test_a_forged_line_in_a_file_name_changes_no_earlier_file() -> None:
    forged = FILES.replace("end\n", "81a4 0 0 root root /run/docker.sock\nend\n")

    assert parsed(forged).found["/run/docker.sock"].mode == 0o660


def test_the_questions_write_nothing() -> None:
    questions = (*daemon.QUESTIONS, *files.QUESTIONS)
    targets = {
        target
        for question in questions
        for target in re.findall(r">+ *([^ ;|]+)", question.command.replace(MASK, ""))
    }

    assert targets <= {"/dev/null"}


@given(st.integers(0, len(FILES)), st.integers(0, len(RULES)))
def test_a_cut_answer_is_unknown(first: int, second: int) -> None:
    found = files.parse({"files": Said(FILES[:first]), "audit-rules": Said(RULES[:second])})

    if isinstance(found, Files):
        assert first == len(FILES)
        assert found.watches in {None, parsed().watches}


@given(st.text(), st.text())
def test_any_text_is_read_without_a_crash(text: str, rules: str) -> None:
    for middle in (text, FILES.replace("end\n", f"{text}\nend\n")):
        found = files.parse({"files": Said(middle), "audit-rules": Said(f"{rules}\nend")})
        assert isinstance(found, Files | str)


def test_a_missing_answer_is_a_reason() -> None:
    assert isinstance(files.parse({}), str)


def test_a_host_that_has_none_of_the_files_is_no_gap() -> None:
    found = files.parse({"files": Said("end\n"), "audit-rules": Said("absent\nend\n")})

    assert found == Files(watches=())
