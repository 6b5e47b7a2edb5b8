"""What a Dockerfile makes for one target: its stages followed from the base to the last."""

from collections.abc import Iterator, Mapping, Sequence

from hullward.compose import base_images
from hullward.compose import dockerfile_words as words
from hullward.compose.dockerfile import Dockerfile, Stage
from hullward.compose.dockerfile_words import Unresolved
from hullward.compose.recipe_steps import State, Values, follow, pairs, uid
from hullward.model.errors import HullwardError
from hullward.model.recipe import Base, Recipe

# BuildKit sets these by the platform that is built for.
_PLATFORM = tuple(
    f"{side}{what}"
    for side in ("BUILD", "TARGET")
    for what in ("PLATFORM", "OS", "OSVERSION", "ARCH", "VARIANT")
)


def recipe(
    dockerfile: Dockerfile, target: str = "", arguments: Mapping[str, str | None] | None = None
) -> Recipe:
    """Follow a file to its target, "" for its last stage; an argument of None is not known.

    Raises HullwardError where there is no such target.
    """
    given = dict(arguments or {})
    stages, escape = dockerfile.stages, dockerfile.escape
    chosen = stage_index(dockerfile, target)
    values = _globals(dockerfile, given)
    chain = _chain(stages, chosen, values, escape)
    base = _base(stages[chain[0]], values, escape)
    state = _start(base, stages[chosen].line, State(escape, given, values))
    for index in chain:
        state.begin()
        for instruction in stages[index].instructions:
            follow(state, instruction)
    others = _lenders(dockerfile, set(chain), values)
    return _finished(dockerfile.path, stages[chosen].line, (base, *others), state)


def _start(base: Base, line: int, state: State) -> State:
    """Take over what the base gives: nothing at all where it is empty, else what is known of it."""
    state.user_line = line
    if base.empty:
        state.user, state.checked = "", False
        return state
    state.missing = "the base image may set it"
    if base_images.source(base.reference):
        state.user, state.checked = "", False
    else:
        name = base.reference or "whose name is not known"
        state.gap = f"no USER is set, and the base image {name} decides"
    return state


def _finished(path: str, line: int, bases: tuple[Base, ...], state: State) -> Recipe:
    number, gap = uid(state)
    return Recipe(
        path=path,
        line=line,
        bases=bases,
        user=state.user,
        gap=state.gap if state.user is None else "",
        uid=number,
        uid_gap=gap,
        user_line=state.user_line,
        added=tuple(state.added),
        piped=tuple(state.piped),
        gains=tuple(state.gains),
        secrets=tuple(dict.fromkeys(state.secrets)),
        insecure=tuple(state.insecure),
        host_network=tuple(state.host_network),
        unlisted=tuple(state.unlisted),
        checked=state.checked,
        checked_line=state.checked_line,
        exposed=tuple(dict.fromkeys(state.exposed)),
        volumes=tuple(dict.fromkeys(state.volumes)),
    )


def stage_index(dockerfile: Dockerfile, target: str) -> int:
    """Find the stage of a target, "" for the last; raises HullwardError where there is none."""
    if not target:
        return len(dockerfile.stages) - 1
    found = _named(dockerfile.stages, target)
    if found is None:
        raise HullwardError(
            f"{dockerfile.path} has no stage {target!r}.",
            "Its stages are: "
            + (", ".join(stage.name for stage in dockerfile.stages if stage.name) or "unnamed")
            + ".",
        )
    return found


def _named(stages: Sequence[Stage], name: str, before: int | None = None) -> int | None:
    """Find a stage by its name, or by its number; the last of that name counts."""
    reach = len(stages) if before is None else before
    for index in reversed(range(reach)):
        if stages[index].name == name.lower() and name:
            return index
    if name.isascii() and name.isdecimal() and len(name) < 6 and int(name) < reach:  # noqa: PLR2004
        return int(name)
    return None


def _globals(dockerfile: Dockerfile, given: Mapping[str, str | None]) -> Values:
    """Give the ARG before the first stage, and what the platform sets."""
    values: Values = dict.fromkeys(_PLATFORM)
    for instruction in dockerfile.arguments:
        for name, default in pairs(instruction, dockerfile.escape):
            if name in given:
                values[name] = given[name]
            elif default is not None:
                try:
                    values[name] = words.expand(default, values, dockerfile.escape)
                except Unresolved:
                    values[name] = None
    return values


def _chain(stages: Sequence[Stage], chosen: int, values: Values, escape: str) -> list[int]:
    """Give the stages that the chosen one is built on, the first of them first."""
    chain = [chosen]
    while True:
        name = _base(stages[chain[-1]], values, escape).reference
        # FROM takes a stage by its name only; a number is an image.
        below = None if name.isdecimal() else _named(stages, name, chain[-1])
        if below is None:
            return chain[::-1]
        chain.append(below)


def _base(stage: Stage, values: Values, escape: str, *, final: bool = True) -> Base:
    try:
        return Base(words.expand(stage.base, values, escape), stage.line, final)
    except Unresolved as reason:
        return Base("", stage.line, final, str(reason))


def _lenders(dockerfile: Dockerfile, seen: set[int], values: Values) -> Iterator[Base]:
    """Give the bases of the stages, and the images, that the chosen one takes files from."""
    stages, escape = dockerfile.stages, dockerfile.escape
    queue, found = sorted(seen), set()
    while queue:
        index = queue.pop()
        for name, line in _sources(stages[index], escape):
            other = _named(stages, name, index)
            if other is None:
                base = Base(name, line, final=False)
                if base.reference not in found and "$" not in name:
                    found.add(base.reference)
                    yield base
            elif other not in seen:
                chain = [i for i in _chain(stages, other, values, escape) if i not in seen]
                seen.update(chain)
                queue += chain
                base = _base(stages[chain[0]], values, escape, final=False)
                inner = _named(stages, base.reference, chain[0]) is not None
                if not inner and base.reference not in found:
                    found.add(base.reference)
                    yield base


def _sources(stage: Stage, escape: str) -> Iterator[tuple[str, int]]:
    for instruction in stage.instructions:
        if instruction.keyword in {"COPY", "ADD"} and (name := instruction.flag("from")):
            yield name, instruction.line
        for key, value in instruction.flags if instruction.keyword == "RUN" else ():
            options = dict(part.partition("=")[::2] for part in value.split(","))
            if key == "mount" and options.get("from"):
                yield words.bare(options["from"], escape), instruction.line
