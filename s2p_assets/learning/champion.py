"""Who forecasts best: the choice of the champion among candidates that were scored on the same folds.

The scores are made in `scores.py`; storing the choice is for `registry.py`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from s2p_assets.learning.scores import ALL

LEAST_GAIN = 0.01


@dataclass(frozen=True)
class Choice:
    """The name of the champion and, in a sentence, why."""

    name: str
    why: str


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
