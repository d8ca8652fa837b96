"""Reading `.xls` of every age (BIFF2 to BIFF8) with xlrd: values, error cells, number formats, hidden rows, merges.

calamine reads most of them faster, but cuts texts that lie over several CONTINUE records and decodes BIFF5 by one code
page; so it is asked only for what xlrd refuses, and then not believed about long texts.
"""

import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s2p_assets.spreadsheet import number_formats
from s2p_assets.spreadsheet.grid import CellKind, Marks, Sheet
from s2p_assets.spreadsheet.limits import WorkbookUnreadable
from s2p_assets.spreadsheet.readers.binary_books import CalamineBook, number_text
from s2p_assets.spreadsheet.readers.cell_list import GENERAL, PLAIN, CellList, looks_of
from s2p_assets.spreadsheet.readers.xls_marks import note_formulas, sheet_marks, style_looks

if TYPE_CHECKING:
    from xlrd.book import Book as XlrdBook
    from xlrd.sheet import Sheet as XlrdSheet

_BIFF8 = 80
_TEXT, _NUMBER, _DATE, _BOOL, _ERROR = 1, 2, 3, 4, 5
_MAX_TEXT_IN_FALLBACK = 4_000
_ANSI = "cp1252"
_ENCODING_OF_CHARSET = {
    128: "cp932",
    129: "cp949",
    134: "gb18030",
    136: "cp950",
    161: "cp1253",
    162: "cp1254",
    163: "cp1258",
    177: "cp1255",
    178: "cp1256",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
}
_UNKNOWN_LETTERS = (
    "the letters of this old workbook are encoded in a way that is not known; open it in Excel, see whether the names "
    "in it are right, and save as .xlsx"
)
_LOCKED = "remove the password, or the protection of the workbook, and save as .xlsx"


def open_xls(path: Path) -> "XlsBook | CalamineBook":
    """The workbook at `path`. Raises WorkbookUnreadable."""
    import xlrd

    content = path.read_bytes()
    try:
        return XlsBook(_opened(content), content)
    except xlrd.XLRDError as error:
        if "encrypted" in str(error):
            raise WorkbookUnreadable(_locked(content)) from error
        return _by_calamine(path, content)
    except MemoryError:
        raise
    except Exception as error:  # xlrd asserts, and trips over what a damaged file holds
        if isinstance(error, LookupError) and "unknown_codepage" in str(error):
            raise WorkbookUnreadable(_UNKNOWN_LETTERS) from error
        return _by_calamine(path, content)


def _opened(content: bytes) -> "XlrdBook":
    """The book, its texts decoded by the code page that it states, else by the script of its fonts."""
    book = _load(content, None)
    if book.biff_version >= _BIFF8:
        return book
    if book.codepage is None:
        return _load(content, _encoding_of_fonts(book))
    return book


def _load(content: bytes, encoding: str | None) -> "XlrdBook":
    import xlrd

    return xlrd.open_workbook(
        file_contents=content,
        formatting_info=True,
        ragged_rows=True,
        logfile=io.StringIO(),
        encoding_override=encoding,
        ignore_workbook_corruption=True,
    )


def _encoding_of_fonts(book: "XlrdBook") -> str:
    scripts = Counter(
        _ENCODING_OF_CHARSET[font.character_set]
        for font in book.font_list
        if getattr(font, "character_set", None) in _ENCODING_OF_CHARSET
    )
    return scripts.most_common(1)[0][0] if scripts else _ANSI


def _by_calamine(path: Path, content: bytes) -> CalamineBook:
    from s2p_assets.spreadsheet.readers.biff import is_encrypted

    if is_encrypted(content) is not None:
        raise WorkbookUnreadable(_locked(content))
    return CalamineBook(path, "xls", longest_text=_MAX_TEXT_IN_FALLBACK)


def _locked(content: bytes) -> str:
    from s2p_assets.spreadsheet.readers.biff import is_encrypted

    kind = "with the old XOR method of Excel 95; " if is_encrypted(content) == "xor" else ""
    return f"the workbook is password-protected{', ' if kind else ': '}{kind}{_LOCKED}"


class XlsBook:
    """An open `.xls`: its sheets by name, in the workbook's order."""

    def __init__(self, book: "XlrdBook", content: bytes = b"") -> None:
        self._book = book
        self._looks = style_looks(book)
        self._marks = [sheet_marks(book, sheet) for sheet in book.sheets()]
        note_formulas(book, content, self._marks)
        self._codes = [self._code(style) for style in book.xf_list]
        self._dates = [number_formats.is_date(code) for code in self._codes]
        self._elapsed = [number_formats.is_elapsed(code) for code in self._codes]

    def close(self) -> None:
        self._book.release_resources()

    def sheets(self) -> Iterator[Sheet]:
        """Every worksheet. Raises WorkbookUnreadable."""
        for sheet, marks in zip(self._book.sheets(), self._marks, strict=True):
            yield self._sheet(sheet, marks)

    def _code(self, style: Any) -> str:
        """A style's number format, the built-in ones in the words that the other readers use."""
        known = self._book.format_map.get(style.format_key)
        code = (known.format_str if known is not None else "") or GENERAL
        if self._book.biff_version >= 50:
            return number_formats.BUILT_IN_FORMATS.get(style.format_key, code)
        return code

    def _sheet(self, sheet: "XlrdSheet", marks: Marks) -> Sheet:
        from xlrd.biffh import error_text_from_code

        cells = CellList()
        for row in range(sheet.nrows):
            styles = self._styles(sheet, row)
            for column, (kind, value) in enumerate(zip(sheet.row_types(row), sheet.row_values(row), strict=True)):
                place = (row + 1, column + 1)
                style = styles[column] if column < len(styles) else -1
                look = self._looks[style] if 0 <= style < len(self._looks) else PLAIN
                if kind == _TEXT:
                    cells.take(place, CellKind.TEXT, str(value).encode("utf-8", "replace").decode(), GENERAL, look)
                elif kind in (_NUMBER, _DATE):
                    cells.take(place, *self._number(float(value), style), look)
                elif kind == _BOOL:
                    cells.take(place, CellKind.BOOL, str(int(value)))
                elif kind == _ERROR:
                    cells.take(place, CellKind.ERROR, error_text_from_code.get(int(value), "#ERROR"))
        _check_texts(sheet.name, cells.texts)
        looks_of(cells.styles, marks)
        return Sheet(
            sheet.name,
            cells.columns(),
            hidden=bool(sheet.visibility),
            merged=[(top + 1, left + 1, bottom, right) for top, bottom, left, right in sheet.merged_cells],
            hidden_rows=sorted(row + 1 for row, shown in sheet.rowinfo_map.items() if shown.hidden),
            formats=cells.formats,
            starts_1904=self._book.datemode == 1,
            marks=marks,
        )

    def _number(self, value: float, style: int) -> tuple[CellKind, str, str]:
        text = number_text(value)
        if not 0 <= style < len(self._codes):
            return CellKind.NUMBER, text, GENERAL
        kind = CellKind.DATE if self._dates[style] else CellKind.NUMBER
        return (CellKind.DURATION if self._elapsed[style] else kind), text, self._codes[style]

    def _styles(self, sheet: "XlrdSheet", row: int) -> list[int]:
        try:
            return list(sheet._cell_xf_indexes[row])
        except (AttributeError, IndexError, TypeError):
            return []


def _check_texts(name: str, texts: list[str]) -> None:
    if any("\0" in text for text in texts):
        raise WorkbookUnreadable(f"sheet {name!r} cannot be decoded; open the file in Excel and save as .xlsx")
