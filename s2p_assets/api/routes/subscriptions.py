"""What somebody is told by mail: reports that they get, and values of which they hear when these pass a threshold.

How they are sent is decided in `services/messages`; the same on a page is `screen/alerts.py`.
"""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from s2p_assets.api.answers import json_answer
from s2p_assets.api.caller import asker_of, caller_of, needs
from s2p_assets.api.guard import state_of
from s2p_assets.messaging.subscriptions import Direction, Subscription, WatchedValue
from s2p_assets.services import subscriptions, threshold_alerts
from s2p_assets.services.askers import Asker
from s2p_assets.services.context import Context
from s2p_assets.services.named import report_named

router = APIRouter(tags=["messages"])
Recipient = Annotated[
    str, Field(max_length=320, description="Whom to tell, yourself by default; another only by an engineer")
]
Number = Annotated[int, Path(ge=1, lt=2**63, description="Its `id`")]


class NewSubscription(BaseModel):
    """A report whose new editions go to somebody."""

    report: str = Field(min_length=1, max_length=200, description="As `GET /reports` names it")
    recipient: Recipient = ""


class NewThresholdAlert(BaseModel):
    """A value that is watched, and its limit."""

    table: str = Field(min_length=1, max_length=200)
    entity: dict[str, str | int | float] = Field({}, max_length=20, description='The row: {"sku": "0001"}')
    column: str = Field(min_length=1, max_length=200, description="The quantity that is watched")
    direction: Direction
    threshold: float = Field(allow_inf_nan=False)
    recipient: Recipient = ""

    @property
    def watched(self) -> WatchedValue:
        entity = {name: str(value) for name, value in self.entity.items()}
        return WatchedValue(self.table.replace(".", "_", 1), entity, self.column, self.direction, self.threshold)


@router.get("/subscriptions", summary="Who gets which report", **needs("viewer"))
async def list_subscriptions(request: Request) -> Response:
    """Yours and those that you asked for; for an engineer, everybody's."""
    ctx, asker = _asker(request)
    return json_answer([asdict(one) for one in await run_in_threadpool(_subscriptions, ctx, asker)])


@router.post("/subscriptions", summary="Get a report", status_code=201, **needs("viewer"))
async def subscribe(request: Request, new: NewSubscription) -> Response:
    """Each new edition goes to the recipient by mail; asked for twice, it goes once."""
    ctx, asker = _asker(request)

    to = await run_in_threadpool(subscriptions.subscribe, ctx, asker, new.report, new.recipient)
    return json_answer({"report": report_named(ctx.catalog, new.report).full_name, "recipient": to}, 201)


@router.delete("/subscriptions/{number}", summary="Get a report no more", status_code=204, **needs("viewer"))
async def unsubscribe(request: Request, number: Number) -> Response:
    """From the next edition on."""
    ctx, asker = _asker(request)
    await run_in_threadpool(subscriptions.unsubscribe, ctx, asker, number)
    return Response(status_code=204)


@router.get("/threshold-alerts", summary="Values that are watched", **needs("viewer"))
async def list_threshold_alerts(request: Request) -> Response:
    """Yours and those that you asked for, in words, with the value now; for an engineer, everybody's."""
    ctx, asker = _asker(request)
    found = await run_in_threadpool(threshold_alerts.alerts_of, ctx, asker)
    return json_answer([threshold_alerts.alert_json(*one) for one in found])


@router.post("/threshold-alerts", summary="Watch a value", status_code=201, **needs("viewer"))
async def watch_value(request: Request, new: NewThresholdAlert) -> Response:
    """The recipient is told once when the value passes the threshold; `value` is what it is now."""
    ctx, asker = _asker(request)
    value = await run_in_threadpool(threshold_alerts.watch_value, ctx, asker, new.watched, new.recipient)
    return json_answer({"says": threshold_alerts.alert_words(ctx, new.watched), "value": value}, 201)


@router.delete("/threshold-alerts/{number}", summary="Watch a value no more", status_code=204, **needs("viewer"))
async def end_watch(request: Request, number: Number) -> Response:
    """Nobody is told of it any more."""
    ctx, asker = _asker(request)
    await run_in_threadpool(threshold_alerts.end_watch, ctx, asker, number)
    return Response(status_code=204)


def _asker(request: Request) -> tuple[Context, Asker]:
    return state_of(request.scope).ctx, asker_of(caller_of(request))


def _subscriptions(ctx: Context, asker: Asker) -> list[Subscription]:
    return [one for one in subscriptions.subscriptions_of(ctx, asker) if asker.sees(one.report)]
