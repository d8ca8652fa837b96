"""A history as regular series: no gaps, no stock-outs mistaken for low demand, one matrix per column.

What is learnt from the series is for `models/`; where a history comes from is for the feature shelf.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from s2p_assets.contracts.derivation import NotYet
from s2p_assets.contracts.model import ForecastTask, Task

MAX_GAP = np.timedelta64(2 * 366, "D")

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


def regular_history(history: pd.DataFrame, task: ForecastTask) -> pd.DataFrame:
    """`history` with every period of each entity from its first row to the last period of all, sorted.

    A period without a row counts as no demand, and so does one whose returns exceed its sales. Other
    columns are missing there; the censored column is false. After the last target of all, where rows hold what is
    known in advance, the target is missing. Raises TooLittleHistory when there is no row, UnusableHistory when a
    row stands twice, lacks its target, lies off `task.every` or years after all others.
    """
    _check_history(history, task)
    moments = pd.DatetimeIndex(history[task.time]).as_unit("ns")
    times = pd.date_range(moments.min(), moments.max(), freq=task.every)
    at = times.get_indexer(moments)
    if (at < 0).any():
        raise UnusableHistory(f"{task.time} {moments[at < 0][0]:%Y-%m-%d} does not lie on {task.every}")
    codes, entities = pd.factorize(history[task.entity], sort=True)
    slots = np.full((len(entities), len(times)), -1)
    slots[codes, at] = np.arange(len(history))
    alive = np.maximum.accumulate(slots >= 0, axis=1)
    of_entity, of_time = np.nonzero(alive)
    rows = history.reset_index(drop=True).reindex(slots[alive]).reset_index(drop=True)
    rows[task.entity] = entities.take(of_entity)
    rows[task.time] = times.take(of_time)
    over = rows[task.time] <= last_target_time(history, task)
    rows[task.target] = rows[task.target].astype("float64").fillna(0.0).clip(lower=0.0).where(over)
    if task.censored:
        rows[task.censored] = rows[task.censored].astype("boolean").fillna(False).astype(bool)
    return rows


def with_target(history: pd.DataFrame, task: Task) -> pd.DataFrame:
    """The rows of `history` that have a target; those without one hold what is known in advance."""
    return history.loc[history[task.target].notna()]


def last_target_time(history: pd.DataFrame, task: ForecastTask) -> pd.Timestamp:
    """The last period of which any target is known."""
    return pd.Timestamp(history.loc[history[task.target].notna(), task.time].max())


def _check_history(history: pd.DataFrame, task: ForecastTask) -> None:
    needed = [task.entity, task.time, task.target, *([task.censored] if task.censored else [])]
    if absent := [name for name in needed if name not in history.columns]:
        raise UnusableHistory(f"the history has no column {', '.join(absent)}")
    if history.empty:
        raise TooLittleHistory("the history has no rows; load data first")
    if history[task.target].isna().all():
        raise TooLittleHistory(f"no row of the history has {task.target}; load data first")
    over = history.loc[~(history[task.time] > last_target_time(history, task))]
    for name, rows in ((task.entity, history), (task.time, history), (task.target, over)):
        if missing := int(rows[name].isna().sum()):
            raise UnusableHistory(f"{missing} rows of the history have no {name}")
    if not np.isfinite(over[task.target].to_numpy("float64")).all():
        raise UnusableHistory(f"the history has an infinite {task.target}")
    moments = np.sort(pd.DatetimeIndex(over[task.time].unique()).to_numpy())
    gaps = np.flatnonzero(np.diff(moments) > MAX_GAP)
    if len(gaps):
        last, next_ = (pd.Timestamp(moments[at]) for at in (gaps[-1], gaps[-1] + 1))
        raise UnusableHistory(
            f"no row between {last:%Y-%m-%d} and {next_:%Y-%m-%d}; correct the {task.time} that is wrong"
        )
    twice = history.duplicated([task.entity, task.time])
    if twice.any():
        row = history.loc[twice].iloc[0]
        raise UnusableHistory(f"{task.entity} {row[task.entity]}, {row[task.time]:%Y-%m-%d} stands twice")


def uncensor(history: pd.DataFrame, task: ForecastTask, *, recent: int = 8) -> pd.DataFrame:
    """`history` (regular), damped, with the target of censored periods raised to an estimate of the demand.

    The estimate is the mean of the entity's `recent` last uncensored periods before, so that no
    future leaks into the past; it is never below what was sold. Without any, what was sold stays.
    """
    history = damped(history, task)
    if not task.censored or not history[task.censored].any():
        return history
    censored = history[task.censored].to_numpy(bool)
    open_rows = history.loc[~censored]
    by_entity = open_rows.groupby(task.entity, sort=False, observed=True)
    usual = by_entity[task.target].rolling(recent, min_periods=1).mean()
    usual = usual.droplevel(0).reindex(history.index)
    usual = usual.groupby(history[task.entity], sort=False, observed=True).ffill()
    raised = np.fmax(history[task.target].to_numpy(), usual.to_numpy())
    return history.assign(**{task.target: np.where(censored, raised, history[task.target])})


def damped(history: pd.DataFrame, task: ForecastTask) -> pd.DataFrame:
    """`history` with what implausible observations count as in their place, as the task's `damped` column has it."""
    if not task.damped:
        return history
    instead = history[task.damped].astype("float64")
    target = history[task.target]
    return history.assign(**{task.target: instead.where(instead.notna() & target.notna(), target)})


