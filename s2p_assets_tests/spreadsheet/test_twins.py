"""A simulated company whose files go wrong in the ways that people complain of, each beside a twin without the fault.

What is read of the faulty file is what its twin says, or somebody is told; of the twin nothing is said. The promise of
each situation in full, with its cell and its words, is in the tests of its room.
"""

import datetime as dt
import email.message
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from openpyxl.worksheet.table import Table
from openpyxl.worksheet.worksheet import Worksheet

from s2p_assets import Code, Date, Integer, Money, Row, Text, Workbook, column
from s2p_assets.spreadsheet.reading import read_file

HEADER = ("SKU", "Day", "Quantity", "Price", "Customer")
SKUS = ("A100", "A200", "B-300", "C400")
NAMES = ("Müller", "Łódź Handel", "Weiß & Co", "Šmíd")
Line = tuple[Any, ...]


class Orders(Row):
    """An article ordered by a customer on a day."""

    __module__ = "shelf.simulated_orders"

    sku: Code = column("SKU", description="The article")
    day: Date = column("Day", description="When it was ordered")
    quantity: Integer = column("Quantity", description="Pieces", unit="pcs", ge=0)
    price: Money = column("Price", description="Of a piece", unit="EUR", ge=0)
    customer: Text = column("Customer", description="Who ordered it", nullable=True)


ORDERS = Workbook(rows=Orders, path="*", owner="Ann", key=("sku", "day"))


def meant() -> list[Line]:
    """What really was ordered: four articles in three weeks of January 2026."""
    return [
        (sku, dt.date(2026, 1, 5 + 7 * week), 10 + 3 * place + week, 4.5 + place, NAMES[place])
        for place, sku in enumerate(SKUS)
        for week in range(3)
    ]


def saved(path: Path, lines: Iterable[Line], header: Line = HEADER, sheet: str = "Orders") -> Worksheet:
    """The lines in a workbook on its disk; its sheet, to be changed and saved again."""
    book = openpyxl.Workbook()
    page = book.active
    assert isinstance(page, Worksheet)
    page.title = sheet
    for line in [header, *lines]:
        page.append(line)
    book.save(path)
    return page


def save(page: Worksheet, path: Path) -> None:
    """What was changed in a sheet since `saved`."""
    assert page.parent is not None
    page.parent.save(path)


def with_rows_between(path: Path, label: str, value: Callable[[list[Line]], Any], column_of_label: int = 0) -> None:
    """After each article a row with a label and a value of its quantities."""
    lines: list[Line] = []
    for sku in SKUS:
        group = [line for line in meant() if line[0] == sku]
        row: list[Any] = [None] * len(HEADER)
        row[column_of_label], row[2] = label.format(sku), value(group)
        lines += [*group, tuple(row)]
    saved(path, lines)


def total(group: list[Line]) -> int:
    return sum(line[2] for line in group)


def english_subtotals(path: Path) -> None:
    with_rows_between(path, "{} Total", total)


def german_subtotals(path: Path) -> None:
    with_rows_between(path, "{} Ergebnis", total)


def averages(path: Path) -> None:
    with_rows_between(path, "{} Average", lambda group: total(group) / len(group))


def subtotal_formulas_without_a_label(path: Path) -> None:
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet("Orders")
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        page.write_row(0, 0, HEADER)
        row = 1
        for sku in SKUS:
            first = row + 1
            for line in (line for line in meant() if line[0] == sku):
                page.write_row(row, 0, line)
                page.write_datetime(row, 1, line[1], day)
                row += 1
            page.write(row, 0, sku)
            page.write_datetime(row, 1, dt.date(2026, 1, 31), day)
            page.write_formula(row, 2, f"=SUBTOTAL(9,C{first}:C{row})", value=first)
            page.write(row, 3, 1.0)
            row += 1


def table_total_row(path: Path) -> None:
    page = saved(path, [*meant(), ("Summary", None, total(meant()), None, None)])
    table = Table(displayName="Orders", ref=f"A1:E{len(meant()) + 2}", totalsRowCount=1)
    page.add_table(table)
    save(page, path)


def article_merged_over_its_rows(path: Path) -> None:
    lines = [(line[0] if place % 3 == 0 else None, *line[1:]) for place, line in enumerate(meant())]
    page = saved(path, lines)
    for first in range(2, len(lines) + 2, 3):
        page.merge_cells(f"A{first}:A{first + 2}")
    save(page, path)


