"""The one error of this room: there is no PostgreSQL to talk to.

What to say of it is decided where it is raised.
"""


class DatabaseUnreachable(Exception):
    """PostgreSQL does not answer; one line with the host (never the password), the reason, and what to do."""
