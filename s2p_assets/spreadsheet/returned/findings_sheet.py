"""The XML of the sheet that lists every finding, put first into a marked copy; what it says is decided elsewhere."""

from collections.abc import Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from s2p_assets.contracts.findings import Finding
from s2p_assets.spreadsheet.grid import CellPosition, cell_address
from s2p_assets.spreadsheet.returned.feedback import (
    COLUMN_WIDTHS,
    FILLS,
    HEADING_FILL,
    HEADINGS,
    INKS,
    LABEL_INK,
    LINK_INK,
    TITLE_INK,
    Feedback,
    internal_link,
    lines_needed,
    sanitized,
)
from s2p_assets.spreadsheet.returned.styles import Styles


@dataclass(frozen=True, slots=True)
class ListStyles:
    """Style numbers of the list's cells."""

    title: int
    label: int
    line: int
    heading: int
    cell: int
    link: int
    severity: dict[str, int]

    @classmethod
    def added_to(cls, styles: Styles) -> "ListStyles":
        return cls(
            title=styles.text_style(bold=True, size=16, ink=TITLE_INK),
            label=styles.text_style(bold=True, ink=LABEL_INK),
            line=styles.text_style(ink=TITLE_INK),
            heading=styles.text_style(bold=True, ink="FFFFFF", fill=HEADING_FILL, grid=True),
            cell=styles.text_style(grid=True),
            link=styles.text_style(ink=LINK_INK, grid=True),
            severity={
                severity: styles.text_style(bold=True, ink=INKS[severity], fill=fill, grid=True)
                for severity, fill in FILLS.items()
            },
        )


def findings_sheet_xml(
    feedback: Feedback, list_styles: ListStyles, namespace: str, known_sheets: Iterable[str]
) -> bytes:
    """The sheet's XML; cells of `known_sheets` are links to the place itself."""
    top = len(feedback.lines) + 3
    linkable = set(known_sheets)
    rows = [_row(1, [(feedback.title, list_styles.title)], height=26)]
    rows += [
        _row(number, [(label, list_styles.label), (text, list_styles.line)])
        for number, (label, text) in enumerate(feedback.lines, 2)
    ]
    if feedback.listed:
        rows.append(_row(top, [(heading, list_styles.heading) for heading in HEADINGS], height=20))
    rows += [
        _finding(number, feedback, finding, list_styles) for number, finding in enumerate(feedback.listed, top + 1)
    ]
    links = [
        _link(number, *place)
        for number, finding in enumerate(feedback.listed, top + 1)
        if (place := feedback.position_of(finding)) and place[0] in linkable
    ]
    columns = "".join(
        f'<col min="{number}" max="{number}" width="{width}" customWidth="1"/>'
        for number, width in enumerate(COLUMN_WIDTHS, 1)
    )
    return "".join(
        (
            '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n',
            f"<worksheet xmlns={quoteattr(namespace)}>",
            '<sheetPr><tabColor rgb="FF9C0012"/><pageSetUpPr fitToPage="1"/></sheetPr>',
            '<sheetViews><sheetView showGridLines="0" tabSelected="1" workbookViewId="0">',
            f'<pane ySplit="{top}" topLeftCell="A{top + 1}" activePane="bottomLeft" state="frozen"/>',
            f'<selection pane="bottomLeft" activeCell="A{top + 1}" sqref="A{top + 1}"/></sheetView></sheetViews>',
            f"<cols>{columns}</cols><sheetData>{''.join(rows)}</sheetData>",
            f"<hyperlinks>{''.join(links)}</hyperlinks>" if links else "",
            '<pageMargins left="0.5" right="0.5" top="0.6" bottom="0.6" header="0.3" footer="0.3"/>',
            '<pageSetup orientation="landscape" fitToHeight="0"/></worksheet>',
        )
    ).encode()


def _finding(number: int, feedback: Feedback, finding: Finding, list_styles: ListStyles) -> str:
    texts = feedback.list_row(finding)
    styles = [list_styles.cell] * (len(texts) - 1) + [list_styles.severity[finding.severity]]
    if finding.cell:
        styles[1] = list_styles.link
    return _row(number, list(zip(texts, styles, strict=True)), height=15 * lines_needed(texts))


def _row(number: int, cells: list[tuple[str, int]], height: int | None = None) -> str:
    tall = f' ht="{height}" customHeight="1"' if height else ""
    written = "".join(
        f'<c r="{cell_address(number, column)}" s="{style}" t="inlineStr">'
        f'<is><t xml:space="preserve">{escape(sanitized(text))}</t></is></c>'
        for column, (text, style) in enumerate(cells, 1)
    )
    return f'<row r="{number}"{tall}>{written}</row>'


def _link(number: int, sheet: str, place: CellPosition) -> str:
    cell = cell_address(*place)
    return f'<hyperlink ref="B{number}" location={quoteattr(internal_link(sheet, cell))} display="{cell}"/>'
