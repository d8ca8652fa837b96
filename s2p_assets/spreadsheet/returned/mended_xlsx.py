"""Mending an .xlsx part by part: only the sheets with mended cells are written anew.

What is asked for, and how texts are mended, is in `mended.py`.
"""

import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from lxml import etree

from s2p_assets.spreadsheet.grid import CellPosition, cell_address, column_number, parse_cell_address
from s2p_assets.spreadsheet.limits import open_zip
from s2p_assets.spreadsheet.returned.mended import MendedCell, MendRequest, UnmendableError
from s2p_assets.spreadsheet.returned.xlsx_package import (
    WorkbookPart,
    XlsxPackage,
    copy_packed,
    folded_part,
    links_part,
    packed_entry,
    written_part,
)

_CALLED_OUTSIDE = re.compile(r"[!\[]|(?<![\w.])(?:INDIRECT|OFFSET|INDEX|CELL)\s*\(", re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')
_RANGE = re.compile(
    r"(?<![\w.])(\$?)([A-Z]{1,3})(\$?)(\d{1,7})(?::(\$?)([A-Z]{1,3})(\$?)(\d{1,7}))?(?![\w(.])", re.IGNORECASE
)
_NAME = re.compile(r"(?<![\w.$])[A-Z_\\][\w.\\]*(?![\w(.!])", re.IGNORECASE)
_COLUMNS = re.compile(r"\$?([A-Z]{1,3}):\$?([A-Z]{1,3})(?![\w(])", re.IGNORECASE)
_ROWS = re.compile(r"(?<![\w$])\$?\d+:\$?\d+(?!\w)")


def mend_package(asked: MendRequest, original: Path, target: Path) -> None:
    """Write the mended copy of an .xlsx. Raises UnmendableError, and what comes of a file in disorder."""
    cells = asked.cells
    with open_zip(original) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as copied:
        package = XlsxPackage(source)
        workbook = WorkbookPart(package)
        parts, changed = workbook.sheets(), dict[str, bytes]()
        lost_formula = False
        for name in dict.fromkeys(one.sheet for one in cells):
            if name not in parts:
                raise UnmendableError(f"the workbook has no sheet {name!r}")
            sheet = _SheetXml(package.tree(parts[name]))
            mended = {one.place: one for one in cells if one.sheet == name}
            _refuse_calculated(sheet, mended, asked.read_columns.get(name, ()))
            for place, one in mended.items():
                lost_formula |= sheet.put(place, one)
            changed[parts[name]] = written_part(sheet.root)
        if lost_formula:
            changed |= _without_calculation_chain(package, workbook)
        _write_package(package, changed, copied)


def _write_package(package: XlsxPackage, changed: Mapping[str, bytes], copied: zipfile.ZipFile) -> None:
    """Every part as it is packed but those that changed; one without content is left out."""
    by_name = {folded_part(part): content for part, content in changed.items()}
    for member in package.archive.infolist():
        folded = folded_part(member.filename)
        if package.members[folded] is not member:
            continue
        if folded not in by_name:
            copy_packed(package.archive, member, copied)
        elif by_name[folded]:
            copied.writestr(packed_entry(member.filename), by_name[folded])


def _without_calculation_chain(package: XlsxPackage, workbook: WorkbookPart) -> dict[str, bytes]:
    """The parts without the list of cells with formulas, which Excel makes anew: it must name none that has none."""
    chains = [part for part in workbook.links.of_kind("calcChain") if part in package]
    if not chains:
        return {}
    types = package.tree("[Content_Types].xml")
    links = package.tree(links_part(workbook.part))
    named = {folded_part(part) for part in chains}
    for entry in list(types):
        if isinstance(entry.tag, str) and folded_part(entry.get("PartName", "")) in named:
            types.remove(entry)
    for link in list(links):
        if isinstance(link.tag, str) and link.get("Type", "").endswith("/calcChain"):
            links.remove(link)
    rest = {"[Content_Types].xml": written_part(types), links_part(workbook.part): written_part(links)}
    return rest | dict.fromkeys(chains, b"")


class _SheetXml:
    """The cells of one sheet by their places."""

    def __init__(self, root: etree._Element) -> None:
        self.root = root
        self._space = etree.QName(root).namespace or ""
        data = root.find(self._tag("sheetData"))
        if data is None:
            raise UnmendableError("the sheet has no cells")
        self._data = data
        self._rows: dict[int, etree._Element] = {}
        number = 0
        for row in data.iterchildren(self._tag("row")):
            number = int(row.get("r", number + 1))
            self._rows[number] = row

    def cells(self) -> Iterator[tuple[CellPosition, etree._Element]]:
        for number, row in self._rows.items():
            yield from (((number, column), cell) for column, cell in self._cells_of(row))

    def formula(self, cell: etree._Element) -> etree._Element | None:
        return cell.find(self._tag("f"))

    def put(self, place: CellPosition, mended: MendedCell) -> bool:
        """Give the cell its new value; whether it held a formula."""
        cell = self._cell(place)
        formula = self.formula(cell)
        if formula is not None and (formula.get("ref") or formula.get("t") in ("array", "dataTable")):
            raise UnmendableError(f"{mended.cell} holds a formula that other cells share; mend it in Excel")
        for child in list(cell):
            cell.remove(child)
        for name in ("t", "cm", "vm"):
            cell.attrib.pop(name, None)
        if mended.text and mended.is_number:
            etree.SubElement(cell, self._tag("v")).text = mended.text
        elif mended.text:
            cell.set("t", "inlineStr")
            text = etree.SubElement(etree.SubElement(cell, self._tag("is")), self._tag("t"))
            text.text = mended.text
            text.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
        return formula is not None

    def _cell(self, place: CellPosition) -> etree._Element:
        number, column = place
        row = self._row(number)
        for position, (there, cell) in enumerate(self._cells_of(row)):
            if there == column:
                return cell
            if there > column:
                made = self._new_cell(place)
                row.insert(position, made)
                return made
        made = self._new_cell(place)
        row.append(made)
        return made

    def _new_cell(self, place: CellPosition) -> etree._Element:
        return etree.Element(self._tag("c"), r=cell_address(*place))

    def _row(self, number: int) -> etree._Element:
        if number in self._rows:
            self._rows[number].attrib.pop("spans", None)
            return self._rows[number]
        made = etree.Element(self._tag("row"), r=str(number))
        after = [one for one in self._rows if one < number]
        self._data.insert(len(after), made)
        self._rows[number] = made
        return made

    def _cells_of(self, row: etree._Element) -> Iterator[tuple[int, etree._Element]]:
        column = 0
        for cell in row.iterchildren(self._tag("c")):
            stated = parse_cell_address(cell.get("r"))
            column = stated[1] if stated else column + 1
            yield column, cell

    def _tag(self, name: str) -> str:
        return f"{{{self._space}}}{name}"


Box = tuple[int, int, int, int]
"""First row, first column, last row, last column."""


def _refuse_calculated(sheet: _SheetXml, mended: Mapping[CellPosition, MendedCell], letters: Sequence[str]) -> None:
    """Raises UnmendableError where a value that is read is calculated from a mended cell."""
    formulas = {place: boxes for place, boxes in _formulas(sheet) if place not in mended}
    if not formulas:
        return
    read = {column_number(one) for one in letters}
    stale = set(mended)
    growing = True
    while growing:
        found = {place for place, boxes in formulas.items() if place not in stale and _looks_at(boxes, stale)}
        stale |= found
        growing = bool(found)
    wrong = sorted(place for place in stale - set(mended) if place[1] in read)
    if wrong:
        there, here = cell_address(*wrong[0]), ", ".join(sorted(one.cell for one in mended.values())[:3])
        raise UnmendableError(
            f"{there} is calculated, and may be from {here}; only the program that wrote the file calculates it anew: "
            "mend it there, then hand it in again"
        )


def _looks_at(boxes: Sequence[Box] | None, places: Iterable[CellPosition]) -> bool:
    """Whether a formula that looks at these boxes, at anything for None, looks at one of the places."""
    if boxes is None:
        return True
    return any(
        top <= row <= bottom and left <= column <= right for top, left, bottom, right in boxes for row, column in places
    )


def _formulas(sheet: _SheetXml) -> Iterator[tuple[CellPosition, list[Box] | None]]:
    """Every cell with a formula, and what it looks at; None where that cannot be told."""
    shared: dict[str, tuple[CellPosition, str]] = {}
    for place, cell in sheet.cells():
        formula = sheet.formula(cell)
        if formula is None:
            continue
        text, group = formula.text or "", formula.get("si", "")
        if formula.get("t") == "shared" and text:
            shared[group] = place, text
        elif formula.get("t") == "shared" and group in shared:
            origin, text = shared[group]
            yield place, _boxes(text, place[0] - origin[0], place[1] - origin[1])
            continue
        yield place, _boxes(text, 0, 0) if text else None


def _boxes(formula: str, down: int, right: int) -> list[Box] | None:
    plain = _QUOTED.sub('""', formula)
    if _CALLED_OUTSIDE.search(plain) or _ROWS.search(plain):
        return None
    boxes: list[Box] = [
        (1, column_number(left.upper()), 1 << 20, column_number(last.upper())) for left, last in _COLUMNS.findall(plain)
    ]
    rest = _COLUMNS.sub("", plain)
    for one in _RANGE.finditer(rest):
        top, left = _moved(one[1], one[2], one[3], one[4], down, right)
        bottom, last = _moved(one[5], one[6], one[7], one[8], down, right) if one[6] else (top, left)
        boxes.append((min(top, bottom), min(left, last), max(top, bottom), max(left, last)))
    names = [name for name in _NAME.findall(_RANGE.sub("", rest)) if name.upper() not in ("TRUE", "FALSE")]
    return None if names else boxes


def _moved(fixed: str, letters: str, fixed_row: str, row: str, down: int, right: int) -> CellPosition:
    return int(row) + (0 if fixed_row else down), column_number(letters.upper()) + (0 if fixed else right)
