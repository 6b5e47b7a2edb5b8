import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hullward.model.severity import Severity
from hullward.rules import places

CRITICAL, HIGH, MEDIUM, LOW, INFO = Severity
PARTS = ("etc", "var", "run", "lib", "docker", "home", "root", ".ssh", "..", ".", "", "proc", "1")
paths = st.one_of(
    st.text(),
    st.lists(st.sampled_from(PARTS), max_size=7).map("/".join),
    st.lists(st.sampled_from(PARTS), max_size=7).map(lambda parts: "/" + "/".join(parts)),
    st.sampled_from([place.path for place in places.PLACES]),
    st.sampled_from([f"{place.path}/x" for place in places.PLACES]),
)


@pytest.mark.parametrize(
    ("path", "cleaned"),
    [
        ("/var/run/docker.sock", "/run/docker.sock"),
        ("/var/run", "/run"),
        ("/var/running", "/var/running"),
        ("/var/../var/run/x", "/run/x"),
        ("//etc", "/etc"),
        ("///etc//ssh/", "/etc/ssh"),
        ("/etc/../etc/./ssh", "/etc/ssh"),
        ("/../..", "/"),
        ("/", "/"),
        ("etc", "/etc"),
        ("/proc/1/root/etc", "/etc"),
        ("/proc/self/root", "/"),
        ("/proc/1/root/proc/1/root/var/run", "/run"),
        ("/proc/1/rooted", "/proc/1/rooted"),
    ],
)
def test_a_path_is_written_in_one_way(path: str, cleaned: str) -> None:
    assert places.clean(path) == cleaned


@given(paths)
@example("/proc/1/root/var/run")
def test_to_clean_twice_changes_nothing(path: str) -> None:
    assert places.clean(places.clean(path)) == places.clean(path)


@given(paths)
def test_the_old_name_of_run_is_run(path: str) -> None:
    old, new = f"/var/run/{path}", f"/run/{path}"

    if places.clean(new).startswith("/run"):
        assert places.controls_engine(old) == places.controls_engine(new)
        for writable in (True, False):
            assert places.judge(old, "", writable=writable) == places.judge(
                new, "", writable=writable
            )


@given(paths, st.sampled_from(["", "/var/lib/docker", "/mnt/docker", "/", "/etc"]))
def test_reading_is_never_graded_worse_than_writing(path: str, root: str) -> None:
    read = places.judge(path, root, writable=False)
    written = places.judge(path, root, writable=True)

    assert read is None or (written is not None and read[0].rank <= written[0].rank)


@given(paths)
def test_a_folder_above_a_critical_path_is_critical(path: str) -> None:
    below = places.judge(path, "", writable=True)
    cleaned = places.clean(path)
    parent = cleaned.rpartition("/")[0] or "/"
    above = places.judge(parent, "", writable=True)

    if below and below[0] is CRITICAL and any(p.path == cleaned for p in places.PLACES):
        assert above
        assert above[0] in {CRITICAL, HIGH}


@pytest.mark.parametrize(
    ("path", "socket"),
    [
        ("/var/run/docker.sock", "/run/docker.sock"),
        ("/run/docker.sock", "/run/docker.sock"),
        ("/run/../run//docker.sock", "/run/docker.sock"),
        ("/run/containerd/containerd.sock", "/run/containerd/containerd.sock"),
        ("/run/containerd/containerd.sock.ttrpc", "/run/containerd/containerd.sock.ttrpc"),
        ("/run/crio/crio.sock", "/run/crio/crio.sock"),
        ("/run/podman/podman.sock", "/run/podman/podman.sock"),
        ("/run/buildkit/buildkitd.sock", "/run/buildkit/buildkitd.sock"),
        ("/srv/mine/docker.sock", "/srv/mine/docker.sock"),
        ("/run/host-services/docker.proxy.sock", "/run/host-services/docker.proxy.sock"),
        ("/run/k3s/containerd/containerd.sock", "/run/k3s/containerd/containerd.sock"),
        ("/", "/run/docker.sock"),
        ("/run", "/run/docker.sock"),
        ("/var/run", "/run/docker.sock"),
        ("/proc/1/root", "/run/docker.sock"),
        ("/var", "/var/run/docker.sock"),
        ("/run/containerd", "/run/containerd/containerd.sock"),
        ("/run/docker", "/run/docker/containerd/containerd.sock"),
        ("/run/k3s", "/run/k3s/containerd/containerd.sock"),
        ("/run/podman/", "/run/podman/podman.sock"),
        ("/run/user", "/run/user/UID/docker.sock"),
        ("/run/user/1000", "/run/user/1000/docker.sock"),
        ("/run/user/1000/podman", "/run/user/1000/podman/podman.sock"),
        ("/run/user/1000/docker.sock", "/run/user/1000/docker.sock"),
    ],
)
def test_sockets_and_the_folders_above_them_control_an_engine(path: str, socket: str) -> None:
    assert places.controls_engine(path) == socket


@pytest.mark.parametrize(
    "path",
    [
        "/srv",
        "/run/docker.pid",
        "/run/mysqld/mysqld.sock",
        "/run/user/1000/bus",
        "/run/dbus",
        "/runner",
        "/var/lib",
        "/home/u/docker.sock.d",
        "/run/containerd.d",
    ],
)
def test_other_paths_control_no_engine(path: str) -> None:
    assert places.controls_engine(path) == ""


