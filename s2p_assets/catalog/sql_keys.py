"""For a table that is made again in part: which rows of it depend on a row of a source, told by the values of its key.

A row of a source bears the key of the rows that are made of it where the key's columns can be followed down to it:
through groups, windows, joins and unions that keep rows of different keys apart. Where they cannot, every row of the
table may depend on it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from s2p_assets.contracts.sql_table import SqlSource

SERIES = "GENERATE_SERIES("
LONGEST_SERIES = 1000
"""Days after a row's own that are noted for it one by one; beyond that, any day is."""

Followed = tuple[tuple[str, str], tuple[str | None, ...]]
"""(place of a source, for each column of the key what it is in the source's columns, in SQL; None where any value)."""


def followed_keys(select: Any, key: Sequence[str], sources: Sequence[SqlSource]) -> tuple[Followed, ...]:
    """How each source of a qualified select bears the values of `key`, each way once."""
    from sqlglot import exp

    kinds = {source.place: {column.name: column.kind for column in source.columns} for source in sources}
    wanted: list[Any] = [exp.column(name, quoted=True) for name in key]
    found: dict[Followed, None] = {}
    for place, parts in _follow(select, wanted, {}):
        found[place, _one_series([_written(part, kinds[place]) for part in parts])] = None
    return tuple(found)


def _one_series(parts: list[str | None]) -> tuple[str | None, ...]:
    """The parts, of which one alone may be a series: PostgreSQL walks through several in step. None where any value."""
    series = [at for at, part in enumerate(parts) if part and SERIES in part]
    return tuple(None if at in series[1:] else part for at, part in enumerate(parts))


def _written(part: Any, kinds: Mapping[str, str]) -> str | None:
    """A column, or a day, week or month of it, in SQL; None for what could fail or do something as a file is loaded."""
    from sqlglot import exp

    if part is None:
        return None
    if _adds_days(part, kinds):
        return _without_tables(part)
    for one in part.walk():
        if isinstance(one, exp.Column) and one.name not in kinds:
            return None
        if isinstance(one, exp.Cast):
            inner = one.find(exp.Column)
            if inner is None or kinds.get(inner.name) not in ("date", "timestamp"):
                return None
        elif not isinstance(
            one, exp.Column | exp.Identifier | exp.TimestampTrunc | exp.DateTrunc | exp.DataType | exp.Var | exp.Literal
        ):
            return None
    return _without_tables(part)


def _without_tables(part: Any) -> str:
    from sqlglot import exp

    bare = part.copy()
    for one in list(bare.find_all(exp.Column)):
        one.set("table", None)
    return str(bare.sql("postgres"))


def _adds_days(part: Any, kinds: Mapping[str, str]) -> bool:
    """Whether it is a day and the whole numbers of a series after it: `day + generate_series(0, 28)`."""
    from sqlglot import exp

    bare = part.this if isinstance(part, exp.Cast) and part.to.this == exp.DataType.Type.DATE else part
    bare = bare.unnest()
    return (
        isinstance(bare, exp.Add)
        and isinstance(bare.left, exp.Column)
        and kinds.get(bare.left.name) == "date"
        and _is_series(bare.right)
    )


def _is_series(part: Any) -> bool:
    """Whether it is `generate_series` between two whole numbers that are written there, and not far apart."""
    from sqlglot import exp

    ends = [part.args.get("start"), part.args.get("end")] if isinstance(part, exp.GenerateSeries) else []
    numbers = [int(one.sql()) for one in ends if one is not None and one.sql().lstrip("-").isdigit()]
    return len(numbers) == 2 and 0 <= numbers[1] - numbers[0] < LONGEST_SERIES and not part.args.get("step")


def _with_series(node: Any, part: Any) -> Any:
    """An expression with the columns of a series that a select joins written as the series, of which a row has all."""
    from sqlglot import exp

    if part is None:
        return None
    relations = [one.this for one in (node.args.get("from_"), *(node.args.get("joins") or ())) if one is not None]
    series = {one.alias: one.this for one in relations if isinstance(one, exp.Table) and _is_series(one.this)}
    return part.transform(
        lambda one: series[one.table].copy() if isinstance(one, exp.Column) and one.table in series else one
    )


def _follow(node: Any, wanted: list[Any], defined: dict[str, Any]) -> Iterator[tuple[tuple[str, str], list[Any]]]:
    """(place, the wanted expressions in that source's columns) for every mention of a source in a query."""
    from sqlglot import exp

    while isinstance(node, exp.Subquery) and not node.args.get("with_"):
        node = node.this
    clause = node.args.get("with_")
    if clause is not None:
        if clause.recursive:
            wanted = [None for _ in wanted]
        defined = {**defined, **{one.alias: one.this for one in clause.expressions}}
    if node.args.get("limit") or node.args.get("offset"):
        wanted = [None for _ in wanted]
    if isinstance(node, exp.SetOperation):
        names = list(node.named_selects)
        for side in (node.left, node.right):
            there = dict(zip(names, side.named_selects, strict=False))
            yield from _follow(side, [_renamed(one, there) for one in wanted], defined)
    elif isinstance(node, exp.Select):
        yield from _follow_select(node, wanted, defined)


def _renamed(part: Any, names: dict[str, str]) -> Any:
    from sqlglot import exp

    if part is None:
        return None
    return part.transform(lambda one: exp.column(names[one.name], quoted=True) if isinstance(one, exp.Column) else one)


