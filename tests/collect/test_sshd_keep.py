from hypothesis import given
from hypothesis import strategies as st

from hullward.collect import sshd_keep
from hullward.collect.bundle import Said
from hullward.model.sshd import Keep

ANSWER = """\
== person ann
== admin root
== admin ann
== argument -f
== argument /etc/ssh/other
== argument -o
== argument Port 2222
== drop-in 50-cloud-init.conf
== public /etc/ssh/k ssh-ed25519 AAAAC3
== public /etc/ssh/x ssh-ed25519 AAAAC3 *
== end
"""


def parsed(text: str) -> Keep | str:
    return sshd_keep.parse({"sshd-keep": Said(text)})


def test_what_a_change_needs_is_read_and_the_file_is_left_to_its_checks() -> None:
    assert parsed(ANSWER) == Keep(
        "ann",
        ("root", "ann"),
        ("-o", "Port 2222"),
        ("50-cloud-init.conf",),
        {"/etc/ssh/k": "ssh-ed25519 AAAAC3"},
    )


def test_an_answer_that_is_cut_off_is_no_answer() -> None:
    assert isinstance(parsed(ANSWER.replace("== end\n", "")), str)
    assert isinstance(sshd_keep.parse({}), str)


@given(st.lists(st.sampled_from([*ANSWER.splitlines(), "", "x", "== public", "== argument"])))
def test_any_answer_is_read_or_refused(lines: list[str]) -> None:
    assert isinstance(parsed("\n".join(lines) + "\n"), Keep | str)
