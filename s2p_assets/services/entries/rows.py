"""What somebody asks to be entered, and the rows that come of it before they are read; why it may be refused.

Writing and storing them is in `recording.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.entered import ENTERED_SHEET, WITHDRAWN_SHEET, EntryAction, as_entered
from s2p_assets.contracts.errors import MendableError
from s2p_assets.contracts.findings import Finding
from s2p_assets.contracts.values import as_json
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.spreadsheet.entry_workbook import HEADER_ROW, MOST_TEXT
from s2p_assets.warehouse.tables.current_rows import CurrentRow, rows_at, rows_with_keys
from s2p_assets.warehouse.tables.row_query import QueryInvalid, parse_value

MOST_ROWS = 5_000
LONGEST_REASON = 1_000
QUESTION = "what it changes"
"""The rule of a finding that somebody may overrule by being `sure`."""


@dataclass(frozen=True, slots=True)
class EntryFinding:
    """What is wrong, or worth knowing, with one row as it was sent; `number`: which one, from 0, None for all."""

    number: int | None
    column: str | None
    value: str | None
    rule: str
    message: str
    severity: str = "reject"


class EntryRefused(MendableError):
    """Nothing was stored; every finding says what to mend."""

    def __init__(self, findings: Sequence[EntryFinding]) -> None:
        self.findings = tuple(findings)
        first = next((one for one in self.findings if one.severity == "reject"), None)
        more = f" (and {len(self.findings) - 1} more)" if len(self.findings) > 1 else ""
        super().__init__((first.message if first else "nothing was entered") + more)

    @property
    def may_be_sure(self) -> bool:
        """Whether it would be stored for somebody who says that they are sure."""
        return all(one.rule == QUESTION for one in self.findings if one.severity == "reject")


class EtagMissing(MendableError):
    """A row is changed or withdrawn without saying which version of it was looked at."""


class RowChanged(MendableError):
    """Rows are not those any more that were looked at. `rows`: number → the row as it is now, None where it is gone."""

    def __init__(self, rows: Mapping[int, CurrentRow | None]) -> None:
        self.rows = dict(rows)
        several = "rows were" if len(rows) > 1 else "the row was"
        super().__init__(f"{several} changed by somebody else since you looked; look at them again, then decide")


class NotEnterable(MendableError):
    """Rows of this table cannot be entered: it is made of others."""


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row that is to be added, changed or withdrawn.

    `values`: column → value as JSON has it; of a change, only those that become others. `key`: which row; where the
    kind of workbook has no key, and for a new row, nothing. `etag`: the version of the row that was looked at.
    """

    action: EntryAction
    values: Mapping[str, Any] = field(default_factory=dict)
    key: Mapping[str, Any] = field(default_factory=dict)
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class DraftRow:
    """A whole row that is to be written: at which place of the request, on which row it is made, and what it says.

    `given`: the columns that the person gave. `sheet`, `row`: where it is written.
    """

    number: int
    action: EntryAction
    values: dict[str, Any]
    given: frozenset[str]
    base: CurrentRow | None
    sheet: str
    row: int


def enterable(ctx: Context, name: str) -> Workbook:
    """The kind of workbook of that name. Raises NotEnterable for another table, NotFound for none."""
    plain = name.replace(".", "_", 1)
    if plain in ctx.catalog.workbooks:
        return ctx.catalog.workbooks[plain]
    if any(one.full_name == plain for one in ctx.catalog.readable()):
        below = sorted(book.full_name for book in ctx.catalog.workbooks.values())
        raise NotEnterable(f"{plain} is made from other tables; rows are entered in workbooks: {', '.join(below)}")
    raise NotFound(f"there is no table {name[:80]!r}; /api/v1/tables lists them")


