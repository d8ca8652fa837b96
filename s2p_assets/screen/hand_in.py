"""Area 2, Hand in: a workbook is looked at, mended where it is wrong, and put on the share.

How it is judged and kept meanwhile is the services'; what becomes of it afterwards shows `handed_in.py`.
"""

import json
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, Response

from s2p_assets.api.answers import json_answer
from s2p_assets.api.caller import Caller, caller_of, needs
from s2p_assets.api.forms import form_fields
from s2p_assets.api.guard import state_of
from s2p_assets.api.problems import Problem
from s2p_assets.api.uploads import uploaded
from s2p_assets.fetching.remote_files import RemoteAway
from s2p_assets.screen.area import Area
from s2p_assets.screen.rendering import go_to, page, part
from s2p_assets.screen.submission_view import shown_submission
from s2p_assets.services import files, header_aliases, judging, submissions
from s2p_assets.services.check import draft_contract
from s2p_assets.services.context import Context
from s2p_assets.services.submissions import Submission
from s2p_assets.spreadsheet.book import SPREADSHEET_SUFFIXES

router = APIRouter()
AREA = Area("Hand in", "/hand-in", 2)
LATELY = 12
FORM_BYTES = 4 << 20
MOST_FIELDS = 8_000
Given = dict[str, str]


@router.get("/hand-in", **needs("viewer"))
async def hand_in(request: Request) -> Response:
    """Where a workbook is dropped; the reader is got ready meanwhile, as it takes longer to start than to read."""
    state, caller = state_of(request.scope), caller_of(request)
    ctx: Context = state.ctx
    begun, sent = await run_in_threadpool(_lately, ctx, caller)
    state.reader.get_ready()
    return page(
        request,
        AREA,
        "hand_in.html.j2",
        begun=begun,
        sent=sent,
        kinds=sorted(name for name in ctx.catalog.workbooks if caller.sees(name)),
        most_mb=ctx.settings.upload_mb,
        suffixes=",".join(sorted(SPREADSHEET_SUFFIXES)),
    )


def _lately(ctx: Context, caller: Caller) -> tuple[list[Submission], list[dict[str, Any]]]:
    known = files.list_files(ctx, caller.sees, workbook=None, verdict=None, limit=500)
    sent = [file for file in known if file["handed_in_by"] == caller.name]
    return submissions.of_person(ctx, caller.name), sent[:LATELY]


@router.post("/hand-in/upload", **needs("viewer"))
async def upload(
    request: Request,
    name: Annotated[str, Query(min_length=1, max_length=500)],
    contract: Annotated[str | None, Query(alias="as", max_length=200)] = None,
) -> Response:
    """Keep the file in the body, judge it, and say where that is seen."""
    state, caller = state_of(request.scope), caller_of(request)
    called = files.name_without_folders(name)
    async with uploaded(request, "uploaded") as file:

        def take() -> Submission:
            made = submissions.begin(state.ctx, file, called, caller.name, contract or None)
            with state.reader.use() as reader:
                judging.judge_submission(state.ctx, reader, made, caller.sees)
            made.save(state.ctx.settings)
            return made

        made = await run_in_threadpool(take)
    return json_answer({"address": f"/hand-in/at/{made.id}"}, 201)


@router.post("/hand-in/mend", **needs("editor"))
async def mend_from_share(request: Request) -> Response:
    """Begin with the file that lies on the share, as one that came back."""
    state, caller = state_of(request.scope), caller_of(request)
    given = await form_fields(request)

    def take() -> Submission:
        made = submissions.begin_from_share(state.ctx, given.get("path", ""), caller.name, caller.sees)
        with state.reader.use() as reader:
            judging.judge_submission(state.ctx, reader, made, caller.sees)
        made.save(state.ctx.settings)
        return made

    made = await run_in_threadpool(take)
    return go_to(request, f"/hand-in/at/{made.id}")


@router.get("/hand-in/at/{id}", **needs("viewer"))
async def look(request: Request, id: str) -> Response:  # noqa: A002  what it is called in an address
    """The verdict, the sheet with its findings, what it would change."""
    return await _shown(request, id, whole=True)


@router.post("/hand-in/at/{id}/mend", **needs("viewer"))
async def mend(request: Request, id: str) -> Response:  # noqa: A002
    """Put what was typed in the cells, and judge the file anew."""
    given = await form_fields(request, FORM_BYTES, MOST_FIELDS)
    changes = _changes(given)

    def work(state: Any, found: Submission, caller: Caller) -> str | None:
        with state.reader.use() as reader:
            wrong = judging.mend(state.ctx, reader, found, changes) if changes else None
            if wrong is None:
                judging.judge_submission(state.ctx, reader, found, caller.sees)
        return wrong

    typed = {(sheet, cell): text for sheet, cell, _, text in changes}
    return await _changed(request, id, given, work, typed, f"{len(changes)} mended, checked again")


@router.post("/hand-in/at/{id}/match", **needs("editor"))
async def match(request: Request, id: str) -> Response:  # noqa: A002
    """Remember that a header is a column, and judge the file anew."""
    given = await form_fields(request)
    header, column = given.get("header", ""), given.get("column", "")

    def work(state: Any, found: Submission, caller: Caller) -> str | None:
        workbook = given.get("workbook", "")
        if not caller.sees(workbook):
            raise Problem(404, "not found", f"no workbook contract {workbook[:80]!r} is yours to use")
        try:
            header_aliases.match_header(state.ctx, workbook, column, header, caller.name)
        except header_aliases.AliasRefused as refused:
            return str(refused)
        with state.reader.use() as reader:
            judging.judge_submission(state.ctx, reader, found, caller.sees)
        return None

    return await _changed(request, id, given, work, {}, f"Remembered: “{header}” is {given.get('title', column)}")


