import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import Facts, engine, mask, process, snapshot
from hullward.model import capabilities
from hullward.model.facts import Container, Listener, Mount, Port
from hullward.rules import grants

V4, V6 = "0.0.0.0", "::"  # noqa: S104 - compared, never bound


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ((), None),
        (("seccomp=unconfined",), None),
        (("apparmor=docker-default",), "docker-default"),
        (("apparmor:unconfined",), "unconfined"),
        (("apparmor=a", "apparmor=b"), "b"),
        (("apparmor=b", "apparmor:a"), "a"),
        (("apparmor=a=b:c",), "a=b:c"),
        (("apparmor",), ""),
        (("apparmor-not=x",), None),
    ],
)
def test_the_last_value_of_an_option_counts(options: tuple[str, ...], value: str | None) -> None:
    assert grants.option(Container("web", security_opt=options), "apparmor") == value


def test_all_values_of_an_option_are_kept_in_order() -> None:
    container = Container("web", security_opt=("label:user:u", "seccomp=x", "label=disable"))

    assert grants.options(container, "label") == ("user:u", "disable")


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("no-new-privileges", True),
        *((f"no-new-privileges:{word}", True) for word in ("1", "t", "T", "true", "TRUE", "True")),
        *((f"no-new-privileges={word}", False) for word in ("0", "f", "F", "false", "FALSE")),
        ("no-new-privileges:tRuE", False),
        ("no-new-privileges:yes", False),
        ("no-new-privileges:on", False),
    ],
)
def test_no_new_privileges_is_read_as_go_reads_a_bool(option: str, *, expected: bool) -> None:
    container = Container("web", security_opt=(option,))

    assert grants.no_new_privileges(container, snapshot()) is expected


@pytest.mark.parametrize(
    ("options", "engine_options", "expected"),
    [
        ((), ("name=no-new-privileges",), True),
        (("no-new-privileges:false",), ("name=no-new-privileges",), False),
        ((), ("name=seccomp,profile=builtin",), False),
        ((), None, None),
        (("no-new-privileges:true",), None, True),
    ],
    ids=["engine's default", "option beats default", "no default", "not known", "option is known"],
)
def test_no_new_privileges_falls_back_to_the_engines_default(
    options: tuple[str, ...], engine_options: tuple[str, ...] | None, *, expected: bool | None
) -> None:
    host = snapshot(engine=engine(security_options=engine_options))

    assert grants.no_new_privileges(Container("web", security_opt=options), host) is expected


def test_without_an_engine_the_default_is_not_known() -> None:
    assert grants.no_new_privileges(Container("web"), snapshot(engine=None)) is None


@pytest.mark.parametrize(
    ("options", "profile"),
    [
        (("name=seccomp,profile=builtin",), "default"),
        (("name=apparmor", "name=seccomp,profile=default"), "default"),
        (("name=seccomp",), "default"),
        (("name=seccomp,profile=unconfined",), "unconfined"),
        (("name=seccomp,profile=/etc/docker/seccomp.json",), "custom"),
        (("name=apparmor",), "unconfined"),
        ((), "unconfined"),
        (None, None),
    ],
)
def test_the_engines_seccomp_profile_is_named(
    options: tuple[str, ...] | None, profile: str | None
) -> None:
    assert grants.default_seccomp(snapshot(engine=engine(security_options=options))) == profile


def test_granted_joins_what_was_declared_with_what_the_kernel_shows() -> None:
    container = Container(
        "web", cap_drop=("ALL",), cap_add=("CHOWN",), processes=(process(bounding=mask("BPF")),)
    )

    assert grants.declared(container) == {"CHOWN"}
    assert grants.granted(container) == {"CHOWN", "BPF"}


def test_held_joins_the_sets_of_all_processes() -> None:
    processes = (process(effective=mask("BPF")), process(effective=mask("CHOWN", "KILL")))

    assert grants.held(processes, "effective") == {"BPF", "CHOWN", "KILL"}
    assert grants.held((), "effective") == frozenset()


@given(st.lists(st.sampled_from([*capabilities.BY_NAME, "ALL", "cap_chown", "NONSENSE"])))
def test_added_is_what_cap_add_names_and_an_engine_knows(names: list[str]) -> None:
    known = {"CHOWN" if name == "cap_chown" else name for name in names} - {"NONSENSE"}

    assert grants.added(Container("web", cap_add=tuple(names))) == known


