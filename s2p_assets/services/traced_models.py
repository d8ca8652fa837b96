"""The models behind a traced number: which version made it, and which features that learned from.

The stored rows under a number are followed in `warehouse/trace/`.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from s2p_assets.contracts.model import Contest
from s2p_assets.learning.registry.mlflow_tables import Record
from s2p_assets.learning.registry.model_registry import Registry
from s2p_assets.services.context import Context
from s2p_assets.warehouse.trace.traced_rows import SourceRows


@dataclass(frozen=True, slots=True)
class ModelBehind:
    """The version of a model that made a table under a number."""

    table: str
    contest: Contest
    record: Record

    @property
    def trained_at(self) -> dt.datetime:
        return dt.datetime.fromisoformat(self.record.trained_at).astimezone()

    @property
    def sentence(self) -> str:
        """Table, model and features with their versions, for who knows them."""
        record, contest = self.record, self.contest
        return (
            f"{self.table}: by {record.model}, version {record.version}, trained {self.trained_at:%Y-%m-%d %H:%M} "
            f"on {contest.domain}.{contest.features}, version {record.feature_version[:12]}; "
            f"s2p why {contest.full_name} tells more"
        )


def models_behind(ctx: Context, groups: Iterable[SourceRows], at: dt.datetime) -> list[ModelBehind]:
    """What made each table under a number that a champion made; the champion is that of the moment `at`."""
    names = dict.fromkeys(name for group in groups for name in _tables(group))
    return [
        found
        for declared in ctx.catalog.tables.values()
        if f"{declared.domain}.{declared.name}" in names
        for key in ctx.catalog.inputs_of(declared).values()
        if isinstance(contest := ctx.catalog.by_key[key], Contest)
        if (found := _champion(ctx.registry, contest, f"{declared.domain}.{declared.name}", at))
    ]


def _tables(group: SourceRows) -> Iterator[str]:
    yield group.table
    for row in group.rows:
        for under in row.under:
            yield from _tables(under)


def _champion(registry: Registry, contest: Contest, table: str, at: dt.datetime) -> ModelBehind | None:
    state = registry.state(contest.domain, contest.name)
    begun = [tenure for tenure in state.tenures if dt.datetime.fromisoformat(tenure.since) <= at]
    record = state.find(begun[-1].model, begun[-1].version) if begun else None
    return ModelBehind(table, contest, record) if record else None
