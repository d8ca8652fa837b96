"""The notes of one sheet, its comments part and the boxes that show them, with ours added to what people wrote.

Threaded comments live in parts of their own, which are left as they are; what is said is decided elsewhere.
"""

import re
from collections.abc import Iterable, Mapping
from html import escape

from lxml import etree

from s2p_assets.spreadsheet.grid import CellPosition, cell_address, parse_cell_address
from s2p_assets.spreadsheet.returned.feedback import AUTHOR, FILLS, Note, sanitized

SHAPES_PER_BLOCK = 1023
_MARK = f"— {AUTHOR} —"
_NAMESPACES = (
    'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
    'xmlns:x="urn:schemas-microsoft-com:office:excel"'
)
_SHAPE = re.compile(rb"<v:shape\s.*?</v:shape>\s*", re.DOTALL)
_ROW, _COLUMN = re.compile(rb"<x:Row>\s*(\d+)"), re.compile(rb"<x:Column>\s*(\d+)")
_BLOCKS = re.compile(rb"(<o:idmap\b[^>]*?\bdata\s*=\s*[\"'])([\d,\s]*)")
_SHAPE_TYPE = (
    '<v:shapetype id="_x0000_t202" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe">'
    '<v:stroke joinstyle="miter"/><v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>'
)


class Notes:
    """The comments part of one sheet: one note per cell, each by an author."""

    def __init__(self, root: etree._Element) -> None:
        self._root = root
        self._namespace = etree.QName(root).namespace or ""
        self._authors = self._child("authors", 0)
        self._list = self._child("commentList", 1)
        self.withdrawn = self._withdraw()

    @classmethod
    def empty(cls, namespace: str) -> "Notes":
        return cls(etree.Element(f"{{{namespace}}}comments", nsmap={None: namespace}))

    def as_bytes(self) -> bytes:
        return bytes(etree.tostring(self._root, xml_declaration=True, encoding="UTF-8", standalone=True))

    def add(self, notes: Mapping[CellPosition, Note]) -> set[CellPosition]:
        """Writes `notes`, beneath what stands there already; returns the cells that had no note before."""
        standing = {
            parse_cell_address(comment.get("ref")): comment for comment in self._list.iter(self._tag("comment"))
        }
        author = str(self._author()) if notes else ""
        fresh = set()
        for place, note in notes.items():
            comment = standing.get(place)
            if comment is None:
                comment = etree.SubElement(self._list, self._tag("comment"), ref=cell_address(*place), authorId=author)
                etree.SubElement(comment, self._tag("text"))
                self._write(comment, note.text)
                fresh.add(place)
            else:
                self._write(comment, f"\n\n{_MARK}\n{note.text}")
        return fresh

    def _write(self, comment: etree._Element, text: str) -> None:
        """Adds `text` as a run of its own, after turning a plain text into a run."""
        body = comment.find(self._tag("text"))
        if body is None:
            body = etree.SubElement(comment, self._tag("text"))
        plain = body.find(self._tag("t"))
        if plain is not None:
            run = etree.Element(self._tag("r"))
            body.replace(plain, run)
            run.append(plain)
        run = etree.SubElement(body, self._tag("r"))
        look = etree.SubElement(run, self._tag("rPr"))
        for name, value in (("sz", {"val": "9"}), ("color", {"indexed": "81"}), ("rFont", {"val": "Tahoma"})):
            etree.SubElement(look, self._tag(name), value)
        words = etree.SubElement(run, self._tag("t"))
        words.text = sanitized(text)
        words.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")

    def _withdraw(self) -> set[CellPosition]:
        """Takes back what an earlier marked copy said; returns the cells that are left without a note."""
        authors = [author.text or "" for author in self._authors]
        emptied = set()
        for comment in list(self._list.iter(self._tag("comment"))):
            number = comment.get("authorId") or ""
            own = number.isdigit() and int(number) < len(authors) and authors[int(number)] == AUTHOR
            place = parse_cell_address(comment.get("ref"))
            if own and place is not None:
                self._list.remove(comment)
                emptied.add(place)
            else:
                self._withdraw_from(comment)
        return emptied

    def _withdraw_from(self, comment: etree._Element) -> None:
        runs = list(comment.iter(self._tag("r")))
        starts = [position for position, run in enumerate(runs) if _MARK in "".join(run.itertext())]
        for run in runs[starts[0] :] if starts else []:
            parent = run.getparent()
            if parent is not None:
                parent.remove(run)

    def _author(self) -> int:
        authors = [author.text or "" for author in self._authors]
        if AUTHOR not in authors:
            etree.SubElement(self._authors, self._tag("author")).text = AUTHOR
            authors.append(AUTHOR)
        return authors.index(AUTHOR)

    def _child(self, name: str, position: int) -> etree._Element:
        found = self._root.find(self._tag(name))
        if found is None:
            found = etree.Element(self._tag(name))
            self._root.insert(position, found)
        return found

    def _tag(self, name: str) -> str:
        return f"{{{self._namespace}}}{name}"


