"""Whether one model is better than another beyond noise: a paired test over the losses on the same folds and units.

It knows losses and no models; who is tested against whom is settled in `champion.py`.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from s2p_assets.learning.distributions import student_above

SIGNIFICANCE_LEVEL = 0.05
MIN_GAIN = 0.01
MIN_FOLDS = 2
RATHER, FAR = 0.2, 0.05
"""A plain model need not be proved better: a chance of a fifth is enough, or a gain of over a twentieth."""
LOSS_COLUMNS = ("model", "cutoff", "unit", "loss")


@dataclass(frozen=True)
class PairedTest:
    """How a challenger fared against the incumbent champion on the same folds and units.

    `gain`: the share of the champion's mean loss that it saves, negative when it is worse. `p_value`: the
    one-sided p-value of that gain when both are equally good. `wins`: folds on which it was better.
    """

    gain: float
    p_value: float
    folds: int
    units: int
    wins: int

    @property
    def is_better(self) -> bool:
        """Better beyond noise, and by enough to be worth a change: 5 % and 1 %."""
        return self.folds >= MIN_FOLDS and self.gain > MIN_GAIN and self.p_value < SIGNIFICANCE_LEVEL

    @property
    def is_clearly_better(self) -> bool:
        """Better by enough to be worth a change, and rather not by chance, or by far."""
        return self.gain > MIN_GAIN and self.is_no_noise

    @property
    def is_no_noise(self) -> bool:
        """Better, and rather not by chance, or by far."""
        return self.gain > FAR or (self.gain > 0 and self.folds >= MIN_FOLDS and self.p_value < RATHER)

    @property
    def description(self) -> str:
        noise = f"p {self.p_value:.3f}" if self.folds >= MIN_FOLDS else "one fold proves nothing"
        word = "better" if self.gain >= 0 else "worse"
        return f"{abs(self.gain):.1%} {word}, on {self.wins} of {self.folds} folds, {noise}"


def paired_test(losses: pd.DataFrame, incumbent: str, challenger: str) -> PairedTest:
    """The paired test of `challenger` against `incumbent`, two models in `losses`.

    `losses`: as of `losses_by_model`. Diebold & Mariano (1995) on the loss differences, with the variance clustered by
    unit and by fold, as a bad week hits all series at once: Cameron, Gelbach & Miller (2011), never below that of
    one way alone.
    Small samples: Student's t with the degrees of freedom of the fewer clusters, as Harvey, Leybourne & Newbold
    (1997) advise. Raises ValueError when the two were not measured on the same folds and units.
    """
    wide = losses_by_model(losses.loc[losses["model"].isin([incumbent, challenger])])
    if challenger not in wide or incumbent not in wide or wide.isna().to_numpy().any():
        raise ValueError(f"{incumbent} and {challenger} were not measured on the same folds and units")
    saved = (wide[incumbent] - wide[challenger]).rename("saved")
    by_fold = saved.groupby(level="cutoff").mean()
    mean = float(wide[incumbent].mean())
    return PairedTest(
        gain=float(saved.mean()) / mean if mean > 0 else 0.0,
        p_value=_p_value(saved),
        folds=len(by_fold),
        units=saved.index.get_level_values("unit").nunique(),
        wins=int((by_fold > 0).sum()),
    )


def losses_by_model(losses: pd.DataFrame) -> pd.DataFrame:
    """The losses of each model in a column of its own, missing where it was not measured.

    `losses`: one row per (model, cutoff, unit) with a loss, lower being better; a unit is a series, or whatever is
    predicted. A unit that is measured several times in a fold has a further column, which tells those rows apart.
    """
    measured = ["cutoff", "unit", *(name for name in losses.columns if name not in LOSS_COLUMNS)]
    return losses.pivot(index=measured, columns="model", values="loss")


def _p_value(saved: "pd.Series[float]") -> float:
    clusters = [_variance(saved, [level]) for level in ("cutoff", "unit")]
    ways = [(count, variance) for count, variance in clusters if count > 1]
    if not ways:
        return 1.0
    sums = (saved - saved.mean()).groupby(level=["cutoff", "unit"]).sum().to_numpy()
    alone = float((sums**2).sum()) / len(saved) ** 2
    both = sum(variance for _, variance in ways) - (alone if len(ways) > 1 else 0.0)
    spread = max(both, *(variance for _, variance in ways))
    if spread <= 0:
        return 0.0 if saved.mean() > 0 else 1.0
    return student_above(float(saved.mean() / np.sqrt(spread)), min(count for count, _ in ways) - 1)


def _variance(saved: "pd.Series[float]", level: list[str]) -> tuple[int, float]:
    """How many clusters there are, and the variance of the mean when only they are independent."""
    sums = np.asarray((saved - saved.mean()).groupby(level=level).sum(), float)
    count = len(sums)
    return count, float((sums**2).sum()) / len(saved) ** 2 * (count / (count - 1) if count > 1 else 1.0)
