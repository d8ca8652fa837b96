"""A history as regular series: no gaps, no stock-outs mistaken for low demand, one matrix per column.

What is learnt from the series is for `forecasters/`; where a history comes from is for the feature shelf.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from s2p_assets.learning.model import Problem, Task
from s2p_assets.shelves import NotYet

LONGEST_SILENCE = np.timedelta64(2 * 366, "D")

Matrix = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


class TooLittleHistory(NotYet):
    """There are too few periods to learn from; the message says how many there are and how many are needed."""


class UnusableHistory(ValueError):
    """The history breaks its own terms: a row twice, a missing value, a time off the calendar."""


@dataclass(frozen=True)
class Panel:
    """One column of a history: `values` is (times × entities), NaN before an entity's first row."""

    times: pd.DatetimeIndex
    entities: pd.Index
    values: Matrix


def regular(history: pd.DataFrame, problem: Problem) -> pd.DataFrame:
    """`history` with every period of each entity from its first row to the last period of all, sorted.

    A period without a row counts as no demand, and so does one whose returns exceed its sales. Other
    columns are missing there; the censored column is false. After the last target of all, where rows hold what is
    known in advance, the target is missing. Raises TooLittleHistory when there is no row, UnusableHistory when a
    row stands twice, lacks its target, lies off `problem.every` or years after all others.
    """
    _refuse(history, problem)
    moments = pd.DatetimeIndex(history[problem.time]).as_unit("ns")
    times = pd.date_range(moments.min(), moments.max(), freq=problem.every)
    at = times.get_indexer(moments)
    if (at < 0).any():
        raise UnusableHistory(f"{problem.time} {moments[at < 0][0]:%Y-%m-%d} does not lie on {problem.every}")
    codes, entities = pd.factorize(history[problem.entity], sort=True)
    slots = np.full((len(entities), len(times)), -1)
    slots[codes, at] = np.arange(len(history))
    alive = np.maximum.accumulate(slots >= 0, axis=1)
    of_entity, of_time = np.nonzero(alive)
    rows = history.reset_index(drop=True).reindex(slots[alive]).reset_index(drop=True)
    rows[problem.entity] = entities.take(of_entity)
    rows[problem.time] = times.take(of_time)
    over = rows[problem.time] <= last_told(history, problem)
    rows[problem.target] = rows[problem.target].astype("float64").fillna(0.0).clip(lower=0.0).where(over)
    if problem.censored:
        rows[problem.censored] = rows[problem.censored].astype("boolean").fillna(False).astype(bool)
    return rows


def told(history: pd.DataFrame, problem: Task) -> pd.DataFrame:
    """The rows of `history` that have a target; those without one hold what is known in advance."""
    return history.loc[history[problem.target].notna()]


def last_told(history: pd.DataFrame, problem: Problem) -> pd.Timestamp:
    """The last period of which any target is known."""
    return pd.Timestamp(told(history, problem)[problem.time].max())


def _refuse(history: pd.DataFrame, problem: Problem) -> None:
    needed = [problem.entity, problem.time, problem.target, *([problem.censored] if problem.censored else [])]
    if absent := [name for name in needed if name not in history.columns]:
        raise UnusableHistory(f"the history has no column {', '.join(absent)}")
    if history.empty:
        raise TooLittleHistory("the history has no rows; load data first")
    if history[problem.target].isna().all():
        raise TooLittleHistory(f"no row of the history has {problem.target}; load data first")
    over = history.loc[~(history[problem.time] > last_told(history, problem))]
    for name, rows in ((problem.entity, history), (problem.time, history), (problem.target, over)):
        if missing := int(rows[name].isna().sum()):
            raise UnusableHistory(f"{missing} rows of the history have no {name}")
    if not np.isfinite(over[problem.target].to_numpy("float64")).all():
        raise UnusableHistory(f"the history has an infinite {problem.target}")
    moments = np.sort(pd.DatetimeIndex(over[problem.time].unique()).to_numpy())
    gaps = np.flatnonzero(np.diff(moments) > LONGEST_SILENCE)
    if len(gaps):
        last, next_ = (pd.Timestamp(moments[at]) for at in (gaps[-1], gaps[-1] + 1))
        raise UnusableHistory(
            f"no row between {last:%Y-%m-%d} and {next_:%Y-%m-%d}; correct the {problem.time} that is wrong"
        )
    twice = history.duplicated([problem.entity, problem.time])
    if twice.any():
        row = history.loc[twice].iloc[0]
        raise UnusableHistory(f"{problem.entity} {row[problem.entity]}, {row[problem.time]:%Y-%m-%d} stands twice")


