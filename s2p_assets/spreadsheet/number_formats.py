"""What an Excel number format says about a number: a date, a time of day, leading zeros.

Nothing here turns a number into text.
"""

import re
from functools import lru_cache

_BUILT_IN_DATES = {14: "yyyy-mm-dd", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 22: "m/d/yy h:mm"}
_BUILT_IN_TIMES = {18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 45: "mm:ss", 47: "mmss.0"}
_EAST_ASIAN_DATES = (*range(27, 32), 36, *range(50, 59))
BUILT_IN_FORMATS: dict[int, str] = {
    0: "General",
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    9: "0%",
    10: "0.00%",
    11: "0.00E+00",
    12: "# ?/?",
    13: "# ??/??",
    48: "##0.0E+0",
    46: "[h]:mm:ss",
    49: "@",
    **_BUILT_IN_DATES,
    **_BUILT_IN_TIMES,
    **dict.fromkeys(_EAST_ASIAN_DATES, "yyyy-mm-dd"),
}

_LITERALS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_PADDING = re.compile(r"[_*].")
_CURRENCY = re.compile(r"""\[\$([^\]-]+)(?:-[0-9A-Fa-f]+)?\]|"([^"]+)"|\\?([$€£¥₹₽₩₺])""")
_ELAPSED = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)


@lru_cache(maxsize=4096)
def _first_section(code: str) -> str:
    return _LITERALS.sub("", code).split(";", 1)[0].lower()


def is_elapsed(code: str) -> bool:
    """Whether the format shows a length of time (`[h]:mm`)."""
    return bool(_ELAPSED.search(_LITERALS.sub("", code)))


def is_date(code: str) -> bool:
    """Whether the format shows a date or a time of day."""
    section = _first_section(code)
    if "general" in section or _ELAPSED.search(section):
        return False
    bare = section.replace("am/pm", "").replace("a/p", "")
    if re.search(r"[0#?]", re.sub(r"s\.0+", "", bare)):
        return False
    return bool(re.search(r"[ymdhs]|e(?![+-])|g(?!e)", bare))


def is_percent(code: str) -> bool:
    """Whether the format shows a share of one as per cent."""
    return "%" in _first_section(code)


def currency_of(code: str) -> str:
    """The currency's sign or code that the format shows, as `€` for `#,##0.00 [$€-407]`; empty for most formats."""
    section = _PADDING.sub("", code.split(";", 1)[0]).replace("[$-", "[-")
    found = _CURRENCY.search(section)
    return (found.group(1) or found.group(2) or found.group(3)).strip() if found else ""


@lru_cache(maxsize=4096)
def words_of(code: str) -> str:
    """The words that the format adds to a number, without its currency: `k` for `0.0,"k"`; empty for most formats."""
    if code in ("General", "@") or is_date(code) or is_elapsed(code):
        return ""
    section = re.sub(r"\[[^\]]*\]", "", _PADDING.sub("", code.split(";", 1)[0])).replace("General", "")
    section = re.sub(r"E[+-]", "", section)
    parts = []
    for found in re.finditer(r'"([^"]*)"|\\(.)|([^"\\])', section):
        text = found[1] if found[1] is not None else found[2] or found[3]
        parts.append(text if found[3] is None or text.isalpha() or text in "/ " else "\0")
    words = " ".join("".join(parts).replace("\0", " ").split()).strip(" -()")
    return words if words.strip("/ ") else ""


_SIGNS = re.compile(r"\[\$[^-\]]|[$€£¥₹₽₩₺]")


def adds_marks(code: str) -> bool:
    """Whether the format sets letters or dashes among the digits of a number: `"A-"000`, `000-000`."""
    if is_scientific(code) or is_percent(code) or is_date(code) or _SIGNS.search(code):
        return False
    section = re.sub(r"\[[^\]]*\]", "", _PADDING.sub("", code.split(";", 1)[0]))
    return bool(words_of(code)) or bool(re.search(r'[0#][\\"]*[-/][\\"]*[0#]', section))


def thousands_hidden(code: str) -> int:
    """By how many groups of three digits the format shortens a number: 1 for `0.0,`, 2 for `0.0,,"M"`."""
    section = _LITERALS.sub("", code.split(";", 1)[0])
    found = re.search(r"[0#?](,+)(?![0#?,])", section)
    return len(found[1]) if found else 0


def leading_zeros(code: str) -> int:
    """The digits that the format pads to with leading zeros: 5 for `00000`, 0 for most formats."""
    section = _first_section(code)
    return len(section) if re.fullmatch(r"0{2,}", section) else 0


def changes_meaning(code: str) -> bool:
    """Whether the format adds to what a number means: its currency, per cent, an exponent, words, leading zeros."""
    if leading_zeros(code) or is_percent(code) or is_scientific(code) or words_of(code):
        return True
    return bool(currency_of(code)) and not is_date(code)


def is_scientific(code: str) -> bool:
    """Whether the format shows a number with an exponent, as `2.20E+02`."""
    return bool(re.search(r"e[+-]0", _first_section(code)))
