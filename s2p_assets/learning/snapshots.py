"""Features as they were written at the time: what a later delivery says of a case does not reach back to its past.

What was known by moments that the data itself bears is in `point_in_time.py`; where rows are stored is the warehouse's.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd


def keep_snapshots(
    made: pd.DataFrame, stored: pd.DataFrame, *, entity: Sequence[str], event_time: str, columns: Sequence[str]
) -> pd.DataFrame:
    """`made` with the `columns` of each past row as they were told then.

    `stored`: the same features as they were made before, of the same types. A row takes the values of the entity's
    latest stored row that is not later than it, so that a week between two deliveries is told by the one before it. The
    newest moment of all is told as it is now; so is an entity of which nothing was stored by then.
    """
    if stored.empty or made.empty or not columns:
        return made
    both = pd.concat([made[list(entity)], stored[list(entity)]], ignore_index=True)
    codes = both.groupby(list(entity), sort=False, dropna=False).ngroup().to_numpy()
    now, then = (pd.to_datetime(frame[event_time]).to_numpy("datetime64[us]") for frame in (made, stored))
    wanted = pd.DataFrame({"entity": codes[: len(made)], "at": now, "row": np.arange(len(made))})
    known = pd.DataFrame({"entity": codes[len(made) :], "at": then, "stored": np.arange(len(stored))})
    past = wanted[wanted["at"] < now.max()].sort_values("at", kind="stable")
    found = pd.merge_asof(past, known.sort_values("at", kind="stable"), on="at", by="entity").dropna(subset="stored")
    frame = made.reset_index(drop=True).copy()
    rows, places = found["row"].to_numpy(int), found["stored"].to_numpy(int)
    for name in columns:
        values = frame[name].copy()
        values.iloc[rows] = stored[name].iloc[places].to_numpy()
        frame[name] = values.astype(made[name].dtype)
    return frame
