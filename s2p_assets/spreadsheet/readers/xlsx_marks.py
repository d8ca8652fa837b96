"""What an `.xlsx` says of its rows and cells besides their values: table parts, outlines, formulas, styles, comments.

The cells themselves are cut in `xlsx`; what any of it means to a contract is decided elsewhere. Source: ECMA-376.
"""

import colorsys
import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from xml.etree import ElementTree

import numpy as np
import pyarrow
import pyarrow.compute as pc

from s2p_assets.spreadsheet.formulas import VOLATILE, summed_up, volatile_function
from s2p_assets.spreadsheet.grid import CellKind, CellPosition, Cells, Ints, SheetWriter, parse_cell_address

_ROW_TAG = re.compile(r"<row\b([^>]*)>")
_NUMBER_OF_ROW = re.compile(r'\br="([0-9]{1,7})"')
_LEVEL = re.compile(r'\boutlineLevel="([1-7])"')
_ABOVE = re.compile(r'<outlinePr\b[^>]*\bsummaryBelow="(?:0|false)"')
_COLUMN_TAG = re.compile(r"<col\b[^>]*>")
_HIDDEN = re.compile(r'\bhidden="(?:1|true)"|\bwidth="0(?:\.0*)?"')
_FROM, _TO = re.compile(r'\bmin="([0-9]+)"'), re.compile(r'\bmax="([0-9]+)"')
_VOLATILE_BYTES = tuple(
    sorted({name.encode() for name in ("RAND", "NOW(", "TODAY", "OFFSET", "INDIRECT", "RTD(", "WEBSERVICE")})
)
_ITEM = re.compile(r"<si\b[^>]*?(?:/>|>(.*?)</si>)", re.DOTALL)
_STRUCK_RUN = re.compile(r'<rPr\b(?:(?!</rPr>).)*?<strike(?:\s+val="(?:1|true)")?\s*/>', re.DOTALL)
_SUMS = "(?i)(?:SUM|AVERAGEA?|MIN|MAX|MEDIAN|COUNTA?)[ ]*[(]|^<f[^>]*>[+]?[$]?[A-Z]+[$]?[0-9]+[+]"
_FIRST_COLUMN = r"(?:[(,;>+$])(?P<letters>[A-Z]{1,3})[$]?[0-9]"
_THREAD = re.compile(r"\A\[Threaded comment\].*?(?:Comment|Kommentar|Commentaire|Comentario|Commento):\s*", re.DOTALL)
_OWN_AUTHOR, _OWN_MARK = "s2p", "— s2p —"
_TRUE = ("1", "true", None)
_WHITE = "FFFFFF"
_TINY = ("1", "2", "1.0", "2.0")
# The palette of `indexed` colours, those that Excel 97 offers as fills (ECMA-376, 18.8.27), from number 8 on.
_PALETTE_TEXT = (
    "000000 FFFFFF FF0000 00FF00 0000FF FFFF00 FF00FF 00FFFF 800000 008000 000080 808000 800080 008080 C0C0C0 808080 "
    "9999FF 993366 FFFFCC CCFFFF 660066 FF8080 0066CC CCCCFF 000080 FF00FF FFFF00 00FFFF 800080 800000 008080 0000FF "
    "00CCFF CCFFFF CCFFCC FFFF99 99CCFF FF99CC CC99FF FFCC99 3366FF 33CCCC 99CC00 FFCC00 FF9900 FF6600 666699 969696 "
    "003366 339966 003300 333300 993300 993366 333399 333333"
)
PALETTE = tuple(_PALETTE_TEXT.split())
_THEME_ORDER = ("lt1", "dk1", "lt2", "dk2", "accent1", "accent2", "accent3", "accent4", "accent5", "accent6")


@dataclass(frozen=True)
class CellLooks:
    """Of the cell styles by their number: those struck through, those of which nothing is to be seen as their letters
    have the colour of their background, and the fills as `RRGGBB`.
    """

    struck: frozenset[int] = frozenset()
    pale: frozenset[int] = frozenset()
    fills: dict[int, str] = field(default_factory=dict)


