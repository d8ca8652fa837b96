"""Styles and scripts, s2p's own and vendored ones, as they are sent: from memory, gzipped, kept by browsers for good.

A page names them by `static_address`, whose version changes with their content.
"""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import Response

from s2p_assets.api.problems import Problem

router = APIRouter(include_in_schema=False)
FOLDERS = (Path(__file__).parent / "static", Path(__file__).parents[1] / "screen/static")
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file as it is sent."""

    packed: bytes
    version: str
    media_type: str


@router.get("/static/{name}")
async def static(request: Request, name: str, v: str = "") -> Response:
    """Nothing is loaded from elsewhere."""
    file = _known().get(name)
    if file is None:
        raise Problem(404, "not found", "there is no such file")
    lasts = "max-age=31536000, immutable" if v == file.version else "max-age=3600"
    headers = {"Cache-Control": f"public, {lasts}", "Vary": "Accept-Encoding"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(gzip.decompress(file.packed), 200, headers, file.media_type)
    return Response(file.packed, 200, headers | {"Content-Encoding": "gzip"}, file.media_type)


def static_address(name: str) -> str:
    """Where a page finds a static file. Raises KeyError for one that is not there."""
    return f"/static/{name}?v={_known()[name].version}"


@cache
def _known() -> dict[str, StaticFile]:
    files = (file for folder in FOLDERS for file in sorted(folder.iterdir()) if file.suffix in TYPES)
    return {file.name: _read(file) for file in files}


def _read(file: Path) -> StaticFile:
    content = file.read_bytes()
    version = hashlib.sha256(content).hexdigest()[:12]
    return StaticFile(gzip.compress(content, 9, mtime=0), version, f"{TYPES[file.suffix]}; charset=utf-8")
