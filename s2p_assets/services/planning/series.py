"""One series, or a group of them: what came, what was forecast of it, and what is expected.

Forecasts are made in `learning/`; what they would be at another price is in `what_if.py`, cases with outcomes in
`cases.py`.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from s2p_assets.catalog.catalog import Catalog
from s2p_assets.contracts.feature_set import FeatureSet
from s2p_assets.contracts.model import Contest, ForecastTask
from s2p_assets.contracts.table import Table
from s2p_assets.learning.registry.mlflow_tables import ContestState, Record
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.forecasts import forecast_named, stored_forecasts
from s2p_assets.services.model_queries import find_trained
from s2p_assets.services.tables import not_stored

if TYPE_CHECKING:
    import pandas as pd

    from s2p_assets.learning.versions import Champion

SHOWN_PERIODS = 104
MOST_FOUND = 50
LOW, HIGH = "q10", "q90"


@dataclass(frozen=True)
class SeriesForecast:
    """A stored forecast of series: its table, the contest behind it, and the features with their history."""

    table: Table
    contest: Contest
    features: FeatureSet

    @property
    def task(self) -> ForecastTask:
        task = self.contest.task
        assert isinstance(task, ForecastTask)
        return task

    @cached_property
    def has_range(self) -> bool:
        """Whether the table holds the range of a single series."""
        return {LOW, HIGH} <= {column.name for column in self.table.columns}


@dataclass(frozen=True)
class WhichSeries:
    """One entity, or all with a value of a column that peers share; neither: all of them."""

    entity: str | None = None
    group: str | None = None

    def where(self, task: ForecastTask, features: sql.Composable) -> tuple[sql.Composable, list[Any]]:
        """The condition on a table with the entity in it, and its values."""
        entity = sql.Identifier(task.entity)
        if self.entity is not None:
            return sql.SQL("{} = %s").format(entity), [self.entity]
        if self.group is None or not task.peers:
            return sql.SQL("true"), []
        newest = sql.SQL(
            "{entity} in (select {entity} from ("
            "select distinct on ({entity}) {entity}, {peers} as peers"
            " from {features} where {target} is not null order by {entity}, {time} desc"
            ") newest where newest.peers = %s)"
        ).format(
            entity=entity,
            peers=sql.Identifier(task.peers[0]),
            features=features,
            target=sql.Identifier(task.target),
            time=sql.Identifier(task.time),
        )
        return newest, [self.group]


def series_forecasts(catalog: Catalog, sees: Callable[[str], bool]) -> list[SeriesForecast]:
    """The stored forecasts of series that somebody sees, by name."""
    found = []
    for name, stored in sorted(stored_forecasts(catalog).items()):
        contest = stored.contest
        features = catalog.features.get(f"{contest.domain}_{contest.features}")
        if not isinstance(contest.task, ForecastTask) or features is None:
            continue
        if all(map(sees, (name, contest.full_name, features.full_name))):
            found.append(SeriesForecast(stored.table, contest, features))
    return found


def series_forecast_named(catalog: Catalog, name: str) -> SeriesForecast:
    """Raises NotFound."""
    stored = forecast_named(catalog, name)
    for one in series_forecasts(catalog, lambda _: True):
        if one.table is stored.table:
            return one
    raise NotFound(f"{name[:80]} forecasts no series")


def find_series(ctx: Context, one: SeriesForecast, text: str) -> dict[str, Any]:
    """The entities whose name holds a text, the largest forecasts first, and the groups there are."""
    task, place = one.task, sql.Identifier(one.table.domain, one.table.name)
    entity = sql.Identifier(task.entity)
    names = sql.SQL(
        "select {entity}::text as name, sum(mean) as expected from {place} where {entity}::text ilike %s"
        " group by 1 order by expected desc, name limit {most}"
    ).format(entity=entity, place=place, most=sql.Literal(MOST_FOUND))
    pattern = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    with ctx.warehouse.reading() as connection:
        found = _rows(connection, names, [pattern], one.table.full_name)
        groups = _groups(connection, one)
    return {"entities": [row["name"] for row in found], "groups": groups}


def _groups(connection: psycopg.Connection, one: SeriesForecast) -> list[str]:
    if not one.task.peers:
        return []
    peers = sql.Identifier(one.task.peers[0])
    query = sql.SQL("select distinct {peers}::text as name from {place} where {peers} is not null order by 1").format(
        peers=peers, place=sql.Identifier(one.features.domain, one.features.name)
    )
    return [row["name"] for row in _rows(connection, query, [], one.features.full_name)]


def _rows(connection: psycopg.Connection, query: Any, values: Sequence[Any], table: str) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        try:
            return cursor.execute(query, values).fetchall()
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedColumn):
            raise not_stored(table) from None


def series_outlook(ctx: Context, name: str, entity: str | None = None, group: str | None = None) -> dict[str, Any]:
    """Of one entity, a group or all: what came, price and stock-outs, what was forecast of it, and what is expected.

    `periods`: one row per period, oldest first: time, actual, price, cut_short (how many series stock ran out of),
    told (what the version in service, trained before that period, forecast of it), mean, low, high; what does not
    apply is None. `past`: told and actual added up over the periods that have both. `model`, `why`: what is in service.
    Raises NotFound and NotStored.
    """
    one = series_forecast_named(ctx.catalog, name)
    wanted, task = WhichSeries(entity, group), one.task
    features = sql.Identifier(one.features.domain, one.features.name)
    where, values = wanted.where(task, features)
    with ctx.warehouse.reading() as connection:
        history = _rows(connection, _history_query(one, where), values, one.features.full_name)
        coming = _rows(connection, _forecast_query(one, where), values, one.table.full_name)
    if not history and not coming:
        raise NotFound(f"there is no {task.entity} {str(entity or group)[:80]!r}; look for it by a part of its name")
    champion = champion_of(ctx, one.contest)
    backtest = _of_wanted(champion.model.backtest, one, ctx, wanted)
    periods = {row["time"]: row for row in history[-SHOWN_PERIODS:]}
    for row in coming:
        periods[row["time"]] = {"actual": None, "price": None, "cut_short": 0} | periods.get(row["time"], {}) | row
    _with_ranges(list(periods.values()), coming, backtest, one, wanted)
    told = _told(backtest)
    shown = [_period(row, told) for row in sorted(periods.values(), key=lambda row: row["time"])]
    return {
        "entity": entity,
        "group": group,
        "series": max((row["series"] for row in history), default=1),
        "every": task.every,
        "periods": shown,
        "past": _past(backtest),
        "notes": sorted({row["note"] for row in coming if row.get("note")}),
        "has_price": task.price is not None and entity is not None,
        **in_service(ctx, one.contest),
    }


def _history_query(one: SeriesForecast, where: sql.Composable) -> sql.Composed:
    task = one.task
    no_number: LiteralString = "null::float8"
    price = sql.SQL("avg({})::float8").format(sql.Identifier(task.price)) if task.price else sql.SQL(no_number)
    cut = sql.SQL("count(*) filter (where {})").format(sql.Identifier(task.censored)) if task.censored else sql.SQL("0")
    return sql.SQL(
        "select {time} as time, sum({target})::float8 as actual, {price} as price, {cut} as cut_short,"
        " count(*) as series from {features} where {where} and ({target} is not null or {time} > ("
        "select max({time}) from {features} where {target} is not null)) group by 1 order by 1"
    ).format(
        time=sql.Identifier(task.time),
        target=sql.Identifier(task.target),
        price=price,
        cut=cut,
        features=sql.Identifier(one.features.domain, one.features.name),
        where=where,
    )


def _forecast_query(one: SeriesForecast, where: sql.Composable) -> sql.Composed:
    has = {column.name for column in one.table.columns}
    low, high = (sql.SQL("sum({})::float8").format(sql.Identifier(at)) if at in has else sql.SQL("null::float8")
                 for at in (LOW, HIGH))  # fmt: skip
    note = sql.SQL("case when count(*) = 1 then min(range_note) end") if "range_note" in has else sql.SQL("null::text")
    return sql.SQL(
        "select {time} as time, sum(mean)::float8 as mean, {low} as low, {high} as high, {note} as note from {place}"
        " where {where} group by 1 order by 1"
    ).format(
        time=sql.Identifier(one.task.time),
        low=low,
        high=high,
        note=note,
        place=sql.Identifier(one.table.domain, one.table.name),
        where=where,
    )


def champion_of(ctx: Context, contest: Contest) -> "Champion[Any]":
    """The version in service, with its backtest. Raises NoSuchModel."""
    from s2p_assets.learning.versions import Champion

    record = find_trained(ctx, contest.full_name).record
    made = ctx.registry.load(contest.domain, contest.name, record)
    return Champion(contest.domain, contest.name, made, record.why, made.scores)


def _of_wanted(backtest: "pd.DataFrame", one: SeriesForecast, ctx: Context, wanted: WhichSeries) -> "pd.DataFrame":
    if wanted.entity is None and wanted.group is None:
        return backtest
    names = {wanted.entity}
    if wanted.entity is None:
        features = sql.Identifier(one.features.domain, one.features.name)
        where, values = wanted.where(one.task, features)
        entity = sql.Identifier(one.task.entity)
        query = sql.SQL("select distinct {}::text as name from {} where {}").format(entity, features, where)
        with ctx.warehouse.reading() as connection:
            names = {row["name"] for row in _rows(connection, query, values, one.features.full_name)}
    return backtest[backtest["entity"].astype(str).isin(names)]


def _told(backtest: "pd.DataFrame") -> dict[dt.date, float]:
    """Period → what was forecast of it, by the latest of the folds that tell it."""
    if backtest.empty:
        return {}
    sums = backtest.groupby(["time", "cutoff"])["mean"].sum().reset_index().sort_values("cutoff")
    newest = sums.drop_duplicates("time", keep="last")
    return {at.date(): float(mean) for at, mean in zip(newest["time"], newest["mean"], strict=True)}


def _past(backtest: "pd.DataFrame") -> dict[str, Any] | None:
    if backtest.empty:
        return None
    known = backtest[~backtest["censored"].astype(bool)]
    per = known.groupby(["cutoff", "time"])[["actual", "mean"]].sum()
    if per.empty:
        return None
    told, actual = float(per["mean"].sum()), float(per["actual"].sum())
    return {
        "periods": len(per),
        "looks": int(known["cutoff"].nunique()),
        "told": told,
        "actual": actual,
        "missed_by": float((per["actual"] - per["mean"]).abs().sum() / actual) if actual > 0 else None,
    }


def _with_ranges(
    periods: list[dict[str, Any]],
    coming: list[dict[str, Any]],
    backtest: "pd.DataFrame",
    one: SeriesForecast,
    wanted: WhichSeries,
) -> None:
    """The ranges of single series do not add up to that of their sum: it is taken from how far sums were off."""
    from s2p_assets.learning.forecasting.intervals import quantiles_of_totals
    from s2p_assets.learning.forecasting.series import TooLittleHistory

    if wanted.entity is not None or not coming:
        return
    try:
        found = quantiles_of_totals(backtest, [row["mean"] for row in coming], (0.1, 0.9))
    except TooLittleHistory:
        found = [(None, None)] * len(coming)  # type: ignore[assignment]
    ranges = {row["time"]: at for row, at in zip(coming, found, strict=True)}
    for row in periods:
        if row["time"] in ranges:
            row["low"], row["high"] = (None if at is None else float(at) for at in ranges[row["time"]])


def _period(row: Mapping[str, Any], told: Mapping[dt.date, float]) -> dict[str, Any]:
    return {
        "time": row["time"],
        "actual": row["actual"],
        "price": row["price"],
        "cut_short": row["cut_short"],
        "told": told.get(row["time"]) if row["actual"] is not None else None,
        "mean": row.get("mean"),
        "low": row.get("low"),
        "high": row.get("high"),
    }


def in_service(ctx: Context, contest: Contest) -> dict[str, Any]:
    """Which version serves for a contest, since when and why, and who pinned it."""
    trained = find_trained(ctx, contest.full_name)
    record, state = trained.record, trained.state
    tenure = state.tenures[-1] if state.tenures else None
    return {
        "contest": contest.full_name,
        "model": record.model,
        "called": model_in_words(contest, record.model),
        "model_version": record.version,
        "since": tenure.since if tenure else record.trained_at,
        "why": _why_in_words(contest, record, state),
        "pin": state.pin.description if state.pin else None,
    }


def _why_in_words(contest: Contest, record: Record, state: ContestState) -> str:
    """Why this version serves, for people: what the test said last of the candidates."""
    last = state.last or {}
    if last.get("too_few"):
        return f"{str(last['too_few'])[:1].upper()}{str(last['too_few'])[1:]}; until then a plain model serves."
    losses = {name: float(loss) for name, loss in (last.get("losses") or {}).items()}
    own = losses.pop(record.model, None)
    if not losses or own is None:
        return "It is the only candidate that could be tried."
    best = min(losses, key=lambda name: losses[name])
    others = f"{len(losses) + 1} candidates in tests on the same past"
    if own <= losses[best]:
        more = f"{losses[best] / own - 1:.0%}".replace("%", " %") if own > 0 else "some"
        return f"It erred least of {others}; the next, {model_in_words(contest, best)}, erred {more} more."
    better = model_in_words(contest, best)
    return f"Of {others} {better} erred less of late, but not by more than chance: what serves stays."


def model_in_words(contest: Contest, model: str) -> str:
    """`demand_moving_average` of `demand_champion` → `moving average`."""
    return model.removeprefix(contest.name.removesuffix("champion")).replace("_", " ")
