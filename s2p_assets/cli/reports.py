"""The commands about published numbers: where one comes from, and an edition made now or made again.

When a report is made by itself is decided in the graph.
"""

import datetime as dt
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from s2p_assets.cli.completion import report_names, traceable_names
from s2p_assets.cli.terminal import (
    NEEDS_A_PERSON,
    Json,
    escape,
    out,
    print_json,
    progress,
    silence_libraries,
    values_by_name,
)

ROWS_TRACED = 5

Traceable = Annotated[
    str,
    typer.Argument(
        help="A table or report, such as retail_demand.", show_default=False, autocompletion=traceable_names
    ),
]
AskedReport = Annotated[
    str,
    typer.Argument(help="A report, such as retail_weekly_outlook.", show_default=False, autocompletion=report_names),
]


def trace(
    name: Traceable,
    which: Annotated[
        list[str], typer.Argument(help="A table's row as COLUMN=VALUE …, or the id of a report's number.")
    ],
    column: Annotated[list[str] | None, typer.Option("--column", help="Only this column; may be repeated.")] = None,
    edition: Annotated[str | None, typer.Option("--edition", help="Of which day, by default the newest.")] = None,
    day: Annotated[
        str | None, typer.Option("--as-of", help="A report as `s2p report --as-of` makes it again.", metavar="DATE")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every row under it, not only the largest.")] = False,
    as_json: Json = False,
) -> None:
    """Walk a number back to the cells that it was made from: file, sheet, address."""
    from s2p_assets.settings import read_settings

    settings, now = read_settings(), dt.datetime.now().astimezone()
    from s2p_assets.cli.printing.traces import number_lines, trace_lines
    from s2p_assets.services.context import open_outlined
    from s2p_assets.services.named import require_traceable
    from s2p_assets.services.trace import trace_number, trace_table
    from s2p_assets.services.traced_models import models_behind

    ctx = open_outlined(settings)
    name, most = name.replace("-", "_").replace(".", "_", 1), None if everything else ROWS_TRACED
    require_traceable(ctx.catalog, name)
    if name in ctx.catalog.reports:
        silence_libraries()
        with progress("following it to the cells", quiet=as_json) as say:
            number = trace_number(ctx, name, which[0], edition=edition, as_of=day, most=most, progress=say)
        found, lines = asdict(number), number_lines(number)
        models = [one.sentence for one in models_behind(ctx, number.under, number.known_at or now)]
    else:
        values = values_by_name(which, name="COLUMN")
        rows = trace_table(ctx, name, values, column or (), most=most)
        found, lines = asdict(rows), trace_lines(rows)
        models = [one.sentence for one in models_behind(ctx, [rows], now)]
    if as_json:
        print_json(found | {"models": models})
        return
    for depth, line in lines:
        out.print(f"{'  ' * depth}{escape(line)}", soft_wrap=True)
    for model in models:
        out.print(escape(model), soft_wrap=True)


def report(
    name: AskedReport,
    day: Annotated[
        str | None, typer.Option("--as-of", help="As it was at the end of this day, or at a moment.", metavar="DATE")
    ] = None,
    to: Annotated[Path | None, typer.Option("--to", help="Write it to this new folder.")] = None,
    as_json: Json = False,
) -> None:
    """Make an edition now from what is stored, or make it again from what was known on a day."""
    from s2p_assets.settings import read_settings

    settings = read_settings()
    from s2p_assets.services.context import open_outlined
    from s2p_assets.services.named import report_named

    ctx = open_outlined(settings)
    chosen = report_named(ctx.catalog, name)
    silence_libraries()
    from s2p_assets.cli.printing.editions import print_edition
    from s2p_assets.services.reports import report_as_of, report_now

    with progress("asking the ledger", quiet=as_json) as say:
        made = report_as_of(ctx, chosen, day, to, say) if day else report_now(ctx, chosen, to, say)
    if as_json:
        print_json(made.as_json())
    else:
        print_edition(made)
    raise typer.Exit(NEEDS_A_PERSON if made.notices or made.differs else 0)
