"""A first contract for a file that nobody has described yet, as the source of a shelf file to be edited.

What is inferred is a suggestion to a person; how one column is understood is in `column_types`, how the
source is laid out in `shelf_file`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pyarrow

from s2p_assets.contracts.columns import Row
from s2p_assets.contracts.findings import OWN_SHEETS, Finding, ReadResult
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.book import open_book
from s2p_assets.spreadsheet.grid import LAST_ROW, Cells, Ints, column_letters
from s2p_assets.spreadsheet.header import folded, matches_sheet
from s2p_assets.spreadsheet.header_rows import rows_with_titles
from s2p_assets.spreadsheet.header_search import find_header
from s2p_assets.spreadsheet.inferring.column_types import ColumnSample, infer_column
from s2p_assets.spreadsheet.inferring.file_place import left_open, path_pattern
from s2p_assets.spreadsheet.inferring.keys import infer_key
from s2p_assets.spreadsheet.inferring.shelf_file import Draft, DraftColumn, as_source, as_workbook, names_for
from s2p_assets.spreadsheet.inferring.tables import (
    NO_TABLE,
    LikelyTable,
    chosen_table,
    first_of_several,
    is_copy_of,
    likely_table,
    name_of,
    refuse_ambiguous,
    remarks_on_gaps,
)
from s2p_assets.spreadsheet.inferring.wide_tables import WideTable, cells_under
from s2p_assets.spreadsheet.limits import WorkbookUnreadable
from s2p_assets.spreadsheet.melting import SheetContract, sheet_contract
from s2p_assets.spreadsheet.reading import read_file
from s2p_assets.spreadsheet.reading_desk import FileToRead
from s2p_assets.spreadsheet.sandbox import ReadingProcessDied, Sandbox
from s2p_assets.spreadsheet.table_rows import TableRows, table_rows

_NAME = re.compile(r"[a-z][a-z0-9]*_[a-z0-9_]*[a-z0-9]")
_ROUNDS = 12
_TRIED_ROWS = 1_000
_MOST_CONTRACTS = 12
_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What contracts are to be made of. `sheet`: the one whose table is meant, by default each; `share`: the share.

    `at`: where its bytes lie for the child.
    """

    path: Path
    name: str
    sheet: str | None = None
    share: Path | None = None
    rows: int = _ROWS
    at: Path | None = None

    @property
    def bytes_at(self) -> Path:
        return self.at or self.path


def infer_contract(path: Path, name: str, *, rows: int = _ROWS, sandbox: Sandbox | None = None) -> str:
    """The source of `workbooks/<name>.py` for the largest table of files like `path`, judged by its first `rows` rows.

    Raises as `infer_contracts`.
    """
    return infer_contracts(Asked(path, name, rows=rows), sandbox=sandbox)[name]


def infer_contracts(asked: Asked, *, sandbox: Sandbox | None = None) -> dict[str, str]:
    """The sources of shelf files by name, one for each kind of table in the workbook, the largest under `asked.name`.

    Each loads the file as it stands, but for lines that stand twice in it. Raises ValueError for a name that is not
    `<domain>_<name>`, WorkbookUnreadable with one line when no contract can.
    """
    if not _NAME.fullmatch(asked.name):
        raise ValueError(f"{asked.name!r} is not <domain>_<name> in lower case, as in 'acme_orders'")
    if sandbox is not None:
        return _infer_in_sandbox(sandbox, asked)
    with Sandbox() as own:
        return _infer_in_sandbox(own, asked)


def _infer_in_sandbox(sandbox: Sandbox, asked: Asked) -> dict[str, str]:
    try:
        sources, error = sandbox.run(_infer, asked, FileToRead(asked.path))
    except ReadingProcessDied as died:
        raise WorkbookUnreadable(str(died)) from died
    if error is not None:
        raise WorkbookUnreadable(error)
    return sources


def _infer(asked: Asked, at: Path) -> tuple[dict[str, str], str | None]:
    """In the child, which has the file `at`: the sources by name, or one line that says why there are none."""
    try:
        return _sources(replace(asked, at=at)), None
    except WorkbookUnreadable as error:
        return {}, str(error)
    except OSError as error:
        return {}, f"the file cannot be opened ({error.strerror or 'read error'}); check its permissions"


