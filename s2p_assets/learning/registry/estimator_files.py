"""Fitted scikit-learn estimators as skops files, which are read without running anything stored in them."""

from pathlib import Path
from typing import Any

from s2p_assets.learning.registry.learner_files import ModelDamaged


def write_estimator(file: Path, estimator: Any) -> None:
    import skops.io

    skops.io.dump(estimator, file)


def read_estimator(file: Path, trusted: frozenset[str], holder: str) -> Any:
    """The estimator, if its file holds nothing but types of `trusted` and those that skops trusts itself.

    `holder`: what people call whatever wrote it. Raises ModelDamaged.
    """
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        return skops.io.load(file, trusted=sorted(trusted))
    except UntrustedTypesFoundException as error:
        strangers = ", ".join(sorted(set(skops.io.get_untrusted_types(file=file)) - trusted))
        raise ModelDamaged(f"{file}: holds {strangers}, which no {holder} holds; train the model again") from error
    except Exception as error:  # zip, JSON, numpy and skops each raise their own kinds
        raise ModelDamaged(f"{file}: {type(error).__name__}: {error}; train the model again") from error
