"""What changed since the edition before: its headline numbers beside those of this one.

Which edition that was, and where its numbers are kept, is for the graph.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from numbers import Real
from typing import Any

from s2p_assets.publishing.comparison import change
from s2p_assets.publishing.report import Change, Document, Figure
from s2p_assets.publishing.wording import short_day


def since(document: Document, before: Mapping[str, Any]) -> Document:
    """`document` with each headline number also against the one of that name in the edition `before`.

    `before`: as `numbers.save_numbers` keeps it. A number that was missing then, or not above 0, is not compared.
    """
    than = f"the edition of {short_day(dt.date.fromisoformat(before['as_of']))}"
    values = {figure["label"]: figure["value"] for figure in before["figures"]}
    return replace(document, figures=tuple(_compared(one, values.get(one.label), than) for one in document.figures))


def _compared(figure: Figure, before: Any, than: str) -> Figure:
    if not isinstance(figure.value, Real) or not isinstance(before, Real):
        return figure
    share = change(float(figure.value), float(before))
    return figure if share is None else replace(figure, further=(*figure.further, Change(share, than)))
