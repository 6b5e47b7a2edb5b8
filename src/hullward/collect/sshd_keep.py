"""What a change of sshd needs to know beside what the rules look at."""

import re
from collections.abc import Mapping

from hullward.collect.bundle import Said
from hullward.collect.collector import Question
from hullward.collect.sshd_answer import answer
from hullward.collect.sshd_find import OTHER
from hullward.collect.sshd_script import with_find
from hullward.model.sshd import Keep

# What is added to somebody's known_hosts is a key and nothing else.
_KEY = re.compile(r"[a-z0-9][a-z0-9@.-]{3,80} AAAA[A-Za-z0-9+/]{1,4000}={0,2}")
_SILENT = Said(problem="the collector's answer ends before it")

_ASK = r"""
echo "== person ${SUDO_USER:-$(id -un)}"
powerful
for u in $people; do echo "== admin $u"; done
for a; do printf '== argument %s\n' "$a"; done
for f in /etc/ssh/sshd_config.d/*; do
  [ ! -f "$f" ] || printf '== drop-in %s\n' "${f##*/}"
done
whom=user=OTHERNAME,host=203.0.113.250,addr=203.0.113.250,laddr=127.0.0.1,lport=22
[ -z "$sshd" ] || "$sshd" "$@" -T -C "$whom" 2>/dev/null | lines_of hostkey |
  while read -r f; do
    [ ! -r "$f.pub" ] || echo "== public $f $(head -n 1 "$f.pub" | cut -d ' ' -f 1,2)"
  done
echo '== end'
"""

# Tells the running sshd to read its files anew; it keeps every session.
RELOAD = with_find("""
[ -n "$masters" ] || { echo "no sshd waits for connections"; exit 1; }
for p in $masters; do kill -HUP "$p"; done
""")

QUESTIONS = (Question("sshd-keep", with_find(_ASK), 15),)


def parse(answers: Mapping[str, Said]) -> Keep | str:
    """Read the answer; a string says why it is not known."""
    said = answer(answers.get("sshd-keep", _SILENT))
    person = said.first("person")
    if said.problem or person is None:
        return f"how sshd was started: {said.problem or 'nobody logged in'}"
    arguments = [section.rest for section in said.all("argument")]
    public = {}
    for section in said.all("public"):
        path, key = section.fields(2)
        if _KEY.fullmatch(key):
            public[path] = key
    return Keep(
        person.rest,
        tuple(section.rest for section in said.all("admin")),
        tuple(_without_file(arguments)),
        tuple(section.rest for section in said.all("drop-in")),
        public,
        OTHER,
    )


def _without_file(arguments: list[str]) -> list[str]:
    """Leave out the name of the configuration, for which the checks put another one."""
    kept = []
    words = iter(arguments)
    for word in words:
        if word == "-f":
            next(words, "")
        elif not word.startswith("-f"):
            kept.append(word)
    return kept
