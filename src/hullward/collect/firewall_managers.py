"""The programs that manage a firewall: ufw, firewalld, and the service of nftables."""

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from hullward.collect.bundle import Said
from hullward.collect.collector import Question
from hullward.model.firewall import Firewalld, Ufw, Unit, Zone

_UNITS = ("nftables", "ufw", "firewalld", "netfilter-persistent", "iptables", "ip6tables")
_CONFS = (
    "/etc/nftables.conf /etc/sysconfig/nftables.conf /etc/nftables.nft /etc/nftables/*.nft "
    "/etc/nftables.d/*.nft"
)
QUESTION = Question(
    "firewall-managers",
    "echo '== systemd'; systemctl show -p Id -p LoadState -p ActiveState -p UnitFileState "
    f"-p ExecStop {' '.join(f'{unit}.service' for unit in _UNITS)}; "
    "echo '== runlevels'; ls /etc/runlevels/default /etc/runlevels/boot; "
    f"echo '== confs'; ls -d {_CONFS}; "
    f"echo '== flushing'; grep -nHE '^[[:space:]]*flush[[:space:]]+ruleset' {_CONFS}; "
    f'for f in {_CONFS}; do [ ! -e $f ] || [ -r $f ] || echo "$f:unreadable"; done; '
    "echo '== ufw'; command -v ufw; echo '== ufw.conf'; grep -E '^ENABLED=' /etc/ufw/ufw.conf; "
    "grep -E '^DEFAULT_(INPUT|FORWARD)_POLICY=' /etc/default/ufw; "
    "echo '== after.rules'; grep -c 'UFW AND DOCKER' /etc/ufw/after.rules; "
    "echo '== ufw-status'; command -v ufw >/dev/null && ufw status verbose; "
    "echo '== firewalld'; command -v firewall-cmd && "
    "{ firewall-cmd --state >/dev/null; echo state $?; }; "
    "grep -E '^StrictForwardPorts=' /etc/firewalld/firewalld.conf; "
    "echo '== zones'; command -v firewall-cmd >/dev/null && "
    "{ firewall-cmd --get-default-zone; firewall-cmd --list-all-zones | grep -E "
    "'^[^ ]|^  (target|interfaces|services|ports):'; }; echo '== end'",
    15,
)


class Managers(Struct, frozen=True):
    """What the programs say of themselves."""

    units: Mapping[str, Unit] | None = None
    ufw: Ufw | None = None
    firewalld: Firewalld | None = None
    flushing: tuple[str, ...] | None = None
    gaps: Mapping[str, str] = field(default_factory=dict)


def parse(said: Said) -> Managers:
    """Read the answer; a part that it does not reach stays None, with a gap."""
    split = re.split(r"^== (\S+)\n", said.text, flags=re.MULTILINE)
    names, texts = split[1::2], split[2::2]
    # The last part may be cut; `end` says that none is.
    whole = dict(zip(names, texts, strict=False))
    if names and names[-1] != "end":
        whole.pop(names[-1])
    reason = said.problem or "the collector's answer is not whole"
    units = _units(whole)
    found = Managers(
        units=units,
        ufw=_ufw(whole) if {"ufw", "ufw.conf", "after.rules", "ufw-status"} <= set(whole) else None,
        firewalld=_firewalld(whole) if {"firewalld", "zones"} <= set(whole) else None,
        flushing=_flushing(whole["flushing"]) if "flushing" in whole else None,
    )
    parts = ("units", "ufw", "firewalld", "flushing")
    gaps = {part: reason for part in parts if getattr(found, part) is None}
    if "units" in gaps and not said.problem and "runlevels" in whole:
        gaps["units"] = "the host has neither systemd nor OpenRC"
    return Managers(found.units, found.ufw, found.firewalld, found.flushing, gaps)


def _units(parts: Mapping[str, str]) -> Mapping[str, Unit] | None:
    units = dict(_systemd(parts.get("systemd", "")))
    if units:
        return units
    levels = parts.get("runlevels", "")
    if "/etc/runlevels/" not in levels:
        return None
    services = set(levels.split())
    return {name: Unit(active=False, enabled=True) for name in _UNITS if name in services}


def _systemd(text: str) -> Iterator[tuple[str, Unit]]:
    for block in text.split("\n\n"):
        fields = dict(line.partition("=")[::2] for line in block.splitlines())
        if fields.get("LoadState") in {"loaded", "masked"}:
            yield (
                fields.get("Id", "").removesuffix(".service"),
                Unit(
                    active=fields.get("ActiveState") in {"active", "reloading", "activating"},
                    enabled=fields.get("UnitFileState", "").startswith("enabled"),
                    flushes="flush ruleset" in fields.get("ExecStop", ""),
                ),
            )
        elif fields.get("Id", "").endswith(".service") and "ActiveState" in fields:
            yield fields["Id"].removesuffix(".service"), Unit()


def _ufw(parts: Mapping[str, str]) -> Ufw:
    settings = dict(re.findall(r'^(\w+)="?(\w+)"?', parts["ufw.conf"], re.MULTILINE))
    enabled = settings.get("ENABLED", "").lower()
    status = re.search(r"^Status: (active|inactive)", parts["ufw-status"], re.MULTILINE)
    defaults = re.search(r"^Default: (.*)", parts["ufw-status"], re.MULTILINE)
    words = (
        {what: policy for policy, what in re.findall(r"(\w+) \((\w+)\)", defaults[1])}
        if defaults
        else {}
    )
    count = parts["after.rules"].strip()
    return Ufw(
        installed=bool(parts["ufw"].strip()),
        enabled={"yes": True, "no": False}.get(enabled),
        status=status[1] if status else "",
        incoming=words.get("incoming", "") or settings.get("DEFAULT_INPUT_POLICY", "").lower(),
        routed=words.get("routed", "") or settings.get("DEFAULT_FORWARD_POLICY", "").lower(),
        docker_block=int(count) > 0 if count.isdecimal() and len(count) < 9 else None,  # noqa: PLR2004 - a count
    )


# firewall-cmd(1): 252 is NOT_RUNNING.
_STATES = {"state 0": True, "state 252": False}


def _firewalld(parts: Mapping[str, str]) -> Firewalld:
    lines = parts["firewalld"].splitlines()
    installed = bool(lines) and lines[0].startswith("/")
    strict = re.search(r"^StrictForwardPorts=(\w+)", parts["firewalld"], re.MULTILINE)
    zones = parts["zones"]
    return Firewalld(
        installed=installed,
        running=_STATES.get(" ".join(lines[1:2])) if installed else False,
        default_zone=(zones.splitlines() or [""])[0].strip(),
        zones=tuple(_zones(zones)),
        strict_forward=strict[1].lower() in {"yes", "true"} if strict else None,
    )


def _zones(text: str) -> Iterator[Zone]:
    for block in re.split(r"^(?=\S)", text, flags=re.MULTILINE)[1:]:
        head, *rest = block.splitlines()
        fields = dict(line.strip().partition(":")[::2] for line in rest)
        if not rest:
            continue
        words = {name: tuple(value.split()) for name, value in fields.items()}
        yield Zone(
            name=head.split()[0],
            active="active" in head,
            target=" ".join(words.get("target", ())),
            interfaces=words.get("interfaces", ()),
            services=words.get("services", ()),
            ports=words.get("ports", ()),
        )


def _flushing(text: str) -> tuple[str, ...]:
    return tuple(line for line in text.splitlines() if ":" in line)
