"""Secrets that are written out: said by kind, so that no value ever leaves the reader."""

import re
from collections.abc import Iterator, Sequence

# Parts of a name that speak of a secret. `PASS` and `PWD` only as whole words.
_SECRET_NAME = re.compile(
    r"PASSWORD|PASSWD|PASSPHRASE|PASSCODE|SECRET|TOKEN|CREDENTIAL|"
    r"(API|ACCESS|AUTH|ENCRYPTION|ENCRYPT|PRIVATE|SIGNING|MASTER|ADMIN|LICENSE|JWT|APP|SESSION|"
    r"COOKIE|DEPLOY|SERVICE|WEBHOOK|UNSEAL|STORAGE|ACCOUNT)_?KEY|"
    r"(^|_)(PASS|PWD)$",
    re.IGNORECASE,
)
# Such a name says where a secret is, or something about it.
_NO_SECRET_NAME = re.compile(
    r"_(FILE|PATH|DIR|FOLDER|NAME|ID|URL|URI|ENDPOINT|HOST|PORT|USER|USERNAME|HEADER|FIELD|CLAIM|"
    r"ISSUER|AUDIENCE|SCOPES?|TTL|EXPIRY|EXPIRES?|EXPIRATION|EXPIRES_IN|LIFETIME|DURATION|AGE|"
    r"TIMEOUT|INTERVAL|LENGTH|SIZE|MIN|MAX|LIMIT|COUNT|ROUNDS|COST|POLICY|STRENGTH|ALGORITHM|ALG|"
    r"METHOD|MODE|TYPE|PROVIDER|BACKEND|DRIVER|STORE|ENGINE|ENABLED?|DISABLED?|REQUIRED|LOGIN|"
    r"RESET|PREFIX|SUFFIX|VERSION|LOCATION|SOURCE|MECHANISM|PLUGIN)$|"
    r"^(ALLOW|ENABLE|DISABLE|REQUIRE|USE|SKIP|IS|HAS|MAX|MIN)_|"
    r"(ALLOW_EMPTY|RANDOM_ROOT|ONETIME)_?(ROOT_)?PASSWORD|PUBLIC_?KEY|SITE_?KEY|XAUTH|SSH_AUTH_SOCK",
    re.IGNORECASE,
)
_SAYS_NOTHING = re.compile(r"(true|false|yes|no|on|off|none|null|\d{1,3})", re.IGNORECASE)
_PATH = re.compile(r"(/|\./|\.\./|~/|[a-z]:\\)[^\s]*", re.IGNORECASE)
_DEFAULTS = frozenset(
    (
        "admin", "changeit", "changeme", "change_me", "change-me", "default", "example", "guest",
        "letmein", "mysecret", "minioadmin", "pass", "passw0rd", "password", "postgres", "qwerty",
        "root", "secret", "test", "toor", "123456", "12345678",
    )
)  # fmt: skip
_FORMS = (
    (re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----"), "a private key"),
    (re.compile(r"\b(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,})"), "a GitHub token"),
    (re.compile(r"\bglpat-[\w-]{16,}"), "a GitLab token"),
    (re.compile(r"\bxox[abeoprs]-[\w-]{10,}"), "a Slack token"),
    (re.compile(r"\bhooks\.slack\.com/services/T\w+/B\w+/\w+"), "a Slack webhook"),
    (re.compile(r"\bdiscord(app)?\.com/api/webhooks/\d+/[\w-]+"), "a Discord webhook"),
    (re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b"), "an AWS access key"),
    (re.compile(r"\bAIza[\w-]{35}"), "a Google API key"),
    (re.compile(r"\b[sr]k_(live|test)_\w{16,}"), "a Stripe key"),
    (re.compile(r"\bsk-(ant-|proj-|or-)?[A-Za-z0-9_-]{20,}"), "a key of an AI service"),
    (re.compile(r"\bSG\.[\w-]{16,}\.[\w-]{16,}"), "a SendGrid key"),
    (re.compile(r"\bnpm_[A-Za-z0-9]{36}\b"), "an npm token"),
    (re.compile(r"\bpypi-[\w-]{32,}"), "a PyPI token"),
    (re.compile(r"\bdckr_pat_[\w-]{20,}"), "a Docker Hub token"),
    (re.compile(r"\bhv[sb]\.[\w-]{20,}"), "a Vault token"),
    (re.compile(r"\bdop_v1_[a-f0-9]{64}"), "a DigitalOcean token"),
    (re.compile(r"\b\d{8,10}:AA[\w-]{33}\b"), "a Telegram token"),
    (re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"), "a signed token (JWT)"),
    (re.compile(r"\$(2[abxy]?|apr1|[156y]|argon2\w*)\$[^\s:]{8,}"), "the hash of a password"),
)
_ANY_FORM = re.compile("|".join(form.pattern for form, _ in _FORMS))
# RFC 3986 userinfo; what stands before the host's @ may itself hold one.
_USERINFO = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,40}://[^\s/?#:@]{0,200}:([^\s/?#]{0,400})@", re.IGNORECASE
)
_PARAMETER = re.compile(
    r"(?:^|[;?&\s])(?:password|passwd|pwd|accountkey|sharedaccesskey)\s*=\s*([^;&\s]+)",
    re.IGNORECASE,
)
_VARIABLE = re.compile(r"\$(?:\$|[A-Za-z_]\w*|\{)")
_OPTION = re.compile(
    r"--?[\w.-]*(?:password|passwd|passphrase|requirepass|masterauth|secret|token|api-?key|"
    r"auth-?key|access-?key|private-?key)",
    re.IGNORECASE,
)
_CONNECTION = "a connection string with a password"
# A secret is short; the patterns need not look through megabytes.
_LONGEST = 16_384
_DEEPEST = 10
# No form is shorter.
_SHORTEST = 11


def kind(name: str, value: str) -> str:
    """Say what kind of secret the text of a value is, "" for none.

    `value` is as written, before variables are put in: what a variable brings is no literal, but
    the default in `${NAME:-default}` is one.
    """
    text = literal(value[:_LONGEST])
    if not text.strip():
        return ""
    if len(text) >= _SHORTEST and _ANY_FORM.search(text):
        return next(what for form, what in _FORMS if form.search(text))
    if _connects(text):
        return _CONNECTION
    return _by_name(name, text.strip())


def in_command(words: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """Give (index, option, kind) of each secret among the words of a command, as written."""
    for index, word in enumerate(words):
        option, equals, rest = word.partition("=")
        if _OPTION.fullmatch(option) and not _NO_SECRET_NAME.search(option.replace("-", "_")):
            following = words[index + 1] if index + 1 < len(words) else ""
            value = (rest if equals else following)[:_LONGEST]
            if _is_value(literal(value).strip()) and not value.startswith("-"):
                yield index if equals else index + 1, option, "a password or key"
        elif found := kind("", word):
            yield index, "", found


def literal(value: str, depth: int = 0) -> str:
    """Give the text without what variables bring: `$V` and `${V}` are empty, defaults remain."""
    parts: list[str] = []
    start = 0
    while match := _VARIABLE.search(value, start):
        parts.append(value[start : match.start()])
        start = match.end()
        if match[0] == "$$":
            parts.append("$")
        elif match[0] == "${":
            end = _closing(value, start)
            parts.append(_default(value[start:end], depth + 1))
            start = end + 1
    parts.append(value[start:])
    return "".join(parts)


def _closing(value: str, start: int) -> int:
    """Find the brace that ends a variable which begins at `start`; the end where none does."""
    depth = 1
    for index in range(start, len(value)):
        if value.startswith("${", index):
            depth += 1
        elif value[index] == "}":
            depth -= 1
            if depth == 0:
                return index
    return len(value)


def _default(inner: str, depth: int) -> str:
    match = re.match(r"\w*(:?[-+])", inner)
    return literal(inner[match.end() :], depth) if match and depth < _DEEPEST else ""


def _connects(text: str) -> bool:
    passwords = [match[1] for match in _USERINFO.finditer(text)] if "@" in text else []
    passwords += [match[1] for match in _PARAMETER.finditer(text)] if "=" in text else []
    return any(_is_value(password) for password in passwords)


def _by_name(name: str, text: str) -> str:
    if not _SECRET_NAME.search(name) or _NO_SECRET_NAME.search(name) or not _is_value(text):
        return ""
    return "a well-known default password" if text.lower() in _DEFAULTS else "a password or key"


def _is_value(text: str) -> bool:
    """Whether the text can be a secret: neither empty nor a switch, a path or a placeholder."""
    placeholder = text.startswith(("<", "{{", "[", "***")) or not text.strip("*xX.-_")
    return not (placeholder or _SAYS_NOTHING.fullmatch(text) or _PATH.fullmatch(text))
