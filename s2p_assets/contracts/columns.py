"""Columns: the types of value, and the words in which every workbook, table and feature set declares its columns.

Nothing here reads a file, talks to a database or knows a company, and nothing heavy is loaded: what needs pandas or
pandera is in `validation.py`.
"""

import contextlib
import datetime as dt
import functools
import inspect
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from s2p_assets.contracts.date_patterns import (
    FISCAL_WEEKS,
    MONTHS_IN,
    PERIOD_KINDS,
    FiscalYear,
    PeriodKind,
    fiscal_years_fault,
    pattern_fault,
    period_kind_of,
)
from s2p_assets.contracts.outlined import as_declared

if TYPE_CHECKING:
    import pyarrow

Kind = Literal["text", "code", "number", "money", "percent", "integer", "date", "timestamp", "boolean"]
Severity = Literal["reject", "notice"]


class ColumnType:
    """What the annotation of a column says of its values."""

    kind: ClassVar[Kind]


class Text(ColumnType):
    """Free text, kept as written, outer blanks removed."""

    kind = "text"


class Code(ColumnType):
    """An identifier: never a number, leading zeros kept; `width=8` restores zeros that Excel lost.

    Non-breaking blanks in it are read as blanks, also in a text of which only certain values are allowed.
    """

    kind = "code"


class Number(ColumnType):
    """A number with a fraction, double precision."""

    kind = "number"


class Money(ColumnType):
    """An amount of money; stored as an exact decimal."""

    kind = "money"


class Percent(ColumnType):
    """A share: 0.25 for `25 %` and for a cell formatted as 25 %."""

    kind = "percent"


class Integer(ColumnType):
    """A count; 12.5 is a finding, 12.0 is 12."""

    kind = "integer"


class Date(ColumnType):
    """A calendar date; texts are read by `formats` alone."""

    kind = "date"


class Timestamp(ColumnType):
    """A date with a time of day, no time zone, microseconds."""

    kind = "timestamp"


class Boolean(ColumnType):
    """A truth value, also in words."""

    kind = "boolean"


POSTGRES_TYPES: dict[Kind, str] = {
    "text": "text",
    "code": "text",
    "number": "double precision",
    "money": "numeric",
    "percent": "double precision",
    "integer": "bigint",
    "date": "date",
    "timestamp": "timestamp",
    "boolean": "boolean",
}


NA_VALUES = ("", "-", "–", "n/a", "N/A", "#N/A")
"""Texts that mean "no value" in a column that names none."""


