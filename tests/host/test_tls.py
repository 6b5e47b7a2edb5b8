import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from fakes import Conversation, attempt, request, sized, talking
from hullward.host.deadline import Deadline
from hullward.host.endpoints import TcpEndpoint, Tls
from hullward.host.engine import EngineClient
from hullward.host.links import place
from hullward.host.reader import Access
from hullward.model.errors import HullwardError

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(OPENSSL is None, reason="openssl makes the certificates")


def openssl(folder: Path, *words: str) -> None:
    subprocess.run(  # noqa: S603 - the openssl of this machine
        [OPENSSL or "openssl", *words], cwd=folder, check=True, capture_output=True
    )


def authority(folder: Path) -> None:
    openssl(
        folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-days", "2", "-subj", "/CN=authority", "-keyout", "ca-key.pem", "-out", "ca.pem",
        "-addext", "keyUsage=critical,keyCertSign,cRLSign",
    )  # fmt: skip


def certificate(folder: Path, name: str, *extensions: str) -> None:
    openssl(
        folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-subj", f"/CN={name}", "-keyout", f"{name}-key.pem", "-out", f"{name}.csr",
    )  # fmt: skip
    known = ("subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid", *extensions)
    (folder / f"{name}.ext").write_text("\n".join(known))
    openssl(
        folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca-key.pem",
        "-CAcreateserial", "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.pem",
    )  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the certificates of an engine and its clients."""
    folder = tmp_path_factory.mktemp("tls")
    authority(folder)
    certificate(folder, "server", "subjectAltName=IP:127.0.0.1", "extendedKeyUsage=serverAuth")
    certificate(folder, "elsewhere", "subjectAltName=DNS:web2", "extendedKeyUsage=serverAuth")
    certificate(folder, "client", "extendedKeyUsage=clientAuth")
    return folder


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with an authority and a client that no engine knows."""
    folder = tmp_path_factory.mktemp("stranger")
    authority(folder)
    certificate(folder, "client", "extendedKeyUsage=clientAuth")
    return folder


@contextmanager
def engine(folder: Path, name: str = "server") -> Iterator[int]:
    """Run an engine that wants a client's certificate, and give its port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(folder / "ca.pem"))
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}-key.pem")
    context.verify_mode = ssl.CERT_REQUIRED

    def conversation(peer: socket.socket) -> None:
        with context.wrap_socket(peer, server_side=True) as secret:
            while request(secret):
                secret.sendall(sized(b"OK"))

    with port(conversation) as number:
        yield number


@contextmanager
def port(conversation: Conversation) -> Iterator[int]:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        stack.enter_context(talking(listener, conversation))
        yield listener.getsockname()[1]


def plain(peer: socket.socket) -> None:
    """Speak HTTP without TLS, and answer all else as Go's server does."""
    start = peer.recv(3)
    if start == b"GET":
        request(peer)
        peer.sendall(sized(b"OK"))
    else:
        peer.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n400 Bad Request")


def tls(folder: Path, client: str = "client", *, verify: bool = True) -> Tls:
    key = folder / f"{client}-key.pem"
    return Tls(str(folder / "ca.pem"), str(folder / f"{client}.pem"), str(key), verify)


def ask(number: int, certificates: Tls | None, seconds: float = 20) -> str:
    """Ask for the API version, and give it, or the error."""
    endpoint = TcpEndpoint("127.0.0.1", number, certificates)
    with EngineClient(endpoint, Deadline(seconds), Access()) as client:
        said = attempt(client.negotiate)
        return said.what if isinstance(said, HullwardError) else said


def refusals(number: int, alert: str) -> set[str]:
    """Write the refusal of a client: the alert is lost when the engine is quick to hang up."""
    hung_up = "it hung up, as for a client whose certificate it rejects"
    return {f"TLS with 127.0.0.1:{number} failed: {why}." for why in (alert, hung_up)}


def test_engine_and_client_that_know_each_other_talk(made: Path) -> None:
    with engine(made) as number:
        assert ask(number, tls(made)) == "1.43"


def test_client_without_a_certificate_is_refused(made: Path) -> None:
    with engine(made) as number:
        said = ask(number, Tls(str(made / "ca.pem")))

    assert said in refusals(number, "tlsv13 alert certificate required")


def test_client_that_the_engine_does_not_know_is_refused(made: Path, stranger: Path) -> None:
    known = tls(stranger)
    unknown = Tls(str(made / "ca.pem"), known.cert, known.key)
    with engine(made) as number:
        said = ask(number, unknown)

    assert said in refusals(number, "tlsv1 alert unknown ca")


def test_engine_of_another_authority_is_refused(made: Path, stranger: Path) -> None:
    with engine(made) as number:
        said = ask(number, tls(stranger))

    assert said.startswith(f"TLS with 127.0.0.1:{number} failed: ")
    assert "certificate" in said


def test_engine_of_another_name_is_refused(made: Path) -> None:
    with engine(made, "elsewhere") as number:
        said = ask(number, tls(made))

    assert "ip address mismatch" in said


def test_verification_is_skipped_only_when_asked(made: Path) -> None:
    with engine(made, "elsewhere") as number:
        assert ask(number, tls(made, verify=False)) == "1.43"


def test_tls_to_a_port_without_it_is_called_so(made: Path) -> None:
    with port(plain) as number:
        said = ask(number, tls(made))

    assert said == f"TLS with 127.0.0.1:{number} failed: it speaks something else there."


def test_no_tls_to_a_port_that_wants_it_is_an_error(made: Path) -> None:
    with engine(made) as number:
        said = ask(number, None)

    assert said.startswith("The engine broke off the conversation (")


def test_engine_that_hangs_in_the_handshake_ends_with_the_deadline(made: Path) -> None:
    def silent(peer: socket.socket) -> None:
        while peer.recv(1000):
            pass

    with port(silent) as number:
        said = ask(number, tls(made), seconds=0.3)

    assert said == "The engine did not answer within 0.3 seconds."


def test_key_of_another_certificate_is_an_error(made: Path) -> None:
    wrong = Tls(str(made / "ca.pem"), str(made / "client.pem"), str(made / "server-key.pem"))

    assert ask(1, wrong).startswith("The TLS certificates cannot be used: ")


@pytest.mark.parametrize("field", ["ca", "cert", "key"])
@pytest.mark.parametrize("content", [None, "", "garbage"])
def test_file_that_holds_no_certificate_is_an_error(
    made: Path, tmp_path: Path, field: str, content: str | None
) -> None:
    files = {"ca": "ca.pem", "cert": "client.pem", "key": "client-key.pem"}
    for name in files.values():
        shutil.copy(made / name, tmp_path)
    bad = tmp_path / files[field]
    bad.unlink()
    if content is not None:
        bad.write_text(content)

    assert ask(1, tls(tmp_path)).startswith("The TLS certificates cannot be used: ")


def test_port_where_nobody_listens_is_an_error(made: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        number = closed.getsockname()[1]

    assert ask(number, tls(made)) == f"127.0.0.1:{number} cannot be reached: Connection refused."


def test_place_with_an_ipv6_address_has_brackets() -> None:
    assert place(TcpEndpoint("::1", 2376)) == "[::1]:2376"
