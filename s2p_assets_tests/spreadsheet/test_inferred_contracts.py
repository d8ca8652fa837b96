"""Promises about the first contract that is inferred from a file: it is tidy, and it loads that file as it stands."""

import importlib
import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import xlsxwriter

from s2p_assets.catalog.shelves import read_shelf
from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.inferring.draft import infer_contract
from s2p_assets.spreadsheet.limits import WorkbookUnreadable
from s2p_assets.spreadsheet.sandbox import Sandbox

PROJECT = Path(__file__).parents[2]
REAL_FILES = PROJECT.parent / "shared" / "data"
_numbers = itertools.count()

Infer = Callable[[Path], Workbook]


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder from which inferred contracts are imported, here and in the sandbox."""
    folder = tmp_path_factory.mktemp("packages")
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def sandbox(packages: Path) -> Iterator[Sandbox]:
    assert str(packages) in sys.path
    with Sandbox() as box:
        yield box


@pytest.fixture
def infer(packages: Path, sandbox: Sandbox) -> Infer:
    """Infers a contract, loads its source as a shelf file and reads the file with it."""

    def inferred(path: Path) -> Workbook:
        package = f"inferred_shelf_{next(_numbers)}"
        folder = packages / package / "workbooks"
        folder.mkdir(parents=True)
        for part in (folder.parent, folder):
            (part / "__init__.py").touch()
        source = folder / "shop_things.py"
        source.write_text(infer_contract(path, "shop_things", sandbox=sandbox))
        importlib.invalidate_caches()
        shelf = read_shelf([package], "workbooks", Workbook)
        assert shelf.faults == ()
        check_source(source)
        workbook = shelf.items["shop_things"]
        reading = sandbox.read(path, [workbook])
        assert reading.verdict == "accepted", [finding.message for finding in reading.findings][:5]
        assert reading.rows_read == reading.rows_accepted > 0
        return workbook

    return inferred


def check_source(source: Path) -> None:
    ruff = [sys.executable, "-m", "ruff"]
    config = ["--config", str(PROJECT / "pyproject.toml")]
    for command in (["format", "--check"], ["check"]):
        done = subprocess.run([*ruff, *command, *config, str(source)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{source.read_text()}"


def column(workbook: Workbook, name: str) -> Column:
    return next(column for column in workbook.columns if column.name == name)


def csv(folder: Path, *lines: str, name: str = "things.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


def test_each_column_gets_the_kind_that_its_cells_show(tmp_path: Path, infer: Infer) -> None:
    path = tmp_path / "Things March 2025.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        euro, share, date, padded = (
            book.add_format({"num_format": code}) for code in ("#,##0.00 €", "0%", "dd.mm.yyyy", "00000")
        )
        sheet.write_row(1, 1, ["Prices of the shop"])
        headers = ["Postal code", "Listed", "Margin", "From", "Units", "Weight", "Kind", "Remark", "Stocked"]
        sheet.write_row(3, 1, headers)
        for number in range(24):
            row = 4 + number
            sheet.write_number(row, 1, 1000 + number, padded)
            sheet.write_number(row, 2, 10 + number, euro)
            sheet.write_number(row, 3, 0.01 * number, share)
            sheet.write_number(row, 4, 45_000 + number, date)
            sheet.write_number(row, 5, number * 3)
            sheet.write_number(row, 6, number + 0.5)
            sheet.write_string(row, 7, ["chair", "table", "lamp"][number % 3])
            if number % 2:
                sheet.write_string(row, 8, f"said on visit {number} by a customer")
            sheet.write_boolean(row, 9, number % 2 == 0)
    workbook = infer(path)
    kinds = {found.name: found.kind for found in workbook.columns}
    assert kinds == {
        "postal_code": "code",
        "listed": "money",
        "margin": "percent",
        "from_value": "date",
        "units": "integer",
        "weight": "number",
        "kind": "text",
        "remark": "text",
        "stocked": "boolean",
    }
    assert column(workbook, "postal_code").width == 5
    assert column(workbook, "postal_code").headers == ("Postal code",)
    assert column(workbook, "listed").unit == "EUR"
    assert column(workbook, "kind").allowed_values is None
    assert [found.name for found in workbook.columns if found.nullable] == ["remark"]
    assert workbook.key == ("postal_code",)
    assert workbook.path == "**/Things*.xls*"


def test_leading_zeros_in_a_text_file_make_a_code(tmp_path: Path, infer: Infer) -> None:
    path = csv(tmp_path, "Item;Count", "000123;1", "000124;2", "100125;2", name="Stock 2024-03.csv")
    workbook = infer(path)
    assert column(workbook, "item").kind == "code"
    assert column(workbook, "item").width == 6
    assert workbook.path == "**/Stock*.csv"


@pytest.mark.parametrize(
    ("texts", "written"),
    [
        (["2025-01-31", "2025-02-01"], ("%Y-%m-%d",)),
        (["31.01.2025", "1.2.2025"], ("%d.%m.%Y",)),
        (["1.31.2025", "2.1.2025"], ("%m.%d.%Y",)),
        (["31/01/2025", "01/02/2025"], ("%d/%m/%Y",)),
        (["01/31/25", "02/01/25"], ("%m/%d/%y",)),
        (["3 Mar 2025", "14 Apr 2025"], ("%d %b %Y",)),
        (["20250131", "20250201"], ("%Y%m%d",)),
        (["2025-01-31", "1.2.2025", "28.2.2025"], ("%Y-%m-%d", "%d.%m.%Y")),
    ],
)
def test_dates_in_words_get_the_patterns_that_read_them_all(
    tmp_path: Path, infer: Infer, texts: list[str], written: tuple[str, ...]
) -> None:
    workbook = infer(csv(tmp_path, "SKU,Ship date", *(f"A{number},{text}" for number, text in enumerate(texts))))
    found = column(workbook, "ship_date")
    assert (found.kind, found.formats) == ("date", written)


def test_a_date_that_reads_two_ways_is_left_for_a_person_to_confirm(tmp_path: Path, sandbox: Sandbox) -> None:
    path = csv(tmp_path, "SKU,Day", "A1,01/02/2025", "A2,03/04/2025")
    source = infer_contract(path, "shop_things", sandbox=sandbox)
    assert "# every date also reads as DD/MM/YYYY: confirm which is meant" in source


def test_times_of_day_make_a_moment_and_decimal_commas_are_seen(tmp_path: Path, infer: Infer) -> None:
    path = csv(tmp_path, "SKU;Menge;Zeit", "A1;1.234,5;2025-01-31 14:30:00", "A2;2,5;2025-02-01 09:00:00")
    workbook = infer(path)
    assert column(workbook, "zeit").kind == "timestamp"
    assert (column(workbook, "menge").kind, column(workbook, "menge").decimal) == ("number", ",")


def test_currency_signs_in_texts_make_money_and_percent_signs_a_share(tmp_path: Path, infer: Infer) -> None:
    workbook = infer(csv(tmp_path, "SKU,Value,Rate", 'A1,"$1,000.50",25 %', "A2,$3,7.5 %", "A3,($2),0 %"))
    assert (column(workbook, "value").kind, column(workbook, "value").unit) == ("money", "USD")
    assert column(workbook, "rate").kind == "percent"


def test_names_are_plain_ascii_and_never_taken_already(tmp_path: Path, infer: Infer) -> None:
    headers = [
        "Größe (cm)",
        "class",
        "column",
        "Code",
        "2018",
        "Unit\nPrice",
        "Артикул",
        "validate",
        "% of total",
        "unitPrice2",
    ]
    path = tmp_path / "things.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, headers)
        for row in range(1, 5):
            sheet.write_row(row, 0, [f"word {row * column}" for column in range(1, len(headers) + 1)])
    names = [found.name for found in infer(path).columns]
    assert names == [
        "grosse_cm", "class_value", "column_value", "code", "column_2018", "unit_price", "artikul",
        "validate", "percent_of_total", "unit_price2",
    ]  # fmt: skip


def test_a_key_of_several_columns_is_the_smallest_that_names_every_row(tmp_path: Path, infer: Infer) -> None:
    rows = [f"INV{number // 3},SKU{number % 3},{number % 2}" for number in range(12)]
    assert infer(csv(tmp_path, "Invoice no,SKU,Units", *rows)).key == ("invoice_no", "sku")


def test_what_lies_beyond_the_rows_looked_at_still_loads(tmp_path: Path, sandbox: Sandbox, infer: Infer) -> None:
    rows = [f"A{number},{number},red" for number in range(30)] + ["A5,n/a,blue", "A31,many,"]
    path = csv(tmp_path, "SKU,Units,Colour", *rows)
    assert "isin" not in infer_contract(path, "shop_things", rows=3, sandbox=sandbox)
    workbook = infer(path)
    assert column(workbook, "units").kind == "text"
    assert workbook.key == ()


def test_a_workbook_with_other_tables_is_read_from_the_right_sheet(tmp_path: Path, infer: Infer) -> None:
    path = tmp_path / "things.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        for name, headers in (("Cover", ["About", "Us"]), ("Sales 2024", ["SKU", "Units", "Price"])):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, headers)
            for row in range(1, 9 if len(headers) > 2 else 3):
                sheet.write_row(row, 0, [f"A{row}", row, row * 2][: len(headers)])
    assert infer(path).sheets == "Sales*"


def test_totals_notes_and_quotes_do_not_disturb(tmp_path: Path, infer: Infer) -> None:
    path = csv(tmp_path, 'Report of "things"', "", 'SKU,"12"" size",Price', "A1,b,2.50", "A2,c,3", "Total,,5.50")
    workbook = infer(path)
    assert [found.headers[0] for found in workbook.columns] == ["SKU", '12" size', "Price"]
    assert not any(found.nullable for found in workbook.columns)


def test_long_declarations_are_broken_as_the_formatter_breaks_them(tmp_path: Path, infer: Infer) -> None:
    kinds = [f"a rather long kind of thing {number}" for number in range(6)]
    header = "The kind of thing that this article is considered to be by purchasing"
    rows = [f"A{number},{kinds[number % 6]},{number}.5" for number in range(36)]
    workbook = infer(
        csv(tmp_path, f"SKU,{header},The number of units that were in stock at the end of the year", *rows)
    )
    assert workbook.columns[1].headers == (header,)


@pytest.mark.parametrize("name", ["things", "Shop_things", "shop_", "shop-things", "shop_things.py"])
def test_a_name_that_is_no_shelf_files_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="<domain>_<name>"):
        infer_contract(csv(tmp_path, "a,b", "1,2"), name)


def test_a_file_without_a_table_is_refused_in_one_line(tmp_path: Path, sandbox: Sandbox) -> None:
    for text in ("just some words\nand more words\n", "\n", "PK\x03\x04"):
        path = tmp_path / "things.csv"
        path.write_text(text)
        with pytest.raises(WorkbookUnreadable) as refused:
            infer_contract(path, "shop_things", sandbox=sandbox)
        assert "\n" not in str(refused.value)


REAL_WORKBOOKS = [
    *sorted(REAL_FILES.glob("pbpython/sales*.xlsx")),
    *sorted(REAL_FILES.glob("price_and_revenue_xls/*.xls"))[:3],
    *sorted(REAL_FILES.glob("crm/*.csv"))[:2],
]


@pytest.mark.skipif(not REAL_WORKBOOKS, reason="needs the shared data")
def test_real_workbooks_load_by_their_inferred_contracts(infer: Infer) -> None:
    for path in REAL_WORKBOOKS:
        infer(path)
