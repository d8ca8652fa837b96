"""An edition that was made or made again, as a person at a terminal reads it.

How it is made belongs to the service.
"""

from s2p_assets.cli.terminal import escape, out
from s2p_assets.services.reports import ReportEdition

NUMBERS_NAMED = 8


def print_edition(made: ReportEdition) -> None:
    """Its headline, its files, and what is not as it was."""
    out.print(escape(made.edition.headline))
    for file in (made.edition.html, made.edition.excel, made.edition.pdf):
        out.print(f"[green]wrote[/green] {escape(str(file))}")
    for notice in made.notices:
        out.print(f"[yellow]not as it was:[/yellow] {escape(notice)}")
    if made.differs:
        shown = ", ".join(made.differs[:NUMBERS_NAMED])
        more = f" and {len(made.differs) - NUMBERS_NAMED:,} more" if len(made.differs) > NUMBERS_NAMED else ""
        out.print(f"[yellow]other numbers than those published:[/yellow] {shown}{more}")
    elif made.compared:
        out.print(f"every number is as it was published in the edition of {made.edition.as_of.isoformat()}")
