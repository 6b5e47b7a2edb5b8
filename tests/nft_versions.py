"""The nft of several Debian releases, unpacked privately, run in a namespace without a network."""

import os
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
STATE = Path(os.environ.get("HULLWARD_TESTBED", "/var/tmp/hullward-testbed"))  # noqa: S108 - as testbed/
_COMMON = ("nftables", "libjansson4", "libedit2", "libbsd0", "libnftnl11", "libmnl0", "libmd0")
# Each brings its own C library, so that a newer one runs on an older machine.
_WITH_LIBC = ("libc6", "libgmp10", "libtinfo6")
SUITES = {
    "bullseye": ("libnftables1", "libxtables12"),
    "bookworm": ("libnftables1", "libxtables12"),
    "trixie": ("libnftables1", "libxtables12"),
    "sid": ("libnftables1", "libxtables12"),
}


@cache
def nft(suite: str) -> tuple[str, ...]:
    """Give the command of a release's nft, fetched once."""
    words = " ".join((*_COMMON, *_WITH_LIBC, *SUITES[suite]))
    lib = ROOT / "testbed/lib.sh"
    command = f"locked fetch component nft-{suite} {suite} {words} >&2"
    said = subprocess.run(  # noqa: S603 - our own script
        ("/bin/bash", "-c", f". {lib}; state_up; {command}; multiarch"),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    home = STATE / f"pkgs/nft-{suite}"
    folders = [home / top / said for top in ("usr/lib", "lib")]
    loader = next(path for folder in folders for path in folder.glob("ld-linux*.so.*"))
    library = ":".join(map(str, folders))
    return (str(loader), "--library-path", library, str(home / "usr/sbin/nft"))


def alone(*command: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command in a network namespace of its own, which nothing else is in."""
    return subprocess.run(  # noqa: S603 - argument tuples of the tests
        ("/usr/bin/unshare", "--net", *command),
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
