"""Promises about contracts for a stranger's workbook: one that is written loads the file and misses no column."""

import datetime as dt
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
import xlsxwriter

from s2p_assets.contracts.workbook import Workbook
from s2p_assets.services.check import NoContract, write_contracts
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.inferring.draft import Asked, infer_contract, infer_contracts
from s2p_assets.spreadsheet.inferring.file_place import path_pattern
from s2p_assets.spreadsheet.limits import WorkbookUnreadable
from s2p_assets.spreadsheet.reading import read_file
from s2p_assets.spreadsheet.sandbox import Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as box:
        yield box


def contract(source: str) -> Workbook:
    module = types.ModuleType("strangers.shop_things")
    sys.modules[module.__name__] = module
    exec(compile(source, "shop_things.py", "exec"), module.__dict__)
    return next(value for value in vars(module).values() if isinstance(value, Workbook))


def inferred(path: Path, sandbox: Sandbox) -> tuple[Workbook, str]:
    source = infer_contract(path, "shop_things", sandbox=sandbox)
    return contract(source), source


def kinds(workbook: Workbook) -> dict[str, str]:
    return {column.name: column.kind for column in workbook.columns}


def book(path: Path, sheets: Mapping[str, Sequence[Sequence[object]]]) -> Path:
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"}) as made:
        for name, rows in sheets.items():
            page = made.add_worksheet(name)
            for number, cells in enumerate(rows):
                for place, value in enumerate(cells):
                    if value is not None:
                        page.write(number, place, value)
    return path


def test_prices_that_all_differ_are_numbers_and_no_key(tmp_path: Path, sandbox: Sandbox) -> None:
    rows = [f"{name},{number * 1.25 + 0.49:.2f},{number * 7 + 3}" for number, name in enumerate("abcdefgh")]
    (tmp_path / "p.csv").write_text("\n".join(["Name,Price,Stock", *rows]))
    workbook, _ = inferred(tmp_path / "p.csv", sandbox)
    assert kinds(workbook) == {"name": "text", "price": "money", "stock": "integer"}
    assert workbook.key == ("name",)


def test_the_first_two_columns_without_headers_are_kept(tmp_path: Path, sandbox: Sandbox) -> None:
    rows = [[f"A{number}", f"n {number}", number, number * 1.5] for number in range(9)]
    path = book(tmp_path / "s.xlsx", {"S": [[None, None, "Qty", "Value"], *rows]})
    workbook, _ = inferred(path, sandbox)
    assert kinds(workbook) == {"column_a": "code", "column_b": "text", "qty": "integer", "value": "number"}
    assert read_file(path, [workbook]).rows_accepted == 9


def test_columns_of_one_name_are_told_apart_by_what_stands_over_them(tmp_path: Path, sandbox: Sandbox) -> None:
    path = tmp_path / "s.xlsx"
    with xlsxwriter.Workbook(path) as made:
        page = made.add_worksheet("S")
        page.merge_range("B1:C1", "Sales")
        page.merge_range("D1:E1", "Stock")
        page.write_row(1, 0, ["SKU", "Qty", "Value", "Qty", "Value"])
        for number in range(2, 12):
            page.write_row(number, 0, [f"A{number}", number, number * 1.5, 4, 6.5])
    workbook, _ = inferred(path, sandbox)
    assert list(kinds(workbook)) == ["sku", "sales_qty", "sales_value", "stock_qty", "stock_value"]
    reading = read_file(path, [workbook])
    assert reading.rows is not None
    assert reading.rows["stock_qty"].to_pylist() == [4] * 10


@pytest.mark.parametrize(
    "second",
    [
        [["Store", "Revenue"], ["S1", 100.5], ["S2", 99]],
        [["SKU", "Reason"], ["A1", "broken"], ["A2", "late"]],
        [["Returns"], ["SKU", "Reason"], ["A1", "broken"], ["A2", "late"]],
    ],
)
def test_a_table_below_another_is_never_read_as_its_rows(
    tmp_path: Path, sandbox: Sandbox, second: list[list[object]]
) -> None:
    first: list[list[object]] = [["SKU", "Qty"], *[[f"A{number}", number] for number in range(9)], []]
    with pytest.raises(WorkbookUnreadable, match="two tables one below the other"):
        inferred(book(tmp_path / "s.xlsx", {"S": [*first, *second]}), sandbox)


