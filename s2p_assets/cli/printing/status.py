"""How things stand, as a person at a terminal reads it: one function for each part.

What stands where is read by the service.
"""

import shlex
from typing import Any

from s2p_assets.cli.console import table_lines
from s2p_assets.cli.terminal import err, escape, out
from s2p_assets.services.attention import what_needs_a_person
from s2p_assets.settings import Settings

WAITING_SHOWN = 5
MISSING_SHOWN = 10
IMPLAUSIBLE_SHOWN = 5
GONE_SHOWN = 10
CHANGES_SHOWN = 10
FINDINGS_SHOWN = 3
UNDELIVERED_SHOWN = 5
NOTICES_SHOWN = 5


def print_outcome(settings: Settings, current: dict[str, Any]) -> None:
    """The status after a pass, what waits and what failed."""
    print_status(settings, current)
    for wait in sorted(set(current["waits"])):
        out.print(f"[yellow]not yet:[/yellow] {escape(wait)}")
    print_failures(current)


def print_failures(current: dict[str, Any]) -> None:
    """What failed, one line each."""
    for failure in current["failures"]:
        err.print(f"[red]failed:[/red] {escape(failure)}")


def print_status(settings: Settings, current: dict[str, Any]) -> None:
    """Whether anything needs a person; what is loaded, who is champion, and where the reports are."""
    needs = what_needs_a_person(current)
    out.print(
        f"[yellow]Needs a person:[/yellow] {'; '.join(needs)}" if needs else "[green]Nothing needs a person.[/green]"
    )
    if current["under_way"]["says"]:
        out.print(f"[dim]Under way:[/dim] {escape(current['under_way']['says'])}.")
    out.print()
    _print_workbooks(current["workbooks"])
    _print_streams(current["streams"])
    _print_live_tables(current["live_tables"])
    _print_remotes(current["remotes"])
    _print_mailbox(current["mailbox"])
    _print_changes(current["changes"])
    _print_champions(current["models"])
    for file in current["sent_back"]:
        _print_returned(file)
    _print_missing(current["missing"])
    _print_implausible(current["implausible"])
    for file in current["held"]:
        _print_held(file)
    _print_gone(current["gone"])
    _print_waiting(current["waiting"])
    for file in current["unclaimed"]:
        out.print(f"\n[yellow]nobody claims[/yellow] {escape(file['path'])}")
        if file["says"]:
            out.print(f"    {escape(file['says'])}")
    _print_aliases(current["aliases"])
    for fault in current["faults"]:
        err.print(f"[red]shelf file left out:[/red] {escape(fault)}")
    _print_reports(settings, current["reports"])
    _print_lakehouse(current["lakehouse"])
    print_messages(current["messages"])
    slower = "; where it is compiled at install, they are read in two thirds of the time"
    out.print(f"\n[dim]Sheets are cut by the {current['cutter']} cutter{slower * (current['cutter'] == 'pure')}.[/dim]")


def _print_lakehouse(lakehouse: dict[str, Any] | None) -> None:
    if lakehouse is None:
        return
    held = f"of {lakehouse['moment'][:16].replace('T', ' ')}" if lakehouse["moment"] else "empty yet"
    out.print(f"\nlakehouse: {escape(lakehouse['target'])}, {held}")
    if lakehouse["problem"]:
        out.print(f"    [yellow]not brought up to date:[/yellow] {escape(lakehouse['problem'])}")


def _print_aliases(aliases: list[dict[str, Any]]) -> None:
    if aliases:
        out.print("\nheaders that people matched to columns; `s2p aliases take` writes them into the contracts:")
        for one in aliases:
            out.print(f"  {escape(one['says'])}")


def print_messages(messages: dict[str, Any]) -> None:
    """What people were not told: messages that could not be delivered, and an address book that cannot be read."""
    if messages["problem"]:
        err.print(f"\n[red]nobody is told anything:[/red] {escape(messages['problem'])}")
    for one in messages["undelivered"][:UNDELIVERED_SHOWN]:
        word = "refused" if one["for_good"] else "not yet delivered"
        out.print(f"\n[yellow]{word}[/yellow] the message to {escape(one['recipient'])}: {escape(one['error'])}")
        out.print(
            f"    {escape(one['about'][0])}" + (f", and {len(one['about']) - 1} more" if one["about"][1:] else "")
        )
    if len(messages["undelivered"]) > UNDELIVERED_SHOWN:
        out.print(f"    and {len(messages['undelivered']) - UNDELIVERED_SHOWN:,} more; s2p messages lists all")
    if messages["outbox"]:
        count = messages["spooled"]
        lie = "message lies" if count == 1 else "messages lie"
        out.print(f"\n{count:,} {lie} in {escape(messages['outbox'])}: S2P_SMTP_HOST names no mail server")