class DeclarationError(TypeError):
    """A column whose declaration contradicts itself or uses a word that there is none of; `line` is where it stands."""

    def __init__(self, message: str, line: int | None) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Column:
    """A declared column with everything that its table, checks, template and docs are made from.

    `headers`: the names under which people write the column; the first is the one on templates.
    `description`: what its values are, for people. `nullable`: a cell of it may be empty.
    `checks`: pandera's own rules by name (`ge`, `isin`, `str_matches`, …) with what each is given.
    `unit`: what its values are measured in: `EUR`, `kEUR`, `EUR net`, `kg`, `cases`; a file that says another is told.
    `currency_from`, `unit_from`: the column of the same row that says in which currency an amount is, or in what a
    quantity is counted; with a `unit` beside it, a row that says another one is a finding.
    `per_from`: the column of the same row that says for how many pieces an amount is, as SAP's price unit does; the
    amount stays as it is written.
    `decimal`: the decimal mark of numbers written as text.
    `formats`: strptime patterns, in the order in which a text is tried as a date; `%B` and `%b` stand for months in
    English, German, French and Spanish. A pattern may name a period, which is stored by its first day: `%G-W%V` an ISO
    week, `%Y-%m` a month, `Q%q %Y` a quarter, `H%h %Y` a half-year, `%Y` a year, `FY%y P%P` a month of a fiscal year,
    `FY%y` such a year. One from which no day follows is a fault.
    `fiscal_year_start`: the month, 1 to 12, in which the company's year begins; then years, half-years, quarters and
    numbered periods (`FY24`, `H1 24`, `Q1 24`, `P01 24`, `2023/24`) are of that year, and months with names, weeks and
    days are as always. `fiscal_year_named_after`: whether FY2024 is the one that ends or the one that begins in 2024.
    `fiscal_weeks`: how a year of 52 or 53 weeks is parted into periods, `4-4-5`, `4-5-4`, `5-4-4` or `13 periods`;
    `fiscal_years`: the first day of each such year by its number, `{2025: "2025-02-02", 2026: "2026-02-01"}`.
    `from_header`: of a wide table, whose periods stand in its header, each over a column of values: what kind of period
    they are, `day`, `week`, `month`, `quarter`, `half` or `year`. Date cells and unmistakable texts (`Jan 24`,
    `2024-W05`, `Q1 2024`) are read without `formats`. Each is stored by its first day; weeks are those of ISO 8601.
    `year_from`: where the year of such a header is taken from when neither it nor a cell above it says one, in order.
    `melted`: of a wide table, whether the values stand under the periods. A row is stored for each period of a sheet's
    row in which a melted column is filled.
    `width`: digits of a code that Excel stored as a number, restored with leading zeros.
    `na_values`: texts that mean "no value" in this column.
    `replace`: texts that people write → what is stored for them (`{"GTXPro": "GTX Pro"}`); each is told in a notice.
    `references`: the column of another workbook, as `name.column`, in which every value must be found.
    `yes`, `no`: the words of a Boolean.
    `value_from`: where the value is taken from when the sheet has no such column, in order.
    `required`: false where a sheet may lack the column.
    `fill_down`: an empty cell has the value above it: labels merged over a group of rows, written in its first row
    alone, or in a heading row of their own.
    `left_of`, `right_of`: for a column without a header, the header (or name) of the column that stands next to it.
    `derived_from`: the columns this one is made from, as `name.column`, for lineage.
    `available`: `after_outcome` where the value is known only once it is decided how the row's case ends, so that no
    classifier may learn from it or from what is made of it; `before_outcome` where a column made of such ones holds
    only what had been decided before its row's moment, as past shares do.
    """

    name: str
    kind: Kind
    description: str
    headers: tuple[str, ...]
    nullable: bool = False
    unique: bool = False
    checks: tuple[tuple[str, Any], ...] = ()
    unit: str | None = None
    currency_from: str | None = None
    unit_from: str | None = None
    per_from: str | None = None
    formats: tuple[str, ...] = ()
    decimal: Literal[".", ","] = "."
    width: int | None = None
    na_values: tuple[str, ...] = NA_VALUES
    yes: tuple[str, ...] = ("yes", "y", "true", "x", "1", "ja", "wahr", "oui", "vrai", "si", "sí")
    no: tuple[str, ...] = ("no", "n", "false", "0", "nein", "falsch", "non", "faux")
    value_from: tuple[Literal["sheet", "file"], ...] = ()
    required: bool = True
    derived_from: tuple[str, ...] = ()
    available: Literal["", "before_outcome", "after_outcome"] = ""
    replace: tuple[tuple[str, str], ...] = ()
    references: str | None = None
    fill_down: bool = False
    left_of: str | None = None
    right_of: str | None = None
    from_header: PeriodKind | None = None
    year_from: tuple[Literal["sheet", "file"], ...] = ()
    melted: bool = False
    fiscal_year_start: int | None = None
    fiscal_year_named_after: Literal["start", "end"] = "end"
    fiscal_weeks: str | None = None
    fiscal_years: tuple[tuple[int, str], ...] = ()

    @property
    def fiscal(self) -> FiscalYear | None:
        """The fiscal year that its dates may be of."""
        if self.fiscal_weeks:
            years = tuple((year, dt.date.fromisoformat(day)) for year, day in self.fiscal_years)
            near = years[0][1] + dt.timedelta(days=14)
            start = self.fiscal_year_start or near.month
            return FiscalYear(start, self.fiscal_year_named_after, FISCAL_WEEKS[self.fiscal_weeks], years)
        return FiscalYear(self.fiscal_year_start, self.fiscal_year_named_after) if self.fiscal_year_start else None

    @property
    def period_kind(self) -> PeriodKind | None:
        """The kind of period that its dates are the first days of; None where they may be any day."""
        kinds = {self.from_header} if self.from_header else {period_kind_of(pattern) for pattern in self.formats}
        kind = kinds.pop() if len(kinds) == 1 else None
        return None if kind == "day" or self.kind not in _DATES else kind

    @property
    def allowed_values(self) -> tuple[Any, ...] | None:
        """The only values that it may have; None where any will do."""
        return next((tuple(given) for name, given in self.checks if name == "isin"), None)

    @property
    def rules(self) -> tuple[str, ...]:
        """Its checks as a person reads them: `ge 0`."""
        return tuple(f"{name} {given}" for name, given in self.checks)

    @property
    def arrow_type(self) -> "pyarrow.DataType":
        return arrow_type(self.kind)

    @property
    def postgres_type(self) -> str:
        return POSTGRES_TYPES[self.kind]


