"""What `docker save` gives, in every layout: only the files of the last state count."""

import gzip
import io
import json
import struct
import tarfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hullward.collect import image_export, image_files
from hullward.collect.tar_entries import Budget, Damaged, entries
from hullward.host.engine import Answer
from hullward.model.errors import HullwardError
from hullward.model.facts import Container, FileCapability, Image, ImageFiles, OwnedFile, Snapshot

CAPABILITY = "SCHILY.xattr.security.capability"
NET_RAW = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0)
BPF_ROOTED = struct.pack("<IIIIII", 0x03000000, 0, 0, 1 << 7, 0, 1000)
OLD_CHOWN = struct.pack("<III", 0x01000000, 1, 0)
SU = ImageFiles((OwnedFile("/bin/su", 0),))
NOTHING = ImageFiles()


def member(name: str, mode: int = 0o755, **more: object) -> tuple[tarfile.TarInfo, bytes]:
    """Describe an entry of a layer; `data` are its bytes."""
    info = tarfile.TarInfo(name)
    info.mode = mode
    data = more.pop("data", b"program")
    assert isinstance(data, bytes)
    for key, value in more.items():
        setattr(info, key, value)
    info.size = len(data) if info.isreg() else 0
    return info, data if info.isreg() else b""


def folder(name: str) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, type=tarfile.DIRTYPE)


def capable(name: str, data: bytes, mode: int = 0o755) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, mode, pax_headers={CAPABILITY: data.decode("utf-8", "surrogateescape")})


def tar(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(
        fileobj=buffer, mode="w", format=form, encoding="utf-8", errors="surrogateescape"
    ) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def saved(
    layers: Mapping[str, bytes], order: Sequence[str], *links: tuple[tarfile.TarInfo, bytes]
) -> bytes:
    """Write an archive as `docker save` does, the manifest last."""
    manifest = json.dumps([{"Config": "c.json", "Layers": list(order)}]).encode()
    return tar(
        *(member(name, 0o644, data=data) for name, data in layers.items()),
        *links,
        member("c.json", 0o644, data=b'{"os": "linux"}'),
        member("manifest.json", 0o644, data=manifest),
        member("oci-layout", 0o644, data=b'{"imageLayoutVersion": "1.0.0"}'),
    )


def image(*layers: bytes) -> bytes:
    """Write an archive of layers, the lowest first, in another order than that."""
    named = {f"blobs/sha256/{9 - i}": layer for i, layer in enumerate(layers)}
    return saved(dict(sorted(named.items())), list(named))


def parse(archive: bytes) -> ImageFiles:
    return image_files.parse(io.BytesIO(archive))


def su(name: str = "bin/su", **more: object) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, 0o4755, **more)


@pytest.mark.parametrize(
    ("layers", "found"),
    [
        ((tar(su()),), SU),
        ((gzip.compress(tar(su())),), SU),
        ((gzip.compress(tar()) + gzip.compress(b""), tar(su())), SU),
        ((tar(su(), form=tarfile.GNU_FORMAT),), SU),
        ((tar(su(), form=tarfile.USTAR_FORMAT),), SU),
        ((tar(folder("bin/"), su("./bin/su")),), SU),
        ((tar(su("/../../bin/su")),), SU),
        ((bytes(1024), tar(su()), bytes(1024)), SU),
        ((tar(su("bin/su", uid=7)),), ImageFiles((OwnedFile("/bin/su", 7),))),
        ((tar(member("b", 0o2755, gid=42)),), ImageFiles(setgid=(OwnedFile("/b", 42),))),
        (
            (tar(member("b", 0o6755, uid=1, gid=2)),),
            ImageFiles((OwnedFile("/b", 1),), (OwnedFile("/b", 2),)),
        ),
        ((tar(su(), su("bin/" + "x" * 300)),), ImageFiles(
            (OwnedFile("/bin/su", 0), OwnedFile("/bin/" + "x" * 300, 0)))),
        ((tar(su(uid=3_000_000)),), ImageFiles((OwnedFile("/bin/su", 3_000_000),))),
        ((tar(su(uid=3_000_000), form=tarfile.GNU_FORMAT),),
         ImageFiles((OwnedFile("/bin/su", 3_000_000),))),
        ((tar(su(), member("bin/sudo", 0o755, type=tarfile.LNKTYPE, linkname="bin/su")),),
         ImageFiles((OwnedFile("/bin/su", 0), OwnedFile("/bin/sudo", 0)))),
    ],
)  # fmt: skip
def test_programs_that_run_as_their_owner_are_found(
    layers: tuple[bytes, ...], found: ImageFiles
) -> None:
    assert parse(image(*layers)) == found


