"""The one script that asks a host everything: read-only, POSIX sh, each question under a deadline.

It writes a bundle: a line for each question with its name, exit status and answer in base64, so
that no answer can be taken for another one. `hullward audit --show-commands` prints it. Two
questions are asked at a time: the answers of one half are written as they come, those of the other
half are kept until then.
"""

from collections.abc import Sequence

from msgspec import Struct

FORMAT = "hullward-bundle 1"

# The most that one answer may hold, in bytes before base64.
LIMIT = 4_000_000


class Question(Struct, frozen=True):
    """A command of the script; `name` is its key in the bundle, `seconds` its deadline."""

    name: str
    command: str
    seconds: int = 5


_PRELUDE = """\
#!/bin/sh
# Asks what this host allows, for hullward. It reads, and changes nothing.
LC_ALL=C; export LC_ALL
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin; export PATH
unset CDPATH ENV
for program in base64 head timeout tr; do
  command -v $program >/dev/null || { echo "This host has no $program." >&2; exit 9; }
done
ask() { # NAME SECONDS COMMAND
  answer=$( {
    { timeout -k 1 "$2" sh -c "$3" </dev/null 2>/dev/null; echo "$?" >&3; } |
      head -c LIMIT | base64 | tr -d '\\n' >&4
  } 3>&1 )
  printf ' %s %s\\n' "$1" "$answer"
}
exec 4>&1
"""
_BOTH = """\
first &
kept=$(exec 4>&1; second)
wait
[ -z "$kept" ] || printf '%s\\n' "$kept"
echo end
"""


def script(questions: Sequence[Question]) -> str:
    """Write the script that asks these questions."""
    prelude = _PRELUDE.replace("LIMIT", str(LIMIT))
    one, other = (_asked(questions[start::2]) for start in (0, 1))
    return f"{prelude}echo '{FORMAT}'\nfirst() {{\n{one}\n}}\nsecond() {{\n{other}\n}}\n{_BOTH}"


def _asked(questions: Sequence[Question]) -> str:
    lines = (f"ask {q.name} {q.seconds} {_quoted(q.command)}" for q in questions)
    return "\n".join(lines) or ":"


def _quoted(command: str) -> str:
    return "'" + command.replace("'", "'\\''") + "'"