def article_in_its_first_row_only(path: Path) -> None:
    saved(path, [(line[0] if place % 3 == 0 else None, *line[1:]) for place, line in enumerate(meant())])


def two_tables_side_by_side(path: Path) -> None:
    left, right = meant()[:6], meant()[6:]
    both = [(*one, None, *other) for one, other in zip(left, right, strict=True)]
    saved(path, both, (*HEADER, None, *HEADER))


def two_tables_stacked(path: Path) -> None:
    blank: Line = (None,) * len(HEADER)
    saved(path, [*meant()[:6], blank, blank, HEADER, *meant()[6:]])


def price_per_hundred(path: Path) -> None:
    saved(
        path,
        [(*line[:3], line[3] * 100, line[4]) for line in meant()],
        ("SKU", "Day", "Quantity", "Price (EUR/100)", "Customer"),
    )


def quantity_in_thousands(path: Path) -> None:
    saved(
        path,
        [(*line[:2], line[2] * 1000, *line[3:]) for line in meant()],
        ("SKU", "Day", "Quantity (k)", "Price", "Customer"),
    )


def quantity_in_cases(path: Path) -> None:
    saved(path, meant(), ("SKU", "Day", "Quantity (cases)", "Price", "Customer"))


def price_of_another_currency(path: Path) -> None:
    saved(path, meant(), ("SKU", "Day", "Quantity", "Price USD", "Customer"))


def currency_in_a_number_format(path: Path) -> None:
    page = saved(path, meant())
    for row in (3, 5):
        page.cell(row, 4).number_format = '#,##0.00\\ "USD"'
    save(page, path)


def currency_in_a_column(path: Path) -> None:
    lines = [(*line[:4], "USD" if place == 4 else "EUR", line[4]) for place, line in enumerate(meant())]
    saved(path, lines, ("SKU", "Day", "Quantity", "Price", "Currency", "Customer"))


def unit_row_below_the_header(path: Path) -> None:
    saved(path, [(None, None, "cases", "kEUR", None), *meant()])


def prices_including_tax(path: Path) -> None:
    saved(path, meant(), ("SKU", "Day", "Quantity", "Price incl. VAT", "Customer"))


def planned_quantities(path: Path) -> None:
    saved(
        path,
        [(*line[:2], line[2] + 7, *line[3:]) for line in meant()],
        ("SKU", "Day", "Quantity (planned)", "Price", "Customer"),
    )


def last_year_s_prices(path: Path) -> None:
    saved(
        path,
        [(*line[:3], line[3] - 1, line[4]) for line in meant()],
        ("SKU", "Day", "Quantity", "Price (last year)", "Customer"),
    )


def sheet_called_old(path: Path) -> None:
    saved(path, [(*line[:3], line[3] - 1, line[4]) for line in meant()], sheet="Orders (old)")


def with_code(path: Path, value: Any, number_format: str = "General") -> None:
    """The first article's code in row 2 as Excel has made it."""
    page = saved(path, meant())
    page["A2"] = value
    page["A2"].number_format = number_format
    save(page, path)


def with_day(path: Path, value: Any, number_format: str = "yyyy-mm-dd") -> None:
    page = saved(path, meant())
    page["B6"] = value
    page["B6"].number_format = number_format
    save(page, path)


def code_as_a_power(path: Path) -> None:
    with_code(path, 220.0, "0.00E+00")


def code_as_a_date(path: Path) -> None:
    with_code(path, dt.date(2026, 3, 1), "mmm\\-d")


def code_with_lost_digits(path: Path) -> None:
    with_code(path, 1234567890123456789, "0")


def code_in_cyrillic(path: Path) -> None:
    with_code(path, "А100")


def code_in_full_width(path: Path) -> None:
    with_code(path, "Ａ１００")


def code_with_an_invisible_mark(path: Path) -> None:
    with_code(path, "A\u200b100")


def code_in_lower_case(path: Path) -> None:
    with_code(path, "a100")


def code_with_another_dash(path: Path) -> None:
    page = saved(path, meant())
    page["A8"] = "B\u2013300"
    save(page, path)


def code_with_a_soft_hyphen(path: Path) -> None:
    page = saved(path, meant())
    page["A8"] = "B\u00ad-300"
    save(page, path)


def day_in_2062(path: Path) -> None:
    with_day(path, dt.date(2062, 1, 12))


def day_in_1926(path: Path) -> None:
    with_day(path, dt.date(1926, 1, 12))


def day_in_the_year_206(path: Path) -> None:
    with_day(path, "0206-01-12", "@")


