"""One gradient boosting for all series, direct multi-step: what is known at the origin, and the step, give the mean.

Statistics over matrices are in `lags.py`; the choice between forecasters is for `champion.py`.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import ForecastTask
from s2p_assets.learning.fitted_trees import boosted_trees
from s2p_assets.learning.forecasting import lags
from s2p_assets.learning.forecasting.models.smoothing import levels
from s2p_assets.learning.forecasting.own_seasons import usual_factors
from s2p_assets.learning.forecasting.seasons import periods_of_year
from s2p_assets.learning.forecasting.series import Matrix, Panel, forecast_rows, future_times, newest_values, panel
from s2p_assets.learning.registry.array_files import read_arrays, write_arrays
from s2p_assets.learning.registry.learner_files import fitted_task, read_learner, write_learner
from s2p_assets.learning.registry.skops_files import read_estimator
from s2p_assets.learning.trees import Trees, joined_trees, trees_of_arrays

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingRegressor

ARRAYS_FILE, FORMER_FILES = "trees.npz", "boosting-{}.skops"
BINS = 128
WEIGHT_OF_VOLUME = 0.7

Positions = np.ndarray[tuple[int, ...], np.dtype[np.intp]]


@dataclass(frozen=True)
class Boosting:
    """HistGradientBoostingRegressors with Poisson loss on demand over what is usual: level at the origin × season.

    The usual, as `Smoothing` has it, is each training row's exposure; its weight is that to the power 0.7, for what
    sells much also varies more than counts do. The forecast is the mean of `draws` regressors, each on rows of its own.
    `price`: a column whose ratio to its recent mean is a feature; at the period to come where the task knows it
    in advance, else as known at the origin. Other columns that are `known` count as they are then. Of days, how the
    others sell that share the task's `peers` counts too; of weeks it predicted nothing.
    `most_rows`: training rows (origin, series, step) of a regressor, drawn from the `recent` last periods; half of them
    where there are fewer, and of those above `enough_rows` two for each origin of a series, as its steps say much the
    same. Where `few_draws` see as many rows as there are, further ones only cost. The calendar of the target period
    counts only with two years of history: with less it made lumpy series worse than naive.
    """

    price: str | None = None
    draws: int = 4
    trees: int = 50
    learning_rate: float = 0.12
    leaves: int = 15
    rows_per_leaf: int = 50
    features_per_split: float = 0.5
    most_rows: int = 50_000
    enough_rows: int = 25_000
    few_draws: int = 2
    recent: int = 730
    seed: int = 0
    task: ForecastTask | None = field(default=None, repr=False)
    edges: Mapping[str, Sequence[float]] = field(default_factory=dict, repr=False)
    calendar: bool = field(default=False, repr=False)
    regressors: Trees | None = field(default=None, repr=False, compare=False)
    fit_inputs: "_FitInputs | None" = field(default=None, repr=False, compare=False)

    def fit(self, history: pd.DataFrame, task: ForecastTask) -> "Boosting":
        past = panel(history, task)
        calendar = len(past.times) >= 2 * periods_of_year(past.times)
        unfitted = replace(self, task=task, calendar=calendar, edges={}, regressors=None, fit_inputs=None)
        known = unfitted._known(history, past, task.horizon)
        unfitted = replace(unfitted, fit_inputs=_FitInputs(history, known))
        drawn = [unfitted._training(past, known, draw) for draw in range(self._draws(past, task))]
        in_all = [name for name in drawn[0][0] if not any(np.isnan(rows[name]).all() for rows, _, _ in drawn)]
        edges = {name: _edges(drawn[0][0][name]) for name in in_all}
        if not edges or min(target.sum() for _, _, target in drawn) <= 0:
            return unfitted
        regressors = []
        for draw, (rows, usual, target) in enumerate(drawn):
            regressor = _regressor(self, draw)
            with _one_thread():
                regressor.fit(_binned(rows, edges), target, sample_weight=usual**WEIGHT_OF_VOLUME)
            regressors.append(boosted_trees(regressor, len(edges)))
        return replace(unfitted, edges=edges, regressors=joined_trees(regressors))

    def forecast(self, history: pd.DataFrame, horizon: int) -> pd.DataFrame:
        """Steps beyond the fitted horizon are forecast with the last fitted step, and their own calendar."""
        task = fitted_task(self.task)
        past = panel(history, task)
        seen = self.fit_inputs if self.fit_inputs and self.fit_inputs.covers(history, horizon, past) else None
        known = seen.known if seen else self._known(history, past, horizon)
        steps, series = (axis.ravel() for axis in np.indices((horizon, len(past.entities))))
        at = np.full(len(steps), len(past.times) - 1)
        usual = known.usual(at, series, steps + 1)
        if self.regressors is not None:
            binned = _binned(self._features(past, known, at, series, steps + 1), self.edges)
            usual = usual * np.exp(self.regressors.sums(binned)).mean(axis=1)
        return forecast_rows(
            past, np.clip(usual.reshape(horizon, -1), 0.0, _ceiling(past, known.season)[:horizon]), task
        )

    def _draws(self, past: Panel, task: ForecastTask) -> int:
        """How many regressors are fitted: `draws`, or `few_draws` that see as many rows as there are."""
        origins = int((~np.isnan(past.values[-self.recent :])).sum())
        return self.draws if origins * task.horizon > self.few_draws * 2 * self.most_rows else self.few_draws

    def _known(self, history: pd.DataFrame, past: Panel, horizon: int) -> "_Known":
        task = fitted_task(self.task)
        times = pd.DatetimeIndex(past.times.append(future_times(past.times[-1], horizon, task)))
        season = usual_factors(past, history, task, times)
        values, year = past.values / season[: len(past.times)], periods_of_year(past.times)
        level = _not_too_small(levels(values, year, task.horizon), past.values, task.horizon)
        windows = sorted({1, 2, 4, *(max(year // part, 2) for part in (52, 26, 13, 6, 4, 2, 1))})
        quarter = max(year // 4, 4)
        with np.errstate(divide="ignore", invalid="ignore"):
            origin = {f"mean_{window}": lags.moving_mean(values, window) / level for window in windows}
            origin |= {"last_but_one": lags.lag(values, 1) / level, "std": lags.moving_std(values, quarter) / level}
        origin |= {"zeros": lags.share_of_zeros(past.values, quarter), "age": lags.age(past.values)}
        origin |= {"log_level": np.log(level), "since_sale": lags.periods_since_positive(past.values)}
        peers = _peers(history, past, task) if year > 300 else None
        if peers is not None:
            of_peers = lags.others_sum(level, peers)
            for window in (7, 28):
                recent = lags.others_sum(lags.moving_mean(values, window), peers)
                unknown = np.full_like(level, np.nan)
                origin[f"peers_{window}"] = np.divide(recent, of_peers, out=unknown, where=of_peers > 0)
        then = {name: _reaching(history, past, task, name, times) for name in task.known}
        if self.price and self.price in history.columns:
            price = lags.last_known(_reaching(history, past, task, self.price, times))
            usual_price = lags.moving_mean(price, max(year // 2, 2))
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio = np.where(usual_price > 0, price / usual_price, np.nan)
            origin["price_ratio"] = ratio[: len(past.times)]
            then.pop(self.price, None)
            if self.price in task.known:
                then["price_then"] = np.log(np.where(price > 0, price, np.nan))
                origin["price_then_base"] = np.log(np.where(usual_price > 0, usual_price, np.nan))[: len(past.times)]
        return _Known(times, season, level, origin, then, lags.same_weekday_mean(values, 8) if year > 300 else None)

    def _features(
        self, past: Panel, known: "_Known", at: Positions, series: Positions, step: Positions
    ) -> dict[str, Matrix]:
        """Feature → value for each triple (`at`, `series`, `step`): series at time, forecasting step periods ahead."""
        task = fitted_task(self.task)
        rows = {name: values[at, series] for name, values in known.origin.items()}
        rows |= {name: values[at + step, series] for name, values in known.then.items()}
        if "price_then" in rows:
            rows["price_then"] = rows["price_then"] - rows.pop("price_then_base")
        rows["step"] = np.minimum(step, task.horizon).astype(float)
        times = known.times[at + step]
        if known.weekdays is not None:
            rows["day_of_week"] = times.dayofweek.to_numpy(float)
            rows["same_weekday"] = known.weekdays[at - (-step) % 7, series] / known.level[at, series]
        if self.calendar:
            year = periods_of_year(past.times) // 7 * 7 if known.weekdays is not None else periods_of_year(past.times)
            back = at + step - year * -(-step // year)
            level = known.level[at, series]
            around = lags.moving_mean(past.values, 4 if known.weekdays is None else 14)
            for name, source in (("year_ago", past.values), ("around_year_ago", around)):
                rows[name] = np.where(back >= 0, source[np.maximum(back, 0), series], np.nan) / level
            rows["day_of_year"] = times.dayofyear.to_numpy(float)
            rows["month"], rows["day"] = times.month.to_numpy(float), times.day.to_numpy(float)
        return rows

    def _training(self, past: Panel, known: "_Known", draw: int) -> tuple[dict[str, Matrix], Matrix, Matrix]:
        """Features, usual demand and demand over the usual, of a sample of the triples whose demand is known."""
        task = fitted_task(self.task)
        count, random = len(past.times), np.random.default_rng([self.seed, draw])
        at, series = np.nonzero(~np.isnan(past.values[max(0, count - self.recent) :]))
        at = at + max(0, count - self.recent)
        most = min(task.horizon, count - 1)
        triples = len(at) * most
        rows = min(self.most_rows, -(-triples // 2), max(2 * len(at), self.enough_rows))
        drawn = random.integers(0, triples, rows) if triples else np.arange(0)
        at, series, step = at[drawn // max(most, 1)], series[drawn // max(most, 1)], drawn % max(most, 1) + 1
        there = at + step < count
        at, series, step = at[there], series[there], step[there]
        usual = known.usual(at, series, step)
        target = past.values[at + step, series] / usual
        most_seen = np.quantile(target, 0.995) if len(target) else 0.0
        return self._features(past, known, at, series, step), usual, np.minimum(target, most_seen)

    def save(self, folder: Path) -> None:
        kept = {"edges": list(self.edges.items()), "calendar": self.calendar, "trees": self.regressors is not None}
        write_learner(folder, self, self.task, **kept)
        if self.regressors is not None:
            write_arrays(folder / ARRAYS_FILE, self.regressors.as_arrays())

    @classmethod
    def load(cls, folder: Path) -> "Boosting":
        parameters, task, fitted = read_learner(folder)
        edges, calendar = dict(fitted.get("edges", {})), bool(fitted.get("calendar"))
        regressors = _former_trees(folder, fitted["regressors"], len(edges)) if fitted.get("regressors") else None
        if fitted.get("trees"):
            regressors = read_arrays(folder / ARRAYS_FILE, lambda arrays: trees_of_arrays(arrays, len(edges)))
        return cls(**parameters, task=task, edges=edges, calendar=calendar, regressors=regressors)


@dataclass(frozen=True)
class _Known:
    """What is known at each time: `origin` of a series then, `then` of the period forecast, up to `times`' end."""

    times: pd.DatetimeIndex
    season: Matrix
    level: Matrix
    origin: dict[str, Matrix]
    then: dict[str, Matrix]
    weekdays: Matrix | None

    def usual(self, at: Positions, series: Positions, step: Positions) -> Matrix:
        return np.asarray(self.level[at, series] * self.season[at + step, series])


