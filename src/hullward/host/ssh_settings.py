"""What the user's own ssh would do for a host, by its own word: `ssh -G` (ssh(1))."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from hullward.host.deadline import Deadline
from hullward.host.endpoints import SshEndpoint
from hullward.host.links import SshOptions, ssh_options
from hullward.model.errors import HullwardError

Settings = Mapping[str, str]


def ask(endpoint: SshEndpoint, options: SshOptions) -> Settings:
    """Give every setting, keywords in lower case; raises HullwardError where ssh does not tell."""
    program, *rest = ssh_options(endpoint, Deadline(30), options)
    try:
        done = subprocess.run(  # noqa: S603 - an argument tuple, no shell
            (program, "-G", *rest),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HullwardError(f"ssh does not tell its settings: {error}.", "") from error
    if done.returncode:
        last = (done.stderr.decode(errors="replace").strip().splitlines() or ["no reason"])[-1]
        raise HullwardError(
            f"ssh does not tell its settings: {last}.", f"Try `ssh -G {endpoint.host}`."
        )
    lines = done.stdout.decode(errors="replace").splitlines()
    pairs = (line.partition(" ")[::2] for line in lines)
    return {keyword.lower(): value.strip() for keyword, value in reversed(list(pairs))}


def known_hosts(settings: Settings, kind: str) -> Mapping[str, str]:
    """Read the files of known hosts, "user" or "global"; one that is not there is left out."""
    found = {}
    for word in settings.get(f"{kind}knownhostsfile", "").split():
        path = Path(word).expanduser()
        try:
            if path.is_file():
                found[str(path)] = path.read_bytes().decode(errors="surrogateescape")
        except OSError as error:
            raise HullwardError(f"{path} cannot be read: {error.strerror}.", "") from error
    return found


def looked_up(settings: Settings) -> str:
    """Give the name by which ssh looks a host up in known_hosts (ssh_config(5) HostKeyAlias)."""
    if alias := settings.get("hostkeyalias", ""):
        return alias.lower()
    name, port = settings.get("hostname", "").lower(), settings.get("port", "22")
    return name if port == "22" else f"[{name}]:{port}"


def append(path: str, text: str) -> None:
    """Add lines to a file of known hosts; raises HullwardError where it cannot be written."""
    try:
        with Path(path).open("ab+") as file:
            file.seek(0)
            whole = file.read()
            gap = b"" if not whole or whole.endswith(b"\n") else b"\n"
            file.write(gap + text.encode(errors="surrogateescape"))
    except OSError as error:
        raise HullwardError(f"{path} cannot be written: {error.strerror}.", "") from error


def jumping(
    others: Mapping[str, SshEndpoint], through: SshEndpoint, options: SshOptions
) -> Sequence[str]:
    """Name the hosts that are reached by a jump through this one."""
    settings = ask(through, options)
    mine = {through.host.lower(), settings.get("hostname", through.host).lower()}
    port = settings.get("port", "22")
    found = []
    for name, endpoint in others.items():
        about = ask(endpoint, options)
        hops = [_hop(hop) for hop in about.get("proxyjump", "").split(",") if hop]
        words = about.get("proxycommand", "").replace("@", " ").split()
        jumps = any(_same(hop, mine, port, options) for hop in hops)
        if jumps or any(word.lower() in mine for word in words):
            found.append(name)
    return found


def _hop(text: str) -> SshEndpoint:
    """Read USER@HOST:PORT, or ssh://…, as ProxyJump writes a hop."""
    place = text.strip().removeprefix("ssh://").rpartition("@")[2]
    host, colon, port = place.rpartition(":")
    if place.startswith("["):
        host, colon, port = place[1:].partition("]")[0], ":", place.rpartition("]:")[2]
    if not colon or not port.isdecimal():
        return SshEndpoint(place.strip("[]"))
    return SshEndpoint(host, "", int(port))


def _same(hop: SshEndpoint, names: set[str], port: str, options: SshOptions) -> bool:
    about = ask(hop, options)
    return about.get("hostname", hop.host).lower() in names and about.get("port", "22") == port
