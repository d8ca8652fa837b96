"""Every error in one form: problem details (RFC 9457), in words that say what to do."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import asyncpg
import orjson
import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from s2p_assets.contracts.errors import MendableError
from s2p_assets.contracts.values import as_json
from s2p_assets.services.access import AccessRefused
from s2p_assets.services.askers import AskRefused
from s2p_assets.services.entries.rows import EntryRefused, EtagMissing, NotEnterable, RowChanged
from s2p_assets.services.errors import NotFound, is_lost_database, one_line
from s2p_assets.services.files import FileRefused
from s2p_assets.warehouse.server.pool import LOST, is_lost
from s2p_assets.warehouse.tables.current_rows import CurrentRow
from s2p_assets.warehouse.tables.row_query import QueryInvalid

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 2


class Problem(HTTPException):
    """An answer that is no success; `more`: further members, such as findings."""

    def __init__(
        self, status: int, title: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.title, self.more = title, more

    def response(self) -> Response:
        status = self.status_code
        content = {"type": "about:blank", "title": self.title, "status": status, "detail": self.detail} | self.more
        headers = {"Cache-Control": "no-store"} | dict(self.headers or {})
        return Response(orjson.dumps(content, default=str), status, headers, MEDIA_TYPE)


def problem_of(error: Exception) -> Problem:
    """What an exception is to who asked; 500 for a fault of s2p's own, whose words stay in the log."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException):
        return Problem(error.status_code, str(error.detail).lower(), str(error.detail), headers=error.headers)
    if is_lost(error) or is_lost_database(error):
        again = {"Retry-After": str(RETRY_SECONDS)}
        return Problem(503, "the database is down", "PostgreSQL does not answer; try again", headers=again)
    if isinstance(error, NotFound):
        return Problem(404, "not found", str(error))
    if entered := _entry_problem(error):
        return entered
    if isinstance(error, AccessRefused | AskRefused | QueryInvalid):
        return Problem(422, "refused", str(error))
    if isinstance(error, FileRefused):
        return Problem(409 if error.taken else 422, "refused", str(error))
    if isinstance(error, psycopg.DataError | asyncpg.DataError | UnicodeEncodeError):
        return Problem(422, "refused", "a value holds what no text or number has, such as a zero byte")
    if isinstance(error, MendableError) and (line := one_line(error)):
        return Problem(409, "cannot be done now", line)
    return Problem(500, "a fault of s2p's own", "the log of s2p says more; nothing half-done was kept")


def not_as_described(faults: Iterable[tuple[Sequence[str | int], str]]) -> Problem:
    """Of where each fault is, from `body` or `query` on, and what it is."""
    findings = [{"where": ".".join(map(str, place)), "message": message} for place, message in faults]
    lines = "; ".join(f"{one['where']}: {one['message']}" for one in findings[:5])
    return Problem(422, "the request is not as described", lines, findings=findings)


def wants_page(request: Request) -> bool:
    """Whether a person's browser asks, for a whole page: to a program and to a script a problem is JSON."""
    asked = request.headers
    of_program = request.url.path.startswith("/api/") or "hx-request" in asked
    return not of_program and "text/html" in asked.get("accept", "")


def _entry_problem(error: Exception) -> Problem | None:
    """What somebody who enters rows is to mend or to look at again."""
    match error:
        case EntryRefused():
            findings = [asdict(one) for one in error.findings]
            return Problem(422, "refused", str(error), findings=findings, may_be_sure=error.may_be_sure)
        case RowChanged():
            return Problem(412, "changed since", str(error), rows=[_row_now(*one) for one in error.rows.items()])
        case EtagMissing():
            return Problem(428, "which version", str(error))
        case NotEnterable():
            return Problem(422, "refused", str(error))
    return None


def _row_now(number: int, row: CurrentRow | None) -> dict[str, Any]:
    """What somebody who was too late looks at."""
    now = row and {name: as_json(value) for name, value in row.values.items()}
    return {"number": number, "now": now, "etag": row and row.etag}


def answer_problems(app: FastAPI, page: Callable[[Request, Problem], Response]) -> None:
    """Let every error of the routes be a problem; `page`: how one is shown to who wants a page."""

    def shown(request: Request, problem: Problem) -> Response:
        return page(request, problem) if wants_page(request) else problem.response()

    def known(request: Request, error: Exception) -> Response:
        found = problem_of(error)
        if found.status_code == 500 and found is not error:
            raise error
        return shown(request, found)

    def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return shown(request, not_as_described((one["loc"], one["msg"]) for one in error.errors()))

    app.add_exception_handler(RequestValidationError, invalid)
    for kind in (
        HTTPException,
        Problem,
        MendableError,
        psycopg.Error,
        asyncpg.PostgresError,
        asyncpg.InternalClientError,
        UnicodeEncodeError,
        RuntimeError,
        FileNotFoundError,
        *LOST,
    ):
        app.add_exception_handler(kind, known)
    app.add_exception_handler(
        Exception, lambda asked, error: shown(asked, problem_of(error))
    )  # then it is raised to the log
