"""Which rows lie under a value that a select made: the same select, carrying the places of the rows along.

Every expression has a twin that says which rows it is made of: a column its row's place, a sum the places of all rows
that were summed up, a window those in its frame. The places are JSON, as deep as the query, and flattened at the end.
Filters, joins, groups and windows stay as written, so the twin passes through exactly what its value did.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from s2p_assets.contracts.sql_table import SqlSource

if TYPE_CHECKING:
    from sqlglot import exp

Origin = tuple[tuple[str, str], str]
"""A column of a stored table: (place, name)."""
RANKS = ("ROW_NUMBER", "RANK", "DENSE_RANK", "PERCENT_RANK", "CUME_DIST", "NTILE")
OFFSETS = ("LAG", "LEAD", "FIRST_VALUE", "LAST_VALUE", "NTH_VALUE")
AGGREGATES = {
    *("bool_and", "bool_or", "every", "bit_and", "bit_or", "bit_xor", "json_agg", "jsonb_agg", "json_object_agg"),
    *("jsonb_object_agg", "xmlagg", "range_agg", "mode", "any_value", "string_agg", "array_agg", "stddev", "variance"),
    *("corr", "covar_pop", "covar_samp", "regr_slope", "regr_intercept", "regr_r2", "regr_count", "regr_avgx"),
    *("regr_avgy", "regr_sxx", "regr_sxy", "regr_syy"),
}
"""Aggregates that sqlglot may know by no class of their own."""


class NotExact(Exception):
    """Which rows lie under a value cannot be said exactly; the message says why."""


class Provenance:
    """The places of rows under the columns of a qualified select.

    `sources`: what the base tables of the select are.
    """

    def __init__(self, select: exp.Query, sources: Sequence[SqlSource]) -> None:
        self.select, self.sources = select, {source.place: source for source in sources}

    def origins(self, column: str) -> list[Origin]:
        """The stored columns that a column is made from, in the order in which they are met."""
        walk = _Walk(self.sources, None)
        try:
            _Query(self.select.copy(), walk, {}).under(column)
        except NotExact:
            return self._named_columns()
        return list(walk.met)

    def _named_columns(self) -> list[Origin]:
        """Every stored column that the select names, where no less can be said."""
        from sqlglot import exp

        names = {one.name for one in self.select.find_all(exp.Column)}
        found = [(place, column.name) for place, one in self.sources.items() for column in one.columns]
        return [(place, name) for place, name in found if name in names]

    def rows_under(self, column: str, source: SqlSource, key: Sequence[str]) -> str:
        """The condition for rows `s` of `source` under the column of the row `this`. Raises NotExact."""
        walk = _Walk(self.sources, source.place)
        made = _Query(self.select.copy(), walk, {})
        under = made.under(column)
        if under is None:
            return "false"
        rows = made.node.sql("postgres", comments=False)
        same = " and ".join(f'_made."{name}" = this."{name}"' for name in key) or "true"
        flat = f'jsonb_path_query(_made."{under}", \'strict $.** ? (@.type() == "string")\') as _at(place)'
        text, places = "(_at.place #>> '{}')", f"from ({rows}) _made, {flat} where {same}"
        if not source.row_id:
            return f"s.ctid = any(array(select {text}::tid {places}))"
        numbers = f"split_part({text}, '|', 1)::bigint, split_part({text}, '|', 2)::int"
        sheet = f"substring({text} from '^[0-9]+[|][0-9]+[|](.*)$')"
        return f"(s._file, s._row, s._sheet) in (select {numbers}, {sheet} {places})"


class _Walk:
    """One walk through a select: for the rows of `target`, or, where it is None, of all; `met`: columns on the way."""

    def __init__(self, sources: dict[tuple[str, str], SqlSource], target: tuple[str, str] | None) -> None:
        self.sources, self.target = sources, target
        self.met: dict[Origin, None] = {}

    def row(self, place: tuple[str, str], alias: str, column: str) -> exp.Expr | None:
        """The place of the row that a base table's column is read from."""
        from sqlglot import exp

        source = self.sources[place]
        names = [column] if column != "*" else list(source.key or [one.name for one in source.columns[:1]])
        if column != "*" and column not in {one.name for one in source.columns}:
            return None
        self.met |= {(place, name): None for name in names}
        if self.target not in (None, place):
            return None
        at = [exp.column(name, alias, quoted=True) for name in source.row_id or ("ctid",)]
        if not source.row_id:
            return exp.func("to_jsonb", exp.cast(at[0], "text"))
        parts = [exp.cast(one, "text") for one in at]
        text: Any = parts[0]
        for part in parts[1:]:
            text = exp.DPipe(this=exp.DPipe(this=text, expression=exp.Literal.string("|")), expression=part)
        return exp.func("to_jsonb", text)


