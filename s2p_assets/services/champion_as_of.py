"""Which version of a model was in service at an earlier moment.

What else was known then is put together in `past`.
"""

import datetime as dt
from dataclasses import replace

from s2p_assets.contracts.model import Contest
from s2p_assets.learning.registry.learner_files import ModelDamaged
from s2p_assets.learning.registry.mlflow_tables import ContestState
from s2p_assets.learning.registry.model_registry import Registry
from s2p_assets.learning.versions import Champion
from s2p_assets.services.errors import NotFound


def champion_as_of(registry: Registry, contest: Contest, as_of: dt.datetime) -> Champion:
    """The champion at `as_of`, by the tenures that the registry keeps.

    Raises NotFound when there was none, or its version is no longer kept.
    """
    state = _contest_state(registry, contest, as_of)
    begun = [tenure for tenure in state.tenures if dt.datetime.fromisoformat(tenure.since) <= as_of]
    if not begun:
        raise NotFound(f"{contest.full_name}: there was no champion by {as_of:%Y-%m-%d %H:%M}")
    tenure = begun[-1]
    record = state.find(tenure.model, tenure.version)
    which = f"{contest.full_name}: {tenure.model} {tenure.version}, champion at that moment"
    if record is None:
        raise NotFound(f"{which}, is no longer kept")
    try:
        return registry.as_champion(state, contest.domain, contest.name, record, tenure.why)
    except ModelDamaged as error:
        raise NotFound(f"{which}, cannot be had: {error}") from error


def _contest_state(registry: Registry, contest: Contest, as_of: dt.datetime) -> ContestState:
    """Who stood in a contest, without what was trained after `as_of`."""
    state = registry.state(contest.domain, contest.name)
    trained = [record for record in state.versions if dt.datetime.fromisoformat(record.trained_at) <= as_of]
    return replace(state, versions=tuple(trained))
