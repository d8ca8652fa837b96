"""Small histories of outcomes for the tests of classifiers. No test stands here."""

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import ClassificationTask

DEALS = ClassificationTask(
    entity="deal", time="offered", target="won", decided="closed", folds=2, refused=("amount_paid",)
)


def deals(count: int = 400, *, seed: int = 1) -> pd.DataFrame:
    """A deal a day, decided 5 to 30 days later: won the likelier the lower the price, and more by ann than by bob.

    The last ten are not decided yet. `amount_paid` is known only for those that were won; some prices are missing.
    """
    random = np.random.default_rng(seed)
    offered = pd.date_range("2024-01-01", periods=count, freq="D")
    price, agent = random.normal(0, 1, count), random.choice(["ann", "bob", "cy"], count)
    odds = -1.5 * price + np.where(agent == "ann", 1.0, -0.5)
    won = random.uniform(size=count) < 1 / (1 + np.exp(-odds))
    waiting = np.arange(count) >= count - 10
    rows = pd.DataFrame(
        {
            "deal": [f"D{number:04d}" for number in range(count)],
            "offered": offered,
            "closed": pd.Series(offered + pd.to_timedelta(random.integers(5, 31, count), "D")).mask(waiting),
            "won": pd.Series(won, dtype="boolean").mask(waiting),
            "price": pd.Series(price).mask(random.uniform(size=count) < 0.05),
            "agent": agent,
            "amount_paid": np.where(won & ~waiting, 100.0, np.nan),
        }
    )
    return rows.sample(frac=1, random_state=seed).reset_index(drop=True)
