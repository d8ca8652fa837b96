"""A person's override of a champion from the command line: its contest is materialized at once, as from the Dagster UI.

What is made from the champion follows by itself, at the next look or run.
"""

from typing import Any

import dagster as dg

from s2p_assets.contracts.model import Contest
from s2p_assets.graph.asset_keys import asset_key
from s2p_assets.graph.assets.contest_assets import ChampionOverride
from s2p_assets.graph.running.instance import open_instance
from s2p_assets.graph.running.locks import headless_tags
from s2p_assets.graph.running.one_run import PassResult, Progress, run_assets
from s2p_assets.graph.running.turns import headless_lock
from s2p_assets.settings import Settings


def judge_again(
    settings: Settings, definitions: dg.Definitions, contest: Contest, override: ChampionOverride, progress: Progress
) -> PassResult:
    """Make the contest again with a person's word; what came of it is in the registry, what failed in `failures`."""
    key = asset_key(contest)
    config: dict[str, Any] = {key.to_python_identifier(): {"config": override.model_dump()}}
    finished = PassResult()
    with headless_lock(settings, progress), open_instance(settings) as instance:
        run_assets(definitions, instance, {key}, finished, headless_tags(settings), config)
    return finished
