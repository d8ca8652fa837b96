"""What the cells of one column seem to be: codes, numbers, dates or words, as the reader itself would read them.

Which cells belong to the column is decided in `draft`.
"""

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pyarrow
import pyarrow.compute as pc

from s2p_assets.contracts.columns import NA_VALUES, Column, Kind
from s2p_assets.contracts.date_patterns import format_example
from s2p_assets.spreadsheet import number_formats
from s2p_assets.spreadsheet.cell_parser import parse_cells
from s2p_assets.spreadsheet.grid import CellKind, Cells, Sheet
from s2p_assets.spreadsheet.inferring.shelf_file import DraftColumn
from s2p_assets.spreadsheet.table_rows import is_unit

MAX_VALUES = 12
_LEAST_REPEATS = 4
_ID_WORDS = (
    "id sku code no nr num number ean gtin upc asin zip postcode plz phone isbn iban ref reference key artikelnummer "
    "codigo po invoice account"
)
_AMOUNT_WORDS = (
    "price cost amount msrp revenue fee salary turnover preis betrag kosten umsatz prix precio importe eur usd gbp chf "
    "money sales"
)
_DATE_WORDS = "date day datum fecha tag when on created updated shipped due since until"
_ID_ENDINGS = frozenset(_ID_WORDS.split())
_MONEY_WORDS = frozenset(_AMOUNT_WORDS.split())
_DAY_WORDS = frozenset(_DATE_WORDS.split())
_YES, _NO = frozenset({"yes", "y", "true", "ja", "oui", "si", "sí"}), frozenset({"no", "n", "false", "nein", "non"})
_CURRENCY_SIGNS = {"€": "EUR", "£": "GBP", "$": "USD"}
_DAY_PATTERNS = (
    ("%Y-%m-%d",),
    ("%Y/%m/%d",),
    ("%Y.%m.%d",),
    ("%d.%m.%Y", "%m.%d.%Y"),
    ("%m/%d/%Y", "%d/%m/%Y"),
    ("%d-%m-%Y", "%m-%d-%Y"),
    ("%d.%m.%y", "%m.%d.%y"),
    ("%m/%d/%y", "%d/%m/%y"),
    ("%d-%m-%y", "%m-%d-%y"),
    ("%d %b %Y",),
    ("%d-%b-%Y",),
    ("%d-%b-%y",),
    ("%b %d, %Y",),
    ("%d %B %Y",),
    ("%B %d, %Y",),
)
_TIMES = ("%H:%M:%S", "%H:%M", "%H:%M:%S.%f")
_MARKED_NUMBER = re.compile(r"[\s\d.,'’()+\-–−]*\d[\s\d.,'’()+\-–−]*")


@dataclass(frozen=True, slots=True)
class ColumnSample:
    """The cells of one column below its header. `rows`: how many rows the table has in the same stretch."""

    sheet: Sheet
    cells: Cells
    rows: int

    def texts(self) -> list[str]:
        """The different texts, outer blanks removed, in the order of their first appearance."""
        trimmed = pc.utf8_trim_whitespace(self.cells.texts)
        return [text for text in pc.unique(trimmed).to_pylist() if text]

    def kinds(self) -> set[CellKind]:
        return {CellKind(kind) for kind in set(self.cells.kinds.tolist())}

    def formats(self) -> set[str]:
        """The number formats of the cells."""
        if self.cells.formats is None:
            return set()
        known = self.sheet.formats
        return {known[number] for number in set(self.cells.formats.tolist()) if 0 <= number < len(known)}

    def values(self, kind: Kind, options: dict[str, Any] | None = None) -> pyarrow.Array | None:
        """The cells read as `kind`; None when one of them cannot be."""
        column = Column("column", kind, "", ("column",), nullable=True, **(options or {}))
        parsed = parse_cells(self.cells, column, self.sheet)
        return None if parsed.errors else parsed.values


def infer_column(draft: DraftColumn, sample: ColumnSample) -> pyarrow.Array | None:
    """Completes `draft` from the cells; returns the values it gives, one per cell, None where cells are in error."""
    values = _typed(draft, sample)
    if values is None:
        draft.kind = "text"
        values = sample.values("text")
    present = len(values) - values.null_count if values is not None else len(sample.cells)
    draft.nullable = present < sample.rows
    draft.description = _description(sample)
    if values is not None and draft.kind == "text":
        _remark_values(draft, values)
    if values is not None:
        _remark_range(draft, values)
    return values


def _typed(draft: DraftColumn, sample: ColumnSample) -> pyarrow.Array | None:
    if not len(sample.cells):
        draft.remarks.append("no cell of this column is filled in the file")
        return sample.values("text")
    for infer in (_as_dates, _as_booleans, _as_code, _as_number):
        values = infer(draft, sample)
        if values is not None:
            return values
    return None


