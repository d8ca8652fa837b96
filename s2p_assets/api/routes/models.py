"""Stored forecasts, predictions for entities and for typed-in cases, and the models in service; nothing is trained."""

import datetime as dt
from typing import Annotated, Any

import asyncpg
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from s2p_assets.api.answers import json_answer, raw_answer
from s2p_assets.api.caller import caller_of, needs
from s2p_assets.api.guard import state_of
from s2p_assets.api.problems import Problem
from s2p_assets.api.quick_routes import QuickRoute, parameters_of
from s2p_assets.services import forecasts, tables
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.forecasts import StoredForecast
from s2p_assets.services.model_queries import find_trained
from s2p_assets.warehouse.tables.row_query import QueryInvalid, parse_value

router = APIRouter(tags=["forecasts and models"])
OWN = ("since", "until")
NOT_THERE = (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError, asyncpg.UndefinedColumnError)
Value = str | int | float | bool
FIRST, LAST = dt.date(1, 1, 1), dt.date(9999, 12, 31)


class Wanted(BaseModel):
    """Of which entities something is predicted: those with these values; or cases that are typed in."""

    where: dict[str, Value] = Field({}, max_length=20, description='Stored entities with these values: {"sku": "0001"}')
    horizon: int | None = Field(None, ge=1, le=366, description="Periods ahead, where it forecasts")
    cases: list[dict[str, Value | None]] = Field(
        [], max_length=forecasts.MOST_CASES, description="Typed-in cases by their features, instead of `where`"
    )


@router.get("/forecasts", summary="Every stored forecast", **needs("viewer"))
async def list_forecasts(request: Request) -> Response:
    """The tables that hold what the versions in service predict, and by what they are asked."""
    ctx, caller = state_of(request.scope).ctx, caller_of(request)
    return json_answer(
        [
            {
                "name": name,
                "description": one.table.description,
                "contest": one.contest.full_name,
                "entity": one.contest.task.entity,
                "time": one.contest.task.time,
                "columns": [column.name for column in one.table.columns],
            }
            for name, one in forecasts.stored_forecasts(ctx.catalog).items()
            if caller.sees(name)
        ]
    )


@router.get("/forecasts/{name}", summary="The forecast of an entity", **needs("viewer"))
async def forecast_of(
    request: Request,
    name: str,
    since: Annotated[str, Query(max_length=40, description="From this day on")] = "",
    until: Annotated[str, Query(max_length=40, description="To this day")] = "",
) -> Response:
    """The stored predictions with their ranges of the entity that the other parameter names: `sku=0001`."""
    return await _forecast(request)


async def _forecast(request: Request) -> Response:
    caller, state = caller_of(request), state_of(request.scope)
    caller.require("viewer")
    known: dict[str, StoredForecast] = state.forecasts
    name = request.path_params["name"].replace(".", "_", 1)
    one = known.get(name) or forecasts.forecast_named(state.ctx.catalog, name)
    if not caller.sees(one.full_name):
        raise NotFound(f"no stored forecast {name[:80]!r}")
    given, asked = one.contest.task.entity, parameters_of(request)
    if set(asked) - set(OWN) != {given}:
        raise QueryInvalid(f"name one {given}: ?{given}=…; with since and until as days")
    entity = parse_value(given, one.kinds[given], asked[given])
    first, last = (
        parse_value(limit, "date", text) if (text := asked.get(limit)) else by_default
        for limit, by_default in (("since", FIRST), ("until", LAST))
    )
    try:
        found = await state.pool.fetchrow(one.sql, entity, first, last)
    except NOT_THERE:
        raise tables.not_stored(one.full_name) from None
    if found["rows"] is None:
        raise Problem(404, "no forecast", f"{one.full_name} has none of {given} {str(entity)[:80]} then")
    version, features = (found["version"] or "")[:16], (found["features"] or "")[:16]
    head = f'{{"rows":{found["rows"]},"version":"{version}","feature_version":"{features}"}}'
    return raw_answer(head.encode(), etag=f'"{version}-{features}"')


@router.get("/models", summary="The models in service", **needs("viewer"))
async def list_models(request: Request) -> Response:
    """Of each contest its champion, its challenger, their scores, and what was decided when and why."""
    ctx, caller = state_of(request.scope).ctx, caller_of(request)

    def states() -> list[dict[str, Any]]:
        return [forecasts.model_state(ctx, name) for name in ctx.catalog.contests if caller.sees(name)]

    return json_answer(await run_in_threadpool(states))


@router.get("/models/{name}", summary="One contest", **needs("viewer"))
async def model(request: Request, name: str) -> Response:
    """Champion and challenger of a contest, a model or a forecast, with scores and tenures."""
    ctx = _visible(request, name)
    return json_answer(await run_in_threadpool(forecasts.model_state, ctx, name))


@router.get("/models/{name}/why", summary="Why a model was trained", **needs("viewer"))
async def why(request: Request, name: str) -> Response:
    """The chain from the version in service down to the signal, the rows and the files."""
    ctx = _visible(request, name)
    found = await state_of(request.scope).heavy.of(forecasts.model_history, name)
    hidden = [
        book for book in found["workbooks"] if book in ctx.catalog.workbooks and not caller_of(request).sees(book)
    ]
    if hidden:
        raise NotFound(f"{name[:80]} learned from workbooks that are kept to others")
    return json_answer(found)


@router.post("/models/{name}/predict", summary="Predict", **needs("viewer"))
async def predict(request: Request, name: str, wanted: Wanted) -> Response:
    """For stored entities, or for cases that are typed in: scored by the version in service; nothing is trained."""
    _visible(request, name)
    heavy = state_of(request.scope).heavy
    if wanted.cases:
        if wanted.where or wanted.horizon:
            raise QueryInvalid("give typed-in cases, or where and horizon for stored entities, not both")
        return json_answer(await heavy.of(forecasts.scored, name, wanted.cases))
    where = {key: str(value) for key, value in wanted.where.items()}
    return json_answer(await heavy.of(forecasts.predicted, name, where, wanted.horizon))


def _visible(request: Request, name: str) -> Context:
    """Raises NotFound for what there is not, and for what is kept to others."""
    ctx, caller = state_of(request.scope).ctx, caller_of(request)
    contest = find_trained(ctx, name).contest
    if not (caller.sees(contest.full_name) and caller.sees(f"{contest.domain}_{contest.features}")):
        raise NotFound(f"{name[:80]}: there is no such model, contest or forecast")
    return ctx


QUICK = (QuickRoute("GET", "/forecasts/{name}", _forecast),)
