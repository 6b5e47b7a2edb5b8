import pytest

from builders import snapshot
from hullward.model.facts import Container, Mount
from hullward.rules import images

SOCKET = Mount("bind", "/run/docker.sock", "/run/docker.sock")


@pytest.mark.parametrize(
    ("reference", "floating"),
    [
        ("nginx", True),
        ("nginx:latest", True),
        ("nginx:stable", True),
        ("nginx:nightly", True),
        ("nginx:1.27", False),
        ("nginx:stable-alpine3.22", False),
        ("localhost:5000/nginx", True),
        ("localhost:5000/nginx:latest", True),
        ("localhost:5000/nginx:1.27", False),
        ("registry.example:443/a/b/c", True),
        ("nginx@sha256:" + "0" * 64, False),
        ("nginx:latest@sha256:" + "0" * 64, False),
        ("sha256:" + "0" * 64, False),
        ("abcdef012345", False),
        ("abcdef012346", True),
        ("abcdef", True),
    ],
)
def test_a_name_without_version_digest_or_id_floats(reference: str, *, floating: bool) -> None:
    container = Container("web", image=reference, image_id="sha256:abcdef0123456789")

    assert images.floats(container) is floating


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("nginx", "nginx"),
        ("localhost:5000/nginx", "nginx"),
        ("ghcr.io/containrrr/watchtower:1.7.1", "watchtower"),
        ("a/b@sha256:" + "0" * 64, "b"),
        ("", ""),
    ],
)
def test_an_image_is_called_by_the_last_part_of_its_reference(reference: str, name: str) -> None:
    assert Container("web", image=reference).image_name == name


@pytest.mark.parametrize(
    ("image", "state", "mounts", "found"),
    [
        pytest.param("containrrr/watchtower", "running", (SOCKET,), True, id="watchtower"),
        pytest.param("getwud/wud:8", "running", (SOCKET,), True, id="another one"),
        pytest.param("containrrr/watchtower", "exited", (SOCKET,), False, id="stopped"),
        pytest.param("containrrr/watchtower", "running", (), False, id="without the socket"),
        pytest.param("shop/watchtower-ui", "running", (SOCKET,), False, id="by a longer name"),
    ],
)
def test_an_updater_is_a_running_one_with_the_socket(
    image: str, state: str, mounts: tuple[Mount, ...], *, found: bool
) -> None:
    updater = Container("updater", image=image, state=state, mounts=mounts)
    web = Container("web")

    assert images.updater_of(web, snapshot(web, updater)) == (updater if found else None)


def test_a_container_that_opted_out_has_no_updater() -> None:
    updater = Container("updater", image="containrrr/watchtower", mounts=(SOCKET,))
    web = Container("web", labels={"com.centurylinklabs.watchtower.enable": "False"})

    assert images.updater_of(web, snapshot(web, updater)) is None