@dataclass(frozen=True)
class _FitInputs:
    """What was known of the history that was fitted on: a backtest asks for a forecast of the very same next."""

    history: pd.DataFrame
    known: _Known

    def covers(self, history: pd.DataFrame, horizon: int, past: Panel) -> bool:
        return history is self.history and len(past.times) + horizon <= len(self.known.times)


def _former_trees(folder: Path, count: int, features: int) -> Trees:
    """Of a model that s2p 0.1.0 stored: one file for each of `count` regressors, as scikit-learn has them."""
    files = [folder / FORMER_FILES.format(at) for at in range(count)]
    return joined_trees(read_estimator(file, lambda kept: boosted_trees(kept, features)) for file in files)


def _peers(history: pd.DataFrame, past: Panel, task: ForecastTask) -> Positions | None:
    """The group of each series among those that share the task's peers' columns; None where nothing is shared."""
    if not task.peers or not set(task.peers) <= set(history.columns):
        return None
    shared = newest_values(history, task, task.peers).reindex(past.entities)
    groups: Positions = np.asarray(shared.groupby(list(task.peers), sort=False, dropna=False).ngroup(), np.intp)
    return groups if groups.max() < len(groups) - 1 else None


def _reaching(history: pd.DataFrame, past: Panel, task: ForecastTask, column: str, times: pd.DatetimeIndex) -> Matrix:
    """A column (times × entities), with what is known of the periods to come."""
    found = panel(history, task, column)
    return pd.DataFrame(found.values, found.times, found.entities).reindex(times, columns=past.entities).to_numpy()


