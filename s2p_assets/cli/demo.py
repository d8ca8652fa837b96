"""The command that shows s2p to a newcomer: a sample share drive, processed, and a cell to break and mend.

What a company does with its own share is in `share.py`.
"""

import datetime as dt
import os
import sys
from collections.abc import Mapping
from itertools import chain
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit, urlunsplit

import typer

from s2p_assets.cli.share import open_for_a_first_look, process_share, serve_share
from s2p_assets.cli.terminal import escape, out, progress

if TYPE_CHECKING:
    from s2p_assets.samples.share_files import Sample
    from s2p_assets.settings import Settings


def demo(
    every: Annotated[bool, typer.Option("--all", help="All sample companies, which takes four times as long.")] = False,
    ui: Annotated[bool, typer.Option("--ui/--no-ui", help="Serve it all afterwards.")] = True,
    live: Annotated[bool, typer.Option("--live", help="Let a sample web shop sell while it is served.")] = False,
) -> None:
    """Write a sample share drive, process it, say where everything is and what to try; then serve it all."""
    from s2p_assets.samples.share_files import sample_shares, shown_first
    from s2p_assets.settings import read_settings

    settings = read_settings()
    if live:
        _require_live(settings, is_watched=ui)
    if ui:
        from s2p_assets.graph.running.servers import require_port

        require_port(settings.host, settings.port)
    samples = sample_shares() if every else shown_first(sample_shares())
    _write_samples(settings, samples)
    _process_apart(settings)
    _print_mistakes(samples)
    _print_exercises(settings, samples, is_watched=ui)
    _print_links(settings, is_watched=ui)
    if ui and live:
        _serve_live(settings)
    elif ui:
        serve_share(open_for_a_first_look(settings))


def _process_apart(settings: "Settings") -> None:
    """Process the samples in a process of its own: what serves them goes on for days, without what a pass takes up."""
    from s2p_assets.cli.printing.status import print_outcome

    sys.stdout.flush()
    if not (child := os.fork()):
        print_outcome(settings, process_share(settings))
        raise typer.Exit
    _, status = os.waitpid(child, 0)
    if code := os.waitstatus_to_exitcode(status):  # the child said why
        raise typer.Exit(abs(code))


def _require_live(settings: "Settings", *, is_watched: bool) -> None:
    """Refuses, before anything is written, what cannot be shown live."""
    from s2p_assets.samples.retail_live_shop import broker_program

    if not is_watched:
        raise typer.BadParameter("--live shows what sells while it is served; leave --no-ui out")
    if settings.kafka:
        raise typer.BadParameter("--live starts a broker of its own; unset S2P_KAFKA first")
    broker_program()


def _serve_live(settings: "Settings") -> None:
    """Serve it all while the shop sells; ends with it."""
    from s2p_assets.samples.retail_live_shop import live_shop
    from s2p_assets.warehouse.server.connection import connect, database_url

    with connect(database_url(settings)) as connection:
        rows = connection.execute("select sku, max(msrp)::float from retail.products group by 1").fetchall()
    with live_shop(dict(rows)) as address:
        out.print("\n[bold]A web shop sells[/bold]")
        out.print(f"  {len(rows):,} articles, orders at {address}; half of them are of the last two weeks, told late")
        out.print(f"  watch them come in: {settings.address}, under [bold]Live[/bold]; demand follows every 5 minutes")
        out.print("  s2p trace retail_web_orders order_no=…   ends at the event itself")
        serve_share(open_for_a_first_look(settings.model_copy(update={"kafka": address})))


def _write_samples(settings: "Settings", samples: Mapping[str, "Sample"]) -> None:
    settings.share.mkdir(parents=True, exist_ok=True)
    with progress("writing a sample share drive") as say:
        count, today = 0, dt.date.today()  # noqa: DTZ011  the user's own day
        for file in chain.from_iterable(sample.write(settings.share, until=today) for sample in samples.values()):
            count += 1
            say(f"writing a sample share drive: {count} files ({file.name})")
    out.print(f"sample share drive: {count} files in {escape(str(settings.share))}")


def _print_mistakes(samples: Mapping[str, "Sample"]) -> None:
    planted = [mistake for sample in samples.values() for mistake in sample.mistakes]
    out.print(f"\n[bold]What was planted in the sample[/bold] ({len(planted)} faults)")
    for mistake in planted:
        place = " › ".join(part for part in (mistake.path, mistake.sheet, mistake.cell) if part)
        out.print(f"  {escape(place)}: {escape(mistake.description)}")


def _print_exercises(settings: "Settings", samples: Mapping[str, "Sample"], *, is_watched: bool) -> None:
    """Which file to open, which cell to break, and where its marked copy will be."""
    for exercise in (sample.exercise for sample in samples.values()):
        files = sorted(settings.share.glob(exercise.pattern)) if exercise else []
        if exercise is None or not files:
            continue
        copy = settings.returned / files[-1].relative_to(settings.share)
        steps = (
            f"Open {escape(str(files[-1]))}",
            f"On the sheet {exercise.sheet}, type {exercise.text} into {exercise.cell}, and save.",
            f"{'Wait a few seconds' if is_watched else 'Run s2p run'}: the marked copy is {escape(str(copy))}",
            "Put the old value back and save: the copy goes away, and the reports stand on the file as it was.",
        )
        out.print("\n[bold]Break a cell, watch it come back[/bold]")
        for number, step in enumerate(steps, start=1):
            out.print(f"  {number}. {step}")


def _print_links(settings: "Settings", *, is_watched: bool) -> None:
    from s2p_assets.warehouse.server.connection import database_url

    out.print("\n[bold]Where everything is[/bold]")
    out.print(f"  reports     {escape(str(settings.reports / 'index.html'))}")
    when = "in a moment" if is_watched else "while s2p up runs"
    out.print(f"  screen      {settings.address}   ({when})")
    out.print(f"  database    {escape(_without_password(database_url(settings)))}")


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")
    user = place[0].partition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{user}@{place[2]}" if user else place[2]))
