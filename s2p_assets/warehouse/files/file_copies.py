"""Copies of files that are on the share as well, by their names and rows; older ones by their own dates.

How programs name copies is in `copy_names.py`; that the same bytes are loaded once is decided in `recognition.py`.
"""

import datetime as dt
import re
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path

import psycopg

from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.files.copy_names import originals_of
from s2p_assets.warehouse.files.ledger import LedgerEntry
from s2p_assets.warehouse.files.load_plan import LoadPlan

TWIN_SHARE = 0.5
MINUTE = "%Y-%m-%d %H:%M"
FEWEST_COMMON = 2
MOST_PROPERTIES_BYTES = 65_536

_MODIFIED = re.compile(rb"<(?:dcterms:modified|dc:date)[^>]*>\s*(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)")


def copy_questions(
    conn: psycopg.Connection,
    workbook: Workbook,
    entry: LedgerEntry,
    plan: LoadPlan,
    others: Collection[str],
    archive: Path,
) -> list[str]:
    """Why the file looks like a copy of another one, or like an older one than is loaded; in sentences."""
    found = [*_older(conn, workbook, entry, plan, archive)]
    if not plan.rows_before:
        found += _named_copies(entry, plan, others) or _twins(conn, workbook, plan)
    return found


def _named_copies(entry: LedgerEntry, plan: LoadPlan, others: Collection[str]) -> list[str]:
    there = {other.casefold(): other for other in others}
    for path, is_sure in originals_of(entry.path).items():
        original = there.get(path.casefold())
        if original is None:
            continue
        shared = sum(rows.get(original, 0) for rows in (plan.supersedes, plan.gives_way_to, plan.common))
        if is_sure or shared:
            rows = f" {shared:,} of its {plan.rows_in_file:,} rows are in that file too." if shared else ""
            return [
                f"its name is that of a copy of {original}, as sync programs, browsers and Explorer make them.{rows}"
            ]
    return []


def _twins(conn: psycopg.Connection, workbook: Workbook, plan: LoadPlan) -> list[str]:
    """Without a key the rows of a copy would stand beside those of the original, and everything would count twice."""
    if workbook.key or not plan.common:
        return []
    query = "select path, rows_accepted, status from s2p.files where workbook = %s and is_loaded and path = any(%s)"
    said = []
    for path, rows, status in conn.execute(query, (workbook.full_name, list(plan.common))).fetchall():
        shared = plan.common[path]
        if shared >= FEWEST_COMMON and shared > TWIN_SHARE * min(rows, plan.rows_in_file):
            gone = "; that file is gone from the share, but its rows are still loaded" if status == "gone" else ""
            said.append(f"{shared:,} of its {plan.rows_in_file:,} rows are in {path} too and would count twice{gone}")
    return said


def _older(
    conn: psycopg.Connection, workbook: Workbook, entry: LedgerEntry, plan: LoadPlan, archive: Path
) -> Iterator[str]:
    """Files with newer content whose rows an older one would take the place of."""
    changes_own = plan.changed or plan.withdrawn
    paths = [*plan.overwritten, *([entry.path] if plan.rows_before and changes_own else [])]
    if not paths:
        return
    query = "select path, as_of_ns, archived from s2p.files where workbook = %s and is_loaded and path = any(%s)"
    mine = saved_at(entry.archived, entry.mtime_ns, archive)
    for path, as_of_ns, archived in conn.execute(query, (workbook.full_name, paths)).fetchall():
        theirs = saved_at(archived, as_of_ns, archive)
        if mine < theirs:
            which = "the version that is loaded" if path == entry.path else path
            yield f"it was last saved on {mine:{MINUTE}} UTC, before {which}, which was on {theirs:{MINUTE}}"


def saved_at(archived: str | None, mtime_ns: int, archive: Path) -> dt.datetime:
    """When the content of a file was last saved, UTC: by its own properties where it has them, else by its date.

    A file's date is that of its last copy where a program copied it, so that the earlier of the two counts.
    """
    stat = dt.datetime.fromtimestamp(mtime_ns // 10**9, dt.UTC)
    own = _own_date(archive / archived) if archived else None
    return min(stat, own) if own else stat


def _own_date(file: Path) -> dt.datetime | None:
    """`dcterms:modified` of a workbook's core properties (ECMA-376-2, 11), `dc:date` of an OpenDocument's."""
    try:
        with zipfile.ZipFile(file) as package:
            for part in ("docProps/core.xml", "meta.xml"):
                if part in package.namelist():
                    with package.open(part) as properties:
                        found = _MODIFIED.search(properties.read(MOST_PROPERTIES_BYTES))
                    return dt.datetime.fromisoformat(found[1].decode()).replace(tzinfo=dt.UTC) if found else None
    except (OSError, zipfile.BadZipFile, ValueError, RuntimeError, NotImplementedError, EOFError):
        return None
    return None
