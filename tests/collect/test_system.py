import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hullward.collect import bundle, collector, sections, system
from hullward.collect.bundle import Said
from hullward.model.system import Distribution, Filesystem, Package, Program, System

HOSTS = Path(__file__).parents[1] / "hosts"
NAMES = [question.name for question in system.QUESTIONS]
RECORDED = sorted(path.name for path in HOSTS.iterdir() if path.is_dir())

WORDS = [
    *("== visible\n", "== processes\n", "== dpkg\n", "== dpkg-owners\n", "== owner /a\n"),
    *("== mounts\n", "== reboot\n", "== rpm\n", "== size\n", "== end\n", "dockerd", "runc"),
    *(
        "same",
        "1",
        "/a",
        " is owned by ",
        "a: /a",
        "mount ",
        "df 8:1\n",
        "nested kvm ",
        "required\n",
    ),
    *("a|9\n", "\0", "\n", "-", " ", "|", "apk\n", "rpm\n"),
]


def answers(host: str) -> dict[str, Said]:
    return {path.stem: Said(path.read_text()) for path in (HOSTS / host).glob("*.txt")}


def parsed(said: Mapping[str, Said]) -> System:
    found = system.parse(said)
    assert isinstance(found, System)
    return found


def of(host: str) -> System:
    return parsed(answers(host))


def program(said: str) -> Program:
    found = parsed({"system-programs": Said(said)}).daemon()
    assert isinstance(found, Program)
    return found


def test_debian_with_the_packages_of_docker() -> None:
    found = of("debian12-root")

    assert found.distribution == Distribution("debian", "12", "Debian GNU/Linux 12 (bookworm)")
    assert (found.guest, found.product) == ("kvm", "QEMU Standard PC (Q35 + ICH9, 2009)")
    assert (found.kvm, found.nested) == (True, {"kvm_intel": "Y"})
    assert (found.cores, found.memory) == (2, 4018152 * 1024)
    assert found.kernels == ("6.1.0-38-amd64", "6.1.0-40-amd64")
    assert found.docker_sources == ("https://download.docker.com/linux/debian",)
    assert found.logged_in == ("alice",)
    assert found.gaps == {}


def test_the_daemon_is_followed_to_its_package_and_is_known_to_be_replaced() -> None:
    assert of("debian12-root").daemon() == Program(
        "dockerd",
        "/usr/bin/dockerd",
        702,
        1,
        ours=True,
        replaced=True,
        package=Package(
            "dpkg", "docker-ce", "5:28.5.1-1~debian.12~bookworm", "Docker <support@docker.com>"
        ),
    )


def test_runc_may_be_of_the_package_of_containerd() -> None:
    runc = of("debian12-root").runc()

    assert runc is not None
    assert runc.package is not None
    assert runc.package.name == "containerd.io"


def test_a_user_learns_the_path_but_not_the_mounts() -> None:
    daemon = of("debian13-user").daemon()

    assert isinstance(daemon, Program)
    assert (daemon.ours, daemon.path) == (None, "/usr/sbin/dockerd")
    assert daemon.package is not None
    assert daemon.package.version == "26.1.5+dfsg1-9+b9"


def test_packages_of_rpm_and_apk_are_read() -> None:
    fedora, alpine = of("fedora43-root").daemon(), of("alpine322-root").daemon()

    assert isinstance(fedora, Program)
    assert isinstance(alpine, Program)
    assert fedora.package == Package("rpm", "moby-engine", "28.5.1-1.fc43", "Fedora Project")
    assert alpine.package == Package("apk", "docker-engine", "28.3.3-r3")


def test_a_package_of_pacman_is_read() -> None:
    found = program(
        "== visible\n== processes\ndockerd|7|1|same|/usr/bin/dockerd\n== owner /usr/bin/dockerd\n"
        "pacman\n/usr/bin/dockerd is owned by docker 1:28.5.2-1\n== sources\n== end\n"
    )

    assert found.package == Package("pacman", "docker", "1:28.5.2-1")


def test_dpkg_rows_of_packages_that_are_not_installed_count_for_nothing() -> None:
    found = program(
        "== visible\n== processes\ndockerd|7|1|same|/usr/bin/dockerd\n== dpkg-owners\n"
        "docker.io: /usr/bin/dockerd\n== dpkg\ndeinstall ok config-files|docker.io|20.10|Debian\n"
        "== owner /usr/bin/dockerd\n== end\n"
    )

    assert (found.package, found.unmanaged) == (None, False)


def test_a_package_that_names_its_file_without_usr_owns_it() -> None:
    found = program(
        "== visible\n== processes\ndockerd|7|1|same|/usr/bin/dockerd\n== dpkg-owners\n"
        "dpkg-query: no path found matching pattern /usr/bin/dockerd\nold: /bin/dockerd\n"
        "== dpkg\ninstall ok installed|old|1|Somebody\n== owner /usr/bin/dockerd\n== end\n"
    )

    assert found.package == Package("dpkg", "old", "1", "Somebody")


def test_a_failure_of_the_package_manager_is_no_proof_that_nothing_owns_a_file() -> None:
    found = program(
        "== visible\n== processes\ndockerd|7|1|same|/usr/bin/dockerd\n== dpkg-owners\n"
        "dpkg-query: error: failed to open package info file\n== dpkg\n"
        "== owner /usr/bin/dockerd\nrpm\nerror: cannot open Packages database\n== end\n"
    )

    assert (found.package, found.unmanaged) == (None, False)


def test_the_daemon_of_our_own_mounts_is_the_host_s() -> None:
    programs = (
        Program("dockerd", "/other", 7, ours=False),
        Program("dockerd", "/ours", 8, ours=True),
        Program("containerd", "/theirs", 9, parent=7, ours=True),
        Program("containerd", "/child", 10, parent=8, ours=True),
    )
    found = System(programs=programs)
    containerd = found.containerd()

    assert found.daemon() == programs[1]
    assert containerd == programs[3]


