"""What calamine leaves out of `.xls` and `.xlsb`: error cells, number formats that tell something, hidden rows.

Values and texts come from calamine; this only walks the files' own records. Sources: [MS-CFB], [MS-XLS], [MS-XLSB].
"""

import posixpath
import re
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from s2p_assets.spreadsheet import number_formats
from s2p_assets.spreadsheet.grid import CellPosition, Marks
from s2p_assets.spreadsheet.limits import inflate
from s2p_assets.spreadsheet.readers.cell_list import Look
from s2p_assets.spreadsheet.readers.xlsb_marks import BookFacts, SheetNotes, book_facts, comments_part

_ERRORS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}
_BOF, _EOF, _BOUNDSHEET, _FORMAT, _XF = 0x0809, 0x000A, 0x0085, 0x041E, 0x00E0
_BOOLERR, _NUMBER, _RK, _MULRK, _ROW = 0x0205, 0x0203, 0x027E, 0x00BD, 0x0208
_FORMULAS = (0x0006, 0x0206, 0x0406)
_BIFF8, _ROW_HIDDEN, _FILEPASS = 0x0600, 0x20, 0x002F
_XLSB_ROW, _XLSB_ERROR, _XLSB_FORMULA_ERROR, _XLSB_SHEET = 0, 3, 11, 156
_XLSB_NUMBERS = (2, 5, 9)
_XLSB_FORMAT, _XLSB_STYLE, _XLSB_STYLES, _XLSB_STYLES_END = 44, 47, 617, 618
_XLSB_ROW_HIDDEN = 0x10
_ENDS = 0xFFFFFFFA


@dataclass
class SheetDetails:
    """Of one sheet, by 1-based (row, column): the error cells' texts, the number formats that tell something, and how
    cells look that do not look plain. `marks`: what else it says.
    """

    errors: dict[CellPosition, str] = field(default_factory=dict)
    formats: dict[CellPosition, str] = field(default_factory=dict)
    hidden_rows: list[int] = field(default_factory=list)
    looks: dict[CellPosition, Look] = field(default_factory=dict)
    marks: Marks = field(default_factory=Marks)


def xls_details(path: Path) -> list[SheetDetails]:
    """One entry per sheet in the workbook's order; empty for files that are too old or too damaged to walk."""
    try:
        stream = workbook_stream(path.read_bytes())
        return _sheets_of(stream) if stream else []
    except (struct.error, IndexError, ValueError):
        return []


def is_encrypted(content: bytes) -> str | None:
    """`xor` or `rc4` for an `.xls` that is encrypted, None for one that is not, or is too damaged to walk."""
    try:
        stream = workbook_stream(content) or b""
        version = _BIFF8
        for kind, body in records(stream):
            if kind == _BOF and len(body) >= 2:
                version = struct.unpack_from("<H", body)[0]
            elif kind == _FILEPASS:
                return "xor" if version < _BIFF8 or body[:2] == b"\0\0" else "rc4"
    except (struct.error, IndexError, ValueError):
        return None
    return None


def workbook_stream(content: bytes) -> bytes | None:
    """The stream `Workbook` (or `Book`) of a compound file."""
    if content[:4] != b"\xd0\xcf\x11\xe0":
        return content
    size = 1 << struct.unpack_from("<H", content, 30)[0]
    first_directory, cutoff, first_mini = (struct.unpack_from("<I", content, at)[0] for at in (48, 56, 60))
    table = _allocation_table(content, size)
    directory = _chain(content, table, first_directory, size)
    entries = [directory[at : at + 128] for at in range(0, len(directory), 128)]
    for entry in entries:
        name = entry[: max(struct.unpack_from("<H", entry, 64)[0] - 2, 0)].decode("utf-16-le", "replace").lower()
        if name not in ("workbook", "book"):
            continue
        start, length = struct.unpack_from("<II", entry, 116)
        if length >= cutoff:
            return _chain(content, table, start, size)[:length]
        mini = _chain(content, table, struct.unpack_from("<I", entries[0], 116)[0], size)
        mini_table = _numbers(_chain(content, table, first_mini, size))
        return _chain(mini, mini_table, start, 64, offset=0)[:length]
    return None