def cell_looks(styles: ElementTree.Element, theme: Callable[[], ElementTree.Element | None]) -> CellLooks:
    """The looks of all cell styles; the theme is read only when a fill takes its colour from there."""
    struck_fonts = {
        place
        for place, font in enumerate(styles.iterfind("fonts/font"))
        if (strike := font.find("strike")) is not None and strike.get("val") in _TRUE
    }
    palette: list[list[str]] = []

    def theme_colours() -> list[str]:
        if not palette:
            palette.append(_theme_colours(theme()))
        return palette[0]

    fills = [_fill_colour(fill, theme_colours) for fill in styles.iterfind("fills/fill")]
    letters = [_colour(font.find("color"), theme_colours) for font in styles.iterfind("fonts/font")]
    tiny = {place for place, size in enumerate(styles.iterfind("fonts/font/sz")) if size.get("val", "") in _TINY}
    struck, pale, filled = set(), set(), {}
    for place, style in enumerate(styles.iterfind("cellXfs/xf")):
        font, fill = style.get("fontId", ""), style.get("fillId", "")
        if font.isdigit() and int(font) in struck_fonts:
            struck.add(place)
        if fill.isdigit() and int(fill) < len(fills) and (colour := fills[int(fill)]):
            filled[place] = colour
        if font.isdigit() and int(font) < len(letters) and letters[int(font)] == filled.get(place, _WHITE):
            pale.add(place)
        if font.isdigit() and int(font) in tiny:
            pale.add(place)
    return CellLooks(frozenset(struck), frozenset(pale), filled)


def _fill_colour(fill: ElementTree.Element, theme: Callable[[], list[str]]) -> str | None:
    pattern = fill.find("patternFill")
    if pattern is None or pattern.get("patternType", "none") in ("none", "gray125"):
        return None
    shaded = _colour(pattern.find("fgColor"), theme)
    return None if shaded == _WHITE else shaded


def _colour(colour: ElementTree.Element | None, theme: Callable[[], list[str]]) -> str | None:
    """A colour as `RRGGBB`, None where none is stated."""
    if colour is None:
        return None
    indexed, themed = colour.get("indexed", ""), colour.get("theme", "")
    written = colour.get("rgb", "")[-6:].upper()
    if indexed.isdigit() and 0 <= (int(indexed) - 8 if int(indexed) > 7 else int(indexed)) < len(PALETTE):
        written = PALETTE[int(indexed) - 8 if int(indexed) > 7 else int(indexed)]
    elif themed.isdigit() and int(themed) < len(theme()):
        written = theme()[int(themed)]
    if not re.fullmatch("[0-9A-F]{6}", written):
        return None
    return _tinted(written, float(colour.get("tint", "0") or 0))


def _theme_colours(theme: ElementTree.Element | None) -> list[str]:
    scheme = next(theme.iter("clrScheme"), None) if theme is not None else None
    found = []
    for name in _THEME_ORDER if scheme is not None else ():
        colour = scheme.find(f"{name}/*") if scheme is not None else None
        found.append((colour.get("lastClr") or colour.get("val") or "").upper() if colour is not None else "")
    return found


def _tinted(colour: str, tint: float) -> str:
    """Lighter for a tint above 0, darker below, as Excel shades theme colours (ECMA-376, 18.8.19)."""
    if not tint:
        return colour
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4))
    hue, light, saturation = colorsys.rgb_to_hls(red, green, blue)
    light = light * (1 + tint) if tint < 0 else light * (1 - tint) + tint
    return "".join(f"{round(part * 255):02X}" for part in colorsys.hls_to_rgb(hue, min(max(light, 0), 1), saturation))


def table_totals(table: ElementTree.Element) -> Iterator[tuple[int, int, int, str]]:
    """The total rows of an Excel table, whatever their label: row, first and last column, the table's name."""
    count = table.get("totalsRowCount", "0")
    first, last = (parse_cell_address(corner) for corner in table.get("ref", "").partition(":")[::2])
    if count.isdigit() and int(count) and first and last:
        for row in range(last[0] - int(count) + 1, last[0] + 1):
            yield row, first[1], last[1], table.get("displayName") or table.get("name") or "table"


def comments_of(part: ElementTree.Element) -> dict[CellPosition, str]:
    """What people noted at cells, without the author's name; notes that s2p itself wrote are left out."""
    authors = ["".join(author.itertext()).strip() for author in part.iterfind("authors/author")]
    found = {}
    for comment in part.iter("comment"):
        place = parse_cell_address(comment.get("ref"))
        number = comment.get("authorId", "")
        author = authors[int(number)] if number.isdigit() and int(number) < len(authors) else ""
        if place is None:
            continue
        if text := without_own_note("".join(run.text or "" for run in comment.iter("t")), author):
            found[place] = text
    return found


def without_own_note(written: str, author: str) -> str:
    """What a comment says without its author's name and without what s2p itself noted there; empty for s2p's own."""
    if author == _OWN_AUTHOR:
        return ""
    text = _THREAD.sub("", written)
    text = " ".join(text.removeprefix(f"{author}:").split()) if author else " ".join(text.split())
    return text.partition(_OWN_MARK)[0].strip()


