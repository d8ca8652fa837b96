"""Reading `.xlsx` and `.xlsm`: the sheets' XML is cut into cells as it is inflated, with type, digits and format.

No general reader hands out value, type and format at speed, and several abort the process on odd
files; so this one is our own. What the cells mean is decided elsewhere.
"""

import codecs
import html
import posixpath
import re
import urllib.parse
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.compute as pc

from s2p_assets.spreadsheet import number_formats
from s2p_assets.spreadsheet.grid import (
    LAST_COLUMN,
    LAST_ROW,
    CellKind,
    Cells,
    Ints,
    Kinds,
    Marks,
    SharedTexts,
    Sheet,
    SheetWriter,
    column_letters,
    column_number,
)
from s2p_assets.spreadsheet.limits import DAMAGED, MAX_CELLS, WorkbookUnreadable, inflate, open_zip
from s2p_assets.spreadsheet.readers.row_cutter import cut_cells
from s2p_assets.spreadsheet.readers.xlsx_marks import (
    CellLooks,
    FormulaNotes,
    calculated_by_hand,
    cell_looks,
    comments_of,
    hidden_columns,
    names_outside,
    outline_levels,
    struck_items,
    summaries_above,
    table_totals,
)
from s2p_assets.spreadsheet.readers.xlsx_rows import PlainCells

_AS_THE_READER_PAYS = frozenset({"5", "6", "7", "8", "41", "42", "43", "44"})  # shown in each reader's own currency
_PART_LIMIT = 64 * 1024**2

