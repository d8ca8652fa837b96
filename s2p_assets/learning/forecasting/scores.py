"""How good backtests were: per model, fold and class of series, every measure side by side.

The measures themselves are in `metrics.py`; who wins by them is for `champion.py`.
"""

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import ForecastTask
from s2p_assets.learning.forecasting import metrics
from s2p_assets.learning.forecasting.intervals import error_distribution
from s2p_assets.learning.forecasting.learnable import lean_training_rows
from s2p_assets.learning.forecasting.series import Matrix, Panel, TooLittleHistory, panel
from s2p_assets.learning.selection.paired_test import LOSS_COLUMNS

ALL = "all"
SCORE_COLUMNS = (
    *("model", "fold", "cutoff", "series", "entities", "wape", "rmsse", "wrmsse", "mase", "bias"),
    *("pinball", "coverage_80", "coverage_95"),
)
LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)
LONGEST_MEAN_INTERVAL = 1.32
SMOOTHEST_SQUARED_CV = 0.49


def demand_classes(past: Panel) -> "pd.Series[str]":
    """Entity → smooth, intermittent, erratic or lumpy, by Syntetos & Boylan (2005), with Boylan's names.

    By the mean interval between demands (1.32 periods) and the squared coefficient of variation of
    their sizes (0.49). A series without any demand is intermittent.
    """
    sizes = np.where(past.values > 0, past.values, np.nan)
    demands, rows = (~np.isnan(sizes)).sum(axis=0), (~np.isnan(past.values)).sum(axis=0)
    count = np.maximum(demands, 1)
    mean = np.nansum(sizes, axis=0) / count
    variance = np.nansum((sizes - mean) ** 2, axis=0) / count
    varied = np.divide(variance, mean**2, out=np.zeros_like(mean), where=mean > 0) > SMOOTHEST_SQUARED_CV
    seldom = (demands == 0) | (rows / count > LONGEST_MEAN_INTERVAL)
    names = np.array(["smooth", "erratic", "intermittent", "lumpy"])
    return pd.Series(names[seldom * 2 + varied * 1], index=past.entities, dtype=object)


def forecast_scores(backtests: dict[str, pd.DataFrame], history: pd.DataFrame, task: ForecastTask) -> pd.DataFrame:
    """One row per (model, fold, class of series), and per (model, fold) over all series.

    wape and bias over the sums of all series. rmsse, mase and pinball (the mean of five quantiles') as means
    over series, scaled by naive on what was known at the cutoff; wrmsse weighted by what each series sold in
    its last horizon before, at `task.price` where there is one: M5's measures, Makridakis et al. (2022), at
    the level of the series. coverage_80 and coverage_95: shares of actuals in the central intervals. Quantiles
    come from the errors of earlier folds, so the first fold has none: NaN. Classes are those at the cutoff.

    Series that never changed have no scale and do not count there; if none has one, scaled measures are in
    units. Censored actuals do not count. NaN where nothing was sold. Raises TooLittleHistory.
    """
    known = lean_training_rows(history, task)
    past, worth = panel(known, task), _worth(known, task)
    found = []
    for name, backtest in backtests.items():
        counted = backtest.loc[~backtest["censored"].astype(bool)]
        for fold, rows in counted.groupby("fold"):
            cutoff = pd.Timestamp(rows["cutoff"].iloc[0])
            until = Panel(past.times, past.entities, past.values[past.times <= cutoff])
            weights = np.nansum(worth[past.times <= cutoff][-task.horizon :], axis=0)
            errors = _by_entity(_with_quantiles(rows, backtest, task), until, weights)
            kind = rows["entity"].map(demand_classes(until))
            groups = [(ALL, rows), *((str(name), group) for name, group in rows.groupby(kind))]
            for series, group in groups:
                scored = _scored(group, errors)
                found.append({"model": name, "fold": fold, "cutoff": cutoff, "series": series} | scored)
    if not found:
        raise TooLittleHistory("no backtest has an uncensored actual to score")
    return pd.DataFrame(found)[list(SCORE_COLUMNS)]


