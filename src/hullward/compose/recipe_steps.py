"""What each instruction of a Dockerfile adds to the image that is being made."""

import json
import re
from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from hullward.compose import dockerfile_shell as shell
from hullward.compose import dockerfile_words as words
from hullward.compose import secrets
from hullward.compose.dockerfile import Instruction
from hullward.compose.dockerfile_words import Unresolved
from hullward.model.recipe import Added, Gain, Secret, Spot

_BUDGET = 4 << 20
_LARGEST_UID = 2**32 - 2
_GIT = ("git@", "git://", "ssh://")
# Secrets are short, or their first part tells.
_LOOKED_AT = 2000
_SOME_VALUE = "some value"
_ENDS = re.compile(
    r"(?:PASS|PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|KEY|CREDENTIALS?)$", re.IGNORECASE
)

Values = dict[str, str | None]


class State(Struct):
    """What the instructions so far have made.

    ENV and ARG share their `variables`, and the later counts; but a stage that stands on another
    one begins with the other's ENV over its ARG.
    """

    escape: str
    given: Mapping[str, str | None]
    globals: Values
    missing: str = ""
    arguments: Values = field(default_factory=dict)
    environment: Values = field(default_factory=dict)
    variables: Values = field(default_factory=dict)
    size: int = 0
    user: str | None = None
    gap: str = ""
    user_line: int = 0
    checked: bool | None = None
    checked_line: int = 0
    commands: list[str] = field(default_factory=list)
    added: list[Added] = field(default_factory=list)
    piped: list[Spot] = field(default_factory=list)
    gains: list[Gain] = field(default_factory=list)
    secrets: list[Secret] = field(default_factory=list)
    insecure: list[Spot] = field(default_factory=list)
    host_network: list[Spot] = field(default_factory=list)
    unlisted: list[Spot] = field(default_factory=list)
    exposed: list[str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)

    def begin(self) -> None:
        """Begin a stage on what was made so far."""
        self.variables = {**self.arguments, **self.environment}

    def expand(self, text: str) -> str:
        """Replace variables; raises Unresolved."""
        return words.expand(text, self.variables, self.escape, missing=self.missing)

    def known(self, text: str) -> str | None:
        """Replace variables; None where one is not known."""
        try:
            return self.expand(text)
        except Unresolved:
            return None

    def spend(self, value: str | None) -> str | None:
        """Keep a value while there is room: a hostile file could have them without end."""
        self.size += len(value or "")
        return value if self.size <= _BUDGET else None


def pairs(instruction: Instruction, escape: str) -> Iterator[tuple[str, str | None]]:
    """Give name and value of ENV, ARG and LABEL as written; ENV NAME VALUE is one pair."""
    parts = words.split(instruction.rest, escape)
    if instruction.keyword != "ARG" and parts and "=" not in parts[0]:
        name, _, value = instruction.rest.partition(parts[0])[2].partition(" ")
        yield parts[0], (name + value).strip(words.BLANK) if name else value.strip(words.BLANK)
        return
    for part in parts:
        name, equals, value = part.partition("=")
        yield words.bare(name, escape), value if equals else None


def follow(state: State, instruction: Instruction) -> None:
    """Let one instruction change the state; those that add nothing here are passed over."""
    act = _ACTS.get(instruction.keyword)
    if act is not None:
        act(state, instruction)


def _argument(state: State, instruction: Instruction) -> None:
    for name, default in pairs(instruction, state.escape):
        _secret(state, instruction, name, default)
        if name in state.given:
            value = state.given[name]
        elif default is not None:
            value = state.known(default)
        elif name in state.globals:
            value = state.globals[name]
        else:
            continue
        state.arguments[name] = state.variables[name] = state.spend(value)


def _environment(state: State, instruction: Instruction) -> None:
    # All values of one instruction are made from those before it.
    made: list[tuple[str, str | None]] = []
    for name, text in pairs(instruction, state.escape):
        try:
            value: str | None = state.expand(text or "")
        except Unresolved:
            value = None
        made.append((name, state.spend(value)))
        _secret(state, instruction, name, text)
    state.environment.update(made)
    state.variables.update(made)


def _secret(state: State, instruction: Instruction, name: str, text: str | None) -> None:
    kind = secrets.kind(name, (text or "")[:_LOOKED_AT])
    if not kind and (text is None or "$" in text) and _named(name):
        kind = "given by another variable" if text else "given at build time"
    if kind:
        state.secrets.append(Secret(name[:80], instruction.keyword, kind, instruction.line))


def _named(name: str) -> bool:
    """Whether a name alone tells of a secret: without a value, only its end counts."""
    return bool(_ENDS.search(name[:200]) and secrets.kind(name[:200], _SOME_VALUE))


