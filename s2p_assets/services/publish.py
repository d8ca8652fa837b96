"""A report's document published with its sources, and the numbers of each edition kept for those who ask.

How an edition is written belongs to `publishing/`; when a report is made, to `graph/` and the command line.
"""

import datetime as dt
from pathlib import Path

from s2p_assets.catalog.catalog import key_of
from s2p_assets.contracts.report import Document, Imprint, Report, SourceFile
from s2p_assets.publishing.document.wording import fill_in_currency, use_locale
from s2p_assets.publishing.editions.change_since import compare_with_edition
from s2p_assets.publishing.editions.headline_checks import require_usable_headline
from s2p_assets.publishing.editions.publish import publish
from s2p_assets.publishing.editions.published import Edition
from s2p_assets.publishing.editions.saved_numbers import read_saved_numbers
from s2p_assets.publishing.editions.saving_numbers import save_numbers, set_later_numbers_aside
from s2p_assets.services.context import Context
from s2p_assets.services.numbers_files import numbers_file
from s2p_assets.services.share import require_share
from s2p_assets.settings import Settings
from s2p_assets.warehouse.files import ledger


def publish_report(ctx: Context, report: Report, document: Document, made_at: dt.datetime) -> tuple[Edition, Document]:
    """Publish `document` as an edition on the share, and keep its numbers; the edition, and what it says.

    Raises ShareMissing, ReportNotPublished (HeadlineUnusable where its numbers cannot be right).
    """
    require_share(ctx.settings)
    imprint = Imprint(report.full_name, source_files(ctx, report), ctx.settings.currency, made_at)
    with use_locale(ctx.settings.locale):
        last = _edition_before(ctx.settings, report, document.as_of) if report.compare_with_last else None
        compared = fill_in_currency(
            compare_with_edition(document, read_saved_numbers(last)) if last else document, ctx.settings.currency
        )
        require_usable_headline(compared, made_at, report.days_ahead)
        kept = numbers_file(ctx.settings, report, compared.as_of)
        save_numbers(compared, kept, made_at=made_at)
        set_later_numbers_aside(kept, made_at)
        return publish(compared, ctx.settings.reports, imprint, days_ahead=report.days_ahead), compared


def _edition_before(settings: Settings, report: Report, as_of: dt.date) -> Path | None:
    """The numbers of the newest edition of an earlier day."""
    kept = numbers_file(settings, report, as_of)
    return max((file for file in kept.parent.glob("*.json") if file.stem < kept.stem), default=None)


def source_files(ctx: Context, report: Report) -> tuple[SourceFile, ...]:
    """The files whose rows stand in the tables under a report."""
    with ctx.warehouse.connect() as connection:
        return tuple(
            SourceFile(path=file.path, sha256=file.sha256, rows=file.rows_accepted, loaded_at=file.loaded_at)
            for workbook in ctx.catalog.workbooks_behind(key_of(report))
            for file in ledger.latest_versions(connection, workbook).values()
            if file.is_loaded and file.loaded_at
        )
