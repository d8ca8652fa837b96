"""One stored value in the form in which a person at a terminal or in a letter reads it.

Numbers in reports are formatted by the publishing room.
"""

import datetime as dt
from decimal import Decimal
from typing import Any

WIDTH = 40


def shown_value(value: Any) -> str:
    """`value` on one line, at most 40 characters of it."""
    if value is None:
        return "(empty)"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ", timespec="minutes")
    text = " ".join(str(value).split())
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"


def as_json(value: Any) -> Any:
    """A stored value as JSON keeps it; equal values give equal ones."""
    if isinstance(value, Decimal):
        whole = float(value)
        return whole if Decimal(repr(whole)) == value else format(value.normalize(), "f")
    return value.isoformat() if isinstance(value, dt.date) else value
