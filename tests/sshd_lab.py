"""A real sshd in namespaces of its own: own network, processes, /etc and users, nothing shared."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from hullward.collect import bundle, collector, sshd
from hullward.judge import judge
from hullward.model.facts import Snapshot
from hullward.model.host import Host
from hullward.model.report import Verdict
from hullward.model.rule import Rule
from hullward.model.sshd import Sshd
from hullward.rules import ssh, ssh_server, ssh_state

ROOT = Path(__file__).parents[2]
STATE = Path(os.environ.get("HULLWARD_TESTBED", "/var/tmp/hullward-testbed"))  # noqa: S108 - root's own
PACKAGE = STATE / "pkgs" / "sshd"
RULES = {
    value.id: value
    for module in (ssh, ssh_server, ssh_state)
    for value in vars(module).values()
    if isinstance(value, Rule)
}
INSIDE, OUTSIDE = "10.1.0.5", "198.51.100.7"

# Every account of the lab has the password "correct horse".
_HASH = (
    "$6$hullward$3EP5kTplzKTjXRJ1B7j3duhU762DN2ZZ5ZPvB31VFwGmHQ5GdP4Jv7ZWuuzyv9"
    ".dYwcAWPxYQMJfiJFcrexEG1"
)
_FETCH = """
. testbed/lib.sh
state_up
locked fetch component sshd bookworm openssh-server libwrap0 libnsl2 libtirpc3
"""
_SETUP = """
set -e
umask 022
mount -t tmpfs lab /mnt
mkdir /mnt/up /mnt/work
mount -t overlay -o lowerdir=/etc,upperdir=/mnt/up,workdir=/mnt/work overlay /etc
mount -t tmpfs lab /run
mount -t tmpfs lab /usr/local
mkdir -p /run/sshd /run/homes/bob/.ssh /usr/local/sbin
ip link set lo up
ip addr add INSIDE/32 dev lo
ip addr add OUTSIDE/32 dev lo
rm -rf /etc/ssh/sshd_config /etc/ssh/sshd_config.d /etc/nologin /etc/default/ssh
mkdir -p /etc/ssh/sshd_config.d /etc/ssh/authorized_keys
for account in sshd:60022:/:/usr/sbin/nologin bob:60023:/run/homes/bob:/bin/sh \
  eve:60024:/run/homes:/bin/sh; do
  IFS=: read -r name uid home shell <<END
$account
END
  echo "$name:x:$uid:$uid::$home:$shell" >>/etc/passwd
  echo "$name:x:$uid:" >>/etc/group
  echo "$name:"'HASH'":20000::::::" >>/etc/shadow
