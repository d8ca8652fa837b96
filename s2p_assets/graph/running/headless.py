"""One pass from the share to the last report, for the command line.

It joins the parts; each part's own work is done by its neighbours.
"""

import contextlib
import datetime as dt
import uuid
from typing import Any

import dagster as dg

from s2p_assets.contracts.errors import MendableError
from s2p_assets.graph.executor import PAST_WHAT_IS_MADE
from s2p_assets.graph.run_matters import run_matters
from s2p_assets.graph.running.instance import open_instance
from s2p_assets.graph.running.locks import (
    UnfinishedRun,
    clean_up,
    headless_tags,
    unfinished_server_runs,
)
from s2p_assets.graph.running.one_run import PassResult, Progress
from s2p_assets.graph.running.turns import are_servers_up, headless_lock
from s2p_assets.graph.running.waves import HeadlessPass
from s2p_assets.graph.share_sensor import report_look, used_domains
from s2p_assets.services.context import Context
from s2p_assets.services.elsewhere import fetch_once, is_anything_elsewhere
from s2p_assets.services.errors import is_lost_database
from s2p_assets.services.messages.sending import send_messages
from s2p_assets.services.share import look_at_share
from s2p_assets.services.spans import run_span
from s2p_assets.services.status import read_status
from s2p_assets.spreadsheet.sandbox import Sandbox
from s2p_assets.warehouse.server.connection import database_url
from s2p_assets.warehouse.server.unreachable import DatabaseUnreachable

UNCLAIMED_EXPLAINED = 10
S2P = "s2p"


def process(ctx: Context, definitions: dg.Definitions, progress: Progress) -> dict[str, Any]:
    """Process what is new or changed; the status afterwards, with `runs`, `failures` and `waits`."""
    begun = dt.datetime.now(dt.UTC)
    with headless_lock(ctx.settings, progress):
        try:
            finished = _pass(ctx, definitions, progress)
        except DatabaseUnreachable:
            raise
        except Exception as error:
            if is_lost_database(error):
                database_url(ctx.settings)  # says what is wrong with an embedded one that cannot be had again
            raise
    status = read_status(ctx, begun)
    result = {"runs": finished.runs, "failures": finished.failures, "waits": finished.waits}
    return status | result | {"unclaimed": _explained(ctx, status["unclaimed"])}


def _explained(ctx: Context, unclaimed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Files that nobody claims, the first of them with the nearest contract and the columns they lack."""
    unexplained = [file for file in unclaimed if file["says"] is None]
    if not unexplained:
        return unclaimed
    known = list(ctx.catalog.workbooks.values())
    with Sandbox.within(ctx.settings) as sandbox:
        for file in unexplained[:UNCLAIMED_EXPLAINED]:
            reading = sandbox.read(ctx.settings.place_of(file["path"]), [], display_name=file["path"], others=known)
            file["says"] = reading.error or " ".join(finding.message for finding in reading.findings[:1])
    return unclaimed


def _pass(ctx: Context, definitions: dg.Definitions, progress: Progress) -> PassResult:
    with open_instance(ctx.settings) as instance:
        clean_up(ctx.settings, instance, headless=True)

        if is_anything_elsewhere(ctx):
            fetch_once(ctx, None, progress)
        progress("looking at the share")
        now = look_at_share(ctx)

        def look() -> None:
            report_look(ctx, instance, now)

        def servers() -> list[UnfinishedRun]:
            return unfinished_server_runs(ctx.settings, instance)

        used = used_domains(ctx, instance, now)
        waves = HeadlessPass(
            definitions,
            instance,
            progress,
            headless_tags(ctx.settings) | PAST_WHAT_IS_MADE,
            selection=dg.AssetSelection.key_prefixes(*used.domains, S2P, include_sources=True),
            server_runs=servers,
        )
        with run_span(ctx.settings, uuid.uuid4().hex):
            finished = waves.run(look, has_new_assets=bool(used.woken))
        _bring_lakehouse_up_to_date(ctx, progress)
        progress("telling people what concerns them")
        _send_messages(ctx, instance, finished)
        return finished


def _bring_lakehouse_up_to_date(ctx: Context, progress: Progress) -> None:
    """Where there is one. What kept it from that is noted for status and messages; no run fails for it."""
    if ctx.settings.lakehouse is None or are_servers_up(ctx.settings):
        return
    from s2p_assets.services.lakehouse_schedule import bring_up_to_date

    progress("bringing the lakehouse up to date")
    with contextlib.suppress(MendableError):
        bring_up_to_date(ctx, progress)


def _send_messages(ctx: Context, instance: dg.DagsterInstance, finished: PassResult) -> None:
    """What happened is told at once where no servers do it; a pass does not fail for a message that cannot go."""
    try:
        done = send_messages(ctx, run_matters(ctx, instance), at_once=not are_servers_up(ctx.settings))
    except MendableError as problem:
        finished.waits.append(f"messages: {problem}")
        return
    finished.waits.extend(f"messages: {problem}" for problem in done.problems)
