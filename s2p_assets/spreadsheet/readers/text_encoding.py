"""Which encoding a text file has: by its first bytes, as UTF-8, else as chardet and what the letters look like tell.

Reading its records belongs to `csv_text.py`.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from s2p_assets.spreadsheet.limits import WorkbookUnreadable, encoding_by_zeros
from s2p_assets.spreadsheet.mojibake import is_misread, mixes_scripts
from s2p_assets.spreadsheet.readers.alphabets import is_of_one_language

NAMES = {
    "cp1252": "Windows-1252 (Western European)",
    "cp1250": "Windows-1250 (Central European)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "cp1253": "Windows-1253 (Greek)",
    "cp1254": "Windows-1254 (Turkish)",
    "cp1255": "Windows-1255 (Hebrew)",
    "cp1256": "Windows-1256 (Arabic)",
    "cp1257": "Windows-1257 (Baltic)",
    "cp874": "Windows-874 (Thai)",
    "iso8859-1": "ISO 8859-1 (Western European)",
    "iso8859-2": "ISO 8859-2 (Central European)",
    "iso8859-5": "ISO 8859-5 (Cyrillic)",
    "iso8859-7": "ISO 8859-7 (Greek)",
    "iso8859-9": "ISO 8859-9 (Turkish)",
    "iso8859-15": "ISO 8859-15 (Western European)",
    "koi8-r": "KOI8-R (Russian)",
    "koi8-u": "KOI8-U (Ukrainian)",
    "cp866": "DOS 866 (Cyrillic)",
    "cp852": "DOS 852 (Central European)",
    "cp850": "DOS 850 (Western European)",
    "mac-roman": "Mac Roman",
    "gb18030": "GB 18030 (Chinese)",
    "big5hkscs": "Big5 (Chinese)",
    "cp932": "Shift JIS (Japanese)",
    "euc_jis_2004": "EUC-JP (Japanese)",
    "cp949": "EUC-KR (Korean)",
}
"""The encodings that are recognised, by Python's names, with what people call them."""
_CODECS = {codecs.lookup(name).name: name for name in NAMES}
_PIECE = 1024**2
_ENOUGH = 64 * 1024
_SURE = 0.02
_FIELD = re.compile(rb'[^\x00-\x1f;,"]*[\x80-\xff][^\x00-\x1f;,"]*')
_LETTERS = re.compile(rb"[A-Za-z\x8a-\x8f\x9a-\x9f\xa1\xa5\xaa\xaf\xbf-\xff]")
_DEGREES = re.compile(rb"\xb0[CF]\b|m[\xb2\xb3]|EUR|USD")
_ODD = re.compile("[^\\W\\d_][¡-±´-¸»-¿ˆ˜‰†‡•‹›„]|[¡-¿ˆ˜‰†‡•‹›„][¡-¿ˆ˜‰†‡•‹›„]|[¡-±´-¸»-¾ˆ˜‰†‡•][^\\W\\d_]|[a-z][À-Þ]")


@dataclass(frozen=True, slots=True)
class TextEncoding:
    """A file's encoding by Python's name; `assumed`: neither its bytes nor the contract say so for certain."""

    codec: str
    assumed: bool = False

    @property
    def label(self) -> str:
        """`Windows-1250 (Central European)`."""
        return NAMES.get(_CODECS.get(codecs.lookup(self.codec).name, ""), self.codec)


def text_encoding(path: Path, stated: str | None = None) -> TextEncoding:
    """The encoding of a text file; `stated` by the contract, which a byte order mark overrules.

    Raises WorkbookUnreadable where the bytes cannot be what is stated.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith(codecs.BOM_UTF8):
        return TextEncoding("utf-8-sig")
    if by_zeros := encoding_by_zeros(head):
        return TextEncoding(by_zeros)
    if stated:
        if not _decodes(path, stated):
            raise WorkbookUnreadable(f"the text is not valid {TextEncoding(stated).label}, as agreed; save it again so")
        return TextEncoding(stated)
    if _decodes(path, "utf-8"):
        return TextEncoding("utf-8")
    words = _odd_words(path)
    chosen = next((codec for codec in _likely(words) if _decodes(path, codec)), "latin-1")
    return TextEncoding(chosen, assumed=True)


def _decodes(path: Path, codec: str) -> bool:
    decoder = codecs.getincrementaldecoder(codec)()
    with path.open("rb") as file:
        try:
            while piece := file.read(_PIECE):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _odd_words(path: Path) -> bytes:
    """Different fields of the file that are not plain ASCII, one a line, as many as are enough to tell by."""
    found: dict[bytes, None] = {}
    size = 0
    with path.open("rb") as file:
        for line in file:
            for field in _FIELD.findall(line):
                if field not in found:
                    found[field] = None
                    size += len(field)
            if size > _ENOUGH:
                break
    return b"\n".join(found)


def _likely(words: bytes) -> Iterator[str]:
    """Codecs that decode the words, the likeliest first.

    Western European goes before what chardet itself is not sure of; a reading that looks wrong goes last.
    """
    import chardet

    if not _LETTERS.search(_DEGREES.sub(b"", words)):
        yield "cp1252"
    ranked = chardet.detect_all(words, include_encodings=list(NAMES), compat_names=False, ignore_threshold=True)
    order = [str(one["encoding"]) for one in ranked if one["encoding"]]
    sure = bool(ranked) and float(ranked[0]["confidence"]) >= _SURE
    order = [*order, "cp1252"] if sure else ["cp1252", *order]
    readings = {}
    for codec in dict.fromkeys(order):
        try:
            readings[codec] = words.decode(codec)
        except (UnicodeDecodeError, LookupError):
            continue
    yield from sorted(readings, key=lambda codec: _looks_wrong(readings[codec]))


def _looks_wrong(text: str) -> float:
    """How many of the lines, in tenths, look as if they were read in another encoding; odd symbols count half.

    Letters that no language of Europe has together count as two lines of ten.
    """
    lines = (text.splitlines() or [""])[:500]
    wrong = sum(1.0 if is_misread(line) or mixes_scripts(line) else 0.5 * bool(_ODD.search(line)) for line in lines)
    return round(wrong / len(lines), 1) + (0.0 if _is_of_another_script(text) or is_of_one_language(text) else 0.2)


def _is_of_another_script(text: str) -> bool:
    """Whether most of the letters beyond ASCII are of no Latin script, of which the alphabets say nothing."""
    letters = [mark for mark in text[:_ENOUGH] if not mark.isascii() and mark.isalpha()]
    return sum(mark > "\u024f" for mark in letters) * 2 > len(letters)
