"""What is known of a deal on a day of its life, and that nothing of its end or of any later day is in it."""

import datetime as dt

import pandas as pd
import pytest

from s2p_assets.contracts.columns import column_names
from s2p_assets.contracts.derivation import NotYet
from s2p_assets.contracts.validation import conform, declaration_violations
from s2p_assets.features.crm_deal_features import DealFeatures, deal_features
from s2p_assets.samples.crm_company import SalesDepartment, simulate_sales_department

UNTIL = dt.date(2026, 3, 31)
OUTCOME = ["won", "decided_on"]


@pytest.fixture(scope="module")
def department() -> SalesDepartment:
    return simulate_sales_department(until=UNTIL, deals=300, seed=3)


def features(department: SalesDepartment, deals: pd.DataFrame | None = None) -> pd.DataFrame:
    opportunities = department.opportunities if deals is None else deals
    return deal_features.build(opportunities, department.accounts, department.products, department.sales_teams)


@pytest.fixture(scope="module")
def rows(department: SalesDepartment) -> pd.DataFrame:
    return features(department)


def test_the_rows_are_as_declared(rows: pd.DataFrame) -> None:
    assert declaration_violations(conform(rows, DealFeatures), DealFeatures) == []
    assert not rows.duplicated(["opportunity_id", "as_of"]).any()


def test_a_closed_deal_has_a_row_for_every_week_that_it_was_open(
    rows: pd.DataFrame, department: SalesDepartment
) -> None:
    lived = rows[rows["won"].notna()]
    assert (lived["as_of"] < lived["decided_on"]).all()
    assert (lived["age_days"] % 7 == 0).all()
    closed = department.opportunities.dropna(subset="close_date").set_index("opportunity_id")
    weeks = -(-(closed["close_date"] - closed["engage_date"]).dt.days // 7)
    assert lived.groupby("opportunity_id").size().sort_index().tolist() == weeks.sort_index().tolist()


def test_an_open_deal_has_one_row_of_the_last_day_that_is_known(
    rows: pd.DataFrame, department: SalesDepartment
) -> None:
    waiting = rows[rows["won"].isna()]
    still_open = department.opportunities[department.opportunities["close_date"].isna()]
    assert sorted(waiting["opportunity_id"]) == sorted(still_open["opportunity_id"])
    last = department.opportunities[["engage_date", "close_date"]].max().max()
    assert set(waiting["as_of"]) == {last + pd.Timedelta(days=1)}
    assert set(waiting["stage"]) == {"Prospecting", "Engaging"}
    assert waiting.loc[waiting["stage"] == "Prospecting", "age_days"].isna().all()


@pytest.mark.parametrize("deal", [40, 150, 280])
def test_win_rates_count_only_deals_that_ended_before_that_morning(
    rows: pd.DataFrame, department: SalesDepartment, deal: int
) -> None:
    row = rows.iloc[deal]
    ended = department.opportunities[department.opportunities["close_date"] < row["as_of"]]
    for by in ("agent", "product", "account"):
        column = {"agent": "sales_agent"}.get(by, by)
        same = ended[ended[column] == row[column]]
        assert row[f"{by}_closed"] == len(same)
        assert row[f"{by}_win_rate"] == pytest.approx((same["deal_stage"] == "Won").mean(), nan_ok=True)
    begun = department.opportunities[department.opportunities["engage_date"] < row["as_of"]]
    unended = begun[~(begun["close_date"] < row["as_of"])]
    assert row["agent_open"] == (unended["sales_agent"] == row["sales_agent"]).sum()


def test_whatever_happens_later_changes_nothing_that_was_known(rows: pd.DataFrame, department: SalesDepartment) -> None:
    """The future is shifted: all that ends after a day ends otherwise, later, and for another price."""
    day = pd.Timestamp("2025-10-06")
    deals = department.opportunities
    later = deals["close_date"] >= day
    shifted = deals.assign(
        deal_stage=deals["deal_stage"].mask(later, deals["deal_stage"].map({"Won": "Lost", "Lost": "Won"})),
        close_date=deals["close_date"].mask(later, deals["close_date"] + pd.Timedelta(days=30)),
        close_value=deals["close_value"].mask(later, 1e9),
    )
    key = ["opportunity_id", "as_of"]
    before, after = (
        frame[frame["as_of"] <= day].drop(columns=OUTCOME).set_index(key).sort_index()
        for frame in (rows, features(department, shifted))
    )
    pd.testing.assert_frame_equal(before, after.loc[before.index])
    assert len(before) > 500


def test_neither_the_value_nor_the_day_of_the_end_is_a_feature() -> None:
    assert not {"close_value", "close_date", "deal_stage"} & set(column_names(DealFeatures))


def test_before_any_deal_has_ended_there_is_nothing_to_learn_from(department: SalesDepartment) -> None:
    with pytest.raises(NotYet):
        features(department, department.opportunities.assign(close_date=pd.Timestamp("NaT")))
