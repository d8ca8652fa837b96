"""Putting a contract's pandera rules to rows that were read, and saying in plain words which row breaks which.

Reading cells belongs elsewhere; here every value already has its type.
"""

import copy
import datetime as dt
import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pandera.pandas as pa
import pyarrow
import pyarrow.compute as pc
from pandera.errors import SchemaErrors

from s2p_assets.contracts.columns import Column, Severity
from s2p_assets.contracts.validation import pandera_schema
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.cell_parser import noun_for, quoted
from s2p_assets.spreadsheet.patterns import pattern_in_words


@dataclass(frozen=True, slots=True)
class RuleViolation:
    """One rule that one row breaks at one column; `position` is None for a rule over all rows.

    `earlier`: the position of the row that this one repeats; its cell is to end the message.
    """

    position: int | None
    column: str | None
    rule: str
    message: str
    value: str | None
    severity: Severity = "reject"
    earlier: int | None = None


def rule_violations(frame: pd.DataFrame, workbook: Workbook) -> Iterator[RuleViolation]:
    """Every broken rule of the contract's columns and rows.

    `frame` has the contract's columns with Arrow types, one row per row read; missing values break no
    rule here. A rule that itself fails is reported once, with its error.
    """
    schema = pandera_schema(workbook.rows)
    for column in workbook.columns:
        yield from _column_rules(frame[column.name], schema.columns[column.name].checks, column)
        if column.unique:
            yield from _repeated(frame, (column.name,), "unique", workbook)
    for check in schema.checks:
        yield from _row_rule(frame, check, workbook)
    if workbook.key:
        yield from _repeated(frame, workbook.key, "key", workbook)


def final_violations(frame: pd.DataFrame, workbook: Workbook, *, already_checked: bool) -> Iterator[RuleViolation]:
    """What pandera itself still finds in the rows about to be accepted; nothing, as a rule.

    `already_checked`: the rules were put to exactly these rows, which pandera would only do once more.
    """
    if already_checked and not pandera_schema(workbook.rows).unique:
        return
    schema = copy.copy(pandera_schema(workbook.rows))
    schema.checks = [check for check in schema.checks if not (check.name or "").startswith("notice:")]
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        for case in errors.failure_cases.drop_duplicates(["column", "check"]).itertuples():
            message = f"the rows break the contract's rule {case.check}"
            column = str(case.column) if case.column else None
            yield RuleViolation(None, column, str(case.check), message, quoted(str(case.failure_case)))


def _column_rules(values: pd.Series, checks: Sequence[pa.Check], column: Column) -> Iterator[RuleViolation]:
    present = values.notna().to_numpy()
    where = np.flatnonzero(present)
    if not len(where):
        return
    kept = values if present.all() else values[present].reset_index(drop=True)
    for check in checks:
        yield from _column_rule(kept, where, check, column)


def _column_rule(
    kept: pd.Series, where: npt.NDArray[np.int64], check: pa.Check, column: Column
) -> Iterator[RuleViolation]:
    """The values that break the rule; `kept` has none missing, `where` says in which row each stands."""
    if _surely_holds(check, kept):
        return
    failed = _failures(check, kept)
    severity, rule = _severity(check)
    if isinstance(failed, str):
        yield RuleViolation(None, column.name, rule, failed, None, severity)
        return
    values_failed = kept[failed].tolist() if failed.any() else []
    for position, value in zip(where[failed].tolist(), values_failed, strict=True):
        message = violation_message(check, value, column)
        yield RuleViolation(position, column.name, rule, message, value_as_text(value), severity)


def _surely_holds(check: pa.Check, kept: pd.Series) -> bool:
    """Whether one of pandera's own rules holds for all values, as Arrow tells in one pass.

    False where it does not, or where only pandera can tell; it is then asked.
    """
    holds = _HOLDS.get(check.name or "")
    if holds is None or not _is_panderas_own(check):
        return False
    try:
        return holds(pyarrow.array(kept), check.statistics or {})
    except (pyarrow.ArrowException, TypeError, KeyError):
        return False


