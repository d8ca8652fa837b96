"""The one error of this room: there is no PostgreSQL to talk to.

Its message is written where it is raised.
"""

from s2p_assets.contracts.errors import MendableError


class DatabaseUnreachable(MendableError):
    """PostgreSQL does not answer; one line with the host (never the password), the reason, and what to do."""
