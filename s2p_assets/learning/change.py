"""How much of a history is new since a model learned from it. Whether that is enough is the contest's to say."""

from typing import cast

import numpy as np
import pandas as pd

Fingerprint = np.ndarray[tuple[int], np.dtype[np.uint64]]


def fingerprint(frame: pd.DataFrame) -> Fingerprint:
    """One 64-bit hash per row of `frame`, sorted; equal rows have equal hashes in every process."""
    plain = frame.reindex(columns=sorted(frame.columns)).astype("string[pyarrow]")
    hashes = pd.util.hash_pandas_object(plain, index=False).to_numpy("uint64")
    return cast("Fingerprint", np.sort(hashes))


def rows_not_in(now: Fingerprint, before: Fingerprint) -> int:
    """How many rows of `now` were not in `before`: new rows and changed rows together."""
    return int((~np.isin(now, before)).sum())
