"""Fields of events as cells: those of one kind are read at once, and as those of several kinds are."""

from typing import Any

import pytest

from s2p_assets.spreadsheet import event_rows
from s2p_assets.streams.retail_web_orders import web_orders

COLUMNS = {column.name: column for column in web_orders.columns}


@pytest.mark.parametrize("name", ["order_no", "quantity", "unit_price"])
@pytest.mark.parametrize(
    "given",
    [["a", "1.5", ""], [0, -7, 10**18], [0.1, 10.0, 1e16, 1e-7, float("nan")]],
    ids=["texts", "whole", "broken"],
)
def test_fields_of_one_kind_are_the_cells_that_each_would_be(name: str, given: list[Any]) -> None:
    column = COLUMNS[name]
    at_once = event_rows._plain_cells(given, type(given[0]), column)
    one_by_one, present, wrong = event_rows._cells(given, column)
    assert at_once.texts.to_pylist() == one_by_one.texts.to_pylist()
    assert at_once.kinds.tolist() == one_by_one.kinds.tolist()
    assert (present.tolist(), wrong) == ([*range(len(given))], {})
