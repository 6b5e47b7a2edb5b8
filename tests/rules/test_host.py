from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hullward.collect import system as collected
from hullward.collect import users as collected_users
from hullward.collect.bundle import Said
from hullward.model.facts import Container, Engine, Network, Snapshot
from hullward.model.host import Host
from hullward.model.rule import EngineRule, Fail, HostRule, Unknown
from hullward.model.severity import Severity
from hullward.model.sockets import Socket, Sockets
from hullward.model.system import Distribution, Filesystem, Package, Program, System
from hullward.model.users import Account, Users
from hullward.rules import distributions, host, host_machine, host_use, vulnerabilities
from hullward.rules.distributions import Support

HOSTS = Path(__file__).parents[1] / "hosts"
RUNNING = {
    "alpine322-root": "6.12.50-0-lts",
    "debian12-root": "6.1.0-38-amd64",
    "debian13-user": "6.12.48+deb13-arm64",
    "fedora43-root": "6.17.7-300.fc43.x86_64",
    "rhel9-root": "5.14.0-570.49.1.el9_6.x86_64",
    "ubuntu2404-root": "6.14.0-33-generic",
    "worst-root": "3.2.0-4-amd64",
}
ENGINE = Engine("28.5.1", root_directory="/var/lib/docker")
OF_SYSTEM = (
    host.unsupported_distribution,
    host.docker_origin,
    host.docker_restart,
    host_machine.pending_reboot,
    host_machine.nested_virtualization,
    host_machine.docker_partition,
    host_machine.disk_full,
    host_machine.cores_short,
    host_machine.memory_promised,
    host_machine.oversized,
    host_use.workstation,
)


def recorded(name: str, engine: Engine | None = ENGINE) -> Snapshot:
    answers = {path.stem: Said(path.read_text()) for path in (HOSTS / name).glob("*.txt")}
    found, users = collected.parse(answers), collected_users.parse(answers)
    assert isinstance(found, System)
    assert isinstance(users, Users)
    return Snapshot(name, engine=engine, host=Host(kernel=RUNNING[name], system=found, users=users))


def of(system: System, containers: tuple[Container, ...] = ()) -> Snapshot:
    found = Host(kernel="6.1.0-38-amd64", system=system)
    return Snapshot("web1", engine=ENGINE, host=found, containers=containers)


def judged(rule: HostRule | EngineRule, snapshot: Snapshot) -> list[Fail | Unknown]:
    if isinstance(rule, EngineRule):
        return list(rule.check(snapshot))
    assert snapshot.host is not None
    return list(rule.check(snapshot.host, snapshot))


def evidence(rule: HostRule | EngineRule, snapshot: Snapshot) -> list[str]:
    return [a.evidence for a in judged(rule, snapshot) if isinstance(a, Fail)]


def severities(rule: HostRule | EngineRule, snapshot: Snapshot) -> list[Severity]:
    return [a.severity or rule.severity for a in judged(rule, snapshot) if isinstance(a, Fail)]


def reasons(rule: HostRule | EngineRule, snapshot: Snapshot) -> list[str]:
    return [a.reason for a in judged(rule, snapshot) if isinstance(a, Unknown)]


@pytest.mark.parametrize("rule", OF_SYSTEM, ids=lambda rule: rule.id)
def test_what_was_not_looked_at_is_unknown(rule: HostRule | EngineRule) -> None:
    assert reasons(rule, of(System()))
    assert not evidence(rule, of(System()))


@pytest.mark.parametrize(
    ("id_", "version", "support"),
    [
        ("debian", "13", Support.SUPPORTED),
        ("debian", "11", Support.ENDED),
        ("debian", "", Support.NEWER),
        ("ubuntu", "24.04", Support.SUPPORTED),
        ("ubuntu", "25.10", Support.ENDED),
        ("ubuntu", "26.10", Support.NEWER),
        ("fedora", "45", Support.NEWER),
        ("rhel", "9.6", Support.SUPPORTED),
        ("rhel", "7.9", Support.ENDED),
        ("centos", "10", Support.SUPPORTED),
        ("raspbian", "12", Support.ENDED),
        ("arch", "", Support.NONE),
        ("sles", "15.7", Support.NONE),
    ],
)
def test_distributions_are_looked_up(id_: str, version: str, support: Support) -> None:
    assert distributions.judge(Distribution(id_, version), "x86_64") is support


