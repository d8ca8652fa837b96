"""Feature sets as a store: online, the newest row known of an entity; offline, the rows known at given moments."""

import datetime as dt
import io
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import asyncpg
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from s2p_assets.api.answers import json_answer, raw_answer, to_json
from s2p_assets.api.caller import caller_of, needs
from s2p_assets.api.guard import state_of
from s2p_assets.api.problems import Problem, not_as_described
from s2p_assets.api.quick_routes import QuickRoute, parameters_of
from s2p_assets.catalog.catalog import key_of
from s2p_assets.contracts.columns import Kind
from s2p_assets.contracts.feature_set import FeatureSet
from s2p_assets.contracts.sql_table import SqlTable
from s2p_assets.services import tables
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.feature_store import MOST_OFFLINE, MOST_ONLINE, FeatureQuery, features_named, used_by
from s2p_assets.warehouse.tables.exports import FORMATS
from s2p_assets.warehouse.tables.row_query import QueryInvalid, sql_name

router = APIRouter(tags=["features"])
OWN = ("as_of", "columns")
NOT_THERE = (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError, asyncpg.UndefinedColumnError)
Name = Annotated[str, Field(max_length=200)]
Value = str | int | float | bool


class Entities(BaseModel):
    """Entities whose newest rows are asked for."""

    entities: list[dict[str, Value]] = Field(min_length=1, max_length=MOST_ONLINE, description='[{"sku": "0001"}, …]')
    as_of: str | None = Field(None, max_length=40, description="What was known by this moment; now by default")
    columns: str = Field("", max_length=5000, description="Only these columns, separated by commas")


class Moments(BaseModel):
    """Entities at moments, as a training set lists them."""

    entities: list[dict[str, Value]] = Field(max_length=MOST_OFFLINE, description='[{"sku": "0001"}, …]')
    times: list[Annotated[str, Field(max_length=40)]] = Field(max_length=MOST_OFFLINE, description="A moment for each")
    columns: str = Field("", max_length=5000, description="Only these columns, separated by commas")
    max_age_days: float | None = Field(
        None, gt=0, le=36_500, description="No row that is older than this at its moment"
    )
    format: Literal["json", "parquet", "arrow"] = "json"


@router.get("/features", summary="Every feature set", **needs("viewer"))
async def list_feature_sets(request: Request) -> Response:
    """Names, types, owners, freshness, and what each is made from and learned by."""
    ctx, caller = state_of(request.scope).ctx, caller_of(request)
    fresh = await run_in_threadpool(tables.freshness, ctx)
    shown = [one for name, one in ctx.catalog.feature_sets.items() if caller.sees(name)]
    return json_answer([_described(ctx, one, fresh) for one in shown])


@router.get("/features/{name}", summary="What a feature set is", **needs("viewer"))
async def describe_feature_set(request: Request, name: str) -> Response:
    """Its features in words, its lineage down to workbooks, and the contests that learn from it."""
    ctx, features = _features(request, name)
    return json_answer(_described(ctx, features, await run_in_threadpool(tables.freshness, ctx)))


@router.get("/features/{name}/online", summary="The newest row of an entity", **needs("viewer"))
async def newest_row(
    request: Request,
    name: str,
    as_of: Annotated[str, Query(max_length=40, description="What was known by this moment; now by default")] = "",
    columns: Annotated[str, Query(max_length=5000, description="Only these columns")] = "",
) -> Response:
    """The newest row known by now of the entity that the other parameters name: `sku=0001`."""
    return await _newest(request)


