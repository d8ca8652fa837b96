"""Promises of the letter on data quality: every file is told of, also when nothing but bad ones came in."""

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from s2p_assets.contracts.derivation import NotYet
from s2p_assets.contracts.report import Document
from s2p_assets.reports.retail_data_quality import data_quality
from s2p_assets.warehouse.tables import store
from s2p_assets_tests.retail_home import Company, sales

pytestmark = pytest.mark.long


def deliveries(company: Company) -> pd.DataFrame:
    (declared,) = (table for table in company.graph.ctx.catalog.delivery_tables if table.domain == "retail")
    with company.graph.ctx.warehouse.connect() as connection:
        return store.read_rows(connection, declared.domain, declared.name, declared.columns)


def row_of(company: Company, path: str) -> pd.Series:
    rows = deliveries(company).query("path == @path").sort_values("version")
    return rows.iloc[-1]


def table(document: Document, title: str) -> pd.DataFrame:
    frame = next(section.frame for section in document.sections if section.title == title)
    assert frame is not None
    return frame


def spoilt(file: Path) -> Path:
    """A sales workbook whose only row cannot be read."""
    sales(file, 1)
    book = openpyxl.load_workbook(file)
    book.worksheets[0]["B2"] = "a few"
    book.save(file)
    return file


def test_every_file_of_the_share_is_told_of_once(company: Company) -> None:
    rows = deliveries(company)
    now = rows[rows["status"] == "current"]
    lying = {
        str(file.relative_to(company.settings.share))
        for file in company.settings.share.rglob("*.*")
        if file.suffix in (".xlsx", ".xls", ".csv")
        and not str(file.relative_to(company.settings.share)).startswith("s2p-")
    }
    assert sorted(now["path"]) == sorted(lying)
    assert (rows["rows_read"] == rows["rows_accepted"] + rows["rows_returned"]).all()


def test_what_was_sent_back_is_open_with_its_owner_and_its_first_problem(company: Company) -> None:
    still_open = table(data_quality.build(deliveries(company)), "Still open")
    assert len(still_open) == 5
    assert still_open["owner"].notna().all()
    draft = still_open.set_index("path").loc["prices/New prices (draft).xlsx"]
    assert (draft["owner"], draft["problem"]) == ("purchasing@example.com", "Prices › E8: 'n/a' is not an MSRP")
    assert list(table(data_quality.build(deliveries(company)), "Files nobody claims")["path"]) == [
        "Warehouse rota.xlsx"
    ]


def test_it_is_made_again_for_a_returned_file_that_changes_no_table_and_not_for_nothing(company: Company) -> None:
    file = spoilt(company.settings.share / "sales/retail/spoilt.xlsx")
    made = company.made()
    assert "retail/data_quality" in made
    assert "retail/demand" not in made
    assert row_of(company, "sales/retail/spoilt.xlsx")["is_open"]
    assert company.made() == []
    sales(file, 3)
    company.run()
    mended = row_of(company, "sales/retail/spoilt.xlsx")
    assert mended[["version", "verdict", "is_open"]].tolist() == [2, "accepted", False]


def test_a_file_taken_away_and_a_file_nobody_claims_are_news_too(company: Company) -> None:
    file = spoilt(company.settings.share / "sales/retail/to be taken away.xlsx")
    company.run()
    file.unlink()
    nobodys = sales(company.settings.share / "holiday plan.xlsx", 1)
    assert "retail/data_quality" in company.made()
    assert row_of(company, "sales/retail/to be taken away.xlsx")["status"] == "gone"
    assert row_of(company, "holiday plan.xlsx")["verdict"] == "unclaimed"
    nobodys.unlink()
    assert company.made() == ["retail/data_quality", "retail/deliveries"]


def test_nothing_but_bad_files_make_an_edition_and_none_at_all_make_none(company: Company) -> None:
    rows = deliveries(company)
    document = data_quality.build(rows[rows["verdict"] == "returned"])
    assert "wait to be corrected" in document.headline
    unread = data_quality.build(rows[(rows["verdict"] == "returned") & (rows["rows_read"] == 0)])
    assert "of their rows" not in unread.headline
    with pytest.raises(NotYet, match="nobody claims the 1 file on the share"):
        data_quality.build(rows[rows["verdict"] == "unclaimed"])


def test_a_kind_that_is_later_than_usual_is_marked(company: Company) -> None:
    rows = deliveries(company)
    receipts = (rows["workbook"] == "retail_receipts") & (rows["verdict"] == "accepted")
    days = pd.Timestamp("2026-01-01") + pd.to_timedelta(7 * receipts.astype(int).cumsum(), unit="D")
    aged = rows.assign(saved_at=rows["saved_at"].mask(receipts, days))
    fresh = table(data_quality.build(aged), "How fresh each kind of workbook is").iloc[0]
    assert (fresh["kind"], fresh["usual_days"]) == ("Receipts", 7.0)
    assert fresh["late_days"] == fresh["days_since"] - 7