def test_sles_is_supported_on_the_mainframe() -> None:
    assert distributions.judge(Distribution("sles", "15.7"), "s390x") is Support.SUPPORTED


def test_a_relative_of_ubuntu_is_not_ubuntu() -> None:
    mint = Distribution("linuxmint", "22.1", "Linux Mint 22.1", ("ubuntu", "debian"))

    assert evidence(host.unsupported_distribution, of(System(distribution=mint))) == [
        (
            "Linux Mint 22.1 is not among the distributions of Docker's packages; those for "
            "ubuntu or debian may work, but are not tested on it"
        )
    ]


def test_a_distribution_s_own_docker_makes_its_absence_from_the_table_advice() -> None:
    assert severities(host.unsupported_distribution, recorded("alpine322-root")) == [Severity.INFO]


@pytest.mark.parametrize(
    ("name", "expected", "severity"),
    [
        ("rhel9-root", "", None),
        ("debian12-root", "", None),
        ("alpine322-root", "", None),
        ("debian13-user", "dockerd is of the package docker.io 26.1.5+dfsg1-9+b9", Severity.LOW),
        ("fedora43-root", "dockerd is of the package moby-engine", Severity.LOW),
        ("ubuntu2404-root", "/snap/docker/3265/bin/dockerd is a snap", Severity.MEDIUM),
        ("worst-root", "no package owns /usr/local/bin/dockerd", Severity.MEDIUM),
    ],
)
def test_docker_is_followed_to_its_origin(
    name: str, expected: str, severity: Severity | None
) -> None:
    found = judged(host.docker_origin, recorded(name))

    assert not reasons(host.docker_origin, recorded(name))
    assert [expected in answer.evidence for answer in found if isinstance(answer, Fail)] == (
        [True] if expected else []
    )
    assert severities(host.docker_origin, recorded(name)) == ([severity] if severity else [])


DOCKER_CE = Package("dpkg", "docker-ce", "5:28.5.1", "Docker <support@docker.com>")


def test_packages_of_docker_without_their_source_get_no_updates() -> None:
    programs = (Program("dockerd", "/usr/bin/dockerd", 7, ours=True, package=DOCKER_CE),)
    found = of(System(programs=programs, docker_sources=()))

    assert evidence(host.docker_origin, found) == [
        (
            "docker-ce 5:28.5.1 is of docker.com, but no package source names Docker: "
            "nothing updates it"
        )
    ]


def test_the_path_that_a_user_sees_may_be_a_link_to_a_package_s_file() -> None:
    programs = (Program("dockerd", "/opt/dockerd", 7, unmanaged=True),)

    assert judged(host.docker_origin, of(System(programs=programs))) == [
        Unknown("no package owns /opt/dockerd, but only root sees whether it is the file")
    ]


def test_a_third_party_s_docker_is_neither_of_both() -> None:
    azure = Package("dpkg", "moby-engine", "26.1", "Microsoft <x@microsoft.example>")
    programs = (Program("dockerd", "/usr/bin/dockerd", 7, ours=True, package=azure),)

    assert severities(host.docker_origin, of(System(programs=programs))) == [Severity.MEDIUM]


@pytest.mark.parametrize(
    ("engine", "expected"),
    [
        (Engine("27.2.0", root_directory="/var/snap/docker/common/var-lib-docker"), "a snap"),
        (Engine("26.1.5+dfsg1", root_directory="/var/lib/docker"), "a distribution's build"),
    ],
)
def test_without_the_host_the_engine_betrays_a_snap_or_a_distribution(
    engine: Engine, expected: str
) -> None:
    snapshot = Snapshot("web1", engine=engine, gaps={"host": "no ssh"})

    assert evidence(host.docker_origin, snapshot)[0].endswith(expected)


def test_without_the_host_a_plain_version_tells_nothing() -> None:
    snapshot = Snapshot("web1", engine=ENGINE, gaps={"host": "no ssh"})

    assert judged(host.docker_origin, snapshot) == [Unknown("no ssh")]


def test_an_updated_daemon_that_still_runs_is_found() -> None:
    assert judged(host.docker_restart, recorded("debian12-root")) == [
        Fail(
            "dockerd (process 702) runs a file that is gone: /usr/bin/dockerd",
            remedy="systemctl restart docker",
        )
    ]
    assert len(evidence(host.docker_restart, recorded("worst-root"))) == 2


