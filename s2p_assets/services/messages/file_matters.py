"""What there is to tell about files: those that came back, are held, missing, gone or claimed by nobody, or came in.

Read from the ledger and from a look at the share; what befell the installation itself is in `house_matters.py`.
"""

import datetime as dt
import hashlib
import shlex
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import psycopg

from s2p_assets.catalog.catalog import key_of
from s2p_assets.contracts.findings import Finding, ReadResult
from s2p_assets.fetching.opening import shown_address
from s2p_assets.messaging.matters import Matter
from s2p_assets.remote_folder import MAIL_FOLDER, REMOTE_FOLDER
from s2p_assets.services.context import Context
from s2p_assets.services.entries.showing import FOREIGN, foreign_files
from s2p_assets.services.share import look_at_share
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.not_workbooks import what_to_do
from s2p_assets.spreadsheet.returned.feedback import build_feedback, next_step
from s2p_assets.spreadsheet.returned.returned_files import returned_copies
from s2p_assets.warehouse.files import summaries
from s2p_assets.warehouse.files.change_record import change_sentence
from s2p_assets.warehouse.files.expected import missing_files

FINDINGS_GIVEN, CELLS_GIVEN = 8, 5
UNCLAIMED_GIVEN = 1_000
HERE, COPY = "in the marked copy", "the marked copy"
BESIDE = "whoever looks after s2p"


def place_on_share(settings: Settings, file: Path) -> str:
    """Where people find a file of s2p's own folders: as they call the share, or by its path on it."""
    elsewhere = settings.returned / REMOTE_FOLDER
    if file.is_relative_to(elsewhere):
        remote, _, inside = file.relative_to(elsewhere).as_posix().partition("/")
        known = {one.name: shown_address(one.url) for one in settings.remote_shares}
        there = known.get(remote) or remote.partition("~")[0]
        return f"{settings.returned.name}/{inside} in {there}, where s2p may write there; and on the screen"
    if file.is_relative_to(settings.returned / MAIL_FOLDER):
        return "on the screen; who mailed it was answered"
    if not file.is_relative_to(settings.share):
        return str(file)
    inside = file.relative_to(settings.share).as_posix()
    if not settings.share_address:
        return f"{inside} on the share"
    root = settings.share_address.rstrip("\\/")
    return "\\".join([root, *inside.split("/")]) if "\\" in root else f"{root}/{inside}"


def returned_matters(ctx: Context, connection: psycopg.Connection) -> list[Matter]:
    """The files that came back, wholly or in part, each with the first of its cells and the marked copy."""
    return [_returned(ctx.settings, file) for file in summaries.returned_files(connection)]


def held_matters(ctx: Context, connection: psycopg.Connection) -> list[Matter]:
    """The files that wait for a person's decision."""
    return [_held(ctx.settings, file) for file in summaries.find_held_files(connection)]


def gone_matters(ctx: Context, connection: psycopg.Connection) -> list[Matter]:
    """The files that are gone while their rows count."""
    return [_gone(file) for file in summaries.find_gone_files(connection)]


def missing_matters(ctx: Context, connection: psycopg.Connection) -> list[Matter]:
    """The files that should have come by today, of domains that are in use."""
    today = dt.datetime.now().astimezone().date()
    used = summaries.domains_with_files(connection)
    books = {name: book for name, book in ctx.catalog.workbooks.items() if book.domain in used}
    return [
        Matter(
            "missing",
            f"{file.workbook}:{file.expected.sender}:{file.expected.period.first}",
            f"{file.name[:1].upper()}{file.name[1:]} has not come: {file.sentence}",
            f"Save it on the share as {' or '.join(books[file.workbook].patterns)}; it is read by itself. If it will "
            f"not come, tell {BESIDE}.",
            owner=file.owner,
        )
        for file in missing_files(connection, list(books.values()), today)
    ]


def unclaimed_matters(ctx: Context, connection: psycopg.Connection) -> list[Matter]:
    """The files on the share that no kind of workbook claims. Raises ShareMissing."""
    now = look_at_share(ctx)
    lying = sorted(file.relative for file in now.unclaimed)[:UNCLAIMED_GIVEN]
    foreign = [file.relative for file in foreign_files(ctx.settings, connection, now)]
    return [
        *(Matter("unclaimed", path, f"{path} is not read, as it lies where s2p writes", FOREIGN) for path in foreign),
        *_unclaimed(lying),
    ]


def _unclaimed(lying: Sequence[str]) -> list[Matter]:
    return [
        Matter(
            "unclaimed",
            path,
            f"{path} is not read, as no kind of workbook is looked for there",
            what_to_do(path)
            or f"Put it where its kind belongs, or declare its kind: s2p new {shlex.quote(path)} --name DOMAIN_NAME. "
            "If it is for people alone, leave it.",
        )
        for path in lying
    ]


