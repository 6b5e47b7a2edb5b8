"""What counts as a secret that is written out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullward.compose import secrets


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("DB_PASSWORD", "hunter2", "a password or key"),
        ("db_password", "hunter2", "a password or key"),
        ("MYSQL_PWD", "hunter2", "a password or key"),
        ("STRIPE_API_KEY", "abcdef", "a password or key"),
        ("SECRET_KEY_BASE", "abcdef", "a password or key"),
        ("POSTGRES_PASSWORD", "postgres", "a well-known default password"),
        ("ADMIN_PASSWORD", "ChangeMe", "a well-known default password"),
        ("DB_PASSWORD", "${DB_PASSWORD:-hunter2}", "a password or key"),
        ("DB_PASSWORD", "${A:-${B:-hunter2}}", "a password or key"),
        ("DB_PASSWORD", "prefix${A}", "a password or key"),
        ("URL", "postgres://u:p%40ss@db/x", "a connection string with a password"),
        ("URL", "redis://:pass@cache:6379", "a connection string with a password"),
        ("URL", "Server=db;User=a;Password=b4c;", "a connection string with a password"),
        ("URL", "amqp://a:${P:-guest1}@mq", "a connection string with a password"),
        ("KEY", "-----BEGIN RSA PRIVATE KEY-----\nMII", "a private key"),
        ("X", "ghp_" + "a" * 36, "a GitHub token"),
        ("X", "AKIA" + "A" * 16, "an AWS access key"),
        ("X", "admin:$$apr1$$abcdefgh$$abcdefgh", "the hash of a password"),
    ],
)
def test_a_secret_is_known_by_its_name_or_its_form(name: str, value: str, kind: str) -> None:
    assert secrets.kind(name, value) == kind


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PASSWORD", ""),
        ("DB_PASSWORD", "$DB_PASSWORD"),
        ("DB_PASSWORD", "${DB_PASSWORD}"),
        ("DB_PASSWORD", "${DB_PASSWORD:?set it}"),
        ("DB_PASSWORD", "${DB_PASSWORD:-}"),
        ("DB_PASSWORD_FILE", "/run/secrets/db"),
        ("DB_PASSWORD", "/run/secrets/db"),
        ("MYSQL_ALLOW_EMPTY_PASSWORD", "yes"),
        ("MYSQL_RANDOM_ROOT_PASSWORD", "please"),
        ("TOKEN_EXPIRATION", "3600s"),
        ("PASSWORD_LOGIN", "enabled"),
        ("USE_TOKEN", "always"),
        ("DB_PASSWORD", "<your password>"),
        ("DB_PASSWORD", "xxxx"),
        ("URL", "postgres://u@db/x"),
        ("URL", "postgres://u:${P}@db/x"),
        ("URL", "https://example.org:8080/a@b"),
        ("COMPASS", "north"),
        ("CERT_AUTH_GIT_BRANCH", "master"),
        ("REGISTRY_AUTH", "htpasswd"),
        ("PASS_THROUGH", "headers"),
        ("KEYBOARD", "de"),
    ],
)
def test_a_name_a_switch_a_path_and_a_variable_are_no_secret(name: str, value: str) -> None:
    assert secrets.kind(name, value) == ""


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["redis-server", "--requirepass", "hunter2"], [(2, "--requirepass")]),
        (["app", "--db-password=hunter2"], [(1, "--db-password")]),
        (["app", "--token", "${TOKEN}"], []),
        (["app", "--password-file", "x"], []),
        (["app", "--password", "--verbose"], []),
        (["curl", "https://u:pw@host/"], [(1, "")]),
    ],
)
def test_options_of_a_command_hold_secrets(words: list[str], found: list[tuple[int, str]]) -> None:
    assert [(index, name) for index, name, _ in secrets.in_command(words)] == found


@given(st.text(), st.text())
def test_any_text_is_judged(name: str, value: str) -> None:
    assert isinstance(secrets.kind(name, value), str)


@given(st.text(alphabet="ab${}:-", max_size=60))
def test_what_variables_bring_is_left_out(value: str) -> None:
    text = secrets.literal(value)

    assert len(text) <= len(value)
    assert "${" not in text or value.count("$$") or "$${" in value


def test_megabytes_of_text_end() -> None:
    assert secrets.kind("PASSWORD", "a" * 10**6) == "a password or key"
    assert secrets.kind("X", "${A:-" * 10**5) == ""
