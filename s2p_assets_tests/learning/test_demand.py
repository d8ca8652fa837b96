"""From sales to weekly demand, on frames small enough to check by hand."""

import datetime as dt

import pandas as pd
import pytest

from s2p_assets.learning.forecasting.demand import (
    censored_weeks,
    last_complete_week,
    spread_over_weeks,
    units_since,
    week_of,
    weekly_panel,
    weekly_stock,
)


def days(*texts: str) -> "pd.Series[pd.Timestamp]":
    return pd.Series(pd.to_datetime(list(texts)))


def test_a_week_is_named_by_its_monday() -> None:
    assert week_of(days("2024-01-01", "2024-01-07", "2024-01-08")).dt.strftime("%m-%d").tolist() == [
        "01-01",
        "01-01",
        "01-08",
    ]


@pytest.mark.parametrize(
    ("told", "week"), [("2024-01-06", "2023-12-25"), ("2024-01-07", "2024-01-01"), ("2024-01-08", "2024-01-01")]
)
def test_a_week_is_complete_when_its_sunday_is_told(told: str, week: str) -> None:
    assert last_complete_week(dt.date.fromisoformat(told)) == pd.Timestamp(week)


def test_the_source_that_lags_decides_which_week_is_complete() -> None:
    assert last_complete_week(dt.date(2024, 3, 31), dt.date(2024, 1, 7)) == pd.Timestamp("2024-01-01")


def test_a_period_is_spread_by_days_and_keeps_its_total() -> None:
    periods = pd.DataFrame({"sku": ["A"], "units": [31], "begin": days("2024-01-01"), "end": days("2024-01-31")})
    spread = spread_over_weeks(periods, first="begin", last="end", quantities=["units"])
    assert spread["units"].tolist() == pytest.approx([7, 7, 7, 7, 3])
    assert spread["week"].dt.strftime("%m-%d").tolist() == ["01-01", "01-08", "01-15", "01-22", "01-29"]
    assert set(spread.columns) == {"sku", "units", "week"}


def test_a_period_in_one_week_stays_whole() -> None:
    periods = pd.DataFrame(
        {"units": [5, 8], "begin": days("2024-01-03", "2024-01-07"), "end": days("2024-01-05", "2024-01-07")}
    )
    assert spread_over_weeks(periods, first="begin", last="end", quantities=["units"])["units"].tolist() == [5, 8]


def test_a_period_that_ends_before_it_begins_is_refused() -> None:
    periods = pd.DataFrame({"units": [5], "begin": days("2024-01-05"), "end": days("2024-01-03")})
    with pytest.raises(ValueError, match="1 periods without a day"):
        spread_over_weeks(periods, first="begin", last="end", quantities=["units"])


def test_no_periods_make_no_weeks() -> None:
    periods = pd.DataFrame({"units": [1], "begin": days("2024-01-05"), "end": days("2024-01-05")}).iloc[:0]
    assert spread_over_weeks(periods, first="begin", last="end", quantities=["units"]).empty


def test_weeks_without_sales_are_zero_and_returns_are_netted() -> None:
    weekly = pd.DataFrame(
        {
            "sku": ["A", "A", "A", "B"],
            "week": days("2024-01-01", "2024-01-01", "2024-01-15", "2024-01-22"),
            "units": [5, -2, 4, 1],
        }
    )
    panel = weekly_panel(weekly, key="sku", quantities=["units"], until=dt.date(2024, 1, 22))
    assert panel.loc[panel["sku"] == "A", "units"].tolist() == [3, 0, 4, 0]
    assert panel.loc[panel["sku"] == "B", "units"].tolist() == [1]


def test_a_key_that_begins_later_is_left_out() -> None:
    weekly = pd.DataFrame({"sku": ["A", "B"], "week": days("2024-01-01", "2024-02-05"), "units": [1, 1]})
    panel = weekly_panel(weekly, key="sku", quantities=["units"], until=dt.date(2024, 1, 8))
    assert panel["sku"].tolist() == ["A", "A"]


def flows(*units: float) -> pd.DataFrame:
    weeks = pd.date_range("2024-01-01", periods=len(units), freq="W-MON")
    return pd.DataFrame({"sku": "A", "week": weeks, "flow": list(units)})


def counts(*rows: tuple[str, float]) -> pd.DataFrame:
    return pd.DataFrame(
        {"sku": "A", "day": pd.to_datetime([row[0] for row in rows]), "stock": [row[1] for row in rows]}
    )


def test_stock_is_carried_on_from_the_last_count() -> None:
    stock = weekly_stock(flows(-7, -7, 20, -5), counts(("2024-01-10", 14.0)), key="sku")
    assert stock.isna().tolist() == [True, False, False, False]
    assert stock.iloc[1:].tolist() == pytest.approx([10, 30, 25])


def test_a_later_count_replaces_what_was_carried_on() -> None:
    stock = weekly_stock(flows(-1, -1, -1), counts(("2024-01-07", 10.0), ("2024-01-14", 3.0)), key="sku")
    assert stock.tolist() == [10, 3, 2]


def test_a_week_is_censored_when_a_count_finds_nothing() -> None:
    assert censored_weeks(flows(0, 0, 50), counts(("2024-01-10", 0.0)), key="sku").tolist() == [False, True, True]


def test_a_week_is_censored_when_stock_ran_out_between_counts() -> None:
    found = censored_weeks(flows(-1, -6, -4, 30, -3), counts(("2024-01-07", 10.0)), key="sku")
    assert found.tolist() == [False, False, True, True, False]


def test_nothing_is_censored_where_nothing_was_counted() -> None:
    assert not censored_weeks(flows(-5, -5), counts(), key="sku").any()


def test_units_after_a_day_count_in_part() -> None:
    found = units_since(
        pd.Series([10.0, 10.0, 10.0, 10.0]),
        days("2024-01-01", "2024-01-01", "2024-01-01", "2024-01-11"),
        days("2024-01-10", "2024-01-10", "2024-01-10", "2024-01-20"),
        days("2024-01-04", "2024-01-10", "", "2024-01-04"),
    )
    assert found.tolist() == pytest.approx([6, 0, 0, 10])
