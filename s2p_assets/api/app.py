"""Everything that is served, put together: the guard, and behind it the API, the pages, the reports and Dagster.

What each answers is in its own module; starting the server is in `__main__.py`.
"""

import contextlib
from collections.abc import AsyncIterator
from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from s2p_assets.api import openapi, pages, static_files, system_page
from s2p_assets.api.caller import Caller
from s2p_assets.api.dagster_proxy import DagsterProxy
from s2p_assets.api.exposition import Exposition
from s2p_assets.api.gate import Gate
from s2p_assets.api.guard import Guard
from s2p_assets.api.heavy_work import HeavyWork, WorkHere
from s2p_assets.api.login_limits import LoginLimits
from s2p_assets.api.problems import answer_problems
from s2p_assets.api.quick_routes import QuickRoutes
from s2p_assets.api.report_files import ReportFiles
from s2p_assets.api.routes import everything
from s2p_assets.api.uploads import ReaderAtHand
from s2p_assets.screen.areas import include_screen
from s2p_assets.screen.numbers import number_address
from s2p_assets.screen.problem_pages import problem_page
from s2p_assets.services.context import Context
from s2p_assets.services.forecasts import stored_forecasts
from s2p_assets.spreadsheet.entry_workbook import import_writer
from s2p_assets.warehouse.server.pool import open_pool

MOST_CONNECTIONS = 12
MOST_CONNECTIONS_OF_GATE = 4


def build_app(ctx: Context, dagster_socket: Path | None = None) -> Guard:
    """The whole door of one installation. `dagster_socket`: where its Dagster listens, if it was started."""
    proxy, gate = DagsterProxy(dagster_socket), Gate(ctx.warehouse.addresses.writing, ctx.settings.open)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with _pools(app, ctx, gate), gate.listening():
            with HeavyWork(ctx.settings) as app.state.heavy:
                yield
        await proxy.close()

    app = _routes(ctx, gate)
    app.router.lifespan_context = lifespan
    quick = QuickRoutes(app, everything.quick_routes())
    areas = (("/dagster", proxy), ("/reports", ReportFiles(ctx, app, number_address)), ("", quick))
    return Guard(ctx.settings, gate, areas, app.state.exposition.observe)


@contextlib.asynccontextmanager
async def routes_in_process(ctx: Context) -> AsyncIterator[ASGIApp]:
    """The routes without a guard, for who runs this process: they may do here what an engineer may."""
    gate = Gate(ctx.warehouse.addresses.writing, is_open=True)
    app = _routes(ctx, gate)
    app.state.heavy = WorkHere(ctx)
    quick = QuickRoutes(app, everything.quick_routes())

    async def known(scope: Scope, receive: Receive, send: Send) -> None:
        await quick({**scope, "s2p.caller": Caller("this process", "engineer", "open")}, receive, send)

    async with _pools(app, ctx, gate):
        yield known


@contextlib.asynccontextmanager
async def _pools(app: FastAPI, ctx: Context, gate: Gate) -> AsyncIterator[None]:
    """What the routes ask reads alone; who somebody is, the gate asks with connections of its own."""
    app.state.pool = await open_pool(ctx.warehouse.addresses.reading, most=MOST_CONNECTIONS)
    gate.pool = await open_pool(gate.url, most=MOST_CONNECTIONS_OF_GATE)
    try:
        yield
    finally:
        app.state.reader.close()
        app.state.entering.close()
        app.state.pool.terminate()
        gate.pool.terminate()


def _routes(ctx: Context, gate: Gate) -> FastAPI:
    app = FastAPI(
        title="s2p",
        version=version("s2p-assets"),
        summary="What the company's workbooks say: tables, features, forecasts, reports, and the way back to cells.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.state.ctx, app.state.limits, app.state.gate = ctx, LoginLimits(), gate
    app.state.reader = ReaderAtHand(ctx.settings)
    app.state.entering = ReaderAtHand(ctx.settings, import_writer)
    app.state.asked = {}
    app.state.forecasts = stored_forecasts(ctx.catalog)
    app.state.exposition = Exposition(ctx)
    app.state.oidc_client, app.state.oidc_logins = None, {}
    app.include_router(static_files.router)
    app.include_router(pages.router)
    app.include_router(system_page.router)
    include_screen(app)
    everything.include(app)
    openapi.describe(app, ctx.catalog)
    answer_problems(app, problem_page)
    return app
