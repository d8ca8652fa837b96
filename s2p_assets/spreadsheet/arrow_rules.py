"""Whether a rule surely holds for all values, as Arrow tells in one pass: pandera, asked value by value, costs a small
file more than its reading.

Pandera stays the word on which values break a rule; putting the rules, and saying what broke, is done in `rules.py`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pyarrow
import pyarrow.compute as pc

from s2p_assets.contracts.columns import Row, RowRule
from s2p_assets.contracts.outlined import as_declared

if TYPE_CHECKING:
    import pandas as pd


def rule_surely_holds(name: str, given: Any, values: pyarrow.Array) -> bool:
    """Whether a rule declared with a column (`ge=0`) holds for all `values`, of which none is missing.

    False where it does not, or where only pandera can tell; it is then asked.
    """
    holds = _HOLDS.get(name)
    try:
        return holds is not None and holds(values, _by_name(name, given))
    except (pyarrow.ArrowException, TypeError, KeyError):
        return False


def _by_name(name: str, given: Any) -> dict[str, Any]:
    """What a rule is given, by the names that pandera has for it. Raises TypeError where it is given something odd."""
    names = _GIVEN[name]
    if isinstance(given, dict) and len(names) > 1 and given.keys() <= names.keys():
        return {**names, **given}
    if isinstance(given, (dict, tuple)) and not (name in ("isin", "notin") and len(given) > 1):
        raise TypeError(f"{name}={given!r}")
    return {next(iter(names)): given}


def row_rule_surely_holds(rule: RowRule, rows: type[Row], frame: "pd.DataFrame") -> bool:
    """Whether a rule of rows says yes to each of them; False where only pandera can tell what its answer means."""
    import pandas as pd

    try:
        answer = rule.holds(as_declared(rows), frame).fillna(True).astype(bool)
    except Exception:  # it is put once more by pandera, and what it raises is said
        return False
    return isinstance(answer, pd.Series) and answer.dtype == bool and bool(answer.all())


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


_GIVEN: dict[str, dict[str, Any]] = {
    "gt": {"min_value": None},
    "ge": {"min_value": None},
    "lt": {"max_value": None},
    "le": {"max_value": None},
    "in_range": {"min_value": None, "max_value": None, "include_min": True, "include_max": True},
    "isin": {"allowed_values": None},
    "notin": {"forbidden_values": None},
    "eq": {"value": None},
    "ne": {"value": None},
    "str_contains": {"pattern": None},
    "str_length": {"min_value": None, "max_value": None, "exact_value": None},
    "str_matches": {"pattern": None},
    "str_startswith": {"string": None},
    "str_endswith": {"string": None},
}
_HOLDS: dict[str, Callable[[pyarrow.Array, dict[str, Any]], bool]] = {
    "gt": lambda values, given: bool(_bounds(values)[0] > given["min_value"]),
    "ge": lambda values, given: bool(_bounds(values)[0] >= given["min_value"]),
    "lt": lambda values, given: bool(_bounds(values)[1] < given["max_value"]),
    "le": lambda values, given: bool(_bounds(values)[1] <= given["max_value"]),
    "in_range": _holds_in_range,
    "isin": lambda values, given: _all(_are_in(values, given["allowed_values"])),
    "notin": lambda values, given: not pc.any(_are_in(values, given["forbidden_values"])).as_py(),
    "ne": lambda values, given: not pc.any(_are_in(values, [given["value"]])).as_py(),
    "eq": lambda values, given: _all(pc.equal(values, given["value"])),
    "str_length": _holds_length,
    "str_contains": lambda values, given: _all(pc.match_substring_regex(values, given["pattern"])),
    "str_matches": _holds_form,
    "str_startswith": lambda values, given: _all(pc.starts_with(values, given["string"])),
    "str_endswith": lambda values, given: _all(pc.ends_with(values, given["string"])),
}
