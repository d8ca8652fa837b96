"""Fields of events as cells: those of one kind are read at once, and as those of several kinds are."""

from typing import Any

import pytest

from s2p_assets import Code, Date, Frame, Number, Push, Row, Series, Stream, column, row_rule
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


class Deal(Row):
    """One deal of a stream."""

    deal: Code = column("deal", description="deal", width=4)
    began: Date = column("began", description="its first day", nullable=True, formats=("%Y-%m-%d",))
    value: Number = column("value", description="what it brought", nullable=True)

    @row_rule("a deal with a value has its first day", at="began")
    def valued_deals_began(cls, rows: Frame) -> Series:
        return rows["value"].isna() | rows["began"].notna()


DEALS = Stream(rows=Deal, source=Push(), owner="deals@example.org", key=("deal",))


@pytest.mark.parametrize(
    ("began", "value", "found"),
    [("soon", 3, ["formats"]), (None, 3, ["row_rule"]), (None, "many", ["type"])],
)
def test_a_field_that_cannot_be_read_is_not_told_again_as_absent(began: Any, value: Any, found: list[str]) -> None:
    judged = event_rows.judge_events([{"deal": "D1", "began": began, "value": value}], [("push-0", 0)], DEALS)
    assert [one.rule for one in judged.findings[0]] == found