def text_of_all_that_a_cell_holds(path: Path) -> None:
    saved(path, [(*line[:4], "x" * 32_767 if place == 3 else line[4]) for place, line in enumerate(meant())])


def csv_text(lines: Iterable[Line], delimiter: str = ";") -> str:
    rows = [HEADER, *lines]
    return "".join(delimiter.join("" if value is None else str(value) for value in line) + "\r\n" for line in rows)


def central_european_csv(path: Path) -> None:
    path.with_suffix(".csv").write_bytes(csv_text((*line[:4], NAMES[1]) for line in meant()).encode("cp1250"))


def wrongly_decoded_csv(path: Path) -> None:
    text = csv_text((*line[:4], "Müller") for line in meant())
    path.with_suffix(".csv").write_text(text.encode().decode("cp1252"), encoding="utf-8")


def struck_row(path: Path) -> None:
    page = saved(path, meant())
    for cell in page[4]:
        cell.font = Font(strike=True)
    save(page, path)


def with_price_formulas(
    path: Path,
    formula: Callable[[int, Line], str],
    less: float = 0.0,
    day: str = "yyyy-mm-dd",
    *,
    by_hand: bool = False,
) -> None:
    """The lines, their price by a formula of its row and line whose stored value is `less` lower than is meant."""
    with xlsxwriter.Workbook(path) as book:
        if by_hand:
            book.set_calc_mode("manual")
        page = book.add_worksheet("Orders")
        look = book.add_format({"num_format": day})
        page.write_row(0, 0, HEADER)
        for row, line in enumerate(meant(), 1):
            page.write_row(row, 0, line)
            page.write_datetime(row, 1, line[1], look)
            page.write_formula(row, 3, formula(row, line), value=line[3] - less)


def of_another_book(path: Path) -> None:
    with_price_formulas(path, lambda row, _: f"='[Prices.xlsx]Sheet1'!B{row}", 1.0)


def saved_with_manual_calculation(path: Path) -> None:
    with_price_formulas(path, lambda row, _: f"=C{row + 1}/2", by_hand=True)


def html(lines: Iterable[Line]) -> str:
    rows = "".join(f"<tr>{''.join(f'<td>{value}</td>' for value in line)}</tr>" for line in [HEADER, *lines])
    return f"<html><head><meta charset='utf-8'></head><body><table>{rows}</table></body></html>"


def html_called_xls(path: Path) -> None:
    path.with_suffix(".xls").write_text(html(meant()), encoding="utf-8")


def web_archive_called_xls(path: Path) -> None:
    message = email.message.EmailMessage()
    message.set_content(html(meant()), subtype="html", charset="utf-8")
    message.make_related()
    path.with_suffix(".xls").write_bytes(message.as_bytes())


def tab_separated_called_xls(path: Path) -> None:
    path.with_suffix(".xls").write_text(csv_text(meant(), "\t"), encoding="utf-8")


def sums_over_each_article_without_a_word(path: Path) -> None:
    lines: list[Line] = []
    for sku in SKUS:
        group = [line for line in meant() if line[0] == sku]
        prices = sum(line[3] for line in group)
        lines += [(f"{sku}-0", dt.date(2026, 1, 31), total(group), prices, None), *group]
    saved(path, lines)


def article_by_ditto_marks(path: Path) -> None:
    saved(path, [(line[0] if place % 3 == 0 else "dito", *line[1:]) for place, line in enumerate(meant())])


def of_which_row(path: Path) -> None:
    saved(path, [*meant(), ("of which returned", dt.date(2026, 1, 31), 7, 1.0, None)])


def cartons_among_a_title(path: Path) -> None:
    saved(path, [HEADER, *((*line[:2], line[2] + 1, *line[3:]) for line in meant())], ("Orders in cartons",))


def cases_in_a_comment_at_the_header(path: Path) -> None:
    page = saved(path, [(*line[:2], line[2] + 1, *line[3:]) for line in meant()])
    page["C1"].comment = Comment("in cases of 12", "Ann")
    save(page, path)


def three_decimals_with_a_comma(path: Path) -> None:
    lines = [(*line[:2], f"{line[2]},000", *line[3:]) for line in meant()]
    path.with_suffix(".csv").write_text(csv_text(lines), encoding="utf-8")


def three_decimals_between_tabs(path: Path) -> None:
    lines = [(*line[:2], f"{line[2]},000", *line[3:]) for line in meant()]
    path.with_suffix(".csv").write_text(csv_text(lines, "\t"), encoding="utf-8")