def _sources(asked: Asked) -> dict[str, str]:
    kinds = _kinds_of_tables(_tables(asked), asked)
    first = _loaded(_draft(kinds[0], kinds, asked.name, asked), asked)
    others: dict[str, str] = {}
    for kind in kinds[1:_MOST_CONTRACTS]:
        name = names_for([*[one.partition("_")[2] for one in (asked.name, *others)], kind.table.sheet.name])[-1]
        name = f"{asked.name.partition('_')[0]}_{name}"
        try:
            others[name] = as_source(_loaded(_draft(kind, kinds, name, asked), asked))
        except WorkbookUnreadable as error:
            first.remarks.append(f"of the table in sheet '{kind.table.sheet.name}' no contract was written: {error}")
    return {asked.name: as_source(first), **others}


def _tables(asked: Asked) -> list[LikelyTable]:
    """The likely table of each sheet that is meant. Raises WorkbookUnreadable when there is none."""
    with open_book(asked.bytes_at, asked.path.name) as book:
        sheets = [sheet for sheet in book.sheets() if sheet.name not in OWN_SHEETS]
    meant = [sheet for sheet in sheets if asked.sheet in (None, sheet.name)]
    if not meant and asked.sheet is not None:
        known = ", ".join(f"'{sheet.name}'" for sheet in sheets[:12])
        raise WorkbookUnreadable(f"there is no sheet '{asked.sheet}'; there are {known}")
    tables = [table for table in (likely_table(sheet, asked.path.name) for sheet in meant) if table is not None]
    filled = [table for table in tables if table.rows]
    if not filled:
        only_names = f"sheet '{tables[0].sheet.name}' holds column names but no rows" if tables else NO_TABLE
        raise WorkbookUnreadable(only_names)
    return filled


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of table: the sheet with most of it, the others of its kind, and those that seem to be copies."""

    table: LikelyTable
    alike: list[LikelyTable]
    copies: list[LikelyTable]


def _kinds_of_tables(tables: Sequence[LikelyTable], asked: Asked) -> list[_Kind]:
    """Tables with the same columns are of one kind; the largest kind comes first."""
    kinds: list[_Kind] = []
    left = list(tables)
    while left:
        table = chosen_table(left)
        same = [other for other in left if other is not table and other.names == table.names]
        copies = [other for other in same if is_copy_of(table, other)]
        kinds.append(_Kind(table, [other for other in same if other not in copies], copies))
        left = [other for other in left if other is not table and other not in same]
    if asked.sheet is None and kinds[0].table.rows >= 5:
        return [kind for kind in kinds if kind is kinds[0] or kind.table.rows > 1]
    return kinds


def _draft(kind: _Kind, kinds: Sequence[_Kind], name: str, asked: Asked) -> Draft:
    table, is_one_of_several = first_of_several(kind.table)
    refuse_ambiguous(table)
    numbers = sorted([*table.headers, *table.nameless])
    headers = [" ".join(table.headers.get(number, "").split()) for number in numbers]
    names = names_for([text or name_of(number) for text, number in zip(headers, numbers, strict=True)])
    columns = [DraftColumn(one, header) for one, header in zip(names, headers, strict=True)]
    nameless = [position for position, column in enumerate(columns) if not column.header]
    columns = table.wide.columns(columns) if table.wide else columns
    for position in nameless:
        _place_nameless(columns, position, numbers)
    draft = Draft(name, asked.path.name, columns, path_pattern(asked.path, asked.share))
    if is_one_of_several:
        draft.tables = "all"
        draft.remarks.append("the sheet holds several tables with this header side by side; each is read")
    draft.ignores = tuple(table.wide.totals.values()) if table.wide else ()
    draft.sheets = _sheets(kind, kinds)
    _remark_other_tables(draft, kind, kinds)
    draft.remarks += remarks_on_gaps(table)
    values = _infer_columns(draft, table, asked.rows)
    infer_key(draft, values)
    if table.wide and draft.key:
        draft.key = (*draft.key, *(column.name for column in draft.columns if "from_header" in column.options))
    return draft


def _place_nameless(columns: list[DraftColumn], position: int, numbers: Sequence[int]) -> None:
    """Declares a column without a header by the one to its left, but for those that come first, and for the last ones
    before the periods of a wide table.
    """
    column = columns[position]
    start = position
    while start and numbers[start - 1] == numbers[start] - 1:
        start -= 1
    if any(one.header for one in columns[start:position]):
        column.placed = {"right_of": columns[position - 1].header or columns[position - 1].name}
    else:
        is_next = numbers[position] + 1 in numbers
        after = (
            columns[position + 1] if is_next else next((one for one in columns if "from_header" in one.options), None)
        )
        if after is None:  # behind an empty column
            column.placed = {"right_of": columns[position - 1].header or columns[position - 1].name}
        else:
            column.placed = {"left_of": after.header or after.name}
    letters = column_letters(numbers[position])
    column.remarks.append(f"column {letters} has no header in the file: better write one there, and here")


def _sheets(kind: _Kind, kinds: Sequence[_Kind]) -> str:
    """`*` where every table of the workbook is of this kind, else the sheets' names, their numbers left open."""
    others = [
        table.sheet.name
        for other in kinds
        for table in (other.table, *other.alike, *other.copies)
        if other is not kind or table in kind.copies
    ]
    if not others:
        return "*"
    wanted = [table.sheet.name for table in (kind.table, *kind.alike)]
    exact = [re.sub(r"[\[\]|*]", "?", name.strip()) for name in wanted]
    for pattern in (left_open(exact[0]), "|".join(exact)):
        tried = Workbook(rows=Row, path="", owner="", sheets=pattern)
        if all(matches_sheet(tried, one) for one in wanted) and not any(matches_sheet(tried, one) for one in others):
            return pattern
    return "|".join(exact)


