import pytest

from builders import Facts, ask, best, fail, process
from hullward.model.facts import Container, Device, Listener, Mount, Port
from hullward.rules.containers.paths import attack_path

OPEN = Port(80, "tcp", "0.0.0.0", 8080)  # noqa: S104 - compared, never bound
SOCKET = Mount("bind", "/var/run/docker.sock", "/var/run/docker.sock", writable=False)
WATCHTOWER = Container("watchtower", image="containrrr/watchtower:1.7.1", mounts=(SOCKET,))


def path(facts: Facts, *others: Container) -> str:
    return fail(ask(attack_path, Container("web", image="shop/web:1.2", **facts), *others)).evidence


def cut(facts: Facts, *others: Container) -> str:
    return fail(ask(attack_path, Container("web", image="shop/web:1.2", **facts), *others)).remedy


def test_a_port_and_the_socket_make_a_path() -> None:
    facts: Facts = {"ports": (OPEN,), "mounts": (SOCKET,)}

    assert path(facts) == (
        "anyone who reaches 0.0.0.0:8080->80/tcp → the engine's socket through "
        "/var/run/docker.sock → root on the host"
    )
    assert cut(facts) == "One change cuts it: remove the mount of /var/run/docker.sock."


def test_an_updater_and_the_socket_make_a_path() -> None:
    container = Container("ui", image="shop/ui:latest", mounts=(SOCKET,))

    assert fail(ask(attack_path, container, WATCHTOWER)).evidence == (
        "whoever publishes shop/ui:latest, which watchtower pulls by itself → the engine's socket "
        "through /var/run/docker.sock → root on the host"
    )


def test_a_joined_way_out_needs_no_way_in() -> None:
    facts: Facts = {"cap_add": ("SYS_PTRACE",), "pid_mode": "host"}

    assert path(facts) == (
        "a flaw in the program → SYS_PTRACE with the host's processes → root on the host"
    )
    assert cut(facts) == "One change cuts it: remove SYS_PTRACE from cap_add."


@pytest.mark.parametrize(
    ("facts", "way_out"),
    [
        pytest.param({"privileged": True}, "privileged", id="privileged"),
        pytest.param({"cap_add": ("SYS_ADMIN",)}, "SYS_ADMIN", id="SYS_ADMIN"),
        pytest.param({"cap_add": ("SYS_MODULE",)}, "SYS_MODULE", id="SYS_MODULE"),
        pytest.param({"cap_add": ("DAC_READ_SEARCH",)}, "DAC_READ_SEARCH", id="shocker"),
        pytest.param(
            {"cap_add": ("NET_ADMIN",), "network_mode": "host"},
            "NET_ADMIN on the host's network",
            id="firewall",
        ),
        pytest.param(
            {"device_rules": ("b 8:* rwm",)}, "MKNOD with the device rule 'b 8:* rwm'", id="mknod"
        ),
        pytest.param(
            {"devices": (Device("/dev/sda"),)},
            "/dev/sda, a disk of the host: its file systems can be read and changed",
            id="disk",
        ),
        pytest.param(
            {"mounts": (Mount("bind", "/x", "/etc/cron.d"),)}, "the bind of /etc/cron.d", id="cron"
        ),
        pytest.param(
            {"mounts": (Mount("bind", "/x", "/run/systemd/private", writable=False),)},
            "the bind of /run/systemd/private",
            id="systemd",
        ),
        pytest.param({"readonly_paths": ()}, "a writable core_pattern", id="core_pattern"),
    ],
)
def test_every_way_out_is_named_behind_an_open_port(facts: Facts, way_out: str) -> None:
    listeners = (Listener("::", 8080),)

    said = path({**facts, "listeners": listeners})

    assert said == f"anyone who reaches [::]:8080/tcp → {way_out} → root on the host"


