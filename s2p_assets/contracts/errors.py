"""Failures that a person can mend, as every room raises them and every door tells them.

Which faults of the system and of the database are such failures too is in `services/errors.py`.
"""


class MendableError(Exception):
    """Something a person can mend. Its message is one line: what went wrong, and what to do next."""
