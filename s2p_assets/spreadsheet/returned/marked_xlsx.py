"""Marking a copy of an .xlsx or .xlsm in place: only the parts concerned are rewritten, the others copied as packed.

What is said is decided in `feedback`; files of other kinds are answered with a fresh workbook instead.
"""

import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from s2p_assets.spreadsheet.grid import CellPosition
from s2p_assets.spreadsheet.limits import WorkbookUnreadable, open_zip
from s2p_assets.spreadsheet.returned.feedback import AUTHOR, Feedback, Note
from s2p_assets.spreadsheet.returned.findings_sheet import ListStyles, findings_sheet_xml
from s2p_assets.spreadsheet.returned.notes import SHAPES_PER_BLOCK, Notes, blocks_in, with_boxes, without_boxes
from s2p_assets.spreadsheet.returned.sheet_xml import SheetPatch, UnmarkableError, patched_sheet
from s2p_assets.spreadsheet.returned.styles import Styles
from s2p_assets.spreadsheet.returned.xlsx_package import (
    LINK_KINDS,
    ContentTypes,
    PartLinks,
    WorkbookPart,
    XlsxPackage,
    copy_packed,
    folded_part,
    links_part,
    office_document,
    packed_entry,
    parsed_part,
)

_SHEET_ML = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_VML_LINK = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/vmlDrawing"


def write_marked(original: Path, feedback: Feedback, target: Path) -> str:
    """Writes `original` with `feedback` in it to `target`; the suffix under which Excel opens it.

    Raises UnmarkableError.
    """
    suffix = _suffix_of(original)
    try:
        with open_zip(original) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as copied:
            _MarkedCopy(source, copied, feedback).write()
    except (WorkbookUnreadable, etree.XMLSyntaxError, zipfile.BadZipFile, KeyError, ValueError, struct.error) as error:
        raise UnmarkableError(str(error)) from error
    return suffix


def _suffix_of(original: Path) -> str:
    """The suffix under which Excel opens this package. Raises UnmarkableError when it is no package of Excel's."""
    try:
        with open_zip(original) as source:
            types = ContentTypes(XlsxPackage(source).tree("[Content_Types].xml"))
            return types.suffix(office_document(XlsxPackage(source)))
    except (WorkbookUnreadable, etree.XMLSyntaxError, KeyError, ValueError) as error:
        raise UnmarkableError(str(error)) from error


@dataclass(slots=True)
class _SheetEdit:
    """One sheet that is rewritten, and the parts that hang on it."""

    part: str
    patch: SheetPatch
    links: PartLinks
    notes: dict[CellPosition, Note]
    comments_part: str | None


