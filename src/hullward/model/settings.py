"""What the owner of a host has said once for every audit, in hullward.toml."""

from msgspec import Struct

from hullward.model.policy import GUIDE, Policy
from hullward.model.waiver import Waiver


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """Accepted risks, the ports that are meant to be open, and what images need.

    `profiles` are folders as hullward/profiles/README.md has them.
    """

    waiver: tuple[Waiver, ...] = ()
    firewall: Policy = GUIDE
    profiles: tuple[str, ...] = ()
