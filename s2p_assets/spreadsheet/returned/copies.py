"""The marked copy that goes back to a file's owner: every bad cell coloured and annotated, a list of findings first.

Here only the choice between marking the file itself and writing a fresh workbook; how each is done lies beside.
"""

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from s2p_assets.contracts.findings import ReadResult
from s2p_assets.spreadsheet.reading_desk import FileToRead, FileToWrite
from s2p_assets.spreadsheet.returned.feedback import Feedback, build_feedback
from s2p_assets.spreadsheet.returned.fresh_workbook import CopiedRows, copy_rows, write_fresh_workbook
from s2p_assets.spreadsheet.returned.sheet_xml import UnmarkableError
from s2p_assets.spreadsheet.sandbox import ReadingProcessDied, Sandbox

_log = logging.getLogger("s2p.marked_copies")
CopiedRowsBySheet = dict[str, CopiedRows]
FRESH_SUFFIX = ".returned.xlsx"
UNFINISHED_PREFIX = ".s2p-"


def write_returned(
    original: Path,
    reading: ReadResult,
    target: Path,
    *,
    name: str,
    owner: str,
    sandbox: Sandbox | None = None,
) -> Path:
    """Writes the copy of `original` that `reading` calls for and returns where it lies.

    `name`: the file as its owner knows it; `original` may be an archived copy under another name.
    The copy lies at `target` when its suffix fits what was written, else beside it: a file that cannot
    be marked in place (`prices.csv`, a damaged one) is answered by `prices.csv.returned.xlsx`. What has to
    open the original is done in `sandbox` if one is given, within its bounds of time and memory.
    Raises OSError when nothing can be written there, ValueError when `target` is `original`.
    """
    if target.exists() and original.exists() and target.samefile(original):
        raise ValueError(f"{target} is the file itself; give the marked copy another place")
    feedback = build_feedback(reading, name=name, owner=owner, in_place=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    written = _marked(original, feedback, target, sandbox) if reading.error is None else None
    if written is None:
        written = target if target.suffix.lower() == ".xlsx" else target.with_name(f"{target.name}{FRESH_SUFFIX}")
        feedback = build_feedback(reading, name=name, owner=owner, in_place=False)
        with _unfinished(target.parent) as copy:
            write_fresh_workbook(feedback, _rows(original, name, feedback, reading.headers, sandbox), copy)
            _put(copy, written)
    if written == target:
        target.with_name(f"{target.name}{FRESH_SUFFIX}").unlink(missing_ok=True)
    return written


def remove_unfinished_copies(folder: Path) -> None:
    """Remove the half-written copies that a killed process left below `folder`. Nobody may be writing there."""
    for unfinished in folder.rglob(f"{UNFINISHED_PREFIX}*"):
        unfinished.unlink(missing_ok=True)


def _marked(original: Path, feedback: Feedback, target: Path, sandbox: Sandbox | None) -> Path | None:
    """The copy marked in place; None where the file does not allow it."""
    try:
        with _unfinished(target.parent) as copy:
            if sandbox is None:
                suffix = _write_marked(original, feedback, copy)
            else:
                suffix = _mark_in_sandbox(sandbox, original, feedback, copy)
            return _put(copy, _with_suffix(target, suffix))
    except UnmarkableError:
        return None


def _write_marked(original: Path, feedback: Feedback, target: Path) -> str:
    from s2p_assets.spreadsheet.returned.marked_xlsx import write_marked  # lxml, where it is used alone

    return write_marked(original, feedback, target)


def _mark_in_sandbox(sandbox: Sandbox, original: Path, feedback: Feedback, target: Path) -> str:
    try:
        return sandbox.run(_write_marked, FileToRead(original.absolute()), feedback, FileToWrite(target.absolute()))
    except ReadingProcessDied as error:
        raise UnmarkableError(str(error)) from error
    except RuntimeError as error:
        if not str(error).startswith(UnmarkableError.__name__):
            _log.error("marking %s fails, its owner gets a workbook with the bad rows alone: %s", original.name, error)
        raise UnmarkableError(str(error)) from error


def _rows(
    original: Path, name: str, feedback: Feedback, headers: dict[str, list[str]], sandbox: Sandbox | None
) -> CopiedRowsBySheet:
    """The rows that findings are about, as they stand in the file; none when it cannot be read a second time."""
    if not feedback.severities:
        return {}
    if sandbox is None:
        with Sandbox() as own:
            return _rows(original, name, feedback, headers, own)
    places = {sheet: list(found) for sheet, found in feedback.severities.items()}
    try:
        return sandbox.run(copy_rows, FileToRead(original.absolute()), name, places, headers)
    except ReadingProcessDied:
        return {}
    except RuntimeError as error:
        _log.error("copying the bad rows of %s fails, its owner gets their list alone: %s", name, error)
        return {}


def _with_suffix(target: Path, suffix: str) -> Path:
    return target if target.suffix.lower() == suffix else target.with_name(f"{target.name}.returned{suffix}")


@contextmanager
def _unfinished(folder: Path) -> Iterator[Path]:
    """A path to write a copy to, which is gone behind the block where it was not put in its place."""
    handle, held = tempfile.mkstemp(dir=folder, prefix=UNFINISHED_PREFIX, suffix=".xlsx")
    os.close(handle)
    try:
        yield Path(held)
    finally:
        Path(held).unlink(missing_ok=True)


def _put(copy: Path, target: Path) -> Path:
    copy.chmod(0o644)
    return copy.replace(target)