done
sed -i '/^docker:/d' /etc/group
echo 'docker:x:60029:bob' >>/etc/group
sed -i 's|^root:[^:]*:|root:HASH:|' /etc/shadow
sed -i 's|^root:x:0:0:[^:]*:[^:]*:|root:x:0:0::/run/homes:|' /etc/passwd
chown -R bob /run/homes/bob
ssh-keygen -q -t ed25519 -N '' -C lab -f /run/id
for name in root bob eve; do cp /run/id.pub "/etc/ssh/authorized_keys/$name"; done
ssh-keygen -q -t ed25519 -N '' -C lab -f /etc/ssh/ssh_host_ed25519_key
printf '#!/bin/sh\\necho "correct horse"\\n' >/run/askpass
cat >/usr/local/sbin/sshd <<'END'
#!/bin/sh
export LD_LIBRARY_PATH=LIBRARIES
exec PACKAGE/usr/sbin/sshd "$@"
END
for module in auth account; do echo "$module required pam_unix.so"; done >/etc/pam.d/sshd
echo 'session required pam_permit.so' >>/etc/pam.d/sshd
chmod 755 /run/askpass /usr/local/sbin/sshd
echo ready
exec sleep 600
"""
HARDENED = """\
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
AuthorizedKeysFile /etc/ssh/authorized_keys/%u
HostKey /etc/ssh/ssh_host_ed25519_key
HostKeyAlgorithms ssh-ed25519
MACs hmac-sha2-256-etm@openssh.com
X11Forwarding no
UsePAM no
"""
MAIN = "/etc/ssh/sshd_config"


@dataclass(frozen=True)
class Lab:
    """The namespaces of one sshd, by the process that holds them."""

    pid: int

    def run(
        self, *command: str, given: str = "", user: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a command beside the sshd."""
        change = ("setpriv", f"--reuid={user}", "--clear-groups") if user else ()
        return subprocess.run(  # noqa: S603 - an argument tuple
            ("nsenter", "-t", str(self.pid), "-n", "-m", "-p", *change, *command),  # noqa: S607
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={
                "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "SSH_ASKPASS": "/run/askpass",
                "SSH_ASKPASS_REQUIRE": "force",
            },
        )

    def write(self, files: Mapping[str, str]) -> None:
        """Write files as an administrator would."""
        for name, text in files.items():
            assert not self.run("sh", "-c", 'cat >"$1"', "-", name, given=text).returncode

    def start(self, *arguments: str) -> None:
        """Start the sshd, and wait until it answers."""
        started = self.run("/usr/local/sbin/sshd", *arguments)
        assert not started.returncode, started.stderr
        self._wait()

    def reload(self) -> None:
        """Tell it to read its files anew."""
        self.run("sh", "-c", "sshd -t && kill -HUP $(cat /run/sshd.pid)")
        time.sleep(0.3)
        self._wait()

    def _wait(self) -> None:
        for _ in range(100):
            said = self.run("ssh-keyscan", "-T", "1", "127.0.0.1")
            if "SSH-2.0" in said.stdout + said.stderr:
                return
            time.sleep(0.05)
        raise AssertionError("sshd does not answer")

    def bundle(self, user: str = "") -> bytes:
        """Run the real collector script."""
        return self.run(
            "sh", "-s", given=collector.script(sshd.QUESTIONS), user=user
        ).stdout.encode()

    def look(self, user: str = "") -> Sshd:
        """Collect and parse."""
        found = sshd.parse(bundle.parse(self.bundle(user)))
        assert isinstance(found, Sshd), found
        return found

    def verdict(self, rule: str) -> Verdict:
        """Collect, and judge by one rule."""
        return verdict(self.look(), rule)

    def offered(self, user: str, source: str = "127.0.0.1") -> tuple[str, ...]:
        """Ask the server which methods it offers: one login that tries none (T9)."""
        said = self._ssh(user, "none", source).stderr
        match = re.search(r"Permission denied \(([^)]*)\)", said)
        assert match, said
        return tuple(match[1].split(","))

    def config(self, folder: Path) -> str:
        """Write an ssh_config by which this machine's ssh reaches the lab, with its key."""
        program = "exec 3<>/dev/tcp/127.0.0.1/22; cat <&3 & cat >&3; kill $!"
        (folder / "id").write_text(self.run("cat", "/run/id").stdout)
        (folder / "id").chmod(0o600)
        (folder / "ssh_config").write_text(
            f"Host lab\n  User bob\n  HostName 127.0.0.1\n  IdentityFile {folder}/id\n"
            "  IdentitiesOnly yes\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n"
            f"  ProxyCommand nsenter -t {self.pid} -n -m bash -c '{program}'\n"
        )
        return str(folder / "ssh_config")

    def logs_in(self, user: str, method: str, source: str = "127.0.0.1") -> bool:
        """Log in for real, by this method only."""
        return self._ssh(user, method, source).stdout == "in\n"

    def _ssh(self, user: str, method: str, source: str) -> subprocess.CompletedProcess[str]:
        options = (
            f"PreferredAuthentications={method}",
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "NumberOfPasswordPrompts=1",
            "IdentitiesOnly=yes",
            "ConnectTimeout=10",
        )
        flags = [word for option in options for word in ("-o", option)]
        where = ("-F", "none", "-i", "/run/id", "-b", source, f"{user}@127.0.0.1")
        return self.run("ssh", *flags, *where, "echo in")


def verdict(found: Sshd, rule: str) -> Verdict:
    """Judge by one rule."""
    snapshot = Snapshot("lab", host=Host(sshd=found))
    return judge(snapshot, [RULES[rule]], [], date(2026, 1, 1)).verdicts[0]


@contextmanager
def lab() -> Iterator[Lab]:
    """Hold the namespaces; all that runs in them ends with them."""
    if not PACKAGE.is_dir():
        subprocess.run(("bash", "-c", _FETCH), cwd=ROOT, check=True)  # noqa: S603, S607
    libraries = [p for p in PACKAGE.glob("**/*-linux-gnu*") if p.is_dir()]
    setup = _SETUP
    for name, value in {
        "LIBRARIES": ":".join(map(str, libraries)),
        "PACKAGE": str(PACKAGE),
        "HASH": _HASH,
        "INSIDE": INSIDE,
        "OUTSIDE": OUTSIDE,
    }.items():
        setup = setup.replace(name, value)
    flags = ("--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
    command = ("unshare", *flags, "--propagation", "private", "sh", "-c", setup)
    with subprocess.Popen(  # noqa: S603 - an argument tuple
        command, stdout=subprocess.PIPE, text=True, env=_clean()
    ) as holder:
        try:
            assert holder.stdout
            assert holder.stdout.readline() == "ready\n"
            children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()
            yield Lab(int(children[0]))
        finally:
            holder.kill()


def _clean() -> Mapping[str, str]:
    return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


@contextmanager
def server(files: Mapping[str, str], arguments: Sequence[str] = ()) -> Iterator[Lab]:
    """Run an sshd on these files."""
    with lab() as made:
        made.write(files)
        made.start(*arguments)
        yield made


def missing() -> str:
    """Name the programs that the lab needs and this machine has not."""
    needed = ("unshare", "nsenter", "setpriv", "ip", "ssh", "ssh-keygen", "ssh-keyscan")
    return ", ".join(name for name in needed if not shutil.which(name))
