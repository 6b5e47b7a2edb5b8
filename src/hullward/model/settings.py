"""What the owner of a host has said once for every audit, in hullward.toml."""

from msgspec import Struct

from hullward.model.policy import GUIDE, Policy
from hullward.model.waiver import Waiver


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """Accepted risks, and the ports that are meant to be open."""

    waiver: tuple[Waiver, ...] = ()
    firewall: Policy = GUIDE