def blocks_in(drawing: bytes) -> set[int]:
    """The blocks of a thousand shape numbers that a VML drawing has taken."""
    return {int(number) for found in _BLOCKS.finditer(drawing) for number in re.findall(rb"\d+", found[2])}


def without_boxes(drawing: bytes, places: Iterable[CellPosition]) -> bytes:
    """A VML drawing without the note boxes of these cells."""
    gone = set(places)
    return (
        _SHAPE.sub(lambda match: b"" if _box_of(match.group()) in gone else match.group(), drawing) if gone else drawing
    )


def with_boxes(drawing: bytes | None, notes: Mapping[CellPosition, Note], first_block: int) -> bytes:
    """A VML drawing with a box for each of `notes`, numbered from `first_block`; a new drawing where there is none."""
    blocks = [first_block + number for number in range(-(-len(notes) // SHAPES_PER_BLOCK))]
    numbers = (block * 1024 + position for block in blocks for position in range(1, SHAPES_PER_BLOCK + 1))
    boxes = "".join(
        _box(number, place, note) for number, (place, note) in zip(numbers, sorted(notes.items()), strict=False)
    )
    taken = ",".join(map(str, blocks))
    if drawing is None:
        layout = f'<o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="{taken}"/></o:shapelayout>'
        return f"<xml {_NAMESPACES}>{layout}{_SHAPE_TYPE}{boxes}</xml>".encode()
    end = drawing.rfind(b"</")
    known = b'id="_x0000_t202"' in drawing
    drawing = drawing[:end] + (b"" if known else _declared(_SHAPE_TYPE)) + _declared(boxes) + drawing[end:]
    return _BLOCKS.sub(lambda match: match[1] + match[2] + f",{taken}".encode(), drawing, count=1) if taken else drawing


def _declared(shapes: str) -> bytes:
    """Shapes that name their own namespaces, for a drawing whose root may not."""
    return re.sub(r"<(v:shape(?:type)?)\s", rf"<\1 {_NAMESPACES} ", shapes).encode()


def _box_of(shape: bytes) -> CellPosition | None:
    row, column = _ROW.search(shape), _COLUMN.search(shape)
    note = b'ObjectType="Note"' in shape or b"ObjectType='Note'" in shape
    return (int(row[1]) + 1, int(column[1]) + 1) if note and row and column else None


def _box(number: int, place: CellPosition, note: Note) -> str:
    """The box of one note: hidden until the pointer is on the cell, wide and high enough for its text."""
    row, column = place[0] - 1, place[1] - 1
    lines = sum(1 + len(line) // 44 for line in note.text.splitlines())
    height = min(max(4, lines + 1), 20)
    top = max(row - 1, 0)
    anchor = f"{column + 1}, 15, {top}, 10, {column + 5}, 15, {top + height}, 4"
    colour = escape(f"#{FILLS[note.severity].lower()}")
    return (
        f'<v:shape id="_x0000_s{number}" type="#_x0000_t202" style="position:absolute;margin-left:60pt;'
        f'margin-top:7.5pt;width:220pt;height:{height * 15}pt;z-index:{number % 1024};visibility:hidden" '
        f'fillcolor="{colour}" o:insetmode="auto"><v:fill color2="{colour}"/>'
        '<v:shadow on="t" color="black" obscured="t"/><v:path o:connecttype="none"/>'
        '<v:textbox style="mso-direction-alt:auto"><div style="text-align:left"></div></v:textbox>'
        '<x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/>'
        f"<x:Anchor>{anchor}</x:Anchor><x:AutoFill>False</x:AutoFill>"
        f"<x:Row>{row}</x:Row><x:Column>{column}</x:Column></x:ClientData></v:shape>"
    )
