"""The first chart of a published edition as a picture of its own, for who shows it beside its headline.

Charts are drawn by the publishing room when an edition is made; here one is cut out of its page.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from pathlib import Path

from s2p_assets.publishing.editions.published import Edition

_FIRST = re.compile(
    r"<figure>\s*<figcaption>(?P<title>.*?)(?:<small>.*?</small>)?</figcaption>.*?"
    r'<div class="drawing wide" role="img" aria-label="(?P<shows>[^"]*)">(?P<svg><svg\b.*?</svg>)</div>',
    re.DOTALL,
)
_ROOT = re.compile(r"<svg\b[^>]*>")
_COLOURS = """<style>
:root { --faint: #566072; --line: #dde1e7; --series-1: #1f5fbf; --series-2: #c2570c; --series-3: #0f7b6c;
  --series-4: #8a3ffc; --series-5: #9f1853; --series-6: #5b6472; }
@media (prefers-color-scheme: dark) { :root { --faint: #a3adbc; --line: #303a49; --series-1: #78a9ff;
  --series-2: #ffa45c; --series-3: #4fd1bd; --series-4: #be95ff; --series-5: #ff7eb6; --series-6: #a3adbc; } }
</style>"""
"""The colours that the page of a report gives its drawings."""


@dataclass(frozen=True, slots=True)
class ReportChart:
    """`title` says its finding, `shows` what is to be seen, for who does not see it."""

    title: str
    shows: str
    svg: str


def first_chart(edition: Edition) -> ReportChart | None:
    """The first chart of an edition; None where it has none, or its page is gone."""
    try:
        return _cut_out(edition.html, edition.html.stat().st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=64)
def _cut_out(page: Path, _: int) -> ReportChart | None:
    found = _FIRST.search(page.read_text(encoding="utf-8"))
    if found is None:
        return None
    svg = _ROOT.sub(lambda root: f"{root.group()}{_COLOURS}", found["svg"], count=1)
    title = unescape(re.sub(r"<[^>]+>", "", found["title"])).strip()
    return ReportChart(title, unescape(found["shows"]), svg)