def _print_mailbox(mailbox: dict[str, Any] | None) -> None:
    """What keeps s2p from the mailbox, and the mails that wait for somebody."""
    if mailbox and mailbox["problem"]:
        out.print(f"\n[yellow]the mailbox {escape(mailbox['place'])}:[/yellow] {escape(mailbox['problem'])}")
    for mail in (mailbox or {}).get("held", ()):
        out.print(f"\n[yellow]held[/yellow] a mail of {escape(mail['sender'])}: {escape(mail['subject'])}")
        out.print(f"    {escape(mail['why'] or '')}")


def _print_remotes(remotes: list[dict[str, Any]]) -> None:
    """The folders elsewhere: how many files each brought, and what keeps s2p from it."""
    for one in remotes:
        looked = f", last looked at {one['looked_at'][:16].replace('T', ' ')}" if one["looked_at"] else ""
        out.print(f"\n{escape(one['place'])}: {one['files']:,} {'file' if one['files'] == 1 else 'files'}{looked}")
        if one["problem"]:
            since = f" since {one['since'][:16].replace('T', ' ')}" if one["state"] == "away" else ""
            out.print(f"    [yellow]{'away' if since else 'not yet'}{since}:[/yellow] {escape(one['problem'])}")
        if one["is_silent"]:
            out.print("    [yellow]nobody looks at it:[/yellow] start s2p up, or s2p fetch --watch")
        for note in one["notes"][:NOTICES_SHOWN]:
            out.print(f"    [yellow]left out:[/yellow] {escape(note)}")
        if one["kept_from_returning"]:
            why = escape(one["kept_from_returning"])
            out.print(f"    marked copies are on the screen, not there: {why}")


def _print_streams(streams: list[dict[str, Any]]) -> None:
    """The streams that brought something or are read; of those that are only declared nothing."""
    shown = [one for one in streams if one["events"] or one["readers"]]
    if not shown:
        return
    header = ("stream", "events", "rows", "returned", "behind", "last stored")
    rows = [
        (
            one["name"],
            f"{one['events']:,}",
            f"{one['rows']:,}",
            f"[yellow]{one['returned']:,}[/yellow]" if one["returned"] else "0",
            "–" if one["lag"] is None else f"{one['lag']:,}",
            (one["last_stored"] or "–")[:16].replace("T", " "),
        )
        for one in shown
    ]
    out.print()
    out.print(*table_lines(header, rows, right=range(1, 5)))
    for one in shown:
        problems = dict.fromkeys(reader["problem"] for reader in one["readers"] if reader["problem"])
        for says in (*problems, *one["notices"][:NOTICES_SHOWN]):
            out.print(f"  [yellow]{escape(one['name'])}:[/yellow] {escape(says)}")


def _print_live_tables(tables: list[dict[str, Any]]) -> None:
    """Those that do not follow their streams."""
    for one in tables:
        if one["problem"]:
            since = one["since"][:16].replace("T", " ")
            out.print(f"  [yellow]{escape(one['name'])}[/yellow] is not made since {since}: {escape(one['problem'])}")


def _print_workbooks(workbooks: list[dict[str, Any]]) -> None:
    header = ("workbook", "files", "rows", "returned", "held", "waiting", "last loaded")
    rows = [
        (
            book["name"],
            f"{book['files']:,}",
            f"{book['rows']:,}",
            f"[yellow]{book['returned']:,}[/yellow]" if book["returned"] else "0",
            f"[yellow]{book['held']:,}[/yellow]" if book["held"] else "0",
            f"{book['waiting']:,}",
            (book["last_loaded"] or "–")[:16].replace("T", " "),
        )
        for book in workbooks
    ]
    out.print(*table_lines(header, rows, right=range(1, 6)))


def _print_champions(models: list[dict[str, Any]]) -> None:
    for model in models:
        if model["champion"]:
            out.print(f"\n{model['name']}: {model['champion']} is champion, trained {model['trained_at'][:16]}")
        for says in model["left_out"]:
            out.print(f"    [yellow]not learned from:[/yellow] {escape(says)}")
        if model["pinned"]:
            out.print(f"    [yellow]pinned:[/yellow] {escape(model['pinned'])}")


