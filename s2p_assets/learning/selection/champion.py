"""Who forecasts best: the choice of the champion among candidates that were measured on the same folds.

Scores and losses are made in `scores.py`, the test is in `paired_test.py`; which versions stand is for `promotion.py`.
"""

from collections.abc import Sequence

import pandas as pd

from s2p_assets.learning.selection.paired_test import losses_by_model, paired_test


def choose_champion(losses: pd.DataFrame, incumbent: str | None) -> str:
    """The champion among the models in `losses` (see `paired_test.paired_test`).

    The incumbent one, unless the best of the others is better beyond noise and by more than 1 %; where none stands,
    the one with the lowest mean loss. Raises ValueError when there are no losses or not the same for all.
    """
    means = mean_losses(losses)
    if incumbent is None or incumbent not in means:
        return str(means.idxmin())
    rivals = means.drop(incumbent)
    best = str(rivals.idxmin()) if len(rivals) else incumbent
    return best if best != incumbent and paired_test(losses, incumbent, best).is_better else incumbent


def mean_losses(losses: pd.DataFrame) -> "pd.Series[float]":
    """Model → mean loss over all that was measured; refuses models that were not measured on the same ones."""
    wide = losses_by_model(losses)
    if wide.empty:
        raise ValueError("no losses to choose a champion from")
    if wide.isna().to_numpy().any():
        partly = ", ".join(str(name) for name in wide.columns[wide.isna().any()])
        raise ValueError(f"not measured on every fold and unit: {partly}; train all models on the same history")
    return wide.mean()


def worse_than_baseline(losses: pd.DataFrame, name: str, baselines: Sequence[str]) -> str | None:
    """The plain model in `baselines` that is better than `name` on the same folds by the most, in a sentence."""
    means = mean_losses(losses)
    better = means.reindex([plain for plain in baselines if plain in means and plain != name])
    better = better[better < means[name]]
    if better.empty:
        return None
    best = str(better.idxmin())
    return f"{name} loses to {best}: loss {means[name]:.3f} against {means[best]:.3f}"
