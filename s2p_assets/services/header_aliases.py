"""Headers that people matched to columns: remembered, read by, shown, and taken into a contract's file.

The list stands in the warehouse. A copy in the home's cache lets `s2p check` read by it without a database.
"""

import ast
import importlib.util
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.errors import MendableError, meant_by
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.kept_aliases import KnownHeaders, aliases_file, kept_aliases
from s2p_assets.settings import Settings
from s2p_assets.warehouse.files import header_aliases
from s2p_assets.warehouse.files.header_aliases import HeaderAlias

LONGEST_HEADER = 200


class AliasRefused(MendableError):
    """A header that cannot be matched, or taken; one line that says why and what to do."""


def match_header(ctx: Context, workbook: str, column: str, header: str, by: str) -> HeaderAlias:
    """Remember that `header` is that column. Raises NotFound, and AliasRefused for a header of another column."""
    from s2p_assets.spreadsheet.header import folded, folded_names  # loads Arrow, which a status need not

    contract, wanted = _column(ctx, workbook, column)
    text, key = " ".join(header.split()), folded(header)
    if not key or len(text) > LONGEST_HEADER or not text.isprintable():
        raise AliasRefused(f"{text[:60]!r} is no header that could be remembered; rename it in the file")
    for other in contract.columns:
        if key in folded_names(other):
            known = " ".join(other.headers[0].split())
            raise AliasRefused(
                f"'{text}' is a name of '{known}' already; rename the column in the file that is not meant"
            )
    with ctx.warehouse.writing() as connection:
        header_aliases.remember_alias(connection, workbook, wanted.name, text, key, by)
        found = refresh_aliases(ctx.settings, connection)
    return next(one for one in found if (one.workbook, one.folded) == (workbook, key))


def forget_match(ctx: Context, workbook: str, header: str) -> None:
    """Raises NotFound."""
    from s2p_assets.spreadsheet.header import folded

    with ctx.warehouse.writing() as connection:
        if not header_aliases.forget_alias(connection, workbook, folded(header)):
            raise NotFound(
                f"'{header[:80]}' is matched to no column of {workbook}; `s2p aliases list` lists those that are"
            )
        refresh_aliases(ctx.settings, connection)


def all_aliases(ctx: Context) -> list[HeaderAlias]:
    with ctx.warehouse.reading() as connection:
        return refresh_aliases(ctx.settings, connection)


def refresh_aliases(settings: Settings, connection: psycopg.Connection) -> list[HeaderAlias]:
    """The list as the warehouse has it, and its copy made anew."""
    found = header_aliases.list_aliases(connection)
    known: KnownHeaders = {}
    for one in found:
        known.setdefault(one.workbook, {}).setdefault(one.column_name, []).append(one.header)
    if known != kept_aliases(settings):
        place = aliases_file(settings)
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = place.with_suffix(f".{os.getpid()}.tmp")
        beside.write_text(json.dumps(known, ensure_ascii=False), encoding="utf-8")
        beside.replace(place)
    return found


def known_aliases(settings: Settings, connection: psycopg.Connection) -> KnownHeaders:
    """What to read by where the warehouse is at hand."""
    refresh_aliases(settings, connection)
    return kept_aliases(settings)


def _column(ctx: Context, workbook: str, column: str) -> tuple[Workbook, Column]:
    contract = ctx.catalog.workbooks.get(workbook)
    if contract is None:
        raise NotFound(f"no workbook contract {workbook!r}; {meant_by(workbook, ctx.catalog.workbooks)}")
    found = next((one for one in contract.columns if one.name == column), None)
    if found is None:
        names = [one.name for one in contract.columns]
        raise NotFound(f"{workbook} has no column {column!r}; {meant_by(column, names)}")
    return contract, found


@dataclass(frozen=True, slots=True)
class TakenAlias:
    """What became of a header that was to be taken. `file`: where it stands now, None where it could not be taken."""

    file: Path | None
    says: str


def take_aliases(ctx: Context, workbook: str | None = None) -> dict[HeaderAlias, TakenAlias]:
    """Write the matched headers into the contracts' own files.

    A file is changed whole or not at all, and only where the column is declared by a call of `column(…)`.
    """
    waiting = [one for one in all_aliases(ctx) if one.taken_at is None and workbook in (None, one.workbook)]
    return {one: _taken(ctx, one) for one in waiting}


def _taken(ctx: Context, one: HeaderAlias) -> TakenAlias:
    try:
        contract, column = _column(ctx, one.workbook, one.column_name)
        file = _shelf_file(contract)
        _write_header(file, column, one.header)
    except (AliasRefused, NotFound) as error:
        return TakenAlias(None, f"not taken: {error}")
    with ctx.warehouse.writing() as connection:
        header_aliases.note_taken(connection, one.workbook, one.folded)
    return TakenAlias(file, f"taken into {file}")


def _shelf_file(contract: Workbook) -> Path:
    spec = importlib.util.find_spec(contract.rows.__module__)
    if spec is None or not spec.origin:
        raise AliasRefused(f"the file of {contract.full_name} is not found; add the header to it by hand")
    return Path(spec.origin)


def _write_header(file: Path, column: Column, header: str) -> None:
    """Add the header behind the last one of the column's declaration, in the file's own words otherwise."""
    try:
        source = file.read_text(encoding="utf-8")
        written = with_header(source, column, header)
        beside = file.with_suffix(f".{os.getpid()}.tmp")
        beside.write_text(written, encoding="utf-8")
        beside.replace(file)
    except OSError as error:
        raise AliasRefused(f"{file} cannot be written ({error.strerror}); add '{header}' to it by hand") from error


def with_header(source: str, column: Column, header: str) -> str:
    """The source of a shelf file in which a column has one more header. Raises AliasRefused."""
    calls = [
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and node.target.id == column.name
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id == "column"
    ]
    if len(calls) != 1:
        raise AliasRefused(f"{column.name} is not declared by one column(…) there; add {header!r} to it by hand")
    call = calls[0]
    lines = source.splitlines(keepends=True)
    if call.args:
        last = call.args[-1]
        line, place, text = last.end_lineno, last.end_col_offset, f", {_quoted(header)}"
    else:
        names = ", ".join(_quoted(one) for one in (column.headers[0], header))
        line, place = call.func.end_lineno, (call.func.end_col_offset or 0) + 1
        text = f"{names}, " if call.keywords else names
    assert line is not None
    assert place is not None
    raw = lines[line - 1].encode()
    lines[line - 1] = (raw[:place] + text.encode() + raw[place:]).decode()
    return "".join(lines)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def alias_line(one: HeaderAlias) -> str:
    """`'Qty sold' is quantity of acme_orders (ann@example.com, 2026-11-29)`."""
    return (
        f"'{one.header}' is {one.column_name} of {one.workbook} ({one.added_by}, {one.added_at.astimezone():%Y-%m-%d})"
    )


def alias_json(one: HeaderAlias) -> dict[str, Any]:
    """As `s2p aliases list --json` and `s2p status --json` print it."""
    return {
        "workbook": one.workbook,
        "column": one.column_name,
        "header": one.header,
        "added_by": one.added_by,
        "added_at": one.added_at.isoformat(),
        "taken_at": one.taken_at.isoformat() if one.taken_at else None,
        "says": alias_line(one),
    }


def aliases_in(ctx: Context, sources: Sequence[Path]) -> list[HeaderAlias]:
    """The matched headers that stand in drafted contracts: somebody said what they are already."""
    texts = [file.read_text(encoding="utf-8") for file in sources]
    return [one for one in all_aliases(ctx) if any(f'"{one.header}"' in text for text in texts)]