class _Query:
    """A select or a union of selects, which is asked for the rows under its columns and carries them along."""

    def __init__(self, node: Any, walk: _Walk, defined: dict[str, _Query]) -> None:
        from sqlglot import exp

        while isinstance(node, exp.Subquery) and not node.args.get("with_"):
            node = node.this
        self.node, self.walk = node, walk
        self.defined = self._defined(node, dict(defined))
        self.carried: dict[str, str] = {}
        self.parts: list[_Query] = []
        if isinstance(node, exp.SetOperation):
            self._begin_union(node)
        elif isinstance(node, exp.Select):
            if node.args.get("distinct") and not node.args["distinct"].args.get("on"):
                self._group_distinct(node)
        elif not isinstance(node, exp.Values):
            raise NotExact(f"it holds {node.key!r}")
        self.relations = _relations(self)

    def _defined(self, node: Any, known: dict[str, _Query]) -> dict[str, _Query]:
        """The queries that a `with` defines, and those around it."""
        clause = node.args.get("with_")
        if clause is not None and clause.recursive:
            raise NotExact("it is a recursive query")
        for one in clause.expressions if clause is not None else ():
            known[one.alias] = _Query(one.this, self.walk, known)
            one.set("this", known[one.alias].node)
            _drop_column_names(one)
        return known

    def _begin_union(self, node: exp.SetOperation) -> None:
        from sqlglot import exp

        if not isinstance(node, exp.Union):
            raise NotExact(f"it holds {node.key!r}, whose rows depend on rows that are not there")
        for side in ("this", "expression"):
            part = _Query(node.args[side], self.walk, self.defined)
            self.parts.append(part)
            wrap = isinstance(part.node, exp.SetOperation) or any(part.node.args.get(one) for one in ("order", "limit"))
            node.set(side, exp.Subquery(this=part.node) if wrap else part.node)
        if node.args.get("distinct"):
            node.set("distinct", False)
            self.parts = []
            self._regroup(node)

    def _group_distinct(self, node: exp.Select) -> None:
        node.set("distinct", None)
        self._regroup(node)

    def _regroup(self, node: Any) -> None:
        """The same rows, each once, as groups of equal ones: what was dropped as equal lies under as well."""
        from sqlglot import exp

        names = list(node.named_selects)
        if node.args.get("limit") or node.args.get("offset"):
            raise NotExact("it takes some of rows of which each stands once")
        inner = node.copy()
        inner.set("order", None)
        clause = inner.args.pop("with_", None)
        columns = [exp.column(name, "d", quoted=True) for name in names]
        select = exp.select(
            *(exp.alias_(one.copy(), name, quoted=True) for one, name in zip(columns, names, strict=True))
        )
        alias = exp.TableAlias(this=exp.to_identifier("d", quoted=True))
        select = select.from_(exp.Subquery(this=inner, alias=alias)).group_by(*columns)
        if clause is not None:
            select.set("with_", clause)
        self.node = select

    @property
    def is_grouped(self) -> bool:

        if self.node.args.get("group"):
            return True
        wanted = [*self.node.expressions, self.node.args.get("having")]
        return any(_is_aggregate(one) for part in wanted if part is not None for one in _own_parts(part))

    def under(self, name: str) -> str | None:
        """The name of the column that carries the rows under column `name`, or, for `*`, under the row itself."""
        found = self._union_parts(name) if self.parts else self._part(name)
        if all(one is None for one in found):
            return None
        return self._carry(found)

    def _carry(self, found: list[Any]) -> str:
        from sqlglot import exp

        texts = "\n".join(one.sql("postgres") if one is not None else "" for one in found)
        if texts not in self.carried:
            self.carried[texts] = f"_under{len(self.carried) + 1}"
            for query, one in zip(self._leaves(), found, strict=True):
                value = one if one is not None else exp.cast(exp.null(), "jsonb")
                query.node.append("expressions", exp.alias_(value, self.carried[texts], quoted=True))
        return self.carried[texts]

    def _leaves(self) -> list[_Query]:
        return [leaf for part in self.parts for leaf in part._leaves()] if self.parts else [self]

    def _union_parts(self, name: str) -> list[Any]:
        at = list(self._leaves()[0].own_names()).index(name) if name != "*" else None
        return [leaf._part(leaf.own_names()[at] if at is not None else "*")[0] for leaf in self._leaves()]

    def own_names(self) -> list[str]:
        """The names of the columns that the query returns, without those that carry rows."""
        return [name for name in self.node.named_selects if name not in self.carried.values()]

    def _part(self, name: str) -> list[Any]:
        from sqlglot import exp

        if isinstance(self.node, exp.Values):
            return [None]
        if name == "*":
            return [self._row(self.is_grouped)]
        found = next((one for one in self.node.expressions if one.alias_or_name == name), None)
        if found is None:
            raise NotExact(f"where its column {name!r} is from is not known")
        return [self.twin(found.unalias(), grouped=self.is_grouped)]

    def _row(self, grouped: bool) -> Any:
        """What a row that is merely counted is made of: the row of the first table."""
        first = next((one for one in self.relations.values() if one.around is self), None)
        found = first.under("*") if first is not None else None
        return _collected(found) if grouped and found is not None else found

    def twin(self, part: Any, *, grouped: bool) -> Any:
        """The expression for the rows under `part`; None for one that is made of none."""
        from sqlglot import exp

        if isinstance(part, exp.Column):
            found = self._column(part)
            return _collected(found) if grouped and found is not None else found
        if isinstance(part, exp.Window):
            return self._window(part, grouped)
        if isinstance(part, exp.Filter):
            found = self.twin(part.this, grouped=grouped)
            return exp.Filter(this=found, expression=part.expression.copy()) if found is not None else None
        if isinstance(part, exp.WithinGroup):
            return self._aggregated([part.expression])
        if _is_aggregate(part):
            return self._aggregated([part])
        if isinstance(part, exp.Query):
            return self._subquery(part)
        return _together([self.twin(one, grouped=grouped) for one in part.iter_expressions()])

    def _column(self, part: exp.Column) -> Any:
        relation = self.relations.get(part.table)
        if relation is None:
            raise NotExact(f"a query within it looks at {part.sql('postgres')} of the query around it")
        return relation.under(part.name)

    def _aggregated(self, parts: list[Any]) -> Any:
        """The rows under all that was aggregated; of rows that are only counted, the rows themselves."""
        from sqlglot import exp

        columns = [one for part in parts for one in _inputs(part)]
        found = _together([self.twin(one, grouped=False) for one in columns]) if columns else self._row(grouped=False)
        return exp.func("jsonb_agg", found) if found is not None else None

    def _window(self, part: exp.Window, grouped: bool) -> Any:
        from sqlglot import exp

        inner, where = part.this, None
        if isinstance(inner, exp.Filter):
            inner, where = inner.this, inner.expression
        window = part.copy()
        if part.args.get("alias"):
            raise NotExact("it names its windows")
        name = inner.sql_name() if isinstance(inner, exp.Func) else ""
        name = inner.name.upper() if isinstance(inner, exp.Anonymous) else name
        if name in OFFSETS:
            found = self.twin(inner.this, grouped=grouped)
            if found is None:
                return None
            inner = inner.copy()
            inner.set("this", found)
            inner.set("default", None)
            window.set("this", inner)
            return window
        if name in RANKS:
            ordered = [
                *(part.args.get("partition_by") or ()),
                *([part.args["order"]] if part.args.get("order") else ()),
            ]
            inputs = [self.twin(one, grouped=grouped) for one in ordered]
            found = _together(inputs) or self._row(grouped)
            window.set("order", None)
            window.set("spec", None)
        elif _is_aggregate(inner):
            inputs = [self.twin(one, grouped=grouped) for one in inner.iter_expressions()]
            found = _together(inputs) if list(_inputs(inner)) else self._row(grouped)
        else:
            raise NotExact(f"it holds {part.sql('postgres')}")
        if found is None:
            return None
        collected = exp.func("jsonb_agg", found)
        window.set("this", exp.Filter(this=collected, expression=where.copy()) if where is not None else collected)
        return window

    def _subquery(self, part: Any) -> Any:
        """The rows under a query that stands for a value, or for whether there is a row."""
        from sqlglot import exp

        inner = _Query(part.copy(), self.walk, self.defined)
        inner.relations = {**self.relations, **inner.relations}
        if not isinstance(inner.node, exp.Select):
            raise NotExact("it holds a union as a value")
        first = inner.node.expressions[0].unalias()
        value = inner.twin(first, grouped=inner.is_grouped)
        if value is None:
            value = inner._row(inner.is_grouped)
        if value is None:
            return None
        exists = part.parent is not None and isinstance(part.parent, exp.Exists | exp.In | exp.Array)
        if exists and not inner.is_grouped:
            inner.node.set("order", None)
            inner.node.set("limit", None)
            value = exp.func("jsonb_agg", value)
        inner.node.set("expressions", [value])
        return exp.Subquery(this=inner.node)


