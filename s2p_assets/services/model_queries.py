"""Queries on models and contests: champion and challenger, why a version was trained, what it predicts.

How the answers are printed is for the command line; nothing is trained here.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from s2p_assets.catalog.catalog import Catalog, Derived, key_of
from s2p_assets.contracts.errors import meant_by
from s2p_assets.contracts.model import Contest, Model
from s2p_assets.learning.registry.mlflow_tables import ContestState, Record
from s2p_assets.learning.registry.model_registry import NoSuchModel
from s2p_assets.learning.training_reason import reason_from_json
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound

if TYPE_CHECKING:
    import pandas as pd

    from s2p_assets.learning.versions import Champion

VERSIONS_SHOWN = 10


@dataclass(frozen=True)
class TrainedModel:
    """A contest of the house, and who stands in it; `model` when a candidate was asked for and not the contest."""

    contest: Contest
    state: ContestState
    model: Model | None

    @property
    def record(self) -> Record:
        """The version in question: the champion of the contest, or the newest of the model. Raises NoSuchModel."""
        found = self.state.find(self.model.name) if self.model else self.state.champion
        if found is None:
            declared = self.model or self.contest
            raise NoSuchModel(
                f"{declared.full_name}: nothing is trained yet; load data and let s2p run or s2p up train it"
            )
        return found


def find_trained(ctx: Context, name: str) -> TrainedModel:
    """What is learned under this name: of a model, a contest, or a table that is made with a contest's champion.

    Raises NotFound naming those that exist.
    """
    model = ctx.catalog.models.get(name)
    contest = (
        ctx.catalog.contest_of(model) if model else ctx.catalog.contests.get(name) or _contest_behind(ctx.catalog, name)
    )
    if contest is None:
        known = meant_by(name, [*ctx.catalog.contests, *ctx.catalog.models])
        raise NotFound(f"{name}: there is no such model, contest or forecast; {known}")
    return TrainedModel(contest, ctx.registry.state(contest.domain, contest.name), model)


def _contest_behind(catalog: Catalog, name: str) -> Contest | None:
    made: dict[str, Derived] = {table.full_name: table for table in catalog.derived()}
    if name not in made:
        return None
    under = [
        catalog.by_key[key] for source in catalog.inputs_of(made[name]).values() for key in catalog.upstream(source)
    ]
    return next((table for table in under if isinstance(table, Contest)), None)


def contest_state(found: TrainedModel) -> dict[str, Any]:
    """The champion and challenger of a contest and why, with the last versions and all tenures, newest first."""
    state = found.state
    return {
        "contest": found.contest.full_name,
        "champion": _version(state.champion),
        "challenger": _version(state.challenger),
        "pinned": asdict(state.pin) if state.pin else None,
        "pin": state.pin.description if state.pin else None,
        "last": state.last,
        "reigns": [asdict(tenure) for tenure in reversed(state.tenures)],
        "versions": [_version(record) for record in reversed(state.versions[-VERSIONS_SHOWN:])],
    }


def _version(record: Record | None) -> dict[str, Any] | None:
    if record is None:
        return None
    shown = ("model", "version", "number", "trained_at", "loss", "feature_version", "why")
    return {name: getattr(record, name) for name in shown}


def training_history(ctx: Context, found: TrainedModel) -> dict[str, Any]:
    """The chain from a version down to the files: what asked for it, how much was new, from what it was made.

    `orders`: by which forecast of the contest is ordered, and why, in a sentence; None where no orders follow from it.
    """
    record, contest, registry = found.record, found.contest, ctx.registry
    made = registry.manifest(contest.domain, contest.name, record)
    cause = reason_from_json(made["reason"])
    return {
        "model": f"{contest.domain}_{record.model}",
        "contest": contest.full_name,
        "in_service": record == found.state.champion,
        "version": record.version,
        "number": record.number,
        "trained_at": record.trained_at,
        "how_good": record.how_good or registry.load(contest.domain, contest.name, record).description,
        "dagster_run": made["run_id"],
        "mlflow_run": record.run_id,
        "code_version": made["code_version"],
        "why": cause.description,
        "since": cause.since,
        "signals": cause.signals,
        "left_out": cause.left_out,
        "let_in": cause.let_in,
        "rows": cause.rows,
        "rows_changed": cause.changed,
        "rows_withdrawn": cause.withdrawn,
        "features": cause.features,
        "feature_version": record.feature_version,
        "tables": list(cause.tables),
        "workbooks": list(cause.workbooks),
        "files": [asdict(source) for source in cause.sources],
        "files_loaded": cause.loaded,
        "orders": why_ordered(ctx, contest),
    }


def why_ordered(ctx: Context, contest: Contest) -> str | None:
    """What the stored backtest of orders by a contest's forecasts says; None where there is none, or none yet."""
    mine = key_of(contest)
    for table in ctx.catalog.tables.values():
        names = {column.name for column in table.columns}
        if names >= {"because", "serves"} and mine in ctx.catalog.inputs_of(table).values():
            query = sql.SQL("select because from {} where serves limit 1").format(
                sql.Identifier(table.domain, table.name)
            )
            with ctx.warehouse.reading() as connection:
                try:
                    row = connection.execute(query).fetchone()
                except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
                    return None
            return str(row[0]) if row else None
    return None


