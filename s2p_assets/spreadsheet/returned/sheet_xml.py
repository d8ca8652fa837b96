"""Rewriting one sheet's XML as it streams by: the style of given cells, the tab selection, the link to its notes.

Everything else of the sheet passes through byte for byte; styles, notes and the package are rewritten elsewhere.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from s2p_assets.contracts.columns import Severity
from s2p_assets.spreadsheet.grid import CellPosition, cell_address, parse_cell_address

LARGEST_PIECE = 64 << 20
_AFTER_LEGACY_DRAWING = frozenset(
    ("legacyDrawingHF", "drawingHF", "picture", "oleObjects", "controls", "webPublishItems", "tableParts", "extLst")
)
_HIDDEN_TEXT = re.compile(rb"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)", re.DOTALL)
_ROOT = re.compile(rb"<((?:[\w.-]+:)?)(?:worksheet|chartsheet|dialogsheet|macrosheet)(?=[\s/>])[^>]*>")
_SELECTED = re.compile(rb"\stabSelected\s*=\s*(?:\"(?:1|true|on)\"|'(?:1|true|on)')")
_ENCODING = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([\w.-]+)[\"']")


class UnmarkableError(Exception):
    """The file is not in such order that a copy of it can be marked in place; the message says why."""


@dataclass(slots=True)
class SheetPatch:
    """What is to be changed in one sheet.

    `cells`: severity by (row, column). `highlighted`: the style to give a cell that has style `s`.
    `plain`: styles that an earlier copy gave, and what to put in their stead.
    `notes_id`: relationship id to link as legacy drawing, if the sheet has none yet; None: no notes.
    `existing_notes_id`: what the sheet turned out to have; set while streaming.
    """

    cells: Mapping[CellPosition, Severity] = field(default_factory=dict)
    highlighted: Callable[[int, Severity], int] = lambda style, _severity: style
    plain: Mapping[int, int] = field(default_factory=dict)
    notes_id: str | None = None
    notes_namespace: str = ""
    existing_notes_id: str | None = None


def patched_sheet(chunks: Iterable[bytes], patch: SheetPatch) -> Iterator[bytes]:
    """The sheet's XML with `patch` applied, checked to be well-formed. Raises UnmarkableError."""
    check = expat.ParserCreate()
    check.StartDoctypeDeclHandler = _refuse_doctype
    try:
        for piece in _pieces(iter(chunks), patch):
            check.Parse(piece, False)
            yield piece
        check.Parse(b"", True)
    except expat.ExpatError as error:
        raise UnmarkableError(f"a sheet is not well-formed XML: {error}") from error


def _refuse_doctype(*_declared: object) -> None:
    raise UnmarkableError("a sheet declares a document type")


def _pieces(chunks: Iterator[bytes], patch: SheetPatch) -> Iterator[bytes]:
    head, rest, data_tag = _head(chunks)
    root = _ROOT.search(_masked(head))
    if root is None:
        raise UnmarkableError("a sheet has no worksheet element")
    yield _SELECTED.sub(b"", head)
    if data_tag is None:
        if patch.cells:
            raise UnmarkableError("a sheet with findings has no cells")
        return
    prefix = root[1]
    rows = _Rows(prefix, patch, _column_styles(head, prefix))
    if data_tag.endswith(b"/>"):
        yield data_tag[:-2] + b">" + rows.remaining() + b"</" + prefix + b"sheetData>"
    else:
        yield data_tag
        rest = yield from _row_pieces(chunks, rest, rows)
    tail = bytearray(rest)
    for chunk in chunks:
        tail += chunk
        _keep_small(tail, "after its cells")
    yield _with_notes(bytes(tail), head[root.start() : root.end()], prefix, patch, _encoding(head))


def _head(chunks: Iterator[bytes]) -> tuple[bytes, bytes, bytes | None]:
    """What stands before the cells, what was read beyond, and the tag that opens the cells."""
    head = bytearray()
    for chunk in chunks:
        head += chunk
        if head.startswith((b"\xff\xfe", b"\xfe\xff")) or head[:4].count(0):
            raise UnmarkableError("a sheet is written in UTF-16")
        if b"sheetData" in head:
            match = re.search(rb"<(?:[\w.-]+:)?sheetData(?=[\s/>])[^>]*>", _masked(bytes(head)))
            if match:
                return bytes(head[: match.start()]), bytes(head[match.end() :]), match.group()
        _keep_small(head, "before its cells")
    return bytes(head), b"", None


def _row_pieces(chunks: Iterator[bytes], rest: bytes, rows: "_Rows") -> Generator[bytes, None, bytes]:
    """Whole rows at a time; returns what was read beyond the cells."""
    closing = b"</" + rows.prefix + b"sheetData"
    opening = b"<" + rows.prefix + b"row"
    buffer = rest
    while True:
        masked = _masked(buffer)
        end = masked.find(closing)
        if end >= 0:
            yield rows.rewritten(buffer[:end], masked[:end]) + rows.remaining()
            return buffer[end:]
        cut = masked.rfind(opening)
        if cut > 0:
            yield rows.rewritten(buffer[:cut], masked[:cut])
            buffer = buffer[cut:]
        _keep_small(buffer, "in one row")
        chunk = next(chunks, None)
        if chunk is None:
            raise UnmarkableError("a sheet breaks off among its cells")
        buffer += chunk


