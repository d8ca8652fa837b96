"""Codes that are odd among the others of their column: all of them dates, `TRUE`, a fraction, `K-1O` beside `K-10`.

Codes that a program certainly damaged are in `damaged_codes.py`; spellings that look alike, in `code_spelling.py`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.compute as pc

from s2p_assets.contracts.columns import Column
from s2p_assets.spreadsheet.cell_parser import quoted
from s2p_assets.spreadsheet.damaged_codes import MOST, is_day_and_month, is_whole_date
from s2p_assets.spreadsheet.grid import CellKind, Cells
from s2p_assets.spreadsheet.text_bytes import bytes_of, hold_any, trimmed

_FEWEST = 5
_NEARLY_ALL = 0.9
_SAMPLE = 20
_MOST_SUSPECTS = 5_000
_SAMPLED = 1_000
_LETTER_BETWEEN_DIGITS = r"^[0-9]{1,6}[A-Za-z][0-9]{1,6}$"
_LETTER = r"[A-Za-z]"
_ENDS_IN_ZERO = r"^[1-9][0-9]*0$"
_BESIDE_A_DIGIT = re.compile(r"(?<=[0-9])[OoIl]+|[OoIl]+(?=[0-9])")
_AS_DIGITS = str.maketrans("OoIl", "0011")
_LIKE_A_DIGIT = np.zeros(256, dtype=bool)
_LIKE_A_DIGIT[[ord(mark) for mark in "OoIl"]] = True
_IS_DIGIT = np.zeros(256, dtype=bool)
_IS_DIGIT[ord("0") : ord("9") + 1] = True


@dataclass(frozen=True, slots=True)
class OddCode:
    """A code that may be none, or another: the position of its first cell, what it says, the rule, what to say."""

    place: int
    text: str
    rule: str
    message: str


def odd_codes(cells: Cells, values: pyarrow.Array, column: Column) -> Iterator[OddCode]:
    """Notices about a column of codes, `values` being what its cells were read as; one of each kind, at its first."""
    if column.kind != "code" or not len(cells):
        return
    yield from _all_dates(cells)
    yield from _truths(cells, column)
    yield from _fractions(cells)
    yield from _perhaps_powers(cells)
    yield from _letters_for_digits(values)
    yield from _as_numbers_are_written(values)
    yield from _lost_zeros(cells, values)


def _all_dates(cells: Cells) -> Iterator[OddCode]:
    """A column of texts that are dates, all or most of them."""
    places = np.flatnonzero(cells.kinds == CellKind.TEXT)
    sample = [str(cells.texts[place].as_py()).strip() for place in places[:_SAMPLE].tolist()]
    if len(sample) < 2 or 2 * sum(map(_is_date, sample)) <= len(sample):
        return
    dates = [place for place in places.tolist() if _is_date(str(cells.texts[place].as_py()).strip())]
    if len(dates) > MOST * len(places):
        text = str(cells.texts[dates[0]].as_py()).strip()
        many = "all codes" if len(dates) == len(places) else f"{len(dates):,} of {len(places):,} codes"
        message = f"{many} of the column are dates, as '{quoted(text)}'; Excel makes dates of codes such as MAR-1"
        yield OddCode(dates[0], text, "date_for_code", f"{message}; enter them again, as text, if they are none")


def _is_date(text: str) -> bool:
    return is_whole_date(text) or is_day_and_month(text)


def _truths(cells: Cells, column: Column) -> Iterator[OddCode]:
    """`TRUE`, which Excel makes of the word; where the contract allows it as a code it is one."""
    places = np.flatnonzero(cells.kinds == CellKind.BOOL)
    if len(places):
        word = "TRUE" if str(cells.texts[int(places[0])].as_py()).strip() in ("1", "true", "TRUE") else "FALSE"
        if word not in (column.allowed_values or ()):
            message = f"the cell holds {word}, true or false, and no code{_more(len(places))}; enter the code as text"
            yield OddCode(int(places[0]), word, "truth_for_code", message)


def _fractions(cells: Cells) -> Iterator[OddCode]:
    """Numbers with a fraction, of which a zero at the end is lost: 1.10 and 1.1 are one number."""
    numbers = cells.kinds == CellKind.NUMBER
    if not numbers.any() or not hold_any(cells.texts, b".eE"):
        return
    fraction = pc.match_substring_regex(cells.texts, "[.eE]").to_numpy(zero_copy_only=False) & numbers
    places = [place for place in np.flatnonzero(fraction).tolist() if not _is_whole(str(cells.texts[place].as_py()))]
    if places:
        text = f"{float(cells.texts[places[0]].as_py()):.15g}"
        message = (
            f"{text} is a number with decimals and was read as a code{_more(len(places))}; a zero at its end would"
        )
        yield OddCode(places[0], text, "fraction_for_code", f"{message} be lost: enter such codes as text")


def _is_whole(text: str) -> bool:
    try:
        return float(text).is_integer()
    except (ValueError, OverflowError):
        return True


def _perhaps_powers(cells: Cells) -> Iterator[OddCode]:
    """Numbers that end in zeros among codes such as `22E1`, which Excel takes for 220, or a few among words alone."""
    if len(cells) < _FEWEST:
        return
    numbers = cells.kinds == CellKind.NUMBER
    few = 0 < numbers.sum() <= (1 - _NEARLY_ALL) * len(cells)
    like = _LETTER if few else _LETTER_BETWEEN_DIGITS
    first = [str(text).strip() for text in cells.texts[:_SAMPLE].to_pylist()]
    if sum(bool(re.search(like, text)) for text in first) <= MOST * len(first):
        return
    texts = trimmed(cells.texts)
    alike = pc.match_substring_regex(texts, like).to_numpy(zero_copy_only=False)
    round_ones = pc.match_substring_regex(texts, _ENDS_IN_ZERO).to_numpy(zero_copy_only=False)
    places = np.flatnonzero(round_ones & numbers if few else round_ones)
    if len(places) and alike.sum() >= (_NEARLY_ALL if few else MOST) * len(cells):
        text = str(texts[int(places[0])].as_py())
        message = f"{text} is a number among codes with letters{_more(len(places))}; a code such as 1E5 becomes one"
        yield OddCode(int(places[0]), text, "number_for_code", f"{message} when it is typed: enter it as text")


def _as_numbers_are_written(values: pyarrow.Array) -> Iterator[OddCode]:
    """`1000.0` and `1,203`, which a program made of a code that it took for a number; `'A100` with Excel's own mark."""
    first = [str(text) for text in values[:_SAMPLE].to_pylist() if text]
    digits = sum(text.strip("0123456789.,") == "" for text in first)
    held = values.buffers()[2] if len(values) else None
    written = memoryview(held).tobytes() if held is not None else b""
    shapes = [(b"'", "^'", "begins with an apostrophe, which in a cell says that a text follows")]
    if digits > MOST * len(first):
        shapes += [
            (b".0", r"^[0-9]+\.0$", "ends in .0, as programs write a number that was a code"),
            (b",", r"^[0-9]{1,3}(,[0-9]{3})+$", "is written with a comma, as programs write a number that was a code"),
        ]
    for mark, shape, what in shapes:
        if mark not in written:
            continue
        alike = pc.fill_null(pc.match_substring_regex(values, shape), False)
        places = np.flatnonzero(alike.to_numpy(zero_copy_only=False))
        if len(places):
            text = str(values[int(places[0])].as_py())
            message = f"'{quoted(text)}' {what}{_more(len(places))}; write the code alone"
            yield OddCode(int(places[0]), text, "number_for_code", message)