@pytest.mark.parametrize(
    ("source", "change"),
    [
        ("/etc/cron.d", "mount /etc/cron.d read-only or not at all"),
        ("/run/systemd/private", "mount /run/systemd/private not at all"),
    ],
)
def test_a_bind_is_cut_by_what_really_helps(source: str, change: str) -> None:
    facts: Facts = {"ports": (OPEN,), "mounts": (Mount("bind", "/x", source),)}

    assert cut(facts) == f"One change cuts it: {change}."


def test_two_ways_out_behind_one_way_in_are_cut_at_the_way_in() -> None:
    facts: Facts = {"ports": (OPEN,), "mounts": (SOCKET,), "cap_add": ("SYS_ADMIN",)}

    assert cut(facts) == "One change cuts every path: publish its ports on 127.0.0.1 only."


def test_listeners_are_cut_by_binding_them() -> None:
    facts: Facts = {
        "listeners": (Listener("::", 80),),
        "cap_add": ("SYS_ADMIN", "SYS_MODULE"),
    }

    assert cut(facts) == "One change cuts every path: bind its listeners to one address."


def test_several_ways_out_by_one_setting_are_one_change() -> None:
    facts: Facts = {"ports": (OPEN,), "cap_add": ("ALL",)}

    assert cut(facts) == "One change cuts it: remove ALL from cap_add."


def test_ways_that_no_single_change_cuts_are_listed_together() -> None:
    facts: Facts = {
        "cap_add": ("SYS_PTRACE", "NET_ADMIN"),
        "pid_mode": "host",
        "network_mode": "host",
    }

    assert cut(facts) == (
        "No single change cuts every path. Together these do: "
        "remove SYS_PTRACE from cap_add, and remove NET_ADMIN from cap_add."
    )


def test_a_capability_of_a_single_process_ends_with_the_process() -> None:
    facts: Facts = {"ports": (OPEN,), "processes": (process(bounding=1 << 21),)}

    assert cut(facts) == "One change cuts it: end the process that holds SYS_ADMIN."


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"ports": (OPEN,)}, id="a way in without a way out"),
        pytest.param({"mounts": (SOCKET,)}, id="a way out without a way in"),
        pytest.param({"cap_add": ("SYS_ADMIN",)}, id="a strong capability without a way in"),
        pytest.param({"cap_add": ("SYS_PTRACE",)}, id="SYS_PTRACE without the host's processes"),
        pytest.param({"pid_mode": "host"}, id="the host's processes without SYS_PTRACE"),
        pytest.param({"cap_add": ("NET_ADMIN",)}, id="NET_ADMIN without the host's network"),
        pytest.param({"network_mode": "host"}, id="the host's network without NET_ADMIN"),
        pytest.param(
            {"device_rules": ("b 8:* rwm",), "cap_drop": ("MKNOD",)}, id="a device without MKNOD"
        ),
        pytest.param(
            {"ports": (OPEN,), "cap_add": ("SYS_ADMIN",), "uid": 1000}, id="a user that is not root"
        ),
        pytest.param(
            {"ports": (Port(80, "tcp", "127.0.0.1", 80),), "mounts": (SOCKET,)}, id="a local port"
        ),
        pytest.param(
            {"ports": (OPEN,), "mounts": (Mount("bind", "/x", "/etc", writable=False),)},
            id="a path that is only read",
        ),
    ],
)
def test_attack_path_is_silent_while_a_link_is_missing(facts: Facts) -> None:
    container = Container("web", image="shop/web:1.2", **facts)

    assert ask(attack_path, container, WATCHTOWER) == []
    assert ask(attack_path, best()) == []


@pytest.mark.parametrize(
    ("image", "labels"),
    [
        pytest.param("shop/ui:1.2", {}, id="a version"),
        pytest.param("shop/ui", {"com.centurylinklabs.watchtower.enable": "false"}, id="opted out"),
    ],
)
def test_an_updater_is_no_way_in_to_what_it_does_not_replace(
    image: str, labels: dict[str, str]
) -> None:
    container = Container("ui", image=image, labels=labels, mounts=(SOCKET,))

    assert ask(attack_path, container, WATCHTOWER) == []
