"""What `s2p report` does: an edition made now from what is stored, or made again from what was known on a day.

What was known then is put together in `past`; the asset of a report publishes by itself when its sources change.
"""

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from s2p_assets.catalog.catalog import Key
from s2p_assets.contracts.derivation import NotYet
from s2p_assets.contracts.model import Contest
from s2p_assets.contracts.report import Document, Imprint, Report
from s2p_assets.publishing.document.wording import fill_in_currency, use_locale
from s2p_assets.publishing.editions.publish import write_unlisted
from s2p_assets.publishing.editions.published import Edition, folder_name
from s2p_assets.publishing.editions.saved_numbers import edition_made_at, read_saved_numbers
from s2p_assets.publishing.editions.saving_numbers import changed_numbers
from s2p_assets.services.as_of import Progress, open_as_of, parse_as_of, to_minute
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.numbers_files import numbers_file
from s2p_assets.services.publish import publish_report, source_files
from s2p_assets.warehouse.tables import store

REBUILT = "rebuilt"


@dataclass(frozen=True)
class ReportEdition:
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


def report_now(ctx: Context, report: Report, to: Path | None, progress: Progress) -> ReportEdition:
    """An edition from what is stored now, published as its asset would, or written to the folder `to` alone."""
    _require_new(to)
    made_at = dt.datetime.now().astimezone()
    progress(f"reading what {report.full_name} is made from")
    document = document_now(ctx, report)
    progress(f"writing {document.title}")
    if to is None:
        edition, _ = publish_report(ctx, report, document, made_at)
        return ReportEdition(report.full_name, edition)
    imprint = Imprint(report.full_name, source_files(ctx, report), ctx.settings.currency, made_at)
    with use_locale(ctx.settings.locale):
        return ReportEdition(report.full_name, write_unlisted(document, to, imprint))


def document_now(ctx: Context, report: Report) -> Document:
    """The report from what is stored. Raises NotFound when it waits for more data, and NotStored."""
    inputs = {parameter: _stored(ctx, key) for parameter, key in ctx.catalog.inputs_of(report).items()}
    try:
        with use_locale(ctx.settings.locale):
            document = fill_in_currency(report.build(**inputs), ctx.settings.currency)
    except NotYet as reason:
        raise NotFound(f"{report.full_name} waits for more data: {reason}") from reason
    assert isinstance(document, Document)
    return document


def _stored(ctx: Context, key: Key) -> Any:
    declared = ctx.catalog.by_key[key]
    if isinstance(declared, Contest):
        return ctx.registry.load_champion(declared.domain, declared.name)
    with ctx.warehouse.reading() as connection:
        return store.read_rows(connection, declared.domain, declared.name, ctx.catalog.columns_at(key))


def report_as_of(
    ctx: Context,
    report: Report,
    day: str,
    to: Path | None,
    progress: Progress,
) -> ReportEdition:
    """An edition from what was known at the end of `day` (or at a moment), compared with the one published by then.

    Written to `to`, or to a folder of its own beside the published editions; never over one of them.
    Raises NotFound for what cannot be had.
    """
    _require_new(to)
    as_of = parse_as_of(day)
    place = to or ctx.settings.reports / folder_name(report.full_name) / REBUILT / day.replace(":", ".")
    with open_as_of(ctx, as_of, progress) as known:
        document = known.document(report)
        sources, notices = tuple(sorted(known.sources, key=lambda source: source.path)), known.notices
    progress(f"writing {document.title} as it was on {to_minute(as_of)}")
    made_at = dt.datetime.now().astimezone()
    imprint = Imprint(report.full_name, sources, ctx.settings.currency, made_at, known_at=as_of)
    place.parent.mkdir(parents=True, exist_ok=True)
    with use_locale(ctx.settings.locale):
        edition = write_unlisted(document, place, imprint)
    published = _published_by(numbers_file(ctx.settings, report, document.as_of), as_of)
    differs = changed_numbers(published, document) if published else []
    return ReportEdition(report.full_name, edition, as_of, notices, published is not None, differs)


def _published_by(saved: Path, as_of: dt.datetime) -> dict[str, Any] | None:
    """The kept numbers of an edition that was made by `as_of`; None where it was made again later, or never."""
    if not saved.exists():
        return None
    return read_saved_numbers(saved) if edition_made_at(saved) <= as_of else None


def _require_new(to: Path | None) -> None:
    if to is not None and to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise NotFound(f"{to} is there already; name a new or an empty folder, so that nothing is written over")
