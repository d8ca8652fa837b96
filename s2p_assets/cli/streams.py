"""The commands about streams: read them, list what came back of them, take it again."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from s2p_assets.cli.console import table_lines
from s2p_assets.cli.terminal import NEEDS_A_PERSON, Json, err, escape, out, print_json

SHOWN = 20


def stream(
    seconds: Annotated[float | None, typer.Option("--for", help="End after so many seconds.", min=0.1)] = None,
    lifeline: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Read Kafka topics and tables of other databases into their streams' tables until stopped; processes share."""
    if lifeline is None:
        raise typer.Exit(_kept_reading(seconds))
    from s2p_assets.settings import read_settings

    settings = read_settings()
    from s2p_assets.services.context import open_outlined
    from s2p_assets.services.logs import start_log
    from s2p_assets.services.streams.reading import read_streams
    from s2p_assets.services.streams.telling import require_streams, source_words

    ctx = open_outlined(settings)
    streams = require_streams(ctx)
    start_log(settings.log_format)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    if seconds is not None:
        timer = threading.Timer(seconds, ended.set)
        timer.daemon = True
        timer.start()
    threading.Thread(target=_end_with, args=(lifeline, ended), daemon=True).start()
    for one in streams:
        out.print(escape(f"reading {one.full_name} from {source_words(one)}"))
    out.print("Ctrl-C ends it")
    out.print(f"{read_streams(ctx, streams, ended):,} rows stored")


def _kept_reading(seconds: float | None) -> int:
    """Read in a process of its own, begun anew when it is killed or crashes; its exit code.

    librdkafka 2.16.1 crashes where a topic is deleted and made anew while it is read.
    """
    theirs, ours = os.pipe()
    limit = [] if seconds is None else ["--for", str(seconds)]
    command = [sys.executable, "-m", "s2p_assets.cli", "stream", "--lifeline", str(theirs), *limit]
    ended = threading.Event()
    running = list[subprocess.Popen[bytes]]()

    def stop(*_: object) -> None:
        ended.set()
        for process in running:
            process.terminate()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    while True:
        running[:] = [subprocess.Popen(command, pass_fds=[theirs])]
        if ended.is_set():
            stop()
        code = running[0].wait()
        if code >= 0 or ended.is_set():
            os.close(ours)
            return max(code, 0)
        err.print(f"s2p: the reading process was ended by signal {-code}; it begins anew where the rows end")
        ended.wait(1.0)


def _end_with(lifeline: int, ended: threading.Event) -> None:
    """Stop when whoever keeps this process up, and holds the other end, has ended."""
    with suppress(OSError):
        os.read(lifeline, 1)
    ended.set()


def returned(
    name: Annotated[str, typer.Argument(metavar="STREAM", help="The stream, `retail_web_orders`.")],
    lines: Annotated[bool, typer.Option("--lines", help="As lines of JSON, to correct and give to `replay`.")] = False,
    as_json: Json = False,
) -> None:
    """The events of a stream that came back, each with every finding, the oldest first."""
    from s2p_assets.settings import read_settings

    settings = read_settings()
    from s2p_assets.services.context import open_outlined
    from s2p_assets.services.streams.replaying import lines_to_correct
    from s2p_assets.services.streams.taking import stream_named
    from s2p_assets.services.streams.telling import returned_of

    ctx = open_outlined(settings)
    stream_named(ctx, name)
    if lines:
        for line in lines_to_correct(ctx, name):
            typer.echo(line)
        return
    found = returned_of(ctx, name)
    if as_json:
        print_json(found)
    elif not found:
        out.print("nothing came back that nobody has settled")
    else:
        _print_returned(name, found)
    raise typer.Exit(NEEDS_A_PERSON if found else 0)


def _print_returned(name: str, found: list[dict[str, Any]]) -> None:
    rows = [
        [str(one["id"]), escape(one["at"]), escape("; ".join(dict.fromkeys(f["message"] for f in one["findings"])))]
        for one in found[:SHOWN]
    ]
    out.print(*table_lines(["number", "event", "what is wrong"], rows))
    if len(found) > SHOWN:
        out.print(f"and {len(found) - SHOWN:,} more; --json lists all")
    out.print(escape(f"to take them again: s2p replay {name}; corrected: s2p returned {name} --lines > FILE, then"))
    out.print(escape(f"  s2p replay {name} FILE"))


def replay(
    name: Annotated[str, typer.Argument(metavar="STREAM", help="The stream, `retail_web_orders`.")],
    file: Annotated[
        Path | None, typer.Argument(help="Corrected events, lines of JSON with `_id`.", show_default=False)
    ] = None,
    number: Annotated[list[int] | None, typer.Option("--number", help="Only these, by their numbers.")] = None,
    drop: Annotated[bool, typer.Option("--drop", help="Take them for settled, and store none of them.")] = False,
    as_json: Json = False,
) -> None:
    """Take events that came back again: by the contract of today, or corrected."""
    from dataclasses import asdict

    from s2p_assets.settings import read_settings

    settings = read_settings()
    from s2p_assets.services.context import open_outlined
    from s2p_assets.services.streams.replaying import NotReplayed, read_corrections
    from s2p_assets.services.streams.replaying import replay as take_again

    if file is not None and (drop or number):
        raise NotReplayed("a file says itself which events are meant; leave --number and --drop out")
    corrected = read_corrections(file.read_bytes()) if file else None
    done = take_again(open_outlined(settings), name, ids=number or (), corrected=corrected, drop=drop)
    if as_json:
        print_json(asdict(done))
    elif drop:
        out.print(f"{done.dropped:,} dropped")
    else:
        out.print(f"{done.stored:,} stored, {done.repeated:,} there already, {done.returned:,} came back again")
    raise typer.Exit(NEEDS_A_PERSON if done.returned else 0)