def _remark_other_tables(draft: Draft, kind: _Kind, kinds: Sequence[_Kind]) -> None:
    for copy in kind.copies:
        draft.remarks.append(
            f"sheet '{copy.sheet.name}' ({copy.rows:,} rows) holds the same lines as '{kind.table.sheet.name}' "
            f"({kind.table.rows:,} rows), which is read alone; if it is the right one, write its name in sheets"
        )
    for other in kinds:
        if other is not kind:
            draft.remarks.append(
                f"sheet '{other.table.sheet.name}' holds another table ({other.table.rows:,} rows); for a contract of "
                f"it alone: s2p new … --sheet '{other.table.sheet.name}'"
            )


def _infer_columns(draft: Draft, table: LikelyTable, rows: int) -> dict[str, pyarrow.Array]:
    """Completes every column of the draft; returns the values of those that are filled in each row."""
    beside = [column for column in draft.columns if not {"from_header", "melted"} & column.options.keys()]
    for column in beside:
        column.nullable = True
    contract = as_workbook(draft)
    header = find_header(table.sheet, contract, draft.file)
    if header is None or (header.missing and not table.wide):
        raise WorkbookUnreadable(NO_TABLE)
    if table.wide:
        _infer_melted(draft, table.wide)
        contract, header = sheet_contract(header, contract)
    found = table_rows(table.sheet, header, _with_likely_types(contract, table_rows(table.sheet, header, contract)))
    units = table.units_row or 0
    others = [] if table.wide else sorted(rows_with_titles(table.sheet, header, contract))
    last = next((row for row in others if _is_in_another_order(table, row)), LAST_ROW + 1)
    taken = found.row_numbers[(found.row_numbers != units) & (found.row_numbers < last)][:rows]
    complete = {}
    for column in beside:
        values = infer_column(column, _sample(found, column.name, taken, units))
        if values is not None and not column.nullable:
            complete[column.name] = values
    return complete


def _is_in_another_order(table: LikelyTable, row: int) -> bool:
    """Whether a row has the table's own names, each in another column: the header of another table."""
    texts = {number: folded(text) for number, text in table.sheet.row(row).items()}
    own = {number: folded(text) for number, text in table.headers.items()}
    return set(texts.values()) == set(own.values()) and texts != own


def _sample(found: TableRows, name: str, taken: Ints, units: int = 0) -> ColumnSample:
    """A column's cells in the rows `taken`, without the row of `units`."""
    cells = found.cells.get(name)
    last = int(taken[-1]) if len(taken) else 0
    cells = _NO_CELLS if cells is None else cells.where((cells.rows <= last) & (cells.rows != units))
    return ColumnSample(found.sheet, cells, len(taken))


def _with_likely_types(contract: Workbook, found: TableRows) -> SheetContract:
    """The contract with the types that its columns seem to have, by which rows that sum up others are known."""
    columns = []
    for column in contract.columns:
        tried = DraftColumn(column.name, column.headers[0])
        infer_column(tried, _sample(found, column.name, found.row_numbers[:_TRIED_ROWS]))
        read = {option: value for option, value in tried.options.items() if option in ("decimal", "formats")}
        columns.append(replace(column, kind=tried.kind, **read))
    given = {each.name: getattr(contract, each.name) for each in fields(Workbook)}
    return SheetContract(**given, sheet_columns=tuple(columns))


