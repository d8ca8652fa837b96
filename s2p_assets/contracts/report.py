"""The declaration of a report, and the document that it returns: headline numbers, sections, charts and their lineage.

How a document is rendered belongs to `publishing`; what a section shows, to its builders in `publishing/sections`.
"""

import datetime as dt
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from s2p_assets.contracts.derivation import Derivation

if TYPE_CHECKING:
    import pandas as pd

MAX_DAYS_AHEAD = 7
Aggregation = Literal["sum", "mean", "rows"]
ValueFormat = Literal["text", "code", "integer", "number", "money", "percent", "date"]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that a report was made from: its path on the share, SHA-256, rows that were loaded of it, and when."""

    path: str
    sha256: str
    rows: int
    loaded_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Imprint:
    """What every format of an edition says beside its document.

    `name`: the report's name on the command line, by which a reader asks where a number comes from.
    `currency`: as a three-letter code. `known_at`: set for an edition made again from what was known at that moment.
    """

    name: str
    sources: tuple[SourceFile, ...]
    currency: str
    made_at: dt.datetime
    known_at: dt.datetime | None = None

    def trace_command(self, number: str, edition: dt.date) -> str:
        """The command that tells where a number of this edition is from; `edition`: the day of its data."""
        return "s2p trace {} {} --{} {}".format(self.name, number, *self.which_edition(edition))

    def which_edition(self, edition: dt.date) -> tuple[str, str]:
        """(`edition`, its day), or of one made again (`as-of`, the moment that it tells of)."""
        if self.known_at is None:
            return "edition", edition.isoformat()
        ends_a_day = (self.known_at + dt.timedelta(microseconds=1)).time() == dt.time()
        return "as-of", self.known_at.date().isoformat() if ends_a_day else self.known_at.isoformat()


@dataclass(frozen=True, slots=True)
class RelativeChange:
    """How a number compares with an earlier one, as a share of it; `compared_with` names the earlier one ("the week
    before").
    """

    share: float
    compared_with: str


@dataclass(frozen=True, slots=True)
class RowValue:
    """The value that a column of a section's frame has in the row in which a number stands."""

    name: str


@dataclass(frozen=True)
class NumberSource:
    """The stored values that a number was made from: `name.column` (`domain__name.column` for another domain's),
    in the rows whose columns have the values of `where`; a tuple of values means any of them, a slice those from
    its start to its stop, both included; one without a stop all from its start.

    `aggregation`: the number is the `sum` of these values or their `mean`, or it follows from the `rows`, such as their
    count.
    """

    column: str | RowValue
    where: Mapping[str, Any] = field(default_factory=dict)
    aggregation: Aggregation = "sum"


@dataclass(frozen=True)
class Figure:
    """A headline number. `change`: against `compared_with`, as a share (0.05 is five per cent more).

    `value`: None when it is not known. `more_changes`: comparisons after the first.
    `better`: which direction of change is good news; a figure without it is not judged.
    `note`: a few words under the number ("3 of 60 SKUs have no cost"). `sources`: what it was made from.
    """

    label: str
    value: float | int | str | dt.date | None
    format: ValueFormat = "number"
    change: float | None = None
    compared_with: str = ""
    more_changes: tuple[RelativeChange, ...] = ()
    better: Literal["higher", "lower"] | None = None
    note: str = ""
    sources: tuple[NumberSource, ...] = ()

    @property
    def changes(self) -> tuple[RelativeChange, ...]:
        """Every comparison that could be made."""
        first = () if self.change is None else (RelativeChange(self.change, self.compared_with),)
        return tuple(change for change in (*first, *self.more_changes) if math.isfinite(change.share))


@dataclass(frozen=True)
class ReportColumn:
    """A column of a report's table. `highlight`: cells whose value is below or above stand out.

    `bars`: in Excel each cell bears a bar as long as its value.
    `sources`: what its numbers were made from; None: the column of that name in the rows that the section is `sources`.
    """

    name: str
    title: str
    format: ValueFormat = "text"
    highlight_below: float | None = None
    highlight_above: float | None = None
    bars: bool = False
    sources: tuple[NumberSource, ...] | None = None


@dataclass(frozen=True)
class Chart:
    """A chart of columns of the section's frame.

    `band`: (low, high) columns drawn as a shaded range, named `band_title`.
    `band_of`: the column of `y` that the band belongs to; without it, the line that runs inside it the longest.
    `marker`: a place on the x axis that is marked by a line across, with a few words.
    `series`: a column whose values each make a line or bar group. `format`: of the values of `y`.
    A line or bar bears the title of the section's column of that name, or else the name itself in plain words.
    `sources`: column of `y` → what its points were made from, where they stand in no table; fields are the frame's
    columns.
    """

    kind: Literal["line", "bar"]
    x: str
    y: tuple[str, ...]
    title: str
    y_title: str = ""
    series: str | None = None
    band: tuple[str, str] | None = None
    frame: "pd.DataFrame | None" = None
    band_title: str = "Range"
    band_of: str | None = None
    marker: tuple[Any, str] | None = None
    format: ValueFormat = "number"
    sources: Mapping[str, tuple[NumberSource, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Section:
    """A heading, a sentence that says what it shows, and a chart, a table or both.

    `says`: what it found, in the few words behind its title; computed, and empty where the data are too few.
    `columns`: the table's columns; without them the section has no table. `when_empty`: shown in place of
    a table or chart without rows. `sources`: the thing whose rows the frame's rows are, named by the columns `by`.
    """

    title: str
    description: str
    frame: "pd.DataFrame | None" = None
    columns: tuple[ReportColumn, ...] = ()
    chart: Chart | None = None
    when_empty: str = "There is nothing to list."
    table: str | None = None
    key: tuple[str, ...] = ()
    says: str = ""

    @property
    def heading(self) -> str:
        """Its title, and what it found."""
        return f"{self.title}: {self.says}" if self.says else self.title

    def lineage(self, column: ReportColumn) -> tuple[NumberSource, ...]:
        """What the numbers of a column were made from; empty when that is not known."""
        table = self.table
        if column.sources is not None or table is None or column.name in self.key:
            return column.sources or ()
        return (NumberSource(f"{table}.{column.name}", {name: RowValue(name) for name in self.key}),)


@dataclass(frozen=True)
class Document:
    """One edition of a report: everything that a reader sees, before it is rendered.

    `as_of`: the last day that its data covers. `action`: what somebody has to do now, in a sentence; empty for nothing.
    """

    title: str
    as_of: dt.date
    headline: str
    figures: tuple[Figure, ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = field(default=())
    action: str = ""


@dataclass(frozen=True)
class Report(Derivation):
    """A report; `build` takes frames and returns a Document.

    `compare_with_last`: whether each headline number also stands against the one of the edition before.
    `days_ahead`: how many days after it is made its `as_of` and the dates among its headline numbers may lie; an
    edition from further ahead is not published, as a date under it must be wrong. A week, for weeks that have begun;
    more for a report of what is to come.
    `awaited`: people wait for it; it and what it is made from are made before the others.
    """

    title: str
    awaited: bool = False
    compare_with_last: bool = False
    days_ahead: int = MAX_DAYS_AHEAD


def report(
    *,
    title: str,
    owner: str,
    awaited: bool = False,
    compare_with_last: bool = False,
    days_ahead: int = MAX_DAYS_AHEAD,
) -> Callable[[Callable[..., Document]], Report]:
    """Declare the decorated function as the author of a report; what it may be told is described at `Report`."""
    return lambda build: Report(
        build=build,
        owner=owner,
        title=title,
        awaited=awaited,
        compare_with_last=compare_with_last,
        days_ahead=days_ahead,
    )
