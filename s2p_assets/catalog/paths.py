"""Whose a file may be by where it lies: the patterns of contracts held against paths on the share.

Whether a contract's columns are found in it is for the spreadsheet room.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from s2p_assets.contracts.entered import ENTRIES_FOLDER
from s2p_assets.contracts.stream import STREAMS_FOLDER
from s2p_assets.contracts.workbook import Workbook


def matching_contracts(relative: str, workbooks: Sequence[Workbook]) -> tuple[Workbook, ...]:
    """The contracts that look where `relative` (a path below the share) lies."""
    name = unicodedata.normalize("NFC", relative.replace("\\", "/"))
    return tuple(workbook for workbook in workbooks if compile_patterns(workbook.patterns).fullmatch(name))


def kinds_at(path: str, workbooks: Sequence[Workbook]) -> list[str]:
    """The kinds of workbook that a file at this path in the ledger may be of; of entries and events their own."""
    folder, _, rest = path.partition("/")
    if folder in (ENTRIES_FOLDER, STREAMS_FOLDER):
        return [rest.partition("/")[0]]
    return [workbook.full_name for workbook in matching_contracts(path, workbooks)]


@lru_cache(maxsize=1024)
def compile_patterns(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """Glob patterns as one expression, case-insensitive; `**` crosses folders, `*` and `?` do not."""
    expressions = (_expression(unicodedata.normalize("NFC", pattern)) for pattern in patterns)
    return re.compile("|".join(expressions), re.IGNORECASE)


def _expression(pattern: str) -> str:
    parts = re.split(r"(\*\*/|/\*\*$|\*\*|\*|\?|\[!?[^\]]+\])", pattern.removeprefix("./").lstrip("/"))
    known = {"**/": "(?:[^/]+/)*", "/**": "/.*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    words = []
    for part in parts:
        if part.startswith("[") and part.endswith("]") and len(part) > 2:
            words.append(part.replace("[!", "[^", 1).replace("\\", "\\\\"))
        else:
            words.append(known.get(part, re.escape(part)))
    return "".join(words)