def forecast_losses(backtest: pd.DataFrame, history: pd.DataFrame, task: ForecastTask, model: str) -> pd.DataFrame:
    """The loss that decides, one row per (cutoff, series): its RMSSE in that fold, scaled as in `forecast_scores`.

    Series without a scale, and those that were censored throughout a fold, have none there. Raises TooLittleHistory.
    """
    past = panel(lean_training_rows(history, task), task)
    counted = backtest.loc[~backtest["censored"].astype(bool)]
    found = []
    for _, rows in counted.groupby("fold"):
        cutoff = pd.Timestamp(rows["cutoff"].iloc[0])
        until = Panel(past.times, past.entities, past.values[past.times <= cutoff])
        squared = ((rows["mean"] - rows["actual"]) ** 2).groupby(rows["entity"]).mean()
        scale = pd.Series(metrics.naive_scales(until.values)[1], index=until.entities).reindex(squared.index)
        loss = np.sqrt(squared / scale if scale.notna().any() else squared).dropna()
        found.append(pd.DataFrame({"cutoff": cutoff, "unit": loss.index.astype(str), "loss": loss.to_numpy()}))
    if not found:
        raise TooLittleHistory("no backtest has an uncensored actual to score")
    return pd.concat(found, ignore_index=True).assign(model=model)[list(LOSS_COLUMNS)]


def _worth(known: pd.DataFrame, task: ForecastTask) -> Matrix:
    """What was sold (times × entities), in money where there are prices, else in units."""
    sold = panel(known, task).values
    if task.price is None or task.price not in known or known[task.price].isna().all():
        return sold
    return np.asarray(sold * panel(known, task, task.price).values[: len(sold)])


def _with_quantiles(rows: pd.DataFrame, backtest: pd.DataFrame, task: ForecastTask) -> pd.DataFrame:
    """`rows` of one fold with a column per level, from the errors of the folds before; NaN where there are none."""
    before = backtest.loc[backtest["fold"] < rows["fold"].iloc[0]]
    quantiles: Matrix = np.full((len(rows), len(LEVELS)), np.nan)
    if not before["censored"].astype(bool).all():
        quantiles = error_distribution(before, task).quantiles(rows["mean"], rows["step"], LEVELS, rows["deviation"])
    return rows.assign(**{str(level): quantiles[:, at] for at, level in enumerate(LEVELS)})


def _by_entity(rows: pd.DataFrame, until: Panel, weights: Matrix) -> pd.DataFrame:
    """Per entity of one fold: its measures, over the scale where there is one, its weight, and its shares covered."""
    error = rows["mean"] - rows["actual"]
    short = np.column_stack([rows["actual"] - rows[str(level)] for level in LEVELS])
    per_row = pd.DataFrame(
        {
            "mase": error.abs(),
            "rmsse": error**2,
            "pinball": np.maximum(np.array(LEVELS) * short, (np.array(LEVELS) - 1) * short).mean(axis=1),
            "coverage_80": _inside(rows, "0.1", "0.9"),
            "coverage_95": _inside(rows, "0.025", "0.975"),
        }
    )
    by_entity = per_row.groupby(rows["entity"]).mean()
    scales = metrics.naive_scales(until.values)
    absolute, squared = (pd.Series(scale, index=until.entities).reindex(by_entity.index) for scale in scales)
    if absolute.notna().any():
        for name, scale in (("mase", absolute), ("rmsse", squared), ("pinball", absolute)):
            by_entity[name] /= scale
    return by_entity.assign(
        rmsse=np.sqrt(by_entity["rmsse"]),
        weight=pd.Series(weights, index=until.entities).reindex(by_entity.index),
        rows=rows.groupby("entity").size(),
    )


def _inside(rows: pd.DataFrame, low: str, high: str) -> "pd.Series[float]":
    inside = rows["actual"].between(rows[low], rows[high]).astype(float)
    return inside.where(rows[low].notna())


def _scored(rows: pd.DataFrame, errors: pd.DataFrame) -> dict[str, float]:
    those = errors.loc[rows["entity"].unique()]
    return {
        "entities": len(those),
        "wape": metrics.wape(rows["actual"], rows["mean"]),
        "rmsse": float(those["rmsse"].mean()),
        "wrmsse": metrics.weighted_mean(those["rmsse"], those["weight"]),
        "mase": float(those["mase"].mean()),
        "bias": metrics.bias(rows["actual"], rows["mean"]),
        "pinball": float(those["pinball"].mean()),
        "coverage_80": metrics.weighted_mean(those["coverage_80"], those["rows"]),
        "coverage_95": metrics.weighted_mean(those["coverage_95"], those["rows"]),
    }
