import re

from hypothesis import given
from hypothesis import strategies as st

from hullward.model.report import HostReport, Report
from hullward.report import prometheus
from report_samples import MOMENT, host, hostile, one_of_everything, report, reports, steady

# The text exposition format, as promtool reads it.
_SAMPLE = re.compile(
    r'(?P<name>[a-z_]+)\{(?P<labels>[a-z]+="(?:[^"\\\n]|\\[\\"n])*"'
    r'(?:,[a-z]+="(?:[^"\\\n]|\\[\\"n])*")*)\} -?\d+'
)


def _samples(text: str) -> list[str]:
    """Check the form of every line; HELP and TYPE come once, before their samples."""
    assert text == "" or text.endswith("\n")
    seen: list[str] = []
    samples: list[str] = []
    for line in text.split("\n")[:-1]:
        if line.startswith("# HELP "):
            seen.append(line.split()[2])
        elif line.startswith("# TYPE "):
            assert line == f"# TYPE {seen[-1]} gauge"
        else:
            match = _SAMPLE.fullmatch(line)
            assert match
            assert match["name"] == seen[-1]
            samples.append(line.rsplit(" ", 1)[0])
    assert len(seen) == len(set(seen))
    assert len(samples) == len(set(samples))
    return samples


def test_counts_are_there_also_where_they_are_zero() -> None:
    lines = prometheus.render(report(host(names=()))).splitlines()

    assert [line for line in lines if line.startswith("hullward_findings")] == [
        'hullward_findings{host="default",severity="critical"} 0',
        'hullward_findings{host="default",severity="high"} 0',
        'hullward_findings{host="default",severity="medium"} 0',
        'hullward_findings{host="default",severity="low"} 0',
        'hullward_findings{host="default",severity="info"} 0',
    ]


def test_a_target_that_was_not_audited_is_down_and_has_no_counts() -> None:
    lines = prometheus.render(one_of_everything()).splitlines()

    assert [line for line in lines if "ssh://b" in line] == ['hullward_up{host="ssh://b"} 0']


def test_the_moment_is_that_of_the_look() -> None:
    text = prometheus.render(report(host()))

    assert 'hullward_last_audit_timestamp_seconds{host="default"} 1795521600\n' in text
    assert MOMENT == "2026-11-24T12:00:00Z"


def test_everything_is_counted_once() -> None:
    text = prometheus.render(one_of_everything())

    for line in (
        'hullward_findings{host="default",severity="critical"} 1',
        'hullward_passed{host="default"} 1',
        'hullward_unknown{host="default"} 1',
        'hullward_broken{host="default"} 1',
        'hullward_waived{host="default"} 1',
        'hullward_containers{host="default"} 2',
        'hullward_well_behaved{host="default",state="unknown"} 2',
    ):
        assert f"{line}\n" in text


def test_a_target_named_twice_makes_each_series_once() -> None:
    twice = report(host(), host())

    assert len(_samples(prometheus.render(twice))) == len(
        _samples(prometheus.render(report(host())))
    )


def test_quotes_and_backslashes_are_escaped() -> None:
    text = prometheus.render(report(HostReport('a"\\b\n', error="no")))

    assert text.splitlines()[2] == 'hullward_up{host="a\\"\\\\b\\\\x0a"} 0'


@steady
@given(reports)
def test_every_report_is_well_formed(found: Report) -> None:
    assert len(_samples(prometheus.render(found))) >= len(found.hosts)


@steady
@given(st.text(st.characters(), max_size=8))
def test_hostile_text_is_well_formed(text: str) -> None:
    assert _samples(prometheus.render(hostile(text)))