def _is_panderas_own(check: pa.Check) -> bool:
    return check._check_fn is pa.Check.CHECK_FUNCTION_REGISTRY.get(check.name or "")


def _bounds(values: pyarrow.Array) -> tuple[Any, Any]:
    found = pc.min_max(values).as_py()
    return found["min"], found["max"]


def _holds_in_range(values: pyarrow.Array, given: dict[str, Any]) -> bool:
    low, high = _bounds(values)
    above = given["min_value"] <= low if given["include_min"] else given["min_value"] < low
    return bool(above and (high <= given["max_value"] if given["include_max"] else high < given["max_value"]))


def _holds_length(values: pyarrow.Array, given: dict[str, Any]) -> bool:
    shortest, longest = _bounds(pc.utf8_length(values))
    if given["exact_value"] is not None:
        return bool(shortest == longest == given["exact_value"])
    least, most = given["min_value"], given["max_value"]
    return (least is None or least <= shortest) and (most is None or longest <= most)


def _holds_isin(values: pyarrow.Array, given: dict[str, Any]) -> bool:
    return bool(pc.all(pc.is_in(values, pyarrow.array(list(given["allowed_values"]), values.type))).as_py())


_HOLDS: dict[str, Callable[[pyarrow.Array, dict[str, Any]], bool]] = {
    "greater_than": lambda values, given: bool(_bounds(values)[0] > given["min_value"]),
    "greater_than_or_equal_to": lambda values, given: bool(_bounds(values)[0] >= given["min_value"]),
    "less_than": lambda values, given: bool(_bounds(values)[1] < given["max_value"]),
    "less_than_or_equal_to": lambda values, given: bool(_bounds(values)[1] <= given["max_value"]),
    "in_range": _holds_in_range,
    "isin": _holds_isin,
    "str_length": _holds_length,
}


def _row_rule(frame: pd.DataFrame, check: pa.Check, workbook: Workbook) -> Iterator[RuleViolation]:
    severity, rule = _severity(check)
    names = [column.name for column in workbook.columns]
    at = rule if rule in names else None
    if not len(frame):
        return
    failed = _failures(check, frame)
    if isinstance(failed, str):
        yield RuleViolation(None, at, "row_rule", failed, None, severity)
        return
    message = str(check.error or f"breaks the rule {check.name}")
    positions = np.flatnonzero(failed).tolist()
    values = frame[at][failed].tolist() if at else [None] * len(positions)
    for position, value in zip(positions, values, strict=True):
        text = None if value is None or value is pd.NA else value_as_text(value)
        yield RuleViolation(position, at, "row_rule", message, text, severity)


def _severity(check: pa.Check) -> tuple[Severity, str]:
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


def _failures(check: pa.Check, values: Any) -> npt.NDArray[np.bool_] | str:
    """Which rows break the rule; a sentence when it is broken as a whole or cannot be put."""
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


def _repeated(frame: pd.DataFrame, key: Sequence[str], rule: str, workbook: Workbook) -> Iterator[RuleViolation]:
    """Later rows with the same key as an earlier one."""
    if len(key) == 1 and _is_unique(frame[key[0]]):
        return
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
    rows = where[later]
    keys = zip(*(frame[name].iloc[rows].tolist() for name in key), strict=True)
    for row, before, values in zip(rows.tolist(), where[earlier[later]].tolist(), keys, strict=True):
        texts = [value_as_text(value) for value in values]
        message = f"the same {same} ({quoted(', '.join(texts))}) as in"
        yield RuleViolation(row, key[0], rule, message, texts[0], earlier=before)


def _is_unique(values: pd.Series) -> bool:
    held = pyarrow.array(values)
    return not held.null_count and len(pc.unique(held)) == len(held)


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


def violation_message(check: pa.Check, value: Any, column: Column) -> str:
    """A broken column rule in plain words: `-3 is below 0`."""
    text = value_as_text(value)
    words = _WORDINGS.get(check.name or "")
    if words is not None and _is_panderas_own(check):
        return words(text, check.statistics or {}, column)
    return f"{quoted(text)}: {check.error or f'breaks the rule {check.name}'}"
