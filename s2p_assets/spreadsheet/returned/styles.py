"""A workbook's styles with the colours of a marked copy added to them; cells themselves are rewritten elsewhere."""

import copy
import re
from collections.abc import Mapping

from lxml import etree

from s2p_assets.contracts.columns import Severity
from s2p_assets.spreadsheet.returned.feedback import FILLS, INKS

TRANSITIONAL = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
_SECTIONS = (
    "numFmts",
    "fonts",
    "fills",
    "borders",
    "cellStyleXfs",
    "cellXfs",
    "cellStyles",
    "dxfs",
    "tableStyles",
    "colors",
    "extLst",
)
_LIGHT = 0.6
_RGB = re.compile("[0-9A-Fa-f]{6}")


class Styles:
    """The styles part of one workbook. Style numbers are positions in `cellXfs`, as cells state them."""

    def __init__(self, root: etree._Element) -> None:
        self._root = root
        self._namespace = etree.QName(root).namespace or ""
        self._added: dict[tuple[int, Severity], int] = {}
        self._formats = self._section("cellXfs")
        self._first_entries()
        self.plain = self._earlier_highlights()

    @classmethod
    def empty(cls, namespace: str) -> "Styles":
        """The styles of a workbook that came without any."""
        return cls(etree.Element(f"{{{namespace}}}styleSheet", nsmap={None: namespace}))

    def as_bytes(self) -> bytes:
        for section in self._root:
            if isinstance(section.tag, str) and "count" in section.attrib:
                section.set("count", str(len(section)))
        return bytes(etree.tostring(self._root, xml_declaration=True, encoding="UTF-8", standalone=True))

    def highlighted(self, style: int, severity: Severity) -> int:
        """The number of the style that is `style` in the colour of `severity`; made when first asked for."""
        key = (style, severity)
        if key not in self._added:
            fill = self._fill(FILLS[severity])
            changes = {"fillId": str(fill), "applyFill": "1"}
            ink = self._readable_ink(style, severity)
            if ink is not None:
                changes |= {"fontId": str(ink), "applyFont": "1"}
            self._added[key] = self._derived(style, changes)
        return self._added[key]

    def text_style(
        self, *, bold: bool = False, size: int = 11, ink: str | None = None, fill: str | None = None, grid: bool = False
    ) -> int:
        """The number of a new style for text: wrapped, at the top, never taken for a formula."""
        changes = {"fontId": str(self._font(bold, size, ink)), "applyFont": "1", "quotePrefix": "1"}
        if fill:
            changes |= {"fillId": str(self._fill(fill)), "applyFill": "1"}
        if grid:
            changes |= {"borderId": str(self._hairline()), "applyBorder": "1"}
        entry = self._add(
            self._formats, "xf", {"numFmtId": "0", "fontId": "0", "fillId": "0", "borderId": "0", **changes}
        )
        entry.set("applyAlignment", "1")
        self._add(entry, "alignment", {"vertical": "top", **({"wrapText": "1"} if grid else {})})
        return len(self._formats) - 1

    def _earlier_highlights(self) -> Mapping[int, int]:
        """Styles that an earlier marked copy gave to cells → the same without its colour."""
        ours = {
            str(position)
            for position, fill in enumerate(self._section("fills"))
            if any(color.get("rgb", "")[2:] in FILLS.values() for color in fill.iter(self._tag("fgColor")))
        }
        coloured = [position for position, entry in enumerate(self._formats) if entry.get("fillId") in ours]
        return {position: self._derived(position, {"fillId": "0"}) for position in coloured}

    def _derived(self, style: int, changes: dict[str, str]) -> int:
        source = self._formats[style if style < len(self._formats) else 0]
        entry = copy.deepcopy(source)
        entry.attrib.update(changes)
        self._formats.append(entry)
        return len(self._formats) - 1

    def _readable_ink(self, style: int, severity: Severity) -> int | None:
        """A dark font in place of one too light for the highlight; None when the cell's own can be read."""
        fonts = self._section("fonts")
        entry = self._formats[style if style < len(self._formats) else 0]
        font_number = int(entry.get("fontId") or 0)
        if font_number >= len(fonts):
            return None
        color = fonts[font_number].find(self._tag("color"))
        if color is None or not _is_light(color):
            return None
        font = copy.deepcopy(fonts[font_number])
        _recolour(font, self._tag("color"), INKS[severity])
        fonts.append(font)
        return len(fonts) - 1

    def _fill(self, colour: str) -> int:
        fills = self._section("fills")
        for position, fill in enumerate(fills):
            if any(found.get("rgb") == f"FF{colour}" for found in fill.iter(self._tag("fgColor"))):
                return position
        pattern = self._add(self._add(fills, "fill", {}), "patternFill", {"patternType": "solid"})
        self._add(pattern, "fgColor", {"rgb": f"FF{colour}"})
        self._add(pattern, "bgColor", {"indexed": "64"})
        return len(fills) - 1

    def _font(self, bold: bool, size: int, ink: str | None) -> int:
        fonts = self._section("fonts")
        font = self._add(fonts, "font", {})
        if bold:
            self._add(font, "b", {})
        self._add(font, "sz", {"val": str(size)})
        self._add(font, "color", {"rgb": f"FF{ink or '1F2933'}"})
        self._add(font, "name", {"val": "Calibri"})
        self._add(font, "family", {"val": "2"})
        return len(fonts) - 1

    def _hairline(self) -> int:
        borders = self._section("borders")
        border = self._add(borders, "border", {})
        for side in ("left", "right", "top", "bottom"):
            edge = self._add(border, side, {"style": "thin"})
            self._add(edge, "color", {"rgb": "FFD5DAE1"})
        self._add(border, "diagonal", {})
        return len(borders) - 1

    def _first_entries(self) -> None:
        """What every styles part must hold before anything can be added to it."""
        if not len(self._section("fonts")):
            self._font(False, 11, "000000")
        fills = self._section("fills")
        for pattern in ("none", "gray125")[len(fills) :]:
            self._add(self._add(fills, "fill", {}), "patternFill", {"patternType": pattern})
        borders = self._section("borders")
        if not len(borders):
            border = self._add(borders, "border", {})
            for side in ("left", "right", "top", "bottom", "diagonal"):
                self._add(border, side, {})
        if not len(self._section("cellStyleXfs")):
            self._add(
                self._section("cellStyleXfs"), "xf", {"numFmtId": "0", "fontId": "0", "fillId": "0", "borderId": "0"}
            )
        if not len(self._section("cellStyles")):
            self._add(self._section("cellStyles"), "cellStyle", {"name": "Normal", "xfId": "0", "builtinId": "0"})
        if not len(self._formats):
            self._add(self._formats, "xf", {"numFmtId": "0", "fontId": "0", "fillId": "0", "borderId": "0"})

    def _section(self, name: str) -> etree._Element:
        found = self._root.find(self._tag(name))
        if found is not None:
            return found
        section = etree.Element(self._tag(name), count="0")
        later = {self._tag(after) for after in _SECTIONS[_SECTIONS.index(name) + 1 :]}
        place = next((number for number, child in enumerate(self._root) if child.tag in later), len(self._root))
        self._root.insert(place, section)
        return section

    def _add(self, parent: etree._Element, name: str, attributes: dict[str, str]) -> etree._Element:
        return etree.SubElement(parent, self._tag(name), attributes)

    def _tag(self, name: str) -> str:
        return f"{{{self._namespace}}}{name}"


def _is_light(color: etree._Element) -> bool:
    """Whether text of this colour is hard to read on a pale ground; theme 0 is the paper's own white."""
    rgb = color.get("rgb", "")[-6:]
    if color.get("theme") == "0":
        return float(color.get("tint") or 0) > -0.3
    if not _RGB.fullmatch(rgb):
        return color.get("indexed") in ("1", "9")
    red, green, blue = (int(rgb[start : start + 2], 16) / 255 for start in (0, 2, 4))
    return 0.299 * red + 0.587 * green + 0.114 * blue > _LIGHT


def _recolour(font: etree._Element, tag: str, ink: str) -> None:
    color = font.find(tag)
    if color is not None:
        color.attrib.clear()
        color.set("rgb", f"FF{ink}")