def _as_dates(draft: DraftColumn, sample: ColumnSample) -> pyarrow.Array | None:
    dates = {CellKind.DATE, CellKind.ISO}
    kinds = sample.kinds()
    if not kinds <= dates | {CellKind.TEXT}:
        return None
    patterns: tuple[str, ...] = ()
    if CellKind.TEXT in kinds:
        is_text = sample.cells.kinds == CellKind.TEXT
        blanks = {word.casefold() for word in NA_VALUES}
        texts = [
            text
            for text in ColumnSample(sample.sheet, sample.cells.where(is_text), 0).texts()
            if text.casefold() not in blanks
        ]
        patterns = _date_formats(draft, texts)
        if texts and not patterns:
            return None
        if not texts and not kinds & dates:
            return None
    options = {"formats": patterns} if patterns else {}
    kind: Kind
    for kind in ("date", "timestamp"):
        values = sample.values(kind, options)
        if values is not None:
            draft.kind, draft.options = kind, options
            return values
    return None


def _date_formats(draft: DraftColumn, texts: Sequence[str]) -> tuple[str, ...]:
    """The patterns by which every text is a date, one or two of them; empty when there are none."""
    if not texts or not all(any(mark.isdigit() for mark in text) for text in texts[:50]):
        return ()
    readings = {pattern: frozenset(_read_by(pattern, texts)) for pattern in _patterns(draft.header)}
    readings = {pattern: read for pattern, read in readings.items() if read}
    for count in (1, 2):
        for patterns in combinations(readings, count):
            if len(frozenset().union(*(readings[pattern] for pattern in patterns))) < len(texts):
                continue
            if count == 2 and _contradict(*patterns):
                continue
            other = next(
                (
                    swapped
                    for swapped in map(_swapped_day_and_month, patterns)
                    if swapped and len(readings.get(swapped, ())) == len(texts)
                ),
                None,
            )
            if other:
                draft.remarks.append(f"every date also reads as {format_example(other)}: confirm which is meant")
            return patterns
    return ()


def _patterns(header: str) -> Iterator[str]:
    days = [pattern for family in _DAY_PATTERNS for pattern in family]
    yield from days
    if _words(header) & _DAY_WORDS:
        yield "%Y%m%d"
    for pattern in days:
        yield from (f"{pattern} {time}" for time in _TIMES)
    yield from (f"%Y-%m-%dT{time}" for time in _TIMES)


def _read_by(pattern: str, texts: Sequence[str]) -> Iterator[str]:
    if not _reads(pattern, texts[0]) and not any(_reads(pattern, text) for text in texts[:200]):
        return
    yield from (text for text in texts if _reads(pattern, text))


def _reads(pattern: str, text: str) -> bool:
    try:
        year = dt.datetime.strptime(text, pattern).year  # noqa: DTZ007  local time is meant
    except ValueError:
        return False
    return 1900 <= year <= 2199


def _swapped_day_and_month(pattern: str) -> str | None:
    """The pattern in which day and month have changed places."""
    for family in _DAY_PATTERNS:
        for one, other in (family, family[::-1]) if len(family) == 2 else ():
            if pattern.startswith(one):
                return other + pattern.removeprefix(one)
    return None


def _contradict(one: str, other: str) -> bool:
    """Whether a text may be read by both, as different dates."""
    return _swapped_day_and_month(one) == other


def _as_booleans(draft: DraftColumn, sample: ColumnSample) -> pyarrow.Array | None:
    if sample.kinds() == {CellKind.BOOL}:
        draft.kind = "boolean"
        return sample.values("boolean")
    words = {text.casefold() for text in sample.texts()} - set(NA_VALUES)
    if not words or not words <= _YES | _NO or (len(words) < 2 and len(sample.cells) < 10):
        return None
    draft.kind = "boolean"
    return sample.values("boolean")


def _as_code(draft: DraftColumn, sample: ColumnSample) -> pyarrow.Array | None:
    texts = sample.texts()
    padded = {number_formats.leading_zeros(code) for code in sample.formats()} - {0}
    leading = [text for text in texts if re.fullmatch(r"0\d+", text)]
    whole = all(re.fullmatch(r"-?\d+", text) for text in texts)
    named = is_id_name(draft.header) and (whole or not all(_MARKED_NUMBER.fullmatch(text) for text in texts))
    unique = len(texts) == len(sample.cells) >= 5 and all(map(_looks_like_code, texts))
    unique = unique and not all(_MARKED_NUMBER.fullmatch(text) for text in texts)
    if sample.kinds() - {CellKind.NUMBER, CellKind.TEXT} or not (padded or leading or named or unique):
        return None
    values = sample.values("code")
    if values is not None:
        draft.kind = "code"
        lengths = {len(text) for text in texts}
        if leading and len(lengths) == 1 and all(text.isdigit() for text in texts):
            draft.options = {"width": lengths.pop()}
        elif len(padded) == 1:
            draft.options = {"width": padded.pop()}
    return values


