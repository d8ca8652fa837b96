"""Marking a copy of an .xlsx or .xlsm in place: only the parts concerned are rewritten, the others copied as packed.

What is said is decided in `feedback`; files of other kinds are answered with a fresh workbook instead.
"""

import copy
import itertools
import posixpath
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from s2p_assets.contracts.findings import FINDINGS_SHEET
from s2p_assets.spreadsheet.grid import CellPosition
from s2p_assets.spreadsheet.limits import WorkbookUnreadable, inflate, open_zip
from s2p_assets.spreadsheet.returned.feedback import AUTHOR, Feedback, Note
from s2p_assets.spreadsheet.returned.findings_sheet import ListStyles, findings_sheet_xml
from s2p_assets.spreadsheet.returned.notes import SHAPES_PER_BLOCK, Notes, blocks_in, with_boxes, without_boxes
from s2p_assets.spreadsheet.returned.returned_files import PACKAGE_SUFFIXES
from s2p_assets.spreadsheet.returned.sheet_xml import LARGEST_PIECE, SheetPatch, UnmarkableError, patched_sheet
from s2p_assets.spreadsheet.returned.styles import STRICT, TRANSITIONAL, Styles

_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_LINKS = {
    TRANSITIONAL: "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    STRICT: "http://purl.oclc.org/ooxml/officeDocument/relationships",
}
_SHEET_ML = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_VML_LINK = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/vmlDrawing"
_SIZES_FOLLOW = 0x08
_DEFAULTS = {
    "vml": "application/vnd.openxmlformats-officedocument.vmlDrawing",
    "rels": "application/vnd.openxmlformats-package.relationships+xml",
}


def write_marked(original: Path, feedback: Feedback, target: Path) -> None:
    """Writes `original` with `feedback` in it to `target`. Raises UnmarkableError."""
    try:
        with open_zip(original) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as copied:
            _MarkedCopy(source, copied, feedback).write()
    except (WorkbookUnreadable, etree.XMLSyntaxError, zipfile.BadZipFile, KeyError, ValueError, struct.error) as error:
        raise UnmarkableError(str(error)) from error


def suffix_of(original: Path) -> str:
    """The suffix under which Excel opens this package. Raises UnmarkableError when it is no package of Excel's."""
    try:
        with open_zip(original) as source:
            types = _Types(_Package(source).tree("[Content_Types].xml"))
            return types.suffix(_office_document(_Package(source)))
    except (WorkbookUnreadable, etree.XMLSyntaxError, KeyError, ValueError) as error:
        raise UnmarkableError(str(error)) from error


class _Package:
    """The parts of a package by name, whatever slashes and capitals its archive writes them in."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.members = {_folded(member.filename): member for member in archive.infolist()}
        self._reserved: set[str] = set()

    def __contains__(self, part: str) -> bool:
        return _folded(part) in self.members

    def name(self, part: str) -> str:
        """The part's name as the archive writes it."""
        member = self.members.get(_folded(part))
        return member.filename if member else part

    def pieces(self, part: str) -> Iterator[bytes]:
        """The part's bytes as they are inflated. Raises KeyError for a part that is not there."""
        return inflate(self.archive, self.members[_folded(part)].filename)

    def whole(self, part: str) -> bytes:
        held = bytearray()
        for piece in self.pieces(part):
            held += piece
            if len(held) > LARGEST_PIECE:
                raise UnmarkableError(f"{part} holds more than {LARGEST_PIECE >> 20} MB")
        return bytes(held)

    def tree(self, part: str) -> etree._Element:
        return _parsed(self.whole(part))

    def links(self, part: str) -> "_Links":
        """The relationships of a part; empty for a part that has none."""
        name = _links_part(part)
        return _Links(self.tree(name), part) if name in self else _Links.none(part)

    def unused(self, pattern: str) -> str:
        """A part name that is not taken: `pattern` without a number if possible, else with the first free one."""
        names = (pattern.format(number) for number in ("", *range(1, len(self.members) + len(self._reserved) + 2)))
        name = next(name for name in names if _folded(name) not in self.members.keys() | self._reserved)
        self._reserved.add(_folded(name))
        return name


