"""Putting a contract's pandera rules to rows that were read, and saying in plain words which row breaks which.

Reading cells belongs elsewhere; here every value already has its type.
"""

import copy
import datetime as dt
import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import CodeType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.compute as pc

from s2p_assets.contracts.columns import Column, Row, Severity, row_rules_of
from s2p_assets.contracts.outlined import as_declared
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.arrow_rules import row_rule_surely_holds, rule_surely_holds
from s2p_assets.spreadsheet.cell_parser import noun_for, quoted
from s2p_assets.spreadsheet.patterns import pattern_in_words

if TYPE_CHECKING:  # pandera is loaded where a rule is broken, or only it can tell
    import pandas as pd
    import pandera.pandas as pa


@dataclass(frozen=True, slots=True)
class RuleViolation:
    """One rule that one row breaks at one column; `position` is None for a rule over all rows.

    `earlier`: the position of the row that this one repeats; its cell is to end the message.
    `looks_at`: the columns that a rule of rows names, which says nothing where one of their cells could not be read.
    """

    position: int | None
    column: str | None
    rule: str
    message: str
    value: str | None
    severity: Severity = "reject"
    earlier: int | None = None
    looks_at: tuple[str, ...] = ()


class TypedRows:
    """Rows with their types: the contract's columns as Arrow holds them and, made when first asked for, as pandas."""

    def __init__(self, table: pyarrow.Table, names: Sequence[str]) -> None:
        """`table`: the columns called `names`, and perhaps others."""
        self.table, self._names = table, names

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @cached_property
    def frame(self) -> "pd.DataFrame":
        import pandas as pd

        return pd.DataFrame({name: pd.arrays.ArrowExtensionArray(self.table.column(name)) for name in self._names})

    def values(self, name: str) -> pyarrow.Array:
        column = self.table.column(name)
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def rule_violations(rows: TypedRows, workbook: Workbook) -> Iterator[RuleViolation]:
    """Every broken rule of the contract's columns and rows.

    `rows`: one per row read; missing values break no rule here. A rule that itself fails is reported once, with its
    error.
    """
    own = has_rules_of_its_own(workbook.rows)
    for column in workbook.columns:
        yield from _column_rules(rows, column, workbook.rows, own=own)
        if column.unique:
            yield from _repeated(rows, (column.name,), "unique", workbook)
    if len(rows) and (own or not _row_rules_surely_hold(rows, workbook.rows)):
        for check in _pandera_schema(workbook.rows).checks:
            yield from _row_rule(rows, check, workbook.rows)
    if workbook.key:
        yield from _repeated(rows, workbook.key, "key", workbook)


def has_rules_of_its_own(rows: type[Row]) -> bool:
    """Whether the declared rows have methods of a class, which may be rules in pandera's own words."""
    return any(
        isinstance(value, classmethod) and name[:2] != "__"
        for base in as_declared(rows).__mro__
        for name, value in vars(base).items()
    )


def _pandera_schema(rows: type[Row]) -> Any:
    from s2p_assets.contracts.validation import pandera_schema

    return pandera_schema(rows)


def final_violations(rows: TypedRows, bad: npt.NDArray[np.bool_], workbook: Workbook) -> Iterator[RuleViolation]:
    """What pandera itself still finds in the rows about to be accepted, those not `bad`; nothing, as a rule.

    Where none is bad, the rules were put to exactly these rows, which pandera would only do once more.
    """
    if not bad.any():
        return
    from pandera.errors import SchemaErrors

    frame = rows.frame[~bad].reset_index(drop=True)
    schema = copy.copy(_pandera_schema(workbook.rows))
    schema.checks = [check for check in schema.checks if not (check.name or "").startswith("notice:")]
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        for case in errors.failure_cases.drop_duplicates(["column", "check"]).itertuples():
            message = f"the rows break the contract's rule {case.check}"
            column = str(case.column) if case.column else None
            yield RuleViolation(None, column, str(case.check), message, quoted(str(case.failure_case)))


def _column_rules(rows: TypedRows, column: Column, declared: type[Row], *, own: bool) -> Iterator[RuleViolation]:
    if not column.checks and not own:
        return
    values = rows.values(column.name)
    if values.null_count == len(values):
        return
    present = values.drop_null() if values.null_count else values
    doubtful = {_LONG.get(name, name) for name, given in column.checks if not rule_surely_holds(name, given, present)}
    if doubtful or own:
        import pandas as pd

        where = np.flatnonzero(values.is_valid())
        kept = pd.Series(pd.arrays.ArrowExtensionArray(present))
        for check in _pandera_schema(declared).columns[column.name].checks:
            if own or check.name in doubtful:
                yield from _column_rule(kept, where, check, column)