@functools.cache
def arrow_type(kind: Kind) -> "pyarrow.DataType":
    """The Arrow type of a kind of value."""
    import pyarrow

    types: dict[Kind, pyarrow.DataType] = {
        "number": pyarrow.float64(),
        "money": pyarrow.float64(),
        "percent": pyarrow.float64(),
        "integer": pyarrow.int64(),
        "date": pyarrow.date32(),
        "timestamp": pyarrow.timestamp("us"),
        "boolean": pyarrow.bool_(),
    }
    return types.get(kind, pyarrow.string())


def arrow_schema(columns: Iterable[Column]) -> "pyarrow.Schema":
    """The Arrow schema of a table with exactly these columns."""
    import pyarrow

    return pyarrow.schema([pyarrow.field(column.name, column.arrow_type) for column in columns])


_NUMERIC: tuple[Kind, ...] = ("number", "money", "percent", "integer")
_DATES: tuple[Kind, ...] = ("date", "timestamp")
_TEXTS: tuple[Kind, ...] = ("text", "code")
_ONLY_FOR: dict[str, tuple[Kind, ...]] = {
    "decimal": _NUMERIC,
    "unit": (*_NUMERIC, *_TEXTS),
    "currency_from": _NUMERIC,
    "unit_from": _NUMERIC,
    "per_from": _NUMERIC,
    "width": ("code",),
    "formats": (*_DATES, "boolean"),
    "from_header": ("date",),
    "year_from": ("date",),
    "fiscal_year_start": ("date",),
    "fiscal_year_named_after": ("date",),
    "fiscal_weeks": ("date",),
    "fiscal_years": ("date",),
    "yes": ("boolean",),
    "no": ("boolean",),
    "ge": (*_NUMERIC, *_DATES),
    "gt": (*_NUMERIC, *_DATES),
    "le": (*_NUMERIC, *_DATES),
    "lt": (*_NUMERIC, *_DATES),
    "in_range": (*_NUMERIC, *_DATES),
} | dict.fromkeys(("str_contains", "str_endswith", "str_length", "str_matches", "str_startswith"), _TEXTS)
"""Options and checks that only some kinds of value can have; any kind can have every other one."""
_CHECKS = frozenset({name for name in _ONLY_FOR if name.startswith("str_")}) | {
    *("eq", "ne", "gt", "ge", "lt", "le", "in_range", "isin", "notin", "unique_values_eq"),
}
_OPTIONS = frozenset(Column.__dataclass_fields__) - {"name", "kind", "description", "headers", "checks"}
_LISTS = ("formats", "value_from", "derived_from", "year_from")


@dataclass(frozen=True, slots=True)
class _Declared:
    """What `column` was called with, until its class says name and type; `line` is where it was called."""

    headers: tuple[str, ...]
    description: str
    options: dict[str, Any]
    line: int


def column(*headers: str, description: str, **options: Any) -> Any:
    """Declare a column of a `Row`, whose annotation is its type.

    `quantity: Integer = column("Quantity", "Qty", description="Pieces sold", ne=0)`

    `headers`: names that its header cell may bear, the first of them on templates; by default the column's own name.
    `options`: the fields of `Column`, and pandera's rules by name. Raises DeclarationError for any other, and for one
    that the annotated type cannot have, when the class is made.
    """
    return _Declared(headers, description, options, sys._getframe(1).f_lineno)


class Row:
    """One row of a workbook or table. Subclasses say in their docstring what one row is."""

    s2p_columns: ClassVar[tuple[Column, ...]] = ()
    s2p_code: ClassVar[tuple[str, ...] | None] = None

    def __init_subclass__(cls) -> None:
        found = {one.name: one for base in reversed(cls.__mro__[1:]) for one in base.__dict__.get("s2p_columns", ())}
        for name, annotation in inspect.get_annotations(cls).items():
            declared = cls.__dict__.get(name)
            if isinstance(declared, _Declared):
                found[name] = _column(cls, name, annotation, declared)
            elif not name.startswith("_"):
                raise DeclarationError(f"{cls.__name__}.{name} is not declared with column(…)", None)
        for name, value in cls.__dict__.items():
            if isinstance(value, _Declared) and name not in inspect.get_annotations(cls):
                raise DeclarationError(f"{cls.__name__}.{name} has no type; write {name}: Text = column(…)", value.line)
        cls.s2p_columns = tuple(found.values())
        _refuse_half_a_melt(cls)
        _refuse_other_units(cls)


