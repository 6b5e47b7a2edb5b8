"""Which devices of the host a container may use."""

import re

from hullward.model.facts import Container, Device, Snapshot
from hullward.model.rule import Answers, Fail, container_rule
from hullward.model.severity import Severity
from hullward.rules import grants, places, remedies

_DISK = re.compile(
    r"/dev/((sd|vd|xvd|hd)[a-z]|nvme\d|mmcblk\d|md\d|dm-\d|loop|nbd\d|zd\d|rbd\d|"
    r"bcache\d|drbd\d|dasd[a-z]|pmem\d|mapper/|disk/)"
)
_GRADES = (
    (_DISK, Severity.CRITICAL, "a disk of the host: its file systems can be read and changed"),
    (re.compile(r"/dev/(mem|kmem|port)$"), Severity.CRITICAL, "the host's memory"),
    (re.compile(r"/dev/(vhost|uinput|uhid|zfs)"), Severity.HIGH, "a way into the host's kernel"),
    (re.compile(r"/dev/(input|tty\d|console|hidraw)"), Severity.HIGH, "the host's keyboard"),
    (re.compile(r"/dev/(kvm|fuse|net/tun|ppp|btrfs-control)"), Severity.MEDIUM, "kernel surface"),
    (re.compile(r"/dev/(kmsg|sg\d|mtd)"), Severity.MEDIUM, "the kernel's log or raw hardware"),
    (re.compile(r"/dev$"), Severity.CRITICAL, "every device of the host"),
)
_ALL_BLOCK = re.compile(r"^[ab]\s+(\*|\d+):(\*|\d+)\s+\w+")


@container_rule(
    id="container-host-device",
    title="Container uses devices of the host",
    severity=Severity.LOW,
    rationale="A device node speaks to the kernel or the hardware past every namespace.",
    remedy="Remove the device, or give it read-only: `/dev/NAME:/dev/NAME:r`.",
    refs=("cis-docker:5.18", "docker-run(1) --device"),
    host_risk=True,
)
def host_device(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for each device, graded by what it is."""
    del snapshot
    for device in container.devices:
        severity, what = grade(device)
        yield Fail(
            f"{device.path} ({device.permissions}): {what}",
            severity,
            remedies.remove(
                container,
                f"devices:\n  - {remedies.scalar(device.path)}",
                f"--device {remedies.word(device.path)}",
            ),
        )


def grade(device: Device) -> tuple[Severity, str]:
    """Say what a device opens; a disk that can only be read gives away every file on it."""
    path = places.clean(device.path)
    if _DISK.match(path) and "w" not in device.permissions:
        return Severity.HIGH, "a disk of the host: every file on it can be read"
    found = ((severity, what) for sign, severity, what in _GRADES if sign.match(path))
    return next(found, (Severity.LOW, "a device of the host"))


@container_rule(
    id="container-device-rules",
    title="Device rules let the container make device nodes",
    severity=Severity.MEDIUM,
    rationale=(
        "A device cgroup rule allows a device without naming it; with MKNOD, one of Docker's "
        "defaults, the container makes the node itself."
    ),
    remedy="Remove `device_cgroup_rules`; name the one device in `devices`.",
    refs=("docker-run(1) --device-cgroup-rule", "mknod(2)"),
    host_risk=True,
)
def device_rules(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for each rule; critical where MKNOD meets block devices."""
    del snapshot
    for rule in container.device_rules:
        block = bool(_ALL_BLOCK.match(rule))
        mknod = "MKNOD" in grants.granted(container)
        severity = (Severity.CRITICAL if mknod else Severity.HIGH) if block else None
        yield Fail(
            f"rule {rule!r}" + (", and MKNOD is granted" if block and mknod else ""),
            severity,
            remedies.remove(
                container,
                f"device_cgroup_rules:\n  - '{remedies.scalar(rule)}'",
                f"--device-cgroup-rule {remedies.word(rule)}",
            ),
        )


@container_rule(
    id="container-gpu",
    title="Container uses GPUs or CDI devices",
    severity=Severity.LOW,
    rationale=(
        "The toolkit that hands them over runs as root on the host and has had escapes of its own; "
        "keep it up to date."
    ),
    remedy="Give GPUs only to the container that computes, and update the toolkit.",
    refs=("CVE-2024-0132", "CVE-2025-23266"),
)
def gpu(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for device requests and for the nvidia runtime."""
    del snapshot
    for request in container.device_requests:
        yield Fail(f"device request: {request or 'any'}")
    if container.runtime == "nvidia":
        yield Fail("its runtime is nvidia")
