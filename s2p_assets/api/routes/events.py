"""Events of streams: pushed by programs, and what became of them."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from s2p_assets.api.answers import json_answer
from s2p_assets.api.caller import caller_of, needs
from s2p_assets.api.guard import state_of
from s2p_assets.api.problems import Problem
from s2p_assets.contracts.stream import Stream
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.streams.pushing import MAX_KEY, KeyReused, NotPushed, push_events
from s2p_assets.services.streams.telling import returned_of, streams_status

router = APIRouter(tags=["events"])
Name = Annotated[str, Path(max_length=200, description="`retail_till_receipts`")]
Key = Annotated[
    str,
    Header(max_length=MAX_KEY, description="Names this delivery: sent again with the same events, it is taken once"),
]


@router.get("/events", summary="Every stream", **needs("viewer"))
async def list_streams(request: Request) -> Response:
    """Where its events come from, how many rows there are, how far behind it is, and what came back."""
    ctx, caller = state_of(request.scope).ctx, caller_of(request)
    found = await run_in_threadpool(streams_status, ctx)
    return json_answer([one for one in found if caller.sees(one["name"])])


@router.post("/events/{name}", summary="Push events", **needs("editor"))
async def push(request: Request, name: Name, idempotency_key: Key = "") -> Response:
    """Lines of JSON, an event each. The good ones are stored, the others come back in `findings`, by line.

    All in one transaction with the key: a delivery that is sent again with the same `Idempotency-Key` gets the same
    answer, and is stored once. Whoever has no answer sends it again.
    """
    ctx, _ = _stream(request, name)
    body = await request.body()
    try:
        taken = await run_in_threadpool(push_events, ctx, name, body, idempotency_key, caller_of(request).name)
    except KeyReused as error:
        raise Problem(409, "another delivery", str(error)) from None
    except NotPushed as error:
        raise Problem(422, "refused", str(error)) from None
    return json_answer(taken.answer | {"again": taken.again})


@router.get("/events/{name}/returned", summary="Events that came back", **needs("viewer"))
async def list_returned(request: Request, name: Name, limit: Annotated[int, Query(ge=1, le=1000)] = 200) -> Response:
    """Those that nobody has settled, the oldest first, each with every finding."""
    ctx, stream = _stream(request, name)
    return json_answer(await run_in_threadpool(returned_of, ctx, stream.full_name, limit))


def _stream(request: Request, name: str) -> tuple[Context, Stream]:
    ctx: Context = state_of(request.scope).ctx
    found: Any = ctx.catalog.streams.get(name)
    if found is None or not caller_of(request).sees(name):
        raise NotFound(f"there is no stream {name[:80]!r}; /api/v1/events lists them")
    return ctx, found