@pytest.mark.parametrize(
    ("facts", "left", "may_be"),
    [
        pytest.param({}, False, True, id="root"),
        pytest.param({"uid": None}, False, True, id="not known"),
        pytest.param({"uid": 5}, False, False, id="a user"),
        pytest.param({"processes": ()}, False, True, id="root without a process"),
        pytest.param({"processes": (process(uid=5),)}, True, False, id="left root"),
        pytest.param(
            {"processes": (process(uid=5, permitted=1),)}, False, True, id="kept a capability"
        ),
        pytest.param(
            {"processes": (process(uids=(5, 5, 0, 5), permitted=0),)},
            False,
            True,
            id="kept root as the saved uid",
        ),
        pytest.param(
            {"uid": 5, "processes": (process(uid=5), process(uid=0))}, False, True, id="became root"
        ),
        pytest.param(
            {"uid": None, "processes": (process(uid=5),)}, False, True, id="not known how it began"
        ),
    ],
)
def test_root_is_left_only_for_good(facts: Facts, *, left: bool, may_be: bool) -> None:
    container = Container("web", **facts)

    assert grants.left_root(container) is left
    assert grants.may_be_root(container) is may_be


def test_uids_are_the_effective_ones_once_each() -> None:
    processes = (process(uids=(0, 33, 0, 0)), process(uid=5), process(uid=5))

    assert grants.uids(Container("web", processes=processes)) == (5, 33)
    assert grants.uids(Container("web")) is None


@pytest.mark.parametrize(
    ("facts", "engine_facts", "why"),
    [
        ({}, {}, ""),
        ({"runtime": "runsc"}, {}, "it runs in the sandbox runsc"),
        ({"runtime": "io.containerd.kata.v2"}, {}, "it runs in the sandbox io.containerd.kata.v2"),
        ({}, {"default_runtime": "sysbox-runc"}, "it runs in the sandbox sysbox-runc"),
        ({"runtime": "runc"}, {"default_runtime": "runsc"}, ""),
        ({}, {"security_options": ("name=rootless",)}, "the engine is rootless"),
        ({}, {"security_options": ("name=userns",)}, "its user namespace is remapped"),
        ({"userns_mode": "host"}, {"security_options": ("name=userns",)}, ""),
        ({}, {"security_options": None}, ""),
    ],
)
def test_root_is_weakened_by_a_sandbox_or_a_user_namespace(
    facts: Facts, engine_facts: Facts, why: str
) -> None:
    host = snapshot(engine=engine(**engine_facts))

    assert grants.weakened(Container("web", **facts), host) == why


def test_root_is_not_weakened_where_nothing_is_known() -> None:
    assert grants.weakened(Container("web"), snapshot(engine=None)) == ""


HOST = Container("host", id="1" * 64, network_mode="host")
ONE = Container("one", id="2" * 64, network_mode="container:" + "1" * 64)
TWO = Container("two", id="3" * 64, network_mode="container:one")


@pytest.mark.parametrize(
    ("mode", "end", "through"),
    [
        ("host", "host", []),
        ("bridge", "private", []),
        ("none", "private", []),
        ("", "private", []),
        ("container:host", "host", ["host"]),
        ("container:111111111111", "host", ["host"]),
        ("container:two", "host", ["two", "one", "host"]),
    ],
)
def test_a_namespace_is_followed_to_its_end(mode: str, end: str, through: list[str]) -> None:
    container = Container("web", network_mode=mode)

    found = grants.namespace(container, snapshot(container, HOST, ONE, TWO), "network")

    assert (found.mode, [c.name for c in found.through], found.missing) == (end, through, "")


def test_a_namespace_that_leads_out_of_sight_is_unknown() -> None:
    container = Container("web", pid_mode="container:gone")

    assert grants.namespace(container, snapshot(container), "pid") == grants.Namespace(
        None, (), "gone"
    )


def test_a_namespace_that_leads_to_itself_is_unknown() -> None:
    web = Container("web", ipc_mode="container:web")

    assert grants.namespace(web, snapshot(web), "ipc") == grants.Namespace(None, (), "web")


def test_a_namespace_that_leads_in_a_circle_is_unknown() -> None:
    a = Container("a", pid_mode="container:b")
    b = Container("b", pid_mode="container:c")
    c = Container("c", pid_mode="container:b")

    found = grants.namespace(a, snapshot(a, b, c), "pid")

    assert (found.mode, [x.name for x in found.through], found.missing) == (None, ["b", "c"], "b")


