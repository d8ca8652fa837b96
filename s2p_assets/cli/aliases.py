"""The commands about headers that people matched to columns: which there are, and taking them into contracts.

What a header is matched to on the screen is decided in `services/header_aliases.py`.
"""

from typing import Annotated

import typer

from s2p_assets.cli.completion import workbook_names
from s2p_assets.cli.terminal import NEEDS_A_PERSON, Json, err, escape, out, print_json

aliases = typer.Typer(
    name="aliases",
    help="Headers that people matched to columns: list, take, forget.",
    epilog="Example: `s2p aliases take acme_orders`",
    no_args_is_help=True,
)


@aliases.command("list")
def list_matched(as_json: Json = False) -> None:
    """Every header that somebody said is a column, and whether the contract says so by now."""
    from s2p_assets.services.context import open_context
    from s2p_assets.services.header_aliases import alias_json, alias_line, all_aliases
    from s2p_assets.settings import read_settings

    known = all_aliases(open_context(read_settings()))
    if as_json:
        print_json([alias_json(one) for one in known])
        return
    for one in known:
        out.print(escape(alias_line(one)) + (" [dim]taken into the contract[/dim]" if one.taken_at else ""))
    if not known:
        out.print("no header was matched to a column")


@aliases.command("take")
def take(
    workbook: Annotated[
        str | None, typer.Argument(help="Of one contract alone.", show_default=False, autocompletion=workbook_names)
    ] = None,
) -> None:
    """Write the matched headers into the contracts' own files, behind those that stand there."""
    from s2p_assets.services.context import open_context
    from s2p_assets.services.header_aliases import alias_line, take_aliases
    from s2p_assets.settings import read_settings

    done = take_aliases(open_context(read_settings()), workbook)
    for one, place in done.items():
        (out if place.file else err).print(escape(f"{alias_line(one)}: {place.says}"), soft_wrap=True)
    if not done:
        out.print("nothing to take: every matched header is in its contract")
    if any(place.file is None for place in done.values()):
        raise typer.Exit(NEEDS_A_PERSON)


@aliases.command("forget")
def forget(
    workbook: Annotated[str, typer.Argument(help="The contract.", autocompletion=workbook_names)],
    header: Annotated[str, typer.Argument(help="The header that is not its column.")],
) -> None:
    """Let a header be no column any more; what was loaded by it stays."""
    from s2p_assets.services.context import open_context
    from s2p_assets.services.header_aliases import forget_match
    from s2p_assets.settings import read_settings

    forget_match(open_context(read_settings()), workbook, header)
    out.print(escape(f"'{header}' is no column of {workbook} any more"))
