"""Feature sets made again for the entities that changed, and joined to the rows that are stored of the others.

How they are made is in `learning/incremental_features.py`; their assets and checks are in `graph/`.
"""

import functools
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg

from s2p_assets.contracts.feature_set import FeatureSet
from s2p_assets.contracts.validation import conform
from s2p_assets.learning.incremental_features import (
    BuiltFeatures,
    PreviousFeatures,
    build_features,
    entity_hashes,
    rows_of_entities,
)
from s2p_assets.learning.parallel import shard_of
from s2p_assets.learning.snapshots import keep_snapshots
from s2p_assets.warehouse.tables import store
from s2p_assets.warehouse.tables.content_versions import content_version
from s2p_assets.warehouse.tables.entity_hashes import EntityInputs, store_entity_hashes, stored_entity_hashes
from s2p_assets.warehouse.tables.not_stored import NotStored
from s2p_assets.warehouse.warehouse import Warehouse

ENTITIES_NAMED = 20


def build_or_reuse_features(
    warehouse: Warehouse,
    declared: FeatureSet,
    inputs: dict[str, pd.DataFrame],
    *,
    shards: set[int] | None = None,
    count: int = 0,
) -> BuiltFeatures:
    """The features of `inputs`, reusing what stands in the warehouse; remembers of what each entity is made.

    With `shards`, of `count`, the features of the entities in those alone, all made again: what is remembered is
    of the whole. Raises NotYet as the feature set does.
    """

    def typed(frame: pd.DataFrame) -> pd.DataFrame:
        return conform(frame, declared.rows)

    if shards is not None:
        names = entity_hashes(inputs, declared.entity).index
        mine = {str(name) for name, at in zip(names, shard_of(names, count), strict=True) if at in shards}
        return build_features(declared, rows_of_entities(inputs, declared.entity, mine), None, typed)
    made_by = f"{declared.code_version} {_own_code()}"
    with warehouse.connect() as connection:
        hashes = stored_entity_hashes(connection, declared.domain, declared.name, code_version=made_by)
        before = None
        if hashes is not None and declared.by_entity:
            stored = store.read_rows(connection, declared.domain, declared.name, declared.columns)
            before = PreviousFeatures(typed(stored), hashes)
        made = build_features(declared, inputs, before, typed)
        made = replace(made, frame=_with_snapshots(connection, declared, made.frame))
        content = EntityInputs(content_version(made.frame), made_by, made.hashes)
        store_entity_hashes(connection, declared.domain, declared.name, content)
    return made


def _with_snapshots(connection: psycopg.Connection, declared: FeatureSet, frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with what was told before of past moments, whichever release of s2p told it."""
    if not declared.snapshots:
        return frame
    kept = [column for column in declared.columns if column.name in (*declared.key, *declared.snapshots)]
    try:
        stored = store.read_rows(connection, declared.domain, declared.name, kept)
    except NotStored:
        return frame
    return keep_snapshots(
        frame, stored, entity=declared.entity, event_time=declared.event_time, columns=declared.snapshots
    )


def recomputed_metadata(declared: FeatureSet, made: BuiltFeatures) -> dict[str, Any]:
    """For the materialization: how many entities were made again, and which when they are few."""
    shown = f"{len(made.made):,} of {len(made.hashes):,} ({', '.join(declared.entity)})"
    names = ", ".join(made.made) if len(made.made) <= ENTITIES_NAMED else ""
    return {"recomputed": f"{shown}: {names}" if names else shown}


@functools.cache
def _own_code() -> str:
    """A hash of all of s2p's own code: features made by another release are made again."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