@given(st.lists(st.integers(0, 5), min_size=6, max_size=6))
def test_every_chain_of_references_ends(targets: list[int]) -> None:
    some = [Container(f"c{i}", pid_mode=f"container:c{t}") for i, t in enumerate(targets)]

    assert all(grants.namespace(c, snapshot(*some), "pid").mode is None for c in some)


def test_published_ports_are_those_of_whoever_owns_the_network() -> None:
    real, wished = Port(80, "tcp", V4, 80), Port(80)
    owner = Container("owner", ports=(real,), wished_ports=(wished,))
    stopped = Container("stopped", state="exited", wished_ports=(wished,))
    between = Container("between", network_mode="container:owner")
    guest = Container("guest", network_mode="container:between")
    host = snapshot(owner, stopped, between, guest)

    assert grants.network_owner(guest, host) is owner
    assert grants.published(guest, host) == (real,)
    assert grants.published(owner, host) == (real,)
    assert grants.published(stopped, host) == (wished,)


def test_open_places_are_the_ports_and_listeners_on_every_address() -> None:
    container = Container(
        "web",
        ports=(Port(80, "tcp", "127.0.0.1", 80), Port(80, "tcp", V6, 80)),
        listeners=(Listener(V4, 90), Listener("10.0.0.1", 91)),
    )

    assert grants.open_places(container, snapshot(container)) == (
        Port(80, "tcp", V6, 80),
        Listener(V4, 90),
    )


@pytest.mark.parametrize(
    ("where", "written"),
    [
        (Port(80, "tcp", "127.0.0.1", 8888), "127.0.0.1:8888->80/tcp"),
        (Port(53, "udp", "", 53), "0.0.0.0:53->53/udp"),
        (Port(53, "udp", V6, 53), "[::]:53->53/udp"),
        (Port(80, "tcp", "fe80::1", 80), "[fe80::1]:80->80/tcp"),
        (Port(80), "0.0.0.0:->80/tcp"),
        (Listener("127.0.0.1", 25), "127.0.0.1:25/tcp"),
        (Listener(V6, 5353, "udp"), "[::]:5353/udp"),
    ],
)
def test_a_place_is_written_as_docker_writes_it(where: Port | Listener, written: str) -> None:
    assert grants.place(where) == written


@pytest.mark.parametrize(
    ("found", "written"),
    [
        ([], ()),
        ([Port(80, "tcp", V4, 80), Port(80, "tcp", V6, 80)], ("*:80->80/tcp",)),
        ([Port(80, "tcp", "", 80), Port(80, "tcp", V6, 80)], ("*:80->80/tcp",)),
        ([Port(80, "tcp", V6, 80)], ("[::]:80->80/tcp",)),
        (
            [Port(80, "tcp", V4, 80), Port(80, "tcp", V6, 81)],
            ("0.0.0.0:80->80/tcp", "[::]:81->80/tcp"),
        ),
        (
            [Port(80, "tcp", V4, 80), Port(80, "udp", V6, 80)],
            ("0.0.0.0:80->80/tcp", "[::]:80->80/udp"),
        ),
        (
            [Listener("10.0.0.1", 80), Listener(V4, 80), Listener(V6, 80)],
            ("*:80/tcp", "10.0.0.1:80/tcp"),
        ),
    ],
)
def test_a_place_open_by_both_protocols_is_written_once(
    found: list[Port | Listener], written: tuple[str, ...]
) -> None:
    assert grants.places(found) == written


def test_neighbours_share_a_network_that_is_neither_the_hosts_nor_none() -> None:
    web = Container("web", networks=("shop", "host", "none"))
    near = Container("near", networks=("else", "shop"))
    far = Container("far", networks=("else", "host", "none"))
    host = snapshot(web, near, far)

    assert [c.name for c in grants.neighbours(web, host)] == ["near"]
    assert [c.name for c in grants.neighbours(near, host)] == ["far", "web"]


def test_holds_socket_sees_any_mount_that_reaches_one() -> None:
    socket = Mount("bind", "/x", "/run/docker.sock", writable=False)

    assert grants.holds_socket(Container("web", mounts=(Mount("tmpfs", "/t"), socket)))
    assert not grants.holds_socket(Container("web", mounts=(Mount("volume", "/run", None),)))


def test_no_list_of_masks_means_the_engines_own() -> None:
    assert grants.unguarded(Container("web")) == ()
    assert grants.unguarded(Container("web", readonly_paths=("/proc/sys",))) == (
        "/proc/sysrq-trigger",
    )
    assert grants.unguarded(Container("web", masked_paths=())) == ("/proc/kcore",)
