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

_LOST = re.compile("[\ufffd\x80-\x9f]")
_SYMBOL_IN_WORD = re.compile(r"[^\W\d_][£¹³¿¯¥¡¼¾¤§ª¬¢°±»«¸¨´¶][^\W\d_]")
_SYMBOL_FIRST = re.compile(r"(?<![\w£])[£³¹¿¯](?=[^\W\d_A-Z]{2})(?![^\W\d_]+[?!])")
_CAPITAL_LAST = re.compile(r"[a-zß-ÿ][ŸŒŠŽ](?![A-ZÀ-Þ])")
_UPPER_HALF = re.compile(r"(?<![^\W\d_])[À-ÖØ-öø-ÿ]{4,}(?![^\W\d_])")
_CASE_REVERSED = re.compile(r"(?<!\w)[а-яё][А-ЯЁ]{3,}(?!\w)")
_QUESTIONED = re.compile(r"(?<!\S)[^\W\d_]+\?[a-zß-ÿ]+(?![\w?&=/.])")
_SCRIPTS = "\u0370-\u03ff\u0400-\u052f\u0590-\u05ff\u0600-\u06ff\u0e00-\u0e7f"
_TWO_SCRIPTS = re.compile(
    f"[A-Za-zÀ-ɏ][{_SCRIPTS}][A-Za-zÀ-ɏ]|(?<![\\w])[{_SCRIPTS}][a-zß-ɏ]{{2}}|[a-zß-ɏ]{{2}}[{_SCRIPTS}](?!\\w)"
)
_SUSPECT = (
    "[\ufffd\u0080-\u009f]|[£¹³¿¯¥¡¼¾¤§ª¬¢°±»«¸¨´¶ŸŒŠŽ]|[À-ÿ]{4}|[А-Я]{3}|\\pL\\?\\pL"
    "|[ÂÃÄÅÎÏÐÑØÙâ\u0393\u05d2\u00ef].|[\uff61-\uff9f]"
)


def misread_texts(texts: pyarrow.Array) -> npt.NDArray[np.int64]:
    """The positions of texts that look as if they had been decoded wrongly."""
    if not len(texts):
        return np.zeros(0, np.int64)
    if pc.all(pc.string_is_ascii(texts)).as_py() and not pc.any(pc.match_substring(texts, "?")).as_py():
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
    yield bool(_CASE_REVERSED.search(text))
    yield bool(_QUESTIONED.search(text))
    yield any(len(set(word)) > 1 for word in _UPPER_HALF.findall(text))


def mixes_scripts(text: str) -> bool:
    """Whether a word has Latin letters around one of another script, as a text in the wrong code page has."""
    return bool(_TWO_SCRIPTS.search(text))


@lru_cache(maxsize=50_000)
def restored(text: str) -> str:
    """`Müller` for `MÃ¼ller`, where a text in UTF-8 was read byte by byte; any other text as it is."""
    if text.isascii():
        return text
    from ftfy import fix_encoding
    from ftfy.badness import is_bad

    fixed = fix_encoding(text) if is_bad(text) else text
    return fixed if len(fixed) < len(text) else text
