"""Features made again for changed entities alone: of what each entity is made, and the parts put together.

Where the hashes and the features made before are kept is for `warehouse/` and `graph/`.
"""

import functools
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from s2p_assets.contracts.derivation import NotYet
from s2p_assets.contracts.feature_set import FeatureSet
from s2p_assets.learning.row_hashes import row_hashes

MAX_CHANGED_SHARE = 0.5

Inputs = Mapping[str, pd.DataFrame]
EntityHashes: TypeAlias = "pd.Series[Any]"  # entity → hash of all that its features are made of


@dataclass(frozen=True)
class PreviousFeatures:
    """Features made before, in their declared types, and of what: `hashes` as of `entity_hashes`."""

    frame: pd.DataFrame
    hashes: EntityHashes


@dataclass(frozen=True)
class BuiltFeatures:
    """Features as of now, sorted by their key. `made`: the entities that were made again, all of them or some."""

    frame: pd.DataFrame
    hashes: EntityHashes
    made: tuple[str, ...]


def entity_hashes(inputs: Inputs, entity: tuple[str, ...]) -> EntityHashes:
    """One hash per entity named in any input: of its rows in each, and of every input that names none.

    The order of rows does not count, a row that stands twice does.
    """
    shared, parts = 0, []
    for name in sorted(inputs):
        rows, salt = inputs[name], _salt(name)
        hashes = (row_hashes(rows) ^ salt) * np.uint64(0x9E3779B97F4A7C15)
        if set(entity) <= set(rows.columns):
            parts.append(pd.Series(hashes, index=pd.Index(entity_labels(rows, entity))))
        else:
            shared = (shared + int(hashes.sum(dtype=np.uint64)) + int(salt)) % 2**64
    if not parts:
        return pd.Series([], index=pd.Index([], dtype=object), dtype="uint64")
    every = pd.concat(parts)
    codes, entities = pd.factorize(every.index, sort=True)
    sums = np.full(len(entities), shared, dtype=np.uint64)
    np.add.at(sums, codes, every.to_numpy("uint64"))
    return pd.Series(sums, index=pd.Index(entities, dtype=object))


def entity_labels(rows: pd.DataFrame, entity: tuple[str, ...]) -> "pd.Series[str]":
    """The entity of each row as one text."""
    texts = [rows[name].astype("string[pyarrow]").fillna("").astype(object) for name in entity]
    return functools.reduce(lambda left, right: left + "\x1f" + right, texts)


def rows_of_entities(inputs: Inputs, entity: tuple[str, ...], wanted: set[str]) -> dict[str, pd.DataFrame]:
    """The rows of `inputs` that name one of the `wanted`; inputs that name no entity stay whole."""
    return {
        name: rows[entity_labels(rows, entity).isin(wanted)] if set(entity) <= set(rows.columns) else rows
        for name, rows in inputs.items()
    }


def build_features(
    declared: FeatureSet, inputs: Inputs, before: PreviousFeatures | None, typed: Callable[[pd.DataFrame], pd.DataFrame]
) -> BuiltFeatures:
    """The features of `inputs`: of changed and new entities made again, of all others as they were `before`.

    The same to the last bit as making all of them: a feature set that is `by_entity` promises that the rows of an
    entity come from its own rows in the inputs. All are made when there is no `before`, when the feature set does
    not promise that, when most entities changed or one went, or when the last event time moved, as then every
    entity has rows that it had not.
    `typed` brings a frame to its declared types. Raises NotYet as the feature set does.
    """
    hashes = entity_hashes(inputs, declared.entity)
    if before is None or not declared.by_entity or before.frame.empty:
        return _all(declared, inputs, hashes, typed)
    known = before.hashes.astype(object).reindex(hashes.index)
    changed = set(hashes.index[known.to_numpy() != hashes.astype(object).to_numpy()])
    gone = set(before.hashes.index) - set(hashes.index)
    if gone or len(changed) > len(hashes) * MAX_CHANGED_SHARE:
        return _all(declared, inputs, hashes, typed)
    is_old = entity_labels(before.frame, declared.entity).isin(changed).to_numpy(bool)
    kept, old = before.frame[~is_old], before.frame[is_old]
    fresh = _some(declared, rows_of_entities(inputs, declared.entity, changed), typed, like=old) if changed else old
    if len(fresh) + len(old) and not _end_together(fresh[declared.event_time], kept[declared.event_time]):
        return _all(declared, inputs, hashes, typed)
    together = pd.concat([kept, fresh], ignore_index=True)
    return BuiltFeatures(_sorted(together, declared), hashes, tuple(sorted(changed)))


def _end_together(some: "pd.Series[Any]", others: "pd.Series[Any]") -> bool:
    return len(some) > 0 and len(others) > 0 and bool(some.max() == others.max())


def _all(
    declared: FeatureSet, inputs: Inputs, hashes: EntityHashes, typed: Callable[[pd.DataFrame], pd.DataFrame]
) -> BuiltFeatures:
    frame = typed(declared.build(**inputs))
    return BuiltFeatures(_sorted(frame, declared), hashes, tuple(map(str, hashes.index)))


def _some(
    declared: FeatureSet, inputs: Inputs, typed: Callable[[pd.DataFrame], pd.DataFrame], *, like: pd.DataFrame
) -> pd.DataFrame:
    """The features of a few entities; none where they have too little data, which for all would be NotYet."""
    try:
        return typed(declared.build(**inputs))
    except NotYet:
        return like.head(0)


def _sorted(frame: pd.DataFrame, declared: FeatureSet) -> pd.DataFrame:
    return frame.sort_values(list(declared.key), kind="stable").reset_index(drop=True)


def _salt(name: str) -> np.uint64:
    return np.frombuffer(hashlib.sha256(name.encode()).digest()[:8], dtype=np.uint64)[0]
