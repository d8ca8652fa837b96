"""The commands about one workbook: its verdict, what it would change, a template, a first contract.

What is asked of the share drive as a whole is in `share.py`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s2p_assets.cli.completion import workbook_names
from s2p_assets.cli.terminal import COULD_NOT, NEEDS_A_PERSON, Json, err, escape, out, print_json, progress

if TYPE_CHECKING:
    from s2p_assets.settings import Settings

ContractName = Annotated[
    str | None, typer.Option("--as", help="Read it by this contract.", autocompletion=workbook_names)
]
AskedContract = Annotated[
    str,
    typer.Argument(
        help="A workbook contract, such as retail_price_list.", show_default=False, autocompletion=workbook_names
    ),
]


def check(
    files: Annotated[list[Path], typer.Argument(help="Workbooks to check.", show_default=False)],
    workbook: Annotated[
        str | None, typer.Option("--as", help="Check against this contract.", autocompletion=workbook_names)
    ] = None,
    as_json: Json = False,
    marked: Annotated[Path | None, typer.Option("--marked", help="Write a copy with the bad cells marked.")] = None,
) -> None:
    """The verdict and every finding of files, nothing loaded."""
    from s2p_assets.cli.printing.readings import print_reading
    from s2p_assets.settings import read_settings

    settings = read_settings()
    from s2p_assets.services.check import check_files

    readings = []
    with progress("opening a reader", quiet=as_json) as say:
        for number, reading in enumerate(check_files(settings, files, workbook, marked), start=1):
            say(f"{number} of {len(files)} files checked")
            readings.append(reading)
    if as_json:
        print_json([reading.as_json() for reading in readings])
    else:
        for reading in readings:
            print_reading(reading)
    if any(reading.error for reading in readings):
        raise typer.Exit(COULD_NOT)
    raise typer.Exit(0 if all(reading.verdict == "accepted" for reading in readings) else NEEDS_A_PERSON)


def plan(
    file: Annotated[Path, typer.Argument(help="The workbook to be dropped.", show_default=False)],
    workbook: Annotated[
        str | None, typer.Option("--as", help="Plan it as this contract.", autocompletion=workbook_names)
    ] = None,
    as_json: Json = False,
) -> None:
    """What a file would change in what is loaded, before it is dropped; nothing is written."""
    from s2p_assets.cli.printing.readings import print_reading
    from s2p_assets.settings import read_settings

    settings = read_settings()
    from s2p_assets.services.plan import plan_file
    from s2p_assets.services.plan_sentences import plan_lines

    with progress(f"reading {file.name} and comparing it with what is loaded", quiet=as_json):
        planned = plan_file(settings, file, workbook)
    if as_json:
        print_json(planned.as_json())
    else:
        print_reading(planned.reading)
        for line in plan_lines(planned):
            out.print(escape(line))
    if planned.reading.error:
        raise typer.Exit(COULD_NOT)
    is_good = planned.reading.verdict == "accepted" and not planned.refused and not planned.questions
    raise typer.Exit(0 if is_good else NEEDS_A_PERSON)


def template(
    name: AskedContract,
    target: Annotated[Path | None, typer.Option("--to", help="Where to write it; by default NAME.xlsx here.")] = None,
) -> None:
    """Write an empty workbook with the right headers, types and drop-downs."""
    from s2p_assets.settings import read_settings

    settings = read_settings()
    from s2p_assets.services.check import find_contract

    contract = find_contract(settings, name)
    from s2p_assets.spreadsheet.template import write_template

    written = write_template(contract, target or Path(f"{name}.xlsx"))
    out.print(f"wrote {escape(str(written))}")


def new(
    file: Annotated[Path, typer.Argument(help="A real workbook of the new kind.", show_default=False)],
    name: Annotated[str, typer.Option("--name", help="DOMAIN_NAME, such as acme_orders.")],
    target: Annotated[Path | None, typer.Option("--to", help="Where to write it; by default on your shelf.")] = None,
    sheet: Annotated[str | None, typer.Option("--sheet", help="The one sheet that is meant.")] = None,
) -> None:
    """Write a workbook contract inferred from a real file; read it, then confirm its suggestions."""
    from s2p_assets.settings import read_settings

    settings = read_settings()
    from s2p_assets.services.check import NoContract, write_contracts

    try:
        with progress(f"reading {file.name} and trying contracts on it"):
            written = write_contracts(settings, file, name, target, sheet)
    except NoContract as reason:
        err.print(escape(str(reason)), soft_wrap=True)
        raise typer.Exit(NEEDS_A_PERSON) from reason
    for path in written:
        tried = f"s2p check {escape(str(file))!r} --as {escape(path.stem)}"
        out.print(f"wrote {escape(str(path))}; read it, then try: {tried}")
    _say_what_is_matched(settings, written)


def _say_what_is_matched(settings: "Settings", written: list[Path]) -> None:
    """Of the drafted headers those that people matched to a column of another contract; without a database none."""
    from s2p_assets.services.kept_aliases import kept_aliases

    if kept_aliases(settings):
        from s2p_assets.services.context import open_context
        from s2p_assets.services.header_aliases import alias_line, aliases_in

        for one in aliases_in(open_context(settings), written):
            out.print(escape(f"somebody matched it before: {alias_line(one)}"), soft_wrap=True)
