"""The commands about a table at any moment: its rows, and how it changed from one moment to another.

Where a value comes from is asked with `trace`, in `reports.py`.
"""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s2p_assets.cli.completion import table_names
from s2p_assets.cli.terminal import NEEDS_A_PERSON, Json, escape, out, print_json, progress, silence_libraries

if TYPE_CHECKING:
    from s2p_assets.catalog.catalog import Readable
    from s2p_assets.services.context import Context

ROWS_SHOWN = 20

AskedTable = Annotated[
    str, typer.Argument(help="A table, such as retail_demand.", show_default=False, autocompletion=table_names)
]
Moment = "MOMENT"
Limit = Annotated[
    int | None, typer.Option("--limit", help="At most so many rows.", min=1, show_default=str(ROWS_SHOWN))
]


def table(
    name: AskedTable,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", help="As it was known at the end of this day, or at a moment.", metavar=Moment),
    ] = None,
    where: Annotated[
        list[str] | None, typer.Option("--where", help="COLUMN=VALUE, COLUMN.gte=VALUE …; may be repeated.")
    ] = None,
    columns: Annotated[str, typer.Option("--columns", help="Only these, separated by commas.")] = "",
    sort: Annotated[str, typer.Option("--sort", help="By these columns, - before one for downwards.")] = "",
    limit: Limit = None,
    to: Annotated[Path | None, typer.Option("--to", help="Write all rows to this .csv, .xlsx or .parquet.")] = None,
    as_json: Json = False,
) -> None:
    """Rows of a table, as it stands or as it was known at any moment; or all of them in a file."""
    from s2p_assets.services.past_tables import read_filters, show_rows, write_table
    from s2p_assets.services.tables import TableQuestion

    asked = TableQuestion(read_filters(where or ()), columns, sort, limit=limit)
    ctx, chosen = _opened(name)
    with progress(f"reading {chosen.full_name}", quiet=as_json or not as_of) as say:
        if to is not None:
            notices = write_table(ctx, chosen, asked, as_of, to)
        else:
            bounded = TableQuestion(asked.filters, columns, sort, limit=limit or ROWS_SHOWN)
            shown = show_rows(ctx, chosen, bounded, as_of, say)
            notices = shown.notices
    if as_json:
        print_json({"file": str(to), "notices": notices} if to is not None else asdict(shown))
    elif to is not None:
        out.print(f"wrote {escape(str(to))}")
    else:
        from s2p_assets.cli.printing.tables import rows_lines

        out.print(*rows_lines(shown))
    if not as_json:
        for notice in notices:
            out.print(f"[yellow]{escape(notice)}[/yellow]")
    raise typer.Exit(NEEDS_A_PERSON if notices else 0)


def diff(
    name: AskedTable,
    since: Annotated[str, typer.Option("--from", help="The earlier day or moment.", metavar=Moment)],
    until: Annotated[str, typer.Option("--to", help="The later one.", metavar=Moment)],
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Which rows of a table changed from one moment to another, and which files, entries and streams did it."""
    from s2p_assets.services.table_changes import table_changes

    ctx, chosen = _opened(name)
    with progress(f"comparing {chosen.full_name}", quiet=as_json) as say:
        found = table_changes(ctx, chosen.full_name, since, until, limit or ROWS_SHOWN, say)
    if as_json:
        print_json(asdict(found))
    else:
        from s2p_assets.cli.printing.tables import changes_lines

        out.print(*changes_lines(found))
    raise typer.Exit(NEEDS_A_PERSON if found.notices else 0)


def _opened(name: str) -> "tuple[Context, Readable]":
    from s2p_assets.services.context import open_outlined
    from s2p_assets.services.named import stored_named
    from s2p_assets.settings import read_settings

    ctx = open_outlined(read_settings())
    chosen = stored_named(ctx.catalog, name)
    silence_libraries()
    return ctx, chosen