# A cell as nearly every program writes it. What this does not match goes through `_OddCells`.
_CELL = (
    r'^r="(?P<c>[A-Z]{1,3})(?P<r>[0-9]{1,7})"(?: s="(?P<s>[0-9]*)")?(?: t="(?P<t>[a-zA-Z]*)")?(?: s="(?P<s2>[0-9]*)")?'
    r'(?: (?:cm|vm|ph)="[0-9]*")*\s*(?:/>|>\s*(?P<f><f(?:[^>]*/>|[^>]*>[^<]*</f>))?\s*'
    r"(?:(?P<h><v)(?: [^>]*)?>(?P<v>[^<]*)</v>|<v\s*/>)?\s*(?:<is>\s*<t(?: [^>]*)?>(?P<i>[^<]*)</t>\s*</is>)?\s*"
    r"(?:<extLst>.*</extLst>)?\s*</c>)"
)
_ODD_START = re.compile(r"<c[>\t\r\n/]|<!")
_ROW_OR_CELL = re.compile(r"<row\b([^>]*?)/?>|<c\b([^>]*?)(?:/>|>(.*?)</c>)", re.DOTALL)
_ATTRIBUTE = re.compile(r"""([\w:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_VALUE = re.compile(r"<v\b[^>]*?(?:/>|>(.*?)</v>)", re.DOTALL)
_FORMULA = re.compile(r"<f(?:\s[^>]*)?(?:/>|>.*?</f>)", re.DOTALL)
_RUN = re.compile(r"<t\b[^>]*?(?:/>|>(.*?)</t>)", re.DOTALL)
_PHONETIC = re.compile(r"<rPh\b.*?</rPh>", re.DOTALL)
_ITEM = re.compile(r"<si\b[^>]*?(?:/>|>(.*?)</si>)", re.DOTALL)
_PLAIN_ITEM = r'^<t(?: xml:space="preserve")?>(?P<t>[^<]*)</t></si>\s*(?:</sst>\s*)?$'
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_DTD = re.compile(r"(?>\s+|<\?.*?\?>|<!--.*?-->)*+<!(?:DOCTYPE|ENTITY)", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_ODD_TEXT = "[&\r]|_x[0-9A-Fa-f]{4}_"
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&amp;": "&"}
_ENTITY = "|".join(_ENTITIES)
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_HIDDEN_ROW = re.compile(r'<row\b[^>]*?\br="([0-9]{1,7})"[^>]*?(?:\bhidden="(?:1|true)"| ht="0")')
_MERGED = re.compile(r'<mergeCell\b[^>]*?ref="([A-Z]+)([0-9]+):([A-Z]+)([0-9]+)"')
_KINDS = {
    "": CellKind.NUMBER,
    "n": CellKind.NUMBER,
    "s": CellKind.TEXT,
    "str": CellKind.TEXT,
    "inlineStr": CellKind.TEXT,
    "b": CellKind.BOOL,
    "e": CellKind.ERROR,
    "d": CellKind.ISO,
}


@dataclass(frozen=True)
class _SheetPart:
    name: str
    member: str
    hidden: bool


class XlsxBook:
    """An open `.xlsx`: its sheets by name, read one at a time."""

    def __init__(self, path: Path) -> None:
        """Raises WorkbookUnreadable when the directory or the workbook part is unusable."""
        self._archive = open_zip(path)
        try:
            self._members = {_folded(name): name for name in self._archive.namelist()}
            main = self._main_part()
            root = self._tree(main)
            self._relations = self._relations_of(main)
            self._starts_1904 = _starts_1904(root)
            self._sheets = self._sheet_parts(root)
            self._formats = self._number_formats()
            self._looks = self._cell_looks()
            self._by_hand = calculated_by_hand(root)
            self._other_books = self._books_outside(root)
            self._names_outside = names_outside(root)
        except BaseException:
            self._archive.close()
            raise
        self._strings: pyarrow.Array | None = None
        self._struck_strings: set[int] = set()

    def close(self) -> None:
        self._archive.close()

    def sheets(self) -> Iterator[Sheet]:
        """Every worksheet, in the workbook's order. Raises WorkbookUnreadable."""
        for part in self._sheets:
            yield self._sheet(part)

    def _main_part(self) -> str:
        relations: list[tuple[str, str, str]] = []
        with suppress(WorkbookUnreadable):  # where the directory of parts is damaged, their usual names are tried
            relations = self._relations_of("")
        for target, kind, _ in relations:
            if kind.endswith("/officeDocument") and _folded(target) in self._members:
                return self._members[_folded(target)]
        for name in self._members:
            if name.endswith("xl/workbook.xml") or name == "workbook.xml":
                return self._members[name]
        raise WorkbookUnreadable("the file holds no workbook; open it in Excel and save it again")

    def _part(self, member: str) -> str:
        whole = b""
        for piece in inflate(self._archive, member):
            whole += piece
            if len(whole) > _PART_LIMIT:
                raise WorkbookUnreadable("a part of the file is unreasonably large; save it again in Excel")
        return "".join(_decoded([whole], member))

    def _tree(self, member: str) -> ElementTree.Element:
        text = self._part(member)
        try:
            bare = re.sub(r"^\s*<\?xml.*?\?>", "", text, count=1, flags=re.DOTALL)
            root = ElementTree.fromstring(bare)  # noqa: S314  `_decoded` refuses DTDs
        except ElementTree.ParseError as error:
            raise WorkbookUnreadable(DAMAGED) from error
        for element in root.iter():
            element.tag = element.tag.rsplit("}", 1)[-1]
            element.attrib = {name.rsplit("}", 1)[-1]: value for name, value in element.attrib.items()}
        return root

    def _relations_of(self, part: str) -> list[tuple[str, str, str]]:
        """(target, type, id) of the relations of a part, targets as names of members."""
        folder, name = posixpath.split(part)
        member = self._members.get(_folded(posixpath.join(folder, "_rels", f"{name}.rels")))
        if member is None:
            return []
        found = []
        for relation in self._tree(member).iter("Relationship"):
            target = relation.get("Target", "").replace("\\", "/")
            where = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
            found.append((where, relation.get("Type", ""), relation.get("Id", "")))
        return found

    def _related(self, kind: str) -> str | None:
        targets = [target for target, type_, _ in self._relations if type_.endswith(f"/{kind}")]
        return next((self._members[_folded(target)] for target in targets if _folded(target) in self._members), None)

    def _sheet_parts(self, root: ElementTree.Element) -> list[_SheetPart]:
        targets = {key: (target, kind) for target, kind, key in self._relations}
        spare = [target for target, kind, _ in self._relations if kind.endswith("/worksheet")]
        parts = []
        for position, sheet in enumerate(root.iter("sheet")):
            target, kind = targets.get(sheet.get("id", ""), ("", "/worksheet"))
            if not target and position < len(spare):
                target = spare[position]
            if not kind.endswith("/worksheet") or _folded(target) not in self._members:
                continue
            hidden = sheet.get("state", "visible") != "visible"
            parts.append(_SheetPart(sheet.get("name", ""), self._members[_folded(target)], hidden))
        return parts

    def _books_outside(self, root: ElementTree.Element) -> dict[str, str]:
        """The file names of the workbooks that formulas look into, by the number that they call them by."""
        targets = {key: target for target, _, key in self._relations}
        books = {}
        for number, reference in enumerate(root.iter("externalReference"), 1):
            member = self._members.get(_folded(targets.get(reference.get("id", ""), "")), "")
            links = self._relations_of(member) if member else []
            path = next((target for target, kind, _ in links if "externalLink" in kind or "Path" in kind), "")
            books[str(number)] = urllib.parse.unquote(posixpath.basename(path)) if path else ""
        return books

    def _number_formats(self) -> list[str]:
        """The number format of every cell style, in order."""
        member = self._related("styles")
        if member is None:
            return ["General"]
        root = self._tree(member)
        own = {f.get("numFmtId", ""): f.get("formatCode", "") for f in root.iterfind("numFmts/numFmt")}
        styles = root.find("cellXfs")
        found = []
        for style in styles.iter("xf") if styles is not None else ():
            number = style.get("numFmtId", "0")
            written = None if number in _AS_THE_READER_PAYS else own.get(number)
            code = written or number_formats.BUILT_IN_FORMATS.get(int(number) if number.isdigit() else 0)
            found.append(code or "General")
        return found or ["General"]

    def _cell_looks(self) -> CellLooks:
        styles, theme = self._related("styles"), self._related("theme")
        if styles is None:
            return CellLooks()
        return cell_looks(self._tree(styles), lambda: self._tree(theme) if theme else None)

    def _shared_strings(self) -> pyarrow.Array:
        if self._strings is None:
            member = self._related("sharedStrings")
            self._strings = self._string_table(member) if member else pyarrow.array([], pyarrow.string())
        return self._strings

    def _string_table(self, member: str) -> pyarrow.Array:
        parts = []
        count = 0
        for text in _cut(_elements(self._archive, member), "</si>"):
            strings = _plain_strings(text)
            if "<strike" in text:
                self._struck_strings.update(count + place for place in struck_items(text))
            parts.append(_unescaped(_strings(text) if strings is None else strings))
            count += len(parts[-1])
        return pyarrow.concat_arrays(parts) if parts else pyarrow.array([], pyarrow.string())

    def _sheet(self, part: _SheetPart) -> Sheet:
        formulas = FormulaNotes(kept=self._by_hand or bool(self._other_books))
        reader = _SheetReader(self._shared_strings, self._struck_strings, self._formats, part.name, formulas)
        for piece in _cut(_elements(self._archive, part.member), "</row>"):
            reader.take(piece)
        return Sheet(
            name=part.name,
            columns=reader.writer.columns(),
            hidden=part.hidden,
            merged=sorted(reader.merged),
            hidden_rows=reader.hidden_rows,
            formats=self._formats,
            starts_1904=self._starts_1904,
            marks=self._marks(part, reader, formulas),
        )

    def _marks(self, part: _SheetPart, reader: "_SheetReader", formulas: FormulaNotes) -> Marks:
        related: dict[str, list[str]] = {}
        for target, kind, _ in self._relations_of(part.member):
            if _folded(target) in self._members:
                related.setdefault(kind.rsplit("/", 1)[-1], []).append(self._members[_folded(target)])
        comments: dict[tuple[int, int], str] = {}
        for member in related.get("comments", []):
            comments |= comments_of(self._tree(member))
        return Marks(
            table_totals=[total for member in related.get("table", []) for total in table_totals(self._tree(member))],
            summed_up=formulas.summed_up,
            levels=reader.levels,
            summaries_above=reader.summaries_above,
            struck=self._looks.struck,
            pale=self._looks.pale,
            hidden_columns=reader.hidden_columns,
            volatile=formulas.volatile,
            fills=self._looks.fills,
            struck_cells=reader.struck_cells,
            comments=comments,
            formulas=formulas.kept,
            calculated_by_hand=self._by_hand,
            looks_outside=bool(self._other_books) or formulas.names_a_book,
            other_books=self._other_books,
            outside_names=self._names_outside,
        )


class _SheetReader:
    """Turns the XML of rows into cells, piece by piece."""

    def __init__(
        self,
        strings: Callable[[], pyarrow.Array],
        struck_strings: set[int],
        formats: list[str],
        sheet: str,
        formulas: FormulaNotes,
    ) -> None:
        self.writer = SheetWriter()
        self.levels: dict[int, int] = {}
        self.summaries_above = False
        self.hidden_columns: list[tuple[int, int]] = []
        self.struck_cells: set[tuple[int, int]] = set()
        self._struck_strings = struck_strings
        self._struck_places: list[int] = []
        self._formulas = formulas
        self.merged: set[tuple[int, int, int, int]] = set()
        self.hidden_rows: list[int] = []
        self._sheet = sheet
        self._strings = strings
        self._odd = _OddCells()
        self._count = 0
        self._where: Literal["before", "rows", "after"] = "before"
        self._tail = ""
        dates = [number_formats.is_date(code) for code in formats]
        elapsed = [number_formats.is_elapsed(code) for code in formats]
        self._is_date = np.array([*dates, False], dtype=bool)
        self._is_elapsed = np.array([*elapsed, False], dtype=bool)

    def take(self, text: str) -> None:
        """Reads the next piece of the sheet's XML, which ends with a row's end or the sheet's."""
        if self._where == "before":
            start = re.search(r"<sheetData\b[^>]*?(/?)>", text)
            if start is None:
                return
            self._where = "after" if start.group(1) else "rows"
            self.summaries_above = summaries_above(text[: start.start()])
            self.hidden_columns = hidden_columns(text[: start.start()])
            text = text[start.end() :]
        rest = text
        if self._where == "rows":
            rows, end, rest = text, "", ""
            plain = self._plain(text) if text.endswith("</row>") else None
            if plain is None:
                rows, end, rest = text.partition("</sheetData")
                plain = self._plain(rows) if end else None
            self._take_rows(rows, plain)
            self._where = "after" if end else "rows"
        if self._where == "after":
            self._tail = self._tail[-4096:] + rest
            self.merged.update(_ranges(self._tail))

    def _plain(self, text: str) -> PlainCells | None:
        return None if self._odd.active else cut_cells(text)

    def _take_rows(self, text: str, plain: PlainCells | None) -> None:
        """Reads whole rows, which were cut already where they are `plain`."""
        if (plain is None or plain.rows_are_noted) and ('hidden="' in text or ' ht="0"' in text):
            self.hidden_rows += [int(row) for row in _HIDDEN_ROW.findall(text)]
        if (plain is None or plain.rows_are_noted) and 'outlineLevel="' in text:
            self.levels.update(outline_levels(text))
        if plain is not None:
            self._count_cells(len(plain.rows))
            self._write_plain(plain)
            return
        text = _COMMENT.sub("", text) if "<!--" in text else text
        cells = None if self._odd.active or _ODD_START.search(text) else _matched(text)
        if cells is None:
            cells = self._odd.cells(text)
        self._count_cells(len(cells["r"]))
        if len(cells["r"]):
            self._write(cells)

    def _count_cells(self, more: int) -> None:
        self._count += more
        if self._count > MAX_CELLS:
            raise WorkbookUnreadable(f"the file has more than {MAX_CELLS:,} cells; split it into smaller workbooks")

    def _write_plain(self, cells: PlainCells) -> None:
        given = [_attributes(text) for text in cells.attributes.dictionary.to_pylist()]
        which = cells.attributes.indices.to_numpy()
        types = [attributes.get("t", "") for attributes in given]
        style = np.array([_style_number(one.get("s", ""), len(self._is_date) - 1) for one in given], np.int32)
        kinds = self._kinds(np.array([_KINDS.get(name, CellKind.TEXT) for name in types], np.int8), style)
        shared = self._shared_texts(cells, np.array([name == "s" for name in types], bool)[which])
        named = ["" if shared and name == "s" else name for name in types]
        texts = self._texts({"v": cells.values}, named, which, cells.numbers)
        self._note_struck(cells.rows, cells.columns)
        self._add(cells.columns, cells.rows, kinds[which], texts, style.astype(np.int16)[which], shared)

    def _shared_texts(self, cells: PlainCells, mask: npt.NDArray[np.bool_]) -> SharedTexts | None:
        """The shared texts of the cells of a mask; None where they are to be looked at one by one."""
        strings = self._strings() if mask.any() else ()
        if not len(strings) or self._struck_strings:
            return None
        numbers = cells.numbers[mask] if cells.numbers is not None else _indices(cells.values.filter(mask))
        if numbers.min() < 0 or numbers.max() >= len(strings):
            return None
        indices = np.full(len(mask), -1, np.int32)
        indices[mask] = numbers
        return SharedTexts(strings, indices)

    def _write(self, cells: dict[str, pyarrow.Array]) -> None:
        kind_names = pc.dictionary_encode(cells["t"])
        types = kind_names.dictionary.to_pylist()
        type_of = kind_names.indices.to_numpy()
        kinds = np.array([_KINDS.get(name, CellKind.TEXT) for name in types], np.int8)[type_of]
        texts = self._texts(cells, types, type_of)
        stored = pc.not_equal(texts, "").to_numpy(zero_copy_only=False)
        formula = pc.not_equal(cells["f"], "").to_numpy(zero_copy_only=False)
        is_text = pc.equal(cells["t"], "str").to_numpy(zero_copy_only=False)
        kinds[formula & ~stored & ~is_text] = CellKind.UNCALCULATED
        style = _style_numbers(cells["s"], len(self._is_date) - 1)
        rows, columns = cells["r"].to_numpy(), _column_numbers(cells["c"])
        self._note_struck(rows, columns)
        if formula.any():
            self._formulas.take(rows[formula], columns[formula], cells["c"].filter(formula), cells["f"].filter(formula))
        self._add(columns, rows, self._kinds(kinds, style), texts, style.astype(np.int16))

    def _note_struck(self, rows: Ints, columns: Ints) -> None:
        if self._struck_places:
            self.struck_cells.update((int(rows[place]), int(columns[place])) for place in self._struck_places)
            self._struck_places = []

    def _kinds(self, kinds: Kinds, style: Ints) -> Kinds:
        """The kinds with dates and times told from numbers by their style."""
        number = kinds == CellKind.NUMBER
        kinds[number & self._is_date[style]] = CellKind.DATE
        kinds[number & self._is_elapsed[style]] = CellKind.DURATION
        return kinds

    def _add(
        self,
        columns: Ints,
        rows: Ints,
        kinds: Kinds,
        texts: pyarrow.Array,
        style: npt.NDArray[np.int16],
        shared: SharedTexts | None = None,
    ) -> None:
        if len(rows) and (rows.max() > LAST_ROW or columns.max() > LAST_COLUMN or rows.min() < 1):
            raise WorkbookUnreadable(
                f"sheet {self._sheet!r} has a cell beyond the last row or column; save it in Excel"
            )
        self.writer.add(columns, Cells(rows, kinds, texts, style), shared)

    def _texts(
        self, cells: dict[str, pyarrow.Array], types: list[str], type_of: Ints, numbers: Ints | None = None
    ) -> pyarrow.Array:
        texts = cells["v"]
        for position, name in enumerate(types):
            if name == "s":
                texts = self._shared(texts, type_of == position, numbers)
            elif name == "inlineStr":
                inline = pyarrow.array(type_of == position)
                texts = pc.if_else(pc.and_(inline, pc.not_equal(cells["i"], "")), _unescaped(cells["i"]), texts)
            elif name == "str":
                texts = pc.if_else(pyarrow.array(type_of == position), _unescaped(texts), texts)
        return texts

    def _shared(self, texts: pyarrow.Array, mask: npt.NDArray[np.bool_], numbers: Ints | None = None) -> pyarrow.Array:
        strings = self._strings()
        shared = pyarrow.array(mask)
        indices = numbers[mask] if numbers is not None else None
        if indices is None or (len(indices) and indices.min() < 0):
            indices = _indices(texts.filter(shared))
        if len(indices) and indices.max() >= len(strings):
            raise WorkbookUnreadable("some of the file's texts are missing; open it in Excel and save it again")
        if self._struck_strings:
            struck = np.isin(indices, list(self._struck_strings))
            self._struck_places += np.flatnonzero(mask)[struck].tolist()
        known = indices >= 0
        blank = pyarrow.array(np.where(known, indices, 0), pyarrow.int32(), mask=~known)
        values = pc.fill_null(strings.take(blank), "") if len(strings) else pyarrow.array([""] * len(indices))
        return pc.replace_with_mask(texts, shared, values)


def _indices(texts: pyarrow.Array) -> Ints:
    """Whole numbers as the file writes them, -1 for what is none."""
    try:
        return pc.cast(pc.utf8_trim_whitespace(texts), pyarrow.int32()).to_numpy()
    except pyarrow.ArrowInvalid:
        return np.array([int(text) if text.strip().isdigit() else -1 for text in texts.to_pylist()], dtype=np.int32)


def _matched(text: str) -> dict[str, pyarrow.Array] | None:
    """The cells of `text` in Arrow columns, or None when one of them is written in an unusual way."""
    fragments = pc.split_pattern(pyarrow.array([text], pyarrow.large_string()), "<c ").values[1:]
    cells = pc.extract_regex(fragments, _CELL)
    if cells.null_count:
        return None
    found = {name: cells.field(name).cast(pyarrow.string()) for name in ("c", "r", "s", "s2", "t", "f", "v", "i")}
    found["s"] = pc.binary_join_element_wise(found["s"], found.pop("s2"), "")
    found["r"] = found["r"].cast(pyarrow.int32())
    return found


class _OddCells:
    """Cells of writers that order attributes their own way, or give no addresses."""

    def __init__(self) -> None:
        self.active = False
        self._row = 0
        self._column = 0

    def cells(self, text: str) -> dict[str, pyarrow.Array]:
        """The cells of `text` in the same columns as `_matched`; keeps count where addresses are missing."""
        self.active = True
        text = _CDATA.sub(lambda found: html.escape(found.group(1)), text)
        held: dict[str, list[str]] = {name: [] for name in ("c", "r", "s", "t", "f", "v", "i")}
        for found in _ROW_OR_CELL.finditer(text):
            if found.group(1) is not None:
                self._start_row(found.group(1))
            else:
                self._add(held, found.group(2), found.group(3) or "")
        arrays = {name: pyarrow.array(values, pyarrow.string()) for name, values in held.items()}
        arrays["r"] = arrays["r"].cast(pyarrow.int32())
        return arrays

    def _start_row(self, attributes: str) -> None:
        given = _attributes(attributes).get("r", "")
        self._row = int(given) if given.isdigit() else self._row + 1
        self._column = 0

    def _add(self, held: dict[str, list[str]], attributes: str, inner: str) -> None:
        given = _attributes(attributes)
        place = re.fullmatch(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})", given.get("r", ""))
        self._column = column_number(place.group(1).upper()) if place else self._column + 1
        self._row = int(place.group(2)) if place else max(self._row, 1)
        value = _VALUE.search(inner)
        held["c"].append(place.group(1).upper() if place else column_letters(self._column))
        held["r"].append(str(self._row))
        held["s"].append(given.get("s", ""))
        held["t"].append(given.get("t", ""))
        formula = _FORMULA.search(inner)
        held["f"].append(formula.group() if formula else "")
        held["v"].append((value.group(1) or "") if value else "")
        held["i"].append(_rich_text(inner) if "<is" in inner else "")


