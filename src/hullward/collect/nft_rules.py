"""The output of `nft -j list ruleset`, as tables."""

import json
from collections.abc import Iterator, Mapping, Sequence

from hullward.collect.nft_matches import Json, Sets, conditions, element, values
from hullward.model.firewall import Chain, FilterRule, Match, Table

_TEXT = 200
_MOST = 512
_PLAIN = {"accept": "accept", "drop": "drop", "reject": "drop", "return": "return"}
_SILENT = frozenset(
    {
        "counter", "log", "comment", "masquerade", "snat", "flow", "last", "continue",
        "secmark", "ct helper", "ct timeout", "map",
    }
)  # fmt: skip
_Body = Mapping[str, Json]


def parse(text: str) -> tuple[Table, ...] | None:
    """Read a ruleset; None where it is not whole."""
    try:
        objects = json.loads(text)["nftables"]
        found = [entry for entry in objects if isinstance(entry, dict)]
        return tuple(_tables(found))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _tables(objects: Sequence[_Body]) -> Iterator[Table]:
    for table in (entry["table"] for entry in objects if "table" in entry):
        if "dormant" in str(table.get("flags", "")):
            continue
        key = (table["family"], table["name"])
        mine = [(kind, body) for kind, body in _bodies(objects) if _home(body) == key]
        sets: Sets = {
            str(body["name"]): [element(e) for e in body.get("elem", [])]
            for kind, body in mine
            if kind in {"set", "map"}
        }
        bodies = [body for kind, body in mine if kind == "rule"]
        chains = tuple(
            _chain(body, [rule for rule in bodies if rule["chain"] == body["name"]], sets)
            for kind, body in mine
            if kind == "chain"
        )
        yield Table(str(key[0]), str(key[1]), chains)


def _bodies(objects: Sequence[_Body]) -> Iterator[tuple[str, _Body]]:
    for entry in objects:
        for kind, body in entry.items():
            if isinstance(body, dict):
                yield kind, body


def _home(body: _Body) -> tuple[Json, Json]:
    return body.get("family"), body.get("table")


def _chain(body: _Body, rules: Sequence[_Body], sets: Sets) -> Chain:
    devices = body.get("dev", ())
    found = tuple(rule for entry in rules for rule in _rules(entry.get("expr", []), sets))
    return Chain(
        name=str(body["name"]),
        rules=found,
        hook=str(body.get("hook", "")),
        kind=str(body.get("type", "filter")),
        priority=int(body.get("prio", 0)),
        policy="drop" if body.get("policy") == "drop" else "accept",
        devices=(devices,) if isinstance(devices, str) else tuple(map(str, devices)),
    )


def _rules(expressions: Json, sets: Sets) -> Iterator[FilterRule]:
    """Give a rule for each way in which the statements can end."""
    text = json.dumps(expressions, separators=(",", ":"))[:_TEXT]
    # Each alternative is a list of conditions of which all must fit.
    ways: list[tuple[Match, ...]] = [()]
    for expression in expressions:
        ((name, body),) = expression.items()
        more = _conditions(name, body, sets)
        if more is not None:
            ways = [(*way, *extra) for way in ways for extra in more][: _MOST + 1]
            if len(ways) > _MOST:
                ways = [(Match("unknown", ("too many elements",)),)]
        elif name == "vmap":
            for matches, ending in _vmap(body, sets):
                yield from (FilterRule((*way, *matches), *ending, text) for way in ways)
        elif name == "mangle":
            yield from (FilterRule(way, "mark", "", text) for way in ways)
        elif name not in _SILENT:
            yield from (FilterRule(way, *_ending(expression), text) for way in ways)
            return


def _conditions(name: str, body: Json, sets: Sets) -> Sequence[tuple[Match, ...]] | None:
    """Give the alternatives of a statement that decides whether the next one is reached."""
    if name == "match":
        return conditions(body, sets)
    if name in {"limit", "ct count"}:
        return [(_first(body),)]
    if name == "set":
        limits = [s for s in body.get("stmt", []) if {"limit", "ct count"} & set(s)]
        return [tuple(_first(_only(limit)) for limit in limits)]
    if name == "quota" or (name == "xt" and not _is_target(body)):
        return [(Match("unknown", (name,)),)]
    return None


def _only(statement: _Body) -> Json:
    (body,) = statement.values()
    return body


def _is_target(body: Json) -> bool:
    return isinstance(body, dict) and body.get("type") == "target"


def _first(body: Json) -> Match:
    """Judge a limit by the first packet of a stranger: it is below every limit."""
    inverted = isinstance(body, dict) and body.get("inv")
    return Match("never" if inverted else "always")


def _vmap(body: _Body, sets: Sets) -> Iterator[tuple[tuple[Match, ...], tuple[str, str]]]:
    data = body["data"]
    pairs = sets.get(data[1:], []) if isinstance(data, str) else values(data)
    if len(pairs) > _MOST:
        pairs = []
        yield (Match("unknown", ("a large verdict map",)),), ("unknown", "")
    for pair in pairs:
        key, ending = pair
        match = {"op": "==", "left": body["key"], "right": key}
        verdict = ending if isinstance(ending, dict) else {str(ending): None}
        for way in conditions(match, sets):
            yield way, _ending(verdict)


def _ending(expression: _Body) -> tuple[str, str]:
    ((name, body),) = expression.items()
    if name in _PLAIN:
        return _PLAIN[name], ""
    if name == "continue":
        return "continue", ""
    if name in {"jump", "goto"}:
        return name, str(body["target"])
    if name == "redirect" and isinstance(body, dict) and isinstance(body.get("port"), int):
        return "redirect", str(body["port"])
    if name == "dnat" and isinstance(body, dict):
        address, port = body.get("addr", ""), body.get("port", "")
        if isinstance(address, str) and isinstance(port, int | str):
            return "dnat", f"{address} {port}"
    return "unknown", ""
