"""Failures that a person can mend, as every room raises them and every door tells them.

Which faults of the system and of the database are such failures too is in `services/errors.py`.
"""

from collections.abc import Iterable

NEAR_NAMES = 3
NEAR_ENOUGH = 0.6
"""Of the letters of both names."""


class MendableError(Exception):
    """Something a person can mend. Its message is one line: what went wrong, and what to do next."""


def meant_by(name: str, known: Iterable[str]) -> str:
    """`did you mean retail_demand?` of the names most like `name`, or else all that there are."""
    from difflib import get_close_matches

    names = sorted(known)
    near = get_close_matches(name, names, NEAR_NAMES, NEAR_ENOUGH)
    return f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(names) or 'none'}"
