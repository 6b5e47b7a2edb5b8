"""A container that does nothing, on an engine that may have no image and no registry.

Its only file is a program of three instructions, written here: it waits for ever. So what the host
shows of its process is a fact about the engine alone.
"""

import io
import struct
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from hullward.host.engine_writer import EngineWriter
from hullward.model.errors import HullwardError

_NAME = "hullward-userns-probe"
_IMAGE = "hullward-probe:userns"
_LOAD = 0x400000

# pause(2), ppoll(2) without descriptors and time where there is none; for ever.
_CODE = {
    "x86_64": (62, bytes.fromhex("b822000000" "0f05" "ebf7")),
    "aarch64": (
        183,
        struct.pack(
            "<8I",
            0xD2800000, 0xD2800001, 0xD2800002, 0xD2800003, 0xD2800004,  # x0 to x4 are 0
            0xD2800928, 0xD4000001, 0x17FFFFF9,  # x8 = 73, svc 0, back to the first
        ),
    ),
}  # fmt: skip


def architectures() -> frozenset[str]:
    """Name those that the program is written for."""
    return frozenset(_CODE)


def program(architecture: str) -> bytes:
    """Write a static ELF program; raises HullwardError for a machine that it does not know."""
    if architecture not in _CODE:
        raise HullwardError(
            f"hullward has no probe program for {architecture or 'this machine'}, so nothing can "
            "be proven.",
            f"It has one for {' and '.join(sorted(_CODE))}.",
        )
    machine, code = _CODE[architecture]
    head, entry = 64 + 56, _LOAD + 64 + 56
    ident = b"\x7fELF" + bytes((2, 1, 1)) + bytes(9)
    elf = struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, entry, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    size = head + len(code)
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, _LOAD, _LOAD, size, size, 0x1000)
    return ident + elf + load + code


@contextmanager
def running(engine: EngineWriter, architecture: str) -> Iterator[int]:
    """Run the container, and give the process id of its root on the host; it leaves no trace."""
    _clean(engine)
    try:
        engine.raw(
            "POST",
            f"/images/create?fromSrc=-&repo={quote(_IMAGE.partition(':')[0])}&tag=userns",
            _archive(program(architecture)),
            "application/x-tar",
            30,
        )
        made = engine.ask(
            "POST",
            f"/containers/create?name={_NAME}",
            {
                "Image": _IMAGE,
                "Entrypoint": ["/pause"],
                "HostConfig": {"NetworkMode": "none", "CapDrop": ["ALL"], "PidsLimit": 16},
            },
        )
        engine.raw("POST", f"/containers/{made['Id']}/start", seconds=30)
        state = engine.ask("GET", f"/containers/{made['Id']}/json")["State"]
        if not state.get("Running") or not state.get("Pid"):
            raise HullwardError("The container that was to prove it does not run.", "")
        yield int(state["Pid"])
    finally:
        _clean(engine)


def _clean(engine: EngineWriter) -> None:
    engine.remove(f"/containers/{_NAME}?force=1&v=1")
    engine.remove(f"/images/{_IMAGE}?force=1")


def _archive(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        member = tarfile.TarInfo("pause")
        member.size, member.mode = len(data), 0o755
        tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()
