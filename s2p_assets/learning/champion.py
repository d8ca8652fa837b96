"""Who forecasts best: scores of candidates on the same folds, and the choice of the champion.

The measures themselves are in `metrics.py`; storing the choice is for `registry.py`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from s2p_assets.learning import metrics
from s2p_assets.learning.model import Problem
from s2p_assets.learning.series import Matrix, Panel, TooLittleHistory, learnable, panel

ALL = "all"
SCORE_COLUMNS = ("model", "fold", "cutoff", "series", "entities", "wape", "rmsse", "mase", "bias")
LONGEST_MEAN_INTERVAL = 1.32
SMOOTHEST_SQUARED_CV = 0.49
LEAST_GAIN = 0.01


@dataclass(frozen=True)
class Choice:
    """The name of the champion and, in a sentence, why."""

    name: str
    why: str


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


def choose(scores: pd.DataFrame, standing: str | None, *, floor: Iterable[str] = ()) -> Choice:
    """The champion: the lowest mean RMSSE over the folds, unless the standing one is nearly as good.

    A challenger replaces `standing` only when it is more than 1 % better and better on most folds.
    A standing champion that is worse than one of the plain models in `floor` goes in any case.
    Raises ValueError when there are no scores or the models were not scored on the same folds.
    """
    by_fold = _rmsse_by_fold(scores)
    means = by_fold.mean()
    best = str(means.idxmin())
    stays = standing is not None and standing in means and not _gives_way(by_fold, standing, best, floor)
    name = standing if standing is not None and stays else best
    return Choice(name, reason(scores, name, standing))


def _gives_way(by_fold: pd.DataFrame, standing: str, best: str, floor: Iterable[str]) -> bool:
    means = by_fold.mean()
    if any(means[plain] < means[standing] for plain in floor if plain in means):
        return True
    wins = (by_fold[best] < by_fold[standing]).sum()
    return bool(means[best] < means[standing] * (1 - LEAST_GAIN) and wins > len(by_fold) / 2)


def reason(scores: pd.DataFrame, name: str, standing: str | None) -> str:
    """In a sentence, how the chosen `name` compares with the standing champion and with the best."""
    by_fold = _rmsse_by_fold(scores)
    means = by_fold.mean()
    best = str(means.idxmin())
    own = f"RMSSE {means[name]:.3f}, the lowest of {len(means)}" if name == best else f"RMSSE {means[name]:.3f}"
    if standing is None or standing not in means:
        return f"{name}: {own}; " + (f"{standing} is not compared" if standing else "there was no champion before")
    rival = best if name == standing else standing
    if rival == name:
        return f"{name} stays: {own}"
    wins = int((by_fold[name] < by_fold[rival]).sum())
    against = f"{own} against {means[rival]:.3f} of {rival}, better on {wins} of {len(by_fold)} folds"
    return f"{name} {'stays' if name == standing else f'replaces {standing}'}: {against}"


def _rmsse_by_fold(scores: pd.DataFrame) -> pd.DataFrame:
    """(cutoff × model) RMSSE over all series; refuses models that were scored on different folds."""
    overall = scores.loc[scores["series"] == ALL]
    if overall.empty:
        raise ValueError("no scores to choose a champion from")
    by_fold = overall.pivot(index="cutoff", columns="model", values="rmsse")
    if by_fold.isna().to_numpy().any():
        models: Sequence[str] = [str(name) for name in by_fold.columns[by_fold.isna().any()]]
        raise ValueError(f"not scored on every fold: {', '.join(models)}; train all models on the same history")
    return by_fold
