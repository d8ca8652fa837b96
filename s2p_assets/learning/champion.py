"""Who forecasts best: scores and losses of candidates on the same folds, and the choice of the champion.

The measures themselves are in `metrics.py`, the test in `beyond_noise.py`; which versions stand is for `crowning.py`.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from s2p_assets.learning import metrics
from s2p_assets.learning.beyond_noise import LOSS_COLUMNS, compare
from s2p_assets.learning.model import Problem
from s2p_assets.learning.series import Matrix, Panel, TooLittleHistory, learnable, panel

ALL = "all"
SCORE_COLUMNS = ("model", "fold", "cutoff", "series", "entities", "wape", "rmsse", "mase", "bias")
LONGEST_MEAN_INTERVAL = 1.32
SMOOTHEST_SQUARED_CV = 0.49


def classes(past: Panel) -> "pd.Series[str]":
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


def scores(backtests: dict[str, pd.DataFrame], history: pd.DataFrame, problem: Problem) -> pd.DataFrame:
    """One row per (model, fold, class of series), and per (model, fold) over all series.

    wape and bias over the sums of all series; rmsse and mase as means over series, scaled by naive on what
    was known at the cutoff. Series that never changed have no such scale and do not count there; if
    none has one, rmsse and mase are in units. Censored actuals do not count. NaN where nothing was sold.
    """
    past = panel(learnable(history, problem), problem)
    kinds = classes(past)
    found = []
    for name, backtest in backtests.items():
        counted = backtest.loc[~backtest["censored"].astype(bool)]
        for fold, rows in counted.groupby("fold"):
            cutoff = pd.Timestamp(rows["cutoff"].iloc[0])
            scales = metrics.naive_scales(past.values[past.times <= cutoff])
            errors = _by_entity(rows, past, scales)
            kind = rows["entity"].map(kinds)
            groups = [(ALL, rows), *((str(name), group) for name, group in rows.groupby(kind))]
            for series, group in groups:
                scored = _scored(group, errors)
                found.append({"model": name, "fold": fold, "cutoff": cutoff, "series": series} | scored)
    if not found:
        raise TooLittleHistory("no backtest has an uncensored actual to score")
    return pd.DataFrame(found)[list(SCORE_COLUMNS)]


def losses(backtest: pd.DataFrame, history: pd.DataFrame, problem: Problem, model: str) -> pd.DataFrame:
    """The loss that decides, one row per (cutoff, series): its RMSSE in that fold, scaled as in `scores`.

    Series without a scale, and those that were censored throughout a fold, have none there.
    """
    past = panel(learnable(history, problem), problem)
    found = []
    counted = backtest.loc[~backtest["censored"].astype(bool)]
    for _, rows in counted.groupby("fold"):
        cutoff = pd.Timestamp(rows["cutoff"].iloc[0])
        scales = metrics.naive_scales(past.values[past.times <= cutoff])
        loss = _by_entity(rows, past, scales)["rmsse"].dropna()
        found.append(pd.DataFrame({"cutoff": cutoff, "unit": loss.index.astype(str), "loss": loss.to_numpy()}))
    if not found:
        raise TooLittleHistory("no backtest has an uncensored actual to score")
    return pd.concat(found, ignore_index=True).assign(model=model)[list(LOSS_COLUMNS)]


def _by_entity(rows: pd.DataFrame, past: Panel, scales: tuple[Matrix, Matrix]) -> pd.DataFrame:
    """Per entity of one fold: mean absolute and squared error, over the scale where there is one."""
    error = rows["mean"] - rows["actual"]
    by_entity = pd.DataFrame({"mase": error.abs(), "rmsse": error**2}).groupby(rows["entity"]).mean()
    absolute, squared = (pd.Series(scale, index=past.entities).reindex(by_entity.index) for scale in scales)
    if absolute.notna().any():
        by_entity = by_entity.assign(mase=by_entity["mase"] / absolute, rmsse=by_entity["rmsse"] / squared)
    return by_entity.assign(rmsse=np.sqrt(by_entity["rmsse"]))


def _scored(rows: pd.DataFrame, errors: pd.DataFrame) -> dict[str, float]:
    entities = rows["entity"].unique()
    return {
        "entities": len(entities),
        "wape": metrics.wape(rows["actual"], rows["mean"]),
        "rmsse": float(errors.loc[entities, "rmsse"].mean()),
        "mase": float(errors.loc[entities, "mase"].mean()),
        "bias": metrics.bias(rows["actual"], rows["mean"]),
    }


def choose(losses: pd.DataFrame, standing: str | None) -> str:
    """The champion among the models in `losses` (see `beyond_noise.compare`).

    The standing one, unless the best of the others is better beyond noise and by more than 1 %; where none stands,
    the one with the lowest mean loss. Raises ValueError when there are no losses or not the same for all.
    """
    means = mean_losses(losses)
    if standing is None or standing not in means:
        return str(means.idxmin())
    rivals = means.drop(standing)
    best = str(rivals.idxmin()) if len(rivals) else standing
    return best if best != standing and compare(losses, standing, best).is_better else standing


def mean_losses(losses: pd.DataFrame) -> "pd.Series[float]":
    """Model → mean loss over folds and units; refuses models that were not measured on the same ones."""
    wide = losses.pivot(index=["cutoff", "unit"], columns="model", values="loss")
    if wide.empty:
        raise ValueError("no losses to choose a champion from")
    if wide.isna().to_numpy().any():
        partly = ", ".join(str(name) for name in wide.columns[wide.isna().any()])
        raise ValueError(f"not measured on every fold and unit: {partly}; train all models on the same history")
    return wide.mean()


def losing_to_the_floor(losses: pd.DataFrame, name: str, floor: Sequence[str]) -> str | None:
    """The plain model in `floor` that is better than `name` on the same folds by the most, in a sentence."""
    means = mean_losses(losses)
    better = means.reindex([plain for plain in floor if plain in means and plain != name])
    better = better[better < means[name]]
    if better.empty:
        return None
    best = str(better.idxmin())
    return f"{name} loses to {best}: loss {means[name]:.3f} against {means[best]:.3f}"
