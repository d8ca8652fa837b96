"""Whether one model is better than another beyond noise: a paired test over the losses on the same folds and units.

It knows losses and no models; who is tested against whom is settled in `champion.py`.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

LEVEL = 0.05
LEAST_GAIN = 0.01
LEAST_FOLDS = 2
LOSS_COLUMNS = ("model", "cutoff", "unit", "loss")


@dataclass(frozen=True)
class Comparison:
    """How a challenger fared against the standing champion on the same folds and units.

    `gain`: the share of the champion's mean loss that it saves, negative when it is worse. `chance`: the
    one-sided p-value of that gain when both are equally good. `wins`: folds on which it was better.
    """

    gain: float
    chance: float
    folds: int
    units: int
    wins: int

    @property
    def is_better(self) -> bool:
        """Better beyond noise, and by enough to be worth a change: 5 % and 1 %."""
        return self.folds >= LEAST_FOLDS and self.gain > LEAST_GAIN and self.chance < LEVEL

    @property
    def says(self) -> str:
        noise = f"p {self.chance:.3f}" if self.folds >= LEAST_FOLDS else "one fold proves nothing"
        word = "better" if self.gain >= 0 else "worse"
        return f"{abs(self.gain):.1%} {word}, on {self.wins} of {self.folds} folds, {noise}"


def compare(losses: pd.DataFrame, standing: str, challenger: str) -> Comparison:
    """The paired test of `challenger` against `standing`, two models in `losses`.

    `losses`: as of `side_by_side`. Diebold & Mariano (1995) on the loss differences, with the variance clustered by
    unit and by fold, as a bad week hits all series at once: Cameron, Gelbach & Miller (2011), never below that of
    one way alone.
    Small samples: Student's t with the degrees of freedom of the fewer clusters, as Harvey, Leybourne & Newbold
    (1997) advise. Raises ValueError when the two were not measured on the same folds and units.
    """
    wide = side_by_side(losses.loc[losses["model"].isin([standing, challenger])])
    if challenger not in wide or standing not in wide or wide.isna().to_numpy().any():
        raise ValueError(f"{standing} and {challenger} were not measured on the same folds and units")
    saved = (wide[standing] - wide[challenger]).rename("saved")
    by_fold = saved.groupby(level="cutoff").mean()
    mean = float(wide[standing].mean())
    return Comparison(
        gain=float(saved.mean()) / mean if mean > 0 else 0.0,
        chance=_chance(saved),
        folds=len(by_fold),
        units=saved.index.get_level_values("unit").nunique(),
        wins=int((by_fold > 0).sum()),
    )


def side_by_side(losses: pd.DataFrame) -> pd.DataFrame:
    """The losses of each model in a column of its own, missing where it was not measured.

    `losses`: one row per (model, cutoff, unit) with a loss, lower being better; a unit is a series, or whatever is
    predicted. A unit that is measured several times in a fold has a further column, which tells those rows apart.
    """
    measured = ["cutoff", "unit", *(name for name in losses.columns if name not in LOSS_COLUMNS)]
    return losses.pivot(index=measured, columns="model", values="loss")


def _chance(saved: "pd.Series[float]") -> float:
    from scipy.stats import t

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
    return float(t.sf(saved.mean() / np.sqrt(spread), min(count for count, _ in ways) - 1))


def _variance(saved: "pd.Series[float]", level: list[str]) -> tuple[int, float]:
    """How many clusters there are, and the variance of the mean when only they are independent."""
    sums = np.asarray((saved - saved.mean()).groupby(level=level).sum(), float)
    count = len(sums)
    return count, float((sums**2).sum()) / len(saved) ** 2 * (count / (count - 1) if count > 1 else 1.0)
