from hypothesis import given
from hypothesis import strategies as st

from hullward.fixes.host_keys import lacking, pins
from hullward.model.sshd import HostKey, Keep, Sshd

ED, EC = "ssh-ed25519 AAAAed", "ecdsa-sha2-nistp256 AAAAec"
SERVER = Sshd(
    host_keys=(
        HostKey("/k/ed", "ed25519", 256),
        HostKey("/k/ec", "ecdsa", 256),
        HostKey("/k/rsa", "rsa", 4096),
    )
)
KEEP = Keep("root", public={"/k/ed": ED, "/k/ec": EC, "/k/rsa": "ssh-rsa AAAArsa"})


def added(text: str) -> str:
    return pins(text, SERVER, KEEP)


def test_every_name_of_the_key_that_goes_gets_the_one_that_stays() -> None:
    assert added(f"web1,10.0.0.1 {EC} note\n[web1]:2222 {EC}\n") == (
        f"web1,10.0.0.1 {ED}\n[web1]:2222 {ED}\n"
    )


def test_who_knows_a_key_that_stays_needs_nothing() -> None:
    assert added(f"web1 {EC}\nweb1 ssh-rsa AAAArsa\n") == ""


def test_keys_of_other_servers_authorities_and_revoked_ones_are_left_alone() -> None:
    text = f"other ecdsa-sha2-nistp256 AAAAother\n@revoked web1 {EC}\n@cert-authority * {EC}\n"

    assert added(f"{text}# web1 {EC}\nweb1\n") == ""


def test_hashed_names_are_copied_where_there_are_fewer_of_what_stays() -> None:
    hashed = f"|1|a=|b= {EC}\n"

    assert added(hashed) == f"|1|a=|b= {ED}\n"
    assert added(f"{hashed}|1|c=|d= {ED}\n") == ""


def test_files_that_lack_a_key_are_named() -> None:
    texts = {"/a": f"web1 {EC}\n", "/b": f"web1 {ED}\n", "/c": ""}

    assert list(lacking(texts, SERVER, KEEP)) == ["/a"]


names = st.sampled_from(["web1", "10.0.0.1", "[web1]:22", "|1|a=|b=", "|1|c=|d=", "@revoked"])
keys = st.sampled_from([ED, EC, "ssh-rsa AAAArsa", "ssh-ed25519 AAAAother", ""])


@given(st.lists(st.tuples(names, keys)))
def test_what_was_added_once_is_enough(entries: list[tuple[str, str]]) -> None:
    text = "".join(f"{name} {key}\n" for name, key in entries)

    assert added(text + added(text)) == ""
