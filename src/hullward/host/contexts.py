"""Which engine is meant, decided as the docker command decides it.

Order (docker/cli, cli/command/cli.go): --host and --context together are an error; then
--context, --host, DOCKER_HOST, DOCKER_CONTEXT, currentContext of config.json, "default". The
context "default" is DOCKER_HOST, or the local socket. An unknown name is an error.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from hullward.host.endpoints import Endpoint, Tls, parse
from hullward.model.errors import HullwardError

LOCAL_SOCKET = "unix:///var/run/docker.sock"


class Target(Struct, frozen=True):
    """What the user named, and where it is."""

    name: str
    endpoint: Endpoint


class TlsOptions(Struct, frozen=True):
    """The TLS options of the command line, as docker has them."""

    verify: bool = False
    ca: str = ""
    cert: str = ""
    key: str = ""


class Contexts:
    """The docker command's configuration, read only when asked."""

    def __init__(self, environment: Mapping[str, str], tls: TlsOptions | None = None) -> None:
        """Take the environment, which names the configuration folder, and the TLS options."""
        self._env = environment
        self._tls = tls or TlsOptions()
        home = environment.get("HOME") or os.path.expanduser("~")  # noqa: PTH111 - never raises
        self._config = Path(environment.get("DOCKER_CONFIG") or Path(home, ".docker"))
        self._certs = Path(environment.get("DOCKER_CERT_PATH") or self._config)

    def current(self, *, host: str = "", context: str = "") -> Target:
        """Resolve what `docker` itself would talk to."""
        if host and context:
            raise HullwardError(
                "--host and --context were both given.", "Keep one; docker refuses this as well."
            )
        if context:
            return self.named(context)
        if host:
            return self.address(host)
        if self._env.get("DOCKER_HOST"):
            return self.named("default")
        name = self._env.get("DOCKER_CONTEXT") or self._configured()
        return self.named(name or "default")

    def resolve(self, word: str) -> Target:
        """Resolve one TARGET: an address, or the name of a context."""
        return self.address(word) if "://" in word else self.named(word)

    def address(self, url: str) -> Target:
        """Take an address with the TLS settings of the options and the environment."""
        return Target(url, parse(url, self._default_tls()))

    def named(self, name: str) -> Target:
        """Look a context up; raises HullwardError when there is none of that name."""
        if name == "default":
            url = self._env.get("DOCKER_HOST") or LOCAL_SOCKET
            return Target("default", parse(url, self._default_tls()))
        digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()
        path = self._config / "contexts" / "meta" / digest / "meta.json"
        if not _exists(path):
            raise HullwardError(
                f"There is no docker context {name!r}.",
                "`docker context ls` lists them; an address needs its scheme, as in ssh://host.",
            )
        return self._target(name, path)

    def everything(self) -> tuple[Target, ...]:
        """List every context, "default" first, then by name."""
        folder = self._config / "contexts" / "meta"
        try:
            paths = [entry / "meta.json" for entry in folder.iterdir()]
        except FileNotFoundError:
            paths = []
        except OSError as error:
            raise HullwardError(
                f"{folder} cannot be read: {error.strerror}.", "Check its permissions."
            ) from error
        found = []
        for path in filter(_exists, paths):
            name = _object(path).get("Name")
            found.append(self._target(name if isinstance(name, str) else "", path))
        return (self.named("default"), *sorted(found, key=lambda target: target.name))

    def _configured(self) -> str:
        path = self._config / "config.json"
        if not _exists(path):
            return ""
        name = _object(path).get("currentContext", "")
        if not isinstance(name, str):
            raise HullwardError(
                f"currentContext in {path} is not a name.", "`docker context use NAME` mends it."
            )
        return name

    def _target(self, name: str, path: Path) -> Target:
        damaged = HullwardError(
            f"The docker context {name!r} names no engine ({path}).",
            f"`docker context inspect {name}` shows it; remove and create it anew.",
        )
        endpoints = _object(path).get("Endpoints")
        endpoint = endpoints.get("docker") if isinstance(endpoints, dict) else None
        if not isinstance(endpoint, dict):
            raise damaged
        host, skip = endpoint.get("Host"), endpoint.get("SkipTLSVerify", False)
        if not isinstance(host, str) or not host or not isinstance(skip, bool):
            raise damaged
        folder = self._config / "contexts" / "tls" / path.parent.name / "docker"
        return Target(name, parse(host, _stored_tls(folder, skip=skip)))

    def _default_tls(self) -> Tls | None:
        """Give TLS where an option or variable asks for it: DOCKER_TLS alone verifies nothing."""
        given = self._tls
        asked = given.verify or given.ca or given.cert or given.key
        verify = bool(asked or self._env.get("DOCKER_TLS_VERIFY"))
        if not (verify or self._env.get("DOCKER_TLS")):
            return None

        def file(option: str, name: str) -> str:
            path = self._certs / name
            return option or (str(path) if _exists(path) else "")

        return Tls(
            file(given.ca, "ca.pem"),
            file(given.cert, "cert.pem"),
            file(given.key, "key.pem"),
            verify,
        )


def environment() -> Mapping[str, str]:
    """Give the environment of this process."""
    return os.environ


def _stored_tls(folder: Path, *, skip: bool) -> Tls | None:
    files = {name: folder / f"{name}.pem" for name in ("ca", "cert", "key")}
    present = {name: str(path) for name, path in files.items() if _exists(path)}
    return Tls(**present, verify=not skip) if present or skip else None


def _exists(path: Path) -> bool:
    """Whether there is such a file; one that may not be seen is there, so that reading tells."""
    try:
        return path.exists()
    except OSError:
        return True


def _object(path: Path) -> dict[str, object]:
    """Read a JSON object, or raise HullwardError with the path."""
    advice = "Repair or remove the file; `docker context ls` reads it too."
    try:
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise HullwardError(f"{path} cannot be read: {error.strerror}.", advice) from error
    except (ValueError, RecursionError) as error:
        raise HullwardError(f"{path} is not JSON: {error}.", advice) from error
    if not isinstance(value, dict):
        raise HullwardError(f"{path} does not hold a JSON object.", advice)
    return value
