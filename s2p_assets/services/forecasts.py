"""Stored predictions by entity and time, and cases that somebody types in, scored without training.

What the version in service predicts from what is stored is in `model_queries.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from s2p_assets.catalog.catalog import Catalog
from s2p_assets.contracts.columns import Kind
from s2p_assets.contracts.model import ClassificationTask, Contest
from s2p_assets.contracts.table import Table
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.feature_store import version_sql
from s2p_assets.services.model_queries import contest_state, find_trained, predictions, training_history
from s2p_assets.warehouse.tables.row_query import QueryInvalid, sql_name

MOST_CASES = 1000


@dataclass(frozen=True)
class StoredForecast:
    """A table that holds what the version in service predicts, by the entity and time of its contest."""

    table: Table
    contest: Contest

    @cached_property
    def full_name(self) -> str:
        return self.table.full_name

    @cached_property
    def kinds(self) -> dict[str, Kind]:
        return {column.name: column.kind for column in self.table.columns}

    @cached_property
    def sql(self) -> str:
        """Its rows of an entity between two days as JSON, in the order of time, and both versions of content."""
        task, domain = self.contest.task, self.table.domain
        place, time = sql_name(domain, self.table.name), sql_name(task.time)
        return (
            f"select (select json_agg(t order by t.{time})::text from {place} t where {sql_name(task.entity)} = $1"
            f" and {time} between $2::date and $3::date) as rows, ({version_sql(domain, self.table.name)}) as version,"
            f" ({version_sql(domain, self.contest.features)}) as features"
        )


def stored_forecasts(catalog: Catalog) -> dict[str, StoredForecast]:
    """The tables that are made with a champion, and hold a row for each entity and time; by name."""
    found = {}
    for table in catalog.tables.values():
        for key in catalog.inputs_of(table).values():
            contest = catalog.by_key.get(key)
            if isinstance(contest, Contest) and {contest.task.entity, contest.task.time} <= set(table.key):
                found[table.full_name] = StoredForecast(table, contest)
    return found


def forecast_named(catalog: Catalog, name: str) -> StoredForecast:
    """Raises NotFound naming those there are."""
    known = stored_forecasts(catalog)
    plain = name.replace(".", "_", 1)
    if plain not in known:
        raise NotFound(f"no stored forecast {name[:80]!r}; there are {', '.join(sorted(known)) or 'none'}")
    return known[plain]


def model_state(ctx: Context, name: str) -> dict[str, Any]:
    """Champion, challenger, scores and tenures of a contest or a model's. Raises NotFound."""
    return contest_state(find_trained(ctx, name))


def model_history(ctx: Context, name: str) -> dict[str, Any]:
    """What made the version in service train, down to the files. Raises NotFound, NoSuchModel."""
    return training_history(ctx, find_trained(ctx, name))


def predicted(ctx: Context, name: str, wanted: Mapping[str, str], horizon: int | None) -> dict[str, Any]:
    """What the version in service predicts for entities with these values, from what is stored."""
    trained = find_trained(ctx, name)
    record = trained.record
    rows = predictions(ctx, trained, dict(wanted), horizon)
    return _answer([{str(name): value for name, value in row.items()} for row in rows.to_dict("records")], record)


def scored(ctx: Context, name: str, cases: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The probability of each case that somebody typed in, from its features; what is not given is unknown.

    Raises QueryInvalid for a column that there is not or a value that is none of its kind, and for a forecast.
    """
    import pandas as pd

    from s2p_assets.contracts.model import Classifier
    from s2p_assets.contracts.validation import conform
    from s2p_assets.learning.classification.time_folds import predict_probabilities
    from s2p_assets.services.feature_store import as_text
    from s2p_assets.warehouse.tables.row_query import parse_value

    trained = find_trained(ctx, name)
    contest, record = trained.contest, trained.record
    task = contest.task
    if not isinstance(task, ClassificationTask):
        raise QueryInvalid(f"{name} forecasts series; ask for an entity, not for typed-in cases")
    features = ctx.catalog.features[f"{contest.domain}_{contest.features}"]
    kinds = {column.name: column.kind for column in features.columns}
    rows = []
    for at, case in enumerate(cases, 1):
        if unknown := [column for column in case if column not in kinds or column == task.target]:
            allowed = ", ".join(column for column in kinds if column != task.target)
            raise QueryInvalid(f"case {at}: {', '.join(unknown)[:200]} is no feature; there are {allowed}")
        given = {
            column: None if value is None else parse_value(column, kinds[column], as_text(value))
            for column, value in case.items()
        }
        rows.append({column: given.get(column) for column in kinds})
    frame = pd.DataFrame(rows, columns=list(kinds))
    for column, kind in kinds.items():
        if kind in ("money", "percent", "number"):
            frame[column] = frame[column].astype(float)
    made = ctx.registry.load(contest.domain, contest.name, record)
    learner = cast("Classifier", made.learner)
    found = predict_probabilities(learner, _as_stored(conform(frame, features.rows), kinds), task)
    return _answer([{"case": at, "probability": float(value)} for at, value in enumerate(found, 1)], record)


def _as_stored(frame: Any, kinds: Mapping[str, str]) -> Any:
    """The types that a stored table is read in, which models have learned from."""
    import pandas as pd

    types = {"text": "string[pyarrow]", "code": "string[pyarrow]", "integer": "Int64", "boolean": "boolean"}
    read = {}
    for name, kind in kinds.items():
        values = frame[name]
        if kind in ("date", "timestamp"):
            read[name] = pd.to_datetime(values)
        else:
            read[name] = values.astype(types.get(kind, "float64"))
    return pd.DataFrame(read)


def _answer(rows: list[dict[str, Any]], record: Any) -> dict[str, Any]:
    return {
        "rows": rows,
        "model": record.model,
        "model_version": record.version,
        "feature_version": record.feature_version[:16],
    }
