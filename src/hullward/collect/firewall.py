"""What filters packets on the host, and what claims to."""

import re
from collections.abc import Iterable, Mapping

from hullward.collect import firewall_managers, iptables_rules, links, nft_rules
from hullward.collect.bundle import Said
from hullward.collect.collector import Question
from hullward.model.firewall import Firewall, Table

_NFT = Question(
    "nft-rules",
    "echo '== tables'; nft list tables; s=$?; echo '== status-tables'; echo $s; "
    "echo '== ruleset'; nft -j list ruleset; s=$?; echo '== status-ruleset'; echo $s",
    10,
)
_IPTABLES = Question(
    "iptables-rules",
    # None of these creates a table: the legacy ones list only what /proc names.
    "echo '== uid'; id -u; for p in iptables ip6tables; do for k in '' -legacy -nft; do "
    'command -v $p$k-save >/dev/null || continue; echo "== $p$k"; $p$k-save; s=$?; '
    'echo "== status-$p$k"; echo $s; done; done; '
    'for f in ip ip6; do echo "== names-$f"; cat /proc/net/${f}_tables_names; s=$?; '
    'echo "== status-names-$f"; echo $s; done',
    10,
)
QUESTIONS: tuple[Question, ...] = (_NFT, _IPTABLES, links.QUESTION, firewall_managers.QUESTION)

_SILENT = Said(problem="the collector's answer ends before it")
_FAMILIES = {"iptables": "ip", "ip6tables": "ip6"}


def parse(answers: Mapping[str, Said]) -> Firewall | str:
    """Read the answers; a string says why nothing is known."""
    said = {q.name: answers.get(q.name, _SILENT) for q in QUESTIONS}
    if all(answer.problem and not answer.text for answer in said.values()):
        return f"the firewall of the host: {said['links'].problem}"
    gaps: dict[str, str] = {}
    tables = _tables(said["nft-rules"], said["iptables-rules"], gaps)
    parts = sections(said["links"].text)
    found = links.parse(parts, tables or ())
    if found is None:
        gaps["links"] = said["links"].problem or "the network interfaces could not be listed"
    managers = firewall_managers.parse(said["firewall-managers"])
    return Firewall(
        tables=tables,
        links=found,
        forwarding=_forwarding(parts),
        units=managers.units,
        ufw=managers.ufw,
        firewalld=managers.firewalld,
        flushing=managers.flushing,
        gaps={**managers.gaps, **gaps},
    )


def sections(text: str) -> Mapping[str, str]:
    """Take an answer apart at its `== name` lines."""
    parts = re.split(r"^== (\S+)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=False))


def _forwarding(parts: Mapping[str, str]) -> Mapping[str, bool]:
    files = {"4": "/proc/sys/net/ipv4/ip_forward", "6": "/proc/sys/net/ipv6/conf/all/forwarding"}
    words = {version: parts.get(name, "").strip() for version, name in files.items()}
    return {version: word != "0" for version, word in words.items() if word in {"0", "1", "2"}}


def _tables(nft: Said, iptables: Said, gaps: dict[str, str]) -> tuple[Table, ...] | None:
    """Join what both families of programs show; note in `gaps` what may be hidden."""
    new, old = sections(nft.text), sections(iptables.text)
    if old.get("uid", "").strip() != "0":
        # iptables-legacy-save succeeds without the right, and shows nothing.
        gaps["tables"] = iptables.problem or "the kernel shows its rules to root only"
        return None
    dumped, hidden, seen = _dumped(old)
    native, unseen = _native(new, nft, {(t.family, t.name) for t in dumped if _is_nft(t)})
    hidden += unseen
    if iptables.problem:
        hidden.append(f"iptables-save: {iptables.problem}")
    if not dumped and native is None and not seen:
        gaps["tables"] = "; ".join(dict.fromkeys(hidden)) or "the rules could not be read"
        return None
    if hidden:
        gaps["hidden"] = "; ".join(dict.fromkeys(hidden))
    return (*dumped, *(native or ()))


def _is_nft(table: Table) -> bool:
    return table.source == "iptables-nft"


def _dumped(parts: Mapping[str, str]) -> tuple[list[Table], list[str], bool]:
    """Give the tables of every backend of iptables, once, and what could not be dumped."""
    tables: dict[tuple[str, str, str], Table] = {}
    hidden: list[str] = []
    seen = False
    for program, family in _FAMILIES.items():
        for kind in ("", "-legacy", "-nft"):
            text = parts.get(f"{program}{kind}")
            if text is None:
                continue
            status = parts.get(f"status-{program}{kind}", "").strip()
            saved = iptables_rules.parse(text, family)
            if status != "0" or not saved.complete:
                hidden.append(f"{program}{kind}-save showed not all rules (it needs root)")
                continue
            seen = True
            tables.update({(t.source, t.family, t.name): t for t in saved.tables})
    return list(tables.values()), hidden + _legacy(parts, tables.values()), seen


def _legacy(parts: Mapping[str, str], tables: Iterable[Table]) -> list[str]:
    """Say which tables of the old kind the kernel has, and no program showed."""
    shown = {(t.family, t.name) for t in tables if t.source == "iptables-legacy"}
    hidden = []
    for family in ("ip", "ip6"):
        status = parts.get(f"status-names-{family}", "").strip()
        names = parts.get(f"names-{family}", "").split()
        missing = [name for name in names if (family, name) not in shown]
        if missing:
            hidden.append(f"tables of iptables-legacy were not shown: {', '.join(missing)}")
        elif not status:
            hidden.append("whether iptables-legacy has tables is not known")
    return hidden


def _native(
    parts: Mapping[str, str], said: Said, covered: set[tuple[str, str]]
) -> tuple[tuple[Table, ...] | None, list[str]]:
    """Give the tables that iptables does not know, or say why they cannot be seen."""
    status = parts.get("status-ruleset", "").strip()
    ruleset = nft_rules.parse(parts.get("ruleset", "")) if status == "0" else None
    if ruleset is not None:
        return tuple(t for t in ruleset if (t.family, t.name) not in covered), []
    listed = parts.get("status-tables", "").strip()
    if listed == "0":
        names = re.findall(r"^table (\S+) (\S+)$", parts.get("tables", ""), re.MULTILINE)
        others = [f"{family} {name}" for family, name in names if (family, name) not in covered]
        if not others:
            return (), []
        return None, [f"this nft shows no JSON, and there are the tables {', '.join(others)}"]
    if "127" in {listed, status}:
        return None, ["nft is not installed, so rules that were not made by iptables are hidden"]
    return None, [said.problem or "nft showed nothing (it needs root)"]
