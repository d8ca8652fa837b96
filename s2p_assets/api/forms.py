"""The fields of a small form that a page sent.

Whether it may be sent at all is the guard's question.
"""

from fastapi import Request

from s2p_assets.api.problems import Problem

FORM_BYTES = 64 << 10


async def form_fields(request: Request, most: int = FORM_BYTES, fields: int = 20) -> dict[str, str]:
    """The fields by name; of several with one name the last. Raises Problem for what is no such form."""
    if int(request.headers.get("content-length", "0") or 0) > most:
        raise Problem(413, "too large", "a form here is small")
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise Problem(415, "not a form", "send application/x-www-form-urlencoded")
    form = await request.form(max_files=0, max_fields=fields)
    return {name: value for name, value in form.items() if isinstance(value, str)}
