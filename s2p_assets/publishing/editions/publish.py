"""Publishing an edition of a report: its folder on the share, the latest copies, and the index of all reports.

How a format is made belongs to `html`, `excel` and `picture`; which report is made when belongs to the graph.
"""

import datetime as dt
import json
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from pathlib import Path
from typing import Any
from urllib.parse import quote

from s2p_assets.contracts.report import MAX_DAYS_AHEAD, Document, Imprint
from s2p_assets.publishing.charts.plots import humanize
from s2p_assets.publishing.document import wording
from s2p_assets.publishing.editions.headline_checks import require_usable_headline
from s2p_assets.publishing.editions.published import (
    EDITION_FILE,
    Edition,
    by_day,
    edition_in,
    editions,
    file_name,
    folder_name,
    read_edition,
)
from s2p_assets.publishing.editions.renewal_faults import (
    RenewalFault,
    add_fault,
    read_faults,
    remove_fault,
    write_faults,
)
from s2p_assets.publishing.editions.report_not_published import ReportNotPublished
from s2p_assets.publishing.editions.saved_numbers import WITHDRAWN
from s2p_assets.publishing.renderers.atomic_file import replace_file
from s2p_assets.publishing.renderers.excel import write_excel
from s2p_assets.publishing.renderers.html import render_template, write_html
from s2p_assets.publishing.renderers.pdf import write_pdf
from s2p_assets.publishing.renderers.picture import write_picture

INDEX_FILE = "index.html"


def publish(
    document: Document,
    folder: Path,
    imprint: Imprint,
    *,
    picture: bool = True,
    days_ahead: int = MAX_DAYS_AHEAD,
) -> Edition:
    """Write the edition to `folder`/its name/its date, renew the latest copies and the index, and return it.

    The edition appears whole or not at all; the same edition again takes the place of the old one, and
    others stay, but those with later data: that data was taken back, so they are moved to the folder `withdrawn`.
    `latest.html`, `.xlsx`, `.pdf` and `.png` are copies of the edition that was made last. Faults
    stay shown: an edition may be made anew while something under it cannot be renewed.
    `days_ahead`: as of `contracts.report.Report`.
    Raises HeadlineUnusable, and ReportNotPublished when a file is locked or the share cannot be written.
    """
    require_usable_headline(document, imprint.made_at, days_ahead)
    name = folder_name(imprint.name)
    shelf, place = folder / name, folder / name / document.as_of.isoformat()
    try:
        shelf.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".draft-", dir=shelf, ignore_cleanup_errors=True) as drafts:
            draft = Path(drafts) / "edition"
            _write(document, draft, imprint, picture=picture, index=f"../../{INDEX_FILE}")
            _replace_folder(draft, place, Path(drafts) / "old")
        _withdraw_later(shelf, document.as_of, imprint.made_at)
        _renew_latest(folder, name)
        _renew_index(folder)
    except OSError as error:
        raise _not_published(error, shelf) from error
    return edition_in(place, _card(document, imprint, picture=picture))


def add_renewal_fault(folder: Path, report: str, fault: RenewalFault) -> None:
    """Show on the latest page of a report and on the index that it cannot be renewed, and why; its editions stay.

    A report without an edition shows nothing. Raises ReportNotPublished.
    """
    _change_faults(folder, report, lambda known: add_fault(known, fault))


def clear_renewal_fault(folder: Path, report: str, what: str) -> None:
    """Remove the fault of `what`, which could be made; without faults the pages show none."""
    _change_faults(folder, report, lambda known: remove_fault(known, what))


def renewal_faults(folder: Path, report: str) -> list[RenewalFault]:
    """What holds a report back, the oldest first."""
    return read_faults(folder / folder_name(report))


def _change_faults(folder: Path, report: str, changed: Callable[[list[RenewalFault]], list[RenewalFault]]) -> None:
    name = folder_name(report)
    shelf, known = folder / name, read_faults(folder / name)
    faults = changed(known)
    if faults == known or not (shelf / "latest.html").exists():
        return
    try:
        write_faults(shelf, faults)
        _renew_latest(folder, name)
        _renew_index(folder)
    except OSError as error:
        raise _not_published(error, shelf) from error


def write_unlisted(document: Document, place: Path, imprint: Imprint) -> Edition:
    """Write an edition to the folder `place`, whole or not at all, known to no index and copied to no `latest`.

    What lies in `place` is replaced. Raises ReportNotPublished.
    """
    try:
        with tempfile.TemporaryDirectory(prefix=".draft-", dir=place.parent, ignore_cleanup_errors=True) as drafts:
            draft = Path(drafts) / "edition"
            _write(document, draft, imprint, picture=True)
            _replace_folder(draft, place, Path(drafts) / "old")
    except OSError as error:
        raise _not_published(error, place) from error
    return edition_in(place, _card(document, imprint, picture=True))


def clear_drafts(folder: Path) -> None:
    """Remove what killed publishers left half made; an edition that one of them had set aside stands again.

    Nobody may be publishing to `folder` meanwhile.
    """
    for drafts in folder.glob("*/.draft-*"):
        aside = read_edition(drafts / "old")
        if aside and not (place := drafts.parent / aside.as_of.isoformat()).exists():
            aside.folder.rename(place)
        shutil.rmtree(drafts, ignore_errors=True)
    for drafts in folder.glob("*/*/.draft-*"):
        shutil.rmtree(drafts, ignore_errors=True)
    for draft in (*folder.glob(".*.draft.*"), *folder.glob("*/.*.draft.*")):
        draft.unlink(missing_ok=True)


