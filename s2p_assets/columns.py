"""What a column is: the kinds of value and the words in which every workbook and table declares its columns.

Nothing here reads a file, talks to a database or knows a company.
"""

import datetime as dt
import functools
import sys
import types
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pandas as pd
import pandera.pandas as pa
import pyarrow

# pandera asks each annotation whether it is one of Dask's frames, and loads all of Dask for that where it is installed:
# two seconds of every start. Ours never are.
_dask_frames: Any = types.ModuleType("pandera.typing.dask")
_dask_frames.DASK_INSTALLED = False
sys.modules.setdefault(_dask_frames.__name__, _dask_frames)

Text = Annotated[pd.ArrowDtype, pyarrow.string()]
Number = Annotated[pd.ArrowDtype, pyarrow.float64()]
Whole = Annotated[pd.ArrowDtype, pyarrow.int64()]
Day = Annotated[pd.ArrowDtype, pyarrow.date32()]
Moment = Annotated[pd.ArrowDtype, pyarrow.timestamp("us")]
YesNo = Annotated[pd.ArrowDtype, pyarrow.bool_()]

Kind = Literal["text", "code", "number", "money", "percent", "whole", "day", "moment", "yes_no"]
Severity = Literal["reject", "notice"]

ARROW_TYPES: dict[Kind, pyarrow.DataType] = {
    "text": pyarrow.string(),
    "code": pyarrow.string(),
    "number": pyarrow.float64(),
    "money": pyarrow.float64(),
    "percent": pyarrow.float64(),
    "whole": pyarrow.int64(),
    "day": pyarrow.date32(),
    "moment": pyarrow.timestamp("us"),
    "yes_no": pyarrow.bool_(),
}
POSTGRES_TYPES: dict[Kind, str] = {
    "text": "text",
    "code": "text",
    "number": "double precision",
    "money": "numeric",
    "percent": "double precision",
    "whole": "bigint",
    "day": "date",
    "moment": "timestamp",
    "yes_no": "boolean",
}


class Row(pa.DataFrameModel):
    """One row of a workbook or table. Subclasses say in their docstring what one row is."""

    class Config:
        strict = True
        coerce = False


@dataclass(frozen=True, slots=True)
class Meaning:
    """How a column's cells are to be read, beyond what pandera can say of it.

    `headers`: the names under which people write the column; the first is the one on templates.
    `written`: strptime patterns, in the order in which a text is tried as a date; `%B` and `%b` stand for months
    in English, German, French and Spanish.
    `decimal`: the decimal mark of numbers written as text.
    `width`: digits of a code that Excel stored as a number, restored with leading zeros.
    `blanks`: texts that mean "no value" in this column.
    `means`: texts that people write → what is meant by them (`{"GTXPro": "GTX Pro"}`); each is told in a notice.
    `refers_to`: the column of another workbook, as `thing.column`, in which every value must be found.
    `yes`, `no`: the words of a yes_no column.
    `or_from`: where the value is taken from when the sheet has no such column, in order.
    `of`: the columns this one is made from, as `thing.column`, for lineage.
    `known`: `after` where the value is known only once it is decided how the row's case ends, so that no classifier
    may learn from it or from what is made of it; `before` where a column made of such ones holds only what had been
    decided before its row's moment, as past shares do.
    """

    kind: Kind
    headers: tuple[str, ...] = ()
    unit: str | None = None
    written: tuple[str, ...] = ()
    decimal: Literal[".", ","] = "."
    width: int | None = None
    blanks: tuple[str, ...] = ("", "-", "–", "n/a", "N/A", "#N/A")
    yes: tuple[str, ...] = ("yes", "y", "true", "x", "1", "ja", "wahr", "oui", "vrai", "si", "sí")
    no: tuple[str, ...] = ("no", "n", "false", "0", "nein", "falsch", "non", "faux")
    or_from: tuple[Literal["sheet", "file"], ...] = ()
    may_be_absent: bool = False
    of: tuple[str, ...] = ()
    known: Literal["", "before", "after"] = ""
    means: tuple[tuple[str, str], ...] = ()
    refers_to: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A declared column with everything that its table, checks, template and docs are made from."""

    name: str
    meaning: Meaning
    says: str
    optional: bool
    unique: bool
    values: tuple[Any, ...] | None
    rules: tuple[str, ...] = field(default=())

    @property
    def kind(self) -> Kind:
        return self.meaning.kind

    @property
    def headers(self) -> tuple[str, ...]:
        """Names that a header cell may bear; the column's own name always counts."""
        plain = self.name.replace("_", " ")
        return self.meaning.headers or (plain[:1].upper() + plain[1:],)

    @property
    def arrow_type(self) -> pyarrow.DataType:
        return ARROW_TYPES[self.kind]

    @property
    def postgres_type(self) -> str:
        return POSTGRES_TYPES[self.kind]


