"""Finished reports as they lie on the share, read-only, to those who may see them.

How they are made is the publishing room's; what is asked about them by programs is in `routes/reports.py`.
"""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from s2p_assets.api.caller import Caller
from s2p_assets.services.context import Context

SERVED = (".html", ".xlsx", ".pdf", ".png")
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src 'self' data:; "
    "font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""A report is one file, with its script and pictures in it: it may load and send nothing."""


class ReportFiles:
    """The app behind `/reports`: no listing, no link out of the folder, nothing but reports."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._files = StaticFiles(directory=ctx.settings.reports, check_dir=False)
        self._folders = {name.replace("_", "-"): name for name in ctx.catalog.reports}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller: Caller = scope["s2p.caller"]
        path = str(scope["path"]).removeprefix("/reports").lstrip("/")
        if str(scope["path"]) == "/reports":
            await RedirectResponse("/reports/", 307)(scope, receive, send)
            return
        name = path or "index.html"
        if Path(name).suffix not in SERVED or not self._is_for(caller, name):
            raise HTTPException(404, "Not Found")
        answer = await self._files.get_response(name, scope)
        answer.headers["Cache-Control"] = "private, no-cache"
        if name.endswith(".html"):
            answer.headers["Content-Security-Policy"] = POLICY
        await answer(scope, receive, send)

    def _is_for(self, caller: Caller, path: str) -> bool:
        """The index names every report with its headline: it is for those who see them all."""
        folder = path.partition("/")[0] if "/" in path else None
        if folder is None:
            return all(caller.sees(name) for name in self._ctx.catalog.reports)
        return caller.sees(self._folders.get(folder, folder))
