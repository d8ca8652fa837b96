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
from s2p_assets.remote_folder import MAIL_FOLDER, REMOTE_FOLDER


def matching_contracts(relative: str, workbooks: Sequence[Workbook]) -> tuple[Workbook, ...]:
    """The contracts that look where `relative` (a path below the share) lies."""
    name = unicodedata.normalize("NFC", relative.replace("\\", "/"))
    return tuple(workbook for workbook in workbooks if claims_path(workbook, name))


def claims_path(workbook: Workbook, path: str) -> bool:
    """Whether a workbook's files may lie at this path in the ledger, in NFC: on the share, elsewhere, in a mail."""
    folder, _, rest = path.partition("/")
    if folder == MAIL_FOLDER:
        return _is_mailed(workbook, rest)
    inside = path_inside(workbook, path)
    return inside is not None and compile_patterns(workbook.patterns).fullmatch(inside) is not None


def path_inside(workbook: Workbook, path: str) -> str | None:
    """A path in the ledger as the patterns of a workbook are meant, below the folder that it lies in; else None.

    A workbook that names a remote folder is meant there alone; any other on the share and each of its remote ones,
    which are not those that workbooks declare for themselves.
    """
    folder, _, rest = path.partition("/")
    own = workbook.remote_folder
    if folder != REMOTE_FOLDER:
        return path if own is None else None
    name, _, inside = rest.partition("/")
    return inside if (own.name == name if own else "~" not in name) else None


def _is_mailed(workbook: Workbook, rest: str) -> bool:
    sender, _, named = rest.partition("/")
    subject, _, file = named.partition("/")
    return (
        bool(workbook.mailed_by and file)
        and compile_patterns(tuple(workbook.mailed_by)).fullmatch(sender) is not None
        and compile_patterns((workbook.mail_subject,)).fullmatch(subject.partition(" ")[2]) is not None
    )


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
