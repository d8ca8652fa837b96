"""The sample share drive: everything on it loads to the last unit, except exactly what was planted."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow
import pytest

from s2p_assets.catalog.paths import matching_contracts
from s2p_assets.catalog.shelves import read_shelf
from s2p_assets.contracts.findings import ReadResult
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.samples.retail_company import Company, simulate_company
from s2p_assets.samples.retail_share import (
    CONTAINER,
    MISTAKES,
    NEW_PRICES,
    POPUP,
    RECOUNT,
    ROTA,
    WEBSHOP,
    share_files,
    write_share,
)
from s2p_assets.spreadsheet.sandbox import Sandbox

UNTIL = dt.date(2025, 10, 31)
SKUS = 24
RETAIL = tuple(
    book for book in read_shelf(["s2p_assets"], "workbooks", Workbook).items.values() if book.domain == "retail"
)


@dataclass(frozen=True)
class Share:
    folder: Path
    readings: dict[str, ReadResult]

    def loaded(self, name: str) -> pd.DataFrame:
        """All accepted rows of a workbook, of all files."""
        tables = [
            read.rows for read in self.readings.values() if read.workbook == f"retail_{name}" and read.rows is not None
        ]
        return pyarrow.concat_tables(tables).to_pandas()


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Share]:
    folder = tmp_path_factory.mktemp("share")
    written = [path.relative_to(folder).as_posix() for path in write_share(folder, until=UNTIL, skus=SKUS)]
    with Sandbox(seconds=60, memory_mb=2048) as sandbox:
        yield Share(
            folder,
            {
                path: sandbox.read(folder / path, matching_contracts(path, RETAIL), display_name=path)
                for path in written
            },
        )


@pytest.fixture(scope="module")
def company() -> Company:
    return simulate_company(until=UNTIL, skus=SKUS)


def test_every_file_without_a_planted_fault_is_accepted(share: Share) -> None:
    at_fault = {path for path, reading in share.readings.items() if reading.verdict != "accepted"}
    assert at_fault == {planted.path for planted in MISTAKES}


def test_the_planted_cells_are_found_and_no_others(share: Share) -> None:
    found = {
        (path, finding.sheet, finding.cell)
        for path, reading in share.readings.items()
        for finding in reading.findings
        if finding.severity == "reject" and finding.cell
    }
    assert found == {planted[:3] for planted in MISTAKES if planted.cell}


def test_files_that_cannot_be_read_or_claimed_say_so(share: Share) -> None:
    assert "copied" in (share.readings[CONTAINER].error or "")
    assert [finding.rule for finding in share.readings[ROTA].findings] == ["unclaimed"]
    assert matching_contracts(ROTA, RETAIL) == ()


def test_the_webshop_loads_but_for_its_two_bad_lines(share: Share) -> None:
    reading = share.readings[WEBSHOP]
    assert (reading.verdict, reading.rows_returned) == ("partly", 2)
    assert {share.readings[path].verdict for path in (NEW_PRICES, POPUP, RECOUNT)} == {"returned"}


@pytest.mark.parametrize(
    ("name", "amounts"),
    [
        ("price_list", ["msrp", "t2_cost", "item_cost"]),
        ("wholesale_sales", ["quantity", "unit_price", "item_cost"]),
        ("retail_sales", ["quantity"]),
        ("receipts", ["quantity", "cost"]),
        ("inventory", ["in_building", "transship", "usable_supply_incl", "usable_supply_excl", "on_order"]),
    ],
)
def test_what_is_loaded_is_what_happened(share: Share, company: Company, name: str, amounts: list[str]) -> None:
    happened, loaded = getattr(company, name), share.loaded(name)
    assert len(loaded) == len(happened)
    for amount in amounts:
        by_sku = happened.groupby("sku")[amount].sum()
        assert loaded.groupby("sku")[amount].sum().astype(float).sub(by_sku).abs().max() < 0.001, amount


@pytest.mark.parametrize(
    ("name", "day"),
    [("price_list", "effective_date"), ("wholesale_sales", "ship_date"), ("retail_sales", "to_date"),
     ("receipts", "receive_date"), ("inventory", "count_date")],
)  # fmt: skip
def test_every_day_is_read_as_it_was_meant(share: Share, company: Company, name: str, day: str) -> None:
    happened = getattr(company, name)[day].dt.date.value_counts().sort_index()
    assert share.loaded(name)[day].value_counts().sort_index().to_dict() == happened.to_dict()


def test_stock_is_what_came_in_less_what_went_out(company: Company) -> None:
    counted = company.inventory[company.inventory["count_date"] == pd.Timestamp(UNTIL)].set_index("sku")[
        "usable_supply_incl"
    ]
    first = company.inventory["count_date"].min()
    start = company.inventory[company.inventory["count_date"] == first].set_index("sku")["usable_supply_incl"]
    moved = pd.Series(0, index=company.products["sku"])
    for frame, day, sign in (
        (company.receipts, "receive_date", 1),
        (company.wholesale_sales, "ship_date", -1),
        (company.retail_sales, "from_date", -1),
    ):
        moved = moved.add(sign * frame[frame[day] > first].groupby("sku")["quantity"].sum(), fill_value=0)
    assert (start.reindex(counted.index, fill_value=0) + moved.reindex(counted.index) == counted).all()


def test_the_same_seed_writes_the_same_bytes(share: Share) -> None:
    for file in share_files(until=UNTIL, skus=SKUS)[::9]:
        assert file.content() == (share.folder / file.path).read_bytes(), file.path


@pytest.mark.parametrize("until", [dt.date(2024, 2, 29), dt.date(2026, 1, 15)])
def test_the_share_ends_on_any_day_that_is_asked_for(until: dt.date) -> None:
    company = simulate_company(until=until, skus=20)
    newest = max(company.retail_sales["to_date"].max(), company.inventory["count_date"].max())
    assert newest == pd.Timestamp(until)
    assert company.receipts["receive_date"].max() <= pd.Timestamp(until)
    assert company.stock.index[0] == (pd.Timestamp(until).to_period("M") - 23).to_timestamp()


def test_too_few_skus_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 20"):
        share_files(until=UNTIL, skus=5)
