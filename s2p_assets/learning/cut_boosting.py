"""scikit-learn's histogram boosting on values that are cut into whole numbers already: it need not cut them again.

A third of a fit's time went to that. What is fitted, and on which cuts, belongs to the models.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingRegressor

MOST_CUTS = 255


def cut_regressor(**parameters: Any) -> "HistGradientBoostingRegressor":
    """A HistGradientBoostingRegressor for rows of whole numbers from 0 to 254, NaN where missing: the same trees.

    scikit-learn's own places are between any two values that it sees, which is where these are too.
    """
    made: HistGradientBoostingRegressor = _kind()(**parameters)
    return made


@cache
def _kind() -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    class CutRegressor(HistGradientBoostingRegressor):
        """Its `_bin_data` is no public method; where a version calls it otherwise, its own does the work."""

        def _bin_data(self, X: Any, sample_weight: Any, is_training_data: bool) -> Any:  # noqa: N803  scikit-learn's name
            if not is_training_data or X.dtype.kind != "f":
                return super()._bin_data(X, sample_weight, is_training_data)
            return _binned(self._bin_mapper, X)

    return CutRegressor


def _binned(mapper: Any, rows: Any) -> Any:
    """`rows` by the places of their values among those seen, and a mapper that knows these places."""
    missing = np.isnan(rows)
    cells = np.where(missing, 0, rows).astype(np.uint8)
    binned = np.empty(rows.shape, dtype=np.uint8, order="F")
    mapper.missing_values_bin_idx_ = mapper.n_bins - 1
    mapper.bin_thresholds_, counts = [], []
    for at in range(rows.shape[1]):
        there = ~missing[:, at]
        seen = np.flatnonzero(np.bincount(cells[there, at], minlength=1))
        place = np.zeros(MOST_CUTS + 1, dtype=np.uint8)
        place[seen] = np.arange(len(seen))
        binned[:, at] = np.where(there, place[cells[:, at]], mapper.missing_values_bin_idx_)
        mapper.bin_thresholds_.append((seen[:-1] + seen[1:]) * 0.5)
        counts.append(max(len(seen), 1))
    mapper.is_categorical_ = np.zeros(rows.shape[1], dtype=np.uint8)
    mapper.n_bins_non_missing_ = np.array(counts, dtype=np.uint32)
    return binned
