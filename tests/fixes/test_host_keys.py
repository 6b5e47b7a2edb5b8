import hmac
from base64 import b64encode

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


def added(text: str, name: str = "web1") -> str:
    return pins(text, name, SERVER, KEEP)


def hashed(name: str, salt: bytes = b"salt") -> str:
    digest = hmac.digest(salt, name.encode(), "sha1")
    return f"|1|{b64encode(salt).decode()}|{b64encode(digest).decode()}"


def test_who_knows_only_the_key_that_goes_gets_the_one_that_stays() -> None:
    assert added(f"Web1,10.0.0.1 {EC} note\n") == f"web1 {ED}\n"
    assert added(f"[web1]:2222 {EC}\n", "[web1]:2222") == f"[web1]:2222 {ED}\n"


def test_a_hashed_name_is_known_and_kept_hashed() -> None:
    token = hashed("web1")

    assert added(f"{token} {EC}\n") == f"{token} {ED}\n"
    assert added(f"{token} {EC}\n{hashed('web1', b'other')} {ED}\n") == ""


def test_who_knows_a_key_that_stays_needs_nothing() -> None:
    assert added(f"web1 {EC}\nweb1 ssh-rsa AAAArsa\n") == ""


def test_a_server_that_claims_the_key_of_another_one_changes_nothing_about_that() -> None:
    assert added(f"bank {EC}\n{hashed('bank')} {EC}\n") == ""


def test_keys_of_other_servers_authorities_and_revoked_ones_are_left_alone() -> None:
    text = f"web1 ecdsa-sha2-nistp256 AAAAother\n@revoked web1 {EC}\n@cert-authority * {EC}\n"

    assert added(f"{text}# web1 {EC}\nweb1\n|1|x {EC}\n|1|?|? {EC}\n|1|a|b|c {EC}\n") == ""


def test_files_that_lack_a_key_are_named() -> None:
    texts = {"/a": f"web1 {EC}\n", "/b": f"web1 {ED}\n", "/c": ""}

    assert list(lacking(texts, "web1", SERVER, KEEP)) == ["/a"]


names = st.sampled_from(["web1", "web1,10.0.0.1", hashed("web1"), hashed("bank"), "@revoked"])
keys = st.sampled_from([ED, EC, "ssh-rsa AAAArsa", "ssh-ed25519 AAAAother", ""])


@given(st.lists(st.tuples(names, keys)))
def test_what_was_added_once_is_enough(entries: list[tuple[str, str]]) -> None:
    text = "".join(f"{name} {key}\n" for name, key in entries)

    assert added(text + added(text)) == ""