def is_id_name(header: str) -> bool:
    words = [word for word in re.split(r"[^\w#№]+|_", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header).lower()) if word]
    return bool(words) and (words[-1] in _ID_ENDINGS or words[-1].startswith(("#", "№")))


def _looks_like_code(text: str) -> bool:
    return " " not in text and len(text) <= 40 and any(mark.isdigit() for mark in text) and "@" not in text


def _as_number(draft: DraftColumn, sample: ColumnSample) -> pyarrow.Array | None:
    if sample.kinds() - {CellKind.NUMBER, CellKind.TEXT}:
        return None
    texts = sample.texts()
    if all("%" in code for code in sample.formats() or {""}) or (texts and all(text.endswith("%") for text in texts)):
        found = _first_read(draft, sample, "percent", {})
        if found is not None:
            return found
    unit = _unit(draft.header, texts, sample.formats())
    is_money = unit in _CURRENCY_SIGNS.values() or bool(_words(draft.header) & _MONEY_WORDS)
    options = {"unit": unit} if unit else {}
    kinds: tuple[Kind, ...] = ("money",) if is_money else ("integer", "number")
    for kind in kinds:
        found = _first_read(draft, sample, kind, options)
        if found is not None:
            if any(re.fullmatch(r"[+-]?\d{1,3},\d{3}", text) for text in texts) and "decimal" not in draft.options:
                draft.remarks.append("a comma is read as a thousands mark: confirm")
            return found
    return None


def _first_read(draft: DraftColumn, sample: ColumnSample, kind: Kind, options: dict[str, Any]) -> pyarrow.Array | None:
    for decimal in (".", ","):
        given = options | ({"decimal": ","} if decimal == "," else {})
        values = sample.values(kind, given)
        if values is not None and values.null_count < len(values):
            draft.kind, draft.options = kind, given
            return values
    return None


def _unit(header: str, texts: Sequence[str], codes: set[str]) -> str | None:
    """The unit in the header's brackets, or the one currency in the number formats or texts."""
    signs = {
        sign for sign in _CURRENCY_SIGNS if any(sign in text for text in (*texts[:2000], *map(_shown_part, codes)))
    }
    if len(signs) == 1:
        return _CURRENCY_SIGNS[signs.pop()]
    bracketed = re.search(r"[(\[]\s*([^()\[\]]{1,12}?)\s*[)\]]\s*$", header)
    if bracketed is None:
        return None
    written = _CURRENCY_SIGNS.get(bracketed[1], bracketed[1])
    return written if is_unit(written) or re.fullmatch(r"[A-Z]{3}", written) else None


def _shown_part(code: str) -> str:
    """A number format without the marks that are no currency: `[$-409]` names a language."""
    return re.sub(r"\[\$-[^\]]*\]|\[\$\]", "", code).replace("[$", "[").split(";")[0] + "".join(
        re.findall(r"\[\$([^\]-]+)", code)
    )


def _words(header: str) -> set[str]:
    return set(re.split(r"[\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header).lower()))


def _remark_values(draft: DraftColumn, values: pyarrow.Array) -> None:
    """Few values that come again and again are shown to the person, who may make them the only ones."""
    counts = pc.value_counts(values.drop_null())
    texts = sorted(str(entry["values"]) for entry in counts.to_pylist()) if 0 < len(counts) <= MAX_VALUES else []
    often = len(values) - values.null_count >= _LEAST_REPEATS * max(len(texts), 1)
    if texts and often and len(texts) > 1 and max(map(len, texts)) <= 40:
        draft.remarks.append(f"to allow no others than these: isin={_as_list(texts)}")


def _as_list(texts: Sequence[str]) -> str:
    return "[" + ", ".join('"' + text.replace('"', "'") + '"' for text in texts) + "]"


def _remark_range(draft: DraftColumn, values: pyarrow.Array) -> None:
    if draft.kind not in ("number", "money", "percent", "integer", "date") or values.null_count == len(values):
        return
    found = pc.min_max(values).as_py()
    least, greatest = found["min"], found["max"]
    if draft.kind == "date":
        draft.remarks.append(f"seen: {least} to {greatest}")
        return
    rule = "ge=0" if least == 0 else "gt=0" if least > 0 else ""
    draft.remarks.append(f"seen: {least:,} to {greatest:,}" + (f"; to confirm: {rule}" if rule else ""))


def _description(sample: ColumnSample) -> str:
    texts = [text for text in sample.texts()[:50] if len(text) <= 30]
    if sample.kinds() & {CellKind.DATE, CellKind.ISO} or not texts:
        return "To be described"
    return f"To be described; for example {' '.join(texts[0].split())}"
