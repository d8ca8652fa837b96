"""The commands about rows that people entered: which there are, and taking them back.

Entering rows is for the screen and the API; what they do to a table is decided in `services/entries`.
"""

import getpass
from typing import Annotated, Any

import typer

from s2p_assets.cli.terminal import Json, escape, out, print_json

entries = typer.Typer(
    name="entries",
    help="Rows that people entered on the screen or through the API: list, undo, release.",
    epilog="Example: `s2p entries undo 2026-11-29-140752-24656782 --because 'it was right before'`",
    no_args_is_help=True,
)
Name = Annotated[str, typer.Argument(help="The entry, as `s2p entries list` names it.", show_default=False)]
Because = Annotated[str, typer.Option("--because", help="Why.", show_default=False)]
Sure = Annotated[bool, typer.Option("--sure", help="Also where there is a question.")]


@entries.command("list")
def list_entries(
    workbook: Annotated[str | None, typer.Option("--workbook", help="Only of this kind of workbook.")] = None,
    corrections: Annotated[bool, typer.Option("--corrections", help="Only corrections.")] = False,
    ended: Annotated[bool, typer.Option("--ended", help="Also those that were undone, released or lapsed.")] = False,
    as_json: Json = False,
) -> None:
    """Who entered what, when and why; by default what counts still."""
    from s2p_assets.services.entries.telling import entries_of

    kind: Any = "correction" if corrections else None
    found = entries_of(_context(), lambda _: True, workbook=workbook, kind=kind, is_standing=None if ended else True)
    if as_json:
        print_json(found)
        return
    for entry in found:
        out.print(escape(f"{entry['name']}   {entry['workbook']}   {entry['kind']} by {entry['made_by']}"))
        out.print(escape(f"    {entry['reason']}"))
        for row in entry["rows"]:
            out.print(escape(f"    {_row(row)}"))
    if not found:
        out.print("nothing was entered")


def _row(row: dict[str, Any]) -> str:
    which = ", ".join(str(value) for value in (row["key"] or row["after"]).values() if value is not None)
    changes = ", ".join(f"{name} {was} → {becomes}" for name, (was, becomes) in row["changes"].items())
    said = {"add": "added", "withdraw": "withdrawn"}.get(row["action"], changes)
    return f"{which}: {said}" + (f"   {row['ended_how']}" if row["ended_how"] else "")


@entries.command("undo")
def undo(
    name: Name,
    because: Because = "",
    sure: Sure = False,
    look: Annotated[bool, typer.Option("--look", help="Only say what it would do.")] = False,
) -> None:
    """Take back what somebody entered; the rows beneath are shown again."""
    from s2p_assets.services.entries import undoing

    ctx = _context()
    workbook = _workbook_of(ctx, name)
    if look:
        _print_rows(undoing.preview_undo(ctx, workbook, name))
        return
    terms = undoing.UndoTerms(getpass.getuser(), because, sure=sure)
    with ctx.reader() as reader:
        _print_rows(undoing.undo(ctx, reader, workbook, name, terms))
    out.print("undone; the next run brings the reports up to date")


@entries.command("release")
def release(name: Name, because: Because = "", sure: Sure = False) -> None:
    """End a correction: files say again what is in its rows."""
    from s2p_assets.services.entries import undoing

    ctx = _context()
    terms = undoing.UndoTerms(getpass.getuser(), because, sure=sure)
    with ctx.reader() as reader:
        _print_rows(undoing.release(ctx, reader, _workbook_of(ctx, name), name, terms))
    out.print("released; the next run brings the reports up to date")


def _print_rows(done: Any) -> None:
    for row in done.rows:
        out.print(escape(row.says))
    for question in done.questions:
        out.print(escape(question.message))


def _workbook_of(ctx: Any, name: str) -> str:
    from s2p_assets.services.entries.telling import workbook_of_entry

    return workbook_of_entry(ctx, name)


def _context() -> Any:
    from s2p_assets.services.context import open_context
    from s2p_assets.settings import read_settings

    return open_context(read_settings())
