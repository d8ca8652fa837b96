"""Whether an edition's headline numbers can be right at all: numbers they are, and of no day that is yet to come.

Whether they are right is for the checks on what is under them; how an edition is written is in `publish.py`.
"""

import datetime as dt
import math
import re
from collections.abc import Iterator

import pandas as pd

from s2p_assets.contracts.report import Document, Figure
from s2p_assets.publishing.document.wording import format_long_date
from s2p_assets.publishing.editions.report_not_published import ReportNotPublished

NO_NUMBER = re.compile(r"(?<![\w])(?:nan|inf|NaT|<NA>)(?![\w])")
"""How Python writes what is no number, among the words of a sentence."""


class HeadlineUnusable(ReportNotPublished):
    """A headline number of an edition is no number, or its data lies in the future."""


def require_usable_headline(document: Document, made_at: dt.datetime, days_ahead: int) -> None:
    """Raise HeadlineUnusable for a figure that is NaN or infinite, or for data of days after `made_at` + `days_ahead`.

    A figure of None is not known, which its note says; that may be published.
    """
    found = list(_faults(document, made_at.date() + dt.timedelta(days=days_ahead)))
    if found:
        raise HeadlineUnusable(f"{document.title} is not published: {'; '.join(found)}")


def _faults(document: Document, last_day: dt.date) -> Iterator[str]:
    if document.as_of > last_day:
        yield (
            f"its data would go up to {format_long_date(document.as_of)}, a day that is yet to come; correct the date "
            "in the file that came in last"
        )
    if said := NO_NUMBER.search(document.headline):
        yield f"its headline says {said[0]!r} in place of a number; correct or complete what it is made from"
    for figure in document.figures:
        if _is_no_number(figure):
            yield f"{figure.label} is not a number ({figure.value}); correct or complete what it is made from"
        elif (day := _day(figure)) and day > last_day:
            yield f"{figure.label} is {format_long_date(day)}, which is too far ahead; correct the date that it is from"


def _is_no_number(figure: Figure) -> bool:
    value = figure.value
    if value is None or isinstance(value, str):
        return False
    return bool(pd.isna(value)) or (isinstance(value, float) and not math.isfinite(value))


def _day(figure: Figure) -> dt.date | None:
    value = figure.value
    return value.date() if isinstance(value, dt.datetime) else value if isinstance(value, dt.date) else None
