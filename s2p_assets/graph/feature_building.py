"""Feature sets made again for the entities that changed: joins what `learning/by_entity.py` makes to what is stored.

Which asset that is for, and its checks, are in `made_assets`.
"""

import functools
import hashlib
from pathlib import Path
from typing import Any

import pandas as pd

from s2p_assets.columns import as_declared
from s2p_assets.learning.by_entity import Before, Features, build_features, entity_hashes, of_entities
from s2p_assets.learning.feature_set import FeatureSet
from s2p_assets.learning.scale import shard_of
from s2p_assets.warehouse import entities, store
from s2p_assets.warehouse.warehouse import Warehouse
from s2p_assets.warehouse.content_version import content_version

ENTITIES_NAMED = 20


def features_of(
    warehouse: Warehouse,
    declared: FeatureSet,
    inputs: dict[str, pd.DataFrame],
    *,
    shards: set[int] | None = None,
    count: int = 0,
) -> Features:
    """The features of `inputs`, reusing what stands in the warehouse; remembers of what each entity is made.

    With `shards`, of `count`, the features of the entities in those alone, all made again: what is remembered is
    of the whole. Raises NotYet as the feature set does.
    """

    def typed(frame: pd.DataFrame) -> pd.DataFrame:
        return as_declared(frame, declared.rows)

    if shards is not None:
        names = entity_hashes(inputs, declared.entity).index
        mine = {str(name) for name, at in zip(names, shard_of(names, count), strict=True) if at in shards}
        return build_features(declared, of_entities(inputs, declared.entity, mine), None, typed)
    made_by = f"{declared.code_version} {_code_of_the_house()}"
    with warehouse.connect() as connection:
        hashes = entities.recall(connection, declared.domain, declared.thing, made_by=made_by)
        before = None
        if hashes is not None and declared.by_entity:
            stored = store.read(connection, declared.domain, declared.thing, declared.columns)
            before = Before(typed(stored), hashes)
        made = build_features(declared, inputs, before, typed)
        content = entities.MadeOf(content_version(made.frame), made_by, made.hashes)
        entities.remember(connection, declared.domain, declared.thing, content)
    return made


def recomputed(declared: FeatureSet, made: Features) -> dict[str, Any]:
    """For the materialization: how many entities were made again, and which when they are few."""
    shown = f"{len(made.made):,} of {len(made.hashes):,} ({', '.join(declared.entity)})"
    names = ", ".join(made.made) if len(made.made) <= ENTITIES_NAMED else ""
    return {"recomputed": f"{shown}: {names}" if names else shown}


@functools.cache
def _code_of_the_house() -> str:
    """A hash of all of s2p's own code: features made by another release are made again."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
