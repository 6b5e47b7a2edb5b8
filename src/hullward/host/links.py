"""One open byte stream to an engine: local socket, TCP, TLS, or the user's own ssh."""

import shlex
import socket
import ssl
import subprocess
import tempfile
from typing import Protocol

from hullward.host.deadline import Deadline
from hullward.host.endpoints import Endpoint, SshEndpoint, TcpEndpoint, Tls, UnixEndpoint
from hullward.host.ssh_errors import explain
from hullward.model.errors import HullwardError

_STDERR_LIMIT = 65536
_GOODBYE_SECONDS = 2


class Link(Protocol):
    """A connected stream; `sock` has the methods of a socket."""

    sock: socket.socket

    def failure(self) -> HullwardError | None:
        """Say why the stream ended, if the link knows better than the reader."""

    def close(self) -> None:
        """End it and free what it holds."""


class SocketLink:
    """A stream that is a plain or TLS socket."""

    def __init__(self, sock: socket.socket) -> None:
        """Own the socket."""
        self.sock = sock

    def failure(self) -> HullwardError | None:
        """Say nothing: a socket knows no more."""
        return None

    def close(self) -> None:
        """Close the socket."""
        self.sock.close()


class SshLink:
    """A stream through the user's own ssh, with all its settings, to docker's dial-stdio."""

    def __init__(self, command: tuple[str, ...], host: str) -> None:
        """Start ssh with one end of a socket pair as its standard input and output."""
        self._host = host
        self.sock, theirs = socket.socketpair()
        # A file, as ssh would wait for the reader of a pipe that is full.
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close
        try:
            with theirs:
                self._process = subprocess.Popen(  # noqa: S603 - an argument tuple, no shell
                    command, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=self._words
                )
        except OSError as error:
            self.sock.close()
            self._words.close()
            raise HullwardError(
                f"The ssh program cannot be run: {error.strerror}.",
                "Install the OpenSSH client, and see that `ssh` is in the PATH.",
            ) from error

    def failure(self) -> HullwardError | None:
        """Explain the end of ssh by its exit status and its last words."""
        try:
            status = self._process.wait(_GOODBYE_SECONDS)
        except subprocess.TimeoutExpired:
            return None
        self._words.seek(0)
        words = self._words.read(_STDERR_LIMIT).decode(errors="replace")
        return explain(self._host, status, words)

    def close(self) -> None:
        """Close the stream and end ssh, by force when it does not go by itself."""
        self.sock.close()
        self._words.close()
        self._process.terminate()
        try:
            self._process.wait(_GOODBYE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class SshOptions(Protocol):
    """How ssh is called beside the address."""

    @property
    def config(self) -> str:
        """A file for `ssh -F`, "" for ssh's own."""

    @property
    def interactive(self) -> bool:
        """Whether ssh may ask the person at the terminal."""


def ssh_options(endpoint: SshEndpoint, deadline: Deadline, options: SshOptions) -> tuple[str, ...]:
    """Compose the ssh call up to the host; nothing of the address can become an option."""
    command = ["ssh", "-T", "-o", f"ConnectTimeout={max(1, int(deadline.remaining()))}"]
    if options.config:
        command += ["-F", options.config]
    if not options.interactive:
        command += ["-o", "BatchMode=yes"]
    if endpoint.user:
        command += ["-l", endpoint.user]
    if endpoint.port:
        command += ["-p", str(endpoint.port)]
    return (*command, "--", endpoint.host)


def ssh_command(endpoint: SshEndpoint, deadline: Deadline, options: SshOptions) -> tuple[str, ...]:
    """Compose the ssh call that leads to the engine; the socket's path is quoted for the shell."""
    docker = ["docker", "system", "dial-stdio"]
    if endpoint.socket:
        docker[1:1] = ["--host", shlex.quote(f"unix://{endpoint.socket}")]
    return (*ssh_options(endpoint, deadline, options), *docker)


def dial(endpoint: Endpoint, deadline: Deadline, options: SshOptions) -> Link:
    """Open a stream to the engine; raises HullwardError with the way to mend it."""
    match endpoint:
        case UnixEndpoint(path):
            return SocketLink(_unix(path, deadline))
        case TcpEndpoint():
            return SocketLink(_tcp(endpoint, deadline))
        case SshEndpoint():
            return SshLink(ssh_command(endpoint, deadline, options), endpoint.host)


def _unix(path: str, deadline: Deadline) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.settimeout(deadline.remaining())
        sock.connect(path)
    except BaseException as error:
        sock.close()
        if not isinstance(error, OSError | ValueError) or isinstance(error, TimeoutError):
            raise
        raise _unusable(path, error) from error
    return sock


def _unusable(path: str, error: Exception) -> HullwardError:
    if isinstance(error, PermissionError):
        return HullwardError(
            f"Permission to use {path} was denied.",
            "Use sudo, or join the group that owns the socket (`sudo usermod -aG docker $USER`, "
            "then log in anew): its members are as powerful as root on this machine.",
        )
    if isinstance(error, FileNotFoundError | ConnectionRefusedError):
        return HullwardError(
            f"No engine listens on {path}.",
            "Start it (`sudo systemctl start docker`), or name another TARGET; "
            "`docker context ls` lists the ones you know.",
        )
    return HullwardError(
        f"{path} cannot be used: {getattr(error, 'strerror', None) or error}.",
        "Check the path of the engine's socket.",
    )


def _tcp(endpoint: TcpEndpoint, deadline: Deadline) -> socket.socket:
    context = _tls_context(endpoint.tls) if endpoint.tls else None
    try:
        plain = socket.create_connection((endpoint.host, endpoint.port), deadline.remaining())
    except TimeoutError:
        raise
    except (OSError, UnicodeError) as error:
        raise HullwardError(
            f"{place(endpoint)} cannot be reached: {getattr(error, 'strerror', None) or error}.",
            "Check the address, and that the engine listens there.",
        ) from error
    if context is None:
        return plain
    try:
        plain.settimeout(deadline.remaining())
        return context.wrap_socket(plain, server_hostname=endpoint.host)
    except BaseException as error:
        plain.close()
        if not isinstance(error, OSError | ValueError) or isinstance(error, TimeoutError):
            raise
        raise tls_failure(endpoint, error) from error


def place(endpoint: TcpEndpoint) -> str:
    """Write a host and port in one word."""
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    return f"{host}:{endpoint.port}"


def tls_failure(endpoint: Endpoint, error: Exception) -> HullwardError:
    """Explain an error of TLS, which may come as late as with the first answer."""
    where = place(endpoint) if isinstance(endpoint, TcpEndpoint) else "the engine"
    reason = str(getattr(error, "verify_message", "") or getattr(error, "reason", "") or error)
    if reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST"}:
        return HullwardError(
            f"TLS with {where} failed: it speaks something else there.",
            "Unset DOCKER_TLS_VERIFY to go without TLS, or name the engine's TLS port.",
        )
    return HullwardError(
        f"TLS with {where} failed: {reason.replace('_', ' ').lower()}.",
        "Check that ca.pem, cert.pem and key.pem (DOCKER_CERT_PATH, or the context's) belong "
        "to this engine.",
    )


def _tls_context(tls: Tls) -> ssl.SSLContext:
    """Load the certificates; raises HullwardError when they cannot be used."""
    try:
        context = ssl.create_default_context(cafile=tls.ca or None)
        if not tls.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if tls.cert or tls.key:
            context.load_cert_chain(tls.cert, tls.key or None)
    except (OSError, ValueError) as error:
        raise HullwardError(
            f"The TLS certificates cannot be used: {error}.",
            "Check the PEM files: ca.pem, cert.pem and key.pem.",
        ) from error
    return context
