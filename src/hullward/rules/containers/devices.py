"""Which devices of the host a container may use."""

import re

from hullward.model.facts import Container, Snapshot
from hullward.model.rule import Answers, Fail, container_rule
from hullward.model.severity import Severity
from hullward.rules import grants, remedies

_BLOCK = re.compile(
    r"/dev/((sd|vd|xvd|hd)[a-z]|nvme\d|mmcblk\d|md\d|dm-\d|loop|nbd\d|zd\d|rbd\d|sr\d|mapper/|disk/)"
)
_GRADES = (
    (_BLOCK, Severity.CRITICAL, "a disk of the host: its file systems can be read and changed"),
    (re.compile(r"/dev/(mem|kmem|port)$"), Severity.CRITICAL, "the host's memory"),
    (re.compile(r"/dev/(kmsg|vhost|uinput|uhid)"), Severity.HIGH, "a way into the host's kernel"),
    (re.compile(r"/dev/(input|tty\d|console|hidraw)"), Severity.HIGH, "the host's keyboard"),
    (re.compile(r"/dev/(kvm|fuse|net/tun|ppp|btrfs-control)"), Severity.MEDIUM, "kernel surface"),
    (re.compile(r"/dev/?$"), Severity.CRITICAL, "every device of the host"),
)
_ALL_BLOCK = re.compile(r"^[ab]\s+(\*|\d+):(\*|\d+)\s+\w+")


@container_rule(
    id="container-host-device",
    title="Container uses devices of the host",
    severity=Severity.LOW,
    rationale="A device node speaks to the kernel or the hardware past every namespace.",
    remedy="Remove the device, or give it read-only: `/dev/NAME:/dev/NAME:r`.",
    refs=("cis-docker:5.18", "docker-run(1) --device"),
)
def host_device(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for each device, graded by what it is."""
    del snapshot
    for device in container.devices:
        grade, what = next(
            ((grade, what) for sign, grade, what in _GRADES if sign.match(device.path)),
            (Severity.LOW, "a device of the host"),
        )
        yield Fail(
            f"{device.path} ({device.permissions}): {what}",
            grade,
            remedies.remove(container, f"devices:\n  - {device.path}", f"--device {device.path}"),
        )


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
                container, f"device_cgroup_rules:\n  - '{rule}'", f"--device-cgroup-rule '{rule}'"
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
