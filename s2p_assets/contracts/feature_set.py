"""The declaration of a feature set: what was known of each entity at each moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from s2p_assets.contracts.columns import Column, Row, columns_of
from s2p_assets.contracts.derivation import Derivation
from s2p_assets.contracts.lineage import LineageRules

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class FeatureSet(Derivation):
    """One row per (entity, event time); every feature was known before the event time.

    `entity`: the columns that name the entity. `event_time`: the column that says when. `by_entity`: the maker's
    promise that the rows of an entity come from the rows of its inputs that name it, and from inputs that name none,
    so that the others need not be made again when it changes. `snapshots`: columns that a source writes into a row in
    the course of its life; what a later delivery says of them does not reach back to moments that were told before.
    `lineage`: as of `Table`.
    """

    rows: type[Row]
    entity: tuple[str, ...]
    event_time: str
    by_entity: bool = False
    snapshots: tuple[str, ...] = ()
    lineage: LineageRules = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, ...]:
        return (*self.entity, self.event_time)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        return columns_of(self.rows)


def feature_set(
    *,
    rows: type[Row],
    entity: tuple[str, ...],
    event_time: str,
    owner: str,
    by_entity: bool = False,
    snapshots: tuple[str, ...] = (),
    lineage: LineageRules | None = None,
) -> Callable[[Callable[..., pd.DataFrame]], FeatureSet]:
    """Declare the decorated function as the maker of a feature set."""
    return lambda build: FeatureSet(
        build=build,
        owner=owner,
        rows=rows,
        entity=entity,
        event_time=event_time,
        by_entity=by_entity,
        snapshots=snapshots,
        lineage=lineage or {},
    )
