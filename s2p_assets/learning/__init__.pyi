from .classification import models as classifiers
from .forecasting import models as forecasters

__all__ = ["classifiers", "forecasters"]