def _attributes(text: str) -> dict[str, str]:
    return {name: double or single for name, double, single in _ATTRIBUTE.findall(text)}


def _column_numbers(names: pyarrow.Array) -> Ints:
    encoded = pc.dictionary_encode(names)
    numbers = np.array([column_number(name) for name in encoded.dictionary.to_pylist()], dtype=np.int32)
    return numbers[encoded.indices.to_numpy()]


def _style_numbers(styles: pyarrow.Array, last: int) -> npt.NDArray[np.int32]:
    encoded = pc.dictionary_encode(styles)
    numbers = np.array([_style_number(text, last) for text in encoded.dictionary.to_pylist()], dtype=np.int32)
    return numbers[encoded.indices.to_numpy()]


def _style_number(text: str, last: int) -> int:
    return min(int(text), last) if text.isdigit() else 0


def _ranges(text: str) -> Iterator[tuple[int, int, int, int]]:
    for left, top, right, bottom in _MERGED.findall(text):
        yield int(top), column_number(left), int(bottom), column_number(right)


def _plain_strings(text: str) -> pyarrow.Array | None:
    """The shared strings of `text`, or None when one of them is written in an unusual way."""
    parts = pc.split_pattern(pyarrow.array([text]), "<si>").values
    if "<si" in parts[0].as_py():
        return None
    found = pc.extract_regex(parts[1:], _PLAIN_ITEM)
    return None if found.null_count else found.field("t")


