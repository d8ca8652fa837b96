"""A person's word on a champion from the command line: the contest is made again at once, as from the Dagster UI.

What is made from the champion follows by itself, at the next look or run.
"""

from typing import Any

import dagster as dg

from s2p_assets.graph.contest_assets import Overrule
from s2p_assets.graph.instance import open_instance
from s2p_assets.graph.keys import asset_key
from s2p_assets.graph.running import Finished, Progress, run_assets
from s2p_assets.graph.turns import headless_tags, headless_turn
from s2p_assets.learning.model import Contest
from s2p_assets.settings import Settings


def decide_again(
    settings: Settings, definitions: dg.Definitions, contest: Contest, said: Overrule, progress: Progress
) -> Finished:
    """Make the contest again with a person's word; what came of it is in the registry, what failed in `failures`."""
    key = asset_key(contest)
    config: dict[str, Any] = {key.to_python_identifier(): {"config": said.model_dump()}}
    finished = Finished()
    with headless_turn(settings, progress), open_instance(settings) as instance:
        run_assets(definitions, instance, {key}, finished, headless_tags(settings), config)
    return finished
