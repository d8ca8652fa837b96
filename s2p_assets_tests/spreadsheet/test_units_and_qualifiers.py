"""Promises of units and qualifiers: no number is read in another unit than the contract's without a word."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.comments import Comment

from s2p_assets.contracts.columns import Code, DeclarationError, Integer, Money, Number, Percent, Row, Text, column
from s2p_assets.contracts.findings import ReadResult
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.number_formats import thousands_hidden, words_of
from s2p_assets.spreadsheet.reading import read_file
from s2p_assets.spreadsheet.unit_words import stated_unit


class SaleLine(Row):
    """One line of a sales list."""

    sku: Code = column("SKU", description="article")
    quantity: Integer = column("Quantity", "Menge", description="pieces")
    price: Money = column("Price", "Price (EUR)", description="price of one")


class EuroLine(SaleLine):
    """The same in euros, with weights and shares where the file has them."""

    price: Money = column("Price", description="price of one", unit="EUR")
    weight: Number = column("Weight", description="weight", unit="kg", nullable=True, required=False)
    share: Percent = column("Share", description="share", nullable=True, required=False)


class PieceLine(Row):
    """Pieces of an article."""

    sku: Code = column("SKU", description="article")
    quantity: Integer = column("Quantity", description="pieces", unit="pcs")


class ThousandLine(Row):
    """Revenue in thousands, cases, net prices: as declared."""

    sku: Code = column("SKU", description="article")
    quantity: Integer = column("Quantity", description="cases", unit="cases")
    price: Money = column("Revenue", description="thousands of euros, net", unit="kEUR net")


class ManyCurrencies(Row):
    """Amounts in the currency of their row."""

    sku: Code = column("SKU", description="article")
    price: Money = column("Price", description="price", currency_from="currency")
    currency: Text = column("Currency", description="its currency")


class EuroRows(ManyCurrencies):
    """Amounts in euros, as each row must say."""

    price: Money = column("Price", description="price", unit="EUR", currency_from="currency")


def contract(rows: type[Row], **options: Any) -> Workbook:
    return Workbook(rows=rows, path="*", owner="o@example.org", **options)


def read(tmp_path: Path, rows: type[Row], *lines: Sequence[Any], sheet: str = "Sheet", **options: Any) -> ReadResult:
    """`lines` as a sheet; a cell given as (value, format) is shown by that number format."""
    book = openpyxl.Workbook()
    page = book.active
    page.title = sheet
    for number, line in enumerate(lines, 1):
        for place, value in enumerate(line, 1):
            held, shown = value if isinstance(value, tuple) else (value, None)
            cell = page.cell(number, place, held)
            if shown:
                cell.number_format = shown
    path = tmp_path / "Sales.xlsx"
    book.save(path)
    return read_file(path, [contract(rows, **options)])


def rejected(reading: ReadResult) -> dict[str | None, str]:
    return {one.cell: one.message for one in reading.findings if one.severity == "reject"}


def noticed(reading: ReadResult) -> dict[str | None, str]:
    return {one.cell: one.message for one in reading.findings if one.severity == "notice"}


CONTRADICTIONS = (
    *(
        "EUR k",
        "kEUR",
        "k€",
        "TEUR",
        "T€",
        "in TEUR",
        "k",
        "K",
        "T",
        "M",
        "m",
        "Mio.",
        "Mio. EUR",
        "€m",
        "in thousands",
    ),
    *("'000", "EUR '000", "in 1000", "1,000 EUR", "x1000", "10³ EUR", "tsd. €", "EUR thousand", "bn EUR", "PLN tys."),
    *("EUR/100", "/100", "per 100", "per 1,000", "je 100 Stück", "EUR per 100 pcs", "100 pcs", "per hundred"),
    *("net", "netto", "EUR, net", "incl. VAT", "excl. VAT", "inkl. MwSt.", "ex tax", "gross", "brutto", "HT", "TTC"),
    *("per case", "per dozen", "EUR/carton", "je VE", "USD", "US$", "$", "CHF", "in £"),
)


@pytest.mark.parametrize("said", CONTRADICTIONS)
@pytest.mark.parametrize("rows", [SaleLine, EuroLine])
def test_a_unit_in_a_header_that_is_not_the_contracts_is_a_finding(tmp_path: Path, rows: type[Row], said: str) -> None:
    reading = read(tmp_path, rows, ["SKU", "Quantity", f"Price ({said})"], ["A1", 5, 9.5])
    assert reading.verdict == "returned"
    assert rejected(reading).keys() == {"C1"}, reading.findings


@pytest.mark.parametrize("said", ["cases", "Karton", "cartons", "dozen", "in 100", "thousands", "k", "per 100", "VE"])
def test_a_quantity_in_packages_or_shortened_is_a_finding(tmp_path: Path, said: str) -> None:
    reading = read(tmp_path, SaleLine, ["SKU", f"Quantity ({said})", "Price"], ["A1", 5, 9.5])
    assert reading.verdict == "returned"
    assert rejected(reading).keys() <= {"A1", "B1"}, reading.findings


@pytest.mark.parametrize(
    "header",
    [
        ["SKU (Code)", "Quantity (pcs)", "Price (EUR)"],
        ["SKU", "Quantity (Stk.)", "Price [€]"],
        ["SKU (*)", "Quantity (units)", "Price (EUR per piece)"],
        ["SKU (required)", "Menge (Quantity)", "Price (€/Stk.)"],
        ["SKU", "Quantity（pcs）", "Price"],
    ],
)
def test_units_that_agree_are_no_part_of_a_name(tmp_path: Path, header: list[str]) -> None:
    for rows in (SaleLine, EuroLine):
        reading = read(tmp_path, rows, header, ["A1", 5, 9.5])
        assert (reading.verdict, reading.findings) == ("accepted", [])


@pytest.mark.parametrize(
    "said", ["last year", "planned", "old", "Vorjahr", "2023", "2", "budget", "EUR, last year", "B"]
)
def test_other_words_in_brackets_make_another_column(tmp_path: Path, said: str) -> None:
    reading = read(tmp_path, SaleLine, ["SKU", f"Quantity ({said})", "Price"], ["A1", 5, 9.5])
    assert reading.verdict == "returned"
    assert f"'Quantity ({said})' is not taken for it" in rejected(reading)["B1"]
    beside = read(tmp_path, SaleLine, ["SKU", f"Quantity ({said})", "Quantity", "Price"], ["A1", 5, 7, 9.5])
    assert beside.verdict == "accepted"
    assert beside.rows is not None
    assert beside.rows["quantity"].to_pylist() == [7]
    assert "its one cell was ignored" in noticed(beside)["B1"]


def test_a_unit_in_the_second_header_row_or_under_the_header_counts(tmp_path: Path) -> None:
    header = ["SKU", "Quantity", "Price"]
    assert rejected(read(tmp_path, SaleLine, header, [None, "pcs", "kEUR"], ["A1", 5, 9.5])).keys() == {"C2"}
    assert rejected(read(tmp_path, SaleLine, header, ["", "cases", "EUR"], ["A1", 5, 9.5])).keys() == {"B2"}
    assert rejected(read(tmp_path, SaleLine, header, ["", "pcs", "net"], ["A1", 5, 9.5])).keys() == {"C2"}
    planned = read(tmp_path, SaleLine, header, [None, "(planned)", None], ["A1", 5, 9.5])
    assert "'(planned)' stands under 'Quantity'" in noticed(planned)["B2"]


@pytest.mark.parametrize("said", ["All amounts in TEUR", "in kEUR", "Sales 2024 (in thousands)", "Angaben in Tsd. EUR"])
def test_what_is_said_over_the_table_counts(tmp_path: Path, said: str) -> None:
    reading = read(tmp_path, EuroLine, [said], [], ["SKU", "Quantity", "Price"], ["A1", 5, 9.5])
    assert rejected(reading).keys() == {"A1"}, reading.findings


@pytest.mark.parametrize(
    "said", ["Prices in EUR", "Price list March 2024", "Stores (North)", "In March we sold", "EUR"]
)
def test_titles_that_say_nothing_else_are_left_alone(tmp_path: Path, said: str) -> None:
    reading = read(tmp_path, EuroLine, [said], [], ["SKU", "Quantity", "Price"], ["A1", 5, 9.5])
    assert (reading.verdict, reading.findings) == ("accepted", [])


@pytest.mark.parametrize(
    ("quantity", "price"),
    [
        (None, '0.0" k"'),
        (None, '0.0"k"'),
        (None, '#,##0.00 "T€"'),
        (None, '0.0,"M"'),
        (None, '0.00" /100"'),
        (None, '"net" 0.00'),
        (None, '0.00 "USD"'),
        ('0 "cases"', None),
        ('0\\ "Karton"', None),
        ("0\\k", None),
    ],
)
def test_a_number_format_that_shows_another_unit_is_a_finding(
    tmp_path: Path, quantity: str | None, price: str | None
) -> None:
    cells = ["A1", (5, quantity), (9.5, price)]
    reading = read(tmp_path, EuroLine, ["SKU", "Quantity", "Price"], ["A0", 5, 9.5], cells)
    assert rejected(reading).keys() == {"B3" if quantity else "C3"}, reading.findings


@pytest.mark.parametrize("shown", ['0.0,"k"', '#,##0.0,,"M"', "0.0,", "#,##0.00 [$€-407]", '0.00 "€/Stk."', "0.00_)"])
def test_a_format_that_shortens_only_what_is_shown_is_right(tmp_path: Path, shown: str) -> None:
    reading = read(tmp_path, EuroLine, ["SKU", "Quantity", "Price"], ["A1", 5, (9500, shown)])
    assert (reading.verdict, reading.findings) == ("accepted", [])


def test_mixed_formats_within_a_column_are_a_finding(tmp_path: Path) -> None:
    header = ["SKU", "Quantity", "Price"]
    euros, dollars = "0.00 [$€-407]", "[$$-409]0.00"
    mixed = read(tmp_path, ThousandLess, header, ["A1", 5, (9, euros)], ["A2", 5, (9, euros)], ["A3", 5, (9, dollars)])
    assert rejected(mixed).keys() == {"C4"}
    share = read(tmp_path, EuroLine, [*header, "Share"], ["A1", 5, 9, (0.25, "0%")], ["A2", 5, 9, 25])
    assert rejected(share).keys() == {"D3"}
    number = read(tmp_path, EuroLine, header, ["A1", 5, 9], ["A2", 5, 9], ["A3", 5, (0.09, "0%")])
    assert rejected(number).keys() == {"C4"}


class ThousandLess(Row):
    """A contract that says no unit."""

    sku: Code = column("SKU", description="article")
    quantity: Integer = column("Quantity", description="pieces")
    price: Money = column("Price", description="price of one")


def test_a_declared_unit_is_read_as_declared_and_another_is_not(tmp_path: Path) -> None:
    cells = ["A1", 5, 9.5]
    for header in (["SKU", "Quantity (cases)", "Revenue (kEUR, net)"], ["SKU", "Quantity", "Revenue"]):
        assert read(tmp_path, ThousandLine, header, cells).findings == []
    pieces = read(tmp_path, ThousandLine, ["SKU", "Quantity (pcs)", "Revenue (EUR)"], cells)
    assert rejected(pieces).keys() == {"B1", "C1"}
    weight = read(tmp_path, EuroLine, ["SKU", "Quantity", "Price", "Weight (g)"], [*cells, 5])
    assert rejected(weight).keys() == {"D1"}


def test_a_currency_column_beside_an_amount_never_lets_dollars_in_as_euros(tmp_path: Path) -> None:
    lines = ["SKU", "Quantity", "Price", "Currency"], ["A1", 5, 9.5, "EUR"], ["A2", 5, 9.5, "USD"]
    euro = read(tmp_path, EuroLine, *lines, max_reject_rate=0.5)
    assert (euro.verdict, set(rejected(euro))) == ("partly", {"D3"})
    named = read(tmp_path, SaleLine, *lines)
    assert rejected(named).keys() == {"D3"}
    unsaid = read(tmp_path, ThousandLess, *lines)
    assert (unsaid.verdict, set(rejected(unsaid))) == ("returned", {"D3"})
    assert read(tmp_path, EuroLine, *lines, ignores=("Currency",)).verdict == "accepted"


def test_a_declared_currency_column_is_read_beside_its_amount(tmp_path: Path) -> None:
    lines = ["SKU", "Price", "Currency"], ["A1", 9.5, "EUR"], ["A2", 9.5, "$"]
    reading = read(tmp_path, ManyCurrencies, *lines)
    assert (reading.verdict, reading.findings) == ("accepted", [])
    assert rejected(read(tmp_path, EuroRows, *lines)).keys() == {"C3"}


def test_a_column_of_units_beside_a_quantity_is_told(tmp_path: Path) -> None:
    header = ["SKU", "Quantity", "Price", "Unit"]
    mixed = read(tmp_path, ThousandLess, header, ["A1", 5, 9.5, "pcs"], ["A2", 5, 9.5, "case"])
    assert rejected(mixed).keys() == {"D3"}
    weights = read(tmp_path, ThousandLess, header, ["A1", 5, 9.5, "pcs"], ["A2", 5, 9.5, "kg"])
    assert "different units" in noticed(weights)["D3"] or weights.verdict == "accepted"
    same = read(tmp_path, ThousandLess, header, ["A1", 5, 9.5, "pcs"], ["A2", 5, 9.5, "St."])
    assert same.verdict == "accepted"


class PieceRows(Row):
    """Prices for as many pieces as their row says."""

    sku: Code = column("SKU", description="article")
    price: Money = column("Price", description="price", unit="EUR", per_from="per")
    per: Integer = column("Preiseinheit", description="for how many")


class HundredRows(Row):
    """Prices for a hundred pieces each."""

    sku: Code = column("SKU", description="article")
    price: Money = column("Price", description="price", unit="EUR/100")


@pytest.mark.parametrize("title", ["Preiseinheit", "Price unit", "per", "PEINH", "Prijs per"])
def test_a_price_for_a_hundred_by_a_column_beside_it_is_a_finding(tmp_path: Path, title: str) -> None:
    header = ["SKU", "Quantity", "Price", title]
    found = read(tmp_path, EuroLine, header, ["A1", 5, 9.5, 1], ["A2", 5, 950, 100])
    assert rejected(found).keys() == {"D3"}
    assert "for 100 pieces" in rejected(found)["D3"]
    assert read(tmp_path, EuroLine, header, ["A1", 5, 9.5, 1], ["A2", 5, 9.5, 1]).verdict == "accepted"


def test_a_price_unit_is_declared_or_agrees_with_the_contract(tmp_path: Path) -> None:
    lines = ["SKU", "Price", "Preiseinheit"], ["A1", 9.5, 100], ["A2", 9.5, 100]
    assert (read(tmp_path, PieceRows, *lines).verdict, read(tmp_path, HundredRows, *lines).verdict) == ("accepted",) * 2
    assert rejected(read(tmp_path, HundredRows, *lines, ["A3", 9.5, 1])).keys() == {"C4"}
    with pytest.raises(DeclarationError, match="per_from='sku' must be a column of its rows, Integer or Number"):

        class Lost(PieceRows):
            """A row."""

            price: Money = column("Price", description="price", per_from="sku")


def test_a_column_of_other_numbers_is_no_price_unit(tmp_path: Path) -> None:
    header = ["SKU", "Quantity", "Price", "per"]
    assert read(tmp_path, EuroLine, header, ["A1", 5, 9.5, 3], ["A2", 5, 9.5, 17]).verdict == "accepted"


@pytest.mark.parametrize(("unit", "verdict"), [("KAR", "returned"), ("PAL", "returned"), ("ST", "accepted")])
def test_the_units_of_a_list_from_sap_are_known(tmp_path: Path, unit: str, verdict: str) -> None:
    assert read(tmp_path, PieceLine, ["SKU", "Quantity", "ME"], ["A1", 5, unit]).verdict == verdict


def test_a_price_list_by_cartons_is_told(tmp_path: Path) -> None:
    class Prices(Row):
        """A price."""

        sku: Code = column("SKU", description="article")
        price: Money = column("Price", description="price", unit="EUR")

    found = read(tmp_path, Prices, ["SKU", "Price", "ME"], ["A1", 5, "ST"], ["A2", 5, "KAR"])
    assert (found.verdict, "unit_from" in noticed(found)["C3"]) == ("accepted", True)


def test_currency_from_must_name_a_column_of_the_rows() -> None:
    with pytest.raises(DeclarationError, match="currency_from='nowhere' must be a column"):

        class Lost(Row):
            """A row."""

            price: Money = column("Price", description="price", currency_from="nowhere")


@pytest.mark.parametrize(
    ("names", "verdict"),
    [
        (["Mar 24", "Mar 24 (old)"], "returned"),
        (["Prices", "Prices (2)"], "returned"),
        (["Prices (kEUR)"], "returned"),
        (["Prices (EUR)"], "accepted"),
        (["Stores (North)", "Stores (South)"], "accepted"),
        (["Prices (old)"], "accepted"),
    ],
)
def test_what_a_sheets_name_says_in_brackets_counts(tmp_path: Path, names: list[str], verdict: str) -> None:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name in names:
        page = book.create_sheet(name)
        page.append(["SKU", "Quantity", "Price"])
        page.append(["A1", 5, 9.5])
    path = tmp_path / "Prices.xlsx"
    book.save(path)
    reading = read_file(path, [contract(EuroLine)])
    assert reading.verdict == verdict
    assert [one.sheet for one in reading.findings] == [
        name for name in names if name.endswith(("(old)", "(2)", "(kEUR)"))
    ]
    if len(names) == 2 and verdict == "returned":
        assert read_file(path, [contract(EuroLine, sheets="!*(*)")]).verdict == "accepted"
        assert read_file(path, [contract(EuroLine, sheets="*|*(*)")]).rows_accepted == 2


@pytest.mark.parametrize(
    ("name", "severity"),
    [
        ("Prices USD", "reject"),
        ("TEUR", "reject"),
        ("in kEUR", "reject"),
        ("Prices EUR", None),
        ("ALL", None),
        ("M", None),
        ("old", "notice"),
        ("Copy of March", "notice"),
        ("Altona", None),
    ],
)
def test_what_a_sheets_name_says_without_brackets_counts(tmp_path: Path, name: str, severity: str | None) -> None:
    findings = read(tmp_path, EuroLine, ["SKU", "Quantity", "Price"], ["A1", 5, 9.5], sheet=name).findings
    assert [one.severity for one in findings] == ([severity] if severity else [])


@pytest.mark.parametrize("copy", ["Copy of March", "March - old", "old March", "March Kopie"])
def test_a_sheet_and_its_copy_are_not_both_read(tmp_path: Path, copy: str) -> None:
    book = openpyxl.Workbook()
    for page in (book.active, book.create_sheet(copy)):
        assert page is not None
        page.append(["SKU", "Quantity", "Price"])
        page.append(["A1", 5, 9.5])
    book.worksheets[0].title = "March"
    book.save(tmp_path / "Prices.xlsx")
    assert read_file(tmp_path / "Prices.xlsx", [contract(EuroLine)]).verdict == "returned"


@pytest.mark.parametrize(("title", "rows"), [("Quantity (kg)", SaleLine), ("Price (USD)", ThousandLess)])
def test_a_unit_of_which_the_contract_says_nothing_is_told(tmp_path: Path, title: str, rows: type[Row]) -> None:
    header = [title if title.startswith(name) else name for name in ("SKU", "Quantity", "Price")]
    reading = read(tmp_path, rows, header, ["A1", 5, 9.5])
    assert reading.verdict == "accepted"
    assert "is a unit of which the contract says nothing" in " ".join(noticed(reading).values())


def test_a_header_that_is_near_says_what_it_says(tmp_path: Path) -> None:
    reading = read(tmp_path, EuroLine, ["SKU", "Quantity", "Price in TEUR"], ["A1", 5, 9.5])
    assert "'Price in TEUR' says that the numbers are shortened" in reading.findings[0].message


def test_a_text_says_its_scale_currency_and_count() -> None:
    assert stated_unit("EUR k").scale == stated_unit("TEUR").scale == 1000
    assert stated_unit("m", is_money=True).scale == 1_000_000
    assert stated_unit("m").measure == "m"
    assert stated_unit("last year").rest == "last"
    assert (words_of('0.0,"k"'), thousands_hidden('0.0,"k"')) == ("k", 1)
    assert (words_of("#,##0.00 [$€-407]"), words_of("# ?/?"), words_of("dd.mm.yyyy")) == ("", "", "")


@pytest.mark.parametrize("name", ["Prices (2024)", "Prices (Q1 2024)", "Prices (2023/24)", "Prices (FY24)"])
def test_a_sheet_may_have_its_year_in_brackets(tmp_path: Path, name: str) -> None:
    reading = read(tmp_path, SaleLine, ["SKU", "Quantity", "Price"], ["A1", 2, 3.5], sheet=name.replace("/", "-"))
    assert reading.findings == []


@pytest.mark.parametrize("title", ["Price EUR", "Price in €", "Price in EUR"])
def test_a_columns_own_unit_behind_its_name_is_no_part_of_it(tmp_path: Path, title: str) -> None:
    header = ["SKU", "Quantity", title, "Weight kg"]
    reading = read(tmp_path, EuroLine, header, ["A1", 5, 9.5, 2])
    assert reading.findings == []
    assert reading.rows is not None
    assert reading.rows["weight"].to_pylist() == [2]
    assert rejected(read(tmp_path, EuroLine, ["SKU", "Quantity", "Price kEUR"], ["A1", 5, 9.5]))


@pytest.mark.parametrize(
    ("said", "told"), [("Stock list in cartons", True), ("Stock in Kiel", False), ("In March we sold boxes", False)]
)
def test_packages_that_a_title_names_among_other_words_are_told(tmp_path: Path, said: str, told: bool) -> None:
    reading = read(tmp_path, PieceLine, [said], [], ["SKU", "Quantity"], ["A1", 5])
    assert set(noticed(reading)) == ({"A1"} if told else set())
    assert reading.verdict == "accepted"


@pytest.mark.parametrize(
    ("said", "told"), [("in cases of 12", True), ("kEUR", True), ("before discounts", False), ("in March", False)]
)
def test_a_unit_in_a_headers_comment_is_told(tmp_path: Path, said: str, told: bool) -> None:
    path = tmp_path / "Sales.xlsx"
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    page.append(["SKU", "Quantity"])
    page.append(["A1", 5])
    page["B1"].comment = Comment(said, "Ann")
    book.save(path)
    assert set(noticed(read_file(path, [contract(PieceLine)]))) == ({"B1"} if told else set())
