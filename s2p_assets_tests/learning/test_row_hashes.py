"""Promises of the row hashes, by which a model knows what it has learned from."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pyarrow

from s2p_assets.learning.row_hashes import count_new_rows, row_hashes, sorted_row_hashes

PLAIN = pd.DataFrame(
    {
        "sku": ["a", "b", None],
        "week": pd.to_datetime(pd.Series(["2024-01-01", "2024-01-08", None])),
        "units": [1.0, -0.0, np.nan],
        "age": [1.0, 2.0, np.nan],
        "censored": [True, False, True],
    }
)


def test_the_same_rows_in_other_types_and_in_another_order_have_the_same_hashes() -> None:
    days = [dt.date(2024, 1, 1), dt.date(2024, 1, 8), None]
    stored = pd.DataFrame(
        {
            "censored": pd.Series([True, False, True], dtype=pd.ArrowDtype(pyarrow.bool_())),
            "age": pd.array([1, 2, None], dtype="Int64"),
            "units": pd.Series([1.0, 0.0, None], dtype=pd.ArrowDtype(pyarrow.float64())),
            "week": pd.Series(days, dtype=pd.ArrowDtype(pyarrow.date32())),
            "sku": pd.array(["a", "b", None], dtype="string[pyarrow]"),
        }
    )
    assert row_hashes(stored).tolist() == row_hashes(PLAIN).tolist()
    assert sorted_row_hashes(stored.iloc[::-1]).tolist() == sorted_row_hashes(PLAIN).tolist()


def test_every_changed_cell_is_a_changed_row() -> None:
    others: dict[str, Any] = {"sku": "c", "week": pd.Timestamp("2024-02-05"), "units": 9.0, "censored": False}
    for column, value in others.items():
        changed = PLAIN.copy()
        changed.loc[0, column] = value
        assert count_new_rows(sorted_row_hashes(changed), sorted_row_hashes(PLAIN)) == 1
    assert count_new_rows(sorted_row_hashes(PLAIN), sorted_row_hashes(PLAIN)) == 0