def _infer_melted(draft: Draft, wide: WideTable) -> None:
    """Completes the columns that stand under periods."""
    melted = [column for column in draft.columns if "melted" in column.options]
    for column, name in zip(melted, wide.measures, strict=True):
        cells = cells_under(wide, name)
        infer_column(column, ColumnSample(wide.sheet, cells, 0))
        column.options["melted"] = True
        column.nullable = False


_NO_CELLS = Cells(np.zeros(0, np.int32), np.zeros(0, np.int8), pyarrow.array([], pyarrow.string()))


def _loaded(draft: Draft, asked: Asked) -> Draft:
    """The draft, loosened until the reader accepts the file by it. Raises WorkbookUnreadable when it never does."""
    for _ in range(_ROUNDS):
        reading = read_file(asked.bytes_at, [as_workbook(draft)], asked.path.name)
        if reading.error is not None:
            raise WorkbookUnreadable(reading.error)
        rejects = [finding for finding in reading.findings if finding.severity == "reject"]
        if reading.verdict == "accepted" or (reading.verdict == "partly" and _repeats_alone(rejects)):
            return _complete(draft, reading)
        loosened = [_loosen(draft, finding) for finding in rejects]
        if not any(loosened):
            raise WorkbookUnreadable(_why_not(rejects))
    raise WorkbookUnreadable("the file contradicts every contract that was tried; write one by hand")


def _widen(column: DraftColumn, day: str, message: str) -> bool:
    """Lets a column of dates have a day that lies far from its others, and says so; whether that was new."""
    before = dict(column.options)
    others = re.findall(r"\d{4}-\d\d-\d\d", message.removeprefix(day))
    side, wider = ("ge", min) if others and day < others[0] else ("le", max)
    column.options[side] = wider(column.options.get(side, day), day)
    if column.options == before:
        return False
    if side not in before:
        column.remarks.append(
            f"{day} is far from the other dates: see whether its year is right, then narrow ge and le"
        )
    return True


def _repeats_alone(rejects: Sequence[Finding]) -> bool:
    return all(finding.rule == "key" for finding in rejects)


def _why_not(rejects: Sequence[Finding]) -> str:
    """The first thing in the file that stands against any contract, and how many more there are."""
    if not rejects:
        return "the file holds no row that could be loaded"
    first = rejects[0]
    place = " › ".join(part for part in (first.sheet, first.cell) if part)
    more = f" (and {len(rejects) - 1:,} more)" if len(rejects) > 1 else ""
    return f"{place}: {first.message}{more}" if place else f"{first.message}{more}"


def _complete(draft: Draft, reading: ReadResult) -> Draft:
    """The draft with a remark for cells that it leaves out. Raises WorkbookUnreadable when it loads no row."""
    if not reading.rows_accepted:
        raise WorkbookUnreadable("the file holds no row that could be loaded")
    for finding in reading.findings:
        if finding.rule == "unnamed_column":
            draft.remarks.append(f"not read: {finding.message}")
        elif finding.rule == "unknown_column":
            raise WorkbookUnreadable(f"{finding.sheet} › {finding.cell}: {finding.message}")
    return draft


def _loosen(draft: Draft, finding: Finding) -> bool:
    """Whether the draft could be changed so that the finding goes away."""
    if finding.rule == "several_tables" and draft.tables == "one":
        draft.tables = "all"
        draft.remarks.append("the sheet holds several tables with this header; each is read")
        return True
    if finding.rule == "key":
        changed, draft.key, draft.max_reject_rate = bool(draft.key), (), 0.0
        draft.remarks.append(f"no columns name a row throughout the file: {finding.message}")
        return changed
    column = next((column for column in draft.columns if column.name == finding.column), None)
    if column is None:
        return False
    if finding.rule == "required" and not column.nullable:
        column.nullable = True
        draft.key = () if column.name in draft.key else draft.key
        return True
    if finding.rule == "far_date" and finding.value:
        return _widen(column, finding.value, finding.message)
    if finding.rule == "rounded" and column.kind in ("code", "integer"):
        column.kind, column.options = "number", {}
        column.remarks.append(f"not all digits are there: {finding.message}")
        return True
    if finding.rule in ("type", "formats", "rounded", "unit") and column.kind not in ("text", "code"):
        column.kind, column.options, column.remarks = "text", {}, [f"not all are alike: {finding.message}"]
        return True
    return False