def test_of_two_foreign_daemons_none_is_the_host_s() -> None:
    programs = (Program("dockerd", "/a", 7, ours=False), Program("dockerd", "/b", 8, ours=False))

    assert System(programs=programs).daemon() == (
        "2 dockerd processes run, and it is not known which is the host's"
    )


def test_hidden_processes_are_a_gap() -> None:
    found = parsed({"system-programs": Said("== processes\n== sources\n== end\n")})

    assert (found.programs, found.desktops) == (None, None)
    assert found.gaps["programs"] == "the processes of others are hidden from this user"


def test_the_desktop_of_a_workstation_is_seen() -> None:
    found = of("ubuntu2404-root")

    assert found.desktops == ("Xwayland", "gdm3", "gnome-shell")
    assert (found.display_manager, found.logged_in) == ("gdm3", ("carol",))
    assert found.desktop_sessions == (
        "ubuntu-wayland.desktop",
        "ubuntu-xorg.desktop",
        "ubuntu.desktop",
    )


def test_packages_newer_than_the_start_ask_for_a_reboot() -> None:
    found = of("fedora43-root")

    assert (found.reboot_required, found.updated) == (True, ("glibc",))


def test_the_distribution_s_mark_asks_for_a_reboot() -> None:
    found = of("ubuntu2404-root")

    assert found.reboot_required
    assert found.updated == ("linux-image-6.14.0-35-generic", "linux-base", "libc6")


def test_without_detect_virt_the_processor_tells_whether_it_is_real() -> None:
    assert of("alpine322-root").guest == "virtual machine"


def test_an_arm_processor_does_not_tell_whether_it_is_real() -> None:
    said = "== os-release\n== size\naarch64\n== virtual\nmodules\n== end\n"

    assert parsed({"system-machine": Said(said)}).guest is None


def test_a_path_is_on_the_deepest_mount_above_it() -> None:
    found = of("debian13-user")
    disk = found.filesystem("/var/lib/docker/volumes")

    assert disk == Filesystem(
        "/var/lib/docker",
        "8:1",
        "ext4",
        "/",
        960302096 << 10,
        107374182 << 10,
        804072428 << 10,
        2,
    )
    assert disk.percent == 12
    assert found.filesystem("/var/lib/docker-old") == found.filesystem("/")


def test_a_subvolume_has_the_size_of_its_file_system() -> None:
    disk = of("fedora43-root").filesystem("/var/lib/docker/x")

    assert disk is not None
    assert (disk.root, disk.percent, disk.inodes) == ("/docker", 34, None)


def test_a_place_with_a_space_is_read() -> None:
    said = "== mounts\nmount 8:1 ext4 / /srv/my\\040disk\n== end\n"
    disks = parsed({"system-disks": Said(said)}).filesystems

    assert disks is not None
    assert disks[0].mount == "/srv/my disk"


def test_a_password_in_a_package_source_is_dropped_here_too() -> None:
    said = (
        "== visible\n== sources\ndeb https://u:secret@download.docker.com/linux/debian x\n== end\n"
    )

    assert parsed({"system-programs": Said(said)}).docker_sources == (
        "https://download.docker.com/linux/debian",
    )


def test_no_answer_at_all_is_no_system() -> None:
    assert system.parse(bundle.missing("no ssh", NAMES)) == "the machine: no ssh"


def test_a_missing_answer_is_a_gap_with_its_reason() -> None:
    said = answers("debian12-root") | {"system-disks": Said(problem="it did not answer in time")}

    assert parsed(said).gaps == {"filesystems": "it did not answer in time"}


@given(st.dictionaries(st.sampled_from(NAMES), st.text()))
@settings(deadline=None)
def test_any_text_is_read_without_a_crash(texts: Mapping[str, str]) -> None:
    assert system.parse({name: Said(text) for name, text in texts.items()})


@given(st.lists(st.sampled_from(WORDS)))
@settings(deadline=None)
def test_any_mixture_of_the_words_is_read_without_a_crash(words: list[str]) -> None:
    assert system.parse({name: Said("".join(words)) for name in NAMES})


@pytest.mark.parametrize("host", RECORDED)
def test_a_cut_answer_never_tells_what_the_whole_one_does_not(host: str) -> None:
    whole = of(host)
    for name in NAMES:
        text = answers(host)[name].text
        for end in range(len(text)):
            found = system.parse(answers(host) | {name: Said(text[:end])})
            assert isinstance(found, System)
            for field in System.__struct_fields__:
                if field not in {"gaps", "programs"}:
                    value = getattr(found, field)
                    assert not value or value == getattr(whole, field), (name, end, field)
            for one in found.programs or ():
                assert one.package is not None or not one.unmanaged or one in (whole.programs or ())


def test_a_part_in_which_the_answer_ends_is_missing() -> None:
    assert sections.split("== a\n1\n== b\n2\n== end\n") == {"a": "1\n", "b": "2\n"}
    assert sections.split("== a\n1\n== b\n2\n== en") == {"a": "1\n"}
    assert sections.split("== a\n1\n== b\n2\n") == {"a": "1\n"}
    assert sections.split("== a\n1") == {}


def test_this_machine_answers_within_the_same_script() -> None:
    script = collector.script(system.QUESTIONS)
    done = subprocess.run(["sh"], input=script.encode(), capture_output=True, check=True)  # noqa: S607
    found = system.parse(bundle.parse(done.stdout))

    assert isinstance(found, System)
    assert found.memory
    assert found.cores
    assert found.load is not None
