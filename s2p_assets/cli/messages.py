"""The command about messages: what was sent, what waits and why, and whether the mail server takes one.

Who is told what is decided in `messaging/` and `services/messages`.
"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from s2p_assets.cli.console import table_lines
from s2p_assets.cli.terminal import COULD_NOT, NEEDS_A_PERSON, Json, err, escape, out, print_json

if TYPE_CHECKING:
    from s2p_assets.settings import Settings

SHOWN = 20


def messages(
    test: Annotated[
        str | None, typer.Option("--test", metavar="RECIPIENT", help="Send a message to an address or a service.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Try again what waits or was refused.")] = False,
    book: Annotated[bool, typer.Option("--book", help="Write a first address book to fill in.")] = False,
    as_json: Json = False,
) -> None:
    """What was told to whom, what waits and why; a test message; a first address book."""
    from s2p_assets.settings import read_settings

    settings = read_settings()
    from s2p_assets.services.context import open_context
    from s2p_assets.services.messages.sending import (
        read_recent_messages,
        send_test_message,
        try_again,
        write_first_book,
    )

    if book:
        written = write_first_book(settings)
        out.print(f"{escape(str(settings.addresses))}: {'written' if written else 'is there already'}")
        return
    if test is not None:
        _report_test(settings, test, send_test_message(settings, test))
        return
    ctx = open_context(settings)
    if again:
        out.print(f"{try_again(ctx)} messages are tried again")
    with ctx.warehouse.connect() as connection:
        recent = read_recent_messages(connection, SHOWN)
    if as_json:
        print_json(recent)
    else:
        _print_recent(recent)
    raise typer.Exit(NEEDS_A_PERSON if any(one["error"] for one in recent) else 0)


def _report_test(settings: "Settings", recipient: str, problem: str | None) -> None:
    if problem:
        err.print(f"[red]not delivered:[/red] {escape(problem)}")
        raise typer.Exit(COULD_NOT)
    where = "was taken" if settings.smtp_host else f"lies in {settings.outbox}, as S2P_SMTP_HOST names no mail server"
    out.print(f"the message to {escape(recipient)} {escape(where)}")


def _print_recent(recent: list[dict[str, Any]]) -> None:
    rows = []
    for one in recent:
        more = f", and {len(one['about']) - 1} more" if one["about"][1:] else ""
        state = f"{one['state']}, perhaps twice" if one["times_in_doubt"] else one["state"]
        about = f"{one['about'][0]}{more}" if one["about"] else ""
        rows.append((one["created_at"][:16].replace("T", " "), escape(one["recipient"]), state, escape(about)))
        if one["error"]:
            rows.append(("", "", "", f"[yellow]{escape(one['error'])}[/yellow]"))
    out.print(*(table_lines(("written", "to", "state", "about"), rows) if rows else ["no message was written yet"]))