def lean(history: pd.DataFrame, task: ForecastTask, more: tuple[str, ...] = ()) -> pd.DataFrame:
    """`history` with the columns alone that its task names, and `more`; its entities as sorted categories.

    A feature set has some twenty columns, and every fold would hold them all.
    """
    named = (task.entity, task.time, task.target, task.censored, task.damped, task.price, *task.known, *task.peers)
    wanted = [name for name in dict.fromkeys((*named, *more)) if name in history.columns]
    rows = history[wanted]
    if task.entity not in rows or rows[task.entity].isna().any():
        return rows
    codes, entities = pd.factorize(rows[task.entity], sort=True)
    return rows.assign(**{task.entity: pd.Categorical.from_codes(codes, pd.Index(np.asarray(entities, object)))})


def panel(history: pd.DataFrame, task: ForecastTask, column: str | None = None) -> Panel:
    """`column` (by default the target) of a regular history as a matrix; the target up to where it is known."""
    if column is None:
        history = with_target(history[[task.entity, task.time, task.target]], task)
    codes, entities = pd.factorize(history[task.entity], sort=True)
    at, times = pd.factorize(history[task.time], sort=True)
    values = np.full((len(times), len(entities)), np.nan)
    values[at, codes] = history[column or task.target].to_numpy("float64", na_value=np.nan)
    names = pd.Index(np.asarray(entities)) if isinstance(entities, pd.CategoricalIndex) else pd.Index(entities)
    return Panel(pd.DatetimeIndex(times), names, values)


def values_by_row(values: Matrix, history: pd.DataFrame, task: ForecastTask) -> Matrix:
    """The reverse of `panel`: the entry of a (times × entities) matrix that belongs to each row of the history."""
    codes, _ = pd.factorize(history[task.entity], sort=True)
    at, _ = pd.factorize(history[task.time], sort=True)
    return np.asarray(values[at, codes])


def newest_values(history: pd.DataFrame, task: ForecastTask, columns: tuple[str, ...]) -> pd.DataFrame:
    """Entity → the newest value of each column that is not missing, up to its last known target."""
    rows = with_target(history, task).sort_values(task.time, kind="stable")
    return rows.groupby(task.entity, observed=True)[list(columns)].last()


def future_times(last: pd.Timestamp, horizon: int, task: ForecastTask) -> pd.DatetimeIndex:
    """The `horizon` periods after `last`."""
    return pd.date_range(last, periods=horizon + 1, freq=task.every)[1:]


def forecast_rows(past: Panel, means: Matrix, task: ForecastTask) -> pd.DataFrame:
    """One row per (entity, step) from `means` (steps × entities): entity, time, step, mean ≥ 0.

    Raises ValueError when a mean is not a number: a forecaster must always give one.
    """
    if not np.isfinite(means).all():
        raise ValueError("a forecast is not a number")
    horizon, entities = means.shape
    return pd.DataFrame(
        {
            "entity": np.repeat(past.entities.to_numpy(), horizon),
            "time": np.tile(future_times(past.times[-1], horizon, task), entities),
            "step": np.tile(np.arange(1, horizon + 1), entities),
            "mean": np.maximum(means, 0.0).T.ravel(),
        }
    )