def _strings(text: str) -> pyarrow.Array:
    found = [item.group(1) or "" for item in _ITEM.finditer(text)]
    plain = [item[item.find(">") + 1 : -4] if _is_plain(item) else _rich_text(item) for item in found]
    return pyarrow.array(plain, pyarrow.string())


def _is_plain(item: str) -> bool:
    return item.startswith("<t") and item.endswith("</t>") and item.count("<") == 2


def _rich_text(item: str) -> str:
    item = _CDATA.sub(lambda found: html.escape(found.group(1)), item)
    return "".join(_RUN.findall(_PHONETIC.sub("", item)))


def _unescaped(texts: pyarrow.Array) -> pyarrow.Array:
    """XML entities and Excel's `_x000D_` resolved."""
    written = texts.buffers()[2].to_pybytes() if len(texts) and texts.buffers()[2] else b""
    if b"_x" not in written and b"\r" not in written:
        counts = {entity: written.count(entity.encode()) for entity in _ENTITIES}
        if written.count(b"&") == sum(counts.values()):
            return _with_marks(texts, [entity for entity, count in counts.items() if count])
    if not pc.any(pc.match_substring_regex(texts, _ODD_TEXT)).as_py():
        return texts
    odd = pc.match_substring_regex(pc.replace_substring_regex(texts, _ENTITY, ""), _ODD_TEXT)
    values = [_unescaped_text(text) for text in texts.filter(odd).to_pylist()]
    return pc.replace_with_mask(_with_marks(texts, _ENTITIES), odd, pyarrow.array(values, pyarrow.string()))