def _masked(block: bytes) -> bytes:
    """`block` with comments and CDATA blanked out at equal length, so that no tag is seen in a text."""
    return _HIDDEN_TEXT.sub(lambda match: b" " * len(match.group()), block) if b"<!" in block else block


def _keep_small(piece: bytes | bytearray, where: str) -> None:
    if len(piece) > LARGEST_PIECE:
        raise UnmarkableError(f"a sheet holds more than {LARGEST_PIECE >> 20} MB {where}")


def _encoding(head: bytes) -> str | None:
    match = _ENCODING.match(head)
    return match[1].decode("ascii") if match else None


def _attribute(attributes: bytes, name: bytes) -> bytes | None:
    match = re.search(rb"(?:^|\s)" + name + rb"\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", attributes)
    return None if match is None else match[1] if match[1] is not None else match[2]


def _style(attributes: bytes) -> int | None:
    value = _attribute(attributes, b"s")
    return int(value) if value and value.isdigit() else None


def _column_styles(head: bytes, prefix: bytes) -> list[tuple[int, int, int]]:
    """(first column, last column, style) of the columns that have a style of their own."""
    found = []
    for match in re.finditer(rb"<" + prefix + rb"col(?=[\s/])([^>]*)>", _masked(head)):
        first, last, style = (_attribute(match[1], name) for name in (b"min", b"max", b"style"))
        if first and last and style:
            found.append((int(first), int(last), int(style)))
    return sorted(found)


class _Rows:
    """The rows of one sheet on their way through, with the cells that still wait to be marked."""

    def __init__(self, prefix: bytes, patch: SheetPatch, column_styles: list[tuple[int, int, int]]) -> None:
        self.prefix = prefix
        self._patch = patch
        self._column_styles = column_styles
        self._waiting: dict[int, list[int]] = {}
        for row, column in sorted(patch.cells):
            self._waiting.setdefault(row, []).append(column)
        self._numbers = sorted(self._waiting, reverse=True)
        self._last_row = 0
        self._row_tag = re.compile(rb"<" + prefix + rb"row(?=[\s/>])([^>]*)>")
        self._row_end = re.compile(rb"</" + prefix + rb"row\s*>")
        self._cell_tag = re.compile(rb"<" + prefix + rb"c(?=[\s/>])([^>]*)>")

    def rewritten(self, block: bytes, masked: bytes) -> bytes:
        """A block of whole rows; `masked` is the same with texts blanked out."""
        if not self._numbers and not self._patch.plain:
            return block
        pieces: list[bytes] = []
        position = 0
        for tag in self._row_tag.finditer(masked):
            number = self._number(tag[1])
            while self._numbers and self._numbers[-1] < number:
                pieces += [block[position : tag.start()], self._new_row(self._numbers.pop())]
                position = tag.start()
            wanted = self._waiting[self._numbers.pop()] if self._numbers and self._numbers[-1] == number else []
            if not wanted and not self._patch.plain:
                continue
            pieces.append(block[position : tag.start()])
            body_end, position = self._extent(tag, masked)
            body = slice(tag.end(), body_end)
            pieces.append(self._row(tag[1], number, wanted, block[body], masked[body]))
        return b"".join([*pieces, block[position:]])

    def remaining(self) -> bytes:
        """New rows for the cells that lie below the sheet's last row."""
        numbers, self._numbers = self._numbers[::-1], []
        return b"".join(self._new_row(number) for number in numbers)

    def _number(self, attributes: bytes) -> int:
        stated = _attribute(attributes, b"r")
        number = int(stated) if stated and stated.isdigit() else self._last_row + 1
        if number <= self._last_row:
            raise UnmarkableError(f"a sheet's rows are out of order at row {number}")
        self._last_row = number
        return number

    def _extent(self, tag: re.Match[bytes], masked: bytes) -> tuple[int, int]:
        """Where the row's cells end, and where the row ends."""
        if tag[1].endswith(b"/"):
            return tag.end(), tag.end()
        end = self._row_end.search(masked, tag.end())
        if end is None:
            raise UnmarkableError(f"row {self._last_row} of a sheet has no end")
        return end.start(), end.end()

    def _row(self, attributes: bytes, number: int, wanted: list[int], body: bytes, masked: bytes) -> bytes:
        """One row with its tags; `wanted` are the columns to mark."""
        row_style = _style(attributes) if _attribute(attributes, b"customFormat") in (b"1", b"true") else None
        cells, inserted = self._cells(number, wanted, row_style, body, masked)
        attributes = attributes.removesuffix(b"/").rstrip()
        if inserted:
            attributes = re.sub(rb"\sspans\s*=\s*(?:\"[^\"]*\"|'[^']*')", b"", attributes)
        return b"<%brow%b>%b</%brow>" % (self.prefix, attributes, cells, self.prefix)

    def _cells(
        self, number: int, wanted: list[int], row_style: int | None, body: bytes, masked: bytes
    ) -> tuple[bytes, bool]:
        pieces: list[bytes] = []
        waiting = wanted[::-1]
        position, column, inserted = 0, 0, False
        for tag in self._cell_tag.finditer(masked):
            column = self._column(tag[1], column)
            pieces.append(body[position : tag.start()])
            position = tag.end()
            while waiting and waiting[-1] < column:
                pieces.append(self._new_cell((number, waiting.pop()), row_style))
                inserted = True
            marked = bool(waiting) and waiting[-1] == column
            if marked:
                waiting.pop()
            pieces.append(self._cell(tag, (number, column) if marked else None))
        pieces.append(body[position:])
        pieces += [self._new_cell((number, column), row_style) for column in reversed(waiting)]
        return b"".join(pieces), inserted or bool(waiting)

    @staticmethod
    def _column(attributes: bytes, last: int) -> int:
        stated = _attribute(attributes, b"r")
        place = parse_cell_address(stated.decode("ascii", "replace")) if stated else None
        column = place[1] if place else last + 1
        if column <= last:
            raise UnmarkableError(f"a sheet's cells are out of order at {(stated or b'').decode('ascii', 'replace')}")
        return column

    def _cell(self, tag: re.Match[bytes], place: CellPosition | None) -> bytes:
        """A cell's opening tag with the style that it is to have from now on."""
        stated = _style(tag[1]) or 0
        style = self._patch.plain.get(stated, stated)
        if place is not None:
            style = self._patch.highlighted(style, self._patch.cells[place])
        if style == stated:
            return tag.group()
        attributes = re.sub(rb"(^|\s)s\s*=\s*(?:\"[^\"]*\"|'[^']*')", b"", tag[1])
        closing = b"/" if attributes.endswith(b"/") else b""
        attributes = attributes.removesuffix(b"/").rstrip()
        return b'<%bc%b s="%d"%b>' % (self.prefix, attributes, style, closing)

    def _new_row(self, number: int) -> bytes:
        cells = b"".join(self._new_cell((number, column), None) for column in self._waiting[number])
        return b'<%brow r="%d">%b</%brow>' % (self.prefix, number, cells, self.prefix)

    def _new_cell(self, place: CellPosition, row_style: int | None) -> bytes:
        style = row_style if row_style is not None else self._style_of_column(place[1])
        style = self._patch.highlighted(style, self._patch.cells[place])
        return b'<%bc r="%b" s="%d"/>' % (self.prefix, cell_address(*place).encode(), style)

    def _style_of_column(self, column: int) -> int:
        index = bisect_right(self._column_styles, (column, 1 << 30, 0)) - 1
        if index >= 0 and self._column_styles[index][0] <= column <= self._column_styles[index][1]:
            return self._column_styles[index][2]
        return 0


