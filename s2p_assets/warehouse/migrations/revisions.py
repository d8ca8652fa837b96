"""The revision of s2p's own tables that this code knows, and the error of a home that has a newer one.

Nothing here loads Alembic, which takes half a second; running revisions is `upgrading.py`'s.
"""

from s2p_assets.contracts.errors import MendableError

HEAD = "0023"
"""The newest revision in `versions/`."""


class HomeTooNew(MendableError):
    """The tables were written by a newer s2p; one line with their revision and what to do."""


def note(revision: str) -> str:
    """The comment on Alembic's table, which can be asked for in one query whether or not there is that table."""
    return f"The revision of s2p's own tables: {revision}"
