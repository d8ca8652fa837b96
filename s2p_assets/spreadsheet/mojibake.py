"""Texts that were decoded wrongly before they came here: `MÃ¼ller`, `£ódŸ`, `Êðóæêà`, `K�ln`.

Which encoding a text file has is decided in `readers/text_encoding.py`.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.compute as pc

from s2p_assets.spreadsheet.text_bytes import are_ascii, hold_any

_LOST = re.compile("[\ufffd\x80-\x9f]")
_SYMBOL_IN_WORD = re.compile(r"[^\W\d_][£¹³¿¯¥¡¼¾¤§ª¬¢°±»«¸¨´¶][^\W\d_]")
_SYMBOL_FIRST = re.compile(r"(?<![\w£])[£³¹¿¯](?=[^\W\d_A-Z]{2})(?![^\W\d_]+[?!])")
_CAPITAL_LAST = re.compile(r"[a-zß-ÿ][ŸŒŠŽ](?![A-ZÀ-Þ])")
_NO_FRENCH_LIGATURE = re.compile(r"Œ(?=[^\W\d_])(?![uidesnctUIDESNCT])|œ\b")
_UPPER_HALF = re.compile(r"(?<![^\W\d_])[À-ÖØ-öø-ÿ]{4,}(?![^\W\d_])")
_CASE_REVERSED = re.compile(r"(?<!\w)[а-яё][А-ЯЁ]{3,}(?!\w)")
_QUESTIONED = re.compile(r"(?<!\S)[^\W\d_]+\?[a-zß-ÿ]+(?![\w?&=/.])")
_SCRIPTS = "\u0370-\u03ff\u0400-\u052f\u0590-\u05ff\u0600-\u06ff\u0e00-\u0e7f"
_WIDE = "\u3400-\u9fff\uac00-\ud7af\u3040-\u30ff"
_TWO_SCRIPTS = re.compile(
    f"[a-z][{_WIDE}]|[{_WIDE}][a-z]|[A-Za-zÀ-ɏ][{_SCRIPTS}][A-Za-zÀ-ɏ]|(?<![\\w])[{_SCRIPTS}][a-zß-ɏ]{{2}}|[a-zß-ɏ]{{2}}[{_SCRIPTS}](?!\\w)"
)
# Letters of one code page read as those of another, by what no language that has them writes. Words are bounded, as a
# text of one letter over and over would else be searched from each of them to its end.
_TURKISH = re.compile(r"(?i:þ)(?!(?i:[rjvý]|or|ing|ór|ú|e(?:ss|tt|nn|im|ir|i|g)))(?=[a-zçöüýð]|\b)|(?<=[a-zçöü])þ")
_TURKISH_VOWELS = re.compile(r"(?<![vV])ý[a-z]{1,30}ý(?!\w{0,30}[ěščřžůňťďľĺŕ])")
_NOT_TURKISH = re.compile("[áéíóúæěščřžůňťďľĺŕ]", re.IGNORECASE)
_HUNGARIAN = re.compile(
    r"(?i)û\w{0,30}(?:gy|sz|zs|cs)|(?:gy|sz|zs|cs)\w{0,30}û|õ\w{0,30}(?:gy|sz|ny|cs|zs|ly)|(?:gy|sz|ny|cs|zs|ly|[áéíóú])\w{0,30}õ(?!e)"
    r"|õ\b|[a-z]{2}õ[^\W\d_e]\w{0,30}[áéöü]"
)
_SHARP_S_OF_DOS = re.compile(r"(?i:[a-z]aá|eiá|ieá|euá|auá(?=e)|[rl]oá(?=e|\b)|fuá(?=b))(?!\w{0,30}[íóúñç])")
_UMLAUT_OF_MACS = re.compile(r"Ÿ(?=[a-zß])")
_QUOTE_IN_WORD = re.compile(r"[A-Za-zß-ÿ][„”‚‡†‰ˆ˜•](?=[a-zß-ÿ])")
_CODE_PAGES = (
    (_TURKISH, "cp1252", "cp1254"),
    (_TURKISH_VOWELS, "cp1252", "cp1254"),
    (_HUNGARIAN, "cp1252", "cp1250"),
    (_SHARP_S_OF_DOS, "cp1252", "cp850"),
    (_QUOTE_IN_WORD, "cp1252", "cp850"),
    (_UMLAUT_OF_MACS, "cp1252", "mac-roman"),
)
"""What gives a text away, the code page in which it was read, and that in which it was written."""
_SUSPECT = (
    "[\ufffd\u0080-\u009f]|[£¹³¿¯¥¡¼¾¤§ª¬¢°±»«¸¨´¶ŸŒŠŽ]|[À-ÿ]{4}|[А-Я]{3}|\\pL\\?\\pL"
    "|[þÞýõÕûÛ„”‚‡†‰ˆ˜•ŸŒœ]|[aeiouAEIOU]á"
    "|[ÂÃÄÅÎÏÐÑØÙâ\u0393\u05d2\u00ef].|[\uff61-\uff9f]"
)


def misread_texts(texts: pyarrow.Array) -> npt.NDArray[np.int64]:
    """The positions of texts that look as if they had been decoded wrongly."""
    if not len(texts):
        return np.zeros(0, np.int64)
    if are_ascii(texts) and not hold_any(texts, b"?"):
        return np.zeros(0, np.int64)
    suspect = pc.fill_null(pc.match_substring_regex(texts, _SUSPECT), False)
    if not pc.any(suspect).as_py():
        return np.zeros(0, np.int64)
    wrong = [text for text in pc.unique(texts.filter(suspect)).to_pylist() if is_misread(text)]
    return np.flatnonzero(pc.is_in(texts, pyarrow.array(wrong, pyarrow.string()))) if wrong else np.zeros(0, np.int64)


@lru_cache(maxsize=50_000)
def is_misread(text: str) -> bool:
    """Whether a text was read in another encoding than it was written in, or has lost letters."""
    if text.isascii():
        return bool(_QUESTIONED.search(text))
    return any(_signs(text)) or restored(text) != text


def _signs(text: str) -> Iterator[bool]:
    yield bool(_LOST.search(text))
    yield bool(_SYMBOL_IN_WORD.search(text))
    yield bool(_SYMBOL_FIRST.search(text))
    yield bool(_CAPITAL_LAST.search(text))
    yield bool(_NO_FRENCH_LIGATURE.search(text))
    yield bool(_CASE_REVERSED.search(text))
    yield bool(_QUESTIONED.search(text))
    yield bool(_other_code_page(text))
    yield any(len(set(word)) > 1 for word in _UPPER_HALF.findall(text))


def _other_code_page(text: str) -> str:
    """`Győr` for `Gyõr`: a text as it reads in the code page that it was perhaps written in; empty for most texts."""
    for pattern, taken_for, written_in in _CODE_PAGES:
        if not pattern.search(text) or (written_in == "cp1254" and _NOT_TURKISH.search(text)):
            continue
        try:
            return text.encode(taken_for).decode(written_in)
        except UnicodeError:
            continue
    return ""


def mixes_scripts(text: str) -> bool:
    """Whether a word has Latin letters around one of another script, as a text in the wrong code page has."""
    return bool(_TWO_SCRIPTS.search(text))


@lru_cache(maxsize=50_000)
def restored(text: str) -> str:
    """`Müller` for `MÃ¼ller`, where a text in UTF-8 was read byte by byte; any other text as it is."""
    if text.isascii():
        return text
    if other := _other_code_page(text):
        return other
    from ftfy import fix_encoding
    from ftfy.badness import is_bad

    fixed = fix_encoding(text) if is_bad(text) else text
    return fixed if len(fixed) < len(text) else text