def _with_notes(tail: bytes, root: bytes, prefix: bytes, patch: SheetPatch, encoding: str | None) -> bytes:
    """What follows the cells, linked to the sheet's notes; finds out whether it already is."""
    places = _Places(encoding)
    offset = places.search(root, tail)
    patch.existing_notes_id = places.notes_id
    if patch.notes_id is None or places.notes_id is not None:
        return tail
    link = b'<%blegacyDrawing xmlns:r="%b" r:id="%b"/>' % (
        prefix,
        patch.notes_namespace.encode(),
        patch.notes_id.encode(),
    )
    return tail[:offset] + link + tail[offset:]


class _Places:
    """Where in the tail of a sheet the link to its notes stands or belongs."""

    def __init__(self, encoding: str | None) -> None:
        self.notes_id: str | None = None
        self._parser = expat.ParserCreate(encoding)
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._open: list[tuple[str, int]] = []
        self._before: int | None = None

    def search(self, root: bytes, tail: bytes) -> int:
        """The offset in `tail` at which the link belongs. Sets `notes_id` when there is one already."""
        skipped = tail.find(b">") + 1 if re.match(rb"</(?:[\w.-]+:)?sheetData", tail) else 0
        try:
            # The root's start tag declares the prefixes of the tail and is closed at its end.
            self._parser.Parse(root + tail[skipped:], True)
        except expat.ExpatError as error:
            raise UnmarkableError(f"a sheet is not well-formed XML after its cells: {error}") from error
        if self._before is None:
            raise UnmarkableError("a sheet has no end")
        return self._before - len(root) + skipped

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        start = self._parser.CurrentByteIndex
        name = name.rpartition(":")[2]
        if name == "legacyDrawing":
            ids = [value for key, value in attributes.items() if key.rpartition(":")[2] == "id"]
            self.notes_id = ids[0] if ids else None
        if name in _AFTER_LEGACY_DRAWING and self._before is None:
            depth = len(self._open)
            if depth == 1:
                self._before = start
            elif depth == 3 and self._open[1][0] == "AlternateContent":
                self._before = self._open[1][1]
        self._open.append((name, start))

    def _end(self, _name: str) -> None:
        self._open.pop()
        if not self._open and self._before is None:
            self._before = self._parser.CurrentByteIndex
