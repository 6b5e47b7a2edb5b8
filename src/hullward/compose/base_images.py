"""Base images of which it is known that they set neither a user nor a health check.

Read from the Dockerfiles that the images are built from, all variants for Linux, on 2026-11-24.
"""

from collections.abc import Mapping

from hullward.compose import needs

_GITHUB = "https://github.com/"
_INFO = f"{_GITHUB}docker-library/repo-info/tree/master/repos"

# What each image is built from; none of these files has a USER or a HEALTHCHECK.
_PLAIN: Mapping[str, str] = {
    "alpine": f"{_INFO}/alpine",
    "debian": f"{_GITHUB}debuerreotype/docker-debian-artifacts",
    "eclipse-temurin": f"{_GITHUB}adoptium/containers/tree/d8d18d67a32e",
    "golang": f"{_GITHUB}docker-library/golang/tree/7c8c182bfc19ee3169d0596ae63917d2c7166f94",
    "nginx": f"{_GITHUB}nginx/docker-nginx/tree/0d7f4380c735af5009aa364e27fafecd958fd4fa",
    "node": f"{_GITHUB}nodejs/docker-node/tree/f27d936f7d7ccdeec25cd2de33584c1a841f561d",
    "php": f"{_GITHUB}docker-library/php/tree/445bf414f1d5866f7aef715f1203eae043710070",
    "postgres": f"{_GITHUB}docker-library/postgres/tree/6edb0a8c4def40c371514b34aef9037ec82d9110",
    "python": f"{_GITHUB}docker-library/python/tree/4f07059567fa61c80397126e8063dbbde011b794",
    "ruby": f"{_GITHUB}docker-library/ruby/tree/d55e25ae709885250a4e9718c27a09f1e963ca79",
    "rust": f"{_GITHUB}rust-lang/docker-rust/tree/7668ee290612ac3ac42dbfcbdfae75120263d2c9",
    "ubuntu": f"{_INFO}/ubuntu",
}


def source(reference: str) -> str:
    """Say where one can read that an image sets neither; "" where that is not known of it."""
    repository = needs.split(reference)[0]
    prefix = "docker.io/library/"
    name = repository.removeprefix(prefix) if repository.startswith(prefix) else ""
    return _PLAIN.get(name, "")