@pytest.mark.parametrize(
    ("path", "writable", "readable"),
    [
        ("/", CRITICAL, HIGH),
        ("/etc", CRITICAL, HIGH),
        ("/etc/cron.d", CRITICAL, MEDIUM),
        ("/etc/cron.d/job", CRITICAL, MEDIUM),
        ("/etc/shadow", CRITICAL, HIGH),
        ("/etc/ssh/ssh_host_ed25519_key", CRITICAL, HIGH),
        ("/etc/passwd", CRITICAL, LOW),
        ("/etc/nginx/nginx.conf", HIGH, LOW),
        ("/etc/hosts", HIGH, None),
        ("/etc/localtime", LOW, None),
        ("/etc/timezone", LOW, None),
        ("/etc/ssl/certs", HIGH, None),
        ("/etc/ssl/private", HIGH, HIGH),
        ("/root", CRITICAL, HIGH),
        ("/root/.ssh", CRITICAL, HIGH),
        ("/root/.bashrc", CRITICAL, None),
        ("/root/app", None, None),
        ("/home", CRITICAL, HIGH),
        ("/home/anna", HIGH, HIGH),
        ("/home/anna/.ssh/authorized_keys", HIGH, HIGH),
        ("/home/anna/.bashrc", HIGH, None),
        ("/home/anna/.config", HIGH, HIGH),
        ("/home/anna/.config/systemd/user", HIGH, HIGH),
        ("/home/anna/.config/app", None, None),
        ("/home/anna/app", None, None),
        ("/boot", CRITICAL, MEDIUM),
        ("/usr/local/bin", CRITICAL, LOW),
        ("/usr/share/zoneinfo", CRITICAL, None),
        ("/lib/modules", CRITICAL, None),
        ("/opt", HIGH, LOW),
        ("/opt/app", None, None),
        ("/opt/bin", CRITICAL, LOW),
        ("/proc", CRITICAL, MEDIUM),
        ("/proc/sys/kernel", CRITICAL, MEDIUM),
        ("/sys", HIGH, MEDIUM),
        ("/sys/fs/cgroup", HIGH, LOW),
        ("/dev", HIGH, MEDIUM),
        ("/dev/ttyUSB0", MEDIUM, LOW),
        ("/dev/null", None, None),
        ("/dev/shm", MEDIUM, LOW),  # noqa: S108 - a path to judge
        ("/dev/log", LOW, None),
        ("/run", CRITICAL, HIGH),
        ("/var/run", CRITICAL, HIGH),
        ("/run/app", None, None),
        ("/run/systemd", CRITICAL, CRITICAL),
        ("/run/systemd/private", CRITICAL, CRITICAL),
        ("/run/systemd/system/x.service", CRITICAL, LOW),
        ("/run/systemd/journal/socket", LOW, None),
        ("/run/systemd/resolve/resolv.conf", CRITICAL, None),
        ("/run/dbus/system_bus_socket", HIGH, HIGH),
        ("/var", CRITICAL, HIGH),
        ("/var/lib", CRITICAL, HIGH),
        ("/var/lib/postgresql", None, None),
        ("/var/lib/docker/containers", CRITICAL, HIGH),
        ("/var/lib/docker/volumes", CRITICAL, HIGH),
        ("/var/lib/docker/volumes/data/_data", None, None),
        ("/var/lib/docker/volumes/data/_data/sub", None, None),
        ("/var/lib/docker/volumes/data/_data/../../other/_datum", CRITICAL, HIGH),
        ("/var/lib/dockerish", None, None),
        ("/var/log", MEDIUM, LOW),
        ("/mnt/engine", CRITICAL, HIGH),
        ("/mnt", CRITICAL, HIGH),
        ("/mnt/engine/overlay2", CRITICAL, HIGH),
        ("/mnt/engine/volumes/data/_data", None, None),
        ("/mnt/other", None, None),
        ("/srv", None, None),
        ("/srv/etc", None, None),
    ],
)
def test_a_bind_is_graded_by_what_lies_there(
    path: str, writable: Severity | None, readable: Severity | None
) -> None:
    written = places.judge(path, "/mnt/engine", writable=True)
    read = places.judge(path, "/mnt/engine", writable=False)

    assert (written and written[0], read and read[0]) == (writable, readable)


def test_a_folder_is_graded_by_the_worst_thing_below_it() -> None:
    assert places.judge("/var/lib", "", writable=False) == (
        HIGH,
        "the files of every other container",
    )


def test_a_file_is_graded_by_the_deepest_folder_around_it() -> None:
    assert places.judge("/etc/ssh/sshd_config", "", writable=True) == (
        CRITICAL,
        "sshd's keys and settings",
    )


def test_no_place_is_worse_to_read_than_to_write() -> None:
    assert [p for p in places.PLACES if p.readable.rank > p.writable.rank] == []


def test_an_engine_root_that_is_the_whole_host_makes_no_path_special() -> None:
    assert places.judge("/srv", "/", writable=True) is None