def _lost_zeros(cells: Cells, values: pyarrow.Array) -> Iterator[OddCode]:
    """`129` among codes of five digits that begin with zeros, as `00123`."""
    first = [str(text) for text in values[:_SAMPLE].to_pylist() if text]
    lengths = {len(text) for text in first if text.startswith("0") and text.isdigit()}
    if len(lengths) != 1 or len(cells) < _FEWEST:
        return
    length = lengths.pop()
    held = pc.fill_null(values, "")
    digits = pc.match_substring_regex(held, "^[0-9]+$").to_numpy(zero_copy_only=False)
    sizes = pc.binary_length(held).to_numpy(zero_copy_only=False)
    zeros = pc.starts_with(held, "0").to_numpy(zero_copy_only=False)
    whole, short = digits & (sizes == length), digits & (sizes < length) & ~zeros & (sizes > 0)
    if short.any() and whole.sum() >= _NEARLY_ALL * digits.sum() and (zeros & whole).sum() > MOST * whole.sum():
        place = int(np.flatnonzero(short)[0])
        text = str(values[place].as_py())
        message = f"'{text}' is shorter than the other codes, which have {length} digits with zeros in front"
        more = _more(int(short.sum()))
        yield OddCode(place, text, "lost_zeros", f"{message}{more}; its zeros may be lost: enter it as text")


