"""One pass from the share to the last report, for the command line.

It joins the parts; each part's own work is done by its neighbours.
"""

from typing import Any

import dagster as dg

from s2p_assets.graph.drive import look_at_share
from s2p_assets.graph.house import House
from s2p_assets.graph.instance import open_instance
from s2p_assets.graph.problems import lost_database
from s2p_assets.graph.resources import Warehouse
from s2p_assets.graph.running import Finished, Progress, run_until_settled
from s2p_assets.graph.share_sensor import awake, report_look
from s2p_assets.graph.status import read_status
from s2p_assets.graph.turns import AtWork, clear_up, headless_tags, headless_turn, servers_at_work
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.sandbox import Sandbox
from s2p_assets.warehouse.connection import database_url
from s2p_assets.warehouse.unreachable import DatabaseUnreachable

UNCLAIMED_EXPLAINED = 10
S2P = "s2p"


def process(
    settings: Settings, definitions: dg.Definitions, house: House, warehouse: Warehouse, progress: Progress
) -> dict[str, Any]:
    """Process what is new or changed; the status afterwards, with `runs`, `failures` and `waits`."""
    with headless_turn(settings, progress):
        try:
            finished = _pass(settings, definitions, house, warehouse, progress)
        except DatabaseUnreachable:
            raise
        except Exception as error:
            if lost_database(error):
                database_url(settings)  # says what is wrong with an embedded one that cannot be had again
            raise
    status = read_status(settings, house, warehouse)
    told = {"runs": finished.runs, "failures": finished.failures, "waits": finished.waits}
    return status | told | {"unclaimed": _explained(settings, house, status["unclaimed"])}


def _explained(settings: Settings, house: House, unclaimed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Files that nobody claims, the first of them with the nearest contract and the columns they lack."""
    if not unclaimed:
        return []
    known = list(house.workbooks.values())
    with Sandbox(seconds=settings.file_seconds, memory_mb=settings.file_memory_mb) as sandbox:
        for file in unclaimed[:UNCLAIMED_EXPLAINED]:
            reading = sandbox.read(settings.share / file["path"], [], shown_as=file["path"], others=known)
            file["says"] = reading.error or " ".join(finding.message for finding in reading.findings[:1])
    return unclaimed


def _pass(
    settings: Settings, definitions: dg.Definitions, house: House, warehouse: Warehouse, progress: Progress
) -> Finished:
    with open_instance(settings) as instance:
        clear_up(settings, instance, headless=True)

        progress("looking at the share")
        now = look_at_share(settings, house, warehouse)

        def look() -> None:
            report_look(house, warehouse, instance, now)

        def servers() -> list[AtWork]:
            return servers_at_work(settings, instance)

        used = awake(house, instance, now)
        return run_until_settled(
            definitions,
            instance,
            look,
            progress,
            headless_tags(settings),
            servers,
            among=dg.AssetSelection.groups(*used.domains, S2P, include_sources=True),
            anew=bool(used.woken),
        )
