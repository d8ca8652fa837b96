"""Which rows of a table sum up others: by what the file says of them first, then by words that the numbers bear out.

Setting them aside, and saying so, is done in `table_rows`.
"""

import re
import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.compute as pc

from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.cell_parser import parse_cells
from s2p_assets.spreadsheet.grid import CellKind, Cells, Ints, Sheet
from s2p_assets.spreadsheet.header import Header, is_required

_Floats = npt.NDArray[np.float64]
_Bools = npt.NDArray[np.bool_]
_Codes = npt.NDArray[np.int64]
_NUMERIC = ("number", "money", "percent", "integer")
_ENOUGH_ROWS = 3
_FEWEST_GROUPS = 2
_ENOUGH_DIGITS = 3
_SAMPLED = 1_000
_MANY_CODES = 100_000

AVERAGE_WORDS = (
    *("average", "avg", "mean", "durchschnitt", "mittelwert", "mittel", "moyenne", "media", "promedio", "gemiddelde"),
    *("średnia", "medelvärde", "gennemsnitt", "gjennomsnitt", "keskiarvo", "průměr", "átlag", "ortalama", "среднее"),
    *("平均", "平均値", "平均值", "평균", "median", "médiane", "mediana", "中央値", "中位数"),
)
EXTREME_WORDS = (
    *("minimum", "maximum", "min", "max", "count", "anzahl", "nombre", "recuento", "conteggio", "aantal", "mínimo"),
    *("máximo", "massimo", "minimo", "antal", "liczba", "количество"),
)
SUBTOTAL_WORDS = (
    *("ergebnis", "zwischenergebnis", "gesamtmittelwert", "gesamtanzahl", "grand average", "grand count", "result"),
    *("moyenne générale", "suma końcowa", "totalsumma", "hovedtotal", "общий итог", "итог", "összeg", "végösszeg"),
    *("集計", "汇总", "匯總", "요약", "총합계"),
    *("übertrag", "uebertrag", "carried forward", "brought forward", "carry forward", "balance brought forward"),
    *("à reporter", "riporto", "suma y sigue", "suma anterior", "transport", "do przeniesienia", "z przeniesienia"),
)
"""Words of Excel's own *Data › Subtotal*, in whose rows they stand beside the group's name (`A100 Ergebnis`), and of
sums that one page hands to the next."""
_CODE = re.compile(r"\w+[-_/.]\w*\d\w*")
"""`MAX-2`, `SUM-100`: the code of something, whatever its letters spell."""
_NAMES_TOO = ("media", "mean", "mittel", "average", "transport")
_PLAIN_WORDS = frozenset(
    ("total", "totals", "sum", "ensemble", "suma", "summa", "soma", "somme", "jumlah", "result", *_NAMES_TOO)
)
"""Words for a total that may as well be a name; every other one alone in its row is a total whatever its numbers."""


def is_summary_word(text: str, workbook: Workbook) -> bool:
    """Whether a text is nothing but a word for a total, an average or a subtotal."""
    plain = text.strip(" :.").casefold()
    return plain in {*map(str.casefold, workbook.totals), *AVERAGE_WORDS, *SUBTOTAL_WORDS}


@dataclass(frozen=True)
class SummingRow:
    """A row that is no row. `why`: in words; `doubtful`: it bears a word for a total and its numbers say otherwise."""

    row: int
    why: str
    doubtful: bool = False


def summing_rows(
    sheet: Sheet,
    header: Header,
    workbook: Workbook,
    cells: Mapping[str, Cells],
    numbers: Ints,
    below: Mapping[int, Cells],
) -> list[SummingRow]:
    """The rows among `numbers` (the row numbers of the table) that sum up others, in order.

    `cells`: contract column → its cells in these rows; `below`: sheet column → all its cells under the header.
    """
    if not len(numbers):
        return []
    table = _Table(sheet, header, workbook, cells, numbers)
    found = {summing.row: summing for summing in (*_by_table_part(table), *_by_formula(table))}
    labels = dict(_labels(table, below))
    _by_words_and_numbers(table, labels, found)
    return [found[row] for row in sorted(found)]


