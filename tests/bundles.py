"""A bundle that was made by hand, of a host with one container."""

import json
from base64 import b64encode
from collections.abc import Mapping

from fakes import inspected
from hullward.collect import collector
from hullward.collect.bundle import Said

ID = "a" * 64
IMAGE = {"Id": "sha256:" + "d" * 64, "RepoTags": ["shop/web:1"], "Created": "2026-11-01T00:00:00Z"}
ANSWERS = {
    "made": Said("1795867200\n"),
    "engine-version": Said(json.dumps({"Version": "29.6.0", "ApiVersion": "1.51"}) + "\n"),
    "engine-info": Said(json.dumps({"Name": "web1", "SecurityOptions": ["name=seccomp"]}) + "\n"),
    "engine-containers": Said(json.dumps(inspected(ID)) + "\n"),
    "engine-images": Said(json.dumps(IMAGE) + "\n"),
    "engine-volumes": Said(),
    "engine-networks": Said(json.dumps({"Name": "bridge", "Driver": "bridge"}) + "\n"),
}


def written(answers: Mapping[str, Said]) -> bytes:
    lines = [
        f"{b64encode(a.text.encode()).decode()} {name} {a.status}" for name, a in answers.items()
    ]
    return "\n".join([collector.FORMAT, *lines, "end", ""]).encode()
