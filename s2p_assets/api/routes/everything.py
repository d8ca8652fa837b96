"""All routes of `/api/v1`, put under their path."""

from collections.abc import Iterator

from fastapi import FastAPI

from s2p_assets.api import oidc
from s2p_assets.api.quick_routes import QuickRoute
from s2p_assets.api.routes import entries, events, features, files, models, people, reports, subscriptions, tables

PREFIX = "/api/v1"
SUBJECTS = (tables, entries, events, features, models, files, reports, subscriptions, people)


def include(app: FastAPI) -> None:
    """Let the app answer them."""
    app.include_router(oidc.router)
    for subject in SUBJECTS:
        app.include_router(subject.router, prefix=PREFIX, responses=PROBLEMS)


def quick_routes() -> Iterator[QuickRoute]:
    """Those that are answered without FastAPI."""
    for subject in (features, models):
        yield from (route.below(PREFIX) for route in subject.QUICK)


PROBLEMS: dict[int | str, dict[str, object]] = {
    status: {
        "description": says,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status, says in {
        401: "Nobody that is known asks.",
        403: "The role does not allow it, or a page of another site asked.",
        404: "There is no such thing, or it is kept to others.",
        422: "The request is not as described; `findings` say where.",
        503: "PostgreSQL does not answer; try again.",
    }.items()
}