def with_codes(path: Path, codes: Iterable[Any]) -> None:
    saved(path, [(code, *line[1:]) for code, line in zip(codes, meant(), strict=True)])


def codes_that_all_became_dates(path: Path) -> None:
    lines = [(f"{place + 1:02}. Mrz", *line[1:]) for place, line in enumerate(meant())]
    path.with_suffix(".csv").write_text(csv_text(lines), encoding="utf-8")


def code_that_is_true(path: Path) -> None:
    with_code(path, True)


def code_with_decimals(path: Path) -> None:
    with_code(path, 100.5)


def code_as_a_power_without_its_format(path: Path) -> None:
    with_code(path, 100_000)


def code_with_a_letter_for_a_digit(path: Path) -> None:
    with_codes(path, [*("A100",) * 5, "A1OO", *("A200", "B300") * 3])


def code_with_a_letter_where_others_have_digits(path: Path) -> None:
    with_codes(path, [*(f"K-{place}" for place in range(10, 21)), "K-2O"])


def text_as_long_as_a_driver_leaves_it(path: Path) -> None:
    saved(path, [(*line[:4], "x" * 255 if place == 3 else line[4]) for place, line in enumerate(meant())])


def prices_drawn_by_lot(path: Path) -> None:
    with_price_formulas(path, lambda _, line: f"=RANDBETWEEN(1,9)+{line[3]}", 1.0)


def prices_of_today(path: Path) -> None:
    with_price_formulas(path, lambda row, _: f"=TODAY()-B{row + 1}", 1.0)


def prices_from_where_a_text_points(path: Path) -> None:
    with_price_formulas(path, lambda row, _: f'=INDIRECT("Old!D"&{row})', 1.0)


def with_a_look(path: Path, change: Callable[[Worksheet], None]) -> None:
    """A row that somebody hid instead of deleting it: 99 pieces more, and the look that says so."""
    page = saved(path, [*meant(), ("A100", dt.date(2026, 1, 31), 99, 1.0, None)])
    change(page)
    save(page, path)


def number_in_white_letters(path: Path) -> None:
    with_a_look(path, lambda page: setattr(page["C14"], "font", Font(color="FFFFFFFF")))


def number_by_a_format_that_shows_nothing(path: Path) -> None:
    with_a_look(path, lambda page: setattr(page["C14"], "number_format", ";;;"))


def column_that_is_hidden(path: Path) -> None:
    with_a_look(path, lambda page: setattr(page.column_dimensions["C"], "hidden", True))


def row_that_a_filter_hides(path: Path) -> None:
    def hide(page: Worksheet) -> None:
        page.auto_filter.ref = "A1:E14"
        page.auto_filter.add_filter_column(2, ["10"])
        page.row_dimensions[14].hidden = True

    with_a_look(path, hide)


def price_for_a_hundred_in_a_column_beside(path: Path) -> None:
    lines = [(*line[:3], line[3] * 100, 100, line[4]) for line in meant()]
    saved(path, lines, ("SKU", "Day", "Quantity", "Price", "Preiseinheit", "Customer"))


def quantity_in_cartons_by_a_column_beside(path: Path) -> None:
    lines = [(*line[:2], line[2] + 1, "KAR", *line[3:]) for line in meant()]
    saved(path, lines, ("SKU", "Day", "Quantity", "ME", "Price", "Customer"))


def sum_beside_a_mean_price(path: Path) -> None:
    mean = round(sum(line[3] for line in meant()) / len(meant()), 2)
    saved(path, [*meant(), ("A900", dt.date(2026, 1, 31), total(meant()), mean, None)])


def average_named_behind_its_numbers(path: Path) -> None:
    saved(path, [*meant(), ("A900", dt.date(2026, 1, 31), 16, 6.0, "Durchschnitt")])


def codes_that_a_program_wrote_as_numbers(path: Path) -> None:
    lines = [(f"{1000 + place}.0", *line[1:]) for place, line in enumerate(meant())]
    path.with_suffix(".csv").write_text(csv_text(lines), encoding="utf-8")


def code_that_lost_its_zeros(path: Path) -> None:
    with_codes(path, [*(f"{place:05}" for place in range(120, 131)), 131])


def prices_with_three_decimals_and_a_comma(path: Path) -> None:
    lines = [(*line[:3], f"{line[3]:.3f}".replace(".", ","), line[4]) for line in meant()]
    path.with_suffix(".csv").write_text(csv_text(lines, "\t"), encoding="utf-8")


