"""That what a later delivery says of a case does not reach back to the weeks that were told before it."""

import datetime as dt
from pathlib import Path

import pandas as pd
import psycopg

from s2p_assets.features.crm_deal_features import deal_features
from s2p_assets.learning.snapshots import keep_snapshots
from s2p_assets.samples.crm_company import simulate_sales_department
from s2p_assets.services.features import build_or_reuse_features
from s2p_assets.settings import Settings
from s2p_assets.warehouse.tables import store
from s2p_assets.warehouse.warehouse import Warehouse


def told(*rows: tuple[str, str, str | None]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["deal", "week", "account"])
    return frame.assign(week=pd.to_datetime(frame["week"]), account=frame["account"].astype("string"))


def kept(made: pd.DataFrame, stored: pd.DataFrame) -> list[str | None]:
    found = keep_snapshots(made, stored, entity=("deal",), event_time="week", columns=("account",))
    return [None if pd.isna(value) else str(value) for value in found["account"]]


def test_an_account_that_is_filled_in_at_the_end_is_none_of_the_first_weeks() -> None:
    before = told(("A", "2026-01-05", None), ("A", "2026-01-12", None), ("B", "2026-01-05", "Alder"))
    now = told(
        ("A", "2026-01-05", "Cedar"),
        ("A", "2026-01-12", "Cedar"),
        ("A", "2026-01-19", "Cedar"),
        ("A", "2026-01-26", "Cedar"),
        ("B", "2026-01-05", "Alder"),
        ("B", "2026-01-12", "Birch"),
        ("C", "2026-01-19", "Dune"),
    )
    assert kept(now, before) == [None, None, None, "Cedar", "Alder", "Alder", "Dune"]


def test_the_first_delivery_of_all_is_taken_as_it_is() -> None:
    now = told(("A", "2026-01-05", "Cedar"), ("A", "2026-01-12", "Cedar"))
    assert kept(now, now.iloc[:0]) == ["Cedar", "Cedar"]
    assert kept(now, told(("Z", "2025-01-05", None))) == ["Cedar", "Cedar"]


def test_the_crm_keeps_what_it_knew_of_an_account() -> None:
    assert "account" in deal_features.snapshots
    assert set(deal_features.snapshots) <= {column.name for column in deal_features.columns}


def test_features_that_are_made_again_tell_past_weeks_as_they_were_told(
    conn: psycopg.Connection, empty_database_url: str, tmp_path: Path
) -> None:
    warehouse = Warehouse(Settings(home=tmp_path, database_url=empty_database_url))
    company = vars(simulate_sales_department(until=dt.date(2026, 3, 31), deals=240, seed=3))
    deals = company["opportunities"]
    unknown = deals["account"].isna() & deals["engage_date"].notna()
    first = build_or_reuse_features(warehouse, deal_features, company)
    store.replace_table(conn, deal_features, first.frame)
    closed = deals.assign(
        account=deals["account"].mask(unknown, "Alder Works"),
        deal_stage=deals["deal_stage"].mask(unknown, "Won"),
        close_date=deals["close_date"].mask(unknown, pd.Timestamp("2026-04-30")),
    )
    second = build_or_reuse_features(warehouse, deal_features, company | {"opportunities": closed}).frame
    of_these = second[second["opportunity_id"].isin(deals.loc[unknown, "opportunity_id"])]
    begun = pd.to_datetime(of_these["as_of"]) >= pd.Timestamp("2026-04-01")
    assert unknown.sum() > 3
    assert of_these.loc[begun, "account"].isna().all(), "weeks since are told by the delivery before them"
    assert second["account"].notna().any()