def test_a_user_cannot_see_whether_the_daemon_was_replaced() -> None:
    assert judged(host.docker_restart, recorded("debian13-user")) == [
        Unknown("only root sees which file a running program is")
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("debian12-root", ["kernel 6.1.0-40-amd64 is installed, 6.1.0-38-amd64 runs"]),
        ("debian13-user", []),
        ("rhel9-root", []),
        ("fedora43-root", ["updated since the start: glibc"]),
        ("alpine322-root", ["kernel 6.12.57-0-lts is installed, 6.12.50-0-lts runs"]),
    ],
)
def test_a_pending_reboot_is_told(name: str, expected: list[str]) -> None:
    assert evidence(host_machine.pending_reboot, recorded(name)) == expected
    assert not reasons(host_machine.pending_reboot, recorded(name))


@pytest.mark.parametrize(
    "other",
    [
        "6.12.9-cloud-amd64",
        "6.12.9-rt-amd64",
        "6.12.9+rpt-rpi-v8",
        "6.1.0-38-amd64",
        "6.1.0-9-amd64",
    ],
)
def test_kernels_of_another_flavour_or_not_newer_wait_for_nothing(other: str) -> None:
    found = of(System(kernels=(other,), reboot_required=False))

    assert judged(host_machine.pending_reboot, found) == []


def test_a_kernel_of_the_next_release_waits_too() -> None:
    found = of(System(kernels=("6.12.43+deb13-amd64",), reboot_required=False))

    assert len(evidence(host_machine.pending_reboot, found)) == 1


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        ("3.2.0-4-amd64", [Severity.HIGH]),
        ("4.18.0-553.el8_10.x86_64", [Severity.INFO]),
        ("5.10.0-36-amd64", []),
        ("6.1.0-38-amd64", []),
    ],
)
def test_old_kernels_are_graded(kernel: str, expected: list[Severity]) -> None:
    snapshot = Snapshot("web1", host=Host(kernel=kernel, system=System()))

    assert severities(host_machine.kernel_old, snapshot) == expected


def test_an_unknown_kernel_is_no_new_one() -> None:
    assert reasons(host_machine.kernel_old, Snapshot("web1", host=Host(system=System())))


def test_nested_virtualization_is_told_with_the_kind_of_machine() -> None:
    assert evidence(host_machine.nested_virtualization, recorded("debian12-root")) == [
        (
            "/dev/kvm is there on a guest of kind kvm (QEMU Standard PC (Q35 + ICH9, 2009)); "
            "kvm_intel.nested=Y"
        )
    ]
    assert evidence(host_machine.nested_virtualization, recorded("rhel9-root")) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("debian13-user", []),
        ("debian12-root", [("/var/lib/docker is on the file system of / (ext4)", Severity.LOW)]),
        ("fedora43-root", [("/var/lib/docker is on the file system of / (btrfs)", Severity.LOW)]),
        ("worst-root", [("/var/lib/docker is on the file system of / (ext4)", Severity.LOW)]),
        ("rhel9-root", [("/var/lib/docker is on the file system of /var", Severity.INFO)]),
    ],
)
def test_the_partition_of_the_engine_is_its_own_or_not(
    name: str, expected: list[tuple[str, Severity]]
) -> None:
    rule = host_machine.docker_partition
    found = [
        (a.evidence, a.severity or rule.severity)
        for a in judged(rule, recorded(name))
        if isinstance(a, Fail)
    ]

    assert found == expected


@pytest.mark.parametrize(
    ("name", "expected", "severity"),
    [
        ("debian12-root", "/: 94 % of the space is used", Severity.LOW),
        ("rhel9-root", "/var: 96 % of the inodes is used", Severity.MEDIUM),
        ("worst-root", "/: 99 % of the space is used", Severity.MEDIUM),
    ],
)
def test_a_disk_that_is_nearly_full_is_told(name: str, expected: str, severity: Severity) -> None:
    assert evidence(host_machine.disk_full, recorded(name))[0] == expected
    assert severities(host_machine.disk_full, recorded(name))[0] is severity


def test_room_on_the_disk_is_a_pass() -> None:
    assert judged(host_machine.disk_full, recorded("debian13-user")) == []


def test_a_disk_without_numbers_is_unknown() -> None:
    found = of(System(filesystems=(Filesystem("/", "8:1"),)))

    assert len(reasons(host_machine.disk_full, found)) == 2


