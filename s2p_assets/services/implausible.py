"""Single observations that are damped in training, with the cells that they came from.

How they are found is the learning room's; that they are, and what a person said, is in the tables of the shelves.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from s2p_assets.catalog.catalog import Catalog
from s2p_assets.contracts.feature_set import FeatureSet
from s2p_assets.contracts.model import ForecastTask
from s2p_assets.services.context import Context
from s2p_assets.warehouse.tables.introspection import stored_columns

if TYPE_CHECKING:
    from s2p_assets.warehouse.trace.traced_rows import SourceRows
    from s2p_assets.warehouse.trace.tracer import Tracer

PERIODS_TOLD = 8
MOST_TOLD = 20
CELLS_TOLD = 3


@dataclass(frozen=True, slots=True)
class ImplausibleValue:
    """An observation beyond what its past and its peers make plausible: what it is, and what it counts as instead."""

    table: str
    entity: str
    time: str
    value: float
    counts_as: float
    cells: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """What is said of it."""
        from s2p_assets.services.trace import format_value

        return (
            f"{self.entity}, {self.time}: {format_value(self.value)} is implausible; "
            f"in training it counts as {format_value(round(self.counts_as, 2))}"
        )


def implausible_values(ctx: Context, connection: psycopg.Connection) -> list[ImplausibleValue]:
    """Those of the newest periods of everything that is forecast, the newest and largest first, with their cells."""
    return [
        found
        for features, task in _damped_features(ctx.catalog)
        for found in _of_features(ctx, connection, features, task)
    ]


def _damped_features(catalog: Catalog) -> Iterator[tuple[FeatureSet, ForecastTask]]:
    for contest in catalog.contests.values():
        if isinstance(contest.task, ForecastTask) and contest.task.damped:
            yield catalog.features[f"{contest.domain}_{contest.features}"], contest.task


def _of_features(
    ctx: Context, connection: psycopg.Connection, features: FeatureSet, task: ForecastTask
) -> Iterator[ImplausibleValue]:
    if task.damped not in {column.name for column in stored_columns(connection, features.domain, features.name)}:
        return
    query = sql.SQL(
        "select {entity}, {time}, {target}, {damped} from {table} where {damped} is not null and {time} > ("
        " select min(newest) from (select distinct {time} as newest from {table} where {target} is not null"
        " order by 1 desc limit %s) newest_periods)"
        " order by {time} desc, abs({target} - {damped}) desc limit %s"
    ).format(
        entity=sql.Identifier(task.entity),
        time=sql.Identifier(task.time),
        target=sql.Identifier(task.target),
        damped=sql.Identifier(str(task.damped)),
        table=sql.Identifier(features.domain, features.name),
    )
    for entity, time, value, counts_as in connection.execute(query, (PERIODS_TOLD + 1, MOST_TOLD)).fetchall():
        where = {task.entity: entity, task.time: time}
        under = _tracer(ctx, connection).trace((features.domain, features.name), where, (task.target,), most=CELLS_TOLD)
        cells = tuple(dict.fromkeys(_cells(under)))[:CELLS_TOLD]
        yield ImplausibleValue(features.full_name, str(entity), str(time), float(value), float(counts_as), cells)


def _tracer(ctx: Context, connection: psycopg.Connection) -> "Tracer":
    """Loaded where there is something to trace, which there seldom is."""
    from s2p_assets.services.trace import lineage_sources
    from s2p_assets.warehouse.trace.tracer import Tracer

    return Tracer(connection, lineage_sources(ctx.catalog), ctx.settings.archive)


def _cells(group: "SourceRows") -> Iterator[str]:
    """`file › sheet › cell = value` of the rows at the end of a trace."""
    from s2p_assets.services.trace import format_value

    for row in group.rows:
        if row.file:
            addresses: list[Any] = [
                f"{row.file.cells[name]} = {format_value(value)}"
                for name, value in row.values.items()
                if name in row.file.cells
            ]
            yield " › ".join(part for part in (row.file.path, row.file.sheet, ", ".join(addresses)) if part)
        for under in row.under:
            yield from _cells(under)
