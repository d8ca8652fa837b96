"""A first contract for a file that nobody has described yet, as the source of a shelf file to be edited.

What is inferred is a suggestion to a person; how one column is understood is in `column_types`, how the
source is laid out in `shelf_file`.
"""

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pyarrow

from s2p_assets.contracts.columns import Row
from s2p_assets.contracts.findings import OWN_SHEETS, Finding
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.book import open_book
from s2p_assets.spreadsheet.grid import CellKind, Cells, Sheet, column_letters
from s2p_assets.spreadsheet.header import find_header, folded, matches_sheet
from s2p_assets.spreadsheet.inferring.column_types import ColumnSample, infer_column
from s2p_assets.spreadsheet.inferring.shelf_file import Draft, DraftColumn, as_source, as_workbook, names_for
from s2p_assets.spreadsheet.inferring.wide_tables import WideTable, cells_under, find_wide_table
from s2p_assets.spreadsheet.limits import WorkbookUnreadable
from s2p_assets.spreadsheet.melting import sheet_contract
from s2p_assets.spreadsheet.reading import read_file
from s2p_assets.spreadsheet.sandbox import ReadingProcessDied, Sandbox
from s2p_assets.spreadsheet.table_rows import table_rows

_NAME = re.compile(r"[a-z][a-z0-9]*_[a-z0-9_]*[a-z0-9]")
_SEARCHED_ROWS = 60
_LOOKED_BELOW = 10
_ROUNDS = 12
_LONGEST_KEY = 3
_KEY_ALONE = ("code", "text")
_KEY_KINDS = ("code", "date", "timestamp", "text", "integer")
_MONTHS = (
    "january february march april may june july august september october november december "
    "jan feb mar apr jun jul aug sep sept oct nov dec januar februar märz maerz mai juni juli oktober dezember"
)
_VARYING = re.compile(
    rf"(?<![^\W_])(?:{'|'.join(sorted(_MONTHS.split(), key=len, reverse=True))})(?![^\W_])|\d+", re.IGNORECASE
)


