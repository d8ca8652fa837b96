"""One gradient boosting for all series, direct multi-step: what is known at the origin, and the step, give the mean.

Statistics over matrices are in `lags.py`; the choice between forecasters is for `champion.py`.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from s2p_assets.learning import lags
from s2p_assets.learning.forecasters.plain_files import ModelDamaged, fitted_problem, read_plain, write_plain
from s2p_assets.learning.model import Problem
from s2p_assets.learning.series import Matrix, Panel, coming, forecast_rows, panel

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingRegressor

MODEL_FILE = "boosting.skops"
TRUSTED_TYPES = frozenset({"sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"})


Positions = np.ndarray[tuple[int, ...], np.dtype[np.intp]]


@dataclass(frozen=True)
class Boosting:
    """HistGradientBoostingRegressor with Poisson loss, the target scaled by each series' level at the origin.

    `price`: a column whose ratio to its recent mean, as known at the origin, is a feature.
    `most_rows`: training rows (origin, series, step) beyond this are sampled. The calendar of the
    target period counts only with two seasons of history: with less it made lumpy series worse than naive.
    """

    price: str | None = None
    trees: int = 60
    learning_rate: float = 0.1
    leaves: int = 15
    rows_per_leaf: int = 60
    level_periods: int = 26
    most_rows: int = 400_000
    seed: int = 0
    problem: Problem | None = field(default=None, repr=False)
    columns: tuple[str, ...] = field(default=(), repr=False)
    calendar: bool = field(default=False, repr=False)
    regressor: "HistGradientBoostingRegressor | None" = field(default=None, repr=False, compare=False)

    def fit(self, history: pd.DataFrame, problem: Problem) -> "Boosting":
        past = panel(history, problem)
        calendar = len(past.times) >= 2 * problem.season_length
        unfitted = replace(self, problem=problem, calendar=calendar, columns=(), regressor=None)
        features, target = unfitted._training(past, unfitted._origins(history, past))
        columns = tuple(name for name, values in features.items() if not np.isnan(values).all())
        if len(target) == 0 or target.sum() <= 0 or not columns:
            return unfitted
        rows = np.column_stack([features[name] for name in columns])
        regressor = _regressor(self)
        with _one_thread():
            return replace(unfitted, columns=columns, regressor=regressor.fit(rows, target))

    def forecast(self, history: pd.DataFrame, horizon: int) -> pd.DataFrame:
        """Steps beyond the fitted horizon are forecast with the last fitted step, and their own calendar."""
        problem = fitted_problem(self.problem)
        past = panel(history, problem)
        origins = self._origins(history, past)
        level = origins["level"][-1]
        if self.regressor is None:
            return forecast_rows(past, np.tile(level, (horizon, 1)), problem)
        at, every = np.full(len(past.entities), len(past.times) - 1), np.arange(len(past.entities))
        steps = [self._features(past, origins, at, every, step) for step in range(1, horizon + 1)]
        rows = np.concatenate([np.column_stack([step[name] for name in self.columns]) for step in steps])
        with _one_thread():
            means = self.regressor.predict(rows).reshape(horizon, -1) * level
        return forecast_rows(past, np.clip(means, 0.0, _ceiling(past, problem)), problem)

    def _origins(self, history: pd.DataFrame, past: Panel) -> dict[str, Matrix]:
        """What is known of each series at each time; everything in units is divided by the level."""
        values = past.values
        level = _level(values, self.level_periods)
        with np.errstate(divide="ignore", invalid="ignore"):
            known = {f"lag_{back}": lags.lag(values, back) / level for back in (0, 1, 2, 3, 7)}
            known |= {f"mean_{weeks}": lags.moving_mean(values, weeks) / level for weeks in (4, 8, 13, 52)}
            known |= {"std_13": lags.moving_std(values, 13) / level}
        known |= {"zeros_13": lags.share_of_zeros(values, 13), "age": lags.age(values), "log_level": np.log(level)}
        if self.price and self.price in history.columns:
            price = lags.last_known(panel(history, fitted_problem(self.problem), self.price).values)
            known["price_ratio"] = lags.ratio_to_usual(price, 26)
        return known | {"level": level}

    def _features(
        self, past: Panel, origins: dict[str, Matrix], at: Positions, series: Positions, step: int
    ) -> dict[str, Matrix]:
        """Feature → value for each pair (`at`, `series`) of time and series, forecasting `step` periods ahead."""
        problem = fitted_problem(self.problem)
        rows = {name: values[at, series] for name, values in origins.items() if name != "level"}
        rows["step"] = np.full(len(at), float(min(step, problem.horizon)))
        times = pd.DatetimeIndex(past.times.append(coming(past.times[-1], step, problem))[at + step])
        rows["day_of_week"] = times.dayofweek.to_numpy(float)
        if self.calendar:
            back = at + step - problem.season_length * -(-step // problem.season_length)
            level = origins["level"][at, series]
            for name, source in (("season_ago", past.values), ("around_season_ago", _around(past.values))):
                rows[name] = np.where(back >= 0, source[np.maximum(back, 0), series], np.nan) / level
            rows["day_of_year"] = times.dayofyear.to_numpy(float)
        return rows

    def _training(self, past: Panel, origins: dict[str, Matrix]) -> tuple[dict[str, Matrix], Matrix]:
        """Features and scaled target of every (origin, series, step) whose target is known."""
        problem = fitted_problem(self.problem)
        random = np.random.default_rng(self.seed)
        most = max(self.most_rows // problem.horizon, 1)
        parts, targets = [], []
        for step in range(1, min(problem.horizon, len(past.times) - 1) + 1):
            at, series = np.nonzero(~np.isnan(past.values[:-step]))
            if len(at) > most:
                kept = np.sort(random.choice(len(at), most, replace=False))
                at, series = at[kept], series[kept]
            parts.append(self._features(past, origins, at, series, step))
            targets.append(past.values[at + step, series] / origins["level"][at, series])
        if not parts:
            return {}, np.empty(0)
        target = np.concatenate(targets)
        together = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return together, np.minimum(target, np.quantile(target, 0.995)) if len(target) else target

    def save(self, folder: Path) -> None:
        fitted = {"columns": self.columns, "calendar": self.calendar, "has_regressor": self.regressor is not None}
        write_plain(folder, self, self.problem, **fitted)
        if self.regressor is not None:
            import skops.io

            skops.io.dump(self.regressor, folder / MODEL_FILE)

    @classmethod
    def load(cls, folder: Path) -> "Boosting":
        parameters, problem, fitted = read_plain(folder)
        regressor = _read(folder / MODEL_FILE) if fitted.get("has_regressor") else None
        columns = tuple(fitted.get("columns", ()))
        return cls(
            **parameters, problem=problem, columns=columns, calendar=bool(fitted.get("calendar")), regressor=regressor
        )


def _level(values: Matrix, periods: int) -> Matrix:
    """What a period usually sells, as known at each time; never so small that one sale becomes a giant ratio."""
    usual = lags.moving_mean(values, periods)
    ever = lags.moving_mean(values, len(values))
    return np.maximum(np.maximum(usual, 0.1 * ever), 1.0 / periods)


def _around(values: Matrix) -> Matrix:
    """Mean of each period and the three before it."""
    return lags.moving_mean(values, 4)


def _ceiling(past: Panel, problem: Problem) -> Matrix:
    """The most that a forecast may say of each series: a fifth above its highest period of the last two seasons."""
    return 1.2 * np.nanmax(past.values[-2 * problem.season_length :], axis=0)


def _regressor(parameters: Boosting) -> "HistGradientBoostingRegressor":
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(
        loss="poisson",
        learning_rate=parameters.learning_rate,
        max_iter=parameters.trees,
        max_leaf_nodes=parameters.leaves,
        min_samples_leaf=parameters.rows_per_leaf,
        early_stopping=False,
        random_state=parameters.seed,
    )


def _one_thread() -> AbstractContextManager[Any]:
    """On a busy machine OpenMP's threads spin for each other: four fits took 75 s with two threads, 4 s with one.

    It binds only libraries that are loaded: import scikit-learn first.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    return threadpool_limits(1, user_api="openmp")


def _read(file: Path) -> Any:
    """The regressor, if the file holds nothing but types of TRUSTED_TYPES and those that skops trusts itself."""
    import skops.io

    try:
        strangers = sorted(set(skops.io.get_untrusted_types(file=file)) - TRUSTED_TYPES)
        if strangers:
            raise ModelDamaged(f"{file}: holds {', '.join(strangers)}, which no boosting holds; train the model again")
        return skops.io.load(file, trusted=sorted(TRUSTED_TYPES))
    except ModelDamaged:
        raise
    except Exception as error:  # zip, JSON, numpy and skops each raise their own kinds
        raise ModelDamaged(f"{file}: {type(error).__name__}: {error}; train the model again") from error