def received_matters(
    ctx: Context, connection: psycopg.Connection, since: dt.datetime, wanted: Callable[[str], bool]
) -> list[Matter]:
    """The files that were loaded as they are, of owners who want to hear of it."""
    return [
        Matter(
            "received",
            f"{file.workbook}:{file.path}:{file.sha256}",
            f"{Path(file.path).name} was received: {_rows(file.rows)}",
            _reports_with(ctx, file.workbook),
            owner=file.owner,
        )
        for file in summaries.loaded_files(connection, since)
        if wanted(file.owner) and file.workbook in ctx.catalog.workbooks
    ]


def _reports_with(ctx: Context, workbook: str) -> str:
    book = ctx.catalog.workbooks[workbook]
    titles = [
        report.title for report in ctx.catalog.reports.values() if book in ctx.catalog.workbooks_behind(key_of(report))
    ]
    where = f"They are in the next edition of {_listed(titles)}." if titles else "They are in the database."
    return f"Nothing has to be done. {where}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _rows(count: int) -> str:
    return f"{count:,} {'row' if count == 1 else 'rows'}"


def _returned(settings: Settings, file: summaries.ReturnedFile) -> Matter:
    name, copies = Path(file.path).name, returned_copies(settings.returned / file.path)
    reading = ReadResult(
        Path(file.path),
        workbook=file.workbook,
        verdict="partly" if file.verdict == "partly" else "returned",
        rows_read=file.rows_read,
        rows_accepted=file.rows_read - file.rows_returned,
        rows_returned=file.rows_returned,
        findings=list(file.findings),
        error=file.error,
    )
    in_place = bool(copies) and copies[0].name == name
    feedback = build_feedback(reading, name=name, owner=file.owner, in_place=in_place)
    rejects = [one for one in feedback.listed if one.severity == "reject"]
    lines = [file.error[:1].upper() + file.error[1:]] if file.error else cell_lines(rejects)
    todo = next_step(reading, name, in_place=in_place, here=HERE, copy=COPY)
    return Matter(
        "partly" if file.verdict == "partly" else "returned",
        f"{file.path}:{_digest(file.sha256, file.verdict, file.error, *lines)}",
        feedback.title,
        todo if copies else todo.replace(f"{HERE} or ", ""),
        tuple(lines[:FINDINGS_GIVEN]),
        max(len(lines) - FINDINGS_GIVEN, 0),
        owner=file.owner,
        about=file.path,
        attachments=tuple(map(str, copies[:1])),
        place=f"Its old place: {file.path}\nThe marked copy: {place_on_share(settings, copies[0])}"
        if copies
        else f"Its old place: {file.path}",
    )


def cell_lines(findings: Iterable[Finding]) -> list[str]:
    """`March › C5, C6 and 8 more: 'n/a' is not a price`: a line for each thing that is wrong, with its cells."""
    cells: dict[tuple[str | None, str], list[str]] = {}
    for finding in findings:
        cells.setdefault((finding.sheet, finding.message), []).append(finding.cell or "")
    return [f"{_cells(sheet, found)}{message}" for (sheet, message), found in cells.items()]


def _cells(sheet: str | None, found: Sequence[str]) -> str:
    named = [cell for cell in found if cell]
    more = f" and {len(named) - CELLS_GIVEN:,} more" if len(named) > CELLS_GIVEN else ""
    where = " › ".join(filter(None, (sheet, f"{', '.join(named[:CELLS_GIVEN])}{more}")))
    return f"{where}: " if where else ""


def _digest(*parts: str | None) -> str:
    return hashlib.sha256("\n".join(part or "" for part in parts).encode()).hexdigest()[:16]


def _held(settings: Settings, file: summaries.HeldFile) -> Matter:
    name, copies = Path(file.path).name, returned_copies(settings.returned / file.path)
    reading = ReadResult(Path(file.path), workbook=file.workbook, verdict="held")
    feedback = build_feedback(reading, name=name, owner=file.owner, in_place=True)
    said = change_sentence(file.changes)
    lines = [*(f"{question[:1].upper()}{question[1:]}" for question in file.questions)]
    lines += [f"In all it would change: {said}"] if said else []
    return Matter(
        "held",
        f"{file.path}:{_digest(file.sha256, *file.questions)}",
        feedback.title,
        next_step(reading, name, in_place=True, copy=COPY),
        (*lines, f"To accept it: s2p accept {shlex.quote(file.path)}"),
        owner=file.owner,
        about=file.path,
        place=f"The marked copy: {place_on_share(settings, copies[0])}" if copies else "",
    )


def _gone(file: summaries.GoneFile) -> Matter:
    path = shlex.quote(file.path)
    instead = f"Other rows of it are now in {file.replaced_by}." if file.replaced_by else ""
    return Matter(
        "gone",
        f"{file.path}:{file.file}",
        f"{Path(file.path).name} is gone from the share, and {_rows(file.rows)} of it still count",
        f"If it was taken away by mistake, put it back. If not, tell {BESIDE} whether its rows are to be kept.",
        (*filter(None, [instead]), f"To keep its rows: s2p keep {path}", f"To withdraw them: s2p forget {path}"),
        owner=file.owner,
        place=f"It lay at {file.path}",
    )
