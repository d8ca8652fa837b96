"""A report as an Excel workbook: a cover with the headline numbers, a sheet per section, the sources.

What the report says comes in as a Document; how cells, tables and charts are written belongs to its neighbours.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from s2p_assets.contracts.report import Document, Figure, Imprint, RelativeChange, ReportColumn, Section, SourceFile
from s2p_assets.publishing.charts.plots import plot_of
from s2p_assets.publishing.charts.vega import PRINT_PALETTE
from s2p_assets.publishing.document import wording
from s2p_assets.publishing.document.number_ids import cell_id, figure_id, row_id
from s2p_assets.publishing.renderers.atomic_file import replace_file
from s2p_assets.publishing.renderers.excel_cells import ReportBook, sheet_names
from s2p_assets.publishing.renderers.excel_charts import EXCEL_CHART_HEIGHT, SHEET, ChartData, PlacedChart, plot_table
from s2p_assets.publishing.renderers.page_parts import made_at_text

COVER, SOURCES = "Overview", "Sources"
COVER_WIDTHS = (36, 18, 12, 26, 44)
FAINT_TEXT = PRINT_PALETTE.text
ARROWS = '"▲" 0.0%;"▼" 0.0%;"=" 0.0%'
TABLE_ROW = 3
ROW_HEIGHT = 20
LEAST_ROOM = 90.0
SHORT_TABLE = 15
ROWS_ON_A_PAGE = 80
ROW_ID = "s2p row"
COMMENT = {"x_scale": 1.8, "y_scale": 0.7, "author": "s2p"}


def write_excel(document: Document, target: Path, imprint: Imprint) -> Path:
    """Write the report to `target` and return it; every row of every section is in it.

    The same arguments give the same bytes. A text that begins like a formula stays a text.
    Raises OSError when `target` cannot be written, ValueError when a section has more rows than a sheet holds.
    """
    import xlsxwriter

    options = {"strings_to_formulas": False, "strings_to_urls": False, "remove_timezone": True}
    with replace_file(target) as draft:
        workbook = xlsxwriter.Workbook(str(draft), options)
        workbook.set_properties({"title": document.title, "author": "s2p", "created": imprint.made_at})
        _write_sheets(ReportBook(workbook, imprint.currency), document, imprint)
        workbook.close()
    return target


def _write_sheets(book: ReportBook, document: Document, imprint: Imprint) -> None:
    data = ChartData()
    names = sheet_names([section.title for section in document.sections], (COVER, SOURCES, SHEET))
    plots = [plot_of(section) for section in document.sections]
    drawn = [None if plot is None else data.add(plot) for plot in plots]
    _cover(book, document, names, next((one for one in drawn if one), None), imprint)
    for place, (section, name, chart) in enumerate(zip(document.sections, names, drawn, strict=True)):
        sheet = _section(book, document, _with_ids(section, place), name, chart)
        _comment_traces(sheet, section, place, document.as_of, imprint)
    _sources(book, document, imprint.sources)
    data.write(book)


def _sheet(
    book: ReportBook, document: Document, name: str, *, title: str, description: str, widths: Sequence[float]
) -> Any:
    """A sheet with a title and a sentence on top, that prints on A4 one page wide."""
    sheet = book.workbook.add_worksheet(name)
    sheet.hide_gridlines(2)
    sheet.set_paper(9)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
    footer = document.title.replace("&", "&&")[:200]
    sheet.set_footer(f"&L&8{footer}, {document.as_of.isoformat()}&R&8&P / &N")
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width)
    book.write(sheet, 0, 0, title, bold=True, font_size=14)
    sheet.set_row(0, 24)
    _paragraph(book, sheet, 1, description, widths, font_color=FAINT_TEXT)
    return sheet


def _paragraph(book: ReportBook, sheet: Any, row: int, text: str, widths: Sequence[float], **look: Any) -> None:
    """A text over as many columns as give it room, in as many lines as it takes."""
    room, columns = 0.0, 0
    while columns < 2 or room < LEAST_ROOM:
        room += widths[columns] if columns < len(widths) else 8.43
        columns += 1
    sheet.merge_range(row, 0, row, columns - 1, "", book.cell_format(text_wrap=True, **look))
    book.write(sheet, row, 0, text, text_wrap=True, **look)
    size = look.get("font_size", 11)
    lines = -(-len(text) * size // int(room * 11)) or 1
    sheet.set_row(row, lines * size * 1.4 + 3)


def _cover(
    book: ReportBook, document: Document, names: Sequence[str], chart: PlacedChart | None, imprint: Imprint
) -> None:
    covers = f"Data up to {wording.format_long_date(document.as_of)}. {made_at_text(imprint)}"
    sheet = _sheet(book, document, COVER, title=document.title, description=covers, widths=COVER_WIDTHS)
    sheet.fit_to_pages(1, 1)
    book.write(sheet, 0, 0, document.title, bold=True, font_size=18)
    sheet.set_row(0, 30)
    _paragraph(book, sheet, 2, document.headline, COVER_WIDTHS, font_size=12)
    row = _figures(book, sheet, 4, document, imprint)
    if chart is not None:
        sheet.insert_chart(row, 0, chart.chart(book), {"object_position": 3})
        row += EXCEL_CHART_HEIGHT // ROW_HEIGHT + 2
    row = _heading(book, sheet, row, "In this workbook")
    for section, name in zip(document.sections, names, strict=True):
        link = book.cell_format(font_color=PRINT_PALETTE.series[0], underline=1)
        sheet.write_url(row, 0, f"internal:'{name.replace(chr(39), chr(39) * 2)}'!A1", link, string=section.title)
        row += 1
    if document.notes:
        row = _heading(book, sheet, row + 1, "Notes")
    for n, note in enumerate(document.notes):
        _paragraph(book, sheet, row + n, note, COVER_WIDTHS)


def _heading(book: ReportBook, sheet: Any, row: int, text: str) -> int:
    book.write(sheet, row, 0, text, bold=True, font_size=12)
    return row + 1


def _figures(book: ReportBook, sheet: Any, row: int, document: Document, imprint: Imprint) -> int:
    """Every headline number with its comparisons, one per line; returns the row to go on at."""
    figures = document.figures
    if not figures:
        return row
    for column, title in enumerate(("Headline numbers", "", "Change", "Against", "")):
        side = {"align": "right"} if title == "Change" else {"indent": int(title == "Against")}
        book.write(sheet, row, column, title, bold=True, bottom=1, **side)
    for place, figure in enumerate(figures):
        changes: Sequence[RelativeChange | None] = figure.changes or (None,)
        for nth, change in enumerate(changes):
            row += 1
            if nth == 0:
                _figure(book, sheet, row, figure)
                if figure.sources:
                    sheet.write_comment(row, 1, imprint.trace_command(figure_id(place), document.as_of), COMMENT)
            if change is not None:
                book.write(sheet, row, 2, change.share, "percent", num_format=ARROWS)
                book.write(sheet, row, 3, change.compared_with, font_color=FAINT_TEXT, indent=1)
    return row + 2


def _figure(book: ReportBook, sheet: Any, row: int, figure: Figure) -> None:
    title = wording.format_column_title(figure.label, figure.format, book.currency)
    book.write(sheet, row, 0, title)
    value = figure.value
    if wording.is_missing(value) or isinstance(value, str):
        book.write(sheet, row, 1, wording.format_figure(figure, book.currency), bold=True, align="right")
    else:
        decimals = wording.decimals_for(pd.Series([value]), "number") if figure.format == "number" else 0
        num_format = "#,##0" + ("." + "0" * decimals if decimals else "")
        look = {"num_format": num_format} if figure.format == "number" else {}
        book.write(sheet, row, 1, value, figure.format, bold=True, align="right", **look)
    book.write(sheet, row, 4, figure.note, font_color=FAINT_TEXT)


def _with_ids(section: Section, place: int) -> Section:
    """The section with a last column that names each row, however it is sorted, for asking where a number is from."""
    if section.frame is None or not any(section.lineage(column) for column in section.columns):
        return section
    ids = [row_id(place, row) for row in range(len(section.frame))]
    named = ReportColumn(ROW_ID, "Row", "code", sources=())
    return replace(section, frame=section.frame.assign(**{ROW_ID: ids}), columns=(*section.columns, named))


def _comment_traces(sheet: Any, section: Section, place: int, edition: dt.date, imprint: Imprint) -> None:
    """Above each column whose numbers can be traced, the command that does it."""
    if section.frame is None or section.frame.empty:
        return
    for at, column in enumerate(section.columns):
        if section.lineage(column):
            command = imprint.trace_command(f"ROW.{at + 1}", edition)
            text = f"Where is a number from?\n{command}\nfor example {cell_id(place, 0, at)}"
            sheet.write_comment(TABLE_ROW, at, text, COMMENT)


def _section(book: ReportBook, document: Document, section: Section, name: str, chart: PlacedChart | None) -> Any:
    frame, columns = _shown(section, chart)
    widths = book.widths(frame, columns)
    sheet = _sheet(book, document, name, title=section.heading, description=section.description, widths=widths)
    if len(frame) and columns:
        book.write_table(sheet, TABLE_ROW, 0, frame, columns, widths)
        sheet.freeze_panes(TABLE_ROW + 1, 0)
        sheet.repeat_rows(TABLE_ROW)
        if chart is not None and len(frame) <= ROWS_ON_A_PAGE:
            sheet.fit_to_pages(1, 1)
    elif section.columns or section.chart:
        book.write(sheet, TABLE_ROW, 0, section.when_empty, italic=True, font_color=FAINT_TEXT)
    if chart is not None:
        below = TABLE_ROW + len(frame) + 2
        row, column = (below, 0) if len(frame) <= SHORT_TABLE else (TABLE_ROW, len(columns) + 1)
        sheet.insert_chart(row, column, chart.chart(book), {"object_position": 3})
    return sheet


def _shown(section: Section, chart: PlacedChart | None) -> tuple[pd.DataFrame, tuple[ReportColumn, ...]]:
    """The section's table; of a section that has only a chart, the chart's numbers."""
    if section.frame is not None and section.columns:
        return section.frame, section.columns
    return plot_table(chart.plot) if chart is not None else (pd.DataFrame(), ())


def _sources(book: ReportBook, document: Document, sources: Sequence[SourceFile]) -> None:
    description = "The files on the share that these numbers come from. SHA-256 tells two versions of a file apart."
    widths = (60, 12, 20, 70)
    sheet = _sheet(book, document, SOURCES, title=SOURCES, description=description, widths=widths)
    if not sources:
        book.write(sheet, TABLE_ROW, 0, "No source files were named.", italic=True, font_color=FAINT_TEXT)
        return
    names = ("path", "rows", "loaded_at", "sha256")
    frame = pd.DataFrame([{name: getattr(source, name) for name in names} for source in sources])
    columns = (
        ReportColumn("path", "File"),
        ReportColumn("rows", "Rows", "integer"),
        ReportColumn("loaded_at", "Loaded", "date"),
        ReportColumn("sha256", "SHA-256", "code"),
    )
    book.write_table(sheet, TABLE_ROW, 0, frame, columns, widths)
    sheet.freeze_panes(TABLE_ROW + 1, 0)