def _refuse_half_a_melt(owner: type[Row]) -> None:
    periods = [one.name for one in owner.s2p_columns if one.from_header]
    melted = [one.name for one in owner.s2p_columns if one.melted]
    if len(periods) > 1:
        raise DeclarationError(f"{owner.__name__}: only one column can be from_header, not {', '.join(periods)}", None)
    if periods and not melted:
        message = f"{owner.__name__}: no column is melted=True, so that nothing stands under {periods[0]!r}"
        raise DeclarationError(message, None)
    if melted and not periods:
        message = f"{owner.__name__}: {melted[0]!r} is melted, but no column is from_header='month' or another period"
        raise DeclarationError(message, None)


def _refuse_other_units(owner: type[Row]) -> None:
    kinds = {one.name: one.kind for one in owner.s2p_columns}
    for one in owner.s2p_columns:
        for option, other, fitting in (
            ("currency_from", one.currency_from, _TEXTS),
            ("unit_from", one.unit_from, _TEXTS),
            ("per_from", one.per_from, ("integer", "number")),
        ):
            if other and kinds.get(other) not in fitting:
                declared = owner.__dict__.get(one.name)
                line = declared.line if isinstance(declared, _Declared) else None
                name = f"{owner.__name__}.{one.name}"
                words = " or ".join(map(annotation_name, fitting))
                raise DeclarationError(f"{name}: {option}={other!r} must be a column of its rows, {words}", line)


def columns_of(rows: type[Row]) -> tuple[Column, ...]:
    """The declared columns of `rows`, in order."""
    return rows.s2p_columns


def column_names(rows: type[Row]) -> list[str]:
    """The names of the declared columns, in order: `frame[column_names(Product)]`."""
    return [one.name for one in rows.s2p_columns]


@dataclass(frozen=True, slots=True)
class RowRule:
    """A rule over several columns of a row; a broken one is reported at the column `at` with `message`."""

    name: str
    message: str
    at: str
    severity: Severity
    holds: Callable[[Any, Any], Any]


def row_rule(message: str, at: str, severity: Severity = "reject") -> Any:
    """A rule over several columns of a row; a broken one is reported at column `at`.

    Decorates a method `(cls, rows: Frame) -> Series`; `True` and missing are good.
    """

    def declare(rule: Callable[[Any, Any], Any]) -> RowRule:
        return RowRule(rule.__name__, message, at, severity, rule)

    return declare


def row_rules_of(rows: type[Row]) -> tuple[RowRule, ...]:
    """The declared row rules of `rows`, those of its bases first; of rows that an outline names, the shelf is read."""
    found = {
        name: value
        for base in reversed(as_declared(rows).__mro__)
        for name, value in vars(base).items()
        if isinstance(value, RowRule)
    }
    return tuple(found.values())


def _column(owner: type[Row], name: str, annotation: Any, declared: _Declared) -> Column:
    kind = _kind(owner, name, annotation, declared)
    options = dict(declared.options)
    given = {check: options.pop(check) for check in list(options) if check in _CHECKS}
    checks = tuple((check, _as_days(value) if kind in _DATES else value) for check, value in given.items())
    for option in (*options, *(check for check, _ in checks)):
        if option not in _OPTIONS and option not in _CHECKS:
            raise DeclarationError(f"{owner.__name__}.{name}: there is no option {option!r} of a column", declared.line)
        if kind not in _ONLY_FOR.get(option, (kind,)):
            fits = ", ".join(sorted(one.capitalize() for one in _ONLY_FOR[option]))
            raise DeclarationError(
                f"{owner.__name__}.{name}: {option!r} is for {fits}, and this is {annotation_name(kind)}", declared.line
            )
    _freeze(options)
    plain = name.replace("_", " ")
    headers = declared.headers or (plain[:1].upper() + plain[1:],)
    made = Column(name, kind, declared.description, headers, checks=checks, **options)
    if wrong := _contradiction(made) or _contradiction_of_labels(made):
        raise DeclarationError(f"{owner.__name__}.{name}: {wrong}", declared.line)
    return made


def _as_days(given: Any) -> Any:
    """The days of a check of dates, which may be written as texts: `ge="2020-01-01"`."""
    if isinstance(given, str):
        with contextlib.suppress(ValueError):
            return dt.datetime.fromisoformat(given) if len(given) > len("2020-01-01") else dt.date.fromisoformat(given)
    if isinstance(given, (list, tuple)):
        return type(given)(map(_as_days, given))
    return given


