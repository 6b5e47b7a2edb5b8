"""Asks a host and its engine for what userns-remap touches."""

import re
import shlex
from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from hullward.collect.bundle import Said
from hullward.collect.collector import Question
from hullward.collect.engine_facts import Answer, decoded
from hullward.collect.wire import Api, Int
from hullward.model.errors import HullwardError
from hullward.model.remap import Ground, Stock

STOCK = "/system/df"
_SOURCES = 500


def questions(pid: int, root: str, sources: Iterable[str]) -> tuple[Question, ...]:
    """Ask for one dockerd, its data folder, and who owns what containers bind."""
    bound = " ".join(shlex.quote(source) for source in list(sources)[:_SOURCES])
    return (
        Question(
            "remap-daemon",
            f"""\
exe=$(readlink /proc/{pid}/exe); exe=${{exe% (deleted)}}
echo "program $exe"
[ "$(readlink /proc/{pid}/ns/mnt)" != "$(readlink /proc/self/ns/mnt)" ] || echo same
echo "name $(uname -n)"; echo "kernel $(uname -r)"
unit=$(sed -nE 's#^[^:]*:(name=systemd)?:.*/([^/]*\\.service)$#\\2#p' /proc/{pid}/cgroup)
if [ -d /run/systemd/system ]; then
  [ -z "$unit" ] || echo "unit $(echo "$unit" | head -n 1)"
elif command -v rc-service >/dev/null && rc-service -e docker; then echo openrc
elif [ -x /etc/init.d/docker ]; then echo initd
fi
"$exe" --help | sed -nE 's/^ +(-[A-Za-z], )?--([a-z0-9-]+).*/option \\2/p'
root={shlex.quote(root)}
[ ! -r "$root/engine-id" ] || echo "id $(head -c 200 "$root/engine-id")"
echo "free $(df -Pk "$root" | tail -n 1 | sed -E 's/.* ([0-9]+) +[0-9]+% .*/\\1/')"
sed -E 's/^[^:]*:[^:]*:([0-9]+):.*/uid \\1/' /etc/passwd
echo end""",
            20,
        ),
        Question(
            "remap-owners",
            f"for f in {bound or '/'}; do stat -L -c '%u %g %n' -- \"$f\"; done; echo end",
            20,
        ),
    )


def parse(answers: Mapping[str, Said], pid: int) -> Ground:
    """Read the answers; raises HullwardError where the host did not give them."""
    said = answers.get("remap-daemon", Said(problem="the answer of the host ends before it"))
    lines = said.text.splitlines()
    if lines[-1:] != ["end"]:
        raise HullwardError(
            f"The host does not tell of its dockerd: {said.problem or 'the answer is cut off'}.",
            "Nothing was changed.",
        )
    words: dict[str, list[str]] = {}
    for line in lines:
        key, _, value = line.partition(" ")
        words.setdefault(key, []).append(value)
    options = frozenset(words.get("option", []))
    unit = words.get("unit", [""])[0]
    free = words.get("free", [""])[0]
    return Ground(
        pid,
        "same" in words,
        words.get("name", [""])[0],
        words.get("kernel", [""])[0],
        words.get("program", [""])[0],
        _restart(words, unit),
        unit,
        "validate" in options,
        options,
        words.get("id", [""])[0].strip(),
        int(free) * 1024 if free.isdecimal() else None,
        _owners(answers.get("remap-owners", Said()).text),
        frozenset(int(uid) for uid in words.get("uid", []) if uid.isdecimal()),
    )


def _restart(words: Mapping[str, list[str]], unit: str) -> tuple[str, ...]:
    if re.fullmatch(r"[A-Za-z0-9:_.\\@-]+\.service", unit):
        return ("systemctl", "restart", unit)
    if "openrc" in words:
        return ("rc-service", "docker", "restart")
    return ("/etc/init.d/docker", "restart") if "initd" in words else ()


def _owners(text: str) -> Mapping[str, tuple[int, int]]:
    found = re.findall(r"^(\d{1,10}) (\d{1,10}) (/.*)$", text, re.MULTILINE)
    return {path: (int(uid), int(gid)) for uid, gid, path in found}


class _Usage(Api):
    size: Int = -1


class _Image(Api):
    repo_tags: list[str] | None = None
    id: str = ""
    size: Int = 0


class _Volume(Api):
    name: str = ""
    driver: str = "local"
    usage_data: _Usage | None = None


class _Stock(Api):
    layers_size: Int = 0
    images: list[_Image] | None = None
    volumes: list[_Volume] | None = None


class About(Struct):
    """What of /info an audit does not keep."""

    id: str = field(name="ID", default="")
    architecture: str = field(name="Architecture", default="")


def stock(answer: Answer) -> Stock:
    """Read /system/df; what it does not say is unknown, not nothing."""
    found = decoded(answer, _Stock, "system/df", {})
    if found is None:
        return Stock()
    images = {(i.repo_tags or [i.id[:19]])[0]: i.size for i in found.images or ()}
    volumes = {v.name: v.usage_data.size if v.usage_data else -1 for v in found.volumes or ()}
    drivers = {volume.name: volume.driver for volume in found.volumes or ()}
    return Stock(found.layers_size, images, volumes, drivers)


def about(answer: Answer) -> About:
    """Read /info; raises HullwardError where the engine does not give it."""
    gaps: dict[str, str] = {}
    found = decoded(answer, About, "info", gaps)
    if found is None:
        raise HullwardError(
            f"The engine does not tell of itself: {gaps['info']}.", "Nothing was changed."
        )
    return found
