"""Small demand histories for the tests of `learning/` and of the retail models, and trainings that are done once.

No test stands here.
"""

import copy
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import ForecastTask

WEEKLY = ForecastTask("sku", "week", "units", horizon=4, season_length=52, folds=3, step=4, censored="censored")


def once(train: Callable[..., Any]) -> Any:
    """A training that is done once for the same arguments, and copied for each who asks; `__wrapped__` trains anew.

    Arguments are the same when they are one object, or equal words or numbers.
    """
    kept: dict[Any, tuple[Any, Any]] = {}

    @functools.wraps(train)
    def trained(*given: Any, **named: Any) -> Any:
        key = tuple(one if isinstance(one, int | str | None) else id(one) for one in (*given, *named, *named.values()))
        if key not in kept:
            kept[key] = (train(*given, **named), (given, named))  # held, so that no other object gets their ids
        return copy.deepcopy(kept[key][0])

    return trained


def weekly(units: Mapping[str, Sequence[float]], *, start: str = "2023-01-02") -> pd.DataFrame:
    """One row per (sku, week) from lists of units, all starting in the same week, nothing censored."""
    frames = [
        pd.DataFrame({"sku": sku, "week": pd.date_range(start, periods=len(sold), freq="W-MON"), "units": sold})
        for sku, sold in units.items()
    ]
    rows = pd.concat(frames, ignore_index=True).assign(censored=False, plausible_units=np.nan, unit_price=10.0)
    return rows.astype({"sku": "string[pyarrow]", "units": float})


def seasonal(skus: int, weeks: int, *, seed: int = 1) -> pd.DataFrame:
    """Poisson demand with levels from 3 to 60 and one yearly season for all."""
    random = np.random.default_rng(seed)
    season = 1 + 0.6 * np.sin(2 * np.pi * np.arange(weeks) / 52)
    levels = np.geomspace(3, 60, skus)
    return weekly({f"{n:03d}": random.poisson(level * season).tolist() for n, level in enumerate(levels)})


def odd() -> pd.DataFrame:
    """One good SKU, and SKUs with one sale, none, more returns than sales, a year's gap, and a price of 0 or none."""
    rows = weekly(
        {
            "good": [5.0, 7.0, 6.0, 8.0] * 20,
            "one sale": [0.0] * 79 + [3.0],
            "no sale": [0.0] * 80,
            "returned": [-2.0, 1.0] * 40,
            "gap": [4.0] * 80,
            "free": [2.0] * 80,
            "no price": [2.0, 0.0] * 40,
        }
    )
    in_gap = (rows["sku"] == "gap") & rows["week"].between("2023-03-06", "2024-03-04")
    rows.loc[rows["sku"] == "free", "unit_price"] = 0.0
    rows.loc[rows["sku"] == "no price", "unit_price"] = np.nan
    return rows[~in_gap].reset_index(drop=True)