class _Table:
    """A table's rows with what is asked of them, each answer made when first asked."""

    def __init__(
        self, sheet: Sheet, header: Header, workbook: Workbook, cells: Mapping[str, Cells], numbers: Ints
    ) -> None:
        self.sheet, self.header, self.workbook, self.cells, self.numbers = sheet, header, workbook, cells, numbers
        self.columns = {column.name: column for column in workbook.columns if column.name in cells}

    @cached_property
    def values(self) -> dict[str, _Floats]:
        """Per numeric column its values over all rows, NaN where there is none."""
        return {name: self._values(column) for name, column in self.columns.items() if column.kind in _NUMERIC}

    def _values(self, column: Column) -> _Floats:
        held = self.cells[column.name]
        parsed = parse_cells(held, column, self.sheet).values.cast(pyarrow.float64())
        found = np.full(len(self.numbers), np.nan)
        found[np.searchsorted(self.numbers, held.rows)] = pc.fill_null(parsed, np.nan).to_numpy(zero_copy_only=False)
        return found

    @cached_property
    def levels(self) -> Ints:
        """The outline level of each row."""
        levels = self.sheet.marks.levels
        return np.array([levels.get(row, 0) for row in self.numbers.tolist()], np.int32)

    @cached_property
    def gaps(self) -> npt.NDArray[np.bool_]:
        """Whether rows stand apart from the one before."""
        return np.diff(self.numbers, prepend=self.numbers[:1] - 1) > 1

    def place(self, row: int) -> int:
        return int(np.searchsorted(self.numbers, row))

    def has(self, row: int) -> bool:
        """Whether the row is one of the table's."""
        place = self.place(row)
        return place < len(self.numbers) and int(self.numbers[place]) == row

    def text(self, name: str, row: int) -> str:
        """What stands in a column in a row, empty for nothing."""
        place = self.cells[name].at(row)
        return "" if place is None else str(self.cells[name].texts[place].as_py()).strip()

    def lacks_required(self, row: int) -> bool:
        needed = (column for column in self.columns.values() if is_required(column) and not column.nullable)
        return any(self.cells[column.name].at(row) is None for column in needed)

    def is_named(self, row: int, label: str) -> bool:
        """Whether the row has a text, code or date of its own besides its label: then it is about something."""
        for name, column in self.columns.items():
            if column.kind in _NUMERIC or column.kind == "boolean":
                continue
            text = self.text(name, row)
            if text and text.casefold() != label.casefold() and text not in column.na_values:
                return True
        return False


def _by_table_part(table: _Table) -> Iterator[SummingRow]:
    numbers = table.header.column_numbers.values()
    for row, first, last, name in table.sheet.marks.table_totals:
        if table.has(row) and any(first <= number <= last for number in numbers):
            yield SummingRow(row, f"the total row of the Excel table '{name}'")


def _by_formula(table: _Table) -> Iterator[SummingRow]:
    """Rows with a formula that sums up its own column; no column of such formulas, as a running count is."""
    numbers = {number: name for name, number in table.header.column_numbers.items() if name in table.cells}
    by_column: dict[int, dict[int, str]] = {}
    for row, functions in table.sheet.marks.summed_up.items():
        for column, function in functions.items():
            if column in numbers and table.cells[numbers[column]].at(row) is not None:
                by_column.setdefault(column, {})[row] = function
    for rows in by_column.values():
        if 2 * len(rows) > len(table.numbers):
            continue
        for row, function in rows.items():
            always = function in ("SUBTOTAL", "AGGREGATE", "SUM")
            if always or not table.is_named(row, _first_label(table, row)):
                yield SummingRow(row, f"a row that sums up others (its formula is {function})")


def _first_label(table: _Table, row: int) -> str:
    return next((text for text in table.sheet.row(row).values() if any(map(str.isalpha, text))), "")


@dataclass(frozen=True)
class _Label:
    """The text that names a row: a word for a total, alone or with a group's name (`group`)."""

    text: str
    word: str
    group: str
    column: int


def _labels(table: _Table, below: Mapping[int, Cells]) -> Iterator[tuple[int, _Label]]:
    """Row → label, of the rows whose first text is or holds a word for a total; what stands behind it names no row."""
    words = tuple(table.workbook.totals)
    if not words:
        return
    every = (*words, *AVERAGE_WORDS, *EXTREME_WORDS, *SUBTOTAL_WORDS)
    quick = _quick_question(every)
    left, right = min(table.header.titles), max(table.header.titles)
    columns = [number for number in sorted(below) if left <= number <= right]
    nameless = np.ones(
        1 + max((int(below[number].rows[-1]) for number in columns if len(below[number])), default=0), bool
    )
    for number in columns:
        there = (below[number].kinds == CellKind.TEXT) & nameless[below[number].rows]
        if not there.any():
            continue
        texts = below[number].where(there)
        nameless[texts.rows[_begin_or_end_in_letters(texts.texts)]] = False
        cells = texts.where(_may_hold_word(texts.texts, every))
        if not len(cells):
            continue
        like = pc.match_substring_regex(cells.texts, quick).to_numpy(zero_copy_only=False)
        for place in np.flatnonzero(like):
            row, text = int(cells.rows[place]), str(cells.texts[int(place)].as_py()).strip()
            found = _expression(every).fullmatch(text)
            if not found or _CODE.fullmatch(text) or not table.has(row):
                continue
            if _first_text(table.sheet, columns, row) == number:
                before, word, after = (part or "" for part in found.group("before", "word", "after"))
                yield row, _Label(text, word.casefold(), (before or after).strip(" :–—-.()"), number)


