"""Which files should have come by now and have not, by what their contracts say and what is loaded.

When files are expected is declared with `contracts/schedule.py`; who is told is for the status and the reports.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from s2p_assets.contracts.schedule import Expected, ExpectedPeriod, Schedule, expected_files, sender_pattern
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.tables.introspection import stored_columns
from s2p_assets.warehouse.tables.own_tables import ensure_own_tables

if TYPE_CHECKING:
    import pandas as pd

MISSING = "missing"


@dataclass(frozen=True, slots=True)
class MissingFile:
    """A file that has not come: of which workbook, who owns it, and what was expected."""

    workbook: str
    owner: str
    expected: Expected

    @property
    def name(self) -> str:
        """What is missing, as people call it: `sales of Berlin for October 2026`."""
        plain = self.workbook.partition("_")[2].replace("_", " ")
        of = f" of {self.expected.sender}" if self.expected.sender else ""
        return f"{plain}{of} for {self.expected.period.label}"

    @property
    def sentence(self) -> str:
        """What is said of it, for its owner."""
        due = self.expected.due
        return f"expected by {due.day} {due:%B %Y}, and nothing of it is loaded"


def missing_files(conn: psycopg.Connection, workbooks: Sequence[Workbook], today: dt.date) -> list[MissingFile]:
    """Every file that should have come by `today`, of the workbooks that say when files are expected."""
    ensure_own_tables(conn)
    return [
        MissingFile(workbook.full_name, workbook.owner, expected)
        for workbook in workbooks
        if (schedule := workbook.schedule) is not None
        for expected in _expected(conn, workbook, schedule, today)
    ]


def with_missing(deliveries: pd.DataFrame, missing: Sequence[MissingFile]) -> pd.DataFrame:
    """The rows of `FileDelivery` with one for each missing file: its name as the path, version 0, verdict missing."""
    if not missing:
        return deliveries
    counts: dict[str, Any] = {str(name): None for name in deliveries} | {
        str(name): 0 for name in deliveries if str(name).startswith("rows_") or name in ("problems", "version")
    }
    rows = [
        counts
        | {
            "path": file.name,
            "workbook": file.workbook,
            "owner": file.owner,
            "verdict": MISSING,
            "status": "expected",
            "is_open": True,
            "problem": file.sentence,
        }
        for file in missing
    ]
    import pandas as pd

    return pd.DataFrame([*deliveries.to_dict("records"), *rows], columns=list(deliveries.columns))


def _expected(conn: psycopg.Connection, workbook: Workbook, schedule: Schedule, today: dt.date) -> Iterator[Expected]:
    came = [(sender, period) for sender, day in _dated(conn, workbook) for period in _periods(schedule, workbook, day)]
    named = workbook.one_per if isinstance(workbook.one_per, Mapping) else None
    senders = set(named) if named else {sender for sender, _ in came} or {None}
    yield from expected_files(schedule, came, senders, today)


def _periods(schedule: Schedule, workbook: Workbook, day: dt.date) -> Iterator[ExpectedPeriod]:
    """The period for which rows of a day are; of a file saved on that day, the one that had just ended."""
    here = schedule.period_of(day)
    if workbook.dated_by:
        yield here
        return
    yield schedule.before(here)
    if day == here.last:
        yield here


def _dated(conn: psycopg.Connection, workbook: Workbook) -> list[tuple[str | None, dt.date]]:
    """(sender, day) of all that is loaded: the days of its rows, or those on which its files were saved."""
    stored = {column.name for column in stored_columns(conn, workbook.domain, workbook.name)}
    column = workbook.one_per if isinstance(workbook.one_per, str) and "{" not in workbook.one_per else None
    if not stored or {column, workbook.dated_by} - stored - {None}:
        return []  # nothing is loaded yet, or not since the contract has the column
    day = (
        sql.SQL("r.{}::date").format(sql.Identifier(workbook.dated_by))
        if workbook.dated_by
        else sql.SQL("(to_timestamp(f.as_of_ns / 1e9) at time zone 'UTC')::date")
    )
    query = sql.SQL(
        "select distinct {sender}, {day} from {rows} r join s2p.files f on f.id = r._file where {day} is not null"
        " and f.entered is null"
    ).format(
        sender=sql.SQL("r.{}::text").format(sql.Identifier(column)) if column else sql.SQL("f.path"),
        day=day,
        rows=sql.Identifier(workbook.domain, workbook.name),
    )
    found = conn.execute(query).fetchall()
    if column or not workbook.one_per:
        return [(who if column else None, day) for who, day in found]
    spelled: dict[str, str] = {}
    return [
        (spelled.setdefault(name.casefold(), name), day)
        for path, day in sorted(found, key=lambda one: one[1])
        for name in _senders(path, workbook.one_per)
    ]


def _senders(path: str, patterns: str | Mapping[str, str]) -> list[str]:
    """Who sent the file of this path: by each sender's own pattern, or by the place in one pattern for all."""
    if isinstance(patterns, str):
        found = sender_pattern(patterns).fullmatch(path)
        return [found["sender"].strip(" _-.")] if found else []
    return [name for name, pattern in patterns.items() if fnmatch(path.lower(), pattern.lower())]
