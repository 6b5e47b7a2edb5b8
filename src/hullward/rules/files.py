"""Who may change the files that the engine trusts, and who may read its key."""

from posixpath import basename

from hullward.model.facts import Snapshot
from hullward.model.files import File, Files
from hullward.model.host import Host
from hullward.model.rule import Answers, Fail, Unknown, host_rule
from hullward.model.severity import Severity
from hullward.rules import effective, ownership

_CONFIGURED = (
    "/etc/docker", "/etc/docker/daemon.json", "/etc/default/docker", "/etc/sysconfig/docker",
    "/etc/containerd", "/etc/containerd/config.toml",
)  # fmt: skip
_SCRIPTS = ("/etc/init.d/docker", "/etc/conf.d/docker")
_UNITS = (".service", ".socket", ".conf")
_CERTIFICATES = "/etc/docker/certs.d/"
_DATA = ("/var/lib/docker", "/var/lib/containerd")
_GUARD = "docs.docker.com/engine/security/#docker-daemon-attack-surface"


@host_rule(
    id="files-unit-writable",
    title="Others than root may change the engine's units",
    severity=Severity.CRITICAL,
    rationale="systemd runs what a unit says as root; who writes it is root with the next start.",
    remedy="chown root:root FILE && chmod 644 FILE",
    refs=("cis-docker:3.1", "cis-docker:3.2", "cis-docker:3.3", "cis-docker:3.4", "chmod(1)"),
    needs="files",
)
def unit_writable(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for units and their drop-ins that are not root's alone to write."""
    del snapshot
    files = host.files or Files()
    units = [path for path in files.found if _unit(path)]
    if not units:
        yield Unknown("what starts the engine was not found: no unit of systemd, no init script")
    yield from ownership.changeable(files, units)
    yield from ownership.unseen(files, _unit)


def _unit(path: str) -> bool:
    return path in _SCRIPTS or ("/systemd/" in path and path.endswith(_UNITS))


@host_rule(
    id="files-program-writable",
    title="Others than root may change the engine's programs",
    severity=Severity.CRITICAL,
    rationale="dockerd, containerd and runc run as root; who replaces one of them is root.",
    remedy="chown root:root FILE && chmod 755 FILE, and install the package again.",
    refs=("docs.docker.com/engine/install/binaries",),
    needs="files",
)
def program_writable(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for programs of the engine that are not root's alone to write."""
    del snapshot
    files = host.files or Files()
    programs = [path for path, file in files.found.items() if _program(file)]
    if not programs:
        yield Unknown("no program of the engine was found in the usual folders")
    yield from ownership.changeable(files, programs)


def _program(file: File) -> bool:
    return file.kind == "file" and basename(file.path).startswith(("docker", "containerd", "runc"))


@host_rule(
    id="files-settings-writable",
    title="Others than root may change the engine's settings",
    severity=Severity.CRITICAL,
    rationale=(
        "A line in daemon.json or in its start options opens the API to the network or runs a "
        "program of one's own as root."
    ),
    remedy="chown root:root FILE && chmod 644 FILE (755 for a folder)",
    refs=(
        *(f"cis-docker:3.{n}" for n in (5, 6, 17, 18, 19, 20, 21, 22)),
        "docs.docker.com/reference/cli/dockerd/#daemon-configuration-file",
    ),
    needs="files",
)
def settings_writable(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for settings files and their folders that are not root's alone to write."""
    files = host.files or Files()
    named = host.daemon.file if host.daemon and host.daemon.uid == 0 else ""
    paths = {*_CONFIGURED, *([named] if named else ())}
    del snapshot
    yield from ownership.changeable(files, (path for path in files.found if path in paths))
    yield from ownership.unseen(files, lambda path: path in paths)


@host_rule(
    id="files-data-open",
    title="Others than root may look into the engine's data",
    severity=Severity.HIGH,
    rationale=(
        "The data folder holds the files of all containers: setuid programs of images, which any "
        "user of the host could then run, and volumes with their secrets."
    ),
    remedy="chown root:root FOLDER && chmod 710 FOLDER",
    refs=("docs.docker.com/engine/daemon", "chmod(1)"),
    needs="files",
)
def data_open(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for a data folder that others may list or change; passing through it is usual."""
    files = host.files or Files()
    root = snapshot.engine.root_directory if snapshot.engine else ""
    paths = {path for path in (*_DATA, root) if path}
    found = [file for path, file in files.found.items() if path in paths]
    if not found:
        yield Unknown(f"the engine's data folder {root} was not found")
    yield from ownership.changeable(files, (file.path for file in found), _owners(host))
    for file in found:
        if file.mode & ownership.OTHERS_READ:
            yield Fail(f"{ownership.named(file)}: everyone may list it", Severity.MEDIUM)
    yield from ownership.unseen(files, lambda path: path in paths)


@host_rule(
    id="files-registry-certificates",
    title="Others than root may change whom the engine trusts as a registry",
    severity=Severity.HIGH,
    rationale="Who adds an authority there can stand between the engine and its registry.",
    remedy="chown root:root FILE && chmod 444 FILE",
    refs=("cis-docker:3.7", "cis-docker:3.8", "docs.docker.com/engine/security/certificates"),
    needs="files",
)
def registry_certificates(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for certificates that others may change, and for client keys that they may read."""
    del snapshot
    files = host.files or Files()
    paths = [path for path in files.found if path.startswith(_CERTIFICATES)]
    yield from ownership.changeable(files, paths)
    for path in paths:
        if path.endswith(".key"):
            yield from ownership.readable(files.found[path])
    yield from ownership.unseen(files, lambda path: path.startswith(_CERTIFICATES))


@host_rule(
    id="files-tls-certificates",
    title="Others than root may change the engine's TLS certificates",
    severity=Severity.CRITICAL,
    rationale=(
        "Who replaces the authority signs client certificates of one's own, and commands the "
        "engine over TCP; who replaces the certificate cuts off everybody else."
    ),
    remedy="chown root:root FILE && chmod 444 FILE",
    refs=(
        *(f"cis-docker:3.{n}" for n in (9, 10, 11, 12)),
        "docs.docker.com/engine/security/protect-access",
    ),
    needs="files",
)
def tls_certificates(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for the files of tlscacert and tlscert that are not root's alone to write."""
    files = host.files or Files()
    paths = [files.tls[name] for name in ("tlscacert", "tlscert") if name in files.tls]
    if "tlscacert" not in files.tls:
        yield from _elsewhere(host, snapshot)
    yield from ownership.changeable(files, paths)
    yield from ownership.absent(files, paths)


@host_rule(
    id="files-tls-key",
    title="Others than root may read the engine's TLS key",
    severity=Severity.HIGH,
    rationale="With the key anybody on the path poses as the engine, and reads what clients send.",
    remedy="chown root:root FILE && chmod 400 FILE, and make a new key: the old one was open.",
    refs=("cis-docker:3.13", "cis-docker:3.14", "docs.docker.com/engine/security/protect-access"),
    needs="files",
)
def tls_key(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for a key of somebody else, or with any right for group and others."""
    files = host.files or Files()
    path = files.tls.get("tlskey")
    if path is None:
        yield from _elsewhere(host, snapshot)
        return
    yield from ownership.absent(files, [path])
    if path in files.found:
        yield from ownership.readable(files.found[path])
        yield from ownership.changeable(files, [path])


def _elsewhere(host: Host, snapshot: Snapshot) -> Answers:
    """Say that TLS may be on with files that nobody named: those of ~/.docker."""
    for key in ("tls", "tlsverify"):
        found = effective.setting(host, snapshot, key)
        if isinstance(found, Unknown):
            yield found
        elif found and found.value is True:
            yield Unknown(f"{key} is on, and its files are not named: they are in ~/.docker")


@host_rule(
    id="files-engine-socket",
    title="The engine's socket is open to others than its group",
    severity=Severity.CRITICAL,
    rationale="Who may write to the socket starts a privileged container, and so is root.",
    remedy="chown root:docker /run/docker.sock && chmod 660 /run/docker.sock; SocketMode=0660",
    refs=("cis-docker:3.15", "cis-docker:3.16", _GUARD),
    needs="files",
)
def engine_socket(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for a socket that everybody may write to, or of another owner or group."""
    files = host.files or Files()
    sockets = ownership.sockets(files, "docker.sock")
    if not sockets and not (snapshot.engine and snapshot.engine.option("rootless")):
        yield Unknown("no socket of the engine was found")
    set_group = effective.setting(host, snapshot, "group")
    groups = {"docker", set_group.value if isinstance(set_group, effective.Setting) else ""}
    for file in sockets:
        private = file.path.startswith("/run/user/")
        if file.mode & ownership.OTHERS_WRITE:
            yield Fail(f"{ownership.named(file)}: everyone may write to it")
        elif file.uid not in _owners(host) and not private:
            yield Fail(f"{ownership.named(file)}: its owner is root by it")
        elif _group_writes(file) and not private and file.group not in groups:
            yield Fail(f"{ownership.named(file)}: its group is root by it", Severity.HIGH)
    yield from ownership.unseen(files, lambda path: path.endswith("docker.sock"))


def _group_writes(file: File) -> bool:
    return bool(file.mode & ownership.GROUP_WRITE and file.gid)


def _owners(host: Host) -> tuple[int, ...]:
    """Root, and the user of a rootless dockerd."""
    return (0, host.daemon.uid) if host.daemon else (0,)


@host_rule(
    id="files-containerd-socket",
    title="containerd's socket is open to others than root",
    severity=Severity.CRITICAL,
    rationale="containerd starts any program as root for whoever writes to its socket.",
    remedy="chown root:root SOCKET && chmod 660 SOCKET; in config.toml: [grpc] uid = 0, gid = 0",
    refs=("cis-docker:3.23", "cis-docker:3.24", "github.com/containerd/containerd"),
    needs="files",
)
def containerd_socket(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for a socket that others than root may write to."""
    del snapshot
    files = host.files or Files()
    sockets = ownership.sockets(files, "containerd.sock")
    yield from ownership.changeable(files, (file.path for file in sockets), shared=True)
    yield from ownership.unseen(files, lambda path: path.endswith("containerd.sock"))