def test_limits_beyond_the_memory_are_told() -> None:
    containers = (
        Container("a", memory=3 << 30),
        Container("b", memory=2 << 30),
        Container("c"),
        Container("d", memory=9 << 30, state="exited"),
    )
    found = of(System(memory=4 << 30), containers=containers)

    assert evidence(host_machine.memory_promised, found) == [
        (
            "the limits of 2 containers are 5.0 GiB together, and 1 more have none; "
            "the host has 4.0 GiB"
        )
    ]
    assert judged(host_machine.memory_promised, of(System(memory=8 << 30))) == []


def test_limits_beyond_the_cores_are_told() -> None:
    containers = (
        Container("a", cores=1.5),
        Container("b", cores=1),
        Container("c"),
        Container("d", cores=9, state="exited"),
    )
    found = of(System(cores=2, load=0.5), containers=containers)

    assert evidence(host_machine.cores_short, found) == [
        "the limits of 2 containers are 2.5 cores together, and 1 more have none; the host has 2"
    ]
    assert judged(host_machine.cores_short, of(System(cores=3, load=2.5))) == []


def test_cores_that_are_always_busy_are_told_and_unknown_ones_too() -> None:
    assert evidence(host_machine.cores_short, of(System(cores=2, load=2.5))) == [
        "the load of the last 15 minutes was 2.5 on 2 cores"
    ]
    assert reasons(host_machine.cores_short, of(System(cores=2))) == [
        "how busy the cores are is not known"
    ]
    assert reasons(host_machine.cores_short, of(System(load=1))) == [
        "the number of cores is not known"
    ]


def test_a_server_that_is_far_too_large_is_told() -> None:
    assert evidence(host_machine.oversized, recorded("ubuntu2404-root")) == [
        "7.3 GiB of 62.7 GiB memory and 13 % of 935.7 GiB disk are used, 16 cores"
    ]
    assert judged(host_machine.oversized, recorded("debian12-root")) == []


EVERYWHERE = "0.0.0.0"  # noqa: S104 - a fact, never bound
POSTGRES = Socket("tcp", "10.0.0.5", 5432, "postgres", 7, "postgresql.service", "postgresql-15")
EXPECTED = (
    Socket("tcp", EVERYWHERE, 22, "sshd", 1, "ssh.service"),
    Socket("tcp", EVERYWHERE, 80, "docker-proxy", 2, container="a" * 64),
    Socket("tcp", EVERYWHERE, 3306, "mysqld", 3, container="b" * 64),
    Socket("udp", "127.0.0.53", 53, "systemd-resolve", 4),
    Socket("tcp", EVERYWHERE, 9100, "prometheus-node", 5),
)


def listening(*sockets: Socket, **gaps: str) -> Snapshot:
    return Snapshot("web1", host=Host(sockets=Sockets(tuple(sockets), gaps)))


def test_a_service_beside_docker_is_named_with_unit_and_package() -> None:
    assert judged(host_use.other_services, listening(*EXPECTED, POSTGRES)) == [
        Fail(
            "postgres (postgresql.service, package postgresql-15) on 10.0.0.5:5432/tcp",
            None,
            "systemctl disable --now postgresql.service   (once it is moved)",
        )
    ]


def test_docker_sshd_the_system_and_monitoring_are_expected() -> None:
    assert judged(host_use.other_services, listening(*EXPECTED)) == []


def test_a_service_on_the_loopback_is_advice() -> None:
    found = listening(Socket("tcp", "::1", 25, "exim4"), Socket("tcp", "127.0.0.1", 25, "exim4"))

    assert evidence(host_use.other_services, found) == ["exim4 on 127.0.0.1:25/tcp, [::1]:25/tcp"]
    assert severities(host_use.other_services, found) == [Severity.INFO]


def test_a_socket_whose_program_is_hidden_is_unknown() -> None:
    found = listening(Socket("tcp", EVERYWHERE, 8080), programs="only root sees them")

    assert judged(host_use.other_services, found) == [
        Unknown("what listens on 0.0.0.0:8080/tcp is not known: only root sees them")
    ]


def test_a_desktop_makes_a_workstation() -> None:
    assert judged(host_use.workstation, recorded("ubuntu2404-root")) == [
        Fail(
            "a desktop: Xwayland, gdm3, gnome-shell, gdm3 starts at boot; installed: "
            "ubuntu-wayland.desktop, ubuntu-xorg.desktop, ubuntu.desktop"
        )
    ]


