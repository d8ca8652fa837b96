"""Whether a rule surely holds for all values, as Arrow tells in one pass: pandera, asked value by value, costs a small
file more than its reading.

Pandera stays the word on which values break a rule; putting the rules, and saying what broke, is done in `rules.py`.
"""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pandera.pandas as pa
import pyarrow
import pyarrow.compute as pc


def surely_holds(check: pa.Check, values: pyarrow.Array) -> bool:
    """Whether one of pandera's own rules holds for all `values`, of which none is missing.

    False where it does not, or where only pandera can tell; it is then asked.
    """
    holds = _HOLDS.get(check.name or "")
    if holds is None or not is_panderas_own(check):
        return False
    try:
        return holds(values, check.statistics or {})
    except (pyarrow.ArrowException, TypeError, KeyError):
        return False


def row_rule_surely_holds(check: pa.Check, frame: pd.DataFrame) -> bool:
    """Whether a rule of rows says yes to each of them; False where only pandera can tell what its answer means."""
    if check.element_wise or check.groupby is not None or check._check_kwargs:
        return False
    try:
        answer = check._check_fn(frame)
    except Exception:  # it is put once more by pandera, and what it raises is said
        return False
    return isinstance(answer, pd.Series) and answer.dtype == bool and bool(answer.all())


def is_panderas_own(check: pa.Check) -> bool:
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


def _are_in(values: pyarrow.Array, listed: Any) -> pyarrow.Array:
    return pc.is_in(values, pyarrow.array(list(listed), values.type))


def _holds_form(values: pyarrow.Array, given: dict[str, Any]) -> bool:
    """By the same regular expression as pandas makes of it."""
    pattern = given["pattern"]
    if not isinstance(pattern, str):
        return False
    return _all(pc.match_substring_regex(values, pattern if pattern.startswith("^") else f"^({pattern})"))


def _all(answers: pyarrow.Array) -> bool:
    return bool(pc.all(answers).as_py())


_HOLDS: dict[str, Callable[[pyarrow.Array, dict[str, Any]], bool]] = {
    "greater_than": lambda values, given: bool(_bounds(values)[0] > given["min_value"]),
    "greater_than_or_equal_to": lambda values, given: bool(_bounds(values)[0] >= given["min_value"]),
    "less_than": lambda values, given: bool(_bounds(values)[1] < given["max_value"]),
    "less_than_or_equal_to": lambda values, given: bool(_bounds(values)[1] <= given["max_value"]),
    "in_range": _holds_in_range,
    "isin": lambda values, given: _all(_are_in(values, given["allowed_values"])),
    "notin": lambda values, given: not pc.any(_are_in(values, given["forbidden_values"])).as_py(),
    "not_equal_to": lambda values, given: not pc.any(_are_in(values, [given["value"]])).as_py(),
    "str_length": _holds_length,
    "str_matches": _holds_form,
    "str_startswith": lambda values, given: _all(pc.starts_with(values, given["string"])),
    "str_endswith": lambda values, given: _all(pc.ends_with(values, given["string"])),
}
