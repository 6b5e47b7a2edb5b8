"""Paths that are written in compose files, made absolute as compose does; no file is looked at."""

import re
from collections.abc import Mapping
from posixpath import dirname, isabs, join, normpath

_USERINFO = re.compile(r"//[^/@\s]*@")
_REMOTE = re.compile(r"[a-z][a-z0-9+.-]*://|git@|github\.com/|.*\.git(#.*)?$", re.IGNORECASE)


def remote(path: str) -> bool:
    """Whether compose would fetch it: an address, or a git repository."""
    return bool(_REMOTE.match(path))


def shown(path: str) -> str:
    """Write an address without the user and password in it."""
    return _USERINFO.sub("//…@", path)


def absolute(path: str, base: str, environment: Mapping[str, str]) -> str:
    """Give the path as the engine sees it; `~` is HOME of the environment."""
    if path.startswith("~") and environment.get("HOME"):
        return normpath(environment["HOME"] + "/" + path[1:])
    return path if isabs(path) or not path else normpath(join(base, path))


def folder(path: str) -> str:
    """Give the folder of a file, "." for the one that all starts from."""
    return dirname(path) or "."
