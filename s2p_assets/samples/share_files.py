"""Write workbooks and text files the way people lay them out, for sample share drives.

What stands in them, and which mistakes, is for each domain's `<domain>_share.py`.
"""

import csv
import datetime as dt
import importlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pandas as pd

NO_DATE = dt.datetime(2006, 9, 16)  # noqa: DTZ001
"""A date from before there were such workbooks: it says nothing of when the content was saved."""


class Mistake(NamedTuple):
    """A mistake planted in a sample: its file, its sheet and cell where there is one, and what is wrong there."""

    path: str
    sheet: str | None
    cell: str | None
    description: str


class ShareWriter(Protocol):
    """Writes a sample's files below a folder, yielding each as it is written; its last day is `until`."""

    def __call__(self, folder: Path, *, until: dt.date) -> Iterator[Path]: ...


class Exercise(NamedTuple):
    """A cell for a person to break, and to mend again: in the newest file of `pattern`, what to type over it."""

    pattern: str
    sheet: str
    cell: str
    text: str


@dataclass(frozen=True)
class Sample:
    """A sample share drive: the mistakes planted in it, and the function that writes it.

    `exercise`: of the sample that a newcomer is shown, which is the one that has an exercise.
    """

    mistakes: tuple[Mistake, ...]
    write: ShareWriter
    exercise: Exercise | None = None


def sample_shares() -> dict[str, Sample]:
    """Domain → sample, for every module `<domain>_share` beside this one."""
    names = sorted(file.stem for file in Path(__file__).parent.glob("*_share.py"))
    modules = (importlib.import_module(f"{__package__}.{name}") for name in names)
    return {name.removesuffix("_share"): module.sample for name, module in zip(names, modules, strict=True)}


def shown_first(samples: Mapping[str, Sample]) -> dict[str, Sample]:
    """The samples that a newcomer is shown: those with an exercise."""
    return {domain: sample for domain, sample in samples.items() if sample.exercise}


@dataclass(frozen=True)
class SheetLayout:
    """A table laid out by a person: words above it, empty columns left of it, a totals row and words below it.

    `columns`: header → values. `groups`: a row of headings above the headers: column number → heading
    and how many columns it spans. `as_text`: headers whose numbers someone typed as text, `$1,234.50`.
    `dates`: how days are written, as a strftime pattern; by default as Excel's own dates.
    `total`: the header that a totals row adds up.
    """

    name: str
    columns: Mapping[str, list[Any]]
    above: tuple[str, ...] = ()
    indent: int = 0
    groups: Mapping[int, tuple[str, int]] = field(default_factory=dict)
    as_text: tuple[str, ...] = ()
    dates: str | None = None
    total: str | None = None
    below: tuple[str, ...] = ()

    @property
    def header_row(self) -> int:
        return len(self.above) + bool(self.groups)


@dataclass(frozen=True)
class ShareFile:
    """A file of the share that is still to be written."""

    path: str
    content: Callable[[], bytes]

    def write(self, folder: Path) -> Path:
        """Write the file under `folder`; returns where."""
        target = folder / self.path
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(f".{target.name}")
        unfinished.write_bytes(self.content())
        return unfinished.replace(target)


def split_by_day(frame: pd.DataFrame, column: str) -> Iterator[tuple[pd.Timestamp, pd.DataFrame]]:
    for day in sorted(frame[column].unique()):
        yield pd.Timestamp(day), frame[frame[column] == day]


def split_by_month(frame: pd.DataFrame, column: str) -> Iterator[tuple[pd.Timestamp, pd.DataFrame]]:
    months = frame[column].dt.to_period("M").dt.to_timestamp()
    for month in sorted(months.unique()):
        yield pd.Timestamp(month), frame[months == month]


def values_by_header(
    frame: pd.DataFrame, headers: Mapping[str, str], words: Mapping[str, str] | None = None
) -> dict[str, list[Any]]:
    """Header → values of the column behind it; days without a time.

    `words`: header → what this writer calls it instead.
    """
    table = {}
    for header, column in headers.items():
        values = frame[column]
        is_day = pd.api.types.is_datetime64_any_dtype(values.dtype)
        table[(words or {}).get(header, header)] = list(values.dt.date) if is_day else values.tolist()
    return table


def workbook_file(path: str, *sheets: SheetLayout) -> ShareFile:
    return ShareFile(path, lambda: xlsx_bytes(sheets))


def xlsx_bytes(sheets: Sequence[SheetLayout]) -> bytes:
    """A workbook with these sheets, the same bytes every time."""
    import xlsxwriter

    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "default_date_format": "yyyy-mm-dd"}) as workbook:
        workbook.set_properties({"created": NO_DATE, "author": "s2p"})
        bold = workbook.add_format({"bold": True, "bottom": 1})
        for sheet in sheets:
            page = workbook.add_worksheet(sheet.name)
            page.set_column(sheet.indent, sheet.indent + len(sheet.columns), 14)
            for row, values in enumerate(_lines(sheet)):
                page.write_row(row, sheet.indent, values, bold if row == sheet.header_row else None)
            _furnish(page, sheet, bold)
    return buffer.getvalue()


def _furnish(page: Any, sheet: SheetLayout, bold: Any) -> None:
    """Headings that span columns, and a formula in the totals row with the value that Excel would keep beside it."""
    from xlsxwriter.utility import xl_range

    for column, (heading, span) in sheet.groups.items():
        left = sheet.indent + column
        page.merge_range(sheet.header_row - 1, left, sheet.header_row - 1, left + span - 1, heading, bold)
    if sheet.total:
        values, column = sheet.columns[sheet.total], sheet.indent + list(sheet.columns).index(sheet.total)
        first, last = sheet.header_row + 1, sheet.header_row + len(values)
        page.write_formula(last + 1, column, f"=SUM({xl_range(first, column, last, column)})", bold, sum(values))


def _lines(sheet: SheetLayout) -> Iterator[list[Any]]:
    """The rows of a sheet, top to bottom, without its indentation."""
    yield from ([text] for text in sheet.above)
    if sheet.groups:
        yield []
    yield list(sheet.columns)
    written = [_written(sheet, name, values) for name, values in sheet.columns.items()]
    yield from (list(row) for row in zip(*written, strict=True))
    if sheet.total:
        yield ["Total"]
    yield from ([text] for text in sheet.below)


def _written(sheet: SheetLayout, name: str, values: list[Any]) -> list[Any]:
    if name in sheet.as_text:
        return [f"${value:,.2f}" for value in values]
    if sheet.dates:
        return [value.strftime(sheet.dates) if isinstance(value, dt.date) else value for value in values]
    return values


def csv_bytes(sheet: SheetLayout, delimiter: str, encoding: str) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(_lines(sheet))
    return text.getvalue().encode(encoding)
