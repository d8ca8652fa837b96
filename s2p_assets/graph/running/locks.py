"""What is left of whoever was killed at work on an installation, and clearing it up.

Who is at work is told by the locks in `turns.py`.
"""

import shutil
from dataclasses import dataclass

import dagster as dg

from s2p_assets.graph.running.turns import are_servers_up, is_free
from s2p_assets.learning.registry.model_registry import remove_unfinished_versions
from s2p_assets.publishing.editions.publish import clear_drafts
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.returned.copies import remove_unfinished_copies

HEADLESS_TAG = "s2p/headless"
HOME_TAG = "s2p/home"
STATUS = dg.DagsterRunStatus
UNFINISHED = [STATUS.NOT_STARTED, STATUS.QUEUED, STATUS.STARTING, STATUS.STARTED, STATUS.CANCELING]
ENDED_FROM_OUTSIDE = "the process that ran it was ended from outside; what it had not stored is made again"


@dataclass(frozen=True)
class UnfinishedRun:
    """An unfinished run of the servers, and the assets that it makes."""

    run_id: str
    assets: tuple[str, ...]

    @property
    def label(self) -> str:
        """`retail/demand and 3 more (run 1a2b3c4d)`."""
        more = f" and {len(self.assets) - 1} more" if len(self.assets) > 1 else ""
        return f"{self.assets[0] if self.assets else 'its assets'}{more} (run {self.run_id[:8]})"


def headless_tags(settings: Settings) -> dict[str, str]:
    """How the runs of a headless pass are told from those of the servers, and from those of another S2P_HOME."""
    return servers_tags(settings) | {HEADLESS_TAG: "yes"}


def servers_tags(settings: Settings) -> dict[str, str]:
    return {HOME_TAG: str(settings.home)}


def unfinished_server_runs(settings: Settings, instance: dg.DagsterInstance) -> list[UnfinishedRun]:
    """What living servers of this installation are making or about to make, by run; nothing when they are down."""
    if not are_servers_up(settings):
        return []
    ours = dg.RunsFilter(statuses=UNFINISHED, tags=servers_tags(settings))
    runs = [run for run in instance.get_runs(ours) if HEADLESS_TAG not in run.tags]
    return [UnfinishedRun(run.run_id, tuple(sorted(map(_name, run.asset_selection or ())))) for run in reversed(runs)]


def _name(key: dg.AssetKey) -> str:
    return key.to_user_string()


def clean_up(settings: Settings, instance: dg.DagsterInstance, *, headless: bool) -> None:
    """End in Dagster's books the runs whose process is gone, and remove files that nobody will finish.

    `headless`: the caller has the headless turn, else the servers' turn. Dagster would wait for such a run for ever.
    """
    with is_free(settings, "up" if headless else "run") as alone:
        for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
            of_this_home = run.tags.get(HOME_TAG, str(settings.home)) == str(settings.home)
            of_this_kind = (HEADLESS_TAG in run.tags) == headless
            waits_for_servers = run.status == STATUS.QUEUED and not headless
            if of_this_home and (of_this_kind or alone) and not waits_for_servers:
                instance.report_run_failed(run, ENDED_FROM_OUTSIDE)
        if alone:
            clear_drafts(settings.reports)
            remove_unfinished_copies(settings.returned)
            remove_unfinished_versions(settings.models)
            _clear_home(settings)


def _clear_home(settings: Settings) -> None:
    unfinished = [*(settings.home / "sheets").rglob("*.tmp"), *settings.dagster_home.glob("*.tmp")]
    for left in (*unfinished, *(settings.archive / "incoming").glob("*")):
        left.unlink(missing_ok=True)
    shutil.rmtree(settings.spool, ignore_errors=True)
