import pytest

from builders import Facts, ask, evidence, fail
from hullward.model.facts import Container, Device
from hullward.model.rule import Fail
from hullward.model.severity import Severity
from hullward.rules.containers.devices import device_rules, gpu, host_device


@pytest.mark.parametrize(
    ("path", "permissions", "severity"),
    [
        ("/dev/sda", "rwm", Severity.CRITICAL),
        ("/dev/sda1", "rw", Severity.CRITICAL),
        ("/dev/nvme0n1p2", "rwm", Severity.CRITICAL),
        ("/dev/mapper/vg-root", "rwm", Severity.CRITICAL),
        ("/dev/disk/by-uuid/1", "rwm", Severity.CRITICAL),
        ("/dev//sda", "rwm", Severity.CRITICAL),
        ("/dev/net/../vda", "rwm", Severity.CRITICAL),
        ("/dev", "rwm", Severity.CRITICAL),
        ("/dev/", "rwm", Severity.CRITICAL),
        ("/dev/mem", "r", Severity.CRITICAL),
        ("/dev/port", "rwm", Severity.CRITICAL),
        ("/dev/sda", "r", Severity.HIGH),
        ("/dev/uinput", "rwm", Severity.HIGH),
        ("/dev/input/event0", "r", Severity.HIGH),
        ("/dev/tty0", "rwm", Severity.HIGH),
        ("/dev/kmsg", "r", Severity.MEDIUM),
        ("/dev/kvm", "rwm", Severity.MEDIUM),
        ("/dev/fuse", "rwm", Severity.MEDIUM),
        ("/dev/net/tun", "rwm", Severity.MEDIUM),
        ("/dev/sr0", "rwm", Severity.LOW),
        ("/dev/ttyUSB0", "rwm", Severity.LOW),
        ("/dev/dri/renderD128", "rwm", Severity.LOW),
        ("/dev/memory-card", "rwm", Severity.LOW),
    ],
)
def test_host_device_is_graded_by_what_it_is(
    path: str, permissions: str, severity: Severity
) -> None:
    answer = fail(ask(host_device, Container("web", devices=(Device(path, permissions),))))

    assert answer.severity is severity


def test_host_device_says_what_each_one_opens() -> None:
    container = Container("web", devices=(Device("/dev/sda"), Device("/dev/sdb", "r")))

    assert ask(host_device, container) == [
        Fail(
            "/dev/sda (rwm): a disk of the host: its file systems can be read and changed",
            Severity.CRITICAL,
            "Run web anew without: --device /dev/sda",
        ),
        Fail(
            "/dev/sdb (r): a disk of the host: every file on it can be read",
            Severity.HIGH,
            "Run web anew without: --device /dev/sdb",
        ),
    ]


def test_host_device_is_silent_without_one() -> None:
    assert ask(host_device, Container("web")) == []


@pytest.mark.parametrize(
    ("rule", "drop", "expected"),
    [
        ("b 8:* rwm", (), ("rule 'b 8:* rwm', and MKNOD is granted", Severity.CRITICAL)),
        ("a *:* rwm", (), ("rule 'a *:* rwm', and MKNOD is granted", Severity.CRITICAL)),
        ("b 8:* rwm", ("MKNOD",), ("rule 'b 8:* rwm'", Severity.HIGH)),
        ("c 188:* rmw", (), ("rule 'c 188:* rmw'", None)),
    ],
)
def test_device_rules_is_worst_where_mknod_meets_block_devices(
    rule: str, drop: tuple[str, ...], expected: tuple[str, Severity | None]
) -> None:
    answer = fail(ask(device_rules, Container("web", device_rules=(rule,), cap_drop=drop)))

    assert (answer.evidence, answer.severity) == expected


def test_device_rules_is_silent_without_one() -> None:
    assert ask(device_rules, Container("web")) == []


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        pytest.param(
            {"device_requests": ("nvidia gpu",)}, ["device request: nvidia gpu"], id="request"
        ),
        pytest.param({"device_requests": ("",)}, ["device request: any"], id="of any kind"),
        pytest.param({"runtime": "nvidia"}, ["its runtime is nvidia"], id="runtime"),
        pytest.param({"runtime": "runc"}, [], id="none"),
    ],
)
def test_gpu_fires_for_requests_and_the_nvidia_runtime(facts: Facts, said: list[str]) -> None:
    assert evidence(ask(gpu, Container("web", **facts))) == said