def _field(meaning: Meaning, says: str, optional: bool, rules: dict[str, Any]) -> Any:
    """A pandera field that carries `meaning`; `rules` are pandera's own (ge, isin, str_matches, unique …)."""
    return pa.Field(nullable=optional, description=says, metadata={"s2p": meaning}, **rules)


def text(*headers: str, says: str, optional: bool = False, **options: Any) -> Any:
    """Free text, kept as written, outer blanks removed."""
    return _declare("text", headers, says, optional, options)


def code(*headers: str, says: str, optional: bool = False, **options: Any) -> Any:
    """An identifier: never a number, leading zeros kept; `width=8` restores zeros that Excel lost.

    Non-breaking blanks in it are read as blanks, also in a text of which only certain values are allowed.
    """
    return _declare("code", headers, says, optional, options)


def number(*headers: str, says: str, optional: bool = False, **options: Any) -> Any:
    """A number with a fraction, double precision."""
    return _declare("number", headers, says, optional, options)


def money(*headers: str, says: str, optional: bool = False, **options: Any) -> Any:
    """An amount of money; stored as an exact decimal."""
    return _declare("money", headers, says, optional, options)


def percent(*headers: str, says: str, optional: bool = False, **options: Any) -> Any:
    """A share: 0.25 for `25 %` and for a cell formatted as 25 %."""
    return _declare("percent", headers, says, optional, options)


def whole(*headers: str, says: str, optional: bool = False, **options: Any) -> Any:
    """A count; 12.5 is a finding, 12.0 is 12."""
    return _declare("whole", headers, says, optional, options)


def day(*headers: str, says: str, optional: bool = False, **options: Any) -> Any:
    """A calendar date; texts are read by `written` alone."""
    return _declare("day", headers, says, optional, options)


def moment(*headers: str, says: str, optional: bool = False, **options: Any) -> Any:
    """A date with a time of day, no time zone, microseconds."""
    return _declare("moment", headers, says, optional, options)


def yes_no(*headers: str, says: str, optional: bool = False, **options: Any) -> Any:
    """A truth value, also in words."""
    return _declare("yes_no", headers, says, optional, options)


_MEANINGS = frozenset(Meaning.__dataclass_fields__) - {"kind", "headers"}


def _declare(kind: Kind, headers: Sequence[str], says: str, optional: bool, options: dict[str, Any]) -> Any:
    meanings = {name: value for name, value in options.items() if name in _MEANINGS}
    rules = {name: value for name, value in options.items() if name not in _MEANINGS}
    for name in ("written", "or_from", "of"):
        if isinstance(meanings.get(name), str):
            meanings[name] = (meanings[name],)
    if isinstance(meanings.get("means"), dict):
        meanings["means"] = tuple(meanings["means"].items())
    return _field(Meaning(kind=kind, headers=tuple(headers), **meanings), says, optional, rules)


