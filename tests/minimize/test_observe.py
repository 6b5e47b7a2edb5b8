"""The kernel's words about a container: recorded ones, and any others."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullward.minimize.observe import Asked, Check, Refusal, Trace, observed, parse
from hullward.model.capabilities import DEFAULT

# A start of redis with gosu and a healthcheck, beside the start of another container, haproxy's.
RECORDED = (Path(__file__).parent / "data/redis.trace").read_text()
INIT, HEALTH, HAPROXY = 4815, 5784, 5366


def line(pid: int, event: str, comm: str = "sh") -> str:
    return f"{comm:>16}-{pid:<7} [000] ..... 12.345678: {event}"


def check(pid: int, number: int, answer: int, cred: str = "00000000a") -> str:
    spaces = "target_ns 000000000c2be3ec, capable_ns 000000000c2be3ec"
    return line(pid, f"cap_capable: cred {cred}, {spaces}, cap {number}, ret {answer}")


def fork(parent: int, child: int, comm: str = "sh") -> str:
    event = f"sched_process_fork: comm={comm} pid={parent} child_comm={comm} child_pid={child}"
    return line(parent, event)


def execute(pid: int, path: str) -> str:
    return line(pid, f"sched_process_exec: filename={path} pid={pid} old_pid={pid}")


def capabilities(*lines: str, granted: frozenset[str] = DEFAULT) -> frozenset[str]:
    return frozenset(observed([parse("\n".join(lines), [1000])], granted).given)


def test_a_recorded_first_start_of_redis_needs_what_its_entrypoint_uses() -> None:
    seen = observed([parse(RECORDED, [INIT])], DEFAULT)

    assert set(seen.given) == {"SETGID", "SETUID"}
    assert seen.given["SETUID"].comm == "gosu"
    assert seen.given["SETUID"].stack[:2] == ("ns_capable_setid", "__sys_setuid")


def test_a_healthcheck_belongs_to_the_container() -> None:
    assert "/bin/sh" in parse(RECORDED, [INIT]).programs
    assert parse(RECORDED, [HEALTH]).programs == ("/bin/sh",)


def test_another_container_that_starts_beside_it_does_not() -> None:
    trace = parse(RECORDED, [INIT])

    assert "/usr/sbin/haproxy" not in trace.programs
    assert all(one.pid != HAPROXY for one in trace.checks)


def test_nothing_of_runc_is_the_containers() -> None:
    trace = parse(RECORDED, [INIT])

    assert trace.programs[0] == "/usr/local/bin/entrypoint"
    assert not any("runc" in one.comm for one in trace.checks)


def test_refused_calls_are_named_as_the_machine_numbers_them() -> None:
    text = "\n".join([execute(1000, "/bin/a"), line(1000, "sys_exit: NR 92 = -1")])

    assert parse(text, [1000]).refusals == {Refusal("chown", "EPERM")}
    assert parse(text, [1000], "aarch64").refusals == {Refusal("personality", "EPERM")}


def test_a_check_before_the_first_program_is_runcs() -> None:
    assert capabilities(check(1000, 21, 0), check(1000, 0, 0)) == frozenset()


def test_children_of_children_are_followed() -> None:
    lines = (execute(1000, "/bin/a"), fork(1000, 1001), fork(1001, 1002), check(1002, 0, 0))

    assert capabilities(*lines) == {"CHOWN"}


def test_a_number_that_another_process_gets_later_is_forgotten() -> None:
    lines = (execute(1000, "/bin/a"), fork(1000, 1001), fork(7, 1001), check(1001, 0, 0))

    assert capabilities(*lines) == frozenset()


def test_a_capability_that_is_always_refused_is_no_need() -> None:
    lines = (execute(1000, "/bin/a"), check(1000, 21, -1), check(1000, 12, -1))
    seen = observed([parse("\n".join(lines), [1000])], DEFAULT)

    assert seen.given == {}
    assert seen.refused == {"SYS_ADMIN", "NET_ADMIN"}


def test_credentials_that_hold_what_was_never_granted_are_borrowed() -> None:
    overlay = "00000000b"
    lines = (
        execute(1000, "/bin/a"),
        check(1000, 21, 0, overlay),
        check(1000, 1, 0, overlay),
        check(1000, 0, 0),
    )

    assert capabilities(*lines) == {"CHOWN"}


def test_borrowed_credentials_are_not_seen_where_everything_is_granted() -> None:
    lines = (execute(1000, "/bin/a"), check(1000, 21, 0, "b"), check(1000, 1, 0, "b"))

    assert capabilities(*lines, granted=DEFAULT | {"SYS_ADMIN"}) == {"SYS_ADMIN", "DAC_OVERRIDE"}


def test_a_name_that_imitates_a_line_is_no_line() -> None:
    forged = "x-1000 [000] .\n" + check(1000, 0, 0)[:40]

    assert parse(forged, [1000]) == Trace()


def test_lost_events_are_counted() -> None:
    assert parse("# lost 17\n", [1]).lost == 17


def test_who_asked_most_is_named() -> None:
    checks = [Check(1, "a", "c", "CHOWN", granted=True)]
    checks += [Check(2, "b", "c", "CHOWN", granted=True, stack=("f", "__x64_sys_chown"))] * 2

    seen = observed([Trace(tuple(checks))], DEFAULT)

    assert seen.given == {"CHOWN": Asked(3, "b", "chown", ("f", "__x64_sys_chown"))}


@pytest.mark.parametrize("number", [41, 63, 64, 4096])
def test_a_capability_newer_than_hullward_breaks_nothing(number: int) -> None:
    assert capabilities(execute(1000, "/bin/a"), check(1000, number, 0)) == frozenset()


@given(st.text() | st.binary().map(lambda data: data.decode(errors="replace")))
def test_any_text_is_read(text: str) -> None:
    assert parse(text, [1000]).lost >= 0


@given(st.data())
def test_recorded_text_with_lines_missing_is_read(data: st.DataObject) -> None:
    lines = RECORDED.splitlines()
    kept = data.draw(st.lists(st.sampled_from(lines), max_size=40))

    assert set(observed([parse("\n".join(kept), [INIT])], DEFAULT).given) <= DEFAULT
