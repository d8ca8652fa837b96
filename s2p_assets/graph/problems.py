"""Everything that can go wrong for a reason a person can mend, for the doors to tell from faults of our own."""

from s2p_assets.graph.running import PortTaken
from s2p_assets.spreadsheet.share import ShareMissing
from s2p_assets.warehouse.archive import DiskFull
from s2p_assets.warehouse.connection import DatabaseUnreachable


class NotFound(Exception):
    """Something that a person named is not there."""


EXPECTED = (NotFound, PortTaken, ShareMissing, DiskFull, DatabaseUnreachable)
