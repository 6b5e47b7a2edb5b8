import pytest

from hullward.host.login import Login, heard

DONE = 'Authenticated to web1 ([192.0.2.7]:22) using "publickey".\nTransferred: sent 1 bytes\n'


def test_a_login_by_key_names_the_user_below_what_the_shell_says() -> None:
    assert heard(0, "Welcome!\nann\n", f"Warning: x\n{DONE}") == Login("ann")
    assert heard(0, "ann\n", 'Authenticated to web1 (via proxy) using "publickey".\n') == Login(
        "ann"
    )


@pytest.mark.parametrize(
    ("status", "said", "words", "why"),
    [
        (0, "ann\n", DONE.replace("publickey", "none"), "the server let in without any proof"),
        (
            255,
            "",
            "ann@web1: Permission denied (publickey).\n",
            "ann@web1: Permission denied (publickey)",
        ),
        (1, "", DONE, "ssh ended with status 1"),
        (255, "", "", "ssh ended with status 255"),
    ],
)
def test_anything_else_is_no_proof(status: int, said: str, words: str, why: str) -> None:
    assert heard(status, said, words) == why
