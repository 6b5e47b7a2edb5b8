"""hullward.toml: what it means, and what it cannot mean."""

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fakes import attempt
from hullward.collect.settings import parse
from hullward.model.errors import HullwardError
from hullward.model.policy import GUIDE, Policy
from hullward.model.settings import Settings
from hullward.model.waiver import Waiver

RULES = ("container-root", "container-privileged")


def read(text: str) -> Settings:
    return parse(text.encode(), "hullward.toml", RULES)


def refusal(text: str) -> HullwardError:
    result = attempt(lambda: read(text))
    assert isinstance(result, HullwardError)
    return result


def waiver(**fields: str) -> str:
    values = {"rule": '"container-root"', "target": '"web"', "reason": '"it must"', **fields}
    lines = [f"{name} = {value}" for name, value in values.items() if value]
    return "\n".join(["[[waiver]]", *lines, ""])


def test_empty_file_accepts_nothing() -> None:
    assert read("") == Settings()


@pytest.mark.parametrize(
    ("expires", "day"),
    [("", None), ("2026-12-31", date(2026, 12, 31)), ('"2026-12-31"', date(2026, 12, 31))],
)
def test_waiver_may_end(expires: str, day: date | None) -> None:
    assert read(waiver(expires=expires)).waiver == (
        Waiver("container-root", "web", "it must", day),
    )


def test_several_waivers_keep_their_order() -> None:
    text = waiver() + waiver(rule='"container-privileged"')

    assert [w.rule for w in read(text).waiver] == ["container-root", "container-privileged"]


def test_rule_that_does_not_exist_is_refused_with_the_nearest() -> None:
    error = refusal(waiver(rule='"container-rot"'))

    assert error.what == "hullward.toml waives 'container-rot', which is no rule."
    assert error.advice == "Did you mean container-root?"


def test_rule_that_resembles_none_is_refused_with_the_way_to_the_list() -> None:
    assert "hullward explain" in refusal(waiver(rule='"zzz"')).advice


@pytest.mark.parametrize("reason", ['""', '"  "', '"\\n\\t"'])
def test_waiver_without_a_reason_is_refused(reason: str) -> None:
    assert refusal(waiver(reason=reason)).what == (
        "hullward.toml waives container-root without a reason."
    )


@pytest.mark.parametrize(
    "text",
    [
        waiver(reason=""),
        waiver(rule=""),
        waiver(target=""),
        waiver(expires='"tomorrow"'),
        waiver(expires='"2026-13-01"'),
        waiver(expires="5"),
        waiver(expires="[]"),
        waiver(until="2026-12-31"),
        waiver(target="7"),
        "waiver = 1",
        "[waiver]\nrule = 1",
        "[[waivers]]\n",
        "unknown = 1",
    ],
)
def test_what_is_toml_but_no_settings_is_refused(text: str) -> None:
    error = refusal(text)

    assert error.what.startswith("hullward.toml cannot be understood: ")
    assert "[[waiver]]" in error.advice


@pytest.mark.parametrize(
    "text",
    ["[[waiver", "a = ", "{}", "<html>", "x = 2026-99-99", "x = " + "9" * 9999, "a=" + "[" * 9999],
)
def test_what_is_no_toml_is_refused(text: str) -> None:
    assert refusal(text).what.startswith("hullward.toml is not TOML: ")


@given(st.binary())
@example(b"\xff\xfe")
@example(b"\xef\xbb\xbf")
@example(b"x = 0xffffffffffffffffffffffffffffffffffffff")
@example(b"x = nan")
@example(b"x = 23:59:60")
def test_any_bytes_are_settings_or_an_error(data: bytes) -> None:
    result = attempt(lambda: parse(data, "hullward.toml", RULES))

    assert isinstance(result, Settings | HullwardError)


def test_the_policy_of_the_guide_holds_where_the_file_names_none() -> None:
    assert read("").firewall == read("[firewall]").firewall == GUIDE


def test_each_protocol_is_named_by_itself() -> None:
    assert read("[firewall]\nopen_tcp = [22, 8443]").firewall == Policy(frozenset({22, 8443}))
    assert read("[firewall]\nopen_udp = []").firewall == Policy(open_udp=frozenset())


@pytest.mark.parametrize(
    "line",
    [
        "open_tcp = [0]",
        "open_tcp = [65536]",
        "open_udp = [-1]",
        "open_tcp = [22.5]",
        "open_tcp = [true]",
        'open_tcp = ["ssh"]',
        "open_tcp = 22",
        'open_tcp = "22"',
        "open_tpc = [22]",
        "open_tcp = {}",
    ],
)
def test_a_policy_that_means_nothing_is_refused(line: str) -> None:
    error = refusal(f"[firewall]\n{line}\n")

    assert error.what.startswith("hullward.toml cannot be understood: ")
    assert "open_tcp and open_udp" in error.advice


@given(st.frozensets(st.integers(1, 65535)), st.frozensets(st.integers(1, 65535)))
def test_any_ports_are_read_as_they_are_written(tcp: frozenset[int], udp: frozenset[int]) -> None:
    text = f"[firewall]\nopen_tcp = {sorted(tcp)}\nopen_udp = {sorted(udp)}\n"

    assert read(text).firewall == Policy(tcp, udp)