def _follow_select(
    node: Any, wanted: list[Any], defined: dict[str, Any]
) -> Iterator[tuple[tuple[str, str], list[Any]]]:
    from sqlglot import exp

    inner = [_with_series(node, _in_relations(node, one)) for one in wanted]
    joins = node.args.get("joins") or []
    begin = node.args.get("from_")
    relations = ([begin.this] if begin is not None else []) + [one.this for one in joins]
    equal = _equal_columns(node, joins)
    nullable = {one.this.alias_or_name for one in joins if one.side == "LEFT"}
    if any(one.side in ("RIGHT", "FULL") for one in joins):
        inner = [None for _ in inner]
    inner = [
        one if one is not None and not {c.table for c in one.find_all(exp.Column)} & nullable else None for one in inner
    ]
    for relation in relations:
        parts = [_in_columns_of(relation.alias_or_name, one, equal) for one in inner]
        yield from _follow_relation(relation, parts, defined)
    for nested in _nested(node):
        yield from _follow(nested, [None for _ in wanted], defined)


def _follow_relation(
    relation: Any, parts: list[Any], defined: dict[str, Any]
) -> Iterator[tuple[tuple[str, str], list[Any]]]:
    from sqlglot import exp

    if isinstance(relation, exp.Table) and relation.db.startswith("s2p:"):
        yield (relation.db.removeprefix("s2p:"), relation.name), parts
    elif isinstance(relation, exp.Table) and relation.name in defined:
        before = dict(defined)
        query = before.pop(relation.name)
        yield from _follow(query, [_bare(one) for one in parts], before)
    elif isinstance(relation, exp.Subquery):
        yield from _follow(relation.this, [_bare(one) for one in parts], defined)
    else:
        for nested in relation.find_all(exp.Select):
            yield from _follow(nested, [None for _ in parts], defined)


def _bare(part: Any) -> Any:
    """The same in the output columns of the relation that it is of."""
    from sqlglot import exp

    if part is None:
        return None
    return part.transform(lambda one: exp.column(one.name, quoted=True) if isinstance(one, exp.Column) else one)


def _in_relations(node: Any, wanted: Any) -> Any:
    """An expression of a select's output in the columns of what it reads from; None where rows of several meet."""
    from sqlglot import exp

    if wanted is None:
        return None
    projections = {one.alias_or_name: one.unalias() for one in node.expressions}
    names = {one.name for one in wanted.find_all(exp.Column)}
    if not names <= projections.keys() or not all(_keeps_apart(node, name, projections[name]) for name in names):
        return None
    return wanted.transform(
        lambda one: projections[one.name].copy() if isinstance(one, exp.Column) and not one.table else one
    )


def _keeps_apart(node: Any, name: str, part: Any) -> bool:
    """Whether no row of the select is made of rows with different values of this column."""
    from sqlglot import exp

    if part.find(exp.AggFunc, exp.Window, exp.Query):
        return False
    text = part.sql("postgres")
    group = node.args.get("group")
    if group is None and any(one.find(exp.AggFunc) and not one.find(exp.Window) for one in node.expressions):
        return False
    if group is not None:
        at = [one.alias_or_name for one in node.expressions].index(name) + 1
        same = {one.sql("postgres") for one in group.expressions}
        if text not in same and str(at) not in same and exp.column(name, quoted=True).sql("postgres") not in same:
            return False
        if any(group.args.get(one) for one in ("rollup", "cube", "grouping_sets")):
            return False
    for window in (one for part in node.expressions for one in part.find_all(exp.Window)):
        if text not in {one.sql("postgres") for one in window.args.get("partition_by") or ()}:
            return False
    distinct = node.args.get("distinct")
    on = distinct.args.get("on") if distinct is not None else None
    return on is None or text in {one.sql("postgres") for one in on.expressions}


def _equal_columns(node: Any, joins: list[Any]) -> list[tuple[str, str]]:
    """Pairs of columns that are equal in every joined row, or, of a left join, in every row that has its match."""
    from sqlglot import exp

    found = []
    where = node.args.get("where")
    conditions = [(where.this, None)] if where is not None else []
    conditions += [
        (one.args["on"], one.this.alias_or_name if one.side else None) for one in joins if one.args.get("on")
    ]
    for condition, joined in conditions:
        parts: list[Any] = list(condition.flatten()) if isinstance(condition, exp.And) else [condition]
        for one in parts:
            equates = isinstance(one, exp.EQ) and isinstance(one.left, exp.Column) and isinstance(one.right, exp.Column)
            if equates and (joined is None or joined in (one.left.table, one.right.table)):
                found.append((one.left.sql("postgres"), one.right.sql("postgres")))
    return found


def _in_columns_of(alias: str, part: Any, equal: list[tuple[str, str]]) -> Any:
    """An expression in the columns of one relation, by what they are equal to; None where it has no equal."""
    from sqlglot import exp

    if part is None:
        return None
    written = part.copy()
    for column in list(written.find_all(exp.Column)):
        same = {column.sql("postgres")}
        while more := {b for pair in equal for a, b in (pair, pair[::-1]) if a in same} - same:
            same |= more
        mine = [one for one in map(exp.maybe_parse, sorted(same)) if isinstance(one, exp.Column) and one.table == alias]
        own = [one for one in mine if one.sql("postgres") == column.sql("postgres")] or mine
        if not own:
            return None
        if column is written:
            return own[0]
        column.replace(own[0])
    return written


def _nested(node: Any) -> list[Any]:
    """The queries within the expressions of a select, not those that it reads from."""
    from sqlglot import exp

    found: list[Any] = []

    def look(part: Any) -> None:
        for one in part.iter_expressions():
            if isinstance(one, exp.From | exp.With):
                continue
            if isinstance(one, exp.Join):
                if one.args.get("on"):
                    look(one.args["on"])
                continue
            if isinstance(one, exp.Query):
                found.append(one)
            else:
                look(one)

    look(node)
    return found
