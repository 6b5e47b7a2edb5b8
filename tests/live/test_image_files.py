"""The content of real images against find, and against what the kernel grants."""

import io
import struct
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hullward.collect import image_files
from hullward.host.deadline import Deadline
from hullward.host.endpoints import UnixEndpoint
from hullward.host.engine import EngineClient
from hullward.host.reader import Access
from hullward.model.facts import Container, FileCapability, Image, ImageFiles, Snapshot
from live_cases import IMAGE, LABEL
from live_engine import LiveEngine

MADE = "hullward-live/files:1"
FILE = "/bin/busybox-raw"
NET_RAW = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0)
STEPS = (
    """
    cp bin/busybox bin/gone; cp bin/busybox bin/mild; cp bin/busybox bin/stays
    mkdir d e; cp bin/busybox d/in; cp bin/busybox e/in; chown 7:8 bin/stays
    chmod 4755 bin/gone bin/mild d/in e/in; chmod 6755 bin/stays; ln bin/stays bin/linked
    """,
    """
    rm bin/gone; chmod 755 bin/mild; rm -r d e; mkdir e
    cp bin/busybox bin/late; chown :9 bin/late; chmod 2755 bin/late
    """,
)


def import_with_capability(engine: LiveEngine, program: bytes) -> None:
    """Make an image of one program, which has a capability of its own."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in ("bin/busybox", FILE):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(program), 0o755
            if name == FILE:
                member.pax_headers = {"SCHILY.xattr.security.capability": NET_RAW.decode()}
            tar.addfile(member, io.BytesIO(program))
    engine.docker("import", "-c", 'CMD ["/bin/busybox", "sh"]', "-", MADE, given=buffer.getvalue())


def commit(engine: LiveEngine, command: str) -> None:
    """Add a layer: what a command leaves behind."""
    shell = (
        "/bin/busybox",
        "sh",
        "-c",
        f"PATH=/bin; busybox --install /bin 2>/dev/null; {command}",
    )
    engine.docker("rm", "-f", "maker")
    engine.docker("run", "--name", "maker", "--label", LABEL, MADE, *shell)
    engine.docker("commit", "maker", MADE)
    engine.docker("rm", "maker")


@pytest.fixture(scope="module")
def files(engine: LiveEngine) -> ImageFiles:
    """Make an image of several layers, and read it."""
    program = engine.home.parent.parent / "pkgs/busybox/bin/busybox"
    import_with_capability(engine, program.read_bytes())
    for step in STEPS:
        commit(engine, step)
    return read(engine, MADE)


def read(engine: LiveEngine, image: str) -> ImageFiles:
    socket = UnixEndpoint(engine.url.removeprefix("unix://"))
    with (
        EngineClient(socket, Deadline(60), Access()) as client,
        client.stream(f"/images/{image}/get") as archive,
    ):
        return image_files.parse(archive)


def found(engine: LiveEngine, kind: str) -> list[tuple[str, int]]:
    """Ask find in a container, and stat for the owner."""
    letter, bit = ("u", 4000) if kind == "setuid" else ("g", 2000)
    script = f"find / -xdev -type f -perm -{bit} -exec stat -c '%n %{letter}' {{}} +"
    said = engine.docker("run", "--rm", MADE, "/bin/busybox", "sh", "-c", script)
    pairs = (line.rsplit(" ", 1) for line in said.splitlines())
    return sorted((name, int(owner)) for name, owner in pairs)


def test_the_image_has_the_programs_that_find_finds(engine: LiveEngine, files: ImageFiles) -> None:
    assert [(file.path, file.owner) for file in files.setuid] == found(engine, "setuid")
    assert [(file.path, file.owner) for file in files.setgid] == found(engine, "setgid")
    assert {file.path for file in files.setuid} == {"/bin/stays", "/bin/linked"}
    assert {file.path for file in files.setgid} == {"/bin/stays", "/bin/linked", "/bin/late"}


def status(engine: LiveEngine, *options: str) -> subprocess.CompletedProcess[str]:
    """Have a user's shell start the program with the capability, which reads its own status."""
    script = f"{FILE} cat /proc/self/status"
    return subprocess.run(  # noqa: S603 - the engine's own command line
        (f"{engine.bin}/docker", "run", "--rm", "-u", "1000", *options, MADE,
         "/bin/busybox", "sh", "-c", script),
        capture_output=True, text=True, check=False, env=engine.env,
    )  # fmt: skip


def test_a_file_capability_is_what_the_kernel_grants(engine: LiveEngine, files: ImageFiles) -> None:
    assert files.capabilities == (FileCapability(FILE, ("NET_RAW",), effective=True),)
    assert f"CapEff:\t{1 << 13:016x}\n" in status(engine).stdout


@pytest.mark.parametrize("options", [(), ("--security-opt", "no-new-privileges")])
def test_the_kernel_starts_no_program_whose_capability_was_dropped(
    engine: LiveEngine, files: ImageFiles, options: tuple[str, ...]
) -> None:
    assert files.capabilities[0].effective
    assert status(engine, "--cap-drop", "NET_RAW", *options).returncode != 0


def test_no_new_privileges_takes_the_capability_away(engine: LiveEngine) -> None:
    said = status(engine, "--security-opt", "no-new-privileges")

    assert said.returncode == 0
    assert f"CapEff:\t{0:016x}\n" in said.stdout


def test_an_image_without_such_programs_has_none(engine: LiveEngine) -> None:
    assert read(engine, IMAGE) == ImageFiles()


@pytest.mark.parametrize(
    ("command", "copied"),
    [
        ("sleep 100", False),
        ("cp bin/busybox bin/mine; chmod 4755 bin/mine; mkdir new; sleep 100", False),
        ("chmod 755 bin/stays; sleep 100", True),
        ("rm bin/late; sleep 100", True),
        ("mv bin/stays bin/moved; sleep 100", True),
        ("ln bin/stays bin/more; sleep 100", None),
    ],
)
def test_an_image_reads_the_same_through_a_container_of_it(
    engine: LiveEngine, files: ImageFiles, command: str, *, copied: bool | None
) -> None:
    shell = ("/bin/busybox", "sh", "-c", f"PATH=/bin; cd /; {command}")
    id_ = engine.docker("run", "-d", "--label", LABEL, MADE, *shell)
    try:
        time.sleep(1)
        image = engine.docker("image", "inspect", "--format", "{{.Id}}", MADE)
        container = Container("made", id=id_, image_id=image)
        look = Snapshot("x", containers=(container,), images={image: Image(image)})
        with Watched(engine) as client:
            found = image_files.collect(client, look).images[image].files
    finally:
        engine.docker("rm", "-f", id_)

    assert found == files
    # overlayfs may show no change of a program that has one name more.
    assert copied is None or client.streamed[-1].endswith("/get" if copied else "/export")


class Watched(EngineClient):
    """A client that keeps what it streamed."""

    def __init__(self, engine: LiveEngine) -> None:
        socket = UnixEndpoint(engine.url.removeprefix("unix://"))
        super().__init__(socket, Deadline(60), Access())
        self.streamed: list[str] = []

    @contextmanager
    def stream(self, path: str) -> Iterator[io.BufferedReader]:
        self.streamed.append(path)
        with super().stream(path) as body:
            yield body


def test_reading_leaves_nothing_at_the_engine(engine: LiveEngine, files: ImageFiles) -> None:
    assert files.setuid
    assert list(Path(engine.home, "data/tmp").glob("docker-export-*")) == []
