"""The encoder that s2p 0.1.0 fitted with scikit-learn, as it was stored, made a plain `Encoding`.

How features are encoded now is in `encoding.py`.
"""

from collections.abc import Sequence
from typing import Any

from s2p_assets.learning.classification.cases import FeatureColumns
from s2p_assets.learning.classification.models.encoding import MISSING, Encoding, Scaling


def encoding_of_pipeline(encoder: Any) -> Encoding:
    """Of a fitted ColumnTransformer, or of an object with its attributes: numbers first, then one-hot categories.

    Raises AttributeError, TypeError or ValueError when it is none of ours.
    """
    (_, numbers, names_of_numbers), (_, categories, names_of_texts), *_ = encoder.transformers_
    features = FeatureColumns(tuple(names_of_numbers), tuple(names_of_texts))
    known = [_own_columns(categories, place) for place in range(len(features.categories))]
    return Encoding(features, _scaling(numbers), tuple(own for own, _ in known), tuple(shared for _, shared in known))


def _scaling(numbers: Any) -> Scaling | None:
    """None where numbers are passed through."""
    if not hasattr(numbers, "steps"):
        return None
    (_, imputer), (_, scaler) = numbers.steps
    return Scaling(
        tuple(imputer.statistics_.tolist()),
        tuple(imputer.indicator_.features_.tolist()),
        tuple(scaler.mean_.tolist()),
        tuple(scaler.scale_.tolist()),
    )


def _own_columns(encoder: Any, place: int) -> tuple[tuple[str, ...], bool]:
    """The values of a text that have a column of their own, and whether the others share one."""
    values: Sequence[Any] = list(encoder.categories_[place])
    rare = encoder._infrequent_indices[place]
    shared = {int(one) for one in ([] if rare is None else rare)}
    own = tuple(MISSING if value is None else str(value) for at, value in enumerate(values) if at not in shared)
    return own, bool(shared)
