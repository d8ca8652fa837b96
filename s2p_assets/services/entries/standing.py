"""What becomes of corrections when files change beneath them: they hold, take over what else changed, or lapse.

A correction is of single cells. The other values of its row are those of the row beneath it, whatever file that is.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg

from s2p_assets.contracts.values import as_json
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.services.context import Context
from s2p_assets.services.entries.rewriting import rewrite_entry
from s2p_assets.services.entries.rows import EntryRefused, parsed_key
from s2p_assets.services.entries.showing import show_on_share
from s2p_assets.spreadsheet.sandbox import Sandbox
from s2p_assets.warehouse.files import entries, withdrawal
from s2p_assets.warehouse.files.entries import Entry, EntryRow
from s2p_assets.warehouse.server.advisory_locks import advisory_lock
from s2p_assets.warehouse.tables.current_rows import CurrentRow, rows_with_keys, vain_withdrawals

MOST = 100_000


@dataclass
class _Outcome:
    """What becomes of one entry's rows: those that end, each with why, and those that go on as they are now."""

    entry: Entry
    lapsed: list[tuple[EntryRow, str]] = field(default_factory=list)
    going_on: list[EntryRow] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return bool(self.lapsed) or any(row not in self.entry.rows for row in self.going_on)


def settle_entries(ctx: Context, connection: psycopg.Connection, workbook: Workbook) -> list[str]:
    """Hold the corrections of a kind of workbook against what its files say now; the sentences about those that ended.

    To be done after files were loaded or withdrawn. Does nothing, and costs one query, where there are none.
    """
    if not entries.has_standing(connection, workbook.full_name):
        return []
    said: list[str] = []
    with ExitStack() as ending:
        reader: list[Sandbox] = []

        def at_hand() -> Sandbox:
            if not reader:
                reader.append(ending.enter_context(ctx.reader()))
            return reader[0]

        with connection.transaction():
            advisory_lock(connection, workbook.full_name)
            outcomes = _outcomes(connection, workbook)
            shown = [_apply(ctx, at_hand, connection, one) for one in outcomes if one.changed]
        for outcome, kept in zip((one for one in outcomes if one.changed), shown, strict=True):
            show_on_share(ctx.settings, outcome.entry.path, kept)
            said += [f"{row.shown_key}: {why}" for row, why in outcome.lapsed]
    return said


def _outcomes(connection: psycopg.Connection, workbook: Workbook) -> list[_Outcome]:
    if not workbook.key:
        return _of_rows_without_key(connection, workbook)
    known = entries.find_entries(
        connection, workbooks=[workbook.full_name], kind="correction", is_standing=True, most=MOST
    )
    outcomes = {entry.path: _Outcome(entry) for entry in reversed(known)}
    standing = [row for outcome in outcomes.values() for row in outcome.entry.standing]
    keys = {_key_of(row): parsed_key(workbook, row.key) for row in standing}
    beneath = dict(zip(keys, rows_with_keys(connection, workbook, list(keys.values()), beneath=True), strict=True))
    running: dict[tuple[Any, ...], _Beneath] = {key: _Beneath.of(row) for key, row in beneath.items()}
    for row in standing:
        outcome, under = outcomes[row.path], running[_key_of(row)]
        lost, goes_on = _step(row, under)
        if lost:
            outcome.lapsed.append((row, lost))
            goes_on = goes_on and replace(
                goes_on, number=max(one.number for one in outcome.entry.rows) + 1 + row.number
            )
        if goes_on:
            outcome.going_on.append(goes_on)
            values = None if row.action == "withdraw" else goes_on.after
            running[_key_of(row)] = replace(under, values=values)
    return list(outcomes.values())


def _key_of(row: EntryRow) -> tuple[Any, ...]:
    return tuple(row.key.values())


@dataclass(frozen=True)
class _Beneath:
    """The row under a correction as far as it is gone through: its values, and where it was read from."""

    values: dict[str, Any] | None
    row: CurrentRow | None

    @classmethod
    def of(cls, row: CurrentRow | None) -> "_Beneath":
        return cls(None if row is None else {name: as_json(value) for name, value in row.values.items()}, row)

    @property
    def place(self) -> str:
        return f"{self.row.path} › {self.row.sheet} › row {self.row.row}" if self.row else "no file"


def _step(row: EntryRow, under: _Beneath) -> tuple[str, EntryRow | None]:
    """Why the correction ends, wholly or in part, empty where it holds; and how it goes on, None where it does not."""
    now, before = under.values, row.before
    if row.action == "add":
        return (f"the row is in {under.place} now", None) if now is not None else ("", row)
    if now is None or before is None:
        return "the row that was corrected is in no file any more", None
    differing = [name for name in now if now[name] != before.get(name)]
    if row.action == "withdraw":
        return (_said(differing, before, now, under), None) if differing else ("", row)
    lost = [name for name in row.columns if name in differing]
    kept = [name for name in row.columns if name not in lost]
    if not differing:
        return "", row
    after = now | {name: row.after[name] for name in kept}
    base = (
        (under.row.file, under.row.sheet, under.row.row) if under.row else (row.base_file, row.base_sheet, row.base_row)
    )
    goes_on = replace(
        row, columns=kept, before=now, after=after, base_file=base[0], base_sheet=base[1], base_row=base[2]
    )
    return _said(lost, before, now, under) if lost else "", goes_on if kept else None


def _said(names: Sequence[str], before: dict[str, Any], now: dict[str, Any], under: _Beneath) -> str:
    changes = ", ".join(f"{name} was {_shown(before.get(name))} and is {_shown(now[name])}" for name in names)
    return f"{changes} in {under.place}"


def _shown(value: Any) -> str:
    return "empty" if value is None else str(value)


def _of_rows_without_key(connection: psycopg.Connection, workbook: Workbook) -> list[_Outcome]:
    """Rows that were withdrawn and are in no file any more need not be withdrawn."""
    known = entries.find_entries(connection, workbooks=[workbook.full_name], is_standing=True, most=MOST)
    vain = vain_withdrawals(connection, workbook)
    outcomes = []
    for entry in known:
        gone = [row for row in entry.standing if (row.path, row.sheet, row.row) in vain]
        rest = [row for row in entry.standing if row not in gone]
        why = "the row that was withdrawn is in its file no more"
        outcomes.append(_Outcome(entry, [(row, why) for row in gone], rest))
    return outcomes


def _apply(ctx: Context, reader: Any, connection: psycopg.Connection, outcome: _Outcome) -> Any:
    """Record what became of an entry; the copy of its workbook that is to be shown, None for none."""
    known = {row.number for row in outcome.entry.rows}
    for row, why in outcome.lapsed:
        entries.end_rows(connection, [row], "lapsed", by=None, why=why)
    entries.insert_rows(connection, [row for row in outcome.going_on if row.number not in known])
    if not outcome.going_on:
        withdrawal.withdraw_file(connection, outcome.entry.path)
        return None
    try:
        with connection.transaction():
            return rewrite_entry(ctx, reader(), connection, outcome.entry, outcome.going_on)
    except EntryRefused as refused:
        why = f"with what its file says now it breaks the contract: {refused}"
        outcome.lapsed += [(row, why) for row in outcome.going_on]
        entries.end_rows(connection, outcome.going_on, "lapsed", by=None, why=why)
        withdrawal.withdraw_file(connection, outcome.entry.path)
        return None