def draft_rows(
    connection: psycopg.Connection, workbook: Workbook, changes: Sequence[RowChange]
) -> tuple[list[DraftRow], list[int]]:
    """The rows to be written, and the numbers of those that say what is stored already.

    Raises EntryRefused, EtagMissing and RowChanged.
    """
    _require_form(workbook, changes)
    bases = find_bases(connection, workbook, changes)
    stale = {number: bases[number] for number in stale_rows(changes, bases)}
    if stale:
        raise RowChanged(stale)
    drafts, unchanged = list[DraftRow](), list[int]()
    places = {ENTERED_SHEET: HEADER_ROW, WITHDRAWN_SHEET: HEADER_ROW}
    for number, change in enumerate(changes):
        base = bases[number]
        values = dict(change.values) if base is None else base.values | dict(change.values)
        given = frozenset(change.values) if change.action != "withdraw" else frozenset[str]()
        if change.action == "change" and base and not _differing(base, change.values):
            unchanged.append(number)
            continue
        sheet = WITHDRAWN_SHEET if change.action == "withdraw" else ENTERED_SHEET
        places[sheet] += 1
        drafts.append(DraftRow(number, change.action, values, given, base, sheet, places[sheet]))
    if not drafts:
        raise EntryRefused([EntryFinding(None, None, None, "unchanged", "the rows say that already; nothing to enter")])
    return drafts, unchanged


def _differing(base: CurrentRow, values: Mapping[str, Any]) -> bool:
    return any(
        as_json(base.values[name]) != as_json(value) and _as_text(base.values[name]) != _as_text(value)
        for name, value in values.items()
    )


def _as_text(value: Any) -> str:
    return "" if value is None else str(value)


ANY_VERSION = "*"
"""Of If-Match: it says that nobody looked."""


def _require_form(workbook: Workbook, changes: Sequence[RowChange]) -> None:
    """Raises EntryRefused for what is wrong in itself, whatever is stored; every row is gone through."""
    if not changes:
        raise EntryRefused([EntryFinding(None, None, None, "rows", "no row was sent")])
    if len(changes) > MOST_ROWS:
        message = f"{len(changes):,} rows are more than {MOST_ROWS:,}; save them as a workbook and drop that"
        raise EntryRefused([EntryFinding(None, None, None, "rows", message)])
    if found := [one for number, change in enumerate(changes) for one in _form_findings(workbook, number, change)]:
        raise EntryRefused(found)
    lacking = [
        number for number, one in enumerate(changes) if one.action != "add" and one.etag in (None, "", ANY_VERSION)
    ]
    if lacking:
        raise EtagMissing(
            f"say which version of the row you looked at, as its ETag names it: If-Match, or `etag` of row {lacking[0]}"
        )


def _form_findings(workbook: Workbook, number: int, change: RowChange) -> list[EntryFinding]:
    columns = {column.name: column for column in workbook.columns}
    unknown = [name for name in (*change.values, *change.key) if name not in columns]
    found = [
        EntryFinding(number, name, None, "column", f"there is no column {name[:80]!r}; there are {', '.join(columns)}")
        for name in unknown
    ]
    for name, value in change.values.items():
        if isinstance(value, str) and (len(value) > MOST_TEXT or not is_text(value)):
            message = f"a text of at most {MOST_TEXT:,} characters, without control characters, is wanted"
            found.append(EntryFinding(number, name, value[:80], "text", message))
    if change.action == "change" and not workbook.key:
        message = f"{workbook.full_name} has no key, so that no row of it is changed: withdraw it, and add another"
        found.append(EntryFinding(number, None, None, "key", message))
    if change.action == "add" and not change.values:
        found.append(EntryFinding(number, None, None, "rows", "a new row has values"))
    if change.action == "withdraw" and change.values:
        found.append(EntryFinding(number, None, None, "rows", "a row that is withdrawn gets no values"))
    if change.action != "add" and workbook.key and not unknown and set(change.key) != set(workbook.key):
        found.append(EntryFinding(number, None, None, "key", f"name the whole key: {', '.join(workbook.key)}"))
    return found


