"""The parts of an .xlsx or .xlsm: found by name, their links and content types, the workbook part, copied as packed.

What is changed in which part is decided by who marks or mends a copy.
"""

import copy
import itertools
import posixpath
import struct
import zipfile
from collections.abc import Iterator

from lxml import etree

from s2p_assets.contracts.findings import FINDINGS_SHEET
from s2p_assets.spreadsheet.limits import inflate
from s2p_assets.spreadsheet.returned.returned_files import PACKAGE_SUFFIXES
from s2p_assets.spreadsheet.returned.sheet_xml import LARGEST_PIECE, UnmarkableError
from s2p_assets.spreadsheet.returned.styles import STRICT, TRANSITIONAL

_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
LINK_KINDS = {
    TRANSITIONAL: "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    STRICT: "http://purl.oclc.org/ooxml/officeDocument/relationships",
}
_SIZES_FOLLOW = 0x08
_DEFAULTS = {
    "vml": "application/vnd.openxmlformats-officedocument.vmlDrawing",
    "rels": "application/vnd.openxmlformats-package.relationships+xml",
}


class XlsxPackage:
    """The parts of a package by name, whatever slashes and capitals its archive writes them in."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.members = {folded_part(member.filename): member for member in archive.infolist()}
        self._reserved: set[str] = set()

    def __contains__(self, part: str) -> bool:
        return folded_part(part) in self.members

    def name(self, part: str) -> str:
        """The part's name as the archive writes it."""
        member = self.members.get(folded_part(part))
        return member.filename if member else part

    def pieces(self, part: str) -> Iterator[bytes]:
        """The part's bytes as they are inflated. Raises KeyError for a part that is not there."""
        return inflate(self.archive, self.members[folded_part(part)].filename)

    def whole(self, part: str) -> bytes:
        held = bytearray()
        for piece in self.pieces(part):
            held += piece
            if len(held) > LARGEST_PIECE:
                raise UnmarkableError(f"{part} holds more than {LARGEST_PIECE >> 20} MB")
        return bytes(held)

    def tree(self, part: str) -> etree._Element:
        return parsed_part(self.whole(part))

    def links(self, part: str) -> "PartLinks":
        """The relationships of a part; empty for a part that has none."""
        name = links_part(part)
        return PartLinks(self.tree(name), part) if name in self else PartLinks.none(part)

    def unused(self, pattern: str) -> str:
        """A part name that is not taken: `pattern` without a number if possible, else with the first free one."""
        names = (pattern.format(number) for number in ("", *range(1, len(self.members) + len(self._reserved) + 2)))
        name = next(name for name in names if folded_part(name) not in self.members.keys() | self._reserved)
        self._reserved.add(folded_part(name))
        return name


class PartLinks:
    """The relationships of one part."""

    def __init__(self, root: etree._Element, part: str) -> None:
        self._root = root
        self._folder = posixpath.dirname(part)
        self._taken = {link.get("Id", "") for link in root if isinstance(link.tag, str)}

    @classmethod
    def none(cls, part: str) -> "PartLinks":
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
        return written_part(self._root)

    def _part(self, target: str) -> str:
        target = target.replace("\\", "/")
        return posixpath.normpath(posixpath.join("/", self._folder, target)).lstrip("/")


class ContentTypes:
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
        return written_part(self._root)

    def _override(self, part: str) -> str:
        for entry in self._root:
            if isinstance(entry.tag, str) and folded_part(entry.get("PartName", "")) == folded_part(part):
                return str(entry.get("ContentType", ""))
        return ""


class WorkbookPart:
    """The workbook part: the order of its sheets and what refers to them by position."""

    def __init__(self, package: XlsxPackage) -> None:
        self.part = office_document(package)
        self._root = package.tree(self.part)
        self.links = package.links(self.part)
        self.namespace = etree.QName(self._root).namespace or ""
        if self.namespace not in LINK_KINDS:
            raise UnmarkableError("the workbook part is not SpreadsheetML")
        sheets = self._root.find(self._tag("sheets"))
        if sheets is None:
            raise UnmarkableError("the workbook lists no sheets")
        self._sheets = sheets

    def as_bytes(self) -> bytes:
        return written_part(self._root)

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

    def list_first(self, package: XlsxPackage) -> str:
        """Makes the list of findings the active sheet, the first one if it is new; returns its part."""
        entries = self._sheets.findall(self._tag("sheet"))
        for position, (name, part) in enumerate(self.sheets().items()):
            if name.casefold() == FINDINGS_SHEET.casefold():
                entries[position].attrib.pop("state", None)
                self._activate(position)
                return part
        part = package.unused(self.beside("worksheets/s2p-findings{}.xml"))
        link_id = self.links.new_id()
        kind = LINK_KINDS[self.namespace]
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


def copy_packed(source: zipfile.ZipFile, member: zipfile.ZipInfo, target: zipfile.ZipFile) -> None:
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


def packed_entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def office_document(package: XlsxPackage) -> str:
    linked = [part for part in package.links("").of_kind("officeDocument") if part in package]
    if not linked:
        raise UnmarkableError("the package names no workbook")
    return linked[0]


def links_part(part: str) -> str:
    return posixpath.join(posixpath.dirname(part), "_rels", f"{posixpath.basename(part)}.rels")


def _is_external(link: etree._Element) -> bool:
    return bool(link.get("TargetMode") == "External")


def folded_part(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()


def parsed_part(content: bytes) -> etree._Element:
    root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    if root.getroottree().docinfo.doctype:
        raise UnmarkableError("a part declares a document type")
    return root


def written_part(root: etree._Element) -> bytes:
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True))
