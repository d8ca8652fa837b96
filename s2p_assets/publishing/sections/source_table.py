"""A stored table as section builders take it: its rows, and the name by which numbers made from them are traced.

How a number is walked back to its cells belongs to the warehouse.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from s2p_assets.publishing.report import Basis, How


@dataclass(frozen=True)
class SourceTable:
    """Rows of a stored table, perhaps selected or with further columns.

    `name`: the table's name, as a report's parameter has it (`demand`, or `retail__demand` of another domain).
    """

    name: str
    rows: pd.DataFrame

    def basis(self, column: str, where: Mapping[str, Any] | None = None, how: How = "sum") -> Basis:
        """Where a number was made from: a column of this table, in the rows that have the values of `where`."""
        return Basis(f"{self.name}.{column}", where or {}, how)
