"""The files of `profiles/`: what images need, and whether that is meant for a service."""

import tomllib
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

import msgspec

from hullward.model import capabilities
from hullward.model.errors import HullwardError
from hullward.model.needs import Fit, Invocation, Needs

_FORM = "src/hullward/profiles/README.md says how such a file is written."
_PORT_START = "net.ipv4.ip_unprivileged_port_start"


def file_name(image: str) -> str:
    """Give the name of the file that describes an image, whatever its tag."""
    repository = split(image)[0]
    return (
        repository.removeprefix("docker.io/").removeprefix("library/").replace("/", "-") + ".toml"
    )


def split(image: str) -> tuple[str, str]:
    """Split a reference into repository, with its registry, and tag; "" for none, or a digest.

    As distribution/reference does: a first part with a dot or a colon, or `localhost`, is a
    registry; else it is docker.io, and a name without a slash is one of its library.
    """
    name, _, _ = image.partition("@")
    head, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    repository = head + slash + last
    first, there, _ = repository.partition("/")
    if not there:
        return f"docker.io/library/{repository}", tag
    if first == "index.docker.io":
        repository = "docker.io" + repository[len(first) :]
    elif not ("." in first or ":" in first or first == "localhost"):
        repository = f"docker.io/{repository}"
    return repository, tag


def parse(data: bytes, name: str) -> tuple[Needs, ...]:
    """Read one file: `image`, and a [[needs]] for each way to start it.

    Raises HullwardError for what it cannot mean.
    """
    try:
        value = tomllib.loads(data.decode())
        image = value.pop("image")
        entries = value.pop("needs")
        if value or not isinstance(entries, list):
            raise HullwardError(f"{name}: there are only image and [[needs]] in it.", _FORM)
        found = tuple(
            msgspec.convert({**entry, "image": image}, Needs, strict=False) for entry in entries
        )
    except KeyError as error:
        raise HullwardError(f"{name}: {error} is missing.", _FORM) from error
    except (msgspec.ValidationError, TypeError) as error:
        raise HullwardError(f"{name} cannot be understood: {error}.", _FORM) from error
    except (ValueError, RecursionError) as error:
        raise HullwardError(f"{name} is not TOML: {error}.", _FORM) from error
    for needs in found:
        for fault in _faults(needs):
            raise HullwardError(f"{name}: {fault}.", _FORM)
    return found


def _faults(needs: Needs) -> Iterator[str]:
    if split(needs.image)[0] != needs.image:
        yield f"image must be written as {split(needs.image)[0]!r}"
    if not (needs.tags and needs.invocation.strip() and needs.sources):
        yield "tags, invocation and sources must not be empty"
    for capability in (*needs.capabilities, *needs.tolerated):
        if capabilities.normalise(capability) != capability:
            yield f"{capability!r} is no capability"
    if both := set(needs.capabilities) & set(needs.tolerated):
        yield f"{', '.join(sorted(both))} cannot be needed and tolerated"
    for path in (*needs.tmpfs, *needs.volumes):
        if not path.startswith("/"):
            yield f"{path!r} is no absolute path"


def fitting(known: Iterable[Needs], invocation: Invocation) -> Fit | None:
    """Choose the needs that are nearest to an invocation, with what speaks against them.

    Needs for another image or another user are none at all.
    """
    repository, tag = split(invocation.image)
    fits = [
        Fit(needs, tuple(_doubts(needs, invocation, tag)))
        for needs in known
        if needs.image == repository and invocation.user in {None, needs.user}
    ]
    return min(fits, key=lambda fit: len(fit.doubts), default=None)


def _doubts(needs: Needs, invocation: Invocation, tag: str) -> Iterator[str]:
    if not any(fnmatchcase(tag, pattern) for pattern in needs.tags):
        what = f"is {tag}" if tag else "is not named"
        yield f"it is known of {', '.join(needs.tags)}, and the tag here {what}"
    if invocation.user is None:
        yield "its user is not known"
    for article, name, own, used in (
        ("a", "command", invocation.command, bool(needs.program)),
        ("an", "entrypoint", invocation.entrypoint, False),
    ):
        if own is None:
            yield f"its {name} is not known"
        elif own and not used:
            yield f"it has {article} {name} of its own"
        elif own:
            yield f"its {name} may differ from {' '.join(needs.program)!r}"
    if invocation.host_network is None:
        yield "its network is not known"
    elif invocation.host_network and "NET_BIND_SERVICE" not in needs.kept:
        yield "on the host's network, ports below 1024 take NET_BIND_SERVICE"
    start = invocation.sysctls.get(_PORT_START, "0")
    if start != "0" and _PORT_START not in needs.sysctls:
        yield f"{_PORT_START}={start} makes low ports take NET_BIND_SERVICE"
