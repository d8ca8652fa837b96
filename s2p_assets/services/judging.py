"""What a file on its way in would become: its verdict, its findings beside their cells, what it would change.

The words are those of the owner's letter and of `s2p plan`; nothing is stored. Keeping the file is `submissions.py`'s.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from s2p_assets.catalog.paths import matching_contracts
from s2p_assets.contracts.findings import Finding, ReadResult
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.services.check import read_with_references
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.files import Sees
from s2p_assets.services.kept_aliases import kept_aliases, read_by_aliases
from s2p_assets.services.own_faults import tell_own_fault
from s2p_assets.services.plan import PlannedFile, compare_with_loaded
from s2p_assets.services.plan_sentences import plan_lines
from s2p_assets.services.submissions import MARKED, Submission, hash_of_place, places_for, take_mended
from s2p_assets.spreadsheet.grid import CellPosition, column_letters, parse_cell_address
from s2p_assets.spreadsheet.header import wanted_headers
from s2p_assets.spreadsheet.limits import WorkbookUnreadable, detect_file_format
from s2p_assets.spreadsheet.reading_desk import FileToRead, FileToWrite
from s2p_assets.spreadsheet.returned.copies import write_returned
from s2p_assets.spreadsheet.returned.mended import MENDABLE, NOT_HERE, MendedCell, MendRequest, write_mended
from s2p_assets.spreadsheet.sandbox import ReadingProcessDied, Sandbox
from s2p_assets.spreadsheet.sheet_view import SheetView, ViewRequest, view_sheets

ROWS_AT_ONCE = 60
MOST_LISTED = 5_000
NUMBERS = ("number", "money", "integer")
_PLAIN_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,10})?")


def judge_submission(ctx: Context, reader: Sandbox, submission: Submission, sees: Sees) -> dict[str, Any]:
    """Read the file and compare it with what is loaded; kept as `submission.judged`, which the caller saves.

    Raises DatabaseUnreachable, and NotFound for a contract that is nobody's to use.
    """
    reading, workbook = _read(ctx, reader, submission, sees)
    known = _known_paths(ctx, workbook)
    chosen = submission.path or submission.place
    places = [chosen] if chosen else places_for(ctx, reading.workbook, submission.name, known)
    planned = PlannedFile(reading, workbook, on_share=False)
    if reading.error is None and workbook is not None:
        path = places[0] if places else submission.name
        planned = compare_with_loaded(ctx.settings, planned, workbook, path)
    submission.judged = {
        "verdict": reading.verdict,
        "workbook": reading.workbook,
        "owner": workbook.owner if workbook else None,
        "rows_read": reading.rows_read,
        "rows_accepted": reading.rows_accepted,
        "rows_returned": reading.rows_returned,
        "error": reading.error,
        "findings": [asdict(finding) for finding in reading.findings[:MOST_LISTED]],
        "more_findings": max(0, len(reading.findings) - MOST_LISTED),
        "plan": list(plan_lines(planned))[:-1],
        "questions": list(planned.questions),
        "refused": planned.refused,
        "places": places,
        "letters": _letters(reading),
        "unmendable": _unmendable(submission.file(ctx.settings)),
    }
    return submission.judged


def _read(ctx: Context, reader: Sandbox, submission: Submission, sees: Sees) -> tuple[ReadResult, Workbook | None]:
    every = [book for book in ctx.catalog.workbooks.values() if sees(book.full_name)]
    claiming = every
    shown = submission.path or submission.place or submission.name
    if submission.contract is not None:
        claiming = [book for book in every if book.full_name == submission.contract]
        if not claiming:
            raise NotFound(f"no workbook contract {submission.contract[:80]!r} is yours to use")
    elif submission.path:
        claiming = list(matching_contracts(submission.path, every)) or every
    file = submission.file(ctx.settings)
    reading = read_with_references(ctx.settings, reader, file, claiming, display_name=shown, others=every)
    reading.file = file
    return reading, ctx.catalog.workbooks.get(reading.workbook or "")


def _known_paths(ctx: Context, workbook: Workbook | None) -> list[str]:
    """The paths of this kind's files on the share, the newest first."""
    if workbook is None:
        return []
    with ctx.warehouse.reading() as connection:
        query = (
            "select path from s2p.files where workbook = %s and status = 'current' order by first_seen desc limit 200"
        )
        return [str(path) for (path,) in connection.execute(query, (workbook.full_name,)).fetchall()]


def _letters(reading: ReadResult) -> dict[str, dict[str, str]]:
    """Sheet → letters of a column → the column of the contract that was read from it."""
    found: dict[str, dict[str, str]] = {}
    for sheet, columns in reading.column_letters.items():
        for name, letters in columns.items():
            places = letters.values() if isinstance(letters, Mapping) else [letters]
            found.setdefault(sheet, {}).update({str(one): name for one in places if str(one).isalpha()})
    return found


