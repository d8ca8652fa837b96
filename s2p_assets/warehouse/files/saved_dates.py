"""When the content of a file was last saved, by the properties in it.

Which of two files wins a key by it is decided in `superseding.py`; which copies are asked about, in `file_copies.py`.
"""

import datetime as dt
import re
import zipfile
from pathlib import Path

CLOCKS_DIFFER_NS = 600 * 10**9
MOST_PROPERTIES_BYTES = 65_536
FIRST_SAVED = dt.datetime(2007, 1, 1, tzinfo=dt.UTC)

_MODIFIED = re.compile(rb"<(?:dcterms:modified|dc:date)[^>]*>\s*(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)")


def saved_ns(file: Path, mtime_ns: int) -> int:
    """When the content was last saved, Unix time in ns.

    That is the file's date, or an earlier one in its own properties: what copies or downloads a file gives it a new
    date, and leaves the properties alone. Clocks of two computers may differ by some minutes.
    """
    own = _own_date(file)
    if own is None:
        return mtime_ns
    own_ns = int(own.timestamp()) * 10**9
    return own_ns if own_ns < mtime_ns - CLOCKS_DIFFER_NS else mtime_ns


def _own_date(file: Path) -> dt.datetime | None:
    """`dcterms:modified` of a workbook's core properties (ECMA-376-2, 11), `dc:date` of an OpenDocument's.

    Programs that know no date write one from before there were such files, such as 2006-09-16 or 1980-01-01.
    """
    try:
        with zipfile.ZipFile(file) as package:
            part = next(part for part in ("docProps/core.xml", "meta.xml") if part in package.NameToInfo)
            with package.open(part) as properties:
                found = _MODIFIED.search(properties.read(MOST_PROPERTIES_BYTES))
        own = dt.datetime.fromisoformat(found[1].decode()).replace(tzinfo=dt.UTC) if found else None
    except (OSError, zipfile.BadZipFile, ValueError, RuntimeError, NotImplementedError, EOFError, StopIteration):
        return None
    return own if own and own >= FIRST_SAVED else None
