"""What a version learned from, value by value, and how much of it has been withdrawn or corrected since.

How many rows are new is counted by their hashes, in `row_hashes.py`; what follows from either is for the contest.
"""

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from s2p_assets.contracts.model import ForecastTask, Task
from s2p_assets.learning.forecasting.series import with_target
from s2p_assets.learning.remembered import MadeOfFrame
from s2p_assets.learning.row_hashes import RowHashes, count_withdrawn_rows, sorted_row_hashes

KEY = ["entity", "time"]
MATERIAL_CHANGE = 0.05
"""Of an entity's total: by less than this a known period moves in the ordinary course of things, as returns come in."""
MATERIAL_FALLS = 0.005
"""Of everything: so much may all small falls come to together; beyond it they are a withdrawal."""
UNKNOWN_SHARE = 0.005


def learned_targets(history: pd.DataFrame, task: Task) -> pd.DataFrame:
    """One row per (entity, time) of `history` that has a target: entity as text, time, target as a number."""
    rows = with_target(history, task)
    codes, entities = pd.factorize(rows[task.entity], use_na_sentinel=False)
    names = pd.Index(entities).astype("string").to_numpy(object)
    return pd.DataFrame(
        {
            "entity": names[codes],
            "time": pd.to_datetime(rows[task.time]).astype("datetime64[us]").to_numpy(),
            "target": rows[task.target].to_numpy("float64"),
        }
    )


learned_targets_once = MadeOfFrame(learned_targets)
"""`learned_targets`, made once of a history for all versions that learn from it."""

learned_hashes_once = MadeOfFrame(lambda history, task: sorted_row_hashes(with_target(history, task)))
"""The hashes of the rows that have a target, sorted, made once of a history too."""


@dataclass(frozen=True)
class StoredHistory:
    """The features as they are stored now, against which versions are held. `task`: what is learned of them."""

    frame: pd.DataFrame
    task: Task

    @cached_property
    def hashes(self) -> RowHashes:
        """The hashes of the rows that have a target, sorted."""
        return sorted_row_hashes(with_target(self.frame, self.task))

    @cached_property
    def targets(self) -> pd.DataFrame:
        """As of `learned_targets`."""
        return learned_targets(self.frame, self.task)

    def count_withdrawn(self, learned_from: RowHashes, learned: pd.DataFrame | None) -> int:
        """How many of the rows that a version learned from were withdrawn or corrected since.

        Those that are gone, or whose target moved by over a twentieth of all that their entity had: a little more in
        a period that was known in part, or a return that was booked late, is news and no correction. Where a series is
        forecast, that is; an outcome is corrected whatever it was. If all small falls together are over half a per
        cent of everything, as when a week's file is withdrawn, they count. A row whose features alone changed still
        stands. `learned`: as of `learned_targets`; of an older version, which did not keep it, every changed row
        counts where they are over half a per cent.
        """
        changed = count_withdrawn_rows(self.hashes, learned_from)
        if not changed:
            return 0
        if learned is None:
            return changed if changed > UNKNOWN_SHARE * len(learned_from) else 0
        then = learned.assign(total=learned.groupby("entity")["target"].transform("sum"))
        both = then.merge(self.targets, on=KEY, how="left", suffixes=("", "_now"))
        rise = both["target_now"] - both["target"]
        small = 1e-9 * both["target"].abs().clip(lower=1.0)
        ordinary = (MATERIAL_CHANGE * both["total"].abs()).clip(lower=small)
        fell = rise < -small
        falls = -rise.where(fell & (rise >= -ordinary), 0.0).sum()
        few_fell = isinstance(self.task, ForecastTask) and falls <= MATERIAL_FALLS * both["target"].abs().sum()
        corrected = both["target_now"].isna() | (rise > ordinary) | (fell & ((rise < -ordinary) | (not few_fell)))
        return int(corrected.sum())