def predictions(ctx: Context, trained: TrainedModel, wanted: dict[str, str], horizon: int | None) -> pd.DataFrame:
    """What the version in question predicts from what is stored, of what has these values; see `serving.py`.

    Raises NotFound for a column or a value that the features do not have.
    """
    from s2p_assets.learning.serving import service_of
    from s2p_assets.learning.versions import Champion
    from s2p_assets.warehouse.tables import store

    contest, record = trained.contest, trained.record
    features = ctx.catalog.features[f"{contest.domain}_{contest.features}"]
    known = {column.name for column in features.columns}
    if strange := [name for name in wanted if name not in known]:
        raise NotFound(f"{features.full_name} has no column {', '.join(strange)}; {meant_by(strange[0], known)}")
    with ctx.warehouse.reading() as connection:
        history = store.read_rows(connection, features.domain, features.name, features.columns)
    made = ctx.registry.load(contest.domain, contest.name, record)
    serving = Champion(contest.domain, contest.name, made, "", made.scores)
    found = service_of(contest.task).predict(serving, history, wanted, horizon)
    if trained.model is None and not found.empty:
        found = _told_with_its_rival(ctx, serving, history, found)
    if found.empty:
        values = " and ".join(f"{name}={value}" for name, value in wanted.items()) or "a row"
        raise NotFound(
            f"no {contest.task.entity} in {features.full_name} has {values}; "
            f"see the table {features.domain}.{features.name}"
        )
    return found


def _told_with_its_rival(
    ctx: Context, serving: Champion[Any], history: pd.DataFrame, found: pd.DataFrame
) -> pd.DataFrame:
    """`found` made one distribution with what the contest of the excluded outcome predicts; as it is without one."""
    from s2p_assets.learning.classification.exclusive_outcomes import told_together
    from s2p_assets.learning.versions import Champion

    pair = _exclusive_pair(ctx.catalog, ctx.catalog.contests[f"{serving.domain}_{serving.contest}"])
    if pair is None:
        return found
    first, second, most = pair
    other = second if first.name == serving.contest else first
    record = ctx.registry.state(other.domain, other.name).champion
    if record is None:
        return found
    made = ctx.registry.load(other.domain, other.name, record)
    rival = Champion(other.domain, other.name, made, "", made.scores)
    of_first = other is second
    champions = (serving, rival) if of_first else (rival, serving)
    return told_together(found, history, *champions, most=most, of_first=of_first)


def _exclusive_pair(catalog: Catalog, contest: Contest) -> tuple[Contest, Contest, int] | None:
    """The contest that declares an exclusive outcome, the one whose outcome that is, and of how many cases the first
    comes about; None when it is in neither.
    """
    for first in catalog.contests.values():
        if first.exclusive and first.domain == contest.domain and contest.name in (first.name, first.exclusive.contest):
            return first, catalog.contests[f"{first.domain}_{first.exclusive.contest}"], first.exclusive.most
    return None