def _column_rule(
    kept: "pd.Series", where: npt.NDArray[np.int64], check: "pa.Check", column: Column
) -> Iterator[RuleViolation]:
    """The values that break the rule; `kept` has none missing, `where` says in which row each stands."""
    failed = _failures(check, kept)
    severity, rule = _severity(check)
    if isinstance(failed, str):
        yield RuleViolation(None, column.name, rule, failed, None, severity)
        return
    values_failed = kept[failed].tolist() if failed.any() else []
    for position, value in zip(where[failed].tolist(), values_failed, strict=True):
        message = violation_message(check, value, column)
        yield RuleViolation(position, column.name, rule, message, value_as_text(value), severity)


def _row_rules_surely_hold(rows: TypedRows, declared: type[Row]) -> bool:
    return all(row_rule_surely_holds(rule, declared, rows.frame) for rule in row_rules_of(declared))


def _row_rule(rows: TypedRows, check: "pa.Check", declared: type[Row]) -> Iterator[RuleViolation]:
    frame = rows.frame
    severity, rule = _severity(check)
    at = rule if rule in frame.columns else None
    failed = _failures(check, frame)
    if isinstance(failed, str):
        yield RuleViolation(None, at, "row_rule", failed, None, severity)
        return
    import pandas as pd

    message = str(check.error or f"breaks the rule {check.name}")
    positions = np.flatnonzero(failed).tolist()
    values = frame[at][failed].tolist() if at else [None] * len(positions)
    looks_at = tuple(name for name in frame.columns if name == at or name in _words_of(check, declared))
    for position, value in zip(positions, values, strict=True):
        text = None if value is None or value is pd.NA else value_as_text(value)
        yield RuleViolation(position, at, "row_rule", message, text, severity, looks_at=looks_at)


def _words_of(check: "pa.Check", declared: type[Row]) -> set[str]:
    """The names and texts in the code of the rule that a check puts."""
    codes = [rule.holds.__code__ for rule in row_rules_of(declared) if rule.message == check.error]
    words = set[str]()
    while codes:
        code = codes.pop()
        words.update(code.co_names)
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                codes.append(constant)
            words.update((constant,) if isinstance(constant, str) else constant if isinstance(constant, tuple) else ())
    return words


def _severity(check: "pa.Check") -> tuple[Severity, str]:
    severity, mark, rest = (check.name or "").partition(":")
    if mark and severity in ("reject", "notice"):
        return ("notice" if severity == "notice" else "reject"), rest
    return "reject", _SHORT.get(check.name or "", check.name or "check")


_SHORT = {
    "greater_than_or_equal_to": "ge",
    "greater_than": "gt",
    "less_than_or_equal_to": "le",
    "less_than": "lt",
    "equal_to": "eq",
    "not_equal_to": "ne",
}
_LONG = {short: long for long, short in _SHORT.items()}


def _failures(check: "pa.Check", values: Any) -> npt.NDArray[np.bool_] | str:
    """Which rows break the rule; a sentence when it is broken as a whole or cannot be put."""
    import pandas as pd

    try:
        output = check(values).check_output
    except Exception as error:
        return f"the rule {check.error or check.name} could not be put: {type(error).__name__}: {error}"
    if isinstance(output, pd.DataFrame):
        output = output.fillna(True).all(axis=1)
    if not isinstance(output, pd.Series):
        passed = bool(output)
        return np.zeros(len(values), dtype=bool) if passed else str(check.error or f"breaks the rule {check.name}")
    if not output.index.equals(values.index):
        output = output.reindex(values.index)
    return ~output.to_numpy(dtype=bool, na_value=True)


def _repeated(rows: TypedRows, key: Sequence[str], rule: str, workbook: Workbook) -> Iterator[RuleViolation]:
    """Later rows with the same key as an earlier one."""
    if _is_unique(rows, key):
        return
    frame = rows.frame
    complete = frame[list(key)].notna().all(axis=1).to_numpy()
    where = np.flatnonzero(complete)
    if not len(where):
        return
    groups = frame.loc[complete, list(key)].groupby(list(key), sort=False).ngroup().to_numpy()
    _, first = np.unique(groups, return_index=True)
    earlier = first[groups]
    titles = {column.name: " ".join(column.headers[0].split()) for column in workbook.columns}
    same = " and ".join(titles[name] for name in key)
    later = np.flatnonzero(earlier != np.arange(len(groups)))
    places = where[later]
    keys = zip(*(frame[name].iloc[places].tolist() for name in key), strict=True)
    for row, before, values in zip(places.tolist(), where[earlier[later]].tolist(), keys, strict=True):
        texts = [value_as_text(value) for value in values]
        message = f"the same {same} ({quoted(', '.join(texts))}) as in"
        yield RuleViolation(row, key[0], rule, message, texts[0], earlier=before)


