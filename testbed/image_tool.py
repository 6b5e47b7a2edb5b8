"""Docker images from layer archives, as a `docker load` stream or as a registry of one image."""

import hashlib
import http.server
import io
import json
import sys
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

IMAGES = Path(__file__).with_name("images.json")
SERVICES = Path(__file__).with_name("services.json")
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


class Image:
    """One entry of images.json, with its layers found in a folder."""

    def __init__(self, name: str, spec: dict[str, Any], folder: Path) -> None:
        """Read the digests noted beside the layers."""
        self.name = name
        self.tags: list[str] = spec["tags"]
        self.layers = [folder / f"{layer}.tar" for layer in spec["layers"]]
        self.digests = [layer.with_suffix(".sha256").read_text().strip() for layer in self.layers]
        self.config = self._config(spec["config"], (folder / "arch").read_text().strip())

    def _config(self, config: dict[str, Any], arch: str) -> bytes:
        made = datetime.fromtimestamp(self.layers[-1].stat().st_mtime, UTC).isoformat()
        document = {
            "architecture": arch,
            "os": "linux",
            "created": made,
            "config": {"Env": [PATH], **config},
            "rootfs": {
                "type": "layers",
                "diff_ids": ["sha256:" + digest for digest in self.digests],
            },
            "history": [{"created": made, "created_by": "testbed/images"}] * len(self.layers),
        }
        return json.dumps(document).encode()

    @property
    def manifest(self) -> bytes:
        """The image as a registry describes it."""
        layers = [
            {
                "mediaType": "application/vnd.docker.image.rootfs.diff.tar",
                "size": layer.stat().st_size,
                "digest": "sha256:" + digest,
            }
            for layer, digest in zip(self.layers, self.digests, strict=True)
        ]
        config = {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": len(self.config),
            "digest": "sha256:" + sha256(self.config),
        }
        return json.dumps(
            {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}
        ).encode()


def sha256(data: bytes) -> str:
    """Digest in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def layers(names: list[str]) -> list[str]:
    """Name the layers of the named images, lowest first; of the demo's without a name."""
    specs = _specs(names)
    return list(dict.fromkeys(layer for name in specs for layer in specs[name]["layers"]))


def _specs(names: list[str]) -> dict[str, Any]:
    """Describe the named images, those of the demo without a name."""
    demo = json.loads(IMAGES.read_text())
    known = demo | json.loads(SERVICES.read_text())
    return {name: known[name] for name in names or demo}


def images(folder: Path, names: list[str]) -> list[Image]:
    """Find the named images, those of the demo without a name."""
    return [Image(name, spec, folder) for name, spec in _specs(names).items()]


def save(wanted: list[Image]) -> None:
    """Write the images to standard output as one archive; a shared layer goes in once."""
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as archive:
        written: set[str] = set()
        for image in wanted:
            add(archive, sha256(image.config) + ".json", image.config)
            for layer, digest in zip(image.layers, image.digests, strict=True):
                if digest not in written:
                    archive.add(layer, digest + "/layer.tar")
                    written.add(digest)
        entries = [
            {
                "Config": sha256(image.config) + ".json",
                "RepoTags": image.tags,
                "Layers": [digest + "/layer.tar" for digest in image.digests],
            }
            for image in wanted
        ]
        add(archive, "manifest.json", json.dumps(entries).encode())


def add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    """Put one small file into the archive."""
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))


def registry(image: Image, port: int) -> None:
    """Answer what `docker pull` asks for, with this one image under every name."""
    blobs = dict(zip(image.digests, (layer.read_bytes() for layer in image.layers), strict=True))
    blobs[sha256(image.config)] = image.config

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, _, reference = self.path.rpartition("/")
            if kind.endswith("/manifests"):
                self.reply(image.manifest, MANIFEST)
            elif kind.endswith("/blobs") and reference.removeprefix("sha256:") in blobs:
                self.reply(blobs[reference.removeprefix("sha256:")], "application/octet-stream")
            elif self.path == "/v2/":
                self.reply(b"{}", "application/json")
            else:
                self.send_error(404)

        do_HEAD = do_GET  # noqa: N815

        def reply(self, body: bytes, media_type: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Docker-Content-Digest", "sha256:" + sha256(body))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


def main(command: str, folder: str, *rest: str) -> None:
    """Run one command on the layers in a folder."""
    if command == "save":
        save(images(Path(folder), list(rest)))
    elif command == "layers":
        sys.stdout.write("\n".join(layers(list(rest))) + "\n")
    elif command == "digest":
        sys.stdout.write("sha256:" + sha256(images(Path(folder), [rest[0]])[0].manifest) + "\n")
    elif command == "registry":
        registry(images(Path(folder), [rest[0]])[0], int(rest[1]))


if __name__ == "__main__":
    main(*sys.argv[1:])
