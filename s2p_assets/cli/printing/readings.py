"""A file's verdict and findings, as a person at a terminal reads them.

How a file is read belongs to the spreadsheet room.
"""

from s2p_assets.cli.terminal import escape, out
from s2p_assets.contracts.findings import ReadResult


def print_reading(reading: ReadResult) -> None:
    """The verdict on one line, then every finding at its cell."""
    colour = {"accepted": "green", "partly": "yellow", "returned": "red", "held": "yellow"}[reading.verdict]
    out.print(
        f"[bold]{escape(str(reading.file))}[/bold]: [{colour}]{reading.verdict}[/{colour}]"
        f"{f' as {reading.workbook}' if reading.workbook else ''}"
        f", {reading.rows_read:,} rows read, {reading.rows_accepted:,} good, {reading.rows_returned:,} returned"
    )
    if reading.error:
        out.print(f"  [red]{escape(reading.error)}[/red]")
    for finding in reading.findings:
        place = " › ".join(part for part in (reading.file.name, finding.sheet, finding.cell) if part)
        mark = "[red]✗[/red]" if finding.severity == "reject" else "[yellow]•[/yellow]"
        out.print(f"  {mark} {escape(place)}: {escape(finding.message)}")