@router.post("/hand-in/at/{id}/place", **needs("viewer"))
async def place(request: Request, id: str) -> Response:  # noqa: A002
    """Where it is to lie, or which kind it is; judge it anew."""
    given = await form_fields(request)

    def work(state: Any, found: Submission, caller: Caller) -> str | None:
        if "as" in given:
            found.contract = given["as"] or None
        elif not found.path:
            found.place, _ = files.place_for_upload(state.ctx, given.get("path", ""), caller.sees)
        with state.reader.use() as reader:
            judging.judge_submission(state.ctx, reader, found, caller.sees)
        return None

    return await _changed(request, id, given, work, {}, "Looked at anew")


@router.post("/hand-in/at/{id}/store", **needs("editor"))
async def store(request: Request, id: str) -> Response:  # noqa: A002
    """Put it on the share, where the next look takes it."""
    given = await form_fields(request)
    state, caller = state_of(request.scope), caller_of(request)

    def work() -> str:
        found = submissions.find(state.ctx, id, caller.name)
        if found.revision != _number(given.get("revision")):
            raise submissions.ChangedMeanwhile(
                "this file was changed meanwhile, in another window; load the page again"
            )
        places = found.judged["places"]
        if not places:
            raise files.FileRefused("say where it goes first")
        return submissions.hand_in(state.ctx, found, places[0], given.get("replaces", ""), caller.sees).path

    try:
        path = await run_in_threadpool(work)
    except (submissions.ChangedMeanwhile, files.FileRefused) as refused:
        return await _shown(request, id, wrong=str(refused), status=409)
    except RemoteAway as away:
        return await _shown(request, id, wrong=f"The share does not take it now. {away}", status=503)
    return go_to(request, f"/hand-in/file?path={quote(path, safe='')}")


@router.post("/hand-in/at/{id}/drop", **needs("viewer"))
async def drop(request: Request, id: str) -> Response:  # noqa: A002
    """Keep nothing of it."""
    await run_in_threadpool(submissions.drop, state_of(request.scope).ctx, id, caller_of(request).name)
    return go_to(request, "/hand-in")


@router.get("/hand-in/at/{id}/marked-copy", **needs("viewer"))
async def marked_copy(request: Request, id: str) -> Response:  # noqa: A002
    """The workbook with its bad cells marked, to be mended elsewhere."""
    state, caller = state_of(request.scope), caller_of(request)

    def write() -> tuple[Any, str]:
        found = submissions.find(state.ctx, id, caller.name)
        with state.reader.use() as reader:
            written = judging.marked_copy_of(state.ctx, reader, found, caller.sees)
        beside = written.name.removeprefix(submissions.MARKED)
        return written, f"{found.name.rpartition('.')[0]}{beside}" if beside.count(
            "."
        ) == 1 else f"{found.name}{beside}"

    written, name = await run_in_threadpool(write)
    return FileResponse(written, filename=name)


@router.get("/hand-in/at/{id}/contract", **needs("engineer"))
async def contract(request: Request, id: str) -> Response:  # noqa: A002
    """The contract that `s2p new` would write for this file."""
    state, caller = state_of(request.scope), caller_of(request)

    def draft() -> dict[str, Any]:
        found = submissions.find(state.ctx, id, caller.name)
        with state.reader.use() as reader:
            sources, wrong = draft_contract(state.ctx.settings, reader, found.file(state.ctx.settings), found.name)
        return {"sources": sources, "wrong": wrong, "submission": found}

    return part(request, "hand_in_contract.html.j2", **await run_in_threadpool(draft))


async def _changed(
    request: Request,
    id: str,  # noqa: A002
    given: Given,
    work: Any,
    typed: dict[tuple[str, str], str],
    said: str,
) -> Response:
    """Let `work` change a submission; what it says is why it could not."""
    state, caller = state_of(request.scope), caller_of(request)

    def change() -> str | None:
        with submissions.changing(state.ctx, id, caller.name, _number(given.get("revision"))) as found:
            return work(state, found, caller)

    try:
        wrong = await run_in_threadpool(change)
    except (submissions.ChangedMeanwhile, files.FileRefused) as refused:
        wrong = str(refused)
    if wrong:
        return await _shown(request, id, typed=typed, wrong=wrong, status=422, first=_number(given.get("first")))
    return await _shown(request, id, said=said, first=_number(given.get("first")))


async def _shown(
    request: Request,
    id: str,  # noqa: A002
    *,
    whole: bool = False,
    status: int = 200,
    said: str = "",
    first: int = 0,
    **more: Any,
) -> Response:
    state, caller = state_of(request.scope), caller_of(request)

    def view() -> dict[str, Any]:
        found = submissions.find(state.ctx, id, caller.name)
        with state.reader.use() as reader:
            name, views, problem = judging.views_of(state.ctx, reader, found, caller.sees, max(0, first))
        shown = shown_submission(state.ctx, caller, found, name, views, max(0, first))
        return {"typed": {}, "wrong": problem} | shown

    shown = await run_in_threadpool(view) | more
    if whole:
        return page(request, AREA, "hand_in_file.html.j2", status, **shown)
    return part(request, "hand_in_verdict.html.j2", status, said=said, **shown)


def _changes(given: Given) -> list[tuple[str, str, str, str]]:
    """(sheet, cell, what it held, what was typed) of the cells in which something else was typed. Raises Problem."""
    found = []
    for name, text in given.items():
        if name.startswith("cell") and (known := given.get(f"of-{name}")):
            try:
                sheet, cell, old = map(str, json.loads(known))
            except ValueError:
                raise Problem(422, "not this form", "load the page again") from None
            if text != old:
                found.append((sheet, cell, old, text))
    return found


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else 0
