"""Reports to render: one of everything, one that is hostile, and any that hypothesis thinks of."""

from datetime import date

from hypothesis import settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hullward import judge
from hullward.model.facts import Container, Engine, Mount, Network, Port, Snapshot, Unread
from hullward.model.report import Behaviour, HostReport, Outcome, Report, Row, Verdict
from hullward.model.severity import Severity
from hullward.model.waiver import Waiver
from hullward.rules import ALL

# A slow machine is no fault of a renderer.
steady = settings(deadline=None, max_examples=60)

MOMENT = "2026-11-24T12:00:00Z"
REMEDY = "In f, service web:\n  user: '1'\nthen: docker compose up -d web"
SOCKET = Mount("bind", "/var/run/docker.sock", "/var/run/docker.sock")


def verdict(  # noqa: PLR0913 - a verdict has so many parts
    outcome: Outcome,
    subject: str = "web",
    rule: str = "container-root",
    severity: Severity = Severity.MEDIUM,
    *,
    evidence: str = "",
    reason: str | None = None,
    remedy: str = "",
) -> Verdict:
    return Verdict(rule, severity, outcome, subject, evidence, reason, remedy)


def report(*hosts: HostReport, notes: tuple[str, ...] = ()) -> Report:
    return Report(MOMENT, hosts, notes)


def host(
    *verdicts: Verdict, target: str = "default", names: tuple[str, ...] = ("web",)
) -> HostReport:
    rows = tuple(Row(name, f"id-{name}", None, Behaviour.UNKNOWN) for name in names)
    return HostReport(target, Snapshot(target, MOMENT), rows, verdicts)


def one_of_everything() -> Report:
    verdicts = (
        verdict(Outcome.PASS, "db"),
        verdict(Outcome.FAIL, evidence="uid 0", remedy=REMEDY),
        verdict(Outcome.FAIL, "db", "container-privileged", Severity.CRITICAL, evidence="it is"),
        verdict(Outcome.UNKNOWN, "engine", "daemon-api-exposed", reason="no /info"),
        verdict(Outcome.WAIVED, "db", evidence="uid 0", reason="waived: until the move"),
        verdict(Outcome.BROKEN, "db", "container-gpu", Severity.LOW, reason="KeyError: 'x'"),
    )
    lost = HostReport("ssh://b", error="it does not answer", advice="Is it on?")
    return report(host(*verdicts, names=("db", "web")), lost, notes=("A waiver is over.",))


def audited(*containers: Container, waivers: tuple[Waiver, ...] = ()) -> Report:
    """Judge containers by the real rules."""
    snapshot = Snapshot(
        "default",
        MOMENT,
        Engine("28.5", "1.51", "host", "6.1", "Debian", security_options=("name=seccomp",)),
        containers,
        networks=(Network("bridge"), Network("back", internal=True)),
    )
    return report(judge.judge(snapshot, ALL, waivers, date(2026, 11, 24)))


def web(name: str = "web") -> Container:
    ports = (Port(80, address="::", public=8080), Port(81, address="127.0.0.1", public=8081))
    return Container(
        name, f"id-{name}", "nginx:1", networks=("bridge",), ports=ports, mounts=(SOCKET,)
    )


def hostile(text: str) -> Report:
    """Put one text wherever something from outside may stand."""
    made = replace(web(text), image=text, user=text, networks=(text,), security_opt=(text,))
    made = replace(made, cap_add=(text,), mounts=(Mount("bind", text, text or "/"),))
    found = audited(made, web("other")).hosts[0]
    assert found.snapshot
    snapshot = replace(found.snapshot, unread=(Unread(text, text, text),), collected_at=text)
    said = tuple(
        Verdict(rule, severity, outcome, text, text, text, text, (text,))
        for rule, severity in (
            ("container-root", Severity.LOW),
            (text, Severity.CRITICAL),
            ("container-attack-path", Severity.HIGH),
        )
        for outcome in Outcome
    )
    full = replace(found, target=text, snapshot=snapshot, verdicts=(*found.verdicts, *said))
    return Report(MOMENT, (full, HostReport(text, error=text, advice=text)), (text,))


verdicts = st.builds(
    Verdict,
    st.sampled_from(["container-root", "container-privileged", "daemon-api-exposed"]),
    st.sampled_from(Severity),
    st.sampled_from(Outcome),
    st.sampled_from(["web", "db", "engine"]),
    st.sampled_from(["", "uid 0", "pid 7"]),
    st.sampled_from([None, "nobody could look"]),
)
hosts = st.builds(
    HostReport,
    st.sampled_from(["a", "b"]),
    st.none(),
    st.lists(
        st.builds(
            Row, st.sampled_from(["web", "db"]), st.just(""), st.none(), st.sampled_from(Behaviour)
        ),
        unique_by=lambda row: row.name,
        max_size=2,
    ).map(tuple),
    st.lists(verdicts, max_size=6, unique_by=lambda v: (v.rule, v.subject)).map(tuple),
)
lost = st.builds(HostReport, st.sampled_from(["a", "b"]), error=st.just("no answer"))
reports = st.lists(hosts | lost, max_size=2, unique_by=lambda host: host.target).map(
    lambda found: Report(MOMENT, tuple(found))
)
