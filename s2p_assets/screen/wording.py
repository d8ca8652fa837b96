"""How the screen writes numbers and moments: filters that every template has.

Reports have their own, which know the company's locale for print.
"""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

from markupsafe import Markup, escape


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


VERDICTS = {
    "accepted": ("good", "loaded"),
    "partly": ("warn", "loaded in part"),
    "returned": ("fault", "came back"),
    "held": ("warn", "held: somebody is asked"),
    "duplicate": ("", "known already"),
    "waiting": ("", "waiting to be read"),
}


def verdict_badge(verdict: str) -> Markup:
    """What became of a file, in words and a colour."""
    colour, words = VERDICTS.get(verdict, ("", verdict))
    return Markup('<span class="badge {}">{}</span>').format(colour, words)


def words(text: str) -> str:
    """Names of columns and models as a person writes them: `moving_average` is `moving average`."""
    return text.replace("_", " ")


def domain_title(domain: str) -> str:
    """`Retail`; of a short one with a number in it, `F1`."""
    return domain.upper() if len(domain) <= 3 else words(domain).capitalize()


def thing_title(full_name: str) -> str:
    """`retail_price_list` is `Retail: price list`."""
    domain, _, name = full_name.partition("_")
    return f"{domain_title(domain)}: {words(name)}"


def contest_title(full_name: str) -> str:
    """What a contest is about: `retail_demand_champion` is `Retail: demand`."""
    return thing_title(full_name).removesuffix(" champion")


def breakable(text: str) -> Markup:
    """A path or an address that may be broken after `/`, `@` and `_`."""
    return Markup(re.sub(r"([/@_])(?=\S)", r"\1<wbr>", str(escape(text))))  # noqa: S704  escaped before


def quantity(value: float) -> str:
    """A number with what decimals it needs: `1,234.5`."""
    return f"{value:,.4f}".rstrip("0").rstrip(".")


def stamp(at: dt.datetime) -> str:
    """A moment in an address, so that what was kept of an older one is not shown."""
    return f"{at.timestamp():.0f}"


FILTERS: dict[str, Callable[..., Any]] = {
    "count": count,
    "moment": moment,
    "day": day,
    "stamp": stamp,
    "verdict_badge": verdict_badge,
    "words": words,
    "domain_title": domain_title,
    "thing_title": thing_title,
    "contest_title": contest_title,
    "breakable": breakable,
    "quantity": quantity,
}
