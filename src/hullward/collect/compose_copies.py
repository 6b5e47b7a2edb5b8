"""Copies of the compose files on a host that only ssh reaches; they are read and forgotten.

They may hold secrets, so they are asked for over a connection only, never for a bundle in a file.
"""

import binascii
from base64 import b64decode
from collections.abc import Mapping

from hullward.collect.bundle import Said
from hullward.collect.collector import Question

_END = "end"
_LABEL = '{{.Label "com.docker.compose.project.%s"}}'
_FORMAT = ",".join(
    (_LABEL % "config_files", _LABEL % "environment_file", _LABEL % "working_dir" + "/.env")
)
QUESTION = Question(
    "compose-files",
    # A file that cannot be read is left out, and so is all that is no file.
    f"docker ps -a --filter label=com.docker.compose.project --format '{_FORMAT}' | "
    "tr , '\\n' | sort -u | while IFS= read -r f; do "
    'case $f in /*) [ -f "$f" ] && [ -r "$f" ] || continue; '
    'printf %s "$f" | base64 | tr -d "\\n"; printf " "; '
    'head -c 1000001 <"$f" | base64 | tr -d "\\n"; echo ;; esac; done; echo end',
    10,
)
_LIMIT = 1_000_000


def parse(answers: Mapping[str, Said]) -> Mapping[str, bytes]:
    """Give the files by their paths; none where the answer is not whole."""
    lines = answers.get(QUESTION.name, Said()).text.splitlines()
    if not lines or lines[-1] != _END:
        return {}
    found = {}
    for line in lines[:-1]:
        path, _, content = line.partition(" ")
        try:
            data = b64decode(content, validate=True)
            name = b64decode(path, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError):
            continue
        if len(data) <= _LIMIT:
            found[name] = data
    return found