class _MarkedCopy:
    """One copy in the making."""

    def __init__(self, source: zipfile.ZipFile, copied: zipfile.ZipFile, feedback: Feedback) -> None:
        self._package = XlsxPackage(source)
        self._copied = copied
        self._written: set[str] = set()
        self._feedback = feedback
        self._types = ContentTypes(self._package.tree("[Content_Types].xml"))
        self._workbook = WorkbookPart(self._package)
        self._link_kind = LINK_KINDS[self._workbook.namespace]
        self._next_block = 1 + max((block for name in self._drawings() for block in self._blocks(name)), default=0)

    def write(self) -> None:
        """Writes the parts that change, then copies all others as they are packed."""
        sheets = self._workbook.sheets()
        unknown = set(self._feedback.severities) - set(sheets)
        if unknown:
            raise UnmarkableError(f"the workbook has no sheet {min(unknown)!r}")
        styles, styles_part = self._styles()
        list_part = self._workbook.list_first(self._package)
        self._types.add(list_part, f"{_SHEET_ML}.worksheet+xml")
        others = {name: part for name, part in sheets.items() if part != list_part and part in self._package}
        planned = [self._planned_edit(name, part, styles) for name, part in others.items()]
        concerned = [sheet for sheet in planned if sheet is not None]
        self._add("[Content_Types].xml", self._types.as_bytes())
        for sheet in concerned:
            self._write_sheet(sheet)
        list_styles = ListStyles.added_to(styles)
        self._add(list_part, findings_sheet_xml(self._feedback, list_styles, self._workbook.namespace, others))
        if links_part(list_part) in self._package:
            self._add(links_part(list_part), PartLinks.none(list_part).as_bytes())
        self._add(styles_part, styles.as_bytes())
        self._add(self._workbook.part, self._workbook.as_bytes())
        self._add(links_part(self._workbook.part), self._workbook.links.as_bytes())
        self._copy_the_rest()

    def _styles(self) -> tuple[Styles, str]:
        """The workbook's styles and their part, a new one where it has none."""
        parts = [part for part in self._workbook.links.of_kind("styles") if part in self._package]
        if parts:
            return Styles(self._package.tree(parts[0])), parts[0]
        part = self._package.unused("xl/styles{}.xml")
        self._workbook.links.add(f"{self._link_kind}/styles", part)
        self._types.add(part, f"{_SHEET_ML}.styles+xml")
        return Styles.empty(self._workbook.namespace), part

    def _planned_edit(self, name: str, part: str, styles: Styles) -> _SheetEdit | None:
        """What is to be done to one sheet; None when it can be copied as it is."""
        cells, notes = self._feedback.severities.get(name, {}), self._feedback.notes.get(name, {})
        links = self._package.links(part)
        comments = [found for found in links.of_kind("comments") if found in self._package]
        ours_before = bool(comments) and f">{AUTHOR}<".encode() in self._package.whole(comments[0])
        selected = b"tabSelected" in next(self._package.pieces(part), b"")
        if not (cells or ours_before or selected or styles.plain):
            return None
        patch = SheetPatch(cells, styles.highlighted, styles.plain, notes_namespace=self._link_kind)
        comments_part = comments[0] if comments and (notes or ours_before) else None
        if notes:
            patch.notes_id = links.new_id()
            comments_part = comments_part or self._new_comments(links)
            self._types.add_default("vml")
            self._types.add_default("rels")
        return _SheetEdit(part, patch, links, notes, comments_part)

    def _new_comments(self, links: PartLinks) -> str:
        part = self._package.unused(self._workbook.beside("s2p-comments{}.xml"))
        links.add(f"{self._link_kind}/comments", part)
        self._types.add(part, f"{_SHEET_ML}.comments+xml")
        return part

    def _write_sheet(self, sheet: _SheetEdit) -> None:
        with self._copied.open(packed_entry(self._package.name(sheet.part)), "w") as rewritten:
            for piece in patched_sheet(self._package.pieces(sheet.part), sheet.patch):
                rewritten.write(piece)
        self._written.add(folded_part(sheet.part))
        if sheet.comments_part is not None:
            self._write_notes(sheet, sheet.comments_part)

    def _write_notes(self, sheet: _SheetEdit, comments_part: str) -> None:
        """The comments part, the drawing with their boxes and the links to both."""
        standing = self._package.whole(comments_part) if comments_part in self._package else None
        comments = Notes(parsed_part(standing)) if standing is not None else Notes.empty(self._workbook.namespace)
        fresh = comments.add(sheet.notes)
        self._add(comments_part, comments.as_bytes())
        existing = sheet.patch.existing_notes_id
        drawing_part = sheet.links.part(existing) if existing else None
        drawing = self._package.whole(drawing_part) if drawing_part else None
        if drawing_part is None:
            drawing_part = self._package.unused(self._workbook.beside("drawings/s2p-notes{}.vml"))
            sheet.links.add(_VML_LINK, drawing_part, sheet.patch.notes_id)
        else:
            drawing = without_boxes(drawing or b"", comments.withdrawn - set(sheet.notes))
        boxed = set(sheet.notes) if drawing is None else fresh - comments.withdrawn
        boxes = {place: sheet.notes[place] for place in boxed}
        if boxes or drawing is not None:
            self._add(drawing_part, with_boxes(drawing, boxes, self._next_block))
            self._next_block += -(-len(boxes) // SHAPES_PER_BLOCK)
        self._add(links_part(sheet.part), sheet.links.as_bytes())

    def _add(self, part: str, content: bytes) -> None:
        self._copied.writestr(packed_entry(self._package.name(part)), content)
        self._written.add(folded_part(part))

    def _copy_the_rest(self) -> None:
        for member in self._package.archive.infolist():
            folded = folded_part(member.filename)
            if folded not in self._written and self._package.members[folded] is member:
                copy_packed(self._package.archive, member, self._copied)

    def _drawings(self) -> list[str]:
        return [name for name in self._package.members if name.endswith(".vml")]

    def _blocks(self, drawing_part: str) -> set[int]:
        return blocks_in(self._package.whole(drawing_part))