@lru_cache(maxsize=64)
def _quick_question(words: tuple[str, ...]) -> str:
    """Whether a text begins or ends with a word."""
    plain = "|".join(re.escape(word) for word in words)
    return rf"(?i)^\W*(?:{plain})(?:\W|$)|(?:^|\W)(?:{plain})\W*$"


@lru_cache(maxsize=64)
def _expression(words: tuple[str, ...]) -> re.Pattern[str]:
    """A label as a whole with its word; a tenth of a second to be made."""
    one = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    whole = rf"\W*(?:(?P<before>.*?)(?<!\w))??(?P<word>{one})(?!\w)(?P<after>.*?)\W*"
    return re.compile(rf"(?=\W*(?:{one})(?!\w)|.*(?<!\w)(?:{one})\W*\Z){whole}", re.IGNORECASE | re.DOTALL)


def _begin_or_end_in_letters(texts: pyarrow.Array) -> npt.NDArray[np.bool_]:
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset :][: len(texts) + 1]
    written = np.frombuffer(texts.buffers()[2], np.uint8)
    return _IS_LETTER[written[offsets[:-1]]] | _IS_LETTER[written[offsets[1:] - 1]]


def _may_hold_word(texts: pyarrow.Array, words: Sequence[str]) -> npt.NDArray[np.bool_]:
    """By their first three letters and their last, the texts that may begin or end with one of `words`."""
    kept = np.zeros(len(texts), dtype=bool)
    if not len(texts):
        return kept
    first, last, begins, ends = _letters_of(tuple(words))
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset :][: len(texts) + 1]
    written = np.frombuffer(texts.buffers()[2], np.uint8)
    head, tail = written[offsets[:-1]], written[offsets[1:] - 1]
    places = np.flatnonzero(first[head] | last[tail])
    starts, stops = offsets[:-1][places], offsets[1:][places]
    plain = _IS_PLAIN[head[places]] & _IS_PLAIN[tail[places]]
    start, stop = np.zeros(len(places), np.int64), np.zeros(len(places), np.int64)
    for step in range(3):
        at, back = np.minimum(starts + step, stops - 1), np.maximum(stops - 1 - step, starts)
        start = (start << 8) | (written[at] | 0x20)
        stop = (stop << 8) | (written[back] | 0x20)
    kept[places] = ~plain | _are_among(start, begins) | _are_among(stop, ends) | (stops - starts < 3)
    return kept


def _are_among(codes: _Codes, known: _Codes) -> _Bools:
    """Which codes are known; of many a table tells sooner than sorting."""
    return np.isin(codes, known, kind="table" if len(codes) > _MANY_CODES else None)


_IS_PLAIN = np.zeros(256, dtype=bool)
_IS_PLAIN[[ord(mark) for mark in string.ascii_letters + string.digits]] = True
_IS_LETTER = np.zeros(256, dtype=bool)
_IS_LETTER[[ord(mark) for mark in string.ascii_letters]] = True


@lru_cache(maxsize=64)
def _letters_of(words: tuple[str, ...]) -> tuple[_Bools, _Bools, _Codes, _Codes]:
    """First and last bytes that texts with a word may have, and their first and last three bytes as one number."""
    first, last = ~_IS_PLAIN, ~_IS_PLAIN
    begins, ends = set(), set()
    for form in (form.encode() for word in words for form in (word.lower(), word.upper())):
        first[form[0]] = last[form[-1]] = True
        begins.add(int.from_bytes(bytes(byte | 0x20 for byte in form[:3]), "big"))
        ends.add(int.from_bytes(bytes(byte | 0x20 for byte in form[:-4:-1]), "big"))
    return first, last, np.array(sorted(begins), np.int64), np.array(sorted(ends), np.int64)