def test_a_gap_beyond_which_another_table_may_stand_is_named(tmp_path: Path, sandbox: Sandbox) -> None:
    names: list[list[object]] = [
        ["Name", "City"],
        ["Ann", "Rome"],
        ["Bob", "Bonn"],
        [],
        ["Product", "Colour"],
        ["Pen", "red"],
    ]
    assert "row 5 follows a blank one" in inferred(book(tmp_path / "a.xlsx", {"S": names}), sandbox)[1]
    side: list[list[object]] = [["SKU", "Qty", None, "Store", "Revenue"]]
    side += [[f"A{n}", n, None, f"S{n}", n * 2.5] for n in range(9)]
    assert "column C is empty" in inferred(book(tmp_path / "b.xlsx", {"S": side}), sandbox)[1]
    filled: list[list[object]] = [["SKU", "Qty"], *[[f"A{n}", n] for n in range(9)], [], ["A10", "n/a"], ["A11", 3]]
    assert "another table" not in inferred(book(tmp_path / "c.xlsx", {"S": filled}), sandbox)[1]


def test_a_measure_never_makes_a_key(tmp_path: Path, sandbox: Sandbox) -> None:
    rows = [[dt.date(2024, 1, 1 + number // 2), number * 11] for number in range(20)]
    workbook, source = inferred(book(tmp_path / "s.xlsx", {"S": [["Date", "Stock"], *rows]}), sandbox)
    assert workbook.key == ()
    assert "no columns were found that name a row" in source


def test_a_column_without_a_header_is_named_and_kept(tmp_path: Path, sandbox: Sandbox) -> None:
    rows = [[f"2024M{month:02}", month * 10.5, 100 + month, None, f"n{month}"] for month in range(1, 13)]
    head = [[None, "Crude oil", "Natural gas"], [None, "($/bbl)", "(2010=100)"]]
    path = book(tmp_path / "prices.xlsx", {"Monthly": [*head, *rows]})
    workbook, source = inferred(path, sandbox)
    expected = {"column_a": "code", "crude_oil": "number", "natural_gas": "integer", "column_e": "code"}
    assert kinds(workbook) == expected
    assert (workbook.columns[0].left_of, workbook.columns[3].right_of) == ("Crude oil", "Natural gas")
    assert all(column.unit is None for column in workbook.columns)
    assert "column A has no header" in source
    reading = read_file(path, [workbook])
    assert (reading.verdict, reading.rows_accepted) == ("accepted", 12)
    assert reading.rows is not None
    assert reading.rows["column_a"][0].as_py() == "2024M01"
    letters = reading.column_letters["Monthly"]
    assert (letters["column_a"], letters["column_e"]) == ("A", "E")  # behind an empty column


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([["Serial"], *([f"S{place}"] for place in range(8))], {"serial": "code"}),
        ([["Reading"], *([place * 1.5] for place in range(8))], {"reading": "number"}),
    ],
)
def test_a_sheet_of_one_column_is_a_table(
    tmp_path: Path, sandbox: Sandbox, rows: Sequence[Sequence[object]], expected: dict[str, str]
) -> None:
    path = book(tmp_path / "x.xlsx", {"S": rows})
    workbook, _ = inferred(path, sandbox)
    assert kinds(workbook) == expected
    assert read_file(path, [workbook]).rows_accepted == 8


PIECES = [[f"A{place}", place] for place in range(1, 7)]
TURNED = [[place, f"B{place}"] for place in range(1, 7)]


@pytest.mark.parametrize(
    "rows",
    [
        [["SKU", "Pieces", None, "SKU", "Pieces"], *([*one, None, *one] for one in PIECES)],
        [["SKU", "Pieces"], *PIECES, [], ["Pieces", "SKU"], *TURNED],
        [["SKU", "Pieces"], *PIECES, ["Pieces", "SKU"], *TURNED],
    ],
    ids=["beside", "below", "below without a blank row"],
)
def test_several_tables_of_one_header_are_all_read_by_their_draft(
    tmp_path: Path, sandbox: Sandbox, rows: Sequence[Sequence[object]]
) -> None:
    path = book(tmp_path / "x.xlsx", {"S": rows})
    workbook, source = inferred(path, sandbox)
    assert (kinds(workbook), workbook.tables) == ({"sku": "code", "pieces": "integer"}, "all")
    assert "several tables with this header" in source
    assert read_file(path, [workbook]).rows_accepted == 12


def test_two_tables_of_words_below_each_other_are_told_apart(tmp_path: Path, sandbox: Sandbox) -> None:
    articles = [[f"A{place}", f"n{place}"] for place in range(5)]
    shops = [[f"S{place}", f"c{place}"] for place in range(5)]
    path = book(tmp_path / "x.xlsx", {"S": [["SKU", "Name"], *articles, [], ["Shop", "City"], *shops]})
    with pytest.raises(WorkbookUnreadable, match="one below the other"):
        inferred(path, sandbox)


def test_a_date_far_from_the_others_is_let_in_by_the_draft_with_a_remark(tmp_path: Path, sandbox: Sandbox) -> None:
    days = [f"2024-01-{day:02}" for day in range(1, 20)] + ["1905-03-01"]
    path = tmp_path / "x.csv"
    path.write_text("SKU;Day\n" + "".join(f"A{place};{day}\n" for place, day in enumerate(days)))
    workbook, source = inferred(path, sandbox)
    assert dict(workbook.columns[1].checks) == {"ge": dt.date(1905, 3, 1)}
    assert "1905-03-01 is far from the other dates" in source


def test_the_first_row_of_data_is_no_row_of_units(tmp_path: Path, sandbox: Sandbox) -> None:
    rows = [["L", "pcs"], ["M", "box"], ["S", "pcs"]]
    path = book(tmp_path / "sizes.xlsx", {"S": [["Size", "Sold by"], *rows]})
    workbook, _ = inferred(path, sandbox)
    assert read_file(path, [workbook]).rows_accepted == 3


def test_few_values_are_suggested_and_not_closed(tmp_path: Path, sandbox: Sandbox) -> None:
    rows = [[f"A{number}", ["DE", "FR"][number % 2]] for number in range(20)]
    workbook, source = inferred(book(tmp_path / "o.xlsx", {"S": [["Order no", "Country"], *rows]}), sandbox)
    assert all(column.allowed_values is None for column in workbook.columns)
    assert 'isin=["DE", "FR"]' in source


def test_one_line_that_stands_twice_is_one_finding(tmp_path: Path, sandbox: Sandbox) -> None:
    rows = [[f"O{number // 2:03}", number % 2 + 1, number] for number in range(300)]
    path = book(tmp_path / "o.xlsx", {"S": [["Order", "Line", "Qty"], *rows, rows[7]]})
    workbook, source = inferred(path, sandbox)
    reading = read_file(path, [workbook])
    assert workbook.key == ("order", "line")
    assert (reading.verdict, reading.rows_accepted, reading.rows_returned) == ("partly", 300, 1)
    assert [finding.cell for finding in reading.findings if finding.severity == "reject"] == ["A302"]
    assert "one line stands twice" in source


def test_the_table_with_the_data_is_taken_and_each_other_gets_its_own_contract(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    small = [["Code", "Label", "Note", "More", "Still more"], *[[f"c{n}", f"l{n}", "x", "y", "z"] for n in range(30)]]
    large: list[list[object]] = [["Day", "Sold"], *[[dt.date(2024, 1, 1) + dt.timedelta(n), n] for n in range(900)]]
    path = book(tmp_path / "m.xlsx", {"Codes": small, "Sales": large})
    sources = infer_contracts(Asked(path, "shop_things"), sandbox=sandbox)
    assert list(sources) == ["shop_things", "shop_codes"]
    assert contract(sources["shop_things"]).sheets == "Sales"
    assert contract(sources["shop_codes"]).sheets == "Codes"
    assert "--sheet 'Codes'" in sources["shop_things"]
    for source in sources.values():
        assert read_file(path, [contract(source)]).verdict == "accepted"
    alone = infer_contracts(Asked(path, "shop_codes", sheet="Codes"), sandbox=sandbox)
    assert list(kinds(contract(alone["shop_codes"]))) == ["code", "label", "note", "more", "still_more"]


def test_a_copy_of_the_table_is_not_read_twice(tmp_path: Path, sandbox: Sandbox) -> None:
    rows: list[list[object]] = [[f"A{number}", number] for number in range(60)]
    head: list[object] = ["Article", "Pieces"]
    path = book(tmp_path / "c.xlsx", {"Original": [head, *rows, ["A99", 1]], "Clean": [head, *rows]})
    workbook, source = inferred(path, sandbox)
    assert workbook.sheets == "Original"
    assert read_file(path, [workbook]).rows_accepted == 61
    assert "sheet 'Clean' (60 rows) holds the same lines" in source


def test_names_of_any_script_are_spelled_in_letters(tmp_path: Path, sandbox: Sandbox) -> None:
    head = ["Артикул", "数量", "Ποσότητα", "Größe", "السعر"]
    path = book(tmp_path / "n.xlsx", {"S": [head, *[[f"A{n}", n, n, n, n] for n in range(6)]]})
    workbook, _ = inferred(path, sandbox)
    names = [column.name for column in workbook.columns]
    assert (names[0], names[2]) == ("artikul", "posotita")
    assert not any(name.startswith("column_") for name in names)
    assert all(name.isidentifier() and name.isascii() for name in names)


@pytest.mark.parametrize(
    ("sheets", "why"),
    [
        ({"S": [["Article", "Pieces", "Article"], ["a", 1, "b"]]}, "cannot be told apart"),
        ({"S": [["Article", "Pieces"], ["a", 1], ["b", 2], [], ["Person", "Age"], ["x", 30]]}, "one below the other"),
        ({"S": [["Article", "Pieces"]]}, "no table was found"),
        ({"S": [["Article", "Pieces"], ["a", "=1/0"]]}, "S › B2"),
    ],
)
def test_where_no_contract_loads_the_file_none_is_written(
    tmp_path: Path, sandbox: Sandbox, sheets: Mapping[str, Sequence[Sequence[object]]], why: str
) -> None:
    path = tmp_path / "x.xlsx"
    with xlsxwriter.Workbook(path) as made:
        for name, rows in sheets.items():
            page = made.add_worksheet(name)
            for number, cells in enumerate(rows):
                for place, value in enumerate(cells):
                    if value == "=1/0":
                        page.write_formula(number, place, "=1/0", None, "#DIV/0!")
                    elif value is not None:
                        page.write(number, place, value)
    with pytest.raises(WorkbookUnreadable, match=why) as refused:
        infer_contract(path, "shop_things", sandbox=sandbox)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("relative", "pattern"),
    [
        ("prices/March 2024.xlsx", "prices/*.xls*"),
        ("March 2024.xlsx", "* [0-9][0-9][0-9][0-9].xls*"),
        ("prices/2024/Price list March.xlsx", "prices/[0-9][0-9][0-9][0-9]/Price list*.xls*"),
        ("Stock 2024-03.csv", "Stock*.csv"),
        ("2024.csv", "[0-9][0-9][0-9][0-9].csv"),
    ],
)
def test_the_pattern_is_as_narrow_as_the_files_place(tmp_path: Path, relative: str, pattern: str) -> None:
    assert path_pattern(tmp_path / relative, tmp_path) == pattern
    assert path_pattern(tmp_path / "x" / "2024.csv") == "**/[0-9][0-9][0-9][0-9].csv"


def test_contracts_go_to_the_companys_own_shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "acme_shelves"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    settings = Settings(home=tmp_path / "home", shelves="acme_shelves,s2p_assets")
    path = book(tmp_path / "o.xlsx", {"S": [["Article", "Pieces"], ["a", 1], ["b", 2]]})
    written = write_contracts(settings, path, "acme_orders", None, None)
    assert written == [package / "workbooks" / "acme_orders.py"]
    assert contract(written[0].read_text()).path == "**/o.xls*"
    empty = book(tmp_path / "e.xlsx", {"S": [["Article", "Pieces"]]})
    with pytest.raises(NoContract):
        write_contracts(settings, empty, "acme_empty", None, None)
    assert not (package / "workbooks" / "acme_empty.py").exists()