def row_rule(says: str, at: str, severity: Severity = "reject") -> Any:
    """A rule over several columns of a row; a broken one is reported at column `at`.

    Decorates a method `(cls, rows: DataFrame) -> Series[bool]`; `True` and missing are good.
    """
    declared = pa.dataframe_check(name=f"{severity}:{at}", error=says)

    def declare(rule: Callable[[Any, pd.DataFrame], Any]) -> Any:
        @functools.wraps(rule)
        def missing_is_good(cls: Any, rows: pd.DataFrame) -> Any:
            return rule(cls, rows).fillna(True).astype(bool)

        return declared(missing_is_good)

    return declare


def columns_of(rows: type[Row]) -> tuple[Column, ...]:
    """The declared columns of `rows`, in order. Raises TypeError for a field not declared with this module."""
    columns = []
    for name, column in rows.to_schema().columns.items():
        meaning = (column.metadata or {}).get("s2p")
        if not isinstance(meaning, Meaning):
            raise TypeError(f"{rows.__module__}.{rows.__name__}.{name} is not declared with s2p_assets.columns")
        allowed = [tuple(check.statistics["allowed_values"]) for check in column.checks if check.name == "isin"]
        columns.append(
            Column(
                name=name,
                meaning=meaning,
                says=column.description or "",
                optional=bool(column.nullable),
                unique=bool(column.unique),
                values=allowed[0] if allowed else None,
                rules=tuple(str(check.error or check.name) for check in column.checks),
            )
        )
    return tuple(columns)


def arrow_schema(columns: Iterable[Column]) -> pyarrow.Schema:
    """The Arrow schema of a table with exactly these columns."""
    return pyarrow.schema([pyarrow.field(column.name, column.arrow_type) for column in columns])


def as_declared(frame: pd.DataFrame, rows: type[Row]) -> pd.DataFrame:
    """`frame` with the declared columns in the declared order and types.

    Raises KeyError naming every declared column that is missing; further columns are an error too.
    """
    declared = columns_of(rows)
    names = [column.name for column in declared]
    missing = [name for name in names if name not in frame.columns]
    surplus = [name for name in frame.columns if name not in names]
    if missing or surplus:
        raise KeyError(f"{rows.__name__}: missing columns {missing}, undeclared columns {surplus}")
    typed = {column.name: _typed(frame[column.name], column) for column in declared}
    return pd.DataFrame(typed, index=frame.index).reset_index(drop=True)


def broken_rules(frame: pd.DataFrame, rows: type[Row]) -> list[str]:
    """A sentence for each rule of `rows` that `frame` (as declared) breaks, with the first row that breaks it."""
    try:
        rows.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases.astype({"check": str}).rename(columns={"index": "row"})
        return [
            f"{case.column}: {case.check} is broken by {count} rows, first by {case.failure_case!r} in row {case.row}"
            for (_, _), group in cases.groupby(["column", "check"], dropna=False, sort=False)
            for case, count in [(next(group.itertuples(index=False)), len(group))]
        ]
    return []


def _typed(values: pd.Series, column: Column) -> pd.Series:
    if column.kind == "day" and pd.api.types.is_datetime64_any_dtype(values.dtype):
        values = values.dt.date
    elif column.kind == "day" and len(values) and isinstance(values.iloc[0], pd.Timestamp):
        values = values.map(lambda value: value.date() if isinstance(value, dt.datetime) else value)
    array = pyarrow.Array.from_pandas(values, type=column.arrow_type)
    return pd.Series(array, dtype=pd.ArrowDtype(column.arrow_type), index=values.index)


def place_of(written: str, domain: str) -> tuple[str, str, str]:
    """`thing.column`, or `domain__thing.column`, as (domain, thing, column); `domain` where none is written."""
    thing, _, column = written.rpartition(".")
    named, _, rest = thing.rpartition("__")
    return named or domain, rest, column


def domain_and_thing(module: str) -> tuple[str, str]:
    """`…workbooks.retail_price_list` → `("retail", "price_list")`. Raises ValueError for a name without a domain."""
    domain, _, thing = module.rsplit(".", 1)[-1].partition("_")
    if not thing:
        raise ValueError(f"{module}: a shelf file is named <domain>_<thing>.py")
    return domain, thing
