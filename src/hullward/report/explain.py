"""A rule or a capability on one screen."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from textwrap import wrap

from hullward.model import capabilities
from hullward.model.capabilities import Capability
from hullward.model.errors import HullwardError
from hullward.model.rule import Rule

_COLUMNS = 80


def render(name: str, rules: Sequence[Rule]) -> str:
    """Explain a rule or a capability; raises HullwardError with near names for an unknown one."""
    by_id = {rule.id: rule for rule in rules}
    rule = by_id.get(name.lower())
    if rule:
        return "\n".join(_rule(rule)) + "\n"
    word = name.upper()
    known = capabilities.BY_NAME.get(word.removeprefix("CAP_"))
    if known:
        return "\n".join(_capability(known)) + "\n"
    near = get_close_matches(name.lower(), by_id, 3, 0.5)
    near += get_close_matches(word.removeprefix("CAP_"), capabilities.BY_NAME, 3, 0.6)
    advice = f"Did you mean {' or '.join(near)}?" if near else "`hullward explain` lists them all."
    raise HullwardError(f"There is no rule or capability {name!r}.", advice)


def contents(rules: Sequence[Rule]) -> str:
    """List every rule with its title, and every capability."""
    longest = max(len(rule.id) for rule in rules)
    lines = ["Rules"]
    lines += [f"  {rule.id:{longest}}  {rule.severity.value:8}  {rule.title}" for rule in rules]
    names = " ".join(capability.name for capability in capabilities.ALL)
    return "\n".join([*lines, "", "Capabilities", *_text(names, 2)]) + "\n"


def _rule(rule: Rule) -> Iterator[str]:
    yield f"{rule.id}  ({rule.severity.value})"
    yield rule.title
    yield ""
    yield from _section("Why", rule.rationale)
    yield from _section("Fix", rule.remedy)
    yield from _section("See", ", ".join(rule.refs))


def _capability(capability: Capability) -> Iterator[str]:
    default = "granted by Docker unasked" if capability.default else "not granted unasked"
    name, bit = f"CAP_{capability.name}", capability.number
    yield f"{name}  ({capability.severity.value}, bit {bit}, {default})"
    yield ""
    yield from _section("Allows", capability.allows)
    yield from _section("Drop", capability.drop_when)
    yield from _section("Abuse", capability.abuse)
    if capability.escapes:
        yield from _section("Escapes", ", ".join(capability.escapes))
    yield from _section("See", f"{', '.join(capability.references)}; since {capability.since}")


def _section(label: str, text: str) -> Iterator[str]:
    lines = _text(text, 9)
    yield f"{label:9}{lines[0].lstrip()}"
    yield from lines[1:]


def _text(text: str, indent: int) -> list[str]:
    return [
        " " * indent + line
        for part in text.split("\n")
        for line in wrap(part, _COLUMNS - indent, break_on_hyphens=False)
    ]
