"""Frames by their names, for the annotations of shelf files, which need pandas only where they compute with it.

The type checker takes them for pandas' own; when a shelf is read they are empty classes, and pandas is not loaded.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    Frame = pd.DataFrame
    Series = pd.Series[Any]
else:

    class Frame:
        """A `pandas.DataFrame`."""

    class Series:
        """A `pandas.Series`."""
