"""Changes of layout: the columns that came, went or were renamed since the deliveries before.

Finding the header in a sheet belongs to `header.py`; which deliveries came before is in the ledger.
"""

import datetime as dt
import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from s2p_assets.contracts.findings import Finding
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.header import folded, folded_names

FILES_COMPARED = 6
_SIMILAR = 0.6

Headers = Mapping[str, Sequence[str]]
"""Sheet → its header cells as written, from left to right; see `ReadResult.headers`."""


@dataclass(frozen=True, slots=True)
class EarlierFile:
    """An earlier file of the same kind: its path on the share, the day it was written, its header cells."""

    path: str
    day: dt.date
    headers: Headers

    @property
    def label(self) -> str:
        """`Prices March.xlsx (2026-03-01)`."""
        return f"{PurePosixPath(self.path).name} ({self.day})"


@dataclass(frozen=True, slots=True)
class _Title:
    """A header cell. `key`: the declared column, else the folded text; `left`: the key of the cell to its left."""

    sheet: str
    text: str
    column: str | None
    key: str
    place: int
    left: str | None


_Layout = dict[str, _Title]  # by key


def with_layout_changes(
    findings: Iterable[Finding], headers: Headers, before: Iterable[EarlierFile], workbook: Workbook
) -> list[Finding]:
    """`findings` of a file and a notice for each column that appeared, vanished or was renamed.

    `before`: the earlier deliveries, newest first; the last six paths count. A column appeared when none of them had
    it, vanished when all had it, so that two colleagues' layouts may alternate. A finding about a missing column
    says which delivery had it last.
    """
    last = _last_of_each_path(before) if headers else []
    if not last:
        return list(findings)
    layouts = [(delivery, _layout(delivery.headers, workbook)) for delivery in last]
    explained = [_last_seen(finding, layouts) if finding.rule == "missing_column" else finding for finding in findings]
    missing = {finding.column for finding in explained if finding.rule == "missing_column"}
    notices = [*_respelled(_layout(headers, workbook), layouts)]
    notices += _appeared_and_vanished(_layout(headers, workbook), layouts, missing)
    return explained + notices


def _last_of_each_path(before: Iterable[EarlierFile]) -> list[EarlierFile]:
    last: dict[str, EarlierFile] = {}
    for delivery in before:
        last.setdefault(delivery.path, delivery)
        if len(last) == FILES_COMPARED:
            break
    return list(last.values())


def _layout(headers: Headers, workbook: Workbook) -> _Layout:
    """The titles of all sheets together, without those that the contract ignores."""
    ignored = {folded(name) for name in workbook.ignores}
    layout: _Layout = {}
    for sheet, texts in headers.items():
        declared = _declared(texts, workbook)
        left = None
        for place, text in enumerate(texts):
            means = declared.get(folded(text)) or folded(text)
            if means and means not in ignored:
                layout.setdefault(means, _Title(sheet, text, declared.get(folded(text)), means, place, left))
            left = means
    return layout


def _declared(texts: Sequence[str], workbook: Workbook) -> dict[str, str]:
    """Folded header text → the declared column that it names, as `find_header` settles it."""
    free = {folded(text) for text in texts}
    columns = {}
    for column in workbook.columns:
        name = next((name for name in folded_names(column) if name in free), None)
        if name is not None:
            free.discard(name)
            columns[name] = column.name
    return columns


def _last_seen(finding: Finding, layouts: Sequence[tuple[EarlierFile, _Layout]]) -> Finding:
    for delivery, layout in layouts:
        if finding.column in layout:
            seen = f"it was last seen as '{layout[finding.column].text}' in {delivery.label}"
            return replace(finding, message=f"{finding.message}; {seen}")
    return finding


def _respelled(now: _Layout, layouts: Sequence[tuple[EarlierFile, _Layout]]) -> Iterator[Finding]:
    """Declared columns that bear a name under which none of the deliveries had them."""
    for title in now.values():
        known = [layout[title.key].text for _, layout in layouts if title.key in layout]
        if title.column and known and folded(title.text) not in {folded(text) for text in known}:
            yield _notice(title.sheet, title, f"'{known[0]}' is now called '{title.text}'")


def _appeared_and_vanished(
    now: _Layout, layouts: Sequence[tuple[EarlierFile, _Layout]], missing: set[str | None]
) -> Iterator[Finding]:
    latest, before = layouts[0]
    appeared = {means: title for means, title in now.items() if not any(means in layout for _, layout in layouts)}
    sheets = {title.sheet for title in now.values()}
    sheet = sheets.pop() if len(sheets) == 1 else None
    for means, title in before.items():
        if means in now or not all(means in layout for _, layout in layouts):
            continue
        successor = next((other for other in appeared.values() if _may_be_renamed(title, other)), None)
        if successor:
            del appeared[successor.key]
            message = f"'{title.text}' is perhaps renamed to '{successor.text}'; '{title.text}' was last seen in"
            yield _notice(successor.sheet, successor, f"{message} {latest.label}")
        elif title.column not in missing:
            yield _notice(sheet, title, f"'{title.text}' vanished; last seen in {latest.label}")
    for title in appeared.values():
        yield _notice(title.sheet, title, f"'{title.text}' appeared; {latest.label} did not have it")


def _may_be_renamed(old: _Title, new: _Title) -> bool:
    """Whether an unknown column stands where the other stood, under a similar name."""
    if new.column or (old.place != new.place and old.left != new.left):
        return False
    one, other = folded(old.text), folded(new.text)
    contained = min(len(one), len(other)) > 2 and (one in other or other in one)
    return contained or difflib.SequenceMatcher(None, one, other).ratio() >= _SIMILAR


def _notice(sheet: str | None, title: _Title, message: str) -> Finding:
    return Finding(sheet, None, title.column or title.text, title.text, "layout", message, "notice")