async def _newest(request: Request) -> Response:
    caller_of(request).require("viewer")
    params = parameters_of(request)
    as_of, columns = (params.pop(name, "") for name in OWN)
    asked = _asked(request, request.path_params["name"], columns)
    entity, moment = asked.query.entity_values(params), asked.query.moment(as_of, dt.datetime.now(dt.UTC))
    try:
        found = await state_of(request.scope).pool.fetchrow(asked.newest, *entity, moment)
    except NOT_THERE:
        raise tables.not_stored(asked.name) from None
    if found["row"] is None:
        raise Problem(404, "no row", f"{asked.name} knows nothing of this entity by {moment}")
    version = (found["version"] or "")[:16]
    head = f'{{"row":{found["row"]},"as_of":"{moment.isoformat()}","feature_version":"{version}"}}'
    return raw_answer(head.encode(), etag=f'"{version}-{moment.isoformat()}"')


@router.post("/features/{name}/online", summary="The newest rows of many entities", **needs("viewer"))
async def newest_rows(request: Request, name: str, asked: Entities) -> Response:
    """Up to 1,000 entities; a row for each in their order, `null` where nothing is known by then."""
    return await _newest_of(request, asked)


async def _newest_many(request: Request) -> Response:
    caller_of(request).require("viewer")
    try:
        entities = Entities.model_validate_json(await request.body())
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        raise not_as_described((("body", *one["loc"]), one["msg"]) for one in faults) from None
    return await _newest_of(request, entities)


async def _newest_of(request: Request, wanted: Entities) -> Response:
    asked = _asked(request, request.path_params["name"], wanted.columns)
    moment = asked.query.moment(wanted.as_of, dt.datetime.now(dt.UTC))
    arrays, _ = asked.query.asked_at(wanted.entities, (), dt.datetime.now(dt.UTC))
    try:
        found = await state_of(request.scope).pool.fetchrow(asked.newest_many, *arrays, [moment] * len(wanted.entities))
    except NOT_THERE:
        raise tables.not_stored(asked.name) from None
    head = to_json({"as_of": str(moment), "feature_version": (found["version"] or "")[:16]})
    return raw_answer(b'{"rows":' + found["rows"].encode() + b"," + head[1:])


@router.post("/features/{name}/offline", summary="The rows known at moments", **needs("viewer"))
async def rows_at(request: Request, name: str, asked: Moments) -> Response:
    """The point-in-time join for a list of (entity, time): the very rows that training sees, nothing later."""
    _, features = _features(request, name)
    if len(asked.entities) != len(asked.times):
        raise QueryInvalid(f"{len(asked.entities):,} entities and {len(asked.times):,} times; give one time for each")
    query = FeatureQuery(features)
    columns = query.columns(asked.columns)
    arrays, moments = await run_in_threadpool(query.asked_at, asked.entities, asked.times, dt.datetime.now(dt.UTC))
    age = [dt.timedelta(days=asked.max_age_days)] if asked.max_age_days else []
    text = query.joined_sql(columns, max_age=bool(age))
    if asked.format != "json":
        return await _columns_at(request, query, columns, [*arrays, moments, *age], text, asked.format)
    shown = ", ".join(f"j.{sql_name(one)}" for one in columns)
    listed = (
        f"select coalesce(json_agg(to_json(r) order by j.n), '[]')::text from ({text}) j,"
        f" lateral (select j.moment as asked_at, {shown}) r"
    )
    rows, version = await _fetched(request, features, listed, [*arrays, moments, *age])
    return raw_answer(b'{"rows":' + rows.encode() + b"," + to_json({"feature_version": version})[1:])


@router.post("/features/{name}/push", summary="Push rows", **needs("editor"))
async def push_rows(request: Request, name: str) -> Response:
    """Features are made, not pushed: of rows that come by workbooks, are entered, or are pushed as events."""
    _, features = _features(request, name)
    raise Problem(
        409,
        "not pushed",
        f"{features.full_name} is made of what comes in: push events (POST /events/STREAM), drop a workbook, or enter "
        "rows (POST /tables/NAME/entries)",
    )


