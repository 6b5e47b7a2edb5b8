"""Proposals beyond capabilities, and what a reader is told beside a result."""

from hypothesis import given
from hypothesis import strategies as st

from hullward.minimize import confine, notes
from hullward.minimize.confine import Original, Writable
from hullward.minimize.looking import Look, Process
from hullward.model.capabilities import DEFAULT

paths = st.lists(st.sampled_from(["run", "var", "lib", "a"]), min_size=1, max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)


def looks(*processes: Process) -> tuple[Look, ...]:
    return (Look(processes, frozenset(), frozenset(), ""),)


def test_the_user_of_the_workers_is_proposed() -> None:
    processes = (Process(0, 0, "nginx"), Process(33, 33, "nginx"), Process(33, 33, "nginx"))

    assert confine.steady_user(looks(*processes)) == "33:33"


def test_no_user_is_proposed_for_what_stays_root() -> None:
    assert confine.steady_user(looks(Process(0, 0, "sshd"))) == ""


def test_a_service_that_writes_a_pid_file_needs_that_folder() -> None:
    files = {
        "/run": "040755 0:0",
        "/run/nginx.pid": "100644 0:0",
        "/var": "040755 0:0",
        "/var/lib": "040755 0:0",
        "/var/lib/nginx": "040755 0:0",
        "/var/lib/nginx/body": "040700 33:0",
        "/data": "040755 0:0",
    }

    assert confine.written_folders(files, ["/data"]) == ("/run", "/var/lib/nginx/body")


def test_a_folder_that_only_leads_to_a_mount_is_not_written_to() -> None:
    files = {"/srv": "040755 0:0", "/srv/app": "040755 0:0"}

    assert confine.written_folders(files, ["/srv/app/data"]) == ()


def test_empty_folders_become_tmpfs_with_their_mode_and_owner_and_full_ones_volumes() -> None:
    image = {
        "/run": Original("755", 0, 0, empty=True),
        "/var": Original("755", 0, 0, empty=False),
        "/var/lib": Original("755", 0, 0, empty=False),
        "/var/lib/nginx": Original("750", 33, 4, empty=False),
    }

    wanted = ["/run", "/var/lib/nginx/body", "/etc/app", "/new/one"]

    assert confine.writable(wanted, image) == Writable(
        {"/new": "mode=755,uid=0,gid=0", "/run": "mode=755,uid=0,gid=0"},
        ("/var/lib/nginx",),
        ("/etc",),
    )


@given(st.dictionaries(paths, st.sampled_from(["040755 0:0", "100644 0:0"])))
def test_every_written_path_lies_in_a_folder_that_is_found(files: dict[str, str]) -> None:
    found = confine.written_folders(files, ["/mnt"])

    for path, value in files.items():
        folder = path if value.startswith("04") else path.rpartition("/")[0] or "/"
        assert any(
            one in {folder, "/"} or folder.startswith(f"{one}/") or one.startswith(folder)
            for one in found
        )
    assert not any(a != b and a.startswith(f"{b}/") for a in found for b in found)


def test_folders_are_named_with_those_around_them() -> None:
    assert confine.with_parents(["/var/lib/nginx"]) == ("/var", "/var/lib", "/var/lib/nginx")


@given(st.text())
def test_any_answer_about_an_image_is_read(text: str) -> None:
    assert all(one.uid >= 0 for one in confine.originals(text).values())


def test_dead_capabilities_are_pointed_out() -> None:
    (note,) = notes.on(DEFAULT, frozenset(), frozenset(), looks(Process(33, 33, "app")))

    assert "dead" in note


def test_logins_that_would_be_missing_are_pointed_out() -> None:
    process = Process(0, 0, "sshd", DEFAULT)
    (note,) = notes.on(DEFAULT, frozenset(), frozenset({"AUDIT_WRITE"}), looks(process))

    assert "auditd" in note


def test_the_way_of_shocker_is_pointed_out() -> None:
    process = Process(0, 0, "backup", DEFAULT)
    kept = frozenset({"DAC_READ_SEARCH"})
    (note,) = notes.on(DEFAULT | kept, kept, kept, looks(process))

    assert "open_by_handle_at" in note
