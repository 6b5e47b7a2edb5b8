"""hullward.toml: the risks that the owner accepts, and the ports that are meant to be open."""

import tomllib
from collections.abc import Collection
from difflib import get_close_matches

import msgspec

from hullward.model.errors import HullwardError
from hullward.model.settings import Settings

_FORM = 'Write [[waiver]] with rule, target, reason and, if it ends, expires = "YYYY-MM-DD".'
_PORTS = "Write [firewall] with open_tcp and open_udp, each a list of ports such as [22, 443]."


def parse(data: bytes, name: str, rule_ids: Collection[str]) -> Settings:
    """Read the file's text; raises HullwardError for what it cannot mean."""
    try:
        value = tomllib.loads(data.decode())
        settings = msgspec.convert(value, Settings, strict=False)
    except msgspec.ValidationError as error:
        advice = _PORTS if "`$.firewall" in str(error) else _FORM
        raise HullwardError(f"{name} cannot be understood: {error}.", advice) from error
    except (ValueError, RecursionError) as error:
        raise HullwardError(f"{name} is not TOML: {error}.", _FORM) from error
    for waiver in settings.waiver:
        if waiver.rule not in rule_ids:
            near = get_close_matches(waiver.rule, rule_ids, 1)
            raise HullwardError(
                f"{name} waives {waiver.rule!r}, which is no rule.",
                f"Did you mean {near[0]}?" if near else "`hullward explain` lists the rules.",
            )
        if not waiver.reason.strip():
            raise HullwardError(f"{name} waives {waiver.rule} without a reason.", _FORM)
    return settings
