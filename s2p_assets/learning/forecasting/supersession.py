"""Articles that follow one another: demand for the old carried on under the number, and in the units, of the new.

Which follow which is for a company's shelf to say; pure pandas, nothing here reads a file or forecasts.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from s2p_assets.contracts.lineage import LineageRule

SEPARATOR = " | "
CARRIED_FROM = f"string_to_array(this.carried_from, '{SEPARATOR}')"
CARRIED_UNITS = f"string_to_array(this.carried_units, '{SEPARATOR}')"


class SuccessionUnclear(ValueError):
    """Articles follow one another in a circle, so that none is the last; one line that names them."""


def leads_back(predecessors: "pd.Series[str]", successors: "pd.Series[str]") -> "pd.Series[bool]":
    """Whether each pair is part of a circle: going on from its successor leads to its predecessor. Aligned."""
    following = dict(zip(predecessors.astype(str), successors.astype(str), strict=True))
    return pd.Series([_is_in_circle(old, following) for old in predecessors.astype(str)], index=predecessors.index)


def _is_in_circle(start: str, following: dict[str, str]) -> bool:
    seen, here = {start}, following.get(start)
    while here is not None and here not in seen:
        seen.add(here)
        here = following.get(here)
    return here == start


def last_successors(pairs: pd.DataFrame) -> pd.DataFrame:
    """For each predecessor the last article in its line.

    `pairs`: one row per predecessor: predecessor, successor, old_units_per_new (units of the predecessor in a unit of
    the successor; missing means 1). One row per predecessor, which is the index: successor (the last), old_units (of
    the predecessor in a unit of that), steps (how many articles later). Raises SuccessionUnclear.
    """
    circle = leads_back(pairs["predecessor"], pairs["successor"])
    if circle.any():
        names = ", ".join(sorted(pairs.loc[circle, "predecessor"].astype(str)))
        raise SuccessionUnclear(f"{names} follow one another in a circle; correct the list of successors")
    units = pd.to_numeric(pairs["old_units_per_new"]).astype(float).fillna(1.0)
    following = {
        str(old): (str(new), factor)
        for old, new, factor in zip(pairs["predecessor"], pairs["successor"], units, strict=True)
    }
    found = []
    for old in following:
        last, factor, steps = old, 1.0, 0
        while last in following:
            last, each = following[last]
            factor, steps = factor * each, steps + 1
        found.append((old, last, factor, steps))
    return pd.DataFrame(found, columns=["predecessor", "successor", "old_units", "steps"]).set_index("predecessor")


def carry_over(
    weekly: pd.DataFrame,
    pairs: pd.DataFrame,
    *,
    key: str,
    quantities: Sequence[str],
    prices: Sequence[str] = (),
    amounts: Sequence[str] = (),
    flags: Sequence[str] = (),
) -> pd.DataFrame:
    """`weekly` with the rows of every predecessor under its last successor, in that one's units.

    `weekly`: one row per (key, week). `pairs`: as of `last_successors`. Of several articles of a line in a week,
    `quantities` and `amounts` (of money) are added up, missing where one is; of `prices` the newest article's that is
    known counts, as that of a unit of the last; `flags` hold where they hold for all. Two columns are added, missing
    for rows of no predecessor: carried_from, the predecessors in the row (those that a later article of the line has
    followed by then only where they still sold), and carried_units, how many of their units are one of the row's;
    both joined by `SEPARATOR`.
    """
    none = pd.Series(pd.NA, index=weekly.index, dtype="string")
    plain = weekly.assign(carried_from=none, carried_units=none)
    if not len(pairs):
        return plain
    line = last_successors(pairs)
    names = weekly[key].astype(str)
    old = names.isin(line.index)
    if not old.any():
        return plain
    in_line = old | names.isin(line["successor"])
    rows = weekly.loc[in_line].assign(_old=names[in_line].where(old[in_line]))
    found = line.reindex(names[in_line])
    rows["_steps"] = found["steps"].fillna(0).to_numpy(int)
    factor = pd.Series(found["old_units"].fillna(1.0).to_numpy(float), index=rows.index)
    rows[key] = found["successor"].where(found["successor"].notna(), names[in_line].to_numpy()).to_numpy()
    for name in quantities:
        rows[name] = rows[name].astype(float) / factor
    for name in prices:
        rows[name] = rows[name].astype(float) * factor
    newest = rows.groupby([key, "week"])["_steps"].transform("min")
    rows["_old"] = rows["_old"].mask((rows["_steps"] > newest) & rows[list(quantities)].eq(0).all(axis=1))
    rows["_units"] = factor.map(lambda units: f"{units:.12g}").where(rows["_old"].notna())
    carried = _by_week(rows, key, quantities, prices, amounts, flags)
    rest = plain.loc[~in_line]
    joined = pd.concat([rest, carried.astype({key: weekly[key].dtype})[list(plain)]], ignore_index=True)
    return joined.sort_values([key, "week"], ignore_index=True)


def in_line(key: str) -> LineageRule:
    """The rows of a source of which `key` is that of a row made by `carry_over`, or of a predecessor in it."""
    return LineageRule(f"({key} = this.{key} or {key} = any({CARRIED_FROM}))", columns=(key,))


def of_predecessors(column: str) -> LineageRule:
    """The rows of a source, such as the list of successors, whose `column` is a predecessor in the row."""
    return LineageRule(f"{column} = any({CARRIED_FROM})", columns=(column,))


def in_units_of_last(rule: LineageRule, key: str) -> LineageRule:
    """`rule` with each row's share in the units of the last article, as `carry_over` converts them."""
    units = f"coalesce(({CARRIED_UNITS})[array_position({CARRIED_FROM}, {key})]::float8, 1)"
    return replace(rule, share=f"({rule.share}) / {units}")


def _by_week(
    rows: pd.DataFrame,
    key: str,
    quantities: Sequence[str],
    prices: Sequence[str],
    amounts: Sequence[str],
    flags: Sequence[str],
) -> pd.DataFrame:
    """The rows of lines of articles, one for each line and week."""
    groups = rows.sort_values([key, "week", "_steps", "_old"]).groupby([key, "week"], sort=True)
    found: dict[str, Any] = {
        name: groups[name].agg(lambda values: values.sum(skipna=False)) for name in (*quantities, *amounts)
    }
    found |= {name: groups[name].first() for name in prices}
    found |= {name: groups[name].all() for name in flags}
    for name, parts in (("carried_from", groups["_old"]), ("carried_units", groups["_units"])):
        joined = parts.agg(lambda values: SEPARATOR.join(values.dropna().astype(str)))
        found[name] = joined.astype("string").where(joined != "")
    return pd.DataFrame(found).reset_index()