class _Links:
    """The relationships of one part."""

    def __init__(self, root: etree._Element, part: str) -> None:
        self._root = root
        self._folder = posixpath.dirname(part)
        self._taken = {link.get("Id", "") for link in root if isinstance(link.tag, str)}

    @classmethod
    def none(cls, part: str) -> "_Links":
        namespace = f"{_PACKAGE}/relationships"
        return cls(etree.Element(f"{{{namespace}}}Relationships", nsmap={None: namespace}), part)

    def of_kind(self, kind: str) -> list[str]:
        """The parts linked as `kind` (the last word of the relationship's type)."""
        return [
            self._part(link.get("Target", ""))
            for link in self._root
            if isinstance(link.tag, str) and link.get("Type", "").endswith(f"/{kind}") and not _is_external(link)
        ]

    def part(self, link_id: str) -> str:
        """Raises KeyError for an unknown id."""
        for link in self._root:
            if isinstance(link.tag, str) and link.get("Id") == link_id:
                return self._part(link.get("Target", ""))
        raise KeyError(f"relationship {link_id}")

    def new_id(self) -> str:
        """An id that is free, and from now on taken."""
        names = (f"rIdS2p{number}" for number in itertools.count(1))
        link_id = next(name for name in names if name not in self._taken)
        self._taken.add(link_id)
        return link_id

    def add(self, kind: str, part: str, link_id: str | None = None) -> str:
        """Links `part` as `kind` (a full relationship type); returns the link's id."""
        link_id = link_id or self.new_id()
        tag = f"{{{_PACKAGE}/relationships}}Relationship"
        etree.SubElement(self._root, tag, Id=link_id, Type=kind, Target=f"/{part}")
        return link_id

    def as_bytes(self) -> bytes:
        return _written(self._root)

    def _part(self, target: str) -> str:
        target = target.replace("\\", "/")
        return posixpath.normpath(posixpath.join("/", self._folder, target)).lstrip("/")


class _Types:
    """The content types of a package."""

    def __init__(self, root: etree._Element) -> None:
        self._root = root

    def suffix(self, workbook_part: str) -> str:
        kind = self._override(workbook_part).lower()
        template, macros = "template" in kind, "macroenabled" in kind
        return PACKAGE_SUFFIXES[2 * template + macros]

    def add(self, part: str, kind: str) -> None:
        if not self._override(part):
            etree.SubElement(self._root, f"{{{_PACKAGE}/content-types}}Override", PartName=f"/{part}", ContentType=kind)

    def add_default(self, extension: str) -> None:
        """Makes sure that parts of this extension have a type, `rels` or `vml`."""
        entries = [entry for entry in self._root if isinstance(entry.tag, str)]
        if not any(entry.get("Extension", "").lower() == extension for entry in entries):
            tag = f"{{{_PACKAGE}/content-types}}Default"
            self._root.insert(0, etree.Element(tag, Extension=extension, ContentType=_DEFAULTS[extension]))

    def as_bytes(self) -> bytes:
        return _written(self._root)

    def _override(self, part: str) -> str:
        for entry in self._root:
            if isinstance(entry.tag, str) and _folded(entry.get("PartName", "")) == _folded(part):
                return str(entry.get("ContentType", ""))
        return ""


@dataclass(slots=True)
class _SheetEdit:
    """One sheet that is rewritten, and the parts that hang on it."""

    part: str
    patch: SheetPatch
    links: _Links
    notes: dict[CellPosition, Note]
    comments_part: str | None


class _MarkedCopy:
    """One copy in the making."""

    def __init__(self, source: zipfile.ZipFile, copied: zipfile.ZipFile, feedback: Feedback) -> None:
        self._package = _Package(source)
        self._copied = copied
        self._written: set[str] = set()
        self._feedback = feedback
        self._types = _Types(self._package.tree("[Content_Types].xml"))
        self._workbook = _Workbook(self._package)
        self._link_kind = _LINKS[self._workbook.namespace]
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
        if _links_part(list_part) in self._package:
            self._add(_links_part(list_part), _Links.none(list_part).as_bytes())
        self._add(styles_part, styles.as_bytes())
        self._add(self._workbook.part, self._workbook.as_bytes())
        self._add(_links_part(self._workbook.part), self._workbook.links.as_bytes())
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

    def _new_comments(self, links: _Links) -> str:
        part = self._package.unused(self._workbook.beside("s2p-comments{}.xml"))
        links.add(f"{self._link_kind}/comments", part)
        self._types.add(part, f"{_SHEET_ML}.comments+xml")
        return part

    def _write_sheet(self, sheet: _SheetEdit) -> None:
        with self._copied.open(_entry(self._package.name(sheet.part)), "w") as rewritten:
            for piece in patched_sheet(self._package.pieces(sheet.part), sheet.patch):
                rewritten.write(piece)
        self._written.add(_folded(sheet.part))
        if sheet.comments_part is not None:
            self._write_notes(sheet, sheet.comments_part)

    def _write_notes(self, sheet: _SheetEdit, comments_part: str) -> None:
        """The comments part, the drawing with their boxes and the links to both."""
        standing = self._package.whole(comments_part) if comments_part in self._package else None
        comments = Notes(_parsed(standing)) if standing is not None else Notes.empty(self._workbook.namespace)
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
        self._add(_links_part(sheet.part), sheet.links.as_bytes())

    def _add(self, part: str, content: bytes) -> None:
        self._copied.writestr(_entry(self._package.name(part)), content)
        self._written.add(_folded(part))

    def _copy_the_rest(self) -> None:
        for member in self._package.archive.infolist():
            folded = _folded(member.filename)
            if folded not in self._written and self._package.members[folded] is member:
                _copy_packed(self._package.archive, member, self._copied)

    def _drawings(self) -> list[str]:
        return [name for name in self._package.members if name.endswith(".vml")]

    def _blocks(self, drawing_part: str) -> set[int]:
        return blocks_in(self._package.whole(drawing_part))