def _not_too_small(level: Matrix, values: Matrix, horizon: int) -> Matrix:
    """A level so small that one sale becomes a giant ratio teaches nothing but that."""
    return np.fmax(np.fmax(level, 0.1 * lags.moving_mean(values, len(values))), 0.5 / max(horizon, 8))


def _ceiling(past: Panel, season: Matrix) -> Matrix:
    """The highest forecast of each series (steps × entities): a fifth above its highest period of the last two years.

    As much higher as season and price are to lift it above all that they did then.
    """
    recent, count = -2 * periods_of_year(past.times), len(past.times)
    further = season[count:] / season[:count][recent:].max(axis=0)
    return np.asarray(1.2 * np.nanmax(past.values[recent:], axis=0) * np.maximum(further, 1.0))


def _edges(values: Matrix) -> list[float]:
    """Where a feature is cut into BINS parts of equal size; scikit-learn's own cuts take minutes with weights."""
    return [float(edge) for edge in np.unique(np.nanquantile(values, np.linspace(0, 1, BINS + 1)[1:-1]))]


def _binned(rows: dict[str, Matrix], edges: Mapping[str, Sequence[float]]) -> Matrix:
    """The part that each value lies in (rows × features), in the order of `edges`; missing values stay missing."""
    cut = [np.where(np.isnan(rows[name]), np.nan, np.searchsorted(at, rows[name])) for name, at in edges.items()]
    return np.column_stack(cut)


def _regressor(parameters: Boosting, draw: int) -> "HistGradientBoostingRegressor":
    from s2p_assets.learning.cut_boosting import cut_regressor

    return cut_regressor(
        loss="poisson",
        learning_rate=parameters.learning_rate,
        max_iter=parameters.trees,
        max_leaf_nodes=parameters.leaves,
        min_samples_leaf=parameters.rows_per_leaf,
        max_features=parameters.features_per_split,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=parameters.seed + draw,
    )


def _one_thread() -> AbstractContextManager[Any]:
    """On a busy machine OpenMP's threads spin for each other: four fits took 75 s with two threads, 4 s with one.

    It binds only libraries that are loaded: import scikit-learn first.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    return threadpool_limits(1, user_api="openmp")