def _letters_for_digits(values: pyarrow.Array) -> Iterator[OddCode]:
    """`K-1O` beside `K-10`, or where nearly all other codes have a digit in that place."""
    places = _with_letter_beside_digit(values)
    if not len(places):
        return
    suspects = pc.unique(values.take(pyarrow.array(places))).to_pylist()
    found = {code: _BESIDE_A_DIGIT.sub(lambda part: part[0].translate(_AS_DIGITS), code) for code in suspects}
    known = pc.is_in(pyarrow.array(list(found.values())), values).to_pylist()
    twins = {code: twin for (code, twin), there in zip(found.items(), known, strict=True) if there}
    for code, twin in twins.items():
        yield _letter_for_digit(values, code, f"looks like '{quoted(twin)}' but has")
    rest = [code for code in found if code not in twins]
    if not rest or len(suspects) > (1 - _NEARLY_ALL) * len(values):
        return
    shapes = _counted_shapes(values)
    for code in rest:
        usual = shapes.get(_shape(found[code]), 0)
        if usual >= max(_FEWEST, _NEARLY_ALL * len(values)) and shapes.get(_shape(code), 0) <= 1:
            yield _letter_for_digit(values, code, "has, where the other codes have a digit,")


def _letter_for_digit(values: pyarrow.Array, code: str, what: str) -> OddCode:
    letter = next(part[0] for part in _BESIDE_A_DIGIT.findall(code))
    places = np.flatnonzero(pc.fill_null(pc.equal(values, code), False).to_numpy(zero_copy_only=False))
    message = f"'{quoted(code)}' {what} the letter '{letter}'{_more(len(places))}; type it again"
    return OddCode(int(places[0]), code, "look_alike", message)


def _with_letter_beside_digit(values: pyarrow.Array) -> npt.NDArray[np.int64]:
    """The positions of texts with a letter that looks like a digit beside a digit, asked of all their bytes at once."""
    if not len(values) or not hold_any(values, b"OoIl"):
        return np.zeros(0, np.int64)
    offsets, held = bytes_of(values)
    written = held[int(offsets[0]) : int(offsets[-1])]
    most = max(_MOST_SUSPECTS, (1 - _NEARLY_ALL) * len(values))
    if (
        len(values) > most
        and _letters_beside_digits(written[: int(offsets[_SAMPLED] - offsets[0])]).size > _SAMPLED / 2
    ):
        return np.zeros(0, np.int64)  # where all codes have such a letter it is theirs
    letters = _letters_beside_digits(written)
    if len(letters) > most:
        return np.zeros(0, np.int64)
    owner = np.searchsorted(offsets, letters + int(offsets[0]), side="right") - 1
    start, stop = offsets[owner] - offsets[0], offsets[owner + 1] - offsets[0]
    before, after = np.maximum(letters - 1, start), np.minimum(letters + 1, stop - 1)
    return np.unique(owner[_IS_DIGIT[written[before]] | _IS_DIGIT[written[after]]])


def _letters_beside_digits(written: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """The places of the letters O, o, I and l beside a digit."""
    letters = np.flatnonzero(_LIKE_A_DIGIT.take(written))
    before, after = np.maximum(letters - 1, 0), np.minimum(letters + 1, len(written) - 1)
    return letters[_IS_DIGIT.take(written[before]) | _IS_DIGIT.take(written[after])]


def _shape(code: str) -> str:
    return re.sub("[a-z]", "a", re.sub("[A-Z]", "A", re.sub("[0-9]", "9", code)))


def _counted_shapes(values: pyarrow.Array) -> dict[str, int]:
    """How many codes have each shape: `K-10` is of `A-99`."""
    shapes = pc.replace_substring_regex(values, "[0-9]", "9")
    shapes = pc.replace_substring_regex(pc.replace_substring_regex(shapes, "[A-Z]", "A"), "[a-z]", "a")
    counted = pc.value_counts(shapes)
    return dict(zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True))


def _more(count: int) -> str:
    return f" ({count:,} such cells)" if count > 1 else ""
