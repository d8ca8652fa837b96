"""Who forecasts best: the choice of the champion among candidates that were measured on the same folds.

Scores and losses are made in `scores.py`, the test is in `paired_test.py`; which versions stand is for `promotion.py`.
"""

from collections.abc import Sequence

import pandas as pd

from s2p_assets.learning.selection.paired_test import losses_by_model, paired_test

HARDLY_CHANCE = 0.1


def choose_champion(losses: pd.DataFrame, incumbent: str | None, preferred: str | None = None) -> str:
    """The champion among the models in `losses` (see `paired_test.paired_test`).

    The incumbent one, unless the best of the others is better beyond noise and by more than 1 %. Where none stands, the
    `preferred` one under the same terms; without that, the one with the lowest mean loss, which chance has a part in.
    Raises ValueError when there are no losses or not the same for all.
    """
    means = mean_losses(losses)
    standing = next((name for name in (incumbent, preferred) if name in means), None)
    if standing is None:
        return str(means.idxmin())
    rivals = means.drop(standing)
    best = str(rivals.idxmin()) if len(rivals) else standing
    return best if best != standing and paired_test(losses, standing, best).is_better else standing


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
    """The plain model in `baselines` that is better than `name` on the same folds by the most, in a sentence.

    None where that is mere noise, as a difference must be of which nobody need hear.
    """
    means = mean_losses(losses)
    better = means.reindex([plain for plain in baselines if plain in means and plain != name])
    for best in better[better < means[name]].sort_values().index.astype(str):
        if paired_test(losses, name, best).is_no_noise:
            return f"{name} loses to {best}: loss {means[name]:.3f} against {means[best]:.3f}"
    return None


def unproved(
    losses: pd.DataFrame, name: str, incumbent: str | None, baselines: Sequence[str]
) -> tuple[str, str] | None:
    """The plain model that serves in place of `name`, and why in a sentence; None where `name` may serve.

    Of outcomes, what learned may come into service only if it is better than the plain models and that is hardly
    chance, and stay only as long as its mean loss is not above theirs.
    """
    means = mean_losses(losses)
    plain = means.reindex([one for one in baselines if one in means])
    if name in baselines or plain.empty:
        return None
    best = str(plain.idxmin())
    test = paired_test(losses, best, name)
    enough = test.gain >= 0 if name == incumbent else test.gain > 0 and test.p_value < HARDLY_CHANCE
    if enough:
        return None
    said = f"{name} has loss {means[name]:.3f} against {means[best]:.3f} of the plain {best}, {test.description}"
    worse = "it was worse" if test.gain < 0 else "that may well be chance"
    return best, f"the plain {best} serves, as {worse}: {said}"


def beaten_by_baseline(losses: pd.DataFrame, name: str, baselines: Sequence[str]) -> str | None:
    """As `worse_than_baseline`, where the difference is worth a change: over 1 % and no mere noise, or far over.

    A champion is changed on no less than it was chosen by, so that two that are alike do not take turns.
    """
    means = mean_losses(losses)
    for plain in means.reindex([plain for plain in baselines if plain in means and plain != name]).sort_values().index:
        test = paired_test(losses, name, str(plain))
        if test.is_clearly_better:
            return f"{worse_than_baseline(losses, name, [str(plain)])}, {test.description}"
    return None