def _first_text(sheet: Sheet, columns: Sequence[int], row: int) -> int | None:
    for number in columns:
        place = sheet.columns[number].at(row)
        is_text = place is not None and sheet.columns[number].kinds[place] == CellKind.TEXT
        if is_text and any(mark.isalpha() for mark in str(sheet.columns[number].texts[place].as_py())):
            return number
    return None


def _by_words_and_numbers(table: _Table, labels: Mapping[int, _Label], found: dict[int, SummingRow]) -> None:
    """Adds to `found` the rows that a word, a group's name or an outline makes likely, and what speaks for them."""
    outlined = set(_after_details(table))
    candidates = sorted({*labels, *outlined, *found})
    if not (labels or outlined):
        return
    sums = _RunningSums(table)
    for row in candidates:
        place = table.place(row)
        sums.up_to(place)
        if row not in found:
            summing = _judged(table, row, labels, _Block(table, place, sums, row in outlined))
            if summing is not None:
                found[row] = summing
        if row in found and not found[row].doubtful:
            sums.pass_over(place)


class _RunningSums:
    """Sums of the numeric columns over the rows that are rows, from each total met so far to the present row.

    `start`: the place behind the last total; `block`: the rows, from and to, that the last run of totals follows.
    """

    def __init__(self, table: _Table) -> None:
        self.names = list(table.values)
        rows = [table.values[name] for name in self.names]
        self.values = np.column_stack(rows) if rows else np.zeros((len(table.numbers), 0))
        self.start = 0
        self.block: tuple[int, int] | None = None
        self._done, self._total = 0, np.zeros(len(self.names) + 1)
        self._at_starts = [self._total]

    def up_to(self, place: int) -> None:
        """Adds the rows before `place` that were not added or passed over."""
        if place > self._done:
            more = np.nansum(self.values[self._done : place], axis=0)
            self._total = self._total + np.append(more, place - self._done)
            self._done = place

    def pass_over(self, place: int) -> None:
        """Notes that the row at `place` is no row; what comes may begin behind it."""
        if place != self.start or self.block is None:
            self.block = self.start, place
        self._done = self.start = place + 1
        self._at_starts.append(self._total)

    def fit(self, numbers: _Floats, least: int) -> bool:
        """Whether one of `numbers` is a sum of at least `least` rows, from behind some total up to here."""
        sums = self._total - np.array(self._at_starts)
        with np.errstate(invalid="ignore"):
            near = np.abs(sums[:, :-1] - numbers) <= np.array([_half_a_unit(number) for number in numbers])
        return bool((near & (numbers != 0) & (sums[:, -1:] >= least)).any())


def _judged(table: _Table, row: int, labels: Mapping[int, _Label], block: "_Block") -> SummingRow | None:
    label = labels.get(row)
    if label is None:
        return SummingRow(row, "a row that sums up its group of the outline") if block.adds_up(alone=False) else None
    kind = "totals"
    if label.word in AVERAGE_WORDS or label.word in EXTREME_WORDS:
        kind = f"'{label.text}'"
    total = SummingRow(row, f"a row of {kind}")
    lacking, named = table.lacks_required(row), table.is_named(row, label.text)
    if label.group:
        return total if _is_group_total(table, row, label, block, lacking=lacking, named=named) else None
    if named:  # of an article that is called so; one that lacks a cell is told so, unless it does sum up others
        return total if lacking and label.word not in EXTREME_WORDS and block.bears_out(label) else None
    if lacking or not block.has_numbers or block.adds_up():
        return total if label.word not in EXTREME_WORDS or lacking or block.ends_table(labels) else None
    if label.word in EXTREME_WORDS:
        return None
    if label.word not in _PLAIN_WORDS or block.stands_apart or block.is_unreadable:
        return total
    return SummingRow(row, total.why, doubtful=True)


def _is_group_total(table: _Table, row: int, label: _Label, block: "_Block", *, lacking: bool, named: bool) -> bool:
    """Whether `A100 Total` or `Total North` sums up the rows of A100 or North; a product can be called so."""
    above = block.label_above(label.column).casefold()
    group = label.group.casefold()
    if lacking and not named and block.has_numbers:
        return True
    if named and not lacking:
        return False
    if above == group or block.outlined:
        return True
    if label.word in AVERAGE_WORDS or label.word in EXTREME_WORDS:
        return block.adds_up(alone=above.startswith(group), by=_OTHER_SUMMARIES)
    related = above.startswith(group) or label.word not in _PLAIN_WORDS
    return block.adds_up(alone=related, by=_SUMS if label.word in _PLAIN_WORDS else _ANY_SUMMARY)


