"""A contract's regular expressions in plain words, for people who fill in workbooks.

Whether a value matches is decided by pandera, in `rules`.
"""

import re

_PIECE = re.compile(
    r"(?P<what>\\d|\[(?:\\.|[^\]\\^])+\]|\\[^A-Za-z0-9]|[^\\\[\](){}*+?.|^$])(?P<times>\{\d+(?:,\d*)?\}|[+*?])?"
)
_RANGES = {"A-Z": "capital letters", "a-z": "small letters", "A-Za-z": "letters", "a-zA-Z": "letters"}
_DIGITS = ("0-9", r"\d")
_PLAIN_SETS = frozenset((*_RANGES.values(), "digits"))
_TIMES = {"+": "1 or more", "*": "0 or more", "?": "at most 1"}
_REPEATED = re.compile(r"(?:\\d){2,}(?![{+*?])")


def pattern_in_words(pattern: str) -> str | None:
    """`^[A-Z]{2}\\d{3,}$` → `2 capital letters, 3 or more digits`; None where words would not be plainer.

    Only a pattern for whole texts is put into words, and none with alternatives, groups or anything but plain marks,
    digits and sets of letters.
    """
    if not (pattern.startswith("^") and pattern.endswith("$") and not pattern.endswith(r"\$")):
        return None
    pattern = _REPEATED.sub(lambda found: rf"\d{{{len(found[0]) // 2}}}", pattern)
    words: list[str] = []
    literal, at, end = "", 1, len(pattern) - 1
    while at < end:
        piece = _PIECE.match(pattern, at, end)
        if piece is None:
            return None
        at = piece.end()
        if not piece["times"] and piece["what"][0] != "[" and piece["what"] != r"\d":
            literal += piece["what"].removeprefix("\\")
            continue
        part = _counted(_set_in_words(piece["what"]), piece["times"] or "")
        if part is None:
            return None
        words += [f"'{literal}'", part] if literal else [part]
        literal = ""
    return ", ".join([*words, f"'{literal}'"] if literal else words) or None


def _set_in_words(what: str) -> str | None:
    """`[A-Z0-9-]` → `capital letters, digits or '-'`; None for a set of anything else."""
    if what == r"\d":
        return "digits"
    if what[0] != "[":
        return f"'{what.removeprefix(chr(92))}'"
    inner, words = what[1:-1], []
    for mark, name in sorted(_RANGES.items(), key=lambda known: -len(known[0])):
        if mark in inner:
            inner = inner.replace(mark, "")
            words.append(name)
    for mark in _DIGITS:
        if mark in inner:
            inner = inner.replace(mark, "")
            words.append("digits")
    marks = re.sub(r"\\(.)", r"\1", inner)
    if any(mark.isalnum() for mark in marks) or "-" in inner.strip("-").replace(r"\-", ""):
        return None
    words += ["a blank" if mark.isspace() else f"'{mark}'" for mark in marks]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _counted(what: str | None, times: str) -> str | None:
    """The set with how many of it may stand: `3 or more digits`."""
    if what is None:
        return None
    if times.startswith("{"):
        least, comma, most = times[1:-1].partition(",")
        if not comma:
            return f"{least} {what}"
        return f"{least} to {most} {what}" if most else f"{least} or more {what}"
    if times:
        return f"{_TIMES[times]} {what}"
    return f"a {what.removesuffix('s')}" if what in _PLAIN_SETS else f"one of {what}"