def is_text(value: str) -> bool:
    return all(mark.isprintable() or mark in "\n\t\r" or ord(mark) > 0xA0 for mark in value) and not any(
        "\ud800" <= mark <= "\udfff" or mark in "\ufffe\uffff" for mark in value
    )


def find_bases(
    connection: psycopg.Connection, workbook: Workbook, changes: Sequence[RowChange]
) -> dict[int, CurrentRow | None]:
    """Number → the row that counts now for what is to be changed or withdrawn; None for what is new, or gone."""
    asked = {number: one for number, one in enumerate(changes) if one.action != "add"}
    found: dict[int, CurrentRow | None] = dict.fromkeys(range(len(changes)))
    if not workbook.key:
        rows = rows_at(connection, workbook, [one.etag or "" for one in asked.values()])
        return found | dict(zip(asked, rows, strict=True))
    keys = [parsed_key(workbook, one.key, number) for number, one in asked.items()]
    firsts = {tuple(key.values()): number for number, key in reversed(list(zip(asked, keys, strict=True)))}
    repeated = [number for number, key in zip(asked, keys, strict=True) if firsts[tuple(key.values())] != number]
    if repeated:
        message = "the same row is meant twice in one request"
        raise EntryRefused([EntryFinding(number, None, None, "key", message) for number in repeated])
    return found | dict(zip(asked, rows_with_keys(connection, workbook, keys), strict=True))


def parsed_key(workbook: Workbook, key: Mapping[str, Any], number: int | None = None) -> dict[str, Any]:
    """The values of a key as PostgreSQL takes them. Raises EntryRefused."""
    kinds = {column.name: column for column in workbook.columns}
    try:
        return {name: _parsed(kinds[name], key[name]) for name in workbook.key}
    except QueryInvalid as error:
        raise EntryRefused([EntryFinding(number, None, None, "key", str(error))]) from None
    except KeyError:
        message = f"name the whole key: {', '.join(workbook.key)}"
        raise EntryRefused([EntryFinding(number, None, None, "key", message)]) from None


def _parsed(column: Column, value: Any) -> Any:
    if value is None:
        return None
    return parse_value(column.name, column.kind, str(value).lower() if isinstance(value, bool) else str(value))


def stale_rows(changes: Sequence[RowChange], bases: Mapping[int, CurrentRow | None]) -> list[int]:
    """The numbers of rows that are not the versions any more that were looked at."""
    return [
        number
        for number, change in enumerate(changes)
        if change.action != "add" and (bases[number] is None or not _is_same(change.etag, bases[number]))
    ]


def _is_same(etag: str | None, row: CurrentRow | None) -> bool:
    seen = {one.strip().removeprefix("W/").strip('"') for one in (etag or "").split(",")}
    return row is not None and row.etag.strip('"') in seen


def findings_of(found: Sequence[Finding], drafts: Sequence[DraftRow], workbook: Workbook) -> list[EntryFinding]:
    """The reader's findings as they concern the rows that were sent."""
    at = {(draft.sheet, draft.row): draft.number for draft in drafts}
    titles = {column.name for column in as_entered(workbook).columns}
    told = []
    for one in found:
        row = "".join(filter(str.isdigit, one.cell or ""))
        number = at.get((one.sheet or "", int(row))) if row else None
        column = one.column if one.column in titles else None
        told.append(EntryFinding(number, column, one.value, one.rule, one.message, one.severity))
    return told


def refuse(found: Sequence[EntryFinding]) -> None:
    """Raises EntryRefused with all of them, if one of them is no mere notice."""
    if any(one.severity == "reject" for one in found):
        raise EntryRefused(found)


def plain_reason(text: str) -> str:
    """Why somebody does something, on one line. Raises EntryRefused for nothing."""
    reason = " ".join(text.split())
    if not reason or len(reason) > LONGEST_REASON or not is_text(reason):
        message = f"say why in a sentence of at most {LONGEST_REASON:,} letters"
        raise EntryRefused([EntryFinding(None, None, None, "reason", message)])
    return reason