def _allocation_table(content: bytes, size: int) -> list[int]:
    sectors = [number for number in _numbers(content[76:512]) if number < _ENDS]
    next_list, seen = struct.unpack_from("<I", content, 68)[0], set[int]()
    while next_list < _ENDS and next_list not in seen:
        seen.add(next_list)
        numbers = _numbers(content[(next_list + 1) * size : (next_list + 2) * size])
        sectors += [number for number in numbers[:-1] if number < _ENDS]
        next_list = numbers[-1]
    return [number for sector in sectors for number in _numbers(content[(sector + 1) * size : (sector + 2) * size])]


def _numbers(content: bytes) -> list[int]:
    return list(struct.unpack_from(f"<{len(content) // 4}I", content))


def _chain(content: bytes, table: list[int], start: int, size: int, offset: int = 1) -> bytes:
    parts, seen = [], set[int]()
    while start < _ENDS and start not in seen:
        seen.add(start)
        parts.append(content[(start + offset) * size : (start + offset + 1) * size])
        start = table[start]
    return b"".join(parts)


def records(stream: bytes, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """The records of one substream, nested ones (charts) passed over."""
    depth, at, end = 0, start, len(stream)
    while at + 4 <= end:
        kind, length = struct.unpack_from("<HH", stream, at)
        body = stream[at + 4 : at + 4 + length]
        at += 4 + length
        depth += kind == _BOF
        depth -= kind == _EOF
        if depth <= 1:
            yield kind, body
        if depth <= 0:
            return


def _sheets_of(stream: bytes) -> list[SheetDetails]:
    starts, styles, codes, version = [], [], dict(number_formats.BUILT_IN_FORMATS), _BIFF8
    for kind, body in records(stream):
        if kind == _BOF and len(body) >= 2:
            version = struct.unpack_from("<H", body)[0]
        elif kind == _BOUNDSHEET:
            starts.append(struct.unpack_from("<I", body)[0])
        elif kind == _FORMAT and len(body) > 3:
            codes[struct.unpack_from("<H", body)[0]] = _format_code(body, version)
        elif kind == _XF:
            styles.append(struct.unpack_from("<H", body, 2)[0])
    meaningful = _meaningful_formats(styles, codes)
    return [_sheet_of(stream, start, meaningful) for start in starts]


def _format_code(body: bytes, version: int) -> str:
    if version < _BIFF8:
        return body[3 : 3 + body[2]].decode("cp1252", "replace")
    length, wide = struct.unpack_from("<HB", body, 2)
    encoding = "utf-16-le" if wide & 1 else "latin-1"
    return body[5 : 5 + length * (1 + (wide & 1))].decode(encoding, "replace")


def _meaningful_formats(styles: list[int], codes: dict[int, str]) -> dict[int, str]:
    """Style number → format code, of the styles whose format adds to what a number means."""
    shown = {place: codes.get(number, "") for place, number in enumerate(styles)}
    return {place: code for place, code in shown.items() if number_formats.changes_meaning(code)}


def _sheet_of(stream: bytes, start: int, meaningful: dict[int, str]) -> SheetDetails:
    found = SheetDetails()
    for kind, body in records(stream, start):
        if error := _error_of(kind, body):
            row, column = struct.unpack_from("<HH", body)
            found.errors[row + 1, column + 1] = error
        elif kind == _ROW and len(body) >= 14 and body[12] & _ROW_HIDDEN:
            found.hidden_rows.append(struct.unpack_from("<H", body)[0] + 1)
        elif meaningful and kind in (_NUMBER, _RK, _MULRK, *_FORMULAS):
            for place, style in _styles_of(kind, body):
                if style in meaningful:
                    found.formats[place] = meaningful[style]
    return found


def _error_of(kind: int, body: bytes) -> str | None:
    """The error that a record holds: BOOLERR with its flag set, or a formula whose result is of type 2."""
    if kind == _BOOLERR and len(body) >= 8 and body[7]:
        return _ERRORS.get(body[6], "#ERROR")
    if kind in _FORMULAS and len(body) >= 14 and body[12:14] == b"\xff\xff" and body[6] == 2:
        return _ERRORS.get(body[8], "#ERROR")
    return None


def _styles_of(kind: int, body: bytes) -> Iterator[tuple[CellPosition, int]]:
    """The cells of a record of numbers, each with its style number."""
    if kind != _MULRK:
        row, column, style = struct.unpack_from("<HHH", body)
        yield (row + 1, column + 1), style
        return
    row, first = struct.unpack_from("<HH", body)
    for position, at in enumerate(range(4, len(body) - 2, 6)):
        yield (row + 1, first + position + 1), struct.unpack_from("<H", body, at)[0]


def xlsb_details(path: Path) -> list[SheetDetails]:
    """One entry per sheet in the workbook's order. Empty when the parts cannot be walked."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.lower(): name for name in archive.namelist()}
            workbook = b"".join(inflate(archive, names["xl/workbook.bin"]))
            relations = b"".join(inflate(archive, names["xl/_rels/workbook.bin.rels"])).decode()
            targets = {key: target for element in re.findall(r"<Relationship\b[^>]*>", relations)
                       for key, target in [_relation(element)]}  # fmt: skip
            parts = [names.get(targets.get(key, ""), "") for key in _xlsb_sheets(workbook)]
            styles = names.get("xl/styles.bin")
            look = b"".join(inflate(archive, styles)) if styles else b""
            meaningful = _xlsb_meaningful_formats(look)
            facts = book_facts(workbook, look, _xlsb_records)
            return [_xlsb_part(archive, names, part, meaningful, facts) for part in parts]
    except (struct.error, IndexError, KeyError, ValueError, zipfile.BadZipFile):
        return []


def _relation(element: str) -> tuple[str, str]:
    given = dict(re.findall(r"""(\w+)=["']([^"']*)["']""", element))
    target = given.get("Target", "").lower()
    return given.get("Id", ""), target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _xlsb_sheets(workbook: bytes) -> Iterator[str]:
    for kind, body in _xlsb_records(workbook):
        if kind == _XLSB_SHEET:
            length = struct.unpack_from("<I", body, 8)[0]
            yield body[12 : 12 + 2 * length].decode("utf-16-le")


def _xlsb_meaningful_formats(styles: bytes) -> dict[int, str]:
    codes, numbers, of_cells = dict(number_formats.BUILT_IN_FORMATS), list[int](), False
    for kind, body in _xlsb_records(styles):
        if kind == _XLSB_FORMAT:
            number, length = struct.unpack_from("<HI", body)
            codes[number] = body[6 : 6 + 2 * length].decode("utf-16-le", "replace")
        elif kind in (_XLSB_STYLES, _XLSB_STYLES_END):
            of_cells = kind == _XLSB_STYLES
        elif kind == _XLSB_STYLE and of_cells:
            numbers.append(struct.unpack_from("<H", body, 2)[0])
    return _meaningful_formats(numbers, codes)


def _xlsb_part(
    archive: zipfile.ZipFile, names: dict[str, str], part: str, meaningful: dict[int, str], facts: BookFacts
) -> SheetDetails:
    if not part:
        return SheetDetails()
    notes = SheetNotes(facts)
    found = _xlsb_sheet(b"".join(inflate(archive, part)), meaningful, notes)
    folder, name = posixpath.split(part.lower())
    relations = names.get(f"{folder}/_rels/{name}.rels")
    target = comments_part(b"".join(inflate(archive, relations)).decode("utf-8", "replace")) if relations else ""
    member = names.get(posixpath.normpath(posixpath.join(folder, target)).lstrip("/")) if target else None
    found.marks = notes.marks(b"".join(inflate(archive, member)) if member else b"", _xlsb_records)
    found.looks = notes.looks
    return found


def _xlsb_sheet(sheet: bytes, meaningful: dict[int, str], notes: SheetNotes) -> SheetDetails:
    found, row = SheetDetails(), 0
    for kind, body in _xlsb_records(sheet):
        if kind == _XLSB_ROW:
            row = struct.unpack_from("<I", body)[0] + 1
        notes.take(kind, body, row)
        if kind == _XLSB_ROW:
            if len(body) > 11 and body[11] & _XLSB_ROW_HIDDEN:
                found.hidden_rows.append(row)
        elif kind in (_XLSB_ERROR, _XLSB_FORMULA_ERROR):
            column = struct.unpack_from("<I", body)[0] + 1
            found.errors[row, column] = _ERRORS.get(body[8], "#ERROR")
        elif meaningful and kind in _XLSB_NUMBERS:
            column, style = struct.unpack_from("<II", body)
            if style & 0xFFFFFF in meaningful:
                found.formats[row, column + 1] = meaningful[style & 0xFFFFFF]
    return found


def _xlsb_records(content: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(content):
        kind = content[at]
        at += 1
        if kind & 0x80:
            kind = (kind & 0x7F) | (content[at] & 0x7F) << 7
            at += 1
        length = shift = 0
        while True:
            byte = content[at]
            at += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80 or shift > 21:
                break
        yield kind, content[at : at + length]
        at += length