def outline_levels(rows: str) -> Iterator[tuple[int, int]]:
    """Row → level of the grouped rows in a piece of a sheet's XML."""
    for given in _ROW_TAG.findall(rows):
        level, number = _LEVEL.search(given), _NUMBER_OF_ROW.search(given)
        if level and number:
            yield int(number[1]), int(level[1])


def summaries_above(head: str) -> bool:
    """Whether outlines have their summary rows above the details, by what stands before a sheet's rows."""
    return bool(_ABOVE.search(head))


def struck_items(strings: str) -> Iterator[int]:
    """The places of the shared strings of which a run is struck through."""
    for place, item in enumerate(_ITEM.finditer(strings)):
        if _STRUCK_RUN.search(item.group(1) or ""):
            yield place


def calculated_by_hand(workbook: ElementTree.Element) -> bool:
    """Whether the workbook recalculates only when it is told to."""
    return any(part.get("calcMode") == "manual" for part in workbook.iter("calcPr"))


def names_outside(workbook: ElementTree.Element) -> tuple[str, ...]:
    """The names that the workbook gives to cells of other workbooks."""
    given = ((name.get("name", ""), name.text or "") for name in workbook.iter("definedName"))
    return tuple(name for name, formula in given if name and re.search(r"\[[0-9]+\]", formula))


_BOOK_BY_NAME = r"(?i)\[[^\]\[]+\.(xl\w+|ods)\]"
"""As programs write it that number no other workbook: `'[Prices.xlsx]May'!B2` instead of `[1]May!B2`."""


class FormulaNotes:
    """What a sheet's formulas say, noted as they come by."""

    def __init__(self, kept: bool) -> None:
        """`kept`: whether the formulas themselves are wanted."""
        self.summed_up: dict[int, dict[int, str]] = {}
        self.volatile: dict[int, dict[str, list[int]]] = {}
        self.names_a_book = False
        self._kept = SheetWriter() if kept else None

    @property
    def kept(self) -> dict[int, Cells]:
        """The formulas by column, as the file writes them."""
        return self._kept.columns() if self._kept else {}

    def take(self, rows: Ints, columns: Ints, letters: pyarrow.Array, formulas: pyarrow.Array) -> None:
        """Takes cells with formulas, written as `<f …>…</f>`."""
        if not self._kept and pc.any(pc.match_substring_regex(formulas, _BOOK_BY_NAME)).as_py():
            self.names_a_book, self._kept = True, SheetWriter()
        if self._kept:
            self._kept.add(columns, Cells(rows, np.full(len(rows), CellKind.TEXT, np.int8), formulas))
        self._note_volatile(rows, columns, formulas)
        own = pc.equal(pc.struct_field(pc.extract_regex(formulas, _FIRST_COLUMN), "letters"), letters)
        sums = pc.and_(pc.fill_null(own, False), pc.match_substring_regex(formulas, _SUMS))
        totals = pc.match_substring_regex(formulas, "(?i)SUBTOTAL|AGGREGATE")
        for place in _places(pc.or_(sums, totals)):
            column = int(columns[place])
            if function := summed_up(_text(formulas[place]), column):
                self.summed_up.setdefault(int(rows[place]), {})[column] = function

    def _note_volatile(self, rows: Ints, columns: Ints, formulas: pyarrow.Array) -> None:
        held = formulas.buffers()[2]
        written = held.to_pybytes() if held is not None else b""
        if not any(name in written for name in _VOLATILE_BYTES):
            return
        for place in _places(pc.match_substring_regex(formulas, "|".join(VOLATILE))):
            if function := volatile_function(_text(formulas[place])):
                of_column = self.volatile.setdefault(int(columns[place]), {})
                of_column.setdefault(function, []).append(int(rows[place]))


def hidden_columns(head: str) -> list[tuple[int, int]]:
    """The columns that are hidden, from and to, by what stands before a sheet's rows."""
    tags = [tag for tag in _COLUMN_TAG.findall(head) if _HIDDEN.search(tag)]
    ends = [(_FROM.search(tag), _TO.search(tag)) for tag in tags]
    return [(int(first[1]), int(last[1])) for first, last in ends if first and last]


def _places(mask: pyarrow.Array) -> list[int]:
    return [int(place) for place in np.flatnonzero(mask.to_numpy(zero_copy_only=False))]


def _text(formula: pyarrow.Scalar) -> str:
    return html.unescape(re.sub("<[^>]*>", "", str(formula.as_py())))
