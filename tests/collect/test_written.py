"""The compose files that containers' labels name, read as they are today."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from builders import COMPOSE, best, snapshot
from hullward.collect import compose_copies, saved, written
from hullward.collect.bundle import Said
from hullward.compose.model import Loader, MissingFileError
from hullward.model.errors import HullwardError
from hullward.model.facts import Container, Written

FILE = "/srv/shop/compose.yaml"
LABELS = {**COMPOSE, "com.docker.compose.project.working_dir": "/srv/shop"}
WEB = replace(best(), labels=LABELS)
TEXT = "services: {web: {image: nginx, user: '5', pids_limit: 9}}"


def loader(files: Mapping[str, str | bytes]) -> Loader:
    def load(path: str) -> bytes:
        if path not in files:
            raise MissingFileError(f"{path} cannot be read: No such file or directory.", "")
        text = files[path]
        return text if isinstance(text, bytes) else text.encode()

    return load


def look(files: Mapping[str, str | bytes], container: Container = WEB) -> Written | None:
    return written.collect(snapshot(container), loader(files)).written.get(container.id)


def read(files: Mapping[str, str | bytes]) -> Written:
    found = look(files)
    assert found is not None
    return found


def service(files: Mapping[str, str | bytes]) -> Container:
    found = read(files).service
    assert found is not None
    return found


def test_a_service_is_read_with_its_places() -> None:
    found = read({FILE: TEXT})

    assert found.service is not None
    assert (found.service.user, found.service.uid, found.service.pids) == ("5", 5, 9)
    assert found.places["pids"] == f"{FILE}:1:43"


def test_several_files_are_laid_over_each_other() -> None:
    labels = {**LABELS, "com.docker.compose.project.config_files": f"{FILE},/srv/shop/more.yaml"}
    files = {FILE: TEXT, "/srv/shop/more.yaml": "services: {web: {user: '6'}}"}
    found = look(files, replace(WEB, labels=labels))

    assert found is not None
    assert found.service is not None
    assert found.service.user == "6"


def test_variables_come_from_the_projects_own_file() -> None:
    files = {FILE: "services: {web: {image: 'a:${TAG}'}}", "/srv/shop/.env": "TAG=7"}

    assert service(files).image == "a:7"
    assert "image" not in read(files).unresolved


@pytest.mark.parametrize("image", ["a:${TAG}", "a:${TAG:-1}", "a:${TAG-1}", "a${TAG:+:1}"])
def test_what_the_shell_of_that_day_may_have_set_is_open(image: str) -> None:
    found = read({FILE: f"services: {{web: {{image: '{image}', user: '5'}}}}"})

    assert found.unresolved["image"]
    assert "user" not in found.unresolved


def test_a_switch_that_a_variable_turns_is_open() -> None:
    found = read({FILE: "services: {web: {image: a, privileged: '${P:-false}'}}"})

    assert found.unresolved["privileged"]


def test_a_user_that_the_image_decides_is_nobodys_fault() -> None:
    assert read({FILE: "services: {web: {image: a}}"}).unresolved["user"] == ""


@pytest.mark.parametrize(
    ("files", "gap"),
    [
        ({}, f"{FILE} cannot be read: No such file or directory"),
        ({FILE: "services: ["}, f"{FILE}:2:1: "),
        ({FILE: b"\xff\xfes\0"}, f"{FILE}:1:1: the file is in UTF-16"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_gap(files: Mapping[str, str | bytes], gap: str) -> None:
    found = read(files)

    assert found.service is None
    assert found.gap.startswith(gap)


def test_a_service_that_is_gone_is_no_gap() -> None:
    assert read({FILE: "services: {db: {image: a}}"}) == Written()


@pytest.mark.parametrize("files", ["", "compose.yaml", "-", "../x,/srv/y"])
def test_only_paths_from_the_root_are_opened(files: str) -> None:
    labels = {**LABELS, "com.docker.compose.project.config_files": files}
    found = look({"compose.yaml": TEXT, "-": TEXT}, replace(WEB, labels=labels))

    assert found == Written(gap="its labels name no compose file")


def test_each_project_is_read_once() -> None:
    opened = []

    def load(path: str) -> bytes:
        opened.append(path)
        return loader({FILE: TEXT})(path)

    many = [replace(WEB, id=str(i), name=str(i)) for i in range(9)]
    found = written.collect(snapshot(*many), load)

    assert len(found.written) == 9
    assert opened.count(FILE) == 1


def test_no_value_of_a_variable_is_kept() -> None:
    text = (
        "services: {web: {image: a, environment: {PASSWORD: hunter2}, command: [x, hunter2], "
        "labels: {token: hunter2}, healthcheck: {test: hunter2}}}"
    )
    found = written.collect(snapshot(WEB), loader({FILE: text, "/srv/shop/.env": "S=hunter2"}))

    assert found.written[WEB.id].service is not None
    assert b"hunter2" not in saved.dump([found])


@given(st.binary(max_size=200))
def test_whatever_the_file_holds_it_is_read_or_a_gap(data: bytes) -> None:
    found = read({FILE: data})

    assert found.service is None or not found.gap


def test_a_file_that_is_another_on_the_host_is_not_trusted() -> None:
    here = loader({FILE: "a", "/both": "b"})
    load = written.either(here, {FILE: b"other", "/both": b"b", "/there": b"c"})

    assert (load("/both"), load("/there")) == (b"b", b"c")
    with pytest.raises(HullwardError, match="one thing on this machine"):
        load(FILE)
    with pytest.raises(MissingFileError):
        load("/nowhere")


def copied(text: str) -> Mapping[str, bytes]:
    return compose_copies.parse({compose_copies.QUESTION.name: Said(text)})


def test_copies_are_read_by_their_paths() -> None:
    assert copied("L2EgYg== aGk=\nL2M= \nend\n") == {"/a b": b"hi", "/c": b""}


def test_a_copy_that_was_cut_off_counts_for_nothing() -> None:
    assert copied("L2EgYg== aGk=\n") == {}
    assert compose_copies.parse({}) == {}


@given(st.text())
def test_any_answer_is_files_or_none(text: str) -> None:
    assert all(len(data) <= len(text) for data in copied(text + "\nend\n").values())
