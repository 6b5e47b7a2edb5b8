"""What keeps Docker's own rules in the kernel, and what deletes them."""

from hullward.model.facts import Snapshot
from hullward.model.firewall import Firewall
from hullward.model.host import Host
from hullward.model.rule import Answers, Fail, Unknown, host_rule
from hullward.model.severity import Severity
from hullward.rules import effective, port_table, walls


@host_rule(
    id="firewall-flushes-docker",
    title="A service deletes Docker's rules when it starts, stops or reloads",
    severity=Severity.HIGH,
    rationale=(
        "`flush ruleset`, also without any change to the file, deletes every rule of Docker: "
        "containers lose the way out, networks their walls, and published ports the client's "
        "address, while they still answer. Nothing brings the rules back but a restart of Docker."
    ),
    remedy=(
        "`systemctl disable nftables`, without a stop, restart or reload: that deletes the rules "
        "at once. Load yours by a unit of its own, from a file that begins with `add table inet "
        "NAME; delete table inet NAME`."
    ),
    refs=("moby#12294", "docker/for-linux#1472", "nft(8)"),
    needs="firewall",
)
def flushes_docker(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for nftables.service with such a file or unit, and for restored dumps of iptables."""
    del snapshot
    firewall = host.firewall or Firewall()
    if firewall.units is None:
        yield Unknown(firewall.gaps.get("units", "the services were not looked at"))
        return
    nftables = firewall.units.get("nftables")
    if nftables and (nftables.enabled or nftables.active):
        if firewall.flushing:
            yield Fail(f"nftables.service is {_state(nftables.enabled)}; {firewall.flushing[0]}")
        elif nftables.flushes:
            yield Fail(
                f"nftables.service is {_state(nftables.enabled)}; to stop it runs nft flush ruleset"
            )
        elif firewall.flushing is None:
            yield Unknown(firewall.gaps.get("flushing", "the files of nftables were not read"))
    for name in ("netfilter-persistent", "iptables", "ip6tables"):
        unit = firewall.units.get(name)
        if unit and (unit.enabled or unit.active):
            yield Fail(
                f"{name}.service is {_state(unit.enabled)}: it replaces whole tables of iptables, "
                "Docker's chains in them too, by a dump of another day",
                Severity.MEDIUM,
                f"systemctl disable {name}\nKeep your own rules in DOCKER-USER, added by a unit "
                "that runs after docker.service.",
            )


def _state(enabled: object) -> str:
    return "enabled" if enabled else "active"


@host_rule(
    id="firewall-docker-rules-missing",
    title="Docker's rules are gone from the kernel",
    severity=Severity.HIGH,
    rationale=(
        "Published ports still answer, by docker-proxy, so nobody notices. But walls between "
        "networks are gone, neighbours on the link reach ports that were never published, and "
        "services see the bridge's address in place of the client's."
    ),
    remedy=(
        "`systemctl restart docker`; then find what deleted them: `nft flush ruleset`, "
        "nftables.service or iptables-restore."
    ),
    refs=("moby#12294", "docker/roadmap#867"),
    needs="firewall",
)
def docker_rules_missing(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for published ports without a translation, unless Docker was told to make none."""
    firewall = host.firewall or Firewall()
    if snapshot.engine is not None and snapshot.engine.option("rootless"):
        return
    setting = effective.setting(host, snapshot, "iptables")
    if isinstance(setting, effective.Setting) and setting.value is False:
        return
    published = [
        row
        for row in port_table.table(snapshot)
        if row.published and row.version == 4  # noqa: PLR2004 - what Docker always translates
    ]
    missing = [row for row in published if not walls.translated(row, firewall)]
    if not missing:
        return
    if firewall.tables is None or "hidden" in firewall.gaps:
        reason = firewall.gaps.get("tables") or firewall.gaps.get("hidden", "")
        yield Unknown(reason or "the rules were not read")
        return
    doubt = ""
    if isinstance(setting, Unknown):
        doubt = f" (unless it runs with iptables: false; {setting.reason})"
    yield Fail(f"no rule translates {port_table.names(missing)}{doubt}")