def sum_of_two_rows(path: Path) -> None:
    lines = meant()[:2]
    saved(path, [*lines, ("A900", dt.date(2026, 1, 31), total(lines), sum(line[3] for line in lines), None)])


def another_order_of_columns_below(path: Path) -> None:
    other = [(line[0], line[1], line[3], line[2], line[4]) for line in meant()[6:]]
    saved(path, [*meant()[:6], ("SKU", "Day", "Price", "Quantity", "Customer"), *other])


def named_with_letters_of_another_code_page(name: str) -> Callable[[Path], None]:
    """A customer whose name was read in another encoding before it came into the workbook; told, whatever is read."""

    def fault(path: Path) -> None:
        saved(path, [*((*line[:4], name) for line in meant()), ("A900", dt.date(2026, 1, 31), 1, 1.0, name)])

    fault.__name__ = f"named_{name}"
    return fault


FAULTS: list[Callable[[Path], None]] = [
    codes_that_all_became_dates,
    code_that_is_true,
    code_with_decimals,
    code_as_a_power_without_its_format,
    code_with_a_letter_for_a_digit,
    code_with_a_letter_where_others_have_digits,
    text_as_long_as_a_driver_leaves_it,
    prices_drawn_by_lot,
    prices_of_today,
    prices_from_where_a_text_points,
    number_in_white_letters,
    number_by_a_format_that_shows_nothing,
    column_that_is_hidden,
    row_that_a_filter_hides,
    price_for_a_hundred_in_a_column_beside,
    quantity_in_cartons_by_a_column_beside,
    sum_beside_a_mean_price,
    average_named_behind_its_numbers,
    codes_that_a_program_wrote_as_numbers,
    code_that_lost_its_zeros,
    prices_with_three_decimals_and_a_comma,
    sum_of_two_rows,
    another_order_of_columns_below,
    *map(named_with_letters_of_another_code_page, ("þeker", "Gyõr", "Straáe", "MŸller", "K”ln", "Taþkýn")),
    sums_over_each_article_without_a_word,
    article_by_ditto_marks,
    of_which_row,
    cartons_among_a_title,
    cases_in_a_comment_at_the_header,
    three_decimals_with_a_comma,
    english_subtotals,
    german_subtotals,
    averages,
    subtotal_formulas_without_a_label,
    table_total_row,
    article_merged_over_its_rows,
    article_in_its_first_row_only,
    two_tables_side_by_side,
    two_tables_stacked,
    price_per_hundred,
    quantity_in_thousands,
    quantity_in_cases,
    price_of_another_currency,
    currency_in_a_number_format,
    currency_in_a_column,
    unit_row_below_the_header,
    prices_including_tax,
    planned_quantities,
    last_year_s_prices,
    sheet_called_old,
    code_as_a_power,
    code_as_a_date,
    code_with_lost_digits,
    code_in_cyrillic,
    code_in_full_width,
    code_with_an_invisible_mark,
    code_in_lower_case,
    code_with_another_dash,
    code_with_a_soft_hyphen,
    day_in_2062,
    day_in_1926,
    day_in_the_year_206,
    text_of_all_that_a_cell_holds,
    central_european_csv,
    wrongly_decoded_csv,
    struck_row,
    of_another_book,
    saved_with_manual_calculation,
    html_called_xls,
    web_archive_called_xls,
    tab_separated_called_xls,
    three_decimals_between_tabs,
]


def units_in_the_header(path: Path) -> None:
    saved(path, meant(), ("SKU", "Day", "Quantity [pcs]", "Price (EUR)", "Customer"))


def prices_shown_in_euro(path: Path) -> None:
    page = saved(path, meant())
    for (cell,) in page.iter_rows(min_row=2, min_col=4, max_col=4):
        cell.number_format = '#,##0.00\\ "€"'
    save(page, path)


def customer_called_total(path: Path) -> None:
    saved(path, [(*line[:4], "Total" if line[0] == "A200" else line[4]) for line in meant()])


def blank_rows_between_articles(path: Path) -> None:
    blank: Line = (None,) * len(HEADER)
    saved(path, [line for place, line in enumerate(meant()) for line in ([blank, line] if place % 3 == 0 else [line])])


def formulas_of_its_own(path: Path) -> None:
    with_price_formulas(path, lambda row, line: f"=ROUND(C{row + 1}/C{row + 1}*{line[3]}, 2)", day="dd.mm.yyyy")


def sheet_named_for_its_year(path: Path) -> None:
    saved(path, meant(), sheet="Orders 2026")


