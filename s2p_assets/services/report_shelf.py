"""The reports as a manager looks for them: by domain, what needs somebody first, found by any word in them.

How editions are made is in `reports.py`; an edition's numbers by id are in `report_editions.py`.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from s2p_assets.contracts.report import Report
from s2p_assets.publishing.editions.published import Edition, editions, folder_name
from s2p_assets.publishing.editions.renewal_faults import RenewalFault, read_faults
from s2p_assets.publishing.editions.saved_numbers import saved_of
from s2p_assets.services.context import Context

MOST_PLACES = 4


@dataclass(frozen=True)
class ShelvedReport:
    """A report with its editions, that made last first. `faults`: what keeps it from being renewed.

    `found_in`: where in the newest edition the words stand that were looked for.
    """

    name: str
    report: Report
    editions: tuple[Edition, ...]
    faults: tuple[RenewalFault, ...]
    found_in: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        return folder_name(self.name)

    @property
    def newest(self) -> Edition | None:
        return self.editions[0] if self.editions else None

    @property
    def urgency(self) -> tuple[bool, bool, bool, float]:
        """What cannot be renewed first, then what asks for something, then what people wait for, then the newest."""
        newest = self.newest
        made = newest.made_at.timestamp() if newest else 0.0
        return not self.faults, not (newest and newest.action), not self.report.awaited, -made


def shelved_reports(ctx: Context, sees: Callable[[str], bool], wanted: str = "") -> dict[str, list[ShelvedReport]]:
    """Domain → its reports, the most urgent first, the domain of the most urgent report first.

    `wanted`: words that all stand in a report: in its title, headline, sections, cards, columns or rows.
    """
    made: dict[str, list[Edition]] = {}
    for edition in editions(ctx.settings.reports):
        made.setdefault(edition.folder.parent.name, []).append(edition)
    found = [
        ShelvedReport(
            name,
            report,
            tuple(made.get(folder_name(name), ())),
            tuple(read_faults(ctx.settings.reports / folder_name(name))),
        )
        for name, report in ctx.catalog.reports.items()
        if sees(name)
    ]
    words = wanted.lower().split()
    if words:
        found = [hit for one in found if (hit := _with_places(ctx, one, words))]
    domains: dict[str, list[ShelvedReport]] = {}
    for one in sorted(found, key=lambda one: one.urgency):
        domains.setdefault(one.report.domain, []).append(one)
    return domains


def shelved_report(ctx: Context, name: str) -> ShelvedReport:
    """One report by its full name, which must be there."""
    return next(one for reports in shelved_reports(ctx, lambda other: other == name).values() for one in reports)


def _with_places(ctx: Context, one: ShelvedReport, words: list[str]) -> ShelvedReport | None:
    newest = one.newest
    said = f"{one.report.title} {one.report.description} {newest.headline if newest else ''}".lower()
    left = [word for word in words if word not in said]
    if not left:
        return one
    saved = saved_of(ctx.settings.home / "editions" / one.name, None)
    texts = _texts(saved, saved.stat().st_mtime_ns) if saved else ()
    places = [place for place, text in texts if any(word in text for word in left)]
    if not all(any(word in text for _, text in texts) for word in left):
        return None
    return ShelvedReport(one.name, one.report, one.editions, one.faults, tuple(places[:MOST_PLACES]))


@lru_cache(maxsize=64)
def _texts(saved: Path, _: int) -> tuple[tuple[str, str], ...]:
    """(place, its words in small letters) of an edition; read again when its file has changed."""
    try:
        content: Mapping[str, Any] = json.loads(saved.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ()
    return tuple(_sections(content))


def _sections(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for figure in content.get("figures", ()):
        yield figure["label"], f"{figure['label']} {figure['value']}".lower()
    for table in content.get("tables", ()):
        titles = [column["title"] for column in table["columns"]]
        words = [str(value) for row in table["rows"] for value in row[: len(titles)] if isinstance(value, str)]
        yield table["title"], " ".join([table["title"], *titles, *words]).lower()


def titles_of_edition(ctx: Context, name: str) -> Iterator[str]:
    """The titles of cards and columns in the newest edition of a report; none without an edition."""
    saved = saved_of(ctx.settings.home / "editions" / name, None)
    if saved is None:
        return
    try:
        content = json.loads(saved.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    yield from (figure["label"] for figure in content.get("figures", ()))
    yield from (column["title"] for table in content.get("tables", ()) for column in table["columns"])