def _is_unique(rows: TypedRows, key: Sequence[str]) -> bool:
    """Whether surely no two rows have the same key; where a part of it is missing, or is a number, pandas tells."""
    held = [rows.values(name) for name in key]
    if any(values.null_count or pyarrow.types.is_floating(values.type) for values in held):
        return False
    if len(held) == 1:
        return _are_distinct_counts(held[0]) or len(pc.unique(held[0])) == len(rows)
    return rows.table.select(list(key)).group_by(list(key)).aggregate([]).num_rows == len(rows)


def _are_distinct_counts(values: pyarrow.Array) -> bool:
    """Whether all values are whole numbers, or texts of such, no two of them the same number; which is told sooner."""
    try:
        numbers = np.asarray(values.cast(pyarrow.int64()))
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError):
        return False
    if (numbers[1:] > numbers[:-1]).all():
        return True
    numbers = np.sort(numbers)
    return bool((numbers[1:] > numbers[:-1]).all())


def value_as_text(value: Any) -> str:
    """A typed value as a person writes it."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d}" if value.time() == dt.time() else f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value)


Wording = Callable[[str, dict[str, Any], Column], str]


def _range(text: str, given: dict[str, Any], _: Column) -> str:
    return f"{text} is not between {value_as_text(given['min_value'])} and {value_as_text(given['max_value'])}"


def _one_of(text: str, given: dict[str, Any], _: Column) -> str:
    allowed = [value_as_text(value) for value in given["allowed_values"]]
    folded = {value.casefold(): value for value in allowed}
    near = difflib.get_close_matches(text.casefold(), folded, n=1, cutoff=0.7)
    if near:
        return f"'{quoted(text)}' is not one of the values allowed; did you mean '{folded[near[0]]}'?"
    listed = ", ".join(map(repr, allowed[:8])) + (" …" if len(allowed) > 8 else "")
    return f"'{quoted(text)}' is not one of {listed}"


def _length(text: str, given: dict[str, Any], _: Column) -> str:
    low, high, exact = given.get("min_value"), given.get("max_value"), given.get("exact_value")
    wanted = str(exact) if exact is not None else f"{low or 0} to {high}" if high is not None else f"at least {low}"
    return f"'{quoted(text)}' has {len(text)} characters, not {wanted}"


def _form(text: str, given: dict[str, Any], column: Column) -> str:
    form = pattern_in_words(pattern_of(given))
    return f"'{quoted(text)}' does not look like {noun_for(column)}{f': {form}' if form else ''}"


_WORDINGS: dict[str, Wording] = {
    "greater_than_or_equal_to": lambda text, given, _: f"{text} is below {value_as_text(given['min_value'])}",
    "greater_than": lambda text, given, _: f"{text} is not above {value_as_text(given['min_value'])}",
    "less_than_or_equal_to": lambda text, given, _: f"{text} is above {value_as_text(given['max_value'])}",
    "less_than": lambda text, given, _: f"{text} is not below {value_as_text(given['max_value'])}",
    "equal_to": lambda text, given, _: f"{text} is not {value_as_text(given['value'])}",
    "not_equal_to": lambda text, given, _: f"{text} is not allowed here",
    "in_range": _range,
    "isin": _one_of,
    "notin": lambda text, given, _: f"'{quoted(text)}' is not allowed here",
    "str_matches": _form,
    "str_contains": _form,
    "str_startswith": lambda text, given, _: f"'{quoted(text)}' does not begin with {given['string']!r}",
    "str_endswith": lambda text, given, _: f"'{quoted(text)}' does not end with {given['string']!r}",
    "str_length": _length,
}


def pattern_of(given: dict[str, Any]) -> str:
    """The regular expression that a rule was declared with."""
    pattern = given["pattern"]
    return str(getattr(pattern, "pattern", pattern))


def _is_panderas_own(check: "pa.Check") -> bool:
    """Whether it is what pandera itself means by its name; a schema holds copies of pandera's own functions."""
    own = type(check).CHECK_FUNCTION_REGISTRY.get(check.name or "")
    return type(check._check_fn) is type(own) and str(check._check_fn) == check.name


def violation_message(check: "pa.Check", value: Any, column: Column) -> str:
    """A broken column rule in plain words: `-3 is below 0`."""
    text = value_as_text(value)
    words = _WORDINGS.get(check.name or "")
    if words is not None and _is_panderas_own(check):
        return words(text, check.statistics or {}, column)
    return f"{quoted(text)}: {check.error or f'breaks the rule {check.name}'}"
