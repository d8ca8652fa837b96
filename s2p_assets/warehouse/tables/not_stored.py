"""A table that is asked for before it is stored; what reads one is `store.py` for frames, `row_query.py` for pages."""

from s2p_assets.contracts.errors import MendableError


class NotStored(MendableError, LookupError):
    """The table has not been stored yet; one line that says which."""
