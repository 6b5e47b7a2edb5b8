"""What the engine does with what containers print."""

from hullward.model.facts import Snapshot
from hullward.model.host import Host
from hullward.model.rule import Answers, Fail, Unknown, engine_rule, host_rule
from hullward.model.severity import Severity
from hullward.rules import effective

_REFERENCE = "docs.docker.com/engine/logging/configure"
# Drivers whose logs stay on the host.
_HERE = frozenset({"json-file", "local", "journald", "etwlogs"})


@engine_rule(
    id="daemon-no-log",
    title="What containers print is thrown away",
    severity=Severity.MEDIUM,
    rationale="With the log driver `none` there is nothing to read after an intrusion.",
    remedy=effective.write('"log-driver": "local"'),
    refs=("cis-docker:2.13", _REFERENCE),
)
def no_log(snapshot: Snapshot) -> Answers:
    """Fail for the driver none as the engine's default."""
    engine = effective.engine(snapshot)
    if isinstance(engine, Unknown):
        yield engine
    elif engine.log_driver is None:
        yield Unknown("the engine does not say it")
    elif engine.log_driver in {"none", ""}:
        yield Fail(f"the engine's log driver is {engine.log_driver!r}")


@engine_rule(
    id="daemon-log-on-host",
    title="Logs of containers stay on the host only",
    severity=Severity.INFO,
    rationale="Who takes over the host can change them; a log elsewhere is evidence.",
    remedy=effective.write('"log-driver": "journald"')
    + "\nand send the journal to another machine.",
    refs=("cis-docker:2.13", _REFERENCE),
)
def log_on_host(snapshot: Snapshot) -> Answers:
    """Fail for drivers that write on the host; a shipper that reads them is not seen."""
    engine = effective.engine(snapshot)
    if isinstance(engine, Unknown):
        yield engine
    elif engine.log_driver is None:
        yield Unknown("the engine does not say it")
    elif engine.log_driver in _HERE:
        yield Fail(f"the engine's log driver is {engine.log_driver}")


@host_rule(
    id="daemon-log-unbounded",
    title="Logs of containers grow without limit",
    severity=Severity.LOW,
    rationale=(
        "json-file keeps everything until the disk is full, and a full disk stops the engine and "
        "all that it runs. Anyone who makes a container print can fill it."
    ),
    remedy=(
        effective.write('"log-driver": "local"')
        + "\nIt rotates by itself; containers take it when they are created anew."
    ),
    refs=("docs.docker.com/engine/logging/drivers/json-file",),
    needs="daemon",
)
def log_unbounded(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for json-file without max-size."""
    engine = effective.engine(snapshot)
    if isinstance(engine, Unknown):
        yield engine
        return
    if engine.log_driver is None:
        yield Unknown("the engine does not say its log driver")
        return
    if engine.log_driver != "json-file":
        return
    found = effective.setting(host, snapshot, "log-opts")
    if isinstance(found, Unknown):
        yield found
    elif found is None or not _size(found.value):
        yield Fail("the log driver is json-file, and log-opts has no max-size")


def _size(options: object) -> bool:
    """Whether max-size is set, as a flag or as a key, to more than "no limit"."""
    if isinstance(options, dict):
        size = options.get("max-size")
        return size not in {None, "", "-1"}
    words = options if isinstance(options, tuple | list) else ()
    return any(str(word).startswith("max-size=") and word != "max-size=-1" for word in words)
