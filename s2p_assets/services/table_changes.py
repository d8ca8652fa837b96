"""Which rows of a table changed between two moments, and which files, entries, streams and champions did it.

What a table was at a moment is made again in `as_of.py`; the history of one row is told in `entries/telling.py`.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from s2p_assets.catalog.catalog import Stored, key_of
from s2p_assets.contracts.dbt_model import DbtModel
from s2p_assets.contracts.model import Contest
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.tables import table_named
from s2p_assets.warehouse.files.causes import Cause, causes_between
from s2p_assets.warehouse.tables.row_changes import (
    ChangedRow,
    change_counts,
    changed_columns,
    changed_rows,
    changes_by_files,
    compare_rows,
    set_aside,
)
from s2p_assets.warehouse.tables.row_query import QueryInvalid

if TYPE_CHECKING:
    from s2p_assets.services.as_of import Progress


@dataclass(frozen=True)
class TableChanges:
    """How a table differs at `until` from what it was at `since`.

    `rows`: some of the rows, those that changed first; `more`: how many others there are. `columns`: in how many of the
    changed rows each has another value. `causes`: what came and went meanwhile in what the table is made from.
    """

    table: str
    since: dt.datetime
    until: dt.datetime
    new: int
    changed: int
    withdrawn: int
    columns: dict[str, int]
    rows: list[dict[str, Any]]
    more: int
    causes: list[dict[str, Any]]
    notices: list[str]


def table_changes(
    ctx: Context, name: str, since: str, until: str, most: int | None, progress: "Progress | None" = None
) -> TableChanges:
    """Compare a table of two moments, written as for `as_of`. Raises NotFound and QueryInvalid."""
    from s2p_assets.services.as_of import AsOf, open_as_of, parse_as_of, to_minute  # pandas

    declared, say = table_named(ctx.catalog, name), progress or (lambda _: None)
    earlier, later = parse_as_of(since), parse_as_of(until)
    if earlier >= later:
        raise QueryInvalid(f"{to_minute(earlier)} is not before {to_minute(later)}; name the earlier moment first")
    if isinstance(declared, DbtModel):
        raise NotFound(f"{declared.full_name} is made by dbt, and what it was before is not kept")
    with open_as_of(ctx, earlier, say) as before:
        before.restore(key_of(declared))
        set_aside(before.connection, declared)
        after = AsOf(ctx, before.connection, before.reader, later, say)
        after.restore(key_of(declared))
        say(f"comparing what {declared.full_name} was")
        notices = list(dict.fromkeys([*before.notices, *after.notices]))
        return _compared(ctx, before.connection, declared, (earlier, later), most, notices)


def _compared(
    ctx: Context,
    connection: psycopg.Connection,
    declared: Stored,
    moments: tuple[dt.datetime, dt.datetime],
    most: int | None,
    notices: list[str],
) -> TableChanges:
    upstream = [ctx.catalog.by_key[key] for key in ctx.catalog.upstream(key_of(declared))]
    causes = causes_between(connection, [one for one in upstream if isinstance(one, Workbook)], *moments)
    compare_rows(connection, declared, [file for cause in causes for file in cause.files])
    counts = change_counts(connection)
    by_cause = _rows_by_cause(connection, causes) if isinstance(declared, Workbook) else None
    rows = [_told(declared, row, causes) for row in changed_rows(connection, declared, most)]
    causes += _champions(ctx, [one for one in upstream if isinstance(one, Contest)], *moments)
    return TableChanges(
        declared.full_name,
        *moments,
        new=counts.get("new", 0),
        changed=counts.get("changed", 0),
        withdrawn=counts.get("withdrawn", 0),
        columns=changed_columns(connection),
        rows=rows,
        more=sum(counts.values()) - len(rows),
        causes=[_shown_cause(cause, by_cause) for cause in causes],
        notices=notices,
    )


def _cause_of(files: Sequence[int | None], causes: Sequence[Cause]) -> Cause | None:
    """What changed a row: the file that it stands in, if that came meanwhile, else where it stood, or what hides it."""
    known = {file: cause for cause in causes for file in cause.files}
    return next((known[file] for file in files if file in known), None)


def _rows_by_cause(connection: psycopg.Connection, causes: Sequence[Cause]) -> Counter[tuple[str, str]]:
    counted: Counter[tuple[str, str]] = Counter()
    for files, rows in changes_by_files(connection):
        if cause := _cause_of(files, causes):
            counted[cause.workbook, cause.path] += rows
    return counted


def _told(declared: Stored, row: ChangedRow, causes: Sequence[Cause]) -> dict[str, Any]:
    """A row as JSON: of a changed one its key and each value that differs, of another all its values."""
    cause = _cause_of(row.files, causes) if isinstance(declared, Workbook) else None
    told: dict[str, Any] = {"change": row.change, "path": cause.path if cause else None}
    names = [*declared.key, *(column.name for column in declared.columns if column.name not in declared.key)]
    if row.before is None or row.after is None:
        values = row.after or row.before or {}
        return told | {"row": {name: values[name] for name in names}}
    differs = [name for name in names if row.before[name] != row.after[name]]
    return told | {
        "key": {name: row.after[name] for name in declared.key},
        "columns": {name: {"from": row.before[name], "to": row.after[name]} for name in differs},
    }


def _shown_cause(cause: Cause, by_cause: Counter[tuple[str, str]] | None) -> dict[str, Any]:
    """`rows`: how many of the table's own rows it changed; None where the table is made from others."""
    rows = None if by_cause is None else by_cause[cause.workbook, cause.path]
    told = {name: getattr(cause, name) for name in ("workbook", "path", "kind", "version_before", "version")}
    return told | {"at": cause.at, "who": cause.who, "reason": cause.reason, "rows": rows}


def _champions(ctx: Context, contests: Sequence[Contest], since: dt.datetime, until: dt.datetime) -> Iterator[Cause]:
    """The versions that came into service between two moments."""
    for contest in contests:
        for tenure in ctx.registry.state(contest.domain, contest.name).tenures:
            at = dt.datetime.fromisoformat(tenure.since)
            if since < at <= until:
                which = f"{tenure.model} {tenure.version}"
                yield Cause([], contest.full_name, which, "champion", None, None, at, tenure.by, tenure.why)
