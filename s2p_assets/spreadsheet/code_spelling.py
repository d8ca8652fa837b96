"""Spellings of one code that look alike: what is safely one code is brought together, what only looks so is named.

Codes that a program damaged are in `damaged_codes.py`.
"""

import re
import unicodedata
from collections import defaultdict
from functools import lru_cache

import pyarrow
import pyarrow.compute as pc

from s2p_assets.spreadsheet.text_bytes import are_ascii

_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
)
_BLANKS = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_DASHES = "\u2010-\u2015\u2043\u2212\ufe58\ufe63\uff0d"
_WIDE = re.compile("[\uff01-\uff5e]")


def plain_spelling(texts: pyarrow.Array) -> pyarrow.Array:
    """The texts without invisible marks, with plain blanks, hyphens and letters of usual width, composed."""
    if are_ascii(texts):
        return texts
    texts = pc.replace_substring_regex(texts, f"[{_INVISIBLE}]", "")
    texts = pc.replace_substring_regex(texts, f"[{_BLANKS}]", " ")
    texts = pc.replace_substring_regex(texts, f"[{_DASHES}]", "-")
    odd = pc.match_substring_regex(texts, "[\uff01-\uff5e]|\\p{M}")
    if not pc.any(odd).as_py():
        return texts
    plain = [_narrow(text) for text in texts.filter(odd).to_pylist()]  # Arrow's own NFC takes letters apart
    return pc.replace_with_mask(texts, odd, pyarrow.array(plain, pyarrow.string()))


def _narrow(text: str) -> str:
    composed = unicodedata.normalize("NFC", text)
    return _WIDE.sub(lambda found: chr(ord(found[0]) - 0xFEE0), composed)


def twins(codes: pyarrow.Array) -> dict[str, str]:
    """Codes that look like another one among `codes` but are not the same, with that one; the commoner is right.

    Codes differ in letter case, leading zeros, blanks, or in letters of another script that look the same.
    """
    if not _may_differ_in_spelling(codes):
        return {}
    counts = pc.value_counts(codes)
    values, numbers = counts.field("values"), counts.field("counts")
    lower = _without_zeros_and_blanks(pc.utf8_lower(values))
    ascii_only = are_ascii(values)
    if ascii_only and len(pc.unique(lower)) == len(values):
        return {}
    known = pc.value_counts(lower) if ascii_only else None
    if known is not None:
        repeated = known.field("values").filter(pc.greater(known.field("counts"), 1))
        mask = pc.is_in(lower, repeated)
        values, numbers = values.filter(mask), numbers.filter(mask)
    alike: dict[str, list[tuple[int, bool, str]]] = defaultdict(list)
    for value, number in zip(values.to_pylist(), numbers.to_pylist(), strict=True):
        if value:
            alike[skeleton(value)].append((number, value.isascii(), value))
    found = {}
    for group in alike.values():
        if len(group) > 1:
            right = max(group, key=lambda one: (one[1], one[2].isdigit() and len(one[2]), one[0]))[2]
            found.update({value: right for _, _, value in group if value != right})
    return found


def _may_differ_in_spelling(codes: pyarrow.Array) -> bool:
    """Whether any two could, asked of the column as a whole, which is ten times as quick as asking of each code."""
    if not are_ascii(codes) or pc.any(pc.match_substring(codes, "  ")).as_py():
        return True
    lengths = pc.min_max(pc.binary_length(codes)).as_py()
    if lengths["min"] != lengths["max"] and pc.any(pc.starts_with(codes, "0")).as_py():
        return True
    return not any(pc.all(pc.equal(cased, codes)).as_py() for cased in (pc.ascii_upper(codes), pc.ascii_lower(codes)))


def _without_zeros_and_blanks(codes: pyarrow.Array) -> pyarrow.Array:
    if pc.any(pc.starts_with(codes, "0")).as_py():
        digits = pc.utf8_is_digit(codes)
        codes = pc.if_else(digits, pc.utf8_ltrim(codes, "0"), codes)
    if pc.any(pc.match_substring(codes, "  ")).as_py():
        codes = pc.replace_substring_regex(codes, " +", " ")
    return codes


@lru_cache(maxsize=100_000)
def skeleton(code: str) -> str:
    """What a code looks like: without case and marks, letters of other scripts as the Latin ones alike."""
    if code.isascii():
        return " ".join(code.casefold().split()).lstrip("0" if code.isdigit() else "")
    plain = str(plain_spelling(pyarrow.array([code]))[0].as_py())
    return "".join(_latin_letter(mark) for mark in unicodedata.normalize("NFKC", plain)).casefold()


@lru_cache(maxsize=4096)
def _latin_letter(mark: str) -> str:
    if mark.isascii() or not mark.isalpha():
        return mark
    from confusable_homoglyphs import confusables

    found = confusables.is_confusable(mark, greedy=True, preferred_aliases=[]) or []
    looks = [one["c"] for part in found for one in part["homoglyphs"] if len(one["c"]) == 1 and one["c"].isascii()]
    if mark.isupper() and looks == ["l"]:
        return "I"
    return next((one for one in looks if one.isupper() == mark.isupper()), looks[0] if looks else mark)


def foreign_letters(code: str, among_latin: bool = False) -> str:
    """The letters of another script in a code that else has Latin ones, as `А` in `АB1`; empty for most codes.

    Only where the whole code looks Latin: a word in Cyrillic with a Latin letter behind it is what it looks like.
    `among_latin`: the other codes have Latin letters, so that one of foreign letters alone is odd, too.
    """
    letters = [mark for mark in code if mark.isalpha()]
    foreign = [mark for mark in letters if not mark.isascii()]
    if not foreign or (len(foreign) == len(letters) and not among_latin):
        return ""
    alike = all(_latin_letter(mark).isascii() for mark in foreign)
    return "".join(dict.fromkeys(foreign)) if alike else ""


def script_of(mark: str) -> str:
    """`Cyrillic`, the script of a letter."""
    name = unicodedata.name(mark, "")
    return name.split(" ")[0].capitalize() if name else "another"
