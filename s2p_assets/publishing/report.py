"""The declaration of a report, and the document that it returns: headline numbers, sections, charts and their lineage.

How a document is rendered belongs to `publishing`; what a section shows, to its builders in `publishing/sections`.
"""

import datetime as dt
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from s2p_assets.shelves import Made

if TYPE_CHECKING:
    import pandas as pd

How = Literal["sum", "mean", "rows"]
Format = Literal["text", "code", "whole", "number", "money", "percent", "day"]


@dataclass(frozen=True, slots=True)
class Source:
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
    sources: tuple[Source, ...]
    currency: str
    made_at: dt.datetime
    known_at: dt.datetime | None = None

    def where_from(self, number: str, edition: dt.date) -> str:
        """The command that tells where a number of this edition is from; `edition`: the day of its data."""
        return f"s2p trace {self.name} {number} {self._which(edition)}"

    def _which(self, edition: dt.date) -> str:
        if self.known_at is None:
            return f"--edition {edition}"
        ends_a_day = (self.known_at + dt.timedelta(microseconds=1)).time() == dt.time()
        return f"--as-of {self.known_at.date() if ends_a_day else self.known_at.isoformat()}"


@dataclass(frozen=True, slots=True)
class Change:
    """How a number compares with an earlier one, as a share of it; `than` names the earlier one ("the week before")."""

    share: float
    than: str


@dataclass(frozen=True, slots=True)
class Field:
    """The value that a column of a section's frame has in the row in which a number stands."""

    name: str


@dataclass(frozen=True)
class Basis:
    """The stored values that a number was made from: `thing.column` (`domain__thing.column` for another domain's),
    in the rows whose columns have the values of `where`; a tuple of values means any of them, a slice those from
    its start to its stop, both included; one without a stop all from its start.

    `how`: the number is the `sum` of these values or their `mean`, or it follows from the `rows`, such as their count.
    """

    column: str | Field
    where: Mapping[str, Any] = field(default_factory=dict)
    how: How = "sum"


@dataclass(frozen=True)
class Figure:
    """A headline number. `change`: against `than`, as a share (0.05 is five per cent more).

    `value`: None when it is not known. `further`: comparisons after the first.
    `better`: which direction of change is good news; a figure without it is not judged.
    `note`: a few words under the number ("3 of 60 SKUs have no cost"). `of`: what it was made from.
    """

    label: str
    value: float | int | str | dt.date | None
    format: Format = "number"
    change: float | None = None
    than: str = ""
    further: tuple[Change, ...] = ()
    better: Literal["higher", "lower"] | None = None
    note: str = ""
    of: tuple[Basis, ...] = ()

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every comparison that could be made."""
        first = () if self.change is None else (Change(self.change, self.than),)
        return tuple(change for change in (*first, *self.further) if math.isfinite(change.share))


@dataclass(frozen=True)
class ReportColumn:
    """A column of a report's table. `highlight`: cells whose value is below or above stand out.

    `bars`: in Excel each cell bears a bar as long as its value.
    `of`: what its numbers were made from; None: the column of that name in the rows that the section is `of`.
    """

    name: str
    title: str
    format: Format = "text"
    highlight_below: float | None = None
    highlight_above: float | None = None
    bars: bool = False
    of: tuple[Basis, ...] | None = None


@dataclass(frozen=True)
class Chart:
    """A chart of columns of the section's frame.

    `band`: (low, high) columns drawn as a shaded range, named `band_title`.
    `series`: a column whose values each make a line or bar group. `format`: of the values of `y`.
    A line or bar bears the title of the section's column of that name, or else the name itself in plain words.
    `of`: column of `y` → what its points were made from, where they stand in no table; fields are the frame's columns.
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
    format: Format = "number"
    of: Mapping[str, tuple[Basis, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Section:
    """A heading, a sentence that says what it shows, and a chart, a table or both.

    `columns`: the table's columns; without them the section has no table. `when_empty`: shown in place of
    a table or chart without rows. `of`: the thing whose rows the frame's rows are, named by the columns `by`.
    """

    title: str
    says: str
    frame: "pd.DataFrame | None" = None
    columns: tuple[ReportColumn, ...] = ()
    chart: Chart | None = None
    when_empty: str = "There is nothing to list."
    of: str | None = None
    by: tuple[str, ...] = ()

    def basis(self, column: ReportColumn) -> tuple[Basis, ...]:
        """What the numbers of a column were made from; empty when that is not known."""
        table = self.of
        if column.of is not None or table is None or column.name in self.by:
            return column.of or ()
        return (Basis(f"{table}.{column.name}", {name: Field(name) for name in self.by}),)


@dataclass(frozen=True)
class Document:
    """One edition of a report: everything that a reader sees, before it is rendered.

    `as_of`: the last day that its data covers.
    """

    title: str
    as_of: dt.date
    headline: str
    figures: tuple[Figure, ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Report(Made):
    """A report; `build` takes frames and returns a Document.

    `against_last`: whether each headline number also stands against the one of the edition before.
    """

    title: str
    against_last: bool = False


def report(*, title: str, owner: str, against_last: bool = False) -> Callable[[Callable[..., Document]], Report]:
    """Declare the decorated function as the author of a report."""
    return lambda build: Report(build=build, owner=owner, title=title, against_last=against_last)
