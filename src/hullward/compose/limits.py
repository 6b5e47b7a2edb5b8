"""A service's limits, devices, restart policy and health check."""

import re

from hullward.compose.sheet import Sheet, truth
from hullward.compose.values import Items, Leaf, Table, Tree
from hullward.model import engine_words
from hullward.model.facts import Device

_CDI = re.compile(r"[a-zA-Z][\w.-]*/[a-zA-Z][\w-]*=[a-zA-Z0-9][\w.:-]*")
_POLICIES = {"none": "no", "any": "always"}
_LONG = 10


def memory(sheet: Sheet) -> int:
    """Give the limit of memory in bytes, 0 for none; that of `deploy` wins."""
    limits = _limits(sheet)
    wins = sheet.size("memory", "memory", limits) if limits else 0
    return wins or sheet.size("mem_limit", "memory")


def pids(sheet: Sheet) -> int:
    """Give the limit of processes, 0 for none; that of `deploy` wins."""
    limits = _limits(sheet)
    wins = sheet.number("pids", "pids", limits) if limits else 0
    return max(0, wins or sheet.number("pids_limit", "pids"))


def cpu_limited(sheet: Sheet) -> bool:
    """Whether any limit of processor time is written."""
    limits = _limits(sheet)
    return any(
        (
            sheet.decimal("cpus", "cpu_limited") > 0,
            sheet.decimal("cpus", "cpu_limited", limits) > 0 if limits else False,
            sheet.number("cpu_quota", "cpu_limited") != 0,
            sheet.number("cpu_shares", "cpu_limited") != 0,
            sheet.text("cpuset", "cpu_limited") != "",
        )
    )


def cores(sheet: Sheet) -> float:
    """Give how many cores it may keep busy, 0 for any number; that of `deploy` wins."""
    limits = _limits(sheet)
    wins = sheet.decimal("cpus", "cores", limits) if limits else 0
    whole = wins or sheet.decimal("cpus", "cores")
    if whole > 0:
        return whole
    quota, period = (sheet.number(f"cpu_{word}", "cores") for word in ("quota", "period"))
    return engine_words.cores(quota, period)


def restart(sheet: Sheet) -> tuple[str, int]:
    """Give the restart policy and its attempts; that of `deploy` wins."""
    deploy = sheet.below("deploy", "restart")
    policy = sheet.below("restart_policy", "restart", deploy) if deploy else None
    if policy is not None:
        name = sheet.text("condition", "restart", policy)
        number = sheet.number("max_attempts", "restart_attempts", policy)
    else:
        name, _, attempts = sheet.text("restart", "restart").partition(":")
        number = int(attempts) if attempts.isdecimal() and len(attempts) < _LONG else 0
    return _POLICIES.get(name, name) or "no", number


def replicas(sheet: Sheet) -> int:
    """Give how many containers of the service there will be."""
    if "scale" in sheet.table.entries:
        return sheet.number("scale", "replicas")
    deploy = sheet.below("deploy", "replicas")
    if deploy is None or "replicas" not in deploy.entries:
        return 1
    return sheet.number("replicas", "replicas", deploy)


def devices(sheet: Sheet) -> tuple[tuple[Device, ...], tuple[str, ...]]:
    """Give the devices handed over, and those asked of CDI."""
    found: dict[str, tuple[Device, Tree]] = {}
    requested = False
    for entry in sheet.tables("devices", "devices"):
        sheet.gaps_of("devices", entry)
        device, target = _device(entry)
        if device.path == target and _CDI.fullmatch(device.path):
            requested = True
        elif device.path:
            found[target] = (device, entry)
        else:
            sheet.bad("devices", entry, "a device needs its path on the host")
    for index, (_, entry) in enumerate(found.values()):
        sheet.places[f"devices[{index}]"] = entry.place
    if requested:
        sheet.places.setdefault("device_requests", sheet.places["devices"])
    return tuple(device for device, _ in found.values()), ("cdi",) if requested else ()


def _device(entry: Tree) -> tuple[Device, str]:
    parts: dict[str, str] = {}
    if isinstance(entry, Leaf):
        words = entry.text.split(":")
        parts = dict(zip(("source", "target", "permissions"), words, strict=False))
    elif isinstance(entry, Table):
        parts = {k: v.text for k in entry.entries if isinstance(v := entry.get(k), Leaf)}
    source = parts.get("source", "")
    return Device(source, parts.get("permissions", "") or "rwm"), parts.get("target", "") or source


def device_requests(sheet: Sheet) -> tuple[str, ...]:
    """Give what is asked of device drivers, by `gpus` and by `deploy`."""
    field, found = "device_requests", []
    wish = sheet.take("gpus", field)
    if isinstance(wish, Leaf):
        sheet.known(field, wish)
        found.append(engine_words.device_request("", [["gpu"]]))
    elif isinstance(wish, Items):
        found += [_request(sheet, entry, ["gpu"]) for entry in wish.items]
    deploy = sheet.below("deploy", field)
    resources = sheet.below("resources", field, deploy) if deploy else None
    reserved = sheet.below("reservations", field, resources) if resources else None
    if reserved is not None:
        found += [_request(sheet, entry, []) for entry in sheet.tables("devices", field, reserved)]
    return tuple(found)


def _request(sheet: Sheet, entry: Tree, more: list[str]) -> str:
    sheet.gaps_of("device_requests", entry)
    if not isinstance(entry, Table):
        sheet.bad("device_requests", entry, "a request for devices is a mapping")
        return ""
    driver, wanted = entry.get("driver"), entry.get("capabilities")
    words = (
        [i.text for i in wanted.items if isinstance(i, Leaf)] if isinstance(wanted, Items) else []
    )
    return engine_words.device_request(
        driver.text if isinstance(driver, Leaf) else "", [[*words, *more]]
    )


def health(sheet: Sheet) -> str:
    """Give "defined" for a check of its own, "none" for none; the image may have one."""
    sheet.take("healthcheck", "health")
    check = sheet.below("healthcheck", "health")
    if check is not None:
        off = check.get("disable")
        if isinstance(off, Leaf) and truth(off.data):
            return "none"
        test = check.get("test")
        words = test.items if isinstance(test, Items) else (test,) if test else ()
        first = words[0] if words else None
        if isinstance(first, Leaf) and first.text:
            return "none" if first.text == "NONE" else "defined"
    place = sheet.places.get("health") or sheet.table.place
    sheet.gap("health", "the image may have a HEALTHCHECK", place, "image")
    return ""


def _limits(sheet: Sheet) -> Table | None:
    deploy = sheet.below("deploy", "memory")
    resources = sheet.below("resources", "memory", deploy) if deploy else None
    return sheet.below("limits", "memory", resources) if resources else None
