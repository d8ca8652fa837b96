"""Feature sets in hash shards of their entities, as Dagster static partitions: one run for all, or a pod for each.

How an entity finds its shard is in `learning/parallel.py`; without `S2P_SHARDS` nothing is partitioned.
"""

from collections.abc import Iterable
from typing import Any

import dagster as dg
import pandas as pd

from s2p_assets.contracts.feature_set import FeatureSet
from s2p_assets.learning.incremental_features import entity_labels
from s2p_assets.learning.parallel import shard_of

RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def shard_names(count: int) -> list[str]:
    """`00` to `63`, in order."""
    return [f"{shard:0{len(str(count - 1))}d}" for shard in range(count)]


def shard_options(declared: object, count: int, *, pod_each: bool) -> dict[str, Any]:
    """The partitions of a feature set that is made by entity, and whether they are one run or one each."""
    if not (isinstance(declared, FeatureSet) and declared.by_entity and count > 1):
        return {}
    policy = dg.BackfillPolicy.multi_run(1) if pod_each else dg.BackfillPolicy.single_run()
    return {"partitions_def": dg.StaticPartitionsDefinition(shard_names(count)), "backfill_policy": policy}


def selected_shards(context: dg.AssetExecutionContext | dg.OutputContext, count: int) -> set[int] | None:
    """The shards that this run is to make; None: everything, as without partitions."""
    partitions: Iterable[str] = ()
    if isinstance(context, dg.OutputContext):
        partitions = context.asset_partition_keys if context.has_asset_partitions else ()
    elif context.has_partition_key or context.has_partition_key_range:
        partitions = context.partition_keys
    shards = {int(name) for name in partitions}
    return shards if 0 < len(shards) < count else None


def is_in(rows: pd.DataFrame, entity: tuple[str, ...], shards: set[int], count: int) -> "pd.Series[bool]":
    """Whether the entity of each row lies in one of `shards` of `count`."""
    codes, names = pd.factorize(entity_labels(rows, entity))
    within = pd.Series(shard_of(list(names), count)).isin(shards).to_numpy(bool)
    return pd.Series(within[codes], index=rows.index)


def whole_range(definitions: dg.Definitions, keys: Iterable[dg.AssetKey]) -> dict[str, str]:
    """The tags by which one run makes every shard of the partitioned assets among `keys`; none without such."""
    graph = definitions.resolve_asset_graph()
    for key in keys:
        partitions = graph.get(key).partitions_def
        if isinstance(partitions, dg.StaticPartitionsDefinition):
            names = partitions.get_partition_keys()
            return {RANGE_START: names[0], RANGE_END: names[-1]}
    return {}