def _unmendable(file: Path) -> str | None:
    try:
        return None if detect_file_format(file) in MENDABLE else NOT_HERE
    except (WorkbookUnreadable, OSError) as error:
        return str(error)


def views_of(
    ctx: Context, reader: Sandbox, submission: Submission, sees: Sees, first: int = 0
) -> tuple[str | None, list[SheetView], str]:
    """The contract that the sheets are seen by, the sheets with their findings from the `first` bad row on, and why
    there are none where there should be.

    Of a file that nobody claims, the nearest contract. Nothing where the reader could not read it.
    """
    judged = submission.judged
    if judged["error"]:
        return None, [], ""
    every = [book for book in ctx.catalog.workbooks.values() if sees(book.full_name)]
    every = read_by_aliases(every, kept_aliases(ctx.settings))
    workbook = next((book for book in every if book.full_name == judged["workbook"]), None)
    cells = cells_of(judged["findings"])
    nearest = () if workbook else every
    asked = ViewRequest(submission.name, workbook, cells, first, ROWS_AT_ONCE, tuple(nearest))
    try:
        return *reader.run(view_sheets, asked, FileToRead(submission.file(ctx.settings).absolute())), ""
    except ReadingProcessDied as error:
        return judged["workbook"], [], str(error)
    except RuntimeError as fault:
        return judged["workbook"], [], tell_own_fault(f"showing {submission.name}", fault)


def cells_of(findings: Iterable[Mapping[str, Any]]) -> dict[str, list[CellPosition]]:
    """Sheet → the cells that findings are about."""
    found: dict[str, list[CellPosition]] = {}
    for finding in findings:
        place = parse_cell_address(finding["cell"])
        if finding["sheet"] and place:
            found.setdefault(finding["sheet"], []).append(place)
    return found


def mend(
    ctx: Context, reader: Sandbox, submission: Submission, changes: Sequence[tuple[str, str, str, str]]
) -> str | None:
    """Put new values in cells: (sheet, cell, what it held, what it is to hold). What is said is why it cannot be."""
    judged, file = submission.judged, submission.file(ctx.settings)
    workbook = ctx.catalog.workbooks.get(judged["workbook"] or "")
    letters: dict[str, dict[str, str]] = judged["letters"]
    kinds = {column.name: column.kind for column in workbook.columns} if workbook else {}
    cells = []
    for sheet, cell, _, text in changes:
        place = parse_cell_address(cell)
        name = letters.get(sheet, {}).get(column_letters(place[1])) if place else None
        is_number = kinds.get(name or "") in NUMBERS and bool(_PLAIN_NUMBER.fullmatch(text.strip()))
        cells.append(MendedCell(sheet, cell, text.strip(), is_number))
    target = file.with_name(f"mended{file.suffix}")
    asked = MendRequest(
        submission.name,
        cells,
        {sheet: list(columns) for sheet, columns in letters.items()},
        workbook.encoding if workbook else None,
        wanted_headers([workbook]) if workbook else (),
    )
    try:
        wrong = reader.run(write_mended, asked, FileToRead(file.absolute()), FileToWrite(target.absolute()))
    except ReadingProcessDied as error:
        wrong = str(error)
    except RuntimeError as fault:
        wrong = tell_own_fault(f"mending {submission.name}", fault)
    if wrong is None:
        take_mended(ctx, submission, target)
        submission.mended += [[sheet, cell, old, new.strip()] for sheet, cell, old, new in changes]
    target.unlink(missing_ok=True)
    return wrong


def marked_copy_of(ctx: Context, reader: Sandbox, submission: Submission, sees: Sees) -> Path:
    """The copy in which the bad cells are marked, beside the file. Raises NotFound where nothing is to be marked."""
    reading, workbook = _read(ctx, reader, submission, sees)
    if not reading.findings and not reading.error:
        raise NotFound("nothing is marked in this file")
    file = submission.file(ctx.settings)
    owner = workbook.owner if workbook else "its owner"
    target = file.with_name(f"{MARKED}{file.suffix}")
    return write_returned(file, reading, target, name=submission.name, owner=owner, sandbox=reader)


def there_now(ctx: Context, path: str) -> str | None:
    """The content of the file that lies at a place on the share; None where there is none."""
    place = (ctx.settings.share / path).resolve()
    return hash_of_place(place) if place.is_relative_to(ctx.settings.share.resolve()) else None


def findings_by_cell(findings: Iterable[Mapping[str, Any]]) -> dict[str, dict[CellPosition, list[Finding]]]:
    """Sheet → cell → what is said of it, rejects first."""
    found: dict[str, dict[CellPosition, list[Finding]]] = {}
    for one in sorted(findings, key=lambda one: one["severity"] != "reject"):
        place = parse_cell_address(one["cell"])
        if one["sheet"] and place:
            found.setdefault(one["sheet"], {}).setdefault(place, []).append(Finding(**one))
    return found
