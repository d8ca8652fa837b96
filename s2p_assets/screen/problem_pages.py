"""A problem as a person reads it: the same title and words as programs get, and what to do, in the frame.

htmx gets problem details like any program; `screen.js` shows their words at the top of the page.
"""

from fastapi import Request
from starlette.responses import Response

from s2p_assets.api.problems import Problem
from s2p_assets.screen.rendering import page


def problem_page(request: Request, problem: Problem) -> Response:
    """The page of a problem, for whom `wants_page` says that they want one."""
    answer = page(request, None, "problem.html.j2", problem.status_code, problem=problem)
    answer.headers.update(problem.headers or {})
    return answer
