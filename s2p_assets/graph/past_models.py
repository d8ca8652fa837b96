"""Which version of a model was in service at an earlier moment.

What else was known then is put together in `past`.
"""

import datetime as dt
from dataclasses import replace

from s2p_assets.graph.problems import NotFound
from s2p_assets.learning.model import Contest
from s2p_assets.learning.plain_files import ModelDamaged
from s2p_assets.learning.registry.model_registry import Registry
from s2p_assets.learning.registry.tables import Standing
from s2p_assets.learning.versions import Champion


def champion_as_of(registry: Registry, contest: Contest, moment: dt.datetime) -> Champion:
    """The champion that stood at `moment`, by the reigns that the registry keeps.

    Raises NotFound when none had been crowned, or its version is no longer kept.
    """
    standing = _standing_at(registry, contest, moment)
    begun = [reign for reign in standing.reigns if dt.datetime.fromisoformat(reign.since) <= moment]
    if not begun:
        raise NotFound(f"{contest.name}: no champion had been crowned by {moment:%Y-%m-%d %H:%M}")
    reign = begun[-1]
    record = standing.find(reign.model, reign.version)
    which = f"{contest.name}: {reign.model} {reign.version}, champion at that moment"
    if record is None:
        raise NotFound(f"{which}, is no longer kept")
    try:
        return registry.as_champion(standing, contest.domain, contest.thing, record, reign.why)
    except ModelDamaged as error:
        raise NotFound(f"{which}, cannot be had: {error}") from error


def _standing_at(registry: Registry, contest: Contest, moment: dt.datetime) -> Standing:
    """Who stood in a contest, without what was trained after `moment`."""
    standing = registry.standing(contest.domain, contest.thing)
    trained = [record for record in standing.versions if dt.datetime.fromisoformat(record.trained_at) <= moment]
    return replace(standing, versions=tuple(trained))
