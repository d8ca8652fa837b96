"""Promises about histories: no gaps, no doubles, no future in an estimate."""

from collections.abc import Callable

import pandas as pd
import pytest

from s2p_assets.learning.forecasting.series import (
    TooLittleHistory,
    UnusableHistory,
    panel,
    regular_history,
    uncensor,
    values_by_row,
)
from s2p_assets_tests.learning.histories import WEEKLY, odd, weekly


def test_a_week_without_a_row_is_a_week_without_demand() -> None:
    rows = weekly({"a": [1, 2, 3, 4], "b": [5, 6, 7, 8]}).drop([1, 2, 7])
    assert regular_history(rows, WEEKLY)["units"].tolist() == [1, 0, 0, 4, 5, 6, 7, 0]


def test_a_series_begins_with_its_first_row_and_ends_with_the_last_of_all() -> None:
    rows = weekly({"a": [1, 2, 3, 4], "b": [5, 6, 7, 8]}).drop([0, 1, 7])
    filled = regular_history(rows.sample(frac=1, random_state=1), WEEKLY)
    assert filled.groupby("sku")["week"].count().to_dict() == {"a": 2, "b": 4}
    assert filled["censored"].dtype == bool


def test_more_returns_than_sales_are_no_demand() -> None:
    assert regular_history(weekly({"a": [-3, 2]}), WEEKLY)["units"].tolist() == [0, 2]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda rows: pd.concat([rows, rows.tail(1)]), "sku a, 2023-01-16 stands twice"),
        (lambda rows: rows.assign(units=[1.0, None, 2.0]), "1 rows of the history have no units"),
        (lambda rows: rows.assign(units=[1.0, float("inf"), 2.0]), "infinite units"),
        (lambda rows: rows.assign(week=rows["week"] + pd.to_timedelta([0, 1, 0], unit="D")), "2023-01-10 does not lie"),
        (lambda rows: rows.drop(columns="censored"), "no column censored"),
    ],
)
def test_a_history_that_breaks_its_terms_is_refused_in_one_line(
    damage: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    with pytest.raises(UnusableHistory, match=message) as refused:
        regular_history(damage(weekly({"a": [1, 2, 3]})), WEEKLY)
    assert "\n" not in str(refused.value)


def test_an_empty_history_says_so() -> None:
    with pytest.raises(TooLittleHistory, match="no rows"):
        regular_history(weekly({"a": [1]}).head(0), WEEKLY)


def test_a_stock_out_counts_as_the_usual_demand_before_it_and_never_below_what_was_sold() -> None:
    rows = weekly({"a": [4, 6, 1, 9, 2, 100], "b": [1, 5, 5, 5, 5, 5]})
    rows["censored"] = [False, False, True, True, False, False, True, False, False, False, False, False]
    assert uncensor(rows, WEEKLY)["units"].tolist() == [4, 6, 5, 9, 2, 100, 1, 5, 5, 5, 5, 5]


def test_a_matrix_goes_back_to_the_rows_it_came_from() -> None:
    rows = regular_history(odd(), WEEKLY)
    assert values_by_row(panel(rows, WEEKLY).values, rows, WEEKLY).tolist() == rows["units"].tolist()


def test_a_date_years_after_all_others_is_named() -> None:
    rows = pd.concat([weekly({"a": [1, 2, 3]}), weekly({"b": [4]}, start="2062-01-02")])
    with pytest.raises(UnusableHistory, match="no row between 2023-01-16 and 2062-01-02; correct the week"):
        regular_history(rows, WEEKLY)


def test_rows_after_the_last_target_tell_what_is_known_and_are_no_demand() -> None:
    rows = weekly({"a": [1, 2, 3, 4]})
    rows.loc[3, "units"] = float("nan")
    filled = regular_history(rows, WEEKLY)
    assert filled["units"].isna().tolist() == [False, False, False, True]
    assert len(panel(filled, WEEKLY).times) == 3
