"""A real sudo: without a password, with one, with a wrong one, and one that says no."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sshd_lab import _HASH as HASH  # of "correct horse"
from sshd_lab import STATE

ROOT = Path(__file__).parents[2]
PACKAGE = STATE / "pkgs" / "sudo"
PASSWORD = "correct horse"  # noqa: S105 - of the lab
_FETCH = """
. testbed/lib.sh
state_up
locked fetch component sudo bookworm sudo
"""
_SETUP = """
set -e
umask 022
mount -t tmpfs lab /mnt
for d in etc usr run; do mkdir -p /mnt/$d/up /mnt/$d/work; done
mount -t overlay -o lowerdir=/etc,upperdir=/mnt/etc/up,workdir=/mnt/etc/work overlay /etc
mount -t overlay -o lowerdir=/usr,upperdir=/mnt/usr/up,workdir=/mnt/usr/work overlay /usr
mount -t tmpfs lab /run
cp -a PACKAGE/usr/. /usr/
chown 0:0 /usr/bin/sudo && chmod 4755 /usr/bin/sudo
mkdir -p /etc/sudoers.d
chmod 644 /usr/libexec/sudo/*.so*
printf '%s\\n' 'RULE' >/etc/sudoers
chmod 440 /etc/sudoers
for m in auth account; do echo "$m required pam_unix.so"; done >/etc/pam.d/sudo
echo 'session required pam_permit.so' >>/etc/pam.d/sudo
echo 'plain:x:60023:65534::/:/bin/sh' >>/etc/passwd
echo 'plain:HASH:20000::::::' >>/etc/shadow
# The user may read the Python of whoever runs this; sudo does not hand that on.
exec setpriv --reuid=60023 --regid=65534 --clear-groups --inh-caps=+dac_read_search \\
  --ambient-caps=+dac_read_search "$@"
"""
_ASK = """
import sys
from hullward.host.contexts import Target
from hullward.host.endpoints import UnixEndpoint
from hullward.host.hands import Hands
from hullward.host.reader import Access
from hullward.model.errors import HullwardError
word = sys.argv[1]
given = []
def password():
    given.append(word)
    return word
hands = Hands(Target("x", UnixEndpoint("/x")), Access(20), password if word else None)
try:
    print(hands.run("id -u; tr '\\\\0' ' ' </proc/$PPID/cmdline; env; echo end\\n", 5).out)
except HullwardError as error:
    print(f"{error.what}|{error.advice}")
print(f"asked {len(given)}")
"""

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
    pytest.mark.skipif(not shutil.which("setpriv"), reason="needs setpriv"),
]


@pytest.fixture(scope="module", autouse=True)
def _sudo() -> None:
    """Unpack Debian's sudo; this machine gets none."""
    if not PACKAGE.is_dir():
        subprocess.run(("bash", "-c", _FETCH), cwd=ROOT, check=True)  # noqa: S603, S607


def said(rule: str, password: str = "") -> str:
    """Let an ordinary user ask for root, where sudo has this rule."""
    setup = _SETUP
    for name, value in {"PACKAGE": str(PACKAGE), "RULE": rule, "HASH": HASH}.items():
        setup = setup.replace(name, value)
    enter = ("unshare", "--mount", "--propagation", "private", "sh", "-c", setup, "-")
    done = subprocess.run(  # noqa: S603 - an argument tuple
        (*enter, sys.executable, "-c", _ASK, password),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": str(ROOT / "src")},
    )
    assert not done.returncode, done.stderr
    return done.stdout


def test_a_sudo_that_asks_for_nothing_is_used_as_it_is() -> None:
    out = said("plain ALL=(ALL) NOPASSWD: ALL")

    assert out.startswith("0\n")
    assert "asked 0" in out


def test_a_sudo_that_asks_is_one_clear_line() -> None:
    assert said("plain ALL=(ALL) ALL").startswith(
        "sudo on This machine asks for a password.|Give --ask-become-pass"
    )


def test_the_password_is_given_once_and_stands_nowhere() -> None:
    out = said("plain ALL=(ALL) ALL", PASSWORD)

    assert out.startswith("0\n")
    assert "asked 1" in out
    assert PASSWORD not in out


def test_a_password_that_is_not_asked_for_is_not_given() -> None:
    out = said("plain ALL=(ALL) NOPASSWD: ALL", PASSWORD)

    assert out.startswith("0\n")
    assert "asked 0" in out
    assert PASSWORD not in out


def test_a_wrong_password_is_tried_once() -> None:
    out = said("plain ALL=(ALL) ALL", "wrong")

    assert out.startswith("sudo on This machine does not accept the password.")
    assert "asked 1" in out


def test_a_login_that_may_not_use_sudo_is_told() -> None:
    assert "sudo on This machine refuses" in said("root ALL=(ALL) ALL", PASSWORD)
