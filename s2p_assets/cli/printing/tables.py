"""Rows of a table, and how a table changed between two moments, as a person at a terminal reads them.

What is shown belongs to the services.
"""

import shutil
from collections.abc import Iterator
from typing import Any

from s2p_assets.cli.console import escape, table_lines
from s2p_assets.contracts.values import shown_value
from s2p_assets.services.past_tables import ShownRows
from s2p_assets.services.table_changes import TableChanges


def rows_lines(shown: ShownRows) -> Iterator[str]:
    """The rows with their header, and how many more there are."""
    if not shown.rows:
        yield "no rows" if shown.as_of is None else escape(f"no rows as of {shown.as_of}")
        return
    cells = [["" if row[name] is None else escape(str(row[name])) for name in shown.columns] for row in shown.rows]
    numbers = {
        place
        for place, name in enumerate(shown.columns)
        if all(isinstance(row[name], int | float | None) for row in shown.rows)
    }
    yield from table_lines([*map(escape, shown.columns)], cells, right=numbers)
    if shown.more:
        yield f"… and {_counted(shown.more, 'more row')}; --limit shows more, --to FILE writes all"


def changes_lines(found: TableChanges) -> Iterator[str]:
    """How many rows changed, what did it, then the rows."""
    yield escape(f"{found.table} from {_minute(found.since)} to {_minute(found.until)}")
    yield f"{found.new:,} new, {found.changed:,} changed, {found.withdrawn:,} withdrawn"
    if found.columns:
        yield escape("changed in " + ", ".join(f"{name} ({rows:,})" for name, rows in found.columns.items()))
    yield from (f"[yellow]{escape(notice)}[/yellow]" for notice in found.notices)
    yield ""
    yield "[bold]What came and went[/bold]" if found.causes else "Nothing came or went in what it is made from."
    for cause in found.causes:
        rows = "" if cause["rows"] is None else f"   {_counted(cause['rows'], 'row')}"
        yield escape(f"  {cause['path']}{rows}")
        yield escape(f"    {_how(cause)}")
    if found.rows:
        yield ""
    for row in found.rows:
        yield from map(escape, _row_lines(row))
    if found.more:
        yield f"… and {_counted(found.more, 'more row')}; --limit shows more"


def _how(cause: dict[str, Any]) -> str:
    at = _minute(cause["at"])
    because = f": {cause['reason']}" if cause["reason"] else ""
    if cause["kind"] == "champion":
        return f"in service for {cause['workbook']} since {at}, by {cause['who']}{because}"
    if cause["kind"] == "stream":
        return f"events of {cause['workbook']} that came until {at}"
    word = "" if cause["kind"] == "file" else f"{cause['kind']} "
    if cause["version"] is None:
        return f"{word}withdrawn {at}, {cause['who']}{because}"
    instead = f" in place of {cause['version_before']}" if cause["version_before"] else ""
    version = f"version {cause['version']}{instead}, loaded {at}" if instead or not word else f"{word}of {at}"
    return f"{version}, {cause['who']}{because}"


def _row_lines(row: dict[str, Any]) -> Iterator[str]:
    line = f"{row['change']:<11}{_values(row['key'] if row['change'] == 'changed' else row['row'])}"
    beside = f"{line}   {row['path'] or ''}".rstrip()
    fits = len(beside) <= shutil.get_terminal_size().columns
    yield beside if fits else line
    for name, value in row.get("columns", {}).items():
        yield f"{'':<11}{name}: {shown_value(value['from'])} → {shown_value(value['to'])}"
    if not fits and row["path"]:
        yield f"{'':<11}{row['path']}"


def _values(values: dict[str, Any]) -> str:
    return " ".join(f"{name}={shown_value(value)}" for name, value in values.items() if value is not None)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _minute(moment: Any) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"