def infer_contract(path: Path, name: str, *, rows: int = 20_000, sandbox: Sandbox | None = None) -> str:
    """The source of `workbooks/<name>.py` for files like `path`, judged by its first `rows` rows.

    The contract loads the file as it stands, except where a cell is in error. Raises ValueError for a name
    that is not `<domain>_<name>`, WorkbookUnreadable when the file cannot be read or holds no table.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not <domain>_<name> in lower case, as in 'acme_orders'")
    if sandbox is not None:
        return _infer_in_sandbox(sandbox, path, name, rows)
    with Sandbox() as own:
        return _infer_in_sandbox(own, path, name, rows)


def _infer_in_sandbox(sandbox: Sandbox, path: Path, name: str, rows: int) -> str:
    try:
        source, error = sandbox.run(_infer, path.absolute(), name, rows)
    except ReadingProcessDied as died:
        raise WorkbookUnreadable(str(died)) from died
    if error is not None:
        raise WorkbookUnreadable(error)
    return source


def _infer(path: Path, name: str, rows: int) -> tuple[str, str | None]:
    """In the child: the source, or one line that says why there is none."""
    try:
        return as_source(_loosened(_draft(path, name, rows), path)), None
    except WorkbookUnreadable as error:
        return "", str(error)
    except OSError as error:
        return "", f"the file cannot be opened ({error.strerror or 'read error'}); check its permissions"


@dataclass(frozen=True, slots=True)
class _Table:
    """Where a table seems to stand: the header row and its texts by column number."""

    sheet: Sheet
    header_row: int
    headers: dict[int, str]
    score: float
    wide: WideTable | None = None


def _draft(path: Path, name: str, rows: int) -> Draft:
    with open_book(path) as book:
        sheets = [sheet for sheet in book.sheets() if sheet.name not in OWN_SHEETS]
        found = (_wide(sheet, path.name) or _likely_table(sheet) for sheet in sheets)
        tables = [table for table in found if table is not None]
    if not tables:
        raise WorkbookUnreadable("no table was found: a row of column names with rows of values below it")
    table = max(tables, key=lambda found: found.score)
    numbers, repeated = _distinct(table.headers)
    headers = [" ".join(table.headers[number].split()) for number in numbers]
    columns = [DraftColumn(name_, header) for name_, header in zip(names_for(headers), headers, strict=True)]
    columns = table.wide.columns(columns) if table.wide else columns
    draft = Draft(name, path.name, columns, _path_pattern(path.name))
    draft.ignores = tuple(table.wide.totals.values()) if table.wide else ()
    draft.remarks += [
        f"column {column_letters(number)} is named like another and cannot be told apart" for number in repeated
    ]
    draft.sheets = _sheets(table, tables)
    values = _infer_columns(draft, table, numbers, rows)
    draft.key = _key(draft.columns, values)
    if table.wide and draft.key:
        draft.key = (*draft.key, *(column.name for column in draft.columns if "from_header" in column.options))
    return draft


def _wide(sheet: Sheet, file: str) -> _Table | None:
    """The sheet as a wide table, None where it is none."""
    wide = find_wide_table(sheet, file)
    if wide is None:
        return None
    depth = max(len(sheet.columns[number]) for number in wide.beside if number in sheet.columns)
    score = (len(wide.beside) + len(wide.periods)) * min(depth, 50) * (0.5 if sheet.hidden else 1.0)
    return _Table(sheet, wide.bottom, wide.beside, score, wide)


def _likely_table(sheet: Sheet) -> _Table | None:
    """The first row of names that is nearly as good as the best one, None for a sheet without a table."""
    candidates = sheet.first_rows(_SEARCHED_ROWS)
    scored = [(row, _header_score(sheet, row, candidates)) for row in candidates]
    best = max((score for _, score in scored), default=0.0)
    if best < 1.5:
        return None
    row = next(row for row, score in scored if score >= 0.8 * best)
    headers = {column: text for column, text in sheet.row(row).items() if folded(text)}
    depth = max((len(cells) for number, cells in sheet.columns.items() if number in headers), default=0)
    return _Table(sheet, row, headers, best * min(depth, 50) * (0.5 if sheet.hidden else 1.0))


def _header_score(sheet: Sheet, row: int, candidates: Sequence[int]) -> float:
    """How many names the row holds, counted less where nothing stands below them."""
    texts = sheet.row(row)
    names = {
        column for column, text in texts.items() if sheet.kind(row, column) == CellKind.TEXT and _may_be_name(text)
    }
    if len({folded(texts[column]) for column in names}) < 2:
        return 0.0
    below = [other for other in candidates if other > row][:_LOOKED_BELOW]
    filled = sum(sheet.kind(other, column) is not None for other in below for column in names)
    coverage = filled / (len(below) * len(names)) if below else 0.0
    return max(0.0, len(names) * (0.4 + 0.6 * coverage) - 0.5 * (len(texts) - len(names)))


def _may_be_name(text: str) -> bool:
    return len(text) <= 80 and any(mark.isalpha() for mark in text) and not re.match(r"\d[\d.,:/ -]*\d\b", text.strip())


def _distinct(headers: dict[int, str]) -> tuple[list[int], list[int]]:
    """Columns by number, and those whose name the reader could not tell from an earlier one."""
    known: set[str] = set()
    kept: list[int] = []
    repeated: list[int] = []
    for number, text in sorted(headers.items()):
        (repeated if folded(text) in known else kept).append(number)
        known.add(folded(text))
    return kept, repeated


def _sheets(table: _Table, tables: Iterable[_Table]) -> str:
    """`*` where every table of the workbook has the same columns, else the sheet's name with its numbers left open."""
    names = {folded(text) for text in table.headers.values()}
    others = [other.sheet.name for other in tables if {folded(text) for text in other.headers.values()} != names]
    if not others:
        return "*"
    exact = re.sub(r"[\[\]|]", "?", table.sheet.name.strip())
    varying = _generalised(exact)
    tried = Workbook(rows=Row, path="", owner="", sheets=varying)
    return exact if any(matches_sheet(tried, other) for other in others) else varying


