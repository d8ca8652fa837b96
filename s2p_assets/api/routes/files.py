"""Workbooks handed in: checked, planned, put on the share; what became of each, its marked copy, and decisions."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, Response

from s2p_assets.api.answers import json_answer
from s2p_assets.api.caller import caller_of, needs
from s2p_assets.api.guard import state_of
from s2p_assets.api.uploads import uploaded
from s2p_assets.contracts.findings import ReadResult
from s2p_assets.services import files, held_files
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.status import forget_file

router = APIRouter(tags=["files"])
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The workbook's bytes",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
FileName = Annotated[str, Query(min_length=1, max_length=500, description="What the file is called: `Prices.xlsx`")]
SharePath = Annotated[str, Query(min_length=1, max_length=1000, description="Its path on the share: `sales/May.xlsx`")]
Contract = Annotated[str | None, Query(alias="as", max_length=200, description="Read it as this kind of workbook")]
Verdict = Literal["accepted", "partly", "returned", "held", "duplicate"]


class Chosen(BaseModel):
    """A file that is decided about."""

    path: str = Field(min_length=1, max_length=1000, description="Its path on the share")


def _with_body(role: Any) -> dict[str, Any]:
    declared = needs(role)
    return declared | {"openapi_extra": declared["openapi_extra"] | BODY}


@router.post("/check", summary="Check a workbook", **_with_body("viewer"))
async def check(request: Request, name: FileName, contract: Contract = None) -> Response:
    """The verdict and every finding, as `s2p check --json` prints them; nothing is stored."""
    ctx: Context = state_of(request.scope).ctx
    async with uploaded(request, files.name_without_folders(name)) as file:

        def read() -> ReadResult:
            with state_of(request.scope).reader.use() as reader:
                return files.check_upload(ctx, reader, file, file.name, contract, caller_of(request).sees)

        return json_answer((await run_in_threadpool(read)).as_json())


@router.post("/drop", summary="Put a workbook on the share", status_code=202, **_with_body("editor"))
async def drop(
    request: Request,
    path: SharePath,
    replace: Annotated[bool, Query(description="Take the place of a file that is there")] = False,
) -> Response:
    """The next look takes it, as if it had been saved there; `verdict` says where to ask what became of it."""
    ctx, caller = state_of(request.scope).ctx, caller_of(request)
    relative, _ = files.place_for_upload(ctx, path, caller.sees)
    async with uploaded(request, files.name_without_folders(relative)) as file:
        done = await run_in_threadpool(
            files.put_on_share, ctx, file, relative, replace=replace, by=caller.name, sees=caller.sees
        )
    place = str(request.url_for("verdict_of_file").include_query_params(path=done.path))
    where = place.removeprefix(str(request.base_url).rstrip("/"))
    answer = json_answer(
        {"path": done.path, "sha256": done.sha256, "size": done.size, "claimed_by": done.claimed_by, "verdict": where},
        202,
    )
    answer.headers["Location"] = where
    return answer


@router.get("/files", summary="Files and their verdicts", **needs("viewer"))
async def list_files(
    request: Request,
    workbook: Annotated[str | None, Query(max_length=200)] = None,
    verdict: Verdict | None = None,
    limit: Annotated[int, Query(ge=1, le=5000)] = 200,
) -> Response:
    """The newest version of each file that s2p saw, latest first."""
    ctx, caller = state_of(request.scope).ctx, caller_of(request)

    def listed() -> Any:
        return files.list_files(ctx, caller.sees, workbook=workbook, verdict=verdict, limit=limit)

    return json_answer(await run_in_threadpool(listed))


@router.get("/files/verdict", summary="What became of a file", **needs("viewer"))
async def verdict_of_file(request: Request, path: SharePath) -> Response:
    """Its verdict and every finding with its cell; `waiting` until s2p has looked at it."""
    ctx, caller = state_of(request.scope).ctx, caller_of(request)
    return json_answer(await run_in_threadpool(files.file_verdict, ctx, path, caller.sees))


@router.get("/files/marked-copy", summary="The copy with the bad cells marked", **needs("viewer"))
async def copy_of_file(request: Request, path: SharePath) -> Response:
    """The workbook that its owner got back."""
    ctx, caller = state_of(request.scope).ctx, caller_of(request)
    await run_in_threadpool(files.workbook_of, ctx, path, caller.sees)
    copy = files.marked_copy(ctx, path)
    if copy is None or not copy.resolve().is_relative_to(ctx.settings.returned.resolve()):
        raise NotFound(f"{path[:200]}: nothing is marked in this file")
    return FileResponse(copy, filename=copy.name)


@router.post("/files/accept", summary="Accept a held file", **needs("editor"))
async def accept(request: Request, chosen: Chosen) -> Response:
    """It is loaded as it is at the next look."""
    return await _decide(request, chosen, held_files.accept_file)


@router.post("/files/keep", summary="Keep the rows of a file that is gone", **needs("editor"))
async def keep(request: Request, chosen: Chosen) -> Response:
    """Nothing is told of it any more."""
    return await _decide(request, chosen, held_files.keep_file)


@router.post("/files/forget", summary="Withdraw the rows of a file", **needs("editor"))
async def forget(request: Request, chosen: Chosen) -> Response:
    """On purpose; the next run brings tables and reports up to date."""
    return await _decide(request, chosen, forget_file)


async def _decide(request: Request, chosen: Chosen, decision: Any) -> Response:
    ctx, caller = state_of(request.scope).ctx, caller_of(request)
    workbook = await run_in_threadpool(files.workbook_of, ctx, chosen.path, caller.sees)
    found = await run_in_threadpool(decision, ctx, chosen.path)
    done = {"rows": found} if isinstance(found, int) else {}
    return json_answer({"path": chosen.path, "workbook": workbook} | done)
