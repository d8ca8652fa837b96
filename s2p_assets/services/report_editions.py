"""The reports that there are with their editions, and the numbers that an edition keeps.

How an edition is made is in `reports.py`; a number's way down to cells is `trace.py`.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from s2p_assets.publishing.editions.published import Edition, editions, folder_name
from s2p_assets.publishing.editions.saved_numbers import read_saved_numbers, saved_of
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound


def list_reports(ctx: Context, sees: Callable[[str], bool]) -> list[dict[str, Any]]:
    """The reports that somebody sees, by name; of each the editions, that made last first."""
    made: dict[str, list[Edition]] = {}
    for edition in editions(ctx.settings.reports):
        made.setdefault(edition.folder.parent.name, []).append(edition)
    return [
        {
            "name": name,
            "title": report.title,
            "owner": report.owner,
            "domain": report.domain,
            "description": report.description,
            "editions": [_edition(one) for one in made.get(folder_name(name), [])],
        }
        for name, report in sorted(ctx.catalog.reports.items())
        if sees(name)
    ]


def _edition(edition: Edition) -> dict[str, Any]:
    def served(name: str) -> str:
        return f"/reports/{quote(edition.folder.parent.name)}/{quote(edition.folder.name)}/{quote(name)}"

    return {
        "edition": edition.as_of.isoformat(),
        "headline": edition.headline,
        "made_at": edition.made_at,
        "html": served(edition.html.name),
        "excel": served(edition.excel.name),
        "pdf": served(edition.pdf.name),
    }


def edition_numbers(ctx: Context, report: str, edition: str | None) -> dict[str, Any]:
    """The numbers of an edition, by default the newest, as they were saved. Raises NotFound."""
    folder = ctx.settings.home / "editions" / report
    saved = saved_of(folder, edition)
    if saved is None:
        known = ", ".join(sorted(file.stem for file in folder.glob("*.json"))) or "none"
        raise NotFound(f"{report} has no edition {edition or 'yet'}; it has {known}")
    return {"report": report, "edition": saved.stem} | read_saved_numbers(saved)