class _Relation:
    """Something that a select reads from: a base table, a query, or a function of columns beside it."""

    def __init__(self, around: _Query, alias: str, node: Any) -> None:
        from sqlglot import exp

        self.around, self.alias, self.node = around, alias, node
        self.query: _Query | None = None
        inner = node.this if isinstance(node, exp.Lateral) else node
        if isinstance(inner, exp.Subquery):
            self.query = _Query(inner.this, around.walk, around.defined)
            if isinstance(node, exp.Lateral):
                self.query.relations = {**around.relations, **self.query.relations}
            inner.set("this", self.query.node)
            if not isinstance(self.query.node, exp.Values):
                _drop_column_names(node)
        elif isinstance(node, exp.Table) and node.db == "" and node.name in around.defined:
            self.query = around.defined[node.name]
            _drop_column_names(node)

    @property
    def place(self) -> tuple[str, str] | None:
        from sqlglot import exp

        is_base = self.query is None and isinstance(self.node, exp.Table) and self.node.db.startswith("s2p:")
        return (self.node.db.removeprefix("s2p:"), self.node.name) if is_base else None

    def under(self, column: str) -> Any:
        from sqlglot import exp

        if self.query is not None:
            name = self.query.under(column)
            return exp.column(name, self.alias, quoted=True) if name else None
        if self.place is not None:
            return self.around.walk.row(self.place, self.alias, column)
        inputs = [one for one in self.node.find_all(exp.Column) if one.table in self.around.relations]
        return _together([self.around.twin(one, grouped=False) for one in inputs])


