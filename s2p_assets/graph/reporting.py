"""What `s2p report` does: an edition made now from what is stored, or made again from what was known on a day.

What was known then is put together in `past`; the asset of a report publishes by itself when its sources change.
"""

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from s2p_assets.graph.context import Context
from s2p_assets.graph.house import House, Key
from s2p_assets.graph.past import Progress, at_moment, end_of, said
from s2p_assets.graph.problems import NotFound
from s2p_assets.graph.published import numbers_file, publish_report, sources_of
from s2p_assets.learning.model import Contest
from s2p_assets.publishing.editions import Edition, folder_name, write_apart
from s2p_assets.publishing.numbers import content_of, differences, made_when
from s2p_assets.publishing.report import Document, Imprint, Report
from s2p_assets.publishing.wording import in_currency, written_for
from s2p_assets.shelves import NotYet
from s2p_assets.warehouse import store

REBUILT = "rebuilt"


@dataclass(frozen=True)
class MadeReport:
    """An edition that a person asked for.

    `known_at`: the moment it tells of, None for now. `notices`: what could not be had as it was then.
    `compared`: whether the numbers published by then are kept; `differs`: the ids of those that are other now.
    """

    report: str
    edition: Edition
    known_at: dt.datetime | None = None
    notices: list[str] = field(default_factory=list)
    compared: bool = False
    differs: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The object that `s2p report --json` prints."""
        edition = self.edition
        files = {"html": edition.html, "excel": edition.excel, "pdf": edition.pdf}
        return {
            "report": self.report,
            "edition": edition.as_of.isoformat(),
            "known_at": self.known_at.isoformat() if self.known_at else None,
            "headline": edition.headline,
            **{name: str(file) for name, file in files.items()},
            "notices": self.notices,
            "compared": self.compared,
            "differs": self.differs,
        }


def report_named(house: House, name: str) -> Report:
    """A report by its name, also as its folder is called. Raises NotFound naming those there are."""
    plain = name.replace("-", "_")
    if plain not in house.reports:
        raise NotFound(f"no report {name!r}; there are {', '.join(sorted(house.reports)) or 'none'}")
    return house.reports[plain]


def report_now(ctx: Context, report: Report, to: Path | None, progress: Progress) -> MadeReport:
    """An edition from what is stored now, published as its asset would, or written to the folder `to` alone."""
    _require_new(to)
    made_at = dt.datetime.now().astimezone()
    progress(f"reading what {report.name} is made from")
    document = document_now(ctx, report)
    progress(f"writing {document.title}")
    if to is None:
        edition, _ = publish_report(ctx, report, document, made_at)
        return MadeReport(report.name, edition)
    imprint = Imprint(report.name, sources_of(ctx, report), ctx.settings.currency, made_at)
    with written_for(ctx.settings.locale):
        return MadeReport(report.name, write_apart(document, to, imprint))


def document_now(ctx: Context, report: Report) -> Document:
    """The report from what is stored. Raises NotFound when it waits for more data, and NotStored."""
    inputs = {parameter: _stored(ctx, key) for parameter, key in ctx.house.inputs_of(report).items()}
    try:
        with written_for(ctx.settings.locale):
            document = in_currency(report.build(**inputs), ctx.settings.currency)
    except NotYet as reason:
        raise NotFound(f"{report.name} waits for more data: {reason}") from reason
    assert isinstance(document, Document)
    return document


def _stored(ctx: Context, key: Key) -> Any:
    declared = ctx.house.by_key[key]
    if isinstance(declared, Contest):
        return ctx.registry.load_champion(declared.domain, declared.thing)
    with ctx.warehouse.connect() as connection:
        return store.read(connection, declared.domain, declared.thing, ctx.house.columns_at(key))


def report_as_of(
    ctx: Context,
    report: Report,
    day: str,
    to: Path | None,
    progress: Progress,
) -> MadeReport:
    """An edition from what was known at the end of `day` (or at a moment), compared with the one published by then.

    Written to `to`, or to a folder of its own beside the published editions; never over one of them.
    Raises NotFound for what cannot be had.
    """
    _require_new(to)
    moment = end_of(day)
    place = to or ctx.settings.reports / folder_name(report.name) / REBUILT / day.replace(":", ".")
    with at_moment(ctx, moment, progress) as known:
        document = known.document(report)
        sources, notices = tuple(sorted(known.sources, key=lambda source: source.path)), known.notices
    progress(f"writing {document.title} as it was on {said(moment)}")
    made_at = dt.datetime.now().astimezone()
    imprint = Imprint(report.name, sources, ctx.settings.currency, made_at, known_at=moment)
    place.parent.mkdir(parents=True, exist_ok=True)
    with written_for(ctx.settings.locale):
        edition = write_apart(document, place, imprint)
    published = _published_by(numbers_file(ctx.settings, report, document.as_of), moment)
    differs = differences(published, document) if published else []
    return MadeReport(report.name, edition, moment, notices, published is not None, differs)


def _published_by(saved: Path, moment: dt.datetime) -> dict[str, Any] | None:
    """The kept numbers of an edition that was made by `moment`; None where it was made again later, or never."""
    if not saved.exists():
        return None
    return content_of(saved) if made_when(saved) <= moment else None


def _require_new(to: Path | None) -> None:
    if to is not None and to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise NotFound(f"{to} is there already; name a new or an empty folder, so that nothing is written over")