def uncensor(history: pd.DataFrame, problem: Problem, *, recent: int = 8) -> pd.DataFrame:
    """`history` (regular) with the target of censored periods raised to an estimate of the demand.

    The estimate is the mean of the entity's `recent` last uncensored periods before, so that no
    future leaks into the past; it is never below what was sold. Without any, what was sold stays.
    """
    if not problem.censored or not history[problem.censored].any():
        return history
    censored = history[problem.censored].to_numpy(bool)
    open_rows = history.loc[~censored]
    usual = open_rows.groupby(problem.entity, sort=False)[problem.target].rolling(recent, min_periods=1).mean()
    usual = usual.droplevel(0).reindex(history.index)
    usual = usual.groupby(history[problem.entity], sort=False).ffill()
    raised = np.fmax(history[problem.target].to_numpy(), usual.to_numpy())
    return history.assign(**{problem.target: np.where(censored, raised, history[problem.target])})


def learnable(history: pd.DataFrame, problem: Problem) -> pd.DataFrame:
    """`history` as forecasters take it: regular and uncensored."""
    return uncensor(regular(history, problem), problem)


def panel(history: pd.DataFrame, problem: Problem, column: str | None = None) -> Panel:
    """`column` (by default the target) of a regular history as a matrix; the target up to where it is known."""
    if column is None:
        history = told(history, problem)
    codes, entities = pd.factorize(history[problem.entity], sort=True)
    at, times = pd.factorize(history[problem.time], sort=True)
    values = np.full((len(times), len(entities)), np.nan)
    values[at, codes] = history[column or problem.target].to_numpy("float64", na_value=np.nan)
    return Panel(pd.DatetimeIndex(times), pd.Index(entities), values)


def along(values: Matrix, history: pd.DataFrame, problem: Problem) -> Matrix:
    """The reverse of `panel`: the entry of a (times × entities) matrix that belongs to each row of the history."""
    codes, _ = pd.factorize(history[problem.entity], sort=True)
    at, _ = pd.factorize(history[problem.time], sort=True)
    return np.asarray(values[at, codes])


def newest(history: pd.DataFrame, problem: Problem, columns: tuple[str, ...]) -> pd.DataFrame:
    """Entity → the newest value of each column that is not missing, up to its last known target."""
    rows = told(history, problem).sort_values(problem.time, kind="stable")
    return rows.groupby(problem.entity)[list(columns)].last()


def coming(last: pd.Timestamp, horizon: int, problem: Problem) -> pd.DatetimeIndex:
    """The `horizon` periods after `last`."""
    return pd.date_range(last, periods=horizon + 1, freq=problem.every)[1:]


def forecast_rows(past: Panel, means: Matrix, problem: Problem) -> pd.DataFrame:
    """One row per (entity, step) from `means` (steps × entities): entity, time, step, mean ≥ 0.

    Raises ValueError when a mean is not a number: a forecaster must always give one.
    """
    if not np.isfinite(means).all():
        raise ValueError("a forecast is not a number")
    horizon, entities = means.shape
    return pd.DataFrame(
        {
            "entity": np.repeat(past.entities.to_numpy(), horizon),
            "time": np.tile(coming(past.times[-1], horizon, problem), entities),
            "step": np.tile(np.arange(1, horizon + 1), entities),
            "mean": np.maximum(means, 0.0).T.ravel(),
        }
    )
