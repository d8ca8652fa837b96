"""How far newer rows lie from those that a model learned from, column by column, and whether that asks for training.

What the rows mean is for the feature shelf; showing and storing the answer is for `graph/` and `registry/`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Literal

import numpy as np
import pandas as pd

from s2p_assets.learning.distributions import (
    chi_squared_of,
    chi_squared_quantile,
    corrected_for_many,
    kolmogorov_above,
)
from s2p_assets.learning.forecasting.series import Matrix

FINE_BINS, COARSE_SHARE = 100, 0.1
MOST_CATEGORIES = 50
FALSE_DISCOVERIES = 0.05
MOVED, DRIFTED = 0.1, 0.25
BEYOND_USUAL = 1.5
OTHERS = "(others)"

Counts = np.ndarray[tuple[int, ...], np.dtype[np.int64]]


class DriftVerdict(StrEnum):
    """What can be said of a column; only DRIFTED asks for training."""

    STEADY = "steady"
    MOVED = "moved a little"
    DRIFTED = "drifted"
    TOO_SMALL = "too small to say"


@dataclass(frozen=True)
class ColumnSummary:
    """The distribution of one column: at most 103 counts, whatever the number of rows.

    `bounds`: for numbers the upper bounds of all bins but the last (just below the smallest, then quantiles of
    the column to the largest, each once), for categories their names. `counts`: rows per bin, one further bin for
    larger numbers or for other categories, and last the missing values. `usual`: the largest PSI of a stretch of
    these rows against those before it, in the newer half of them: seasons, ageing and whatever else was always
    so is no news.
    """

    name: str
    kind: Literal["numbers", "categories"]
    bounds: tuple[float | str, ...]
    counts: tuple[int, ...]
    usual: float

    @property
    def rows(self) -> int:
        return sum(self.counts)

    def count(self, values: "pd.Series[Any]") -> Counts:
        """How many of `values` fall into each bin."""
        missing = values.isna().to_numpy(bool)
        if self.kind == "numbers":
            present = values[~missing].to_numpy("float64")
            places = np.searchsorted(np.asarray(self.bounds, float), present, side="left")
        else:
            known = pd.Index(self.bounds, dtype=object).get_indexer(
                pd.Index(values[~missing].astype(str), dtype=object)
            )
            places = np.where(known >= 0, known, len(self.bounds))
        bins = np.bincount(places, minlength=len(self.bounds) + 1)
        return np.append(bins, missing.sum()).astype("int64")


@dataclass(frozen=True)
class ColumnSummaries:
    """The columns that a model learned from, or predicted, in a few kilobytes that are kept beside its version."""

    columns: tuple[ColumnSummary, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {"columns": [asdict(column) for column in self.columns]}

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> "ColumnSummaries":
        """The reverse of `to_json`, also after JSON. Raises KeyError or TypeError when it is none."""
        return cls(
            tuple(
                ColumnSummary(**{**column, "bounds": tuple(column["bounds"]), "counts": tuple(column["counts"])})
                for column in plain["columns"]
            )
        )


@dataclass(frozen=True)
class ColumnDrift:
    """A column then and now.

    `psi`: population stability index over bins of about a tenth of the reference, Siddiqi (2006). `distance`: the
    Kolmogorov-Smirnov statistic of numbers, Cramér's V of categories. `p`: of KS or of the chi-squared test,
    corrected for the number of columns after Benjamini & Hochberg (1995). `needed`: rows from which on a PSI of
    0.1 is more than chance. `then`, `now`: shares of the PSI's bins, with their `labels`.
    """

    column: str
    verdict: DriftVerdict
    rows: int
    needed: int
    psi: float
    usual: float
    distance: float
    p: float
    labels: tuple[str, ...]
    then: tuple[float, ...]
    now: tuple[float, ...]

    @property
    def description(self) -> str:
        """One line for people."""
        if self.verdict is DriftVerdict.TOO_SMALL:
            return f"{self.column}: {self.verdict}, {self.rows:,} rows of at least {self.needed:,}"
        seen = f"PSI {self.psi:.2f}, at most {self.usual:.2f} in what it learned from"
        return f"{self.column}: {self.verdict}, {seen}, p {self.p:.2g}"


def summarize_columns(
    frame: pd.DataFrame, columns: Sequence[str], *, windows: "pd.Series[Any] | None" = None
) -> ColumnSummaries:
    """The distribution of each of `columns`; numbers by quantiles, everything else by its commonest values.

    `windows`: the stretch of time (or fold) of each row, rising with time, for what is usual; without it nothing is.
    """
    return ColumnSummaries(tuple(_summarize(frame[name], windows) for name in columns))


def measure_drift(reference: ColumnSummaries, frame: pd.DataFrame) -> list[ColumnDrift]:
    """How far the rows of `frame` lie from the reference, a result per column of the reference that it has.

    A column has drifted when all of this holds: its difference is no chance (p, corrected for many columns), it
    matters (PSI ≥ 0.25; so that large data does not always alarm), and it is half as much again as is usual in
    the reference itself. Rows of one series are no independent sample, which makes p small: hence the other two.
    """
    pairs = [(column, column.count(frame[column.name])) for column in reference.columns if column.name in frame]
    raw = [_distance(column, now) for column, now in pairs]
    if not pairs:
        return []
    corrected = corrected_for_many([p for _, p in raw])
    return [
        _drift(column, now, distance, float(p))
        for (column, now), (distance, _), p in zip(pairs, raw, corrected, strict=True)
    ]


def needs_training(drifts: Sequence[ColumnDrift]) -> bool:
    """Whether a model should learn again because the world has moved away from what it learned from."""
    return any(drift.verdict is DriftVerdict.DRIFTED for drift in drifts)


def time_windows(times: "pd.Series[Any]", periods: int) -> "pd.Series[int]":
    """Stretches of `periods` consecutive times each, counted back from the newest, which is 0; older ones are below."""
    arrow = isinstance(times.dtype, pd.ArrowDtype) and times.dtype.kind == "M"
    codes, found = pd.factorize(
        times.astype("datetime64[us]") if arrow else pd.to_datetime(times), sort=True
    )  # else one by one
    return pd.Series(-((len(found) - 1 - codes) // max(periods, 1)), index=times.index)


def _summarize(values: "pd.Series[Any]", windows: "pd.Series[Any] | None") -> ColumnSummary:
    column = _bins(values)
    whole = column.count(values)
    column = replace(column, counts=tuple(whole.tolist()))
    if windows is None or column.rows == 0:
        return column
    groups = _coarse(column)
    needed = _needed(column, groups)
    parts = [column.count(part) for _, part in values.groupby(windows.to_numpy(), sort=True)]
    before = np.cumsum(parts, axis=0)
    newer = range(max(len(parts) // 2, 1), len(parts))
    found = [_psi(groups, before[at - 1], parts[at])[0] for at in newer if parts[at].sum() >= needed]
    return replace(column, usual=max(found, default=0.0))


def _bins(values: "pd.Series[Any]") -> ColumnSummary:
    name, present = str(values.name), values.dropna()
    numeric = pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype)
    if numeric:
        finite = present.to_numpy("float64")
        finite = finite[np.isfinite(finite)]
        at = np.quantile(finite, np.arange(1, FINE_BINS + 1) / FINE_BINS, method="lower") if len(finite) else finite
        below = np.nextafter(finite.min(initial=np.inf), -np.inf)
        return ColumnSummary(name, "numbers", (float(below), *np.unique(at).tolist()), (), 0.0)
    common = present.astype(str).value_counts().head(MOST_CATEGORIES)
    return ColumnSummary(name, "categories", tuple(sorted(map(str, common.index))), (), 0.0)


def _distance(column: ColumnSummary, now: Counts) -> tuple[float, float]:
    """Kolmogorov-Smirnov at the bounds (numbers) or chi-squared with Cramér's V: the distance, and p before correction.

    Missing values are left to the PSI for numbers and are a category of their own otherwise.
    """
    then = np.asarray(column.counts)
    if column.kind == "numbers":
        before, after = then[:-1], now[:-1]
        if not before.sum() or not after.sum():
            return 0.0, 1.0
        distance = float(np.abs(before.cumsum() / before.sum() - after.cumsum() / after.sum()).max())
        size = before.sum() * after.sum() / (before.sum() + after.sum())
        missing = _chi_squared(np.array([[before.sum(), then[-1]], [after.sum(), now[-1]]]))[1]
        return distance, min(1.0, 2 * min(kolmogorov_above(distance * float(np.sqrt(size))), missing))
    return _chi_squared(np.array([then, now]))


def _chi_squared(table: Counts) -> tuple[float, float]:
    seen = table[:, table.sum(axis=0) > 0]
    if seen.shape[1] < 2 or (seen.sum(axis=1) == 0).any():
        return 0.0, 1.0
    statistic, p = chi_squared_of(seen.astype(float))
    return float(np.sqrt(statistic / seen.sum())), p


def _drift(column: ColumnSummary, now: Counts, distance: float, p: float) -> ColumnDrift:
    groups = _coarse(column)
    psi, then_shares, now_shares = _psi(groups, np.asarray(column.counts), now)
    needed, rows = _needed(column, groups), int(now.sum())
    verdict = DriftVerdict.STEADY
    if rows < needed:
        verdict = DriftVerdict.TOO_SMALL
    elif p < FALSE_DISCOVERIES and psi > BEYOND_USUAL * column.usual and psi >= MOVED:
        verdict = DriftVerdict.DRIFTED if psi >= DRIFTED else DriftVerdict.MOVED
    return ColumnDrift(
        column=column.name,
        verdict=verdict,
        rows=rows,
        needed=needed,
        psi=psi,
        usual=column.usual,
        distance=distance,
        p=p,
        labels=_labels(column, groups),
        then=tuple(then_shares.round(6).tolist()),
        now=tuple(now_shares.round(6).tolist()),
    )


def _coarse(column: ColumnSummary) -> list[list[int]]:
    """Fine bins put together until each group holds a tenth of the reference.

    Categories, missing values, and numbers smaller or larger than any of the reference stay alone.
    """
    if column.kind == "categories":
        return [[place] for place in range(len(column.counts))]
    largest = len(column.bounds)
    groups: list[list[int]] = [[]]
    share = 0.0
    for place in range(1, largest):
        groups[-1].append(place)
        share += column.counts[place] / max(column.rows, 1)
        if round(share, 6) >= COARSE_SHARE:
            groups.append([])
            share = 0.0
    tail = groups.pop()
    if tail and (share >= COARSE_SHARE / 2 or not groups):
        groups.append(tail)
    elif tail:
        groups[-1] += tail
    return [[0], *groups, [largest], [largest + 1]]


def _psi(groups: list[list[int]], then: Counts, now: Counts) -> tuple[float, Matrix, Matrix]:
    """Σ (now − then) · ln(now / then) over the groups that anything fell into; half a row where nothing did."""
    before = np.array([then[group].sum() for group in groups], float)
    after = np.array([now[group].sum() for group in groups], float)
    shares = [counts / max(counts.sum(), 1.0) for counts in (before, after)]
    if not before.sum() or not after.sum():
        return 0.0, shares[0], shares[1]
    used = (before > 0) | (after > 0)
    p, q = (np.maximum(counts[used], 0.5) / counts.sum() for counts in (before, after))
    return float(((q - p) * np.log(q / p)).sum()), shares[0], shares[1]


def _needed(column: ColumnSummary, groups: list[list[int]]) -> int:
    """Rows at which a PSI of MOVED comes by chance in 1 case of 20: PSI ≈ χ²(groups − 1) · (1/n + 1/m).

    Yurdakul, *Statistical properties of population stability index* (2018). Where the reference is itself too
    small for that, twice its rows could not say it either: then the number that would do with a large reference.
    """
    rows, filled = column.rows, sum(any(column.counts[place] for place in group) for group in groups)
    chance = MOVED / chi_squared_quantile(0.95, max(filled - 1, 1))
    return int(np.ceil(1 / (chance - 1 / rows))) if rows * chance > 1 else max(int(np.ceil(1 / chance)), 2 * rows)


def _labels(column: ColumnSummary, groups: list[list[int]]) -> tuple[str, ...]:
    if column.kind == "categories":
        return (*map(str, column.bounds), OTHERS, "(missing)")
    bounds = [float(bound) for bound in column.bounds]
    uppers = [f"≤ {bounds[group[-1]]:,.4g}" for group in groups[1:-2]]
    return ("less", *uppers, "more", "(missing)")