def _with_marks(texts: pyarrow.Array, entities: Iterable[str]) -> pyarrow.Array:
    for entity in entities:
        texts = pc.replace_substring(texts, entity, _ENTITIES[entity])
    return texts


def _unescaped_text(text: str) -> str:
    text = html.unescape(text.replace("\r\n", "\n"))
    resolved = _ESCAPED.sub(lambda found: chr(int(found.group(1), 16)), text).replace("\0", "")
    return resolved.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\r\n", "\n")


def _elements(archive: zipfile.ZipFile, member: str) -> Iterator[str]:
    """The member's XML as text, without namespace prefixes of its own."""
    pieces = _decoded(inflate(archive, member), member)
    prefix, held = None, ""
    for piece in pieces:
        held += piece
        if prefix is None:
            root = re.search(r"<(?:(\w+):)?(?:worksheet|sst|chartsheet|dialogsheet)\b", held)
            if root is None:
                continue
            prefix = root.group(1) or ""
        cut = held.rfind("<") if prefix else len(held)
        yield _without_prefix(held[:cut], prefix)
        held = held[cut:]
    yield _without_prefix(held, prefix or "")


def _without_prefix(text: str, prefix: str) -> str:
    return text.replace(f"</{prefix}:", "</").replace(f"<{prefix}:", "<") if prefix else text


