"""The look-ups that are asked most, answered before FastAPI, whose own work costs more than they do; it describes them.

Which they are, and what they answer, stands with the routes; who may come this far was the guard's question.
"""

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from s2p_assets.api.problems import problem_of
from s2p_assets.warehouse.tables.row_query import once_each

PART = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class QuickRoute:
    """`path`: as FastAPI writes it, `/features/{name}/online`; `answer` may raise whatever a route may."""

    method: str
    path: str
    answer: Callable[[Request], Awaitable[Response]]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(PART.sub(r"(?P<\1>[^/]+)", self.path))

    def below(self, prefix: str) -> "QuickRoute":
        return QuickRoute(self.method, f"{prefix}{self.path}", self.answer)


class QuickRoutes:
    """An app that answers these routes itself, and leaves everything else to FastAPI."""

    def __init__(self, app: FastAPI, routes: Iterable[QuickRoute]) -> None:
        self.app, self.routes = app, tuple(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            for route in self.routes:
                if route.method == scope["method"] and (found := route.pattern.fullmatch(scope["path"])):
                    scope.update(app=self.app, route=route, path_params=found.groupdict())
                    await _answer(route, Request(scope, receive), send)
                    return
        await self.app(scope, receive, send)


def parameters_of(request: Request) -> dict[str, str]:
    """The parameters of the address, of which each is given once. Raises QueryInvalid."""
    return once_each(parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True))


async def _answer(route: QuickRoute, request: Request, send: Send) -> None:
    try:
        answer = await route.answer(request)
    except Exception as error:
        problem = problem_of(error)
        await problem.response()(request.scope, request.receive, send)
        if problem.status_code == 500 and problem is not error:
            raise  # to the log
        return
    await answer(request.scope, request.receive, send)