_SUMS, _OTHER_SUMMARIES = frozenset({"sum"}), frozenset({"other"})
_ANY_SUMMARY = _SUMS | _OTHER_SUMMARIES


class _Block:
    """A row that may sum up others, and the rows that it may sum up."""

    def __init__(self, table: _Table, place: int, sums: _RunningSums, outlined: bool) -> None:
        self._table, self._place, self._sums, self.outlined = table, place, sums, outlined
        self._numbers: _Floats = sums.values[place]

    @property
    def has_numbers(self) -> bool:
        return not bool(np.isnan(self._numbers).all())

    @property
    def is_last(self) -> bool:
        return self._place == len(self._table.numbers) - 1

    def ends_table(self, labels: Mapping[int, _Label]) -> bool:
        """Whether no row follows that does not bear such a word as well."""
        return all(int(row) in labels for row in self._table.numbers[self._place + 1 :])

    @property
    def stands_apart(self) -> bool:
        """Whether it is the last row, with blank ones before it."""
        return self.is_last and bool(self._table.gaps[self._place])

    @property
    def is_unreadable(self) -> bool:
        """Whether a number above it is missing, so that nothing need add up."""
        return bool(np.isnan(self._sums.values[: self._place, ~np.isnan(self._numbers)]).any())

    def label_above(self, column: int) -> str:
        """What stands in a column in the row before."""
        if not self._place:
            return ""
        cells = self._table.sheet.columns[column]
        place = cells.at(int(self._table.numbers[self._place - 1]))
        return "" if place is None else str(cells.texts[place].as_py()).strip()

    def bears_out(self, label: _Label) -> bool:
        """Whether nothing but a total can be meant, or its numbers say so as far as they can be read."""
        return label.word not in _PLAIN_WORDS or self.is_unreadable or self.adds_up()

    def adds_up(self, alone: bool = True, by: frozenset[str] = _ANY_SUMMARY) -> bool:
        """Whether a number of it is the sum, mean, least, largest or count of the rows; `alone`: of one row, too."""
        least = 1 if alone else 2
        if "sum" in by and self._sums.fit(self._numbers, least):
            return True
        return any(_sum_up(self._numbers, rows, by) for rows in self._blocks() if len(rows) >= least)

    def _blocks(self) -> Iterator[_Floats]:
        """The rows since the last total, since a gap behind it, and below where totals stand above."""
        values, start = self._sums.values, self._sums.start
        yield values[start : self._place]
        if self._place == start and self._sums.block:
            yield values[slice(*self._sums.block)]
        gaps = np.flatnonzero(self._table.gaps[start : self._place])
        if len(gaps):
            yield values[start + int(gaps[-1]) : self._place]
        if self.is_last and start:
            yield values[: self._place]
        if self._place == 0:
            yield values[1:]
        elif self._table.sheet.marks.summaries_above and self.outlined:
            levels = self._table.levels[self._place + 1 :]
            shallow = np.flatnonzero(levels <= self._table.levels[self._place])
            yield values[self._place + 1 :][: int(shallow[0]) if len(shallow) else None]


def _sum_up(numbers: _Floats, rows: _Floats, by: frozenset[str]) -> bool:
    """Whether one of `numbers` is what `rows` come to in its column."""
    return any(
        _sums_up(float(number), rows[:, at], by) for at, number in enumerate(numbers) if number and not np.isnan(number)
    )


def _sums_up(value: float, numbers: _Floats, by: frozenset[str]) -> bool:
    numbers = numbers[~np.isnan(numbers)]
    if not len(numbers):
        return False
    near = _half_a_unit(value)
    candidates: Iterable[float] = (float(numbers.sum()),) if "sum" in by or len(numbers) == 1 else ()
    if len(numbers) > 1 and "other" in by:
        candidates = (*candidates, float(numbers.mean()), float(numbers.min()), float(numbers.max()), len(numbers))
    return any(abs(value - candidate) <= near for candidate in candidates)


def _half_a_unit(value: float) -> float:
    """Half a unit of the last decimal that a number shows, at least the rounding of a double."""
    if np.isnan(value):
        return 0.0
    decimals = len(f"{value:.6f}".rstrip("0").partition(".")[2])
    return max(0.5000001 * 10.0**-decimals if decimals else 1e-6, abs(value) * 1e-9)


