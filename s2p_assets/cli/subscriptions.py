"""The commands about what people are told by mail: reports that they get, and values that are watched for them.

On the screen everybody asks for themselves; here whoever runs s2p names the recipient. Sending is `s2p up`'s.
"""

import getpass
from typing import Annotated, Any

import typer

from s2p_assets.cli.completion import report_names
from s2p_assets.cli.terminal import Json, escape, out, print_json, values_by_name
from s2p_assets.settings import read_settings

subscriptions = typer.Typer(
    name="subscriptions",
    help="Who gets each new edition of which report: list, add, end.",
    epilog="Example: `s2p subscriptions add retail_weekly_outlook anna@example.com`",
    no_args_is_help=True,
)
threshold_alerts = typer.Typer(
    name="threshold-alerts",
    help="Who is told when a value is under or over a limit: list, add, end.",
    epilog="Example: `s2p threshold-alerts add retail_reorder_plan stock_on_hand under 20 anna@example.com sku=0001`",
    no_args_is_help=True,
)
To = Annotated[str, typer.Argument(help="A mail address, or a service of the address book.", show_default=False)]
Number = Annotated[int, typer.Argument(help="Its number, as `list` says it.", show_default=False)]


@subscriptions.command("list")
def list_subscribed(as_json: Json = False) -> None:
    """Everybody who gets a report by mail because somebody asked for it."""
    from dataclasses import asdict

    from s2p_assets.services import subscriptions as service

    found = service.subscriptions_of(*_asked())
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        out.print(escape(f"{one.id:>4}  {one.report}  to {one.recipient}, asked for by {one.asked_by}"))
    if not found:
        out.print("nobody asked for a report")


@subscriptions.command("add")
def add_subscription(
    report: Annotated[str, typer.Argument(help="The report.", show_default=False, autocompletion=report_names)],
    to: To,
) -> None:
    """Send each new edition of a report to somebody."""
    from s2p_assets.services import subscriptions as service

    sent_to = service.subscribe(*_asked(), report, to)
    out.print(escape(f"{sent_to} gets each new edition of {report}"))


@subscriptions.command("end")
def end_subscription(number: Number) -> None:
    """Send it no more."""
    from s2p_assets.services import subscriptions as service

    service.unsubscribe(*_asked(), number)
    out.print("ended; it goes to them no more")


@threshold_alerts.command("list")
def list_watched(as_json: Json = False) -> None:
    """Every value that is watched, what it is now, and who is told."""
    from s2p_assets.services import threshold_alerts as service

    found = service.alerts_of(*_asked())
    if as_json:
        print_json([service.alert_json(*one) for one in found])
        return
    for one, says, value in found:
        now = "unknown" if value is None else f"{value:g}"
        out.print(escape(f"{one.id:>4}  {says} (now {now}), to {one.recipient}"))
    if not found:
        out.print("no value is watched")


@threshold_alerts.command("add")
def add_watched(
    table: Annotated[str, typer.Argument(help="The table.", show_default=False)],
    column: Annotated[str, typer.Argument(help="The quantity in it.", show_default=False)],
    direction: Annotated[str, typer.Argument(help="under or over.", show_default=False)],
    threshold: Annotated[float, typer.Argument(help="The limit.", show_default=False)],
    to: To,
    row: Annotated[list[str] | None, typer.Argument(help="The row, as sku=0001.", show_default=False)] = None,
) -> None:
    """Tell somebody once when a value passes its limit."""
    from s2p_assets.messaging.subscriptions import WatchedValue
    from s2p_assets.services import threshold_alerts as service

    ctx, asker = _asked()
    way: Any = direction
    wanted = WatchedValue(table.replace(".", "_", 1), values_by_name(row or []), column, way, threshold)
    value = service.watch_value(ctx, asker, wanted, to)
    now = "unknown" if value is None else f"{value:g}"
    out.print(escape(f"{service.alert_words(ctx, wanted)} (now {now})"))


@threshold_alerts.command("end")
def end_watched(number: Number) -> None:
    """Watch it no more."""
    from s2p_assets.services import threshold_alerts as service

    service.end_watch(*_asked(), number)
    out.print("ended; it is watched no more")


def _asked() -> tuple[Any, Any]:
    """The installation, and who runs s2p, who may name anybody."""
    from s2p_assets.services.askers import Asker
    from s2p_assets.services.context import open_outlined

    return open_outlined(read_settings()), Asker(getpass.getuser(), None, is_engineer=True, sees=lambda _: True)