def _print_returned(file: dict[str, Any]) -> None:
    out.print(f"\n[yellow]returned[/yellow] {escape(file['path'])} to {escape(file['owner'])}")
    if file["error"]:
        out.print(f"    {escape(file['error'])}")
    for finding in file["findings"][:FINDINGS_SHOWN]:
        out.print(f"    {escape(finding)}")
    if len(file["findings"]) > FINDINGS_SHOWN:
        out.print(f"    and {len(file['findings']) - FINDINGS_SHOWN} more")
    if file["copy"]:
        out.print(f"    marked copy: {escape(file['copy'])}")


def _print_missing(files: list[dict[str, Any]]) -> None:
    for file in files[:MISSING_SHOWN]:
        word = "late" if file["is_late"] else "missing"
        out.print(f"\n[yellow]{word}[/yellow] {escape(file['name'])}: {escape(file['says'])}")
        out.print(f"    {escape(file['owner'])} is asked for it")
    if len(files) > MISSING_SHOWN:
        out.print(f"    and {len(files) - MISSING_SHOWN:,} more; s2p status --json names all")


def _print_implausible(values: list[dict[str, Any]]) -> None:
    for value in values[:IMPLAUSIBLE_SHOWN]:
        out.print(f"\n[yellow]implausible[/yellow] {escape(value['says'])}")
        for cell in value["cells"]:
            out.print(f"    {escape(cell)}")
    if len(values) > IMPLAUSIBLE_SHOWN:
        out.print(f"    and {len(values) - IMPLAUSIBLE_SHOWN:,} more; s2p status --json names all")


def _print_held(file: dict[str, Any]) -> None:
    out.print(f"\n[yellow]held[/yellow] {escape(file['path'])}: nothing of it is loaded, what was loaded before stands")
    for question in file["questions"]:
        out.print(f"    {escape(question)}")
    if file["says"]:
        out.print(f"    in all: {escape(file['says'])}")
    out.print(f"    if it is right: s2p accept {escape(shlex.quote(file['path']))}; if not, {escape(file['owner'])}")
    out.print("    puts the right file in its place, or takes it away")


def _print_gone(files: list[dict[str, Any]]) -> None:
    for file in files[:GONE_SHOWN]:
        rows = f"{file['rows']:,} {'row' if file['rows'] == 1 else 'rows'}"
        out.print(f"\n[yellow]gone[/yellow] {escape(file['path'])}: {rows} of it still count")
        if file["replaced_by"]:
            out.print(f"    other rows of it are now in {escape(file['replaced_by'])}")
        path = escape(shlex.quote(file["path"]))
        out.print(f"    to withdraw them: s2p forget {path}; to keep them: s2p keep {path}")
    if len(files) > GONE_SHOWN:
        out.print(f"\n[yellow]gone[/yellow] and {len(files) - GONE_SHOWN:,} more files; s2p status --json names all")


def _print_changes(files: list[dict[str, Any]]) -> None:
    """Each file that changed rows that were loaded before, then what new files brought in all."""
    known = [file for file in files if file["of_known_rows"]]
    for file in known[:CHANGES_SHOWN]:
        by = "" if file["verdict"] == "duplicate" else "changed by "
        out.print(f"\n{by}{escape(file['path'])}: {escape(file['says'])}")
    if len(known) > CHANGES_SHOWN:
        out.print(f"    and by {len(known) - CHANGES_SHOWN:,} more files; s2p status --json tells all")
    if new := [file for file in files if not file["of_known_rows"]]:
        rows = sum(file["changes"].get("new", 0) for file in new)
        out.print(f"\n{len(new):,} {'file' if len(new) == 1 else 'files'} brought {rows:,} new rows and changed none")


def _print_waiting(paths: list[str]) -> None:
    for path in paths[:WAITING_SHOWN]:
        out.print(f"\n[yellow]waiting[/yellow] {escape(path)}")
    if len(paths) > WAITING_SHOWN:
        out.print(f"    and {len(paths) - WAITING_SHOWN:,} more")


def _print_reports(settings: Settings, reports: list[dict[str, Any]]) -> None:
    for report in reports:
        if report["path"]:
            out.print(f"\n[green]report[/green] {report['name']} of {report['latest']}: {escape(report['path'])}")
    index = settings.reports / "index.html"
    if index.exists():
        out.print(f"all reports: {escape(str(index))}")
