"""A template made into an answer: a whole page in the frame, or a part of one for htmx to put in its place.

What is shown comes from the page's own module; errors are shown by `problem_pages.py`.
"""

import gzip
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from s2p_assets.api.guard import state_of
from s2p_assets.api.static_files import static_address
from s2p_assets.screen.area import Area
from s2p_assets.screen.wording import FILTERS

TEMPLATES = Path(__file__).parent / "templates"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Nothing from outside, and no script or style within a page: a name in a sheet can be no code."""
WORTH_PACKING = 1400


def page(request: Request, area: Area | None, template: str, status: int = 200, **shown: Any) -> HTMLResponse:
    """A whole page: the template, which extends `frame.html.j2`, with the navigation of whoever asks."""
    caller, state = request.scope["s2p.caller"], state_of(request.scope)
    areas = [one for one in state.areas if caller is not None and caller.may(one.role)]
    is_open = state.ctx.settings.open
    return _answer(request, template, status, area=area, areas=areas, caller=caller, is_open=is_open, **shown)


def part(request: Request, template: str, status: int = 200, *, said: str = "", **shown: Any) -> HTMLResponse:
    """A part of a page. `said`: a line that is shown, and read out, at the foot of the screen for some seconds."""
    answer = _answer(request, template, status, caller=request.scope["s2p.caller"], **shown)
    if said:
        answer.headers["HX-Trigger"] = json.dumps({"s2p:said": {"text": said}})
    return answer


def form_answer(request: Request, template: str, refused: object, **shown: Any) -> HTMLResponse:
    """The part with a form and its answer; where it is `refused`, what was typed is kept in `shown`."""
    return part(request, template, 422 if refused else 200, **shown)


def go_to(request: Request, address: str) -> Response:
    """To another page of ours, after something was done."""
    if "hx-request" in request.headers:
        return Response(status_code=200, headers={"HX-Redirect": address})
    return RedirectResponse(address, 303)


def _answer(request: Request, template: str, status: int, **shown: Any) -> HTMLResponse:
    content = templates().get_template(template).render(**shown).encode()
    headers = {"Content-Security-Policy": POLICY}
    return HTMLResponse(*packed(request, content, status, headers))


def packed(
    request: Request, content: bytes, status: int, headers: Mapping[str, str]
) -> tuple[bytes, int, dict[str, str]]:
    """Content, status and headers of an answer, with the content gzipped where that pays and the asker can read it."""
    named = dict(headers) | {"Vary": "Accept-Encoding"}
    if len(content) < WORTH_PACKING or "gzip" not in request.headers.get("accept-encoding", ""):
        return content, status, named
    return gzip.compress(content, 5, mtime=0), status, named | {"Content-Encoding": "gzip"}


@cache
def templates() -> Any:
    """Every value is escaped unless a template says otherwise, and a name that is not given is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals["static"] = static_address
    made.filters.update(FILTERS)
    return made
