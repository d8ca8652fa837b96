"""Who forecasts best: the choice of the champion among candidates that were measured on the same folds.

Scores and losses are made in `scores.py`, the test is in `beyond_noise.py`; which versions stand is for `crowning.py`.
"""

from collections.abc import Sequence

import pandas as pd

from s2p_assets.learning.beyond_noise import compare, side_by_side


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
    """Model → mean loss over all that was measured; refuses models that were not measured on the same ones."""
    wide = side_by_side(losses)
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
