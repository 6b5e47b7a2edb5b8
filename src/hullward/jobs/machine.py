"""A machine that a job changes: its engine, and the journal of its host."""

from msgspec import Struct

from hullward.apply.journal import Journal
from hullward.host.contexts import Target
from hullward.host.reader import Access


class Machine(Struct, frozen=True):
    """Where the work is done."""

    target: Target
    access: Access
    journal: Journal
