"""Which rows of a source lie under one row of what is made from it, declared in words or, where those end, in SQL.

Walking the rules down to cells is `warehouse/trace.py`; reading them off the shelves is not done here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

PLACE = "s2p:"
"""Before the domain of a table that a rule names, as in `"s2p:f1"."races"`: it is looked up where traces look."""
OF_THE_ROW = re.compile(r'\bthis\."?(\w+)"?')


@dataclass(frozen=True, slots=True)
class LineageRule:
    """A rule for the rows of a source under one row of what is made from it. `&` joins rules: all of them hold.

    Made by the functions of this module: `same_key("sku") & in_period("ship_date", "week", days=7)`. For what they
    cannot say, in SQL: `LineageRule("abs(amount) > this.least")`, where plain names are the source's columns and `this`
    is the row that was made.

    `where`: the SQL condition. `share`: an SQL expression for the part of the source's quantity that went into the
    row, 1 for all of it. `newest`: of these rows only the last by this column that has a value, as where a blank cell
    means "as before". `columns`: the columns of the source that a function was given. `inexact`: why other rows may
    lie under the row; empty where these are exactly they.
    """

    where: str
    share: str = "1"
    newest: str | None = None
    columns: tuple[str, ...] = field(default=(), compare=False)
    inexact: str = ""

    @property
    def row_columns(self) -> tuple[str, ...]:
        """The columns of the row that was made which the rule looks at, each once."""
        return tuple(dict.fromkeys(OF_THE_ROW.findall(f"{self.share} {self.where}")))

    def __and__(self, other: "LineageRule") -> "LineageRule":
        """Both rules together. Raises ValueError where both have a share, or a newest."""
        if (self.share != "1" and other.share != "1") or (self.newest and other.newest):
            raise ValueError("only one of the rules that are joined may have a share, and one a newest")
        conditions = [_joinable(rule.where) for rule in (self, other) if rule.where != "true"]
        return LineageRule(
            where=" and ".join(conditions) or "true",
            share=self.share if self.share != "1" else other.share,
            newest=self.newest or other.newest,
            columns=tuple(dict.fromkeys((*self.columns, *other.columns))),
            inexact=self.inexact or other.inexact,
        )


LineageRules = Mapping[str | tuple[str, str], LineageRule]
"""A rule for each source of a table or feature set, or for (own column, source) where a column differs from the others.

Without a rule, the rows with the same key lie under a row.
"""


def same_key(*columns: str, **named: str) -> LineageRule:
    """The rows that have the row's own values in `columns`; where names differ, as the source's name="the row's".

    `same_key("sku", "week")`, `same_key(item_code="sku")`
    """
    pairs = {**{name: name for name in columns}, **named}
    if not pairs:
        raise ValueError("same_key needs at least one column")
    return _rule(" and ".join(f"{theirs} = this.{own}" for theirs, own in pairs.items()), *pairs)


def on_day(column: str, day: str, *, plus_days: int = 0) -> LineageRule:
    """The rows whose `column` is the row's `day`, so many days later or, if negative, earlier."""
    return _rule(f"{column} = {_day(day, plus_days)}", column)


def in_period(column: str, first_day: str, *, days: int) -> LineageRule:
    """The rows whose `column` lies in the `days` days that begin with the row's `first_day`."""
    return _rule(f"{column} >= this.{first_day} and {column} < this.{first_day} + {days}", column)


def overlapping(first: str, last: str, first_day: str, *, days: int) -> LineageRule:
    """The rows of periods, from `first` to `last` inclusive, that overlap the `days` days from the row's `first_day`.

    Each gives the share of its quantity that falls on the days of the overlap, as if spread evenly.
    """
    begin, end = f"this.{first_day}", f"this.{first_day} + {days - 1}"
    where = f"{first} < this.{first_day} + {days} and {last} >= {begin}"
    share = f"(least({last}, {end}) - greatest({first}, {begin}) + 1.0) / ({last} - {first} + 1)"
    return LineageRule(where, share=share, columns=(first, last))


def in_force_on(
    day: str, *, valid_from: str = "valid_from", valid_to: str = "valid_to", plus_days: int = 0
) -> LineageRule:
    """The versions that are in force on the row's `day`, so many days later; `valid_to` is the first day after."""
    at = _day(day, plus_days)
    return _rule(f"{valid_from} <= {at} and coalesce({valid_to} > {at}, true)", valid_from, valid_to)


def before_day(column: str, day: str, *, plus_days: int = 0, within_days: int | None = None) -> LineageRule:
    """The rows whose `column` lies before the row's `day`, and at most `within_days` before it."""
    within = f" and {column} >= this.{day} - {within_days}" if within_days is not None else ""
    return _rule(f"{column} < {_day(day, plus_days)}{within}", column)


def until_day(column: str, day: str) -> LineageRule:
    """The rows whose `column` is the row's `day` or lies before it."""
    return _rule(f"{column} <= this.{day}", column)


def after_day(column: str, day: str) -> LineageRule:
    """The rows whose `column` lies after the row's `day`."""
    return _rule(f"{column} > this.{day}", column)


def from_day(column: str, day: str) -> LineageRule:
    """The rows whose `column` is the row's `day` or lies after it."""
    return _rule(f"{column} >= this.{day}", column)


def has_value(column: str) -> LineageRule:
    """The rows that have a value in `column`."""
    return _rule(f"{column} is not null", column)


def only_newest(column: str) -> LineageRule:
    """Of the rows that the other rules leave, the last by `column` that has a value in what is traced."""
    return LineageRule("true", newest=column, columns=(column,))


def with_share(expression: str) -> LineageRule:
    """The part of each row's quantity that went into the row, in SQL; `"-1"` for what is taken off."""
    return LineageRule("true", share=expression)


def _rule(where: str, *columns: str) -> LineageRule:
    return LineageRule(where, columns=columns)


def _day(day: str, plus_days: int) -> str:
    return f"this.{day}" + (f" {'+' if plus_days > 0 else '-'} {abs(plus_days)}" if plus_days else "")


def _joinable(where: str) -> str:
    """The condition as one of several that all hold."""
    return f"({where})" if re.search(r"\bor\b", where, re.IGNORECASE) else where
