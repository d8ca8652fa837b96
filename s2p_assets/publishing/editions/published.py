"""The editions that lie on the share: where each lies, what its files are called, which was made last.

How one gets there is for `publish.py`, which loads what writes them.
"""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EDITION_FILE = "edition.json"
NOT_IN_FILE_NAMES = '<>:"/\\|?*'


@dataclass(frozen=True, slots=True)
class Edition:
    """A published edition: its folder, the files in it and what it says first."""

    folder: Path
    html: Path
    excel: Path
    pdf: Path
    picture: Path | None
    headline: str
    title: str
    as_of: dt.date
    made_at: dt.datetime
    action: str = ""


def editions(folder: Path) -> list[Edition]:
    """Every edition published in `folder`, the one made last first, then by day; what is no edition is passed over.

    Made last, and not of the latest day: after a wrong date was corrected, the edition of that date is not the newest.
    """
    found = [
        edition for card in folder.glob(f"*/*/{EDITION_FILE}") if (edition := read_edition(card.parent)) is not None
    ]
    return sorted(found, key=lambda edition: (-edition.made_at.timestamp(), *by_day(edition)))


def by_day(edition: Edition) -> tuple[int, str, str]:
    """The order of editions by their days, the last first."""
    return -edition.as_of.toordinal(), edition.title, edition.folder.parent.name


def folder_name(report: str) -> str:
    """The folder of a report's editions: `retail-weekly-outlook`."""
    return report.replace("_", "-")


def file_name(title: str, as_of: dt.date) -> str:
    """`Weekly outlook 2026-11-15`: a name for people that every file system takes, without its ending."""
    plain = "".join(" " if mark in NOT_IN_FILE_NAMES or not mark.isprintable() else mark for mark in title)
    return f"{' '.join(plain.split())[:60].strip(' .') or 'Report'} {as_of.isoformat()}"


def edition_in(folder: Path, card: Mapping[str, Any]) -> Edition:
    """The edition whose files lie in `folder`, as its card says."""
    title, as_of = card["title"], dt.date.fromisoformat(card["as_of"])
    html, excel, pdf, png = (
        folder / f"{file_name(title, as_of)}.{ending}" for ending in ("html", "xlsx", "pdf", "png")
    )
    return Edition(
        *(folder, html, excel, pdf, png if card["picture"] else None),
        headline=card["headline"],
        title=title,
        as_of=as_of,
        made_at=dt.datetime.fromisoformat(card["made_at"]),
        action=card.get("action", ""),
    )


def read_edition(folder: Path) -> Edition | None:
    """The edition in a folder; None when there is none, or its card cannot be read."""
    try:
        return edition_in(folder, json.loads((folder / EDITION_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None