class _Workbook:
    """The workbook part: the order of its sheets and what refers to them by position."""

    def __init__(self, package: _Package) -> None:
        self.part = _office_document(package)
        self._root = package.tree(self.part)
        self.links = package.links(self.part)
        self.namespace = etree.QName(self._root).namespace or ""
        if self.namespace not in _LINKS:
            raise UnmarkableError("the workbook part is not SpreadsheetML")
        sheets = self._root.find(self._tag("sheets"))
        if sheets is None:
            raise UnmarkableError("the workbook lists no sheets")
        self._sheets = sheets

    def as_bytes(self) -> bytes:
        return _written(self._root)

    def beside(self, name: str) -> str:
        """The name of a part in the workbook's own folder."""
        return posixpath.join(posixpath.dirname(self.part), name)

    def sheets(self) -> dict[str, str]:
        """Sheet name → part, in the order of the tabs."""
        found = {}
        for sheet in self._sheets.findall(self._tag("sheet")):
            link_id = next((value for key, value in sheet.attrib.items() if str(key).endswith("}id")), None)
            if link_id:
                found[sheet.get("name", "")] = self.links.part(link_id)
        return found

    def list_first(self, package: _Package) -> str:
        """Makes the list of findings the active sheet, the first one if it is new; returns its part."""
        entries = self._sheets.findall(self._tag("sheet"))
        for position, (name, part) in enumerate(self.sheets().items()):
            if name.casefold() == FINDINGS_SHEET.casefold():
                entries[position].attrib.pop("state", None)
                self._activate(position)
                return part
        part = package.unused(self.beside("worksheets/s2p-findings{}.xml"))
        link_id = self.links.new_id()
        kind = _LINKS[self.namespace]
        self.links.add(f"{kind}/worksheet", part, link_id)
        number = 1 + max((int(entry.get("sheetId", "0")) for entry in entries), default=0)
        entry = etree.Element(self._tag("sheet"), name=FINDINGS_SHEET, sheetId=str(number))
        entry.set(f"{{{kind}}}id", link_id)
        self._sheets.insert(0, entry)
        for name_ in self._root.iter(self._tag("definedName")):
            if name_.get("localSheetId", "").isdigit():
                name_.set("localSheetId", str(int(name_.get("localSheetId", "")) + 1))
        self._activate(0)
        return part

    def _activate(self, position: int) -> None:
        for view in self._root.iter(self._tag("workbookView")):
            view.attrib.pop("firstSheet", None)
            view.set("activeTab", str(position))
        if self._root.find(self._tag("bookViews")) is None:
            views = etree.Element(self._tag("bookViews"))
            etree.SubElement(views, self._tag("workbookView"), activeTab=str(position))
            self._sheets.addprevious(views)

    def _tag(self, name: str) -> str:
        return f"{{{self.namespace}}}{name}"


def _copy_packed(source: zipfile.ZipFile, member: zipfile.ZipInfo, target: zipfile.ZipFile) -> None:
    """Copies a member without unpacking it: `zipfile` has no public way to do so."""
    if member.flag_bits & 0x1:
        raise UnmarkableError(f"{member.filename} is encrypted")
    if source.fp is None or target.fp is None:
        raise ValueError("the archive is closed")
    source.fp.seek(member.header_offset)
    name_length, extra_length = struct.unpack("<26x2H", source.fp.read(30))
    source.fp.seek(name_length + extra_length, 1)
    entry = copy.copy(member)
    entry.extra = b""
    entry.flag_bits &= ~_SIZES_FOLLOW
    entry.header_offset = target.fp.tell()
    target.fp.write(entry.FileHeader(zip64=False))
    left = member.compress_size
    while left:
        piece = source.fp.read(min(left, 1 << 20))
        if not piece:
            raise UnmarkableError(f"{member.filename} breaks off")
        target.fp.write(piece)
        left -= len(piece)
    target.filelist.append(entry)
    target.NameToInfo[entry.filename] = entry
    target.start_dir = target.fp.tell()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _office_document(package: _Package) -> str:
    linked = [part for part in package.links("").of_kind("officeDocument") if part in package]
    if not linked:
        raise UnmarkableError("the package names no workbook")
    return linked[0]


def _links_part(part: str) -> str:
    return posixpath.join(posixpath.dirname(part), "_rels", f"{posixpath.basename(part)}.rels")


def _is_external(link: etree._Element) -> bool:
    return bool(link.get("TargetMode") == "External")


def _folded(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()


def _parsed(content: bytes) -> etree._Element:
    root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    if root.getroottree().docinfo.doctype:
        raise UnmarkableError("a part declares a document type")
    return root


def _written(root: etree._Element) -> bytes:
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True))