@pytest.mark.parametrize(
    "layer",
    [
        tar(member("bin/su")),
        tar(member("bin/su", 0o4644)),
        tar(member("lock", 0o2644)),
        tar(member("tmp", 0o7777, type=tarfile.DIRTYPE)),
        tar(member("bin/su", 0o4777, type=tarfile.SYMTYPE, linkname="busybox")),
        tar(capable("ping", NET_RAW, 0o644)),
        tar(su(), member("bin/su")),
        tar(),
    ],
)
def test_what_nobody_can_run_as_another_does_not_count(layer: bytes) -> None:
    assert parse(image(layer)) == NOTHING


@pytest.mark.parametrize(
    "upper",
    [
        tar(member("bin/su")),
        tar(folder("bin"), member("bin/.wh.su", 0)),
        tar(member(".wh.bin", 0)),
        tar(folder("bin"), member("bin/.wh..wh..opq", 0)),
        tar(member(".wh..wh..opq", 0)),
        tar(member("bin", type=tarfile.SYMTYPE, linkname="usr/bin")),
        tar(folder("bin/su")),
        tar(member("bin/su", type=tarfile.SYMTYPE, linkname="busybox")),
    ],
)
def test_what_an_upper_layer_hides_does_not_count(upper: bytes) -> None:
    assert parse(image(tar(su()), upper)) == NOTHING


@pytest.mark.parametrize(
    "upper",
    [
        tar(folder("bin"), member("bin/sh")),
        tar(member("bin/.wh.sudo", 0)),
        tar(member("bin/.wh..wh.plnk", 0)),
        tar(folder("sbin"), member("sbin/.wh..wh..opq", 0)),
        tar(su(), member(".wh.bin", 0)),
        tar(su(), member("bin/.wh..wh..opq", 0)),
    ],
)
def test_what_no_upper_layer_hides_counts(upper: bytes) -> None:
    assert parse(image(tar(su()), upper)) == SU


@pytest.mark.parametrize(
    ("data", "names", "effective"),
    [
        (NET_RAW, ("NET_RAW",), True),
        (BPF_ROOTED, ("BPF",), False),
        (OLD_CHOWN, ("CHOWN",), False),
    ],
)
def test_file_capabilities_are_read(
    data: bytes, names: tuple[str, ...], *, effective: bool
) -> None:
    found = parse(image(tar(capable("bin/ping", data))))

    assert found.capabilities == (FileCapability("/bin/ping", names, effective),)


def test_layers_of_old_engines_are_found_by_name_and_by_link() -> None:
    link = member("b/layer.tar", 0o777, type=tarfile.SYMTYPE, linkname="../a/layer.tar")
    archive = saved({"a/layer.tar": tar(su())}, ["a/layer.tar", "b/layer.tar"], link)

    assert parse(archive) == SU


def header(name: bytes, size: int, kind: bytes = b"0") -> bytes:
    """Write a header as a hostile engine may: of any size."""
    block = bytearray(512)
    block[: len(name)] = name
    block[100:108] = b"0004755\0"
    block[124:136] = b"\x80" + size.to_bytes(11, "big")
    block[148:156] = b" " * 8
    block[156:157] = kind
    block[257:265] = b"ustar\x0000"
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


