"""Features as plain matrices: each category in a column, numbers filled and scaled or as they are.

Which columns are features is for `cases.py`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from s2p_assets.learning.classification.cases import FeatureColumns
from s2p_assets.learning.forecasting.series import Matrix

FEWEST_OF_A_CATEGORY = 20
MISSING = ""
"""How a missing text is kept among the categories: no cell holds an empty one."""


@dataclass(frozen=True)
class Scaling:
    """Numbers on one scale: missing ones filled with `fills`, a column for each of those in `indicated` that says so.

    `means`, `deviations`: of the columns then, which are taken off and divided by.
    """

    fills: tuple[float, ...]
    indicated: tuple[int, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]

    def apply(self, numbers: Matrix) -> Matrix:
        missing = np.isnan(numbers)
        filled = np.where(missing, np.array(self.fills), numbers)
        return np.asarray((np.hstack([filled, missing[:, list(self.indicated)]]) - self.means) / self.deviations)


@dataclass(frozen=True)
class Encoding:
    """How the features of a case become a row of numbers.

    `scaling`: None for trees, to which a missing number is a value of its own. `categories`: of each text the values
    with a column of their own; `shared`: whether the others, rare or never seen, share one more column.
    """

    features: FeatureColumns
    scaling: Scaling | None
    categories: tuple[tuple[str, ...], ...]
    shared: tuple[bool, ...]

    @property
    def width(self) -> int:
        numbers = len(self.scaling.means) if self.scaling else len(self.features.numbers)
        return numbers + sum(map(len, self.categories)) + sum(self.shared)

    def apply(self, cases: pd.DataFrame) -> Matrix:
        """(cases × width) of the features of `cases`."""
        numbers = _numbers(cases, self.features)
        parts = [self.scaling.apply(numbers) if self.scaling else numbers]
        for name, known, shared in zip(self.features.categories, self.categories, self.shared, strict=True):
            place = pd.Index(known, dtype=object).get_indexer(pd.Index(_texts(cases, name)))
            place = np.where(place < 0, len(known), place)
            parts.append(np.eye(len(known) + 1)[place][:, : len(known) + shared])
        return np.hstack(parts)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def encoding_of_json(plain: Mapping[str, Any]) -> Encoding:
    """The reverse of `Encoding.as_json`, also after JSON. Raises KeyError, TypeError or ValueError when it is none."""
    features = FeatureColumns(*(tuple(map(str, plain["features"][part])) for part in ("numbers", "categories")))
    scaling = _scaling_of_json(plain["scaling"]) if plain["scaling"] else None
    categories = tuple(tuple(map(str, known)) for known in plain["categories"])
    found = Encoding(features, scaling, categories, tuple(map(bool, plain["shared"])))
    of_numbers = len(features.numbers)
    if not len(features.categories) == len(categories) == len(found.shared):
        raise ValueError("its categories are not those of its features")
    if scaling and not (
        len(scaling.fills) == of_numbers
        and len(scaling.means) == len(scaling.deviations) == of_numbers + len(scaling.indicated)
        and all(0 <= place < of_numbers for place in scaling.indicated)
    ):
        raise ValueError("its scales are not those of its features")
    return found


def _scaling_of_json(plain: Mapping[str, Any]) -> Scaling:
    fills, means, deviations = (tuple(map(float, plain[part])) for part in ("fills", "means", "deviations"))
    return Scaling(fills, tuple(map(int, plain["indicated"])), means, deviations)


def scaled(features: FeatureColumns, cases: pd.DataFrame) -> Encoding:
    """For linear models: missing numbers filled by the median, with a column that says so, and all of one scale."""
    numbers = _numbers(cases, features)
    fills = tuple(np.nanmedian(numbers, axis=0).tolist())
    indicated = tuple(np.flatnonzero(np.isnan(numbers).any(axis=0)).tolist())
    plain = Scaling(fills, indicated, (0.0,) * (len(fills) + len(indicated)), (1.0,) * (len(fills) + len(indicated)))
    filled = plain.apply(numbers)
    deviations = filled.std(axis=0)
    constant = deviations <= 10 * np.finfo(float).eps * np.abs(filled).max(axis=0, initial=0.0)
    scaling = Scaling(
        fills, indicated, tuple(filled.mean(axis=0).tolist()), tuple(np.where(constant, 1.0, deviations).tolist())
    )
    return _encoding(features, cases, scaling)


def unscaled(features: FeatureColumns, cases: pd.DataFrame) -> Encoding:
    """For trees, to which a missing number is a value of its own."""
    return _encoding(features, cases, None)


def _encoding(features: FeatureColumns, cases: pd.DataFrame, scaling: Scaling | None) -> Encoding:
    categories, shared = [], []
    for name in features.categories:
        counts = pd.Series(_texts(cases, name)).value_counts()
        own = counts[counts >= FEWEST_OF_A_CATEGORY].index
        categories.append(tuple(sorted(own)))
        shared.append(len(own) < len(counts))
    return Encoding(features, scaling, tuple(categories), tuple(shared))


def _numbers(cases: pd.DataFrame, features: FeatureColumns) -> Matrix:
    columns = [cases[name].to_numpy("float64", na_value=np.nan) for name in features.numbers]
    return np.column_stack(columns) if columns else np.empty((len(cases), 0))


def _texts(cases: pd.DataFrame, name: str) -> "np.ndarray[tuple[int, ...], np.dtype[np.object_]]":
    return cases[name].astype("string").fillna(MISSING).to_numpy(object)
