"""Dates written in digits with marks between them, read all at once; `text_values` reads every other, one by one.

Which pattern a column's dates have is the contract's word.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.compute as pc

_WIDTHS = {"Y": "{4}", "y": "{2}", "m": "{1,2}", "d": "{1,2}", "H": "{1,2}", "M": "{1,2}", "S": "{1,2}"}
_WHOLE_PATTERN = re.compile(r"%[YymdHMS](?:[^%0-9]+%[YymdHMS])*")
_PART = re.compile(r"%([YymdHMS])|([^%]+)")
Moments = npt.NDArray[np.datetime64]
Bools = npt.NDArray[np.bool_]


def dates_in_digits(texts: pyarrow.Array, patterns: Sequence[str]) -> tuple[Moments, Bools]:
    """Microseconds by the first of the strptime `patterns` that fits, and which of the texts these are.

    Of the patterns no text may fit two. A text that is no such date, or is written in an unusual way, is left out.
    """
    moments = np.zeros(len(texts), "datetime64[us]")
    known = np.zeros(len(texts), dtype=bool)
    for shape in filter(None, map(_shape, patterns)):
        if not known.all():
            found, fit = _by_shape(texts, shape)
            moments[fit], known = found[fit], known | fit
    return moments, known


@lru_cache(maxsize=256)
def _shape(pattern: str) -> str | None:
    """The pattern as a regular expression; None where other than digits are asked for, or the same thing twice."""
    parts = _PART.findall(pattern)
    letters = [letter for letter, _ in parts if letter]
    if not _WHOLE_PATTERN.fullmatch(pattern) or len({*letters}) < len(letters):
        return None
    if not {"m", "d"} <= {*letters} or len({"Y", "y"} & {*letters}) != 1:
        return None
    written = (f"(?P<{letter}>[0-9]{_WIDTHS[letter]})" if letter else re.escape(mark) for letter, mark in parts)
    return f"^{''.join(written)}$"


def _by_shape(texts: pyarrow.Array, shape: str) -> tuple[Moments, Bools]:
    found = pc.extract_regex(texts, shape)
    is_such = found.is_valid()
    fit = is_such.to_numpy(zero_copy_only=False).copy()
    digits = (pc.if_else(is_such, found.field(part.name), "1") for part in found.type)
    numbers = (pc.cast(held, pyarrow.int64()).to_numpy() for held in digits)
    parts = {part.name: held for part, held in zip(found.type, numbers, strict=True)}
    year = parts["Y"] if "Y" in parts else np.where(parts["y"] <= 68, 2000, 1900) + parts["y"]
    month, day = parts["m"], parts["d"]
    hour, minute, second = (parts.get(letter, np.zeros(len(texts), np.int64)) for letter in "HMS")
    fit &= (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1) & (hour < 24) & (minute < 60) & (second < 60)
    months = np.where(fit, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (np.where(fit, day, 1) - 1).astype("timedelta64[D]")
    fit &= days.astype("datetime64[M]") == months
    seconds = np.where(fit, hour * 3600 + minute * 60 + second, 0).astype("timedelta64[s]")
    return days.astype("datetime64[us]") + seconds, fit
