"""Copies of files that are on the share as well, by their names and rows; older ones by their own dates.

How programs name copies is in `copy_names.py`; that the same bytes are loaded once is decided in `recognition.py`.
"""

import datetime as dt
from collections.abc import Collection, Iterator

import psycopg

from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.files.copy_names import originals_of
from s2p_assets.warehouse.files.ledger import LedgerEntry
from s2p_assets.warehouse.files.load_plan import LoadPlan

TWIN_SHARE = 0.5
MINUTE = "%Y-%m-%d %H:%M"
FEWEST_COMMON = 2


def copy_questions(
    conn: psycopg.Connection,
    workbook: Workbook,
    entry: LedgerEntry,
    plan: LoadPlan,
    others: Collection[str],
) -> list[str]:
    """Why the file looks like a copy of another one, in sentences."""
    looks_like = [] if plan.rows_before else _named_copies(entry, plan, others) or _twins(conn, workbook, plan)
    return looks_like or list(_told_twice(entry, plan))


def _told_twice(entry: LedgerEntry, plan: LoadPlan) -> Iterator[str]:
    for path, rows in plan.overlapping.items():
        where = "other rows of it tell of" if path == entry.path else f"{path} tells of"
        yield f"{rows:,} of its {plan.rows_in_file:,} rows are of days that {where} too, and would count twice"


def _named_copies(entry: LedgerEntry, plan: LoadPlan, others: Collection[str]) -> list[str]:
    originals = originals_of(entry.path)
    there = {other.casefold(): other for other in others} if originals else {}
    for path, is_sure in originals.items():
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
        repeated = plan.repeated.get(path)
        gone = "; that file is gone from the share, but its rows are still loaded" if status == "gone" else ""
        if shared >= FEWEST_COMMON and shared > TWIN_SHARE * min(rows, plan.rows_in_file):
            said.append(f"{shared:,} of its {plan.rows_in_file:,} rows are in {path} too and would count twice{gone}")
        elif repeated:
            days = f"{repeated.first:%Y-%m-%d} to {repeated.last:%Y-%m-%d}"
            said.append(f"its {repeated.rows:,} rows of {days} are in {path} too and would count twice{gone}")
    return said


def older_questions(conn: psycopg.Connection, workbook: Workbook, entry: LedgerEntry, plan: LoadPlan) -> Iterator[str]:
    """Where an older version lies in the place of the one that is loaded, or an older copy came after newer files.

    The rows of the copy would give way to those of newer content; a person who accepts it has it win.
    """
    own = [entry.path] if plan.rows_before and (plan.changed or plan.withdrawn or plan.giving_way) else []
    query = (
        "select path, mtime_ns, as_of_ns from s2p.files where workbook = %s and is_loaded and path = any(%s)"
        " and entered is null"
    )
    paths = [*own, *plan.gives_way_to]
    for path, mtime_ns, as_of_ns in conn.execute(query, (workbook.full_name, paths)).fetchall() if paths else ():
        if entry.as_of_ns < as_of_ns and (path == entry.path or entry.mtime_ns > mtime_ns):
            which = "the version that is loaded" if path == entry.path else path
            mine, theirs = (dt.datetime.fromtimestamp(ns // 10**9, dt.UTC) for ns in (entry.as_of_ns, as_of_ns))
            yield f"it was last saved on {mine:{MINUTE}} UTC, before {which}, which was on {theirs:{MINUTE}}"
