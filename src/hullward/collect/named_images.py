"""Images by the names that compose files use, with their content, as far as an engine has them."""

from collections.abc import Collection, Iterator, Mapping
from typing import Protocol
from urllib.parse import quote

from msgspec import Struct

from hullward.collect import engine_facts, image_files, wire
from hullward.collect.engine_facts import Answer, decoded
from hullward.model.facts import Engine, Image, Snapshot


class Reader(image_files.Streamer, Protocol):
    """An engine that can be asked, and cannot be changed."""

    def negotiate(self) -> str:
        """Agree on an API version."""

    def get(self, *paths: str) -> Iterator[Answer]:
        """Ask for every path, and get the answers in the same order."""


class Found(Struct, frozen=True):
    """What an engine tells: of itself, of images by name, and why it tells nothing of others."""

    engine: Engine | None
    images: Mapping[str, Image]
    gaps: Mapping[str, str]


def collect(reader: Reader, names: Collection[str]) -> Found:
    """Look at these images; raises HullwardError for an engine that does not answer."""
    api = reader.negotiate()
    gaps: dict[str, str] = {}
    wanted = sorted(set(names))
    paths = (f"/images/{quote(name, safe='/:@')}/json" for name in wanted)
    info, *answers = reader.get("/info", *paths)
    engine = engine_facts.engine(None, info, api, {})
    images: dict[str, Image] = {}
    for name, answer in zip(wanted, answers, strict=True):
        raw = decoded(answer, wire.ImageInspect, name, gaps)
        if raw:
            user = raw.config.user if raw.config else ""
            images[name] = Image(raw.id, user=user)
    look = Snapshot("", images={image.id: image for image in images.values()})
    read = image_files.collect(reader, look).images
    return Found(engine, {name: read[image.id] for name, image in images.items()}, gaps)
