"""Area 2, what became of one file: its verdict as soon as there is one, and what its owner or an editor can do.

Handing one in is `hand_in.py`'s; how files stand all together, `today.py`'s.
"""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from s2p_assets.api.caller import caller_of, needs
from s2p_assets.api.forms import form_fields
from s2p_assets.api.guard import state_of
from s2p_assets.api.problems import Problem
from s2p_assets.contracts.findings import Finding
from s2p_assets.screen import hand_in
from s2p_assets.screen.rendering import go_to, page, part
from s2p_assets.services import files, held_files
from s2p_assets.services.messages.file_matters import cell_lines
from s2p_assets.services.status import forget_file

router = APIRouter()
AREA = hand_in.AREA
MOST_LINES = 30
DECISIONS = {"accept": held_files.accept_file, "keep": held_files.keep_file, "forget": forget_file}
SharePath = Annotated[str, Query(min_length=1, max_length=1000)]


@router.get("/hand-in/file", **needs("viewer"))
async def handed_in(request: Request, path: SharePath) -> Response:
    """The verdict of a file on the share; asks again by itself while it waits to be read."""
    return page(request, AREA, "handed_in.html.j2", **await _file(request, path))


@router.get("/hand-in/file/part", **needs("viewer"))
async def verdict_part(request: Request, path: SharePath) -> Response:
    """The same, for the page that waits."""
    return part(request, "handed_in_part.html.j2", **await _file(request, path))


@router.post("/hand-in/file/decide", **needs("editor"))
async def decide(request: Request) -> Response:
    """Accept a held file, keep the rows of one that is gone, or withdraw them."""
    given = await form_fields(request)
    path, decision, back = given.get("path", ""), DECISIONS.get(given.get("decision", "")), given.get("back", "")
    if decision is None:
        raise Problem(422, "not this form", "load the page again")
    ctx, caller = state_of(request.scope).ctx, caller_of(request)
    await run_in_threadpool(files.workbook_of, ctx, path, caller.sees)
    await run_in_threadpool(decision, ctx, path)
    state_of(request.scope).status_at_hand.forget()
    return go_to(request, "/" if back == "today" else f"/hand-in/file?path={quote(path, safe='')}")


async def _file(request: Request, path: str) -> dict[str, Any]:
    ctx, caller = state_of(request.scope).ctx, caller_of(request)
    found = await run_in_threadpool(files.file_verdict, ctx, path, caller.sees)
    findings = [Finding(**one) for one in found["findings"]]
    lines = cell_lines(one for one in findings if one.severity == "reject")
    seen = cell_lines(one for one in findings if one.severity != "reject")
    workbook = ctx.catalog.workbooks.get(found["workbook"] or "")
    return {
        "file": found,
        "lines": lines[:MOST_LINES],
        "more": max(0, len(lines) - MOST_LINES),
        "notices": seen[:MOST_LINES],
        "kind": workbook.full_name.replace("_", " ") if workbook else None,
        "may_decide": caller.may("editor"),
    }
