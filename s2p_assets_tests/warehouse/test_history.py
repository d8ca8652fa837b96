"""Versions of records and the version of a day. What products are is tested in `test_retail_tables.py`."""

from typing import Any

import pandas as pd
import pytest

from s2p_assets.warehouse.tables.history import in_force, version_on, versions


def prices(*rows: tuple[str | None, str | None, float | None, str | None]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["sku", "day", "price", "colour"])
    return frame.astype({"sku": "string[pyarrow]", "colour": "string[pyarrow]", "price": float}).assign(
        day=pd.to_datetime(frame["day"])
    )


def history_of(*rows: tuple[str | None, str | None, float | None, str | None]) -> list[list[Any]]:
    """The versions as [sku, price, first day, next version's first day or "", current]."""
    made = versions(prices(*rows), ["sku"], "day", ["price", "colour"])
    for name in ("valid_from", "valid_to"):
        made[name] = made[name].dt.strftime("%m-%d").fillna("")
    return made[["sku", "price", "valid_from", "valid_to", "is_current"]].to_numpy().tolist()


def test_a_version_begins_only_where_something_changes() -> None:
    assert history_of(
        ("A", "2024-01-01", 1.0, "red"), ("A", "2024-02-01", 1.0, "red"), ("A", "2024-03-01", 2.0, "red")
    ) == [
        ["A", 1.0, "01-01", "03-01", False],
        ["A", 2.0, "03-01", "", True],
    ]


def test_a_price_that_comes_back_is_a_new_version() -> None:
    rows = [("A", "2024-01-01", 1.0, "red"), ("A", "2024-02-01", 2.0, "red"), ("A", "2024-03-01", 1.0, "red")]
    assert [row[1] for row in history_of(*rows)] == [1.0, 2.0, 1.0]


def test_versions_do_not_depend_on_the_order_of_rows() -> None:
    rows = [("B", "2024-02-01", 2.0, "red"), ("A", "2024-03-01", 9.0, "red"), ("B", "2024-01-01", 1.0, "red")]
    assert history_of(*rows) == history_of(*reversed(rows))


def test_a_missing_attribute_means_as_before() -> None:
    assert history_of(("A", "2024-01-01", 1.0, "red"), ("A", "2024-02-01", 1.0, None)) == [
        ["A", 1.0, "01-01", "", True]
    ]


def test_an_attribute_that_becomes_known_begins_a_version() -> None:
    assert len(history_of(("A", "2024-01-01", 1.0, None), ("A", "2024-02-01", 1.0, "red"))) == 2


def test_of_two_rows_on_one_day_the_last_counts() -> None:
    assert history_of(("A", "2024-01-01", 1.0, "red"), ("A", "2024-01-01", 3.0, "red")) == [
        ["A", 3.0, "01-01", "", True]
    ]


def test_rows_without_a_key_or_day_are_no_part_of_the_history() -> None:
    assert history_of((None, "2024-01-01", 1.0, "red"), ("A", None, 1.0, "red")) == []


def test_every_record_has_exactly_one_current_version_and_no_gaps() -> None:
    rows = [(sku, f"2024-{month:02d}-01", float(month % 3), "red") for sku in "ABC" for month in range(1, 13)]
    made = versions(prices(*rows), ["sku"], "day", ["price", "colour"])
    assert made.groupby("sku")["is_current"].sum().tolist() == [1, 1, 1]
    following = made.groupby("sku")["valid_from"].shift(-1)
    assert (made["valid_to"].eq(following) | made["is_current"]).all()


def test_a_list_dated_ahead_does_not_hold_yet_and_what_begins_later_stands_as_it_will() -> None:
    history = versions(
        prices(("A", "2024-01-01", 1.0, "red"), ("A", "2024-03-01", 2.0, "red"), ("B", "2024-04-01", 3.0, "red")),
        ["sku"],
        "day",
        ["price"],
    )
    assert version_on(history, ["sku"], pd.Timestamp("2024-02-29"))["price"].tolist() == [1.0, 3.0]
    assert version_on(history, ["sku"], pd.Timestamp("2024-03-01"))["price"].tolist() == [2.0, 3.0]
    assert version_on(history, ["sku"], None)["price"].tolist() == [2.0, 3.0]


@pytest.mark.parametrize(
    ("day", "price"), [("2023-12-31", None), ("2024-01-01", 1.0), ("2024-02-29", 1.0), ("2024-03-01", 2.0)]
)
def test_a_day_is_answered_with_the_version_then_valid(day: str, price: float | None) -> None:
    history = versions(
        prices(("A", "2024-01-01", 1.0, "red"), ("A", "2024-03-01", 2.0, "red")), ["sku"], "day", ["price"]
    )
    asked = pd.DataFrame({"sku": ["A"], "on": pd.to_datetime([day])}, index=[7])
    found = in_force(asked, history, ["sku"], "on", ["price"])["price"]
    assert found.index.tolist() == [7]
    assert (None if pd.isna(found.loc[7]) else found.loc[7]) == price
    earlier = asked.assign(on=asked["on"] - pd.Timedelta(days=3))
    pd.testing.assert_series_equal(in_force(earlier, history, ["sku"], "on", ["price"], plus_days=3)["price"], found)
