"""The uid of a user that is given by name: /etc/passwd of the container, as a tar archive."""

import io
import re
import tarfile

from hullward.model.facts import Container

PASSWD = "/etc/passwd"  # noqa: S105 - a path
_LIMIT = 1024 * 1024


def find(container: Container, archive: bytes, problem: str) -> tuple[int | None, str]:
    """Find the user in the container's /etc/passwd, or say why it cannot be found.

    The engine looks below the mounts of the container, and the archive that it gives is above
    them. Like the engine (moby/sys/user), this takes a uid that is no number for 0.
    """
    if any(m.target == PASSWD or PASSWD.startswith(f"{m.target}/") for m in container.mounts):
        return None, f"a mount hides {PASSWD} of its image"
    if problem:
        return None, f"{PASSWD} of the container: {problem}"
    text, gap = _file(archive)
    if gap:
        return None, f"{PASSWD} of the container {gap}"
    name = container.user.partition(":")[0].encode()
    for line in text.splitlines():
        fields = line.strip().split(b":")
        if fields[0] == name and len(fields) > 1:
            number = fields[2] if len(fields) > 2 else b""  # noqa: PLR2004 - name:password:uid
            return int(number) if re.fullmatch(rb"[+-]?[0-9]{1,10}", number) else 0, ""
    return None, f"{PASSWD} of the container has no user {container.user.partition(':')[0]!r}"


def _file(archive: bytes) -> tuple[bytes, str]:
    """Give the start of the one file of an archive, or what keeps it from being read."""
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as tar:
            member = tar.next()
            if member and member.issym():
                return b"", f"is a link to {member.linkname!r}"
            file = tar.extractfile(member) if member and member.isfile() else None
            return (file.read(_LIMIT), "") if file else (b"", "is no file")
    except (tarfile.TarError, OSError, EOFError, ValueError, RecursionError):
        return b"", "came as a damaged archive"
