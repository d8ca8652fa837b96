"""What a section found, in the few words behind its title; nothing where the data are too few to say it.

What a headline says of a whole report belongs to the builders of its parts.
"""

from typing import Any

import pandas as pd

from s2p_assets.publishing.document.wording import format_number, pluralize


def first_of(frame: pd.DataFrame, name: str, told: str = "") -> str:
    """`Stockpot 8 l first, with 1,204 units`: the first row by the column `name`; `told`: what stands behind `with`."""
    if frame.empty or pd.isna(frame[name].iloc[0]):
        return ""
    return f"{frame[name].iloc[0]} first" + (f", with {told}" if told else "")


def counted(count: int, one: str, many: str = "", *, none: str = "none") -> str:
    """`3 files`, or that there is none."""
    return pluralize(count, one, many) if count else none


def best_in(rows: pd.DataFrame, stretch: str, is_best: "pd.Series[bool]", one: str, many: str) -> str:
    """`the one in service was the best in 3 of 5 stretches`. `is_best`: of the best row of each stretch."""
    total = int(rows[stretch].nunique())
    if total < 2:
        return ""
    times = int(is_best.sum())
    return f"the one in service was the best in {format_number(times)} of {pluralize(total, one, many)}"


def parts_that_hold(rows: pd.DataFrame) -> str:
    """`in 8 of 10 parts`: where what was told, `predicted`, lies within the interval of what came, `low` to `high`."""
    known = rows.dropna(subset=["predicted", "low", "high"])
    if known.empty:
        return ""
    held = int(known["predicted"].between(known["low"], known["high"]).sum())
    return f"in {format_number(held)} of {pluralize(len(known), 'part')}"


def is_known(value: Any) -> bool:
    """Whether there is a number to say."""
    return value is not None and not pd.isna(value)
