"""Reading web pages that call themselves workbooks: HTML tables, and web archives (MHTML) of one or several sheets.

Cells stand where Excel shows them: loose text takes a row of column A, a table the rows below it, spans their whole
area. A text is a text here; only what Excel's own marks (`x:num`, `mso-number-format`) type is more.
"""

import email
import email.policy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from s2p_assets.spreadsheet import number_formats
from s2p_assets.spreadsheet.grid import LAST_COLUMN, LAST_ROW, CellKind, Sheet
from s2p_assets.spreadsheet.limits import MAX_TEXT_PAGE_BYTES, WorkbookUnreadable
from s2p_assets.spreadsheet.readers.cell_list import GENERAL, CellList
from s2p_assets.spreadsheet.readers.text_encoding import text_encoding

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_SILENT = frozenset({"script", "style", "head", "title", "template", "noscript", "select", "textarea"})
_BLOCK_NAMES = (
    "address article aside blockquote body center dd div dl dt fieldset footer form h1 h2 h3 h4 h5 h6 header hr html "
    "li main nav ol p pre section ul frameset noframes"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{2,30})""", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"""<\?xml[^>]{0,100}?encoding\s*=\s*["']([\w.:-]{2,30})["']""", re.IGNORECASE)
_CLASS_STYLE = re.compile(r"(?:^|[\s,}])(?:[a-z]*)\.([\w-]+)\s*\{([^}]*)\}", re.IGNORECASE)
_MSO_FORMAT = re.compile(r"""mso-number-format\s*:\s*(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|([^;]+))""")
_MSO_NAMES = {"short date": "yyyy-mm-dd", "medium date": "d-mmm-yy", "long date": "yyyy-mm-dd", "percent": "0.00%"}
_WORKSHEET = re.compile(r"<x:ExcelWorksheet>(.*?)</x:ExcelWorksheet>", re.DOTALL | re.IGNORECASE)
_SHEET_NAME = re.compile(r"<x:Name>(.*?)</x:Name>", re.DOTALL | re.IGNORECASE)
_SHEET_SOURCE = re.compile(r"""<x:WorksheetSource\s+HRef\s*=\s*["']([^"']*)["']""", re.IGNORECASE)
_SHEET_HIDDEN = re.compile(r"<x:Visible>\s*Sheet(?:Very)?Hidden", re.IGNORECASE)
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_ERROR = re.compile(r"#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NULL!|NUM!)")
_NO_TABLE = (
    "this is a web page without a table, perhaps a login or error page; download the file again, "
    "or open it in a browser to see what it says"
)


@dataclass(frozen=True, slots=True)
class _Page:
    """One page that holds a sheet."""

    name: str
    html: str
    hidden: bool = False


class WebPageBook:
    """An HTML file or a web archive as a book: one sheet a page, all tables of a page in one sheet."""

    def __init__(self, path: Path, name: str, *, archive: bool) -> None:
        """`name`: the file's, for a sheet that has none. Raises WorkbookUnreadable."""
        if path.stat().st_size > MAX_TEXT_PAGE_BYTES:
            raise WorkbookUnreadable("the web page is larger than 256 MB; open it in Excel and save as .xlsx")
        self._pages = _archived_pages(path, name) if archive else _single_page(path, name)

    def close(self) -> None:
        """Nothing is held open."""

    def sheets(self) -> Iterator[Sheet]:
        """Every page's sheet, in the workbook's order. Raises WorkbookUnreadable."""
        for page in self._pages:
            yield _sheet(page)


def _single_page(path: Path, name: str) -> list[_Page]:
    content = path.read_bytes()
    html = _decoded(content, None, path)
    if "<table" not in html.lower():
        if _SHEET_SOURCE.search(html):
            raise WorkbookUnreadable(
                "the sheets of this web page lie in a folder beside it; open the page in Excel and save as .xlsx"
            )
        raise WorkbookUnreadable(_NO_TABLE)
    named = [found[1] for found in map(_SHEET_NAME.search, _WORKSHEET.findall(html)) if found]
    return [_Page(_plain(named[0]) if len(named) == 1 else name, html)]


def _archived_pages(path: Path, name: str) -> list[_Page]:
    """The pages of a web archive that bear sheets: those that its first page lists, or that page itself."""
    message = email.message_from_bytes(path.read_bytes().lstrip(), policy=email.policy.default)
    parts = [part for part in message.walk() if not part.is_multipart()]
    pages = [(_location(part), _text(part)) for part in parts if part.get_content_type() in ("text/html", "text/plain")]
    if not pages:
        raise WorkbookUnreadable("the web archive holds no page; open it in Excel and save as .xlsx")
    by_name = {PurePosixPath(where).name.casefold(): html for where, html in reversed(pages) if where}
    listed = []
    for entry in _WORKSHEET.findall(pages[0][1]):
        title, source = _SHEET_NAME.search(entry), _SHEET_SOURCE.search(entry)
        html = by_name.get(PurePosixPath(unquote(source[1])).name.casefold()) if source else None
        if title and html is not None:
            listed.append(_Page(_plain(title[1]), html, bool(_SHEET_HIDDEN.search(entry))))
    if listed:
        return listed
    held = [html for _, html in pages if "<table" in html.lower()]
    if not held:
        raise WorkbookUnreadable(_NO_TABLE)
    named = [found[1] for found in map(_SHEET_NAME.search, _WORKSHEET.findall(held[0])) if found]
    first = _plain(named[0]) if len(named) == 1 else name
    return [_Page(first if not number else f"{name} {number + 1}", html) for number, html in enumerate(held)]


def _location(part: EmailMessage) -> str:
    return unquote(str(part.get("Content-Location", ""))).replace("\\", "/")


def _text(part: EmailMessage) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    charset = part.get_content_charset()
    return _decoded(content, charset.encode("ascii", "replace") if charset else None)


def _decoded(content: bytes, stated: bytes | None, path: Path | None = None) -> str:
    """The page's text: by byte order mark, by what it or its archive states where that is true, else as a text file."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            return content.decode(encoding, "replace").lstrip("\ufeff")
    head = content[:4096]
    found = _CHARSET.search(head) or _XML_ENCODING.match(head.lstrip())
    tried = [stated, found[1] if found else None, b"utf-8"]
    for encoding in [name.decode("ascii", "replace") for name in tried if name]:
        try:
            return content.decode("cp1252" if encoding.lower() in ("iso-8859-1", "latin-1", "latin1") else encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    return content.decode(text_encoding(path).codec if path else "cp1252", "replace")


def _plain(text: str) -> str:
    import html

    return " ".join(html.unescape(text).split())


def _sheet(page: _Page) -> Sheet:
    from lxml import etree
    from lxml import html as pages

    parser = pages.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True)
    try:
        root = pages.document_fromstring(page.html.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError) as error:
        raise WorkbookUnreadable("the web page is empty or damaged; export it again") from error
    layout = _Layout(_class_formats(page.html))
    layout.flow(root, 1, 1)
    return Sheet(
        page.name,
        layout.cells.columns(),
        hidden=page.hidden,
        typed=False,
        merged=layout.merged,
        hidden_rows=sorted(layout.hidden_rows),
        formats=layout.cells.formats,
    )


def _class_formats(html: str) -> dict[str, str]:
    """CSS class → number format, as Excel writes them into a page's head."""
    styles = "\n".join(re.findall(r"<style\b[^>]*>(.*?)</style>", html, re.DOTALL | re.IGNORECASE))
    formats = {}
    for name, declared in _CLASS_STYLE.findall(styles):
        if found := _format_of(declared):
            formats[name.casefold()] = found
    return formats


def _format_of(style: str) -> str:
    """`mso-number-format:"\\#\\,\\#\\#0\\.00"` → `#,##0.00`; empty where the style states none."""
    found = _MSO_FORMAT.search(style)
    if found is None:
        return ""
    code = next(part for part in found.groups() if part is not None).strip()
    code = re.sub(r"\\([0-9A-Fa-f]{4})", lambda mark: chr(int(mark[1], 16)), code)
    code = re.sub(r"\\(.)", r"\1", code)
    return _MSO_NAMES.get(code.casefold(), code)


@dataclass
class _Layout:
    """A page's cells as they are laid out, from the top down."""

    class_formats: dict[str, str]
    cells: CellList = field(default_factory=CellList)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    hidden_rows: set[int] = field(default_factory=set)
    right: int = 0

    def flow(self, element: "HtmlElement", row: int, column: int) -> int:
        """Lays out what stands in `element` from `row` on; the first row below it."""
        flow = _Flow(self, row, column)
        flow.take_inside(element)
        flow.settle()
        return flow.row

    def table(self, table: "HtmlElement", top: int, left: int) -> int:
        """Lays out a table; the first row below it."""
        row = top
        spans: dict[int, int] = {}  # column → rows that a cell above still covers
        for line in _rows_of(table):
            if line.tag == "caption":
                row = self.flow_caption(line, row, left)
            else:
                row, spans = self._line(line, row, left, spans)
        return row

    def _line(self, line: "HtmlElement", row: int, left: int, covered: dict[int, int]) -> tuple[int, dict[int, int]]:
        """Lays out one row of a table; the first row below it, and what its cells cover there."""
        if row > LAST_ROW:
            raise WorkbookUnreadable("the web page has more rows than a sheet can hold; split it")
        spans = {column: rows - 1 for column, rows in covered.items() if rows > 1}
        bottom, column = row + 1, left
        for cell in line.iterchildren("td", "th"):
            while column in covered:
                column += 1
            wide, high = _span(cell, "colspan"), _span(cell, "rowspan")
            if column + wide - 1 > LAST_COLUMN:
                raise WorkbookUnreadable("the web page has more columns than a sheet can hold; split it")
            below, filled = self._cell(cell, row, column)
            bottom, wide = max(bottom, below), max(wide, filled)
            if wide > 1 or high > 1:
                self.merged.append((row, column, row + high - 1, column + wide - 1))
            if high > 1:
                spans |= dict.fromkeys(range(column, column + wide), high - 1)
            column += wide
        if _is_hidden(line):
            self.hidden_rows.update(range(row, bottom))
        return bottom, spans

    def flow_caption(self, caption: "HtmlElement", row: int, column: int) -> int:
        """The lines of a table's caption, which stand over it."""
        for line in _lines(_text_of(caption)):
            self.take(row, column, CellKind.TEXT, line)
            row += 1
        return row

    def _cell(self, cell: "HtmlElement", row: int, column: int) -> tuple[int, int]:
        """Takes one cell; the first row below it and its columns, which are more where tables are nested in it."""
        if cell.find(".//table") is not None:
            outer, self.right = self.right, column
            below = max(self.flow(cell, row, column), row + 1)
            filled, self.right = self.right - column + 1, max(outer, self.right)
            return below, filled
        text = "\n".join(_lines(_text_of(cell)))
        kind, written, shown_as = _typed(cell, text, self._number_format(cell))
        self.take(row, column, kind, written, shown_as)
        return row + 1, 1

    def _number_format(self, cell: "HtmlElement") -> str:
        own = _format_of(cell.get("style") or "")
        classes = (cell.get("class") or "").casefold().split()
        return own or next((self.class_formats[name] for name in classes if name in self.class_formats), GENERAL)

    def take(self, row: int, column: int, kind: CellKind, text: str, shown_as: str = GENERAL) -> None:
        """Takes a cell that holds anything."""
        if text:
            self.right = max(self.right, column)
            self.cells.take((row, column), kind, text, shown_as)


@dataclass
class _Flow:
    """Loose text and tables one below the other, from `row` on: each line of loose text takes a row."""

    layout: _Layout
    row: int
    column: int
    loose: list[str] = field(default_factory=list)

    def settle(self) -> None:
        """Gives the loose text so far its rows."""
        for line in _lines("".join(self.loose)):
            self.layout.take(self.row, self.column, CellKind.TEXT, line)
            self.row += 1
        self.loose.clear()

    def take_inside(self, element: Any) -> None:
        """Takes an element's text and children."""
        self.loose.append((element.text or "").replace("\n", " "))
        for child in element:
            self._take(child)
            self.loose.append((child.tail or "").replace("\n", " "))

    def _take(self, element: Any) -> None:
        if not isinstance(element.tag, str) or element.tag in _SILENT:
            return
        if element.tag == "table":
            self.settle()
            self.row = self.layout.table(element, self.row, self.column)
        elif element.tag == "br":
            self.loose.append("\n")
        elif element.tag in _BLOCKS:
            self.settle()
            self.take_inside(element)
            self.settle()
        else:
            self.take_inside(element)


def _typed(cell: "HtmlElement", text: str, shown_as: str) -> tuple[CellKind, str, str]:
    """A cell's kind, text and number format: Excel's own mark of its value where there is one, else a text."""
    number = (cell.get("x:num") or "").strip()
    if _NUMBER.fullmatch(number):
        return (CellKind.DATE if number_formats.is_date(shown_as) else CellKind.NUMBER), number, shown_as
    if cell.get("x:err") is not None or (cell.get("x:fmla") and _ERROR.fullmatch(text)):
        return CellKind.ERROR, cell.get("x:err") or text, GENERAL
    if cell.get("x:bool") is not None:
        return CellKind.BOOL, "1" if (cell.get("x:bool") or text).strip().upper() in ("TRUE", "1") else "0", GENERAL
    return CellKind.TEXT, text, GENERAL


def _rows_of(table: "HtmlElement") -> Iterator["HtmlElement"]:
    """The captions and rows of a table itself, not of one nested in it; a footer's rows last, as browsers show them."""
    feet = []
    for part in table:
        if part.tag in ("tr", "caption"):
            yield part
        elif part.tag in ("thead", "tbody"):
            yield from (row for row in part if row.tag == "tr")
        elif part.tag == "tfoot":
            feet += [row for row in part if row.tag == "tr"]
    yield from feet


def _span(cell: "HtmlElement", name: str) -> int:
    given = (cell.get(name) or "").strip()
    return min(max(int(given), 1), 65_534) if given.isdigit() and len(given) < 6 else 1


def _is_hidden(row: "HtmlElement") -> bool:
    return bool(_HIDDEN.search(row.get("style") or "")) or row.get("hidden") is not None


def _text_of(element: Any) -> str:
    """What a reader sees of an element: text of its parts, a line's end for `<br>` and blocks."""
    if not isinstance(element.tag, str) or element.tag in _SILENT or _HIDDEN.search(element.get("style") or ""):
        return ""
    if element.tag == "br":
        return "\n"
    if element.tag == "input":
        return str(element.get("value") or "") if (element.get("type") or "text").lower() in ("text", "number") else ""
    parts = [(element.text or "").replace("\n", " ")]
    for child in element:
        parts += [_text_of(child), (child.tail or "").replace("\n", " ")]
    inner = "".join(parts)
    return f"\n{inner}\n" if element.tag in _BLOCKS else inner


def _lines(text: str) -> list[str]:
    """The lines of a text with white space as browsers collapse it; empty ones left out."""
    return [line for line in (" ".join(part.split()) for part in text.split("\n")) if line]