def _relations(query: _Query) -> dict[str, _Relation]:
    """What a select reads from, by the names that its columns are called by."""
    from sqlglot import exp

    node = query.node
    found: dict[str, _Relation] = {}
    query.relations = found
    begin = node.args.get("from_")
    joined = [one.this for one in node.args.get("joins") or ()] + list(node.args.get("laterals") or ())
    for one in ([begin.this] if begin is not None else []) + joined:
        if isinstance(one, exp.Paren):
            raise NotExact("it joins within brackets")
        if one.args.get("joins"):
            raise NotExact("it joins within brackets")
        found[one.alias_or_name] = _Relation(query, one.alias_or_name, one)
    return found


def _drop_column_names(node: Any) -> None:
    """`as t (a, b)` names columns by their places, which no more hold when others are carried along."""
    alias = node.args.get("alias")
    if alias is not None and getattr(alias, "columns", None):
        alias.set("columns", None)


def _own_parts(part: Any) -> Any:
    """A part and all within it, without queries and without what windows look at."""
    from sqlglot import exp

    yield part
    if isinstance(part, exp.Window):
        inner = part.this.this if isinstance(part.this, exp.Filter) else part.this
        below = [one for child in inner.iter_expressions() for one in [child]]
        below += list(part.args.get("partition_by") or ())
        below += [part.args["order"]] if part.args.get("order") else []
    else:
        below = list(part.iter_expressions())
    for one in below:
        if not isinstance(one, exp.Query):
            yield from _own_parts(one)


def _is_aggregate(part: Any) -> bool:
    from sqlglot import exp

    window = isinstance(part.parent, exp.Window) and part.parent.this is part
    if isinstance(part, exp.Anonymous):
        return part.name.lower() in AGGREGATES
    if isinstance(part, exp.WithinGroup):
        return True
    if not isinstance(part, exp.AggFunc):
        return False
    return not (window and part.sql_name() in (*RANKS, *OFFSETS))


def _inputs(part: Any) -> list[Any]:
    """What an aggregate looks at: its columns and queries; none for `count(*)` and `count(1)`."""
    from sqlglot import exp

    found: list[Any] = []
    for one in part.iter_expressions():
        found += [one] if isinstance(one, exp.Column | exp.Query) else _inputs(one)
    return [one for one in found if not isinstance(getattr(one, "this", None), exp.Star)]


def _collected(found: Any) -> Any:
    from sqlglot import exp

    return exp.func("jsonb_agg", found)


def _together(found: list[Any]) -> Any:
    """Several places as one; each once."""
    from sqlglot import exp

    once = {one.sql("postgres"): one for one in found if one is not None}
    if not once:
        return None
    return next(iter(once.values())) if len(once) == 1 else exp.func("jsonb_build_array", *once.values())