def _not_published(error: OSError, place: Path) -> ReportNotPublished:
    where, why = error.filename or place, error.strerror or str(error)
    return ReportNotPublished(f"{where}: {why}; close the file or free the folder, then run again")


def _write(document: Document, draft: Path, imprint: Imprint, *, picture: bool, index: str = "") -> None:
    draft.mkdir()
    stem = file_name(document.title, document.as_of)
    with ThreadPoolExecutor(1, "pdf") as beside:  # most of it is done outside of Python
        pdf = beside.submit(copy_context().run, write_pdf, document, draft / f"{stem}.pdf", imprint)
        write_html(document, draft / f"{stem}.html", imprint, index=index)
        write_excel(document, draft / f"{stem}.xlsx", imprint)
        if picture:
            write_picture(document, draft / f"{stem}.png", currency=imprint.currency)
        pdf.result()
    card = _card(document, imprint, picture=picture)
    (draft / EDITION_FILE).write_text(json.dumps(card, ensure_ascii=False, indent=1), encoding="utf-8")


def _card(document: Document, imprint: Imprint, *, picture: bool) -> dict[str, Any]:
    """What is kept beside an edition, to be read without opening it."""
    return {
        "title": document.title,
        "as_of": document.as_of.isoformat(),
        "headline": document.headline,
        "action": document.action,
        "made_at": imprint.made_at.isoformat(),
        "picture": picture,
    }


def _replace_folder(draft: Path, place: Path, old: Path) -> None:
    """Move the finished folder to its place; a folder that stood there is kept until that has worked."""
    if not place.exists():
        draft.rename(place)
        return
    place.rename(old)
    try:
        draft.rename(place)
    except OSError:
        old.rename(place)
        raise


def _withdraw_later(shelf: Path, as_of: dt.date, made_at: dt.datetime) -> None:
    """Move older editions of later days out of the way; one that somebody holds open stays, but is not the newest.

    They were made earlier, of data that reached further: it has been corrected or taken away since.
    """
    for card in shelf.glob(f"*/{EDITION_FILE}"):
        edition = read_edition(card.parent)
        if edition is None or edition.as_of <= as_of or edition.made_at.timestamp() >= made_at.timestamp():
            continue
        place = shelf / WITHDRAWN / edition.folder.name
        with suppress(OSError):
            place.parent.mkdir(exist_ok=True)
            shutil.rmtree(place, ignore_errors=True)
            edition.folder.rename(place)


def _renew_latest(folder: Path, name: str) -> None:
    """Copies, because a share that Windows reads has no symbolic links."""
    newest = next(edition for edition in editions(folder) if edition.folder.parent.name == name)
    page = newest.html.read_text(encoding="utf-8")
    if banner := _banner(folder / name, newest):
        page = page.replace("<main>\n", f"<main>\n{banner}", 1)
    page = page.replace(f'href="../../{INDEX_FILE}"', f'href="../{INDEX_FILE}"')
    for file in filter(None, (newest.excel, newest.pdf, newest.picture)):
        page = page.replace(f'href="{quote(file.name)}"', f'href="latest{file.suffix}"')
        with replace_file(folder / name / f"latest{file.suffix}") as draft:
            shutil.copyfile(file, draft)
    with replace_file(folder / name / "latest.html") as draft:
        draft.write_text(page, encoding="utf-8", newline="\n")


def _banner(shelf: Path, newest: Edition) -> str:
    """What holds the report back, as HTML; empty when nothing does."""
    faults = read_faults(shelf)
    if not faults:
        return ""
    explanation = f"This is the last good edition, with data up to {wording.format_long_date(newest.as_of)}."
    since = wording.format_timestamp(faults[0].since)
    return render_template("held_back.html.j2", since=since, explanation=explanation, faults=faults)


def _renew_index(folder: Path) -> None:
    from markupsafe import Markup  # the banner is a template of ours, its values escaped

    everything = editions(folder)
    newest: dict[str, Edition] = {}
    for edition in everything:
        newest.setdefault(edition.folder.parent.name, edition)
    earlier = [edition for edition in sorted(everything, key=by_day) if edition not in newest.values()]
    entries = [
        _entry(edition, folder) | {"held_back": Markup(_banner(edition.folder.parent, edition))}  # noqa: S704  escaped
        for edition in sorted(newest.values(), key=by_day)
    ]
    entries.sort(key=lambda entry: not (entry["held_back"] or entry["action"]))
    domains = {entry["domain"]: [one for one in entries if one["domain"] == entry["domain"]] for entry in entries}
    page = render_template("index.html.j2", domains=domains, earlier=[_entry(edition, folder) for edition in earlier])
    with replace_file(folder / INDEX_FILE) as draft:
        draft.write_text(page, encoding="utf-8", newline="\n")


def _entry(edition: Edition, folder: Path) -> dict[str, Any]:
    return {
        "title": edition.title,
        "as_of": wording.format_long_date(edition.as_of),
        "domain": humanize(edition.folder.parent.name.partition("-")[0]),
        "headline": edition.headline,
        "action": edition.action,
        "made_at": wording.format_timestamp(edition.made_at),
        "html": _link(edition.html, folder),
        "excel": _link(edition.excel, folder),
        "pdf": _link(edition.pdf, folder),
        "picture": _link(edition.picture, folder) if edition.picture else "",
    }


def _link(file: Path, folder: Path) -> str:
    return quote(file.relative_to(folder).as_posix())