def _user(state: State, instruction: Instruction) -> None:
    state.user_line = instruction.line
    try:
        state.user, state.gap = state.expand(instruction.rest).strip(), ""
    except Unresolved as reason:
        state.user, state.gap = None, f"USER {instruction.rest[:80]}: {reason}"


def _run(state: State, instruction: Instruction) -> None:
    command = _command(instruction)
    line = instruction.line
    state.commands.append(command)
    if instruction.flag("security") == "insecure":
        state.insecure.append(Spot("RUN --security=insecure", line))
    if instruction.flag("network") == "host":
        state.host_network.append(Spot("RUN --network=host", line))
    if shell.pipes_a_download(command):
        state.piped.append(Spot("it runs what it downloads", line))
    if shell.only_updates(command):
        state.unlisted.append(Spot("it only refreshes the list of packages", line))
    state.gains += shell.gains(command, line)
    state.secrets += [Secret(name, "RUN", "a literal", line) for name in shell.secrets(command)]


def _command(instruction: Instruction) -> str:
    """Give the text of a command, whichever form it is in, with its documents."""
    text = instruction.rest
    if text.startswith("["):
        try:
            parts = json.loads(text)
        except (ValueError, RecursionError):
            parts = None
        if isinstance(parts, list) and all(isinstance(part, str) for part in parts):
            text = " ".join(parts)
    return "\n".join([text, *(heredoc.content for heredoc in instruction.heredocs)])


def _add(state: State, instruction: Instruction) -> None:
    _copy(state, instruction)
    if instruction.flag("from"):
        return
    for path in _paths(instruction, state.escape)[:-1]:
        source = state.known(path)
        kind, pinned = _kind(source, instruction) if source is not None else ("unknown", False)
        if not path.startswith("<<"):
            state.added.append(Added(kind, _shown(source or path), instruction.line, pinned))


def _kind(source: str, instruction: Instruction) -> tuple[str, bool]:
    checksum = bool(instruction.flag("checksum"))
    lowered = source.lower()
    url = lowered.startswith(("http://", "https://"))
    if lowered.startswith(_GIT) or (url and lowered.partition("#")[0].endswith(".git")):
        commit = source.partition("#")[2].partition(":")[0]
        full = len(commit) == 40 and all(char in "0123456789abcdef" for char in commit)  # noqa: PLR2004
        return "git", checksum or full
    return ("url", checksum) if url else ("files", True)


def _shown(source: str) -> str:
    """Keep scheme, host and path of a URL: no user, password or query."""
    scheme, there, rest = source.partition("://")
    if not there:
        return source[:200]
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path.partition('?')[0]}"[:200]


def _copy(state: State, instruction: Instruction) -> None:
    kind = shell.mode_kind(state.known(instruction.flag("chmod") or "") or "")
    if kind:
        paths = _paths(instruction, state.escape)
        state.gains.append(Gain(kind, paths[-1][:200] if paths else "", instruction.line))


def _paths(instruction: Instruction, escape: str) -> list[str]:
    text = instruction.rest
    if text.startswith("["):
        return words.split(_command(instruction), escape)
    return [words.bare(word, escape) for word in words.split(text, escape)]


def _health(state: State, instruction: Instruction) -> None:
    state.checked = instruction.rest.upper() != "NONE"
    state.checked_line = instruction.line


def _expose(state: State, instruction: Instruction) -> None:
    state.exposed += [port[:40] for port in instruction.rest.split()]


def _volume(state: State, instruction: Instruction) -> None:
    state.volumes += [path[:200] for path in _paths(instruction, state.escape)]


def uid(state: State) -> tuple[int | None, str]:
    """Say what the user means: a number is itself, a name as far as the file tells."""
    if state.user is None:
        return None, state.gap
    name = state.user.partition(":")[0]
    if name in {"", "root"}:
        return 0, ""
    if name.isascii() and name.isdecimal():
        number = int(name) if len(name) <= 10 else _LARGEST_UID + 1  # noqa: PLR2004 - 2^32
        return (number, "") if number <= _LARGEST_UID else (None, f"{name[:20]} is no uid")
    for command in reversed(state.commands):
        expanded = state.known(command) if "$" in command else command
        found = shell.uid_of(name, expanded or command)
        if found is not None:
            return found, ""
    return None, f"the uid of {name[:80]!r} is in the image's /etc/passwd"


_ACTS = {
    "ADD": _add,
    "ARG": _argument,
    "COPY": _copy,
    "ENV": _environment,
    "EXPOSE": _expose,
    "HEALTHCHECK": _health,
    "RUN": _run,
    "USER": _user,
    "VOLUME": _volume,
}