def test_people_without_the_power_of_root_are_told() -> None:
    assert evidence(host_use.workstation, recorded("debian12-root")) == [
        "people without root's power can log in: bob"
    ]
    assert severities(host_use.workstation, recorded("debian12-root")) == [Severity.INFO]


def test_a_server_of_its_administrators_is_no_workstation() -> None:
    assert judged(host_use.workstation, recorded("fedora43-root")) == []


@pytest.mark.parametrize(
    ("part", "version", "expected"),
    [
        ("runc", "1.0.0-rc6", "CVE-2019-5736"),
        ("runc", "1.0.0-rc92", "CVE-2021-30465"),
        ("runc", "1.1.4", "CVE-2023-27561"),
        ("runc", "1.1.11", "CVE-2024-21626"),
        ("runc", "v1.2.7", "CVE-2025-31133"),
        ("runc", "1.4.0-rc.1", "CVE-2025-52881"),
        ("containerd", "1.4.2", "CVE-2020-15257"),
        ("Engine", "19.03.0", "CVE-2019-14271"),
        ("Engine", "25.0.1", "CVE-2024-23653"),
        ("Engine", "29.4.0", "CVE-2026-41567"),
    ],
)
def test_a_flawed_version_has_its_flaw(part: str, version: str, expected: str) -> None:
    assert expected in {flaw.id for flaw in vulnerabilities.of(part, version) or ()}


@pytest.mark.parametrize(
    ("part", "version", "flaw"),
    [
        ("runc", "1.0.0-rc7", "CVE-2019-5736"),
        ("runc", "1.0.0-rc95", "CVE-2021-30465"),
        ("runc", "1.0.0~rc92", "CVE-2024-21626"),
        ("runc", "1.0.0-rc94", "CVE-2023-27561"),
        ("runc", "1.2.0-rc.1", "CVE-2024-21626"),
        ("runc", "1.2.8", "CVE-2025-31133"),
        ("runc", "1.4.0-rc.3", "CVE-2025-31133"),
        ("Engine", "18.09.9", "CVE-2019-14271"),
        ("Engine", "24.0.9", "CVE-2024-23653"),
        ("Engine", "29.5.1", "CVE-2026-41567"),
        ("Engine", "dev", "CVE-2026-41567"),
    ],
)
def test_a_mended_or_never_flawed_version_has_it_not(part: str, version: str, flaw: str) -> None:
    assert flaw not in {flaw.id for flaw in vulnerabilities.of(part, version) or ()}


FLAWS = {flaw.id: flaw for flaw in (*vulnerabilities.FLAWS, *vulnerabilities.LESSER)}
BOOKWORM, TRIXIE = Distribution("debian", "12"), Distribution("debian", "13")
SID = Distribution("debian")


@pytest.mark.parametrize(
    ("flaw", "distribution", "package", "expected"),
    [
        ("CVE-2024-21626", BOOKWORM, Package("dpkg", "runc", "1.1.5+ds1-1+deb12u1"), True),
        ("CVE-2024-21626", BOOKWORM, Package("dpkg", "runc", "1.1.5+ds1-1+b1"), False),
        ("CVE-2025-31133", BOOKWORM, Package("dpkg", "runc", "1.1.5+ds1-1+deb12u1"), False),
        ("CVE-2025-31133", BOOKWORM, Package("dpkg", "runc", "1.1.5+ds1-1+deb12u2"), None),
        ("CVE-2025-31133", TRIXIE, Package("dpkg", "runc", "1.1.15+ds1-2+b4"), False),
        ("CVE-2026-42306", TRIXIE, Package("dpkg", "docker.io", "26.1.5+dfsg1-9+b9"), False),
        ("CVE-2026-42306", TRIXIE, Package("dpkg", "docker.io", "26.1.5+dfsg1-9+deb13u1"), True),
        ("CVE-2026-42306", SID, Package("dpkg", "docker.io", "28.5.2+dfsg4-2"), False),
        ("CVE-2026-41567", SID, Package("dpkg", "docker.io", "28.5.2+dfsg4-5+b1"), True),
        ("CVE-2024-25621", TRIXIE, Package("dpkg", "containerd", "1.7.24~ds1-6+b4"), False),
        ("CVE-2024-25621", TRIXIE, Package("dpkg", "containerd", "1.7.24~ds1-6+deb13u1+b2"), True),
        ("CVE-2026-41567", TRIXIE, Package("rpm", "docker.io", "26.1.5"), None),
        ("CVE-2026-41567", None, Package("dpkg", "docker.io", "26.1.5+dfsg1-9"), None),
        ("CVE-2026-41567", TRIXIE, None, None),
    ],
)
def test_the_package_decides_where_a_distribution_hides_its_mends(
    flaw: str, distribution: Distribution | None, package: Package | None, *, expected: bool | None
) -> None:
    assert vulnerabilities.mended(FLAWS[flaw], package, distribution) is expected


