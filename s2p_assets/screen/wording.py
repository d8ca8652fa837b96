"""How the screen writes numbers and moments: filters that every template has.

Reports have their own, which know the company's locale for print.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any


def count(number: int, one: str, more: str = "") -> str:
    """`1 file`, `1,200 files`."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def moment(at: dt.datetime | str | None) -> str:
    """`29 Nov 2026, 14:05` by the server's clock."""
    if at is None:
        return ""
    when = dt.datetime.fromisoformat(at) if isinstance(at, str) else at
    local = when.astimezone()
    return f"{local.day} {local:%b %Y, %H:%M}"


def day(date: dt.date | str | None) -> str:
    """`29 Nov 2026`."""
    if date is None:
        return ""
    shown = dt.date.fromisoformat(date[:10]) if isinstance(date, str) else date
    return f"{shown.day} {shown:%b %Y}"


def domain_title(name: str) -> str:
    """`CRM`, `Retail`, `Spare parts`."""
    return name.upper() if len(name) <= 3 else name.replace("_", " ").capitalize()


FILTERS: dict[str, Callable[..., Any]] = {"count": count, "moment": moment, "day": day, "domain": domain_title}