def coloured_header_and_bands(path: Path) -> None:
    page = saved(path, meant())
    for row in (1, 3, 5, 7):
        for cell in page[row]:
            cell.fill = PatternFill("solid", start_color="DDEBF7")
    save(page, path)


def utf8_csv(path: Path) -> None:
    path.with_suffix(".csv").write_text(csv_text(meant()), encoding="utf-8-sig")


def unit_behind_the_name(path: Path) -> None:
    saved(path, meant(), ("SKU", "Day", "Quantity pcs", "Price in €", "Customer"))


def customers_named_with_words_for_totals(path: Path) -> None:
    names = ("Total Kiel", "Max Bahr", "Kids Max", "Ensemble Paris")
    saved(path, [(*line[:4], names[place % 4]) for place, line in enumerate(meant())])


def sheet_with_its_year_in_brackets(path: Path) -> None:
    saved(path, meant(), sheet="Orders (2026)")


def comment_of_other_matters_at_the_header(path: Path) -> None:
    page = saved(path, meant())
    page["C1"].comment = Comment("as of Friday, in the main warehouse", "Ann")
    save(page, path)


def customers_of_all_europe(path: Path) -> None:
    names = ("Sigurður Þór", "João Guimarães", "Põltsamaa Jõgi", "Vysoké Mýto", "Crème brûlée", "Ján Kováč", "L'Haÿ")
    saved(path, [(*line[:4], names[place % len(names)]) for place, line in enumerate(meant())])


def codes_written_for_excel(path: Path) -> None:
    lines = [(f'="{line[0]}"', *line[1:]) for line in meant()]
    path.with_suffix(".csv").write_text(csv_text(lines), encoding="utf-8")


def notes_of_every_length(path: Path) -> None:
    saved(path, [(*line[:4], "x" * (245 + place)) for place, line in enumerate(meant())])


def white_letters_on_a_dark_row(path: Path) -> None:
    page = saved(path, meant())
    for row in (1, 5):
        for cell in page[row]:
            cell.font, cell.fill = Font(color="FFFFFFFF"), PatternFill("solid", start_color="1F3864")
    save(page, path)


def negatives_in_red_and_zeros_as_dashes(path: Path) -> None:
    page = saved(path, meant())
    for (cell,) in page.iter_rows(min_row=2, min_col=3, max_col=3):
        cell.number_format = '#,##0;[Red]-#,##0;"-"'
    save(page, path)


NO_FAULTS: list[Callable[[Path], None]] = [
    customers_of_all_europe,
    codes_written_for_excel,
    notes_of_every_length,
    white_letters_on_a_dark_row,
    negatives_in_red_and_zeros_as_dashes,
    unit_behind_the_name,
    customers_named_with_words_for_totals,
    sheet_with_its_year_in_brackets,
    comment_of_other_matters_at_the_header,
    units_in_the_header,
    prices_shown_in_euro,
    customer_called_total,
    blank_rows_between_articles,
    formulas_of_its_own,
    sheet_named_for_its_year,
    coloured_header_and_bands,
    utf8_csv,
]


def lines_of(path: Path) -> tuple[set[Line], list[str]]:
    """What is loaded of a file: article, day, quantity and price; and what is said of it."""
    reading = read_file(path, [ORDERS])
    names = ("sku", "day", "quantity", "price")
    rows = reading.rows.select(names).to_pylist() if reading.rows is not None else []
    said = [finding.message for finding in reading.findings] + ([reading.error] if reading.error else [])
    return {tuple(row[name] for name in names) for row in rows}, said


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> set[Line]:
    """What is loaded of the file without a fault, of which nothing is said."""
    path = tmp_path_factory.mktemp("twin") / "orders.xlsx"
    saved(path, meant())
    lines, said = lines_of(path)
    assert (len(lines), said) == (len(meant()), [])
    return lines


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_is_read_right_or_told(fault: Callable[[Path], None], twin: set[Line], tmp_path: Path) -> None:
    fault(tmp_path / "orders.xlsx")
    (made,) = tmp_path.iterdir()
    lines, said = lines_of(made)
    assert lines == twin or said, "a wrong number, and no word to anybody"


@pytest.mark.parametrize("ordinary", NO_FAULTS, ids=lambda ordinary: ordinary.__name__)
def test_of_an_ordinary_file_nothing_is_said(ordinary: Callable[[Path], None], twin: set[Line], tmp_path: Path) -> None:
    ordinary(tmp_path / "orders.xlsx")
    (made,) = tmp_path.iterdir()
    assert lines_of(made) == (twin, [])