def test_flaws_of_a_distribution_s_build_are_parted_by_what_its_package_tells() -> None:
    system = recorded("debian13-user").host
    assert system is not None
    assert system.system is not None
    flaws = vulnerabilities.of("Engine", "26.1.5+dfsg1") or ()

    assert vulnerabilities.sort(flaws, "26.1.5+dfsg1", system.system) == (flaws, ())
    assert vulnerabilities.sort(flaws, "26.1.5+dfsg1", System()) == ((), flaws)
    assert vulnerabilities.sort(flaws, "26.1.5", System()) == (flaws, ())
    assert [flaw.id for flaw in flaws] == ["CVE-2026-42306"]


def test_a_branch_that_was_mended_by_an_unknown_version_is_unclear() -> None:
    flaws = vulnerabilities.of("Engine", "25.0.16") or ()

    assert vulnerabilities.sort(flaws, "25.0.16", System()) == ((), flaws)


@given(st.text(), st.text())
@settings(deadline=None)
def test_any_version_is_read_without_a_crash(version: str, package: str) -> None:
    for flaw in vulnerabilities.FLAWS:
        found = vulnerabilities.of(flaw.part, version)
        mended = vulnerabilities.mended(flaw, Package("dpkg", "runc", package), BOOKWORM)

        assert found is None or set(found) <= set(vulnerabilities.FLAWS)
        assert mended in {True, False, None}


def flawed(
    version: str,
    part: str = "Engine",
    networks: tuple[Network, ...] = (),
    users: tuple[Account, ...] | None = None,
) -> Snapshot:
    engine = Engine("1", components={part: version}, security_options=(), authorization=())
    found = None if users is None else Host(users=Users(accounts=users))
    return Snapshot("web1", engine=engine, networks=networks, host=found)


ALICE, ROOT = Account("alice", 1000, 1000, "/bin/sh"), Account("root", 0, 0, "/bin/sh")


def test_a_flaw_counts_where_its_condition_is_met() -> None:
    internal = (Network("back", internal=True),)

    assert evidence(host.lesser_flaw, flawed("26.0.0-rc1", networks=internal)) == [
        (
            "Engine 26.0.0-rc1: CVE-2024-29018, names are resolved out of internal networks "
            "(fixed in 23.0.11 and 25.0.5 and 26.0.0-rc3)"
        )
    ]
    assert len(evidence(host.lesser_flaw, flawed("1.7.28", "containerd", users=(ALICE,)))) == 1


def test_a_flaw_whose_condition_is_not_met_is_a_pass() -> None:

    assert judged(host.lesser_flaw, flawed("26.0.0-rc1")) == []
    assert judged(host.lesser_flaw, flawed("1.7.28", "containerd", users=(ROOT,))) == []


def test_a_flaw_whose_condition_is_not_known_is_unknown() -> None:
    assert reasons(host.lesser_flaw, flawed("1.7.28", "containerd")) == [
        (
            "containerd 1.7.28: CVE-2024-25621, local users enter containerd's folders (fixed in "
            "1.7.29 and 2.0.7 and 2.1.5 and 2.2.0); whether it matters here is not known "
            "(people who log in)"
        )
    ]


def test_a_distribution_s_build_with_a_lesser_flaw_is_as_its_package_tells() -> None:
    snapshot = flawed("1.7.24~ds1", "containerd", users=(ALICE,))
    trixie = recorded("debian13-user", snapshot.engine)

    assert "backported" in reasons(host.lesser_flaw, snapshot)[0]
    assert evidence(host.lesser_flaw, trixie)[0].startswith("containerd 1.7.24~ds1: CVE-2024-25621")