def _freeze(options: dict[str, Any]) -> None:
    """Makes tuples of the options that may be given as one text, a list or a dictionary."""
    for option in _LISTS:
        if isinstance(options.get(option), str):
            options[option] = (options[option],)
    for option in ("replace", "fiscal_years"):
        if isinstance(options.get(option), dict):
            options[option] = tuple(options[option].items())
    for option, value in options.items():
        if isinstance(value, list):
            options[option] = tuple(value)


def _contradiction_of_labels(made: Column) -> str:
    other = next((option for option in ("unique", "melted", "from_header") if getattr(made, option)), "")
    return f"what is filled down over several rows cannot be {other!r}" if made.fill_down and other else ""


def _contradiction(made: Column) -> str:
    """What in the declaration of a column's dates or of its place in a wide table cannot be; empty where all can."""
    if wrong := _fiscal_contradiction(made) or _pattern_contradiction(made):
        return wrong
    if made.from_header and made.from_header not in PERIOD_KINDS:
        return f"from_header is one of {', '.join(PERIOD_KINDS)}, not {made.from_header!r}"
    if made.year_from and not made.from_header:
        return "year_from is for a column that is from_header"
    if made.left_of and made.right_of:
        return "write left_of or right_of, not both"
    if made.from_header and made.melted:
        return "a column is from_header or melted, not both"
    for option in ("value_from", "references", "unique", "left_of", "right_of", "nullable" if made.from_header else ""):
        if (made.from_header or made.melted) and option and getattr(made, option):
            return f"{option!r} is not for a column that is {'from_header' if made.from_header else 'melted'}"
    return ""


def _pattern_contradiction(made: Column) -> str:
    for pattern in made.formats if made.kind in _DATES else ():
        if wrong := pattern_fault(pattern, year_elsewhere=made.from_header is not None, fiscal=made.fiscal):
            return f"{pattern!r} gives no day: {wrong}"
        if made.from_header and period_kind_of(pattern) not in ("day", made.from_header):
            return f"{pattern!r} names a {period_kind_of(pattern)}, not a {made.from_header}"
    return ""


def _fiscal_contradiction(made: Column) -> str:
    if made.fiscal_weeks or made.fiscal_years:
        if wrong := fiscal_years_fault(made.fiscal_weeks or "", made.fiscal_years):
            return wrong
    elif made.fiscal_year_start is None:
        has_name = made.fiscal_year_named_after != "end"
        return "fiscal_year_named_after says nothing without fiscal_year_start" if has_name else ""
    if made.fiscal_year_start not in (None, *range(1, 13)) or isinstance(made.fiscal_year_start, bool):
        return f"fiscal_year_start is the number of a month, 1 to 12, not {made.fiscal_year_start!r}"
    if made.fiscal_year_named_after not in ("start", "end"):
        return f"fiscal_year_named_after is 'start' or 'end', not {made.fiscal_year_named_after!r}"
    kinds = {made.from_header} if made.from_header else {period_kind_of(pattern) for pattern in made.formats}
    if not kinds & MONTHS_IN.keys():
        return "fiscal_year_start is for dates that name a month, quarter, half-year or year; say so by formats"
    return ""


def _kind(owner: type[Row], name: str, annotation: Any, declared: _Declared) -> Kind:
    if isinstance(annotation, str):
        annotation = vars(sys.modules[owner.__module__]).get(annotation, annotation)
    if isinstance(annotation, type) and issubclass(annotation, ColumnType) and annotation is not ColumnType:
        return annotation.kind
    names = ", ".join(map(annotation_name, get_args(Kind)))
    raise DeclarationError(
        f"{owner.__name__}.{name}: {annotation!r} is no type of a column; there are {names}", declared.line
    )


def annotation_name(kind: Kind) -> str:
    """`Integer`, the annotation that declares a kind of value."""
    return kind.capitalize()


def parse_column_path(path: str, domain: str) -> tuple[str, str, str]:
    """`name.column`, or `domain__name.column`, as (domain, name, column); `domain` where none is written."""
    name, _, column_name = path.rpartition(".")
    named, _, rest = name.rpartition("__")
    return named or domain, rest, column_name


def domain_and_name(module: str) -> tuple[str, str]:
    """`…workbooks.retail_price_list` → `("retail", "price_list")`. Raises ValueError for a name without a domain."""
    domain, _, name = module.rsplit(".", 1)[-1].partition("_")
    if not name:
        raise ValueError(f"{module}: a shelf file is named <domain>_<name>.py")
    return domain, name