def _after_details(table: _Table) -> Iterator[int]:
    """Rows of an outline that come right after rows of a deeper level (before them, where summaries stand above)."""
    marks = table.sheet.marks
    if not marks.levels:
        return
    levels = table.levels
    deeper = levels[:-1] > levels[1:] if not marks.summaries_above else levels[1:] > levels[:-1]
    places = np.flatnonzero(deeper) + (0 if marks.summaries_above else 1)
    yield from (int(table.numbers[place]) for place in places)


def last_row_sums_up(columns: Mapping[str, _Floats]) -> bool:
    """Whether the last row of `columns` (numbers, NaN for none) holds the sum of all rows before in each of them.

    Of two rows alone it may do so by chance, unless several columns do or the sum has several digits.
    """
    fewest, sums = _ENOUGH_ROWS, []
    if _sum_beside_averages(columns):
        return True
    for values in columns.values():
        if len(values) <= _FEWEST_GROUPS or np.isnan(values[-1]) or not values[-1]:
            continue
        before = values[:-1][~np.isnan(values[:-1])]
        if np.count_nonzero(before) < 2 or abs(before.sum() - values[-1]) > _half_a_unit(float(values[-1])):
            return False
        fewest = min(fewest, int(np.count_nonzero(before)))
        sums.append(float(values[-1]))
    return bool(sums) and (fewest >= _ENOUGH_ROWS or len(sums) > 1 or _digits_of(sums[0]) >= _ENOUGH_DIGITS)


def _sum_beside_averages(columns: Mapping[str, _Floats]) -> bool:
    """Whether the last row has a sum, more than any value above, and in other columns what lies among those above."""
    sums = 0
    if all(
        len(values) < 2 or not values[-1] > np.nanmax(values[:-1][:_SAMPLED], initial=0) for values in columns.values()
    ):
        return False
    for values in columns.values():
        before = values[:-1][~np.isnan(values[:-1])]
        if len(before) <= _ENOUGH_ROWS or np.isnan(values[-1]):
            return False
        is_sum = abs(before.sum() - values[-1]) <= _half_a_unit(float(values[-1]))
        if is_sum and values[-1] > before.max() and (before >= 0).all() and np.count_nonzero(before) > _ENOUGH_ROWS:
            sums += 1
        elif not before.min() < values[-1] < before.max():
            return False
    return 0 < sums < len(columns)


def _digits_of(value: float) -> int:
    """How many digits a number needs: 3 for 19.8, 2 for 2,200."""
    return len(f"{abs(value):.6f}".replace(".", "").strip("0"))


def first_row_sums_up(columns: Mapping[str, _Floats]) -> bool:
    """Whether the first row holds the sum of all rows below."""
    return last_row_sums_up({name: values[::-1] for name, values in columns.items()})


def sums_of_groups(columns: Mapping[str, _Floats]) -> int | None:
    """The place of the first row that sums up its group, where the table is nothing but groups and their sums.

    The sums stand above or below their rows, in two groups or more, perhaps with the sum of all at an end.
    """
    if not columns or any(np.isnan(values).any() or (values < 0).any() for values in columns.values()):
        return None
    count = len(next(iter(columns.values())))
    for first, last in ((0, count), (1, count), (0, count - 1)):
        part = {name: values[first:last] for name, values in columns.items()}
        if (places := _groups_of({name: values[::-1] for name, values in part.items()})) is not None:
            return last - 1 - places[-1]
        if (places := _groups_of(part)) is not None:
            return first + places[0]
    return None


def _groups_of(columns: Mapping[str, _Floats]) -> list[int] | None:
    """The places of the sums, each above two rows or more, where these are all that there is."""
    summed = [values for values in columns.values() if values.any()]
    leading = next(iter(summed), np.zeros(0))
    places, at = [], 0
    while at < len(leading):
        wanted, near, end, total = float(leading[at]), _half_a_unit(float(leading[at])), at + 1, 0.0
        while end < len(leading) and (total < wanted - near or end < at + 3):
            total += float(leading[end])
            end += 1
        if end < at + 3 or not wanted or any(not _is_sum(values[at:end]) for values in summed):
            return None
        places.append(at)
        at = end
    return places if len(places) >= _FEWEST_GROUPS else None


def _is_sum(values: _Floats) -> bool:
    return abs(float(values[1:].sum() - values[0])) <= _half_a_unit(float(values[0]))
