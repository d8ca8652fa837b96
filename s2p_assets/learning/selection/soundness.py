"""Whether a version may be in service at all, however good its losses look; and whether enough was scored to choose.

Who is in service among those that may be is settled in `promotion.py`.
"""

from collections.abc import Collection, Iterable

import numpy as np

from s2p_assets.contracts.model import Contest, Task
from s2p_assets.learning.learned_targets import StoredHistory
from s2p_assets.learning.versions import ModelVersion

SMALLEST_LOSS = 1e-12
FEWEST_BIASED, MOST_BIAS = 3, 0.1
PERIODS = {"W": "weeks", "D": "days", "M": "months", "Q": "quarters"}


def loss_fault(made: ModelVersion) -> str | None:
    """What is wrong with the losses of a version: that there are none, or that one is not a finite number."""
    losses = made.losses["loss"].to_numpy("float64", na_value=np.nan)
    if not len(losses):
        return "left out, as no loss of it could be measured"
    return None if np.isfinite(losses).all() else "left out, as its loss is not a number"


def has_no_loss(made: ModelVersion) -> bool:
    """Whether it made no error at all: it knew the answers, or its test asked for nothing."""
    return abs(made.loss) <= SMALLEST_LOSS


def bias_fault(made: ModelVersion) -> str | None:
    """That a forecaster was off to the same side in every fold, and by over a tenth in all; None for any other.

    A loss by series does not see it, and what is ordered by such a forecast is wrong for every article.
    """
    if "bias" not in made.scores:
        return None
    biases = made.scores.loc[made.scores["series"] == "all", "bias"].to_numpy(float)
    biases = biases[np.isfinite(biases)]
    one_side = len(biases) >= FEWEST_BIASED and abs(np.sign(biases).sum()) == len(biases)
    if not one_side or abs(biases.mean()) <= MOST_BIAS:
        return None
    return f"is left out of the choice, as its totals were off by {biases.mean():+.0%} on average, always to one side"


def withdrawal_fault(made: ModelVersion, stored: StoredHistory | None, max_share: float) -> str | None:
    """That rows which a version learned from are stored no more, or with other values; None where it may serve.

    `stored`: the features as they are now; None where nobody knows.
    """
    if stored is None:
        return None
    gone, count = stored.count_withdrawn(made.learned_from, made.learned_targets), len(made.learned_from)
    if gone <= max_share * count:
        return None
    return f"left out, as {gone:,} of the {count:,} rows that it learned from were corrected or withdrawn since"


def scored_periods(compared: Iterable[ModelVersion]) -> int:
    """Over how many different periods any of these versions was scored; censored ones do not count."""
    times: set[np.datetime64] = set()
    for made in compared:
        rows = made.backtest
        scored = rows.loc[~rows["censored"].astype(bool)] if "censored" in rows else rows
        times.update(scored["time"].to_numpy("datetime64[ns]"))
    return len(times)


def too_few_to_tell(contest: Contest, compared: Collection[ModelVersion]) -> str | None:
    """The sentence that says that too little was scored to tell these versions apart; None where it was enough."""
    scored, periods = scored_periods(compared), period_noun(contest.task)
    if scored < contest.min_scored_periods:
        needed = contest.min_scored_periods
        return f"too few {periods} to say which model is best: {scored} were scored, {needed} are needed"
    if all(has_no_loss(made) for made in compared):
        return f"nothing tells the models apart: none made an error in the {scored} {periods} that were scored"
    return None


def period_noun(task: Task) -> str:
    """What the periods of a task are called, in the plural: `weeks`, `days`, `months`, else `periods`."""
    every = str(getattr(task, "every", None) or "")
    return PERIODS.get(every[:1], "periods") if hasattr(task, "horizon") else "days"
