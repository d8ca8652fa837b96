"""A report's numbers as links, for who reads it where something answers; the file itself has places for them alone.

What a link leads to is decided by who serves the report.
"""

import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote

_BODY = re.compile(r'<body[^>]*? data-report="([^"]+)" data-(edition|as-of)="([^"]+)"')
_PLACE = re.compile(r'<a data-number="([TCF0-9. ]+)">(<path)?')
_TERM = re.compile(r'<a data-term="([a-z0-9-]+)">')


class NumberPlace(NamedTuple):
    """Numbers of an edition by their ids; `which` is `edition` or `as-of`, and `day` the one it names."""

    report: str
    which: str
    day: str
    ids: tuple[str, ...]


def link_numbers(page: str, address: Callable[[NumberPlace], str], glossary: str) -> str:
    """The page with every number leading to the `address` of what it was made from, and words to the `glossary`.

    A page without numbers stays as it is. Points of charts that stand in a table too are passed over by the tabulator
    key.
    """
    body = _BODY.search(page)
    if body is None:
        return page

    def linked(found: "re.Match[str]") -> str:
        ids, path = tuple(found[1].split()), found[2] or ""
        passed_over = ' tabindex="-1"' if path and all(one.startswith("T") for one in ids) else ""
        way = quote(address(NumberPlace(body[1], body[2], body[3], ids)), safe="/?=&,.:+-_")
        return f'<a data-number="{found[1]}" href="{way}" target="_top"{passed_over}>{path}'

    page = page.replace('" role="img" aria-label=', '" role="group" aria-label=')  # what holds links is no picture
    page = _TERM.sub(rf'<a data-term="\1" href="{quote(glossary, safe="/")}#\1" target="_top">', page)
    return _PLACE.sub(linked, page)
