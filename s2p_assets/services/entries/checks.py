"""Whether rows that are entered fit to the rest of the table: what is unique, what others refer to, what counts twice.

A file that is dropped is asked about, and waits; who enters something is there to be asked at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg
import pyarrow

from s2p_assets.catalog.catalog import Catalog
from s2p_assets.contracts.values import as_json
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.services.entries.rows import QUESTION, DraftRow, EntryFinding
from s2p_assets.warehouse.files.file_copies import copy_questions
from s2p_assets.warehouse.files.ledger import LedgerEntry
from s2p_assets.warehouse.files.load_plan import LoadPlan
from s2p_assets.warehouse.files.plan import dry_run
from s2p_assets.warehouse.files.review import plan_of
from s2p_assets.warehouse.tables.current_rows import count_referring, holders_of_value

Read = Mapping[tuple[str, int], Mapping[str, Any]]


def between_rows(
    connection: psycopg.Connection, catalog: Catalog, workbook: Workbook, drafts: Sequence[DraftRow], read: Read
) -> list[EntryFinding]:
    """What the other rows of the table, and the tables that refer to it, make wrong."""
    leaving = [(draft.number, draft.values) for draft in drafts if draft.action == "withdraw" and draft.base]
    return [
        *not_unique(connection, workbook, drafts, read),
        *still_referred_to(connection, catalog, workbook, leaving),
    ]


def not_unique(
    connection: psycopg.Connection, workbook: Workbook, drafts: Sequence[DraftRow], read: Read
) -> Iterator[EntryFinding]:
    """The values that another row of the table holds, of columns in which each may be in one row only."""
    leaving = {draft.base.etag for draft in drafts if draft.base}
    for column in workbook.columns:
        if not column.unique or (column.name,) == tuple(workbook.key):
            continue
        for draft in drafts:
            value = read[draft.sheet, draft.row][column.name]
            if draft.action == "withdraw" or value is None:
                continue
            others = [
                row
                for row in holders_of_value(connection, workbook, column.name, value)
                if row.etag not in leaving and not _is_same_key(workbook, row.values, read[draft.sheet, draft.row])
            ]
            if others:
                where = f"{others[0].path} › {others[0].sheet} › row {others[0].row}"
                message = f"'{value}' is in {where} already, and may be in one row only"
                yield EntryFinding(draft.number, column.name, str(value), "unique", message)


def _is_same_key(workbook: Workbook, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether it is another version of the same row, as somebody else may have stored meanwhile."""
    return bool(workbook.key) and all(as_json(one[name]) == as_json(other[name]) for name in workbook.key)


def still_referred_to(
    connection: psycopg.Connection,
    catalog: Catalog,
    workbook: Workbook,
    leaving: Sequence[tuple[int, Mapping[str, Any]]],
) -> Iterator[EntryFinding]:
    """What others would refer to in vain: `leaving` are the rows that go, each with its number and values."""
    if not leaving:
        return
    for other in catalog.workbooks.values():
        for reference in other.references:
            if reference.workbook != workbook.full_name:
                continue
            for number, values in leaving:
                value = values[reference.target_column]
                count = 0 if value is None else count_referring(connection, reference, other, value)
                if count:
                    rows = "row refers" if count == 1 else "rows refer"
                    message = (
                        f"{count:,} {rows} to '{value}' in {other.full_name.replace('_', ' ')}, and would lead nowhere"
                    )
                    yield EntryFinding(number, reference.target_column, str(value), QUESTION, message)


def questions_about(
    connection: psycopg.Connection, workbook: Workbook, entry: LedgerEntry, rows: pyarrow.Table
) -> tuple[LoadPlan | None, list[EntryFinding]]:
    """What the rows would change, and why they may count twice beside others.

    That they change much of what is stored is no question: somebody looks at each of them, and says why.
    """
    with dry_run(connection):
        plan = plan_of(connection, workbook, entry, rows)
        asked = copy_questions(connection, workbook, entry, plan, ()) if plan else []
    found = [EntryFinding(None, None, None, QUESTION, question[:1].upper() + question[1:]) for question in asked]
    if plan and not asked:
        found += [
            EntryFinding(
                None,
                None,
                None,
                QUESTION,
                f"{count:,} such {'row is' if count == 1 else 'rows are'} in {path} too",
                "notice",
            )
            for path, count in plan.common.items()
        ]
    return plan, found
