"""Finished reports as they lie on the share, read-only, to those who may see them, their numbers as links.

How they are made is the publishing room's; what is asked about them by programs is in `routes/reports.py`, and the
pages on which they are read are the screen's.
"""

import gzip
import re
from collections.abc import Callable
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from s2p_assets.api.caller import Caller
from s2p_assets.publishing.renderers.number_links import NumberPlace, link_numbers
from s2p_assets.services.context import Context

SERVED = (".html", ".xlsx", ".pdf", ".png")
PAGES = re.compile(r"/reports(/[\w-]+(/(numbers/.+|as-of|subscribe))?)?")
"""Of the paths below, those of pages and not of files."""
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src 'self' data:; "
    "font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""A report is one file, with its script and pictures in it: it may load and send nothing."""
HOME, GLOSSARY = "/reports", "/glossary"
TO_INDEX = re.compile(r'href="(?:\.\./)+index\.html"')


class ReportFiles:
    """The app behind `/reports`: no listing, no link out of the folder, nothing but reports; pages are `screen`'s.

    `address`: where a number of a report is followed.
    """

    def __init__(self, ctx: Context, screen: ASGIApp, address: Callable[[NumberPlace], str]) -> None:
        self._ctx, self._screen, self._address = ctx, screen, address
        self._files = StaticFiles(directory=ctx.settings.reports, check_dir=False)
        self._folders = {name.replace("_", "-"): name for name in ctx.catalog.reports}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller: Caller = scope["s2p.caller"]
        path = str(scope["path"])
        if PAGES.fullmatch(path):
            await self._screen(scope, receive, send)
            return
        if path == f"{HOME}/":
            await RedirectResponse(HOME, 307)(scope, receive, send)
            return
        name = path.removeprefix(HOME).lstrip("/")
        if Path(name).suffix not in SERVED or not self._is_for(caller, name):
            raise HTTPException(404, "Not Found")
        answer = await self._files.get_response(name, scope)
        if name.endswith(".html") and answer.status_code == 200 and scope["method"] == "GET":
            answer = await run_in_threadpool(self._page, scope, Path(self._ctx.settings.reports) / name)
        answer.headers["Cache-Control"] = "private, no-cache"
        if name.endswith(".html"):
            answer.headers["Content-Security-Policy"] = POLICY
        await answer(scope, receive, send)

    def _page(self, scope: Scope, file: Path) -> Response:
        """A report's page with its links. Where the file is not the one that was found, there is none."""
        page = link_numbers(file.read_text(encoding="utf-8"), self._address, GLOSSARY)
        if scope.get("query_string") == b"in=place":
            page = page.replace("<body ", '<body class="in-place" ', 1)  # the page around it says the same
        page = TO_INDEX.sub(f'href="{HOME}" target="_top"', page)
        content, headers = page.encode(), {"Vary": "Accept-Encoding"}
        if "gzip" in Headers(scope=scope).get("accept-encoding", ""):
            content, headers = gzip.compress(content, 5, mtime=0), headers | {"Content-Encoding": "gzip"}
        return Response(content, 200, headers, "text/html")

    def _is_for(self, caller: Caller, path: str) -> bool:
        """The index names every report with its headline: it is for those who see them all."""
        folder = path.partition("/")[0] if "/" in path else None
        if folder is None:
            return all(caller.sees(name) for name in self._ctx.catalog.reports)
        return caller.sees(self._folders.get(folder, folder))
