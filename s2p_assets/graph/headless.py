"""One pass from the share to the last report, for the command line.

It joins the parts; each part's own work is done by its neighbours.
"""

from typing import Any

import dagster as dg

from s2p_assets.graph.house import House
from s2p_assets.graph.instance import open_instance
from s2p_assets.graph.resources import Warehouse
from s2p_assets.graph.running import Progress, run_until_settled
from s2p_assets.graph.share_sensor import look_and_report
from s2p_assets.graph.status import read_status
from s2p_assets.settings import Settings


def process(
    settings: Settings, definitions: dg.Definitions, house: House, warehouse: Warehouse, progress: Progress
) -> dict[str, Any]:
    """Process what is new or changed; the status afterwards, with `runs`, `failures` and `waits`."""
    with open_instance(settings) as instance:

        def look() -> None:
            progress("looking at the share")
            look_and_report(settings, house, warehouse, instance)

        finished = run_until_settled(definitions, instance, look, progress)
    told = {"runs": finished.runs, "failures": finished.failures, "waits": finished.waits}
    return read_status(settings, house, warehouse) | told