@pytest.mark.parametrize(
    ("archive", "what"),
    [
        (b"", "it ends before its manifest"),
        (b"\x80" * 512, "header that cannot be read"),
        (b"no tar", "it ends early"),
        (header(b"x", 1 << 70), "header that cannot be read"),
        (header(b"x", 1 << 60), "it ends early"),
        (header(b"x", 1 << 40, b"x") + bytes(2048), "header that is too large"),
        (header(b"x", 1 << 40, b"L") + bytes(2048), "header that is too large"),
        (header(b"x", 5, b"x") + b"9 a=b".ljust(512, b"\0"), "header that cannot be read"),
        (header(b"x", 9, b"x") + b"9 size=-\n".ljust(512, b"\0") + header(b"y", 0),
         "header that cannot be read"),
        (tar(su("x" * 5000)), "a path that is too long"),
        (image(gzip.compress(tar(su()))[:-30]), "it ends early"),
        (image(gzip.compress(tar(su()))[:20] + b"garbage" * 9), "not compressed as it says"),
        (image(tar(capable("ping", b"\x01\x02"))), "file capability"),
        (image(tar(*(su(f"{i}", data=b"") for i in range(10_001)))), "too many setuid programs"),
        (saved({}, ["blobs/sha256/1"]), "a layer of it is missing"),
        (saved({"blobs/sha256/1": b"\x28\xb5\x2f\xfd" * 200}, ["blobs/sha256/1"]), "missing"),
        (saved({"a": tar()}, ["b"], member("b", type=tarfile.SYMTYPE, linkname="b")), "missing"),
        (tar(member("manifest.json", data=b"[]")), "not one of one image"),
        (tar(member("manifest.json", data=b"\xff")), "not one of one image"),
        (tar(member("manifest.json", data=b"[" * 100_000)), "not one of one image"),
    ],
)  # fmt: skip
def test_an_archive_that_cannot_be_read_is_damaged(archive: bytes, what: str) -> None:
    with pytest.raises(Damaged, match=what):
        parse(archive)


