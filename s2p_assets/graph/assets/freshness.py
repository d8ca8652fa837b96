"""How old an asset may be before Dagster calls it stale, by when the workbooks beneath it are expected.

Which file of whom is late is said by `nothing_late`, file by file; this colours the asset itself.
"""

import dagster as dg

from s2p_assets.catalog.catalog import Catalog, Key
from s2p_assets.contracts.workbook import Workbook


def workbook_freshness(workbook: Workbook) -> dg.FreshnessPolicy | None:
    """Of a workbook that says when files are expected: the longest that may lie between two that are in time."""
    if workbook.schedule is None:
        return None
    return dg.FreshnessPolicy.time_window(fail_window=workbook.schedule.longest_pause)


def derived_freshness(catalog: Catalog, key: Key) -> dg.FreshnessPolicy | None:
    """Of what is made from workbooks: as of the one that is expected most often."""
    schedules = [book.schedule for book in catalog.workbooks_behind(key) if book.schedule]
    if not schedules:
        return None
    return dg.FreshnessPolicy.time_window(fail_window=min(one.longest_pause for one in schedules))
