"""What changed since the edition before: its headline numbers beside those of this one.

Which edition that was, and where its numbers are kept, is for the graph.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from numbers import Real
from typing import Any

from s2p_assets.contracts.report import Document, Figure, RelativeChange
from s2p_assets.publishing.document.wording import format_date
from s2p_assets.publishing.sections.period_comparison import relative_change


def compare_with_edition(document: Document, before: Mapping[str, Any]) -> Document:
    """`document` with each headline number also against the one of that name in the edition `before`.

    `before`: as `saved_numbers.save_numbers` keeps it. A number that was missing then, or not above 0, is not compared.
    """
    than = f"the edition of {format_date(dt.date.fromisoformat(before['as_of']))}"
    values = {figure["label"]: figure["value"] for figure in before["figures"]}
    return replace(document, figures=tuple(_compared(one, values.get(one.label), than) for one in document.figures))


def _compared(figure: Figure, before: Any, compared_with: str) -> Figure:
    if not isinstance(figure.value, Real) or not isinstance(before, Real):
        return figure
    share = relative_change(float(figure.value), float(before))
    return (
        figure
        if share is None
        else replace(figure, more_changes=(*figure.more_changes, RelativeChange(share, compared_with)))
    )
