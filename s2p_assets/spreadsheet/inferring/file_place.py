"""Where files like one lie: a pattern as narrow as the file's place allows.

Which files match a pattern is decided in `contract_matching`.
"""

import re
from pathlib import Path, PurePosixPath

_MONTHS = (
    "january february march april may june july august september october november december "
    "jan feb mar apr jun jul aug sep sept oct nov dec januar februar märz maerz mai juni juli oktober dezember"
)
_VARYING = re.compile(
    rf"(?<![^\W_])(?:{'|'.join(sorted(_MONTHS.split(), key=len, reverse=True))})(?![^\W_])|\d+", re.IGNORECASE
)


def path_pattern(path: Path, share: Path | None = None) -> str:
    """`Sales March 2024.xlsx` → `**/Sales*.xls*`, and `sales/2024/…` → `sales/*/Sales*.xls*` on the share itself.

    Numbers and months are left open; a name of nothing else keeps its form, `[0-9][0-9][0-9][0-9].csv`, unless it
    lies in a folder with a name.
    """
    folder, own_folder = "**/", False
    if share is not None and path.absolute().is_relative_to(share):
        parts = path.absolute().relative_to(share).parent.parts
        folder = "".join(f"{_open(part)}/" for part in parts)
        own_folder = any(mark.isalpha() for mark in folder)
    name = PurePosixPath(path.name)
    suffix = ".xls*" if name.suffix.lower().startswith(".xls") else name.suffix
    stem = left_open(_plain(name.stem)) if own_folder else _open(name.stem)
    return f"{folder}{stem}{suffix}"


def left_open(name: str) -> str:
    """`name` with its numbers and months left open: `Sales 2024-03` → `Sales*`."""
    return re.sub(r"\s*\*(?:[\s._-]*\*)*\s*", "*", _VARYING.sub("*", name.strip()))


def _plain(name: str) -> str:
    return re.sub(r"[\[\]?*]", "?", name)


def _open(name: str) -> str:
    """`name` left open; of one that is nothing but numbers and months, the digits keep their places."""
    opened = left_open(_plain(name))
    if any(mark.isalpha() for mark in opened):
        return opened
    return re.sub(r"\d", "[0-9]", re.sub(r"[^\W\d_]+", "*", _plain(name)))
