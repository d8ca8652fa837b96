"""Files that were read, reviewed before they are loaded: what each changes, and whether it is held for a person.

The bounds are in `holding.py`, copies of files in `file_copies.py`; loading them belongs to `load.py`.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import psycopg
import pyarrow
import pyarrow.compute as pc

from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.files import versions
from s2p_assets.warehouse.files.change_record import change_record
from s2p_assets.warehouse.files.copy_names import originals_of
from s2p_assets.warehouse.files.file_copies import copy_questions, older_questions
from s2p_assets.warehouse.files.holding import questions
from s2p_assets.warehouse.files.ledger import LedgerEntry, LedgerFile
from s2p_assets.warehouse.files.load import UNLOADED, RowsRejected, load_files
from s2p_assets.warehouse.files.load_plan import LoadPlan
from s2p_assets.warehouse.files.plan import dry_run, plan_load

ReadFile = tuple[LedgerEntry, pyarrow.Table | None]


def review_files(conn: psycopg.Connection, workbook: Workbook, files: Sequence[ReadFile]) -> list[ReadFile]:
    """The files with what they change in their entries; one that is held has the verdict `held` and no rows.

    They are loaded one after the other and rolled back, as far as they have rows in common. Files whose bytes are
    loaded already are passed over: they are read again for a new contract, and no person changed anything. So are
    copies of the same bytes.
    """
    loaded = _loaded_paths(conn, workbook)
    known = versions.latest_versions_at(conn, workbook.full_name, [entry.path for entry, _ in files])
    related = _related(workbook, files)
    paths = {*loaded, *known, *(entry.path for entry, rows in files if rows is not None)}
    reviewed: dict[str, ReadFile] = {}
    to_load: set[str] = set()
    copies_last = sorted(files, key=lambda file: bool(originals_of(file[0].path).keys() & paths))
    with dry_run(conn):
        for entry, rows in copies_last:
            if (before := loaded.get(entry.path)) and before.sha256 == entry.sha256:
                reviewed[entry.path] = (replace(entry, saved_ns=before.as_of_ns), rows)
                continue
            is_emptied = before is not None and entry.verdict not in UNLOADED and not _count(rows)
            if (not _count(rows) and not is_emptied) or entry.sha256 in to_load:
                reviewed[entry.path] = (entry, rows)
                continue
            needs_plan = bool(loaded) or entry.path in related or bool(originals_of(entry.path).keys() & paths)
            accepted = _is_confirmed(known.get(entry.path), entry)
            as_it_counts = replace(entry, saved_ns=None) if accepted else entry
            plan = (
                plan_of(conn, workbook, as_it_counts, no_rows(workbook) if rows is None else rows)
                if needs_plan
                else LoadPlan(entry.path, new=_count(rows))
            )
            asked = _questions(conn, workbook, entry, plan, loaded, paths) if plan and not accepted else []
            known_to_change = replace(as_it_counts, changes=change_record(workbook, plan) if plan else {})
            if asked:
                reviewed[entry.path] = (held_entry(known_to_change, asked), None)
                continue
            reviewed[entry.path] = (known_to_change, rows)
            to_load.add(entry.sha256)
            if entry.path in related:
                load_files(conn, workbook, [(as_it_counts, rows)])
    return [reviewed[entry.path] for entry, _ in files]


def _count(rows: pyarrow.Table | None) -> int:
    return 0 if rows is None else int(rows.num_rows)


def no_rows(workbook: Workbook) -> pyarrow.Table:
    """What is planned for a file that holds rows of this kind no more."""
    fields = [(column.name, column.arrow_type) for column in workbook.columns]
    return pyarrow.schema([*fields, ("_sheet", pyarrow.string()), ("_row", pyarrow.int64())]).empty_table()


def hold_questions(conn: psycopg.Connection, workbook: Workbook, entry: LedgerEntry, plan: LoadPlan) -> list[str]:
    """Why a single file with this plan would be held, in sentences; none when it would be loaded."""
    loaded = _loaded_paths(conn, workbook)
    latest = versions.latest_versions_at(conn, workbook.full_name, [entry.path]).get(entry.path)
    before = loaded.get(entry.path)
    if plan.known or (before and before.sha256 == entry.sha256) or _is_confirmed(latest, entry):
        return []
    return _questions(conn, workbook, entry, plan, loaded, {*loaded})


def _questions(
    conn: psycopg.Connection,
    workbook: Workbook,
    entry: LedgerEntry,
    plan: LoadPlan,
    loaded: Collection[str],
    paths: set[str],
) -> list[str]:
    """The thresholds hold from the second delivery on; a copy of a file is one at the first too."""
    asked = copy_questions(conn, workbook, entry, plan, paths - {entry.path})
    return [*older_questions(conn, workbook, entry, plan), *asked, *questions(workbook, plan)] if loaded else asked


def plan_of(conn: psycopg.Connection, workbook: Workbook, entry: LedgerEntry, rows: pyarrow.Table) -> LoadPlan | None:
    """The plan of a file on the share, worked out within a transaction; None where its rows cannot be stored."""
    try:
        with conn.transaction(force_rollback=True):
            return plan_load(conn, workbook, entry, rows, on_share=True)
    except RowsRejected:  # said when it is loaded
        return None


def held_entry(entry: LedgerEntry, asked: Sequence[str]) -> LedgerEntry:
    """The entry of a file of which nothing is stored before a person has decided."""
    cells = {name: entry.cells.get(name, 0) for name in ("read", "returned", "ignored")}
    return replace(
        entry,
        verdict="held",
        rows_accepted=0,
        rows_held=entry.rows_accepted,
        rows_by_sheet={},
        cells=cells | {"loaded": 0, "held": entry.cells.get("loaded", 0)},
        questions=tuple(asked),
    )


class _LoadedVersion(NamedTuple):
    sha256: str
    as_of_ns: int


def _loaded_paths(conn: psycopg.Connection, workbook: Workbook) -> dict[str, _LoadedVersion]:
    """The version at each path whose rows are loaded."""
    query = "select path, sha256, as_of_ns from s2p.files where workbook = %s and is_loaded"
    return {path: _LoadedVersion(*one) for path, *one in conn.execute(query, (workbook.full_name,)).fetchall()}


def _is_confirmed(latest: LedgerFile | None, entry: LedgerEntry) -> bool:
    return latest is not None and latest.confirmed_at is not None and latest.sha256 == entry.sha256


def _related(workbook: Workbook, files: Sequence[ReadFile]) -> set[str]:
    """The paths of these files that have a key in common with another one of them; a whole row where there is none.

    Where rows are of periods, also those that tell of the same days as another one.
    """
    names = list(workbook.key) or [column.name for column in workbook.columns]
    paths = [entry.path for entry, rows in files if rows is not None and rows.num_rows]
    within = _of_same_days(workbook, files)
    keys = [
        rows.select(names).append_column("_file", pyarrow.repeat(pyarrow.scalar(number), rows.num_rows))
        for number, rows in enumerate(rows for _, rows in files if rows is not None and rows.num_rows)
    ]
    if len(keys) < 2:
        return within
    every = pyarrow.concat_tables(keys, promote_options="permissive")
    found = every.group_by(names).aggregate([("_file", "min"), ("_file", "max"), ("_file", "distinct")])
    several = found.filter(pc.not_equal(found.column("_file_min"), found.column("_file_max")))
    shared: set[Any] = {number for numbers in several.column("_file_distinct").to_pylist() for number in numbers}
    return within | {paths[number] for number in shared}


def _of_same_days(workbook: Workbook, files: Sequence[ReadFile]) -> set[str]:
    """The paths of files whose periods, from the first day to the last, meet those of another one of them."""
    if workbook.spans is None:
        return set()
    first, last = workbook.spans
    stretches = sorted(
        (pc.min(rows[first]).as_py(), pc.max(rows[last]).as_py(), entry.path)
        for entry, rows in files
        if rows is not None and rows.num_rows > max(rows[first].null_count, rows[last].null_count)
    )
    found, until, of = set[str](), None, ""
    for begin, end, path in stretches:
        if until is not None and begin <= until:
            found |= {of, path}
        if until is None or end > until:
            until, of = end, path
    return found