def _infer_columns(draft: Draft, table: _Table, numbers: Sequence[int], rows: int) -> dict[str, pyarrow.Array]:
    """Completes every column of the draft; returns the values of those that are filled in each row."""
    beside = [column for column in draft.columns if not {"from_header", "melted"} & column.options.keys()]
    for column in beside:
        column.nullable = True
    contract = as_workbook(draft)
    header = find_header(table.sheet, contract, draft.file)
    if header is None:
        raise WorkbookUnreadable("no table was found: a row of column names with rows of values below it")
    if table.wide:
        _infer_melted(draft, table.wide)
        contract, header = sheet_contract(header, contract)
    found = table_rows(table.sheet, header, contract)
    taken = found.row_numbers[:rows]
    last = int(taken[-1]) if len(taken) else 0
    complete = {}
    for column in beside:
        cells = found.cells.get(column.name)
        cells = _NO_CELLS if cells is None else cells.where(cells.rows <= last)
        values = infer_column(column, ColumnSample(table.sheet, cells, len(taken)))
        if values is not None and not column.nullable:
            complete[column.name] = values
    return complete


def _infer_melted(draft: Draft, wide: WideTable) -> None:
    """Completes the columns that stand under periods."""
    melted = [column for column in draft.columns if "melted" in column.options]
    for column, name in zip(melted, wide.measures, strict=True):
        cells = cells_under(wide, name)
        infer_column(column, ColumnSample(wide.sheet, cells, 0))
        column.options["melted"] = True
        column.nullable = False


_NO_CELLS = Cells(np.zeros(0, np.int32), np.zeros(0, np.int8), pyarrow.array([], pyarrow.string()))


def _key(columns: Sequence[DraftColumn], values: dict[str, pyarrow.Array]) -> tuple[str, ...]:
    """The fewest columns that name a row, codes and dates first; empty where none do."""
    usable = [column for column in columns if column.name in values and column.kind in _KEY_KINDS]
    usable.sort(key=lambda column: _KEY_KINDS.index(column.kind))
    kinds = {column.name: column.kind for column in usable}
    coded = {column.name: _codes(values[column.name]) for column in usable[:8]}
    count = min((len(codes) for codes in coded.values()), default=0)
    if count < 5:
        return ()
    for size in range(1, _LONGEST_KEY + 1):
        for names in itertools.combinations(coded, size):
            if size == 1 and kinds[names[0]] not in _KEY_ALONE:
                continue
            if len(np.unique(np.stack([coded[name] for name in names]), axis=1).T) == count:
                return tuple(column.name for column in columns if column.name in names)
    return ()


def _codes(values: pyarrow.Array) -> np.ndarray:
    return values.dictionary_encode().indices.to_numpy(zero_copy_only=False)


def _loosened(draft: Draft, path: Path) -> Draft:
    """The draft, loosened until the reader accepts the file by it or nothing more can be loosened."""
    for _ in range(_ROUNDS):
        reading = read_file(path, [as_workbook(draft)])
        if reading.error is not None:
            raise WorkbookUnreadable(reading.error)
        rejects = [finding for finding in reading.findings if finding.severity == "reject"]
        changed_any = [_loosen(draft, finding) for finding in rejects]
        if not any(changed_any):
            draft.remarks += sorted({f"not yet accepted: {finding.message}" for finding in rejects})[:5]
            return draft
    return draft


def _loosen(draft: Draft, finding: Finding) -> bool:
    """Whether the draft could be changed so that the finding goes away."""
    if finding.rule == "key":
        changed, draft.key = bool(draft.key), ()
        return changed
    column = next((column for column in draft.columns if column.name == finding.column), None)
    if column is None:
        return False
    if finding.rule == "required" and not column.nullable:
        column.nullable = True
        draft.key = () if column.name in draft.key else draft.key
        return True
    if finding.rule == "isin" and column.values:
        column.values = ()
        column.remarks = [remark for remark in column.remarks if "values" not in remark]
        return True
    if finding.rule in ("type", "formats", "rounded") and column.kind not in ("text", "code"):
        column.kind, column.options, column.remarks = "text", {}, [f"not all are alike: {finding.message}"]
        return True
    return False


def _path_pattern(file: str) -> str:
    """`Sales March 2024.xlsx` → `**/Sales*.xls*`: numbers and months are left open."""
    name = PurePosixPath(file)
    stem = re.sub(r"[\[\]?]", "?", name.stem)
    suffix = ".xls*" if name.suffix.lower().startswith(".xls") else name.suffix
    return f"**/{_generalised(stem)}{suffix}"


def _generalised(name: str) -> str:
    """`name` with its numbers and months left open: `Sales 2024-03` → `Sales*`."""
    return re.sub(r"\s*\*(?:[\s._-]*\*)*\s*", "*", _VARYING.sub("*", name.strip()))
