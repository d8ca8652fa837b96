"""Which version of a model was in service at an earlier moment.

What else was known then is put together in `past`.
"""

import datetime as dt

import dagster as dg

from s2p_assets.graph.house import key_of
from s2p_assets.graph.instance import open_instance
from s2p_assets.graph.problems import NotFound
from s2p_assets.learning import registry
from s2p_assets.learning.forecasters.plain_files import ModelDamaged
from s2p_assets.learning.model import Contest
from s2p_assets.learning.versions import Champion, ModelVersion
from s2p_assets.settings import Settings


def champion_as_of(settings: Settings, contest: Contest, moment: dt.datetime) -> Champion:
    """The champion that stood at `moment`, from the crownings that Dagster keeps and the registry's versions.

    Raises NotFound when none had been crowned, or its version is no longer kept.
    """
    crowned = dg.AssetRecordsFilter(key_of(contest), before_timestamp=moment.timestamp())
    with open_instance(settings) as instance:
        records = instance.fetch_materializations(crowned, limit=1).records
    said = records[0].asset_materialization.metadata if records and records[0].asset_materialization else None
    if said is None:
        raise NotFound(f"{contest.name}: no champion had been crowned by {moment:%Y-%m-%d %H:%M}")
    model, version, why = (str(said[name].value) for name in ("champion", "version", "why"))
    packages = (*registry.PACKAGES, *settings.shelves)
    try:
        made = registry.load_version(settings.models, contest.domain, model, version, packages=packages)
    except (registry.NoSuchModel, ModelDamaged) as error:
        raise NotFound(f"{contest.name}: {model} {version}, champion at that moment, cannot be had: {error}") from error
    assert isinstance(made, ModelVersion)
    return Champion(contest.domain, contest.thing, made, why, made.scores)
