import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullward.collect import image_history
from hullward.model.facts import History

# As a real engine gives it, the newest first: by BuildKit, and by the builder before it.
BUILDKIT = (
    'HEALTHCHECK &{["CMD-SHELL" "true"] "0s" "0s" "0s" "0s" \'\\x00\'}',
    "RUN |1 BUILD_TOKEN=S4 /bin/sh -c MY_SECRET=S2 true && echo https://user:S3@host/ # buildkit",
    "RUN |1 BUILD_TOKEN=S4 /bin/sh -c apt-get update # buildkit",
    "ADD f /f # buildkit",
    "ENV API_PASSWORD=S1 DATA_TOKEN_FILE=/run/x",
    "ARG BUILD_TOKEN",
    "ADD rootfs.tar.xz / # buildkit",
)
CLASSIC = (
    "|1 BUILD_TOKEN=S4 /bin/sh -c MY_SECRET=S2 true && echo https://user:S3@host/ >/dev/null",
    "|1 BUILD_TOKEN=S4 /bin/sh -c apt-get update",
    "/bin/sh -c #(nop) ADD file:8582af4d in /f ",
    "/bin/sh -c #(nop)  ENV API_PASSWORD=S1 DATA_TOKEN_FILE=/run/x",
    "/bin/sh -c #(nop)  ARG BUILD_TOKEN",
    "/bin/sh -c #(nop) ADD file:77 in / ",
)


@pytest.mark.parametrize("commands", [BUILDKIT, CLASSIC])
def test_names_of_secrets_are_found_and_no_value_is_kept(commands: tuple[str, ...]) -> None:
    assert image_history.parse(commands) == History(
        ("files",), 1, ("API_PASSWORD", "BUILD_TOKEN", "MY_SECRET", "a password in a URL")
    )


@pytest.mark.parametrize(
    "command",
    [
        "ENV PATH=/usr/bin LANG=C.UTF-8",
        "ENV POSTGRES_PASSWORD_FILE=/run/secrets/password",
        'RUN /bin/sh -c curl -H "Authorization: $TOKEN" https://host/',
        "RUN /bin/sh -c DB_PASSWORD=$(cat /run/secrets/db) run",
        "RUN /bin/sh -c MAX_TOKENS=512 run",
        "RUN /bin/sh -c git clone https://$USER:$TOKEN@host/",
        "RUN /bin/sh -c apt-get update && apt-get install -y curl",
        "RUN /bin/sh -c apk add --no-cache curl",
        "COPY dir:1234 in /src",
        'CMD ["/app"]',
    ],
)
def test_what_is_harmless_is_not_named(command: str) -> None:
    assert image_history.parse((command, "base")) == History()


def test_an_added_url_is_named() -> None:
    assert image_history.parse(("ADD https://host/x.tgz /x # buildkit", "base")).adds == ("a URL",)


def test_the_base_layer_is_left_out() -> None:
    assert image_history.parse(("ADD file:1 in / ",)) == History()
    assert image_history.parse(()) == History()


@given(st.lists(st.text()))
def test_any_history_is_read_without_a_crash(commands: list[str]) -> None:
    assert isinstance(image_history.parse(commands), History)
