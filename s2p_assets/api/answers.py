"""How answers are written: bytes of JSON, the version of what they hold, and whether the asker has that already.

What they say is the routes' business.
"""

import hashlib
from typing import Any

import orjson
from fastapi import Request
from starlette.responses import Response

OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_PASSTHROUGH_DATACLASS


def json_answer(content: Any, status: int = 200, *, etag: str | None = None) -> Response:
    """Any content as JSON; amounts as numbers, moments in ISO form."""
    return raw_answer(to_json(content), status, etag=etag)


def to_json(content: Any) -> bytes:
    return orjson.dumps(content, default=_plain, option=OPTIONS)


def raw_answer(content: bytes, status: int = 200, *, etag: str | None = None) -> Response:
    """Content that is JSON already."""
    return _JsonBytes(content, status, etag)


class _JsonBytes(Response):
    """An answer whose headers are written at once, in the form in which they are sent."""

    def __init__(self, content: bytes, status: int, etag: str | None) -> None:
        self.body, self.status_code, self.background = content, status, None
        self.raw_headers = [(b"content-length", b"%d" % len(content)), (b"content-type", b"application/json")]
        if etag:
            self.raw_headers += [(b"cache-control", b"private, no-cache"), (b"etag", etag.encode("latin-1"))]


def etag_of(*parts: object) -> str:
    """The name of a version of an answer."""
    return f'"{hashlib.sha256(repr(parts).encode()).hexdigest()[:24]}"'


def has_it(request: Request, etag: str) -> bool:
    """Whether the asker holds this version."""
    return etag in request.headers.get("if-none-match", "")


def not_modified(etag: str) -> Response:
    return Response(status_code=304, headers={"ETag": etag, "Cache-Control": "private, no-cache"})


def _plain(value: Any) -> Any:
    """What orjson does not know: amounts, paths, sets, dataclasses, and whatever has a text."""
    import dataclasses
    from decimal import Decimal

    if isinstance(value, Decimal):
        return float(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)
