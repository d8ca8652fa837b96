"""The XML of the sheet that lists every finding, put first into a marked copy; what it says is decided elsewhere."""

from collections.abc import Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from s2p_assets.spreadsheet.findings import Finding
from s2p_assets.spreadsheet.grid import Place, address
from s2p_assets.spreadsheet.returned.letter import (
    FILLS,
    HEADING_FILL,
    HEADINGS,
    INKS,
    LABEL_INK,
    LINK_INK,
    TITLE_INK,
    WIDTHS,
    Letter,
    legible,
    lines_needed,
    link_to,
)
from s2p_assets.spreadsheet.returned.styles import Styles


@dataclass(frozen=True, slots=True)
class Looks:
    """Style numbers of the list's cells."""

    title: int
    label: int
    line: int
    heading: int
    cell: int
    link: int
    severity: dict[str, int]

    @classmethod
    def added_to(cls, styles: Styles) -> "Looks":
        return cls(
            title=styles.made(bold=True, size=16, ink=TITLE_INK),
            label=styles.made(bold=True, ink=LABEL_INK),
            line=styles.made(ink=TITLE_INK),
            heading=styles.made(bold=True, ink="FFFFFF", fill=HEADING_FILL, grid=True),
            cell=styles.made(grid=True),
            link=styles.made(ink=LINK_INK, grid=True),
            severity={
                severity: styles.made(bold=True, ink=INKS[severity], fill=fill, grid=True)
                for severity, fill in FILLS.items()
            },
        )


def list_of_findings(letter: Letter, looks: Looks, namespace: str, known_sheets: Iterable[str]) -> bytes:
    """The sheet's XML; cells of `known_sheets` are links to the place itself."""
    top = len(letter.lines) + 3
    linkable = set(known_sheets)
    rows = [_row(1, [(letter.title, looks.title)], height=26)]
    rows += [
        _row(number, [(label, looks.label), (text, looks.line)]) for number, (label, text) in enumerate(letter.lines, 2)
    ]
    if letter.listed:
        rows.append(_row(top, [(heading, looks.heading) for heading in HEADINGS], height=20))
    rows += [_finding(number, letter, finding, looks) for number, finding in enumerate(letter.listed, top + 1)]
    links = [
        _link(number, *place)
        for number, finding in enumerate(letter.listed, top + 1)
        if (place := letter.place_of(finding)) and place[0] in linkable
    ]
    columns = "".join(
        f'<col min="{number}" max="{number}" width="{width}" customWidth="1"/>'
        for number, width in enumerate(WIDTHS, 1)
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


def _finding(number: int, letter: Letter, finding: Finding, looks: Looks) -> str:
    texts = letter.cells_of(finding)
    styles = [looks.cell] * (len(texts) - 1) + [looks.severity[finding.severity]]
    if finding.cell:
        styles[1] = looks.link
    return _row(number, list(zip(texts, styles, strict=True)), height=15 * lines_needed(texts))


def _row(number: int, cells: list[tuple[str, int]], height: int | None = None) -> str:
    tall = f' ht="{height}" customHeight="1"' if height else ""
    written = "".join(
        f'<c r="{address(number, column)}" s="{style}" t="inlineStr">'
        f'<is><t xml:space="preserve">{escape(legible(text))}</t></is></c>'
        for column, (text, style) in enumerate(cells, 1)
    )
    return f'<row r="{number}"{tall}>{written}</row>'


def _link(number: int, sheet: str, place: Place) -> str:
    cell = address(*place)
    return f'<hyperlink ref="B{number}" location={quoteattr(link_to(sheet, cell))} display="{cell}"/>'