async def _fetched(request: Request, features: FeatureSet | SqlTable, text: str, values: list[Any]) -> tuple[str, str]:
    pool: asyncpg.Pool = state_of(request.scope).pool
    try:
        rows = await pool.fetchval(text, *values)
    except NOT_THERE:
        raise tables.not_stored(features.full_name) from None
    query = "select version from s2p.contents where domain = $1 and table_name = $2"
    return rows, str(await pool.fetchval(query, features.domain, features.name))[:16]


async def _columns_at(
    request: Request,
    query: FeatureQuery,
    columns: tuple[str, ...],
    values: list[Any],
    text: str,
    kind: Literal["parquet", "arrow"],
) -> Response:
    pool: asyncpg.Pool = state_of(request.scope).pool
    try:
        rows = await pool.fetch(f"select * from ({text}) j order by n", *values)
    except NOT_THERE:
        raise tables.not_stored(query.features.full_name) from None
    kinds = [("asked_at", query.kinds[query.features.event_time]), *((name, query.kinds[name]) for name in columns)]
    content = await state_of(request.scope).heavy.of(_columnar, kinds, [tuple(row)[1:] for row in rows], kind)
    return Response(content, media_type=FORMATS[kind])


def _columnar(_: Context, kinds: list[tuple[str, Kind]], rows: list[tuple[Any, ...]], kind: str) -> bytes:
    """Made beside the server, in which pandas would stay, as Arrow loads it. `kinds`: name and kind of each value."""
    import pyarrow
    import pyarrow.parquet

    from s2p_assets.contracts.columns import arrow_type

    fields = [pyarrow.field(name, arrow_type(of)) for name, of in kinds]
    lists = zip(*rows, strict=True) if rows else [()] * len(fields)
    plain = [
        [None if value is None else float(value) for value in values] if of in ("money", "percent") else list(values)
        for values, (_, of) in zip(lists, kinds, strict=True)
    ]
    arrays = [pyarrow.array(values, field.type) for values, field in zip(plain, fields, strict=True)]
    table, buffer = pyarrow.table(arrays, schema=pyarrow.schema(fields)), io.BytesIO()
    if kind == "parquet":
        pyarrow.parquet.write_table(table, buffer)
    else:
        with pyarrow.ipc.new_stream(buffer, table.schema) as writer:
            writer.write_table(table)
    return buffer.getvalue()


@dataclass(frozen=True)
class _Asked:
    """A feature set as it is asked for by many: its name, and SQL for one entity and for several."""

    query: FeatureQuery
    name: str
    newest: str
    newest_many: str


MOST_KEPT = 2000


def _asked(request: Request, name: str, columns: str) -> _Asked:
    """Kept from question to question. Raises NotFound and QueryInvalid."""
    kept: dict[tuple[str, str], _Asked] = state_of(request.scope).asked
    known = kept.get((name, columns))
    if known is not None and caller_of(request).sees(known.name):
        return known
    _, features = _features(request, name)
    query = FeatureQuery(features)
    chosen = query.columns(columns)
    known = _Asked(query, features.full_name, query.newest_sql(chosen), query.newest_many_sql(chosen))
    if len(kept) < MOST_KEPT:
        kept[name, columns] = known
    return known


def _features(request: Request, name: str) -> tuple[Context, FeatureSet | SqlTable]:
    ctx: Context = state_of(request.scope).ctx
    features = features_named(ctx.catalog, name)
    if not caller_of(request).sees(features.full_name):
        raise NotFound(f"no feature set {name[:80]!r}")
    return ctx, features


def _described(ctx: Context, features: FeatureSet | SqlTable, fresh: dict[str, dict[str, Any]]) -> dict[str, Any]:
    upstream = [str(key) for key in ctx.catalog.upstream(key_of(features))[1:]]
    known = fresh.get(features.full_name, {"changed_at": None, "rows": 0, "version": None})
    return tables.describe(ctx, features) | known | {"upstream": upstream, "used_by": used_by(ctx, features)}


QUICK = (
    QuickRoute("GET", "/features/{name}/online", _newest),
    QuickRoute("POST", "/features/{name}/online", _newest_many),
)