def _decoded(pieces: Iterable[bytes], member: str) -> Iterator[str]:
    """XML bytes as text by the declared encoding. Raises WorkbookUnreadable for a DTD or a wrong byte."""
    decoder = None
    for piece in pieces:
        if decoder is None:
            decoder = codecs.getincrementaldecoder(_encoding(piece[:256]))()
            text = _decode(decoder, piece, member)
            if _DTD.match(text):
                raise WorkbookUnreadable("the file declares XML entities, as no workbook does; it was not read")
        else:
            text = _decode(decoder, piece, member)
        yield text


def _decode(decoder: codecs.IncrementalDecoder, piece: bytes, member: str) -> str:
    try:
        return decoder.decode(piece)
    except UnicodeDecodeError as error:
        raise WorkbookUnreadable(DAMAGED) from error


def _encoding(head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    declared = re.search(rb"""^\s*<\?xml[^>]*encoding=["']([\w.-]+)["']""", head.removeprefix(b"\xef\xbb\xbf"))
    name = declared.group(1).decode() if declared else "utf-8"
    try:
        return "utf-8-sig" if codecs.lookup(name).name in ("utf-8", "ascii") else name
    except LookupError:
        return "utf-8-sig"


def _cut(pieces: Iterable[str], end: str) -> Iterator[str]:
    """`pieces` cut anew so that each but the last ends with `end`."""
    held: list[str] = []
    size = 0
    for piece in pieces:
        if end not in piece and end not in (held[-1][-len(end) :] if held else "") + piece[: len(end)]:
            held.append(piece)
            size += len(piece)
            if size > 2 * _PART_LIMIT:
                raise WorkbookUnreadable("one row of the file is unreasonably large; save it again in Excel")
            continue
        whole = "".join([*held, piece])
        cut = whole.rfind(end) + len(end)
        yield whole[:cut]
        held, size = [whole[cut:]], len(whole) - cut
    rest = "".join(held)
    if rest:
        yield rest


def _starts_1904(root: ElementTree.Element) -> bool:
    return any(part.get("date1904", "0") in ("1", "true") for part in root.iter("workbookPr"))


def _folded(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()