class Endless:
    """Gives the same bytes for ever."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, size: int, /) -> bytes:
        return self.data[:size]


def test_an_archive_without_end_is_too_large() -> None:
    with pytest.raises(Damaged, match="too many files"):
        for _ in entries(Endless(header(b"x", 0)), Budget(entries=1000)):
            pass
    with pytest.raises(Damaged, match="too large"):
        for _ in entries(Endless(header(b"x", 1 << 50)), Budget(size=1 << 20)):
            pass
    with pytest.raises(Damaged, match="too many files"):
        for _ in entries(Endless(header(b"x", 0, b"x")), Budget(entries=1000)):
            pass


def test_a_gzip_bomb_is_too_large() -> None:
    squeeze = zlib.compressobj(9, wbits=31)
    bomb = b"".join(squeeze.compress(bytes(1 << 20)) for _ in range(64)) + squeeze.flush()
    start = gzip.compress(header(b"x", 1 << 50))
    budget = Budget(size=1 << 24)

    _, part = next(entries(io.BytesIO(tar(member("l", data=start + bomb))), budget))

    with pytest.raises(Damaged, match="too large"):
        image_files._layer("l", part, budget)  # noqa: SLF001 - with a budget of its own


REAL = image(gzip.compress(tar(su(), capable("ping", NET_RAW))), tar(member("bin/su")))


@given(st.integers(0, len(REAL) - 1))
def test_an_archive_that_is_cut_never_says_less(end: int) -> None:
    try:
        found = parse(REAL[:end])
    except Damaged:
        return

    assert found == parse(REAL)


@given(st.integers(0, len(REAL) - 1), st.binary(min_size=1, max_size=40))
def test_an_archive_with_garbage_in_it_is_read_or_damaged(place: int, garbage: bytes) -> None:
    try:
        found = parse(REAL[:place] + garbage + REAL[place + len(garbage) :])
    except Damaged:
        return

    assert isinstance(found, ImageFiles)


class Engine:
    """An engine that has some images."""

    def __init__(self, archives: Mapping[str, bytes], *changes: bytes) -> None:
        self.archives = archives
        self.changes = list(changes)
        self.streamed: list[str] = []

    def get(self, *paths: str) -> Iterator[Answer]:
        assert paths == ("/containers/c/changes",)
        yield Answer(200, "application/json", self.changes.pop(0))

    @contextmanager
    def stream(self, path: str) -> Iterator[io.BytesIO]:
        self.streamed.append(path)
        archive = self.archives.get(path)
        if archive is None:
            raise HullwardError("It broke.", "Mend it.")
        yield io.BytesIO(archive)


def test_every_image_is_read_and_a_failure_is_a_gap() -> None:
    snapshot = Snapshot("web", images={name: Image(name) for name in ("sha256:a", "b", "c?/")})
    engine = Engine({"/images/sha256:a/get": image(tar(su())), "/images/b/get": b"cut"})

    assert image_files.collect(engine, snapshot).images == {
        "sha256:a": Image("sha256:a", files=SU),
        "b": Image("b", files_gap="the archive of the image cannot be used: it ends early"),
        "c?/": Image("c?/", files_gap="the image could not be read: It broke."),
    }


GET, EXPORT = "/images/i/get", "/containers/c/export"
RUNS = Snapshot(
    "web", containers=(Container("web", id="c", image_id="i"),), images={"i": Image("i")}
)
FLAT = tar(su(), su("made/su"))
MADE = b'[{"Path":"/made","Kind":1},{"Path":"/made/su","Kind":1}]'


def changed(*changes: tuple[str, int]) -> bytes:
    return json.dumps([{"Path": path, "Kind": kind} for path, kind in changes]).encode()


def test_an_image_is_read_through_a_container_that_changed_nothing_of_it() -> None:
    engine = Engine({EXPORT: FLAT}, MADE, MADE)

    assert image_files.collect(engine, RUNS).images == {"i": Image("i", files=SU)}
    assert engine.streamed == [EXPORT]


@pytest.mark.parametrize(
    ("export", "changes"),
    [
        (FLAT, [changed(("/bin/su", 0))]),
        (FLAT, [changed(("/bin", 0))]),
        (FLAT, [changed(("/bin", 0), ("/bin/ping", 2))]),
        (FLAT, [b"{}"]),
        (FLAT, [MADE, changed(("/bin/su", 0))]),
        (FLAT[:700], [MADE]),
        (FLAT[:1024], [MADE]),
        (None, [MADE]),
    ],
)
def test_an_image_is_copied_where_a_container_may_show_something_else(
    export: bytes | None, changes: list[bytes]
) -> None:
    archives = {GET: image(tar(su()))} | ({EXPORT: export} if export else {})
    engine = Engine(archives, *changes)

    assert image_files.collect(engine, RUNS).images == {"i": Image("i", files=SU)}
    assert engine.streamed[-1] == GET


def test_a_container_that_does_not_run_is_not_asked() -> None:
    still = replace(RUNS, containers=(replace(RUNS.containers[0], state="exited"),))
    engine = Engine({GET: image(tar(su()))})

    assert image_files.collect(engine, still).images == {"i": Image("i", files=SU)}


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        (b"null", set()),
        (b"[]", set()),
        (changed(("/a", 0), ("/a/b", 1)), {"/a/b"}),
        (changed(("/a", 0), ("/a/b", 0), ("/a/b/c", 1)), {"/a/b/c"}),
        (changed(("/a", 0)), None),
        (changed(("/a", 0), ("/ab", 1)), None),
        (changed(("/a", 2)), None),
        (changed(("/a", 7)), None),
        (b"[{}]", None),
    ],
)
def test_what_a_container_made_is_told_from_what_it_changed(
    body: bytes, paths: set[str] | None
) -> None:
    assert image_export.made(body) == paths


@given(st.binary() | st.lists(st.tuples(st.text(), st.integers())).map(lambda c: changed(*c)))
def test_no_list_of_changes_breaks_it(body: bytes) -> None:
    found = image_export.made(body)

    assert found is None or isinstance(found, frozenset)


@given(st.integers(0, len(FLAT) - 1))
def test_an_export_that_is_cut_is_copied_or_whole(end: int) -> None:
    engine = Engine({EXPORT: FLAT[:end], GET: image(tar(su()))}, MADE, MADE)

    assert image_files.collect(engine, RUNS).images == {"i": Image("i", files=SU)}
