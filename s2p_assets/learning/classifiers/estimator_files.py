"""Fitted scikit-learn estimators as skops files, which are read without running anything stored in them."""

from pathlib import Path
from typing import Any

from s2p_assets.learning.plain_files import ModelDamaged

FILE = "estimator.skops"
TRUSTED_TYPES = frozenset(
    {
        "numpy.dtype",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.tree._tree.Tree",
    }
)


def write_estimator(folder: Path, estimator: Any) -> None:
    import skops.io

    skops.io.dump(estimator, folder / FILE)


def read_estimator(folder: Path) -> Any:
    """The estimator, if its file holds nothing but types of TRUSTED_TYPES and those that skops trusts itself.

    Raises ModelDamaged.
    """
    import skops.io

    file = folder / FILE
    try:
        strangers = sorted(set(skops.io.get_untrusted_types(file=file)) - TRUSTED_TYPES)
        if strangers:
            raise ModelDamaged(f"{file}: holds {', '.join(strangers)}, which no classifier holds; train it again")
        return skops.io.load(file, trusted=sorted(TRUSTED_TYPES))
    except ModelDamaged:
        raise
    except Exception as error:  # zip, JSON, numpy and skops each raise their own kinds
        raise ModelDamaged(f"{file}: {type(error).__name__}: {error}; train the model again") from error
