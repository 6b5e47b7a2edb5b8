"""Every rule; a new one is found by being written."""

import pkgutil
from importlib import import_module

from hullward.model.rule import ContainerRule, EngineRule, HostRule, Rule


def _find() -> tuple[Rule, ...]:
    modules = (import_module(info.name) for info in pkgutil.walk_packages(__path__, f"{__name__}."))
    found = {
        value.id: value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, Rule)
    }
    return tuple(found[id_] for id_ in sorted(found))


ALL: tuple[Rule, ...] = _find()
# Those that are asked of what runs; the others are for files.
RUNNING = tuple(rule for rule in ALL if isinstance(rule, ContainerRule | EngineRule | HostRule))
