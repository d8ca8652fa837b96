"""Cases with an outcome to come: those that are stored, one of them explained, and one that somebody types in.

Probabilities are made in `learning/`, by the version in service; nothing is trained here. How far to trust one is said
in `trust.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from s2p_assets.catalog.catalog import Catalog
from s2p_assets.contracts.columns import Column, Kind
from s2p_assets.contracts.derivation import NotYet
from s2p_assets.contracts.feature_set import FeatureSet
from s2p_assets.contracts.model import ClassificationTask, Classifier, Contest
from s2p_assets.contracts.table import Table
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.planning.series import champion_of, in_service
from s2p_assets.services.planning.trust import furthest_told, how_far_to_trust
from s2p_assets.services.tables import not_stored
from s2p_assets.warehouse.tables.references import referenced_values
from s2p_assets.warehouse.tables.row_query import QueryInvalid, parse_value

if TYPE_CHECKING:
    import pandas as pd

    from s2p_assets.learning.versions import Champion

MOST_CASES, MOST_REASONS, MOST_OPTIONS = 500, 5, 2_000
LEAST_POINTS = 0.5
TYPED = "typed in"
NOT_SHOWN = ("model", "model_version", "basis", "reasons")


@dataclass(frozen=True)
class CaseTable:
    """A stored table of cases with the probabilities of their outcomes, and the contests behind it, first the main."""

    table: Table
    contests: tuple[Contest, ...]
    features: FeatureSet

    @property
    def task(self) -> ClassificationTask:
        return cast("ClassificationTask", self.contests[0].task)

    @property
    def shown(self) -> list[Column]:
        """The columns that people look at; what made them is said elsewhere."""
        return [
            column
            for column in self.table.columns
            if column.name not in NOT_SHOWN and not column.name.endswith(("_model", "_version"))
        ]


def case_tables(catalog: Catalog, sees: Callable[[str], bool]) -> list[CaseTable]:
    """The tables of open cases that somebody sees: made from a contest's champion and the features it learns from."""
    found = []
    for table in catalog.tables.values():
        under = [catalog.by_key.get(key) for key in catalog.inputs_of(table).values()]
        contests = tuple(one for one in under if isinstance(one, Contest) and isinstance(one.task, ClassificationTask))
        features = [one for one in under if isinstance(one, FeatureSet)]
        if not contests or not features or contests[0].task.entity not in table.key:
            continue
        if all(sees(name) for name in (table.full_name, features[0].full_name, *(one.full_name for one in contests))):
            found.append(CaseTable(table, contests, features[0]))
    return sorted(found, key=lambda one: one.table.full_name)


def case_table_named(catalog: Catalog, name: str) -> CaseTable:
    """Raises NotFound."""
    for one in case_tables(catalog, lambda _: True):
        if one.table.full_name == name.replace(".", "_", 1):
            return one
    raise NotFound(f"{name[:80]} is no table of cases with an outcome to come")


def stored_cases(ctx: Context, one: CaseTable) -> list[dict[str, Any]]:
    """Its rows, the likeliest first, at most `MOST_CASES`. Raises NotStored."""
    chances = [column.name for column in one.table.columns if column.kind == "percent"]
    order = sql.SQL("{} desc").format(sql.Identifier(chances[0])) if chances else sql.SQL("1")
    query = sql.SQL("select {} from {} order by {} limit {}").format(
        sql.SQL(", ").join(sql.Identifier(column.name) for column in one.table.columns),
        sql.Identifier(one.table.domain, one.table.name),
        order,
        sql.Literal(MOST_CASES),
    )
    with ctx.warehouse.reading() as connection, connection.cursor(row_factory=dict_row) as cursor:
        try:
            return cursor.execute(query).fetchall()
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedColumn):
            raise not_stored(one.table.full_name) from None


def explain_case(ctx: Context, name: str, contest: str, entity: str) -> dict[str, Any]:
    """Of a stored case the probability, what speaks for it and against it, and how far to trust that.

    `reasons`: feature, what it is, its value, and how many points of a hundred it adds; the weightiest first. `usual`:
    the probability of cases in general. `trust`: sentences, as of `trust.how_far_to_trust`. Raises NotFound.
    """
    from s2p_assets.learning.classification.scoring import open_cases
    from s2p_assets.warehouse.tables import store

    one = case_table_named(ctx.catalog, name)
    asked = next((found for found in one.contests if found.full_name == contest), one.contests[0])
    with ctx.warehouse.reading() as connection:
        history = store.read_rows(connection, one.features.domain, one.features.name, one.features.columns)
    champion = champion_of(ctx, asked)
    cases = open_cases(history, champion.task)
    mine = cases[cases[one.task.entity].astype(str) == entity]
    if mine.empty:
        raise NotFound(f"there is no open {one.task.entity} {entity[:80]!r}")
    told = next((row for row in stored_cases(ctx, one) if str(row[one.task.entity]) == entity), None)
    chance = _chance_column(one, asked)
    probability = None if told is None or chance is None else float(told[chance])
    return _explained(ctx, asked, champion, one.features, mine.iloc[[0]], history, probability)


def doubtful_cases(ctx: Context, name: str) -> list[str]:
    """The stored cases, by entity, that are told more or less than any past case was. Raises NotFound, NotStored."""
    one = case_table_named(ctx.catalog, name)
    rows, found = stored_cases(ctx, one), []
    for contest in one.contests:
        chance, told = _chance_column(one, contest), furthest_told(champion_of(ctx, contest))
        if chance is not None and told is not None:
            found += [row for row in rows if not told[0] <= float(row[chance]) <= told[1]]
    return list(dict.fromkeys(str(row[one.task.entity]) for row in found))


def _chance_column(one: CaseTable, asked: Contest) -> str | None:
    """The column with the probability of a contest's outcome: as they are declared, one for each contest."""
    chances = [column.name for column in one.table.columns if column.kind == "percent"]
    if len(one.contests) == 1:
        return chances[0] if chances else None
    word = asked.name.removesuffix("_champion")
    return next((name for name in chances if name.startswith(word)), None)


def _explained(
    ctx: Context,
    contest: Contest,
    champion: "Champion[ClassificationTask]",
    features: FeatureSet,
    case: "pd.DataFrame",
    history: "pd.DataFrame",
    probability: float | None = None,
) -> dict[str, Any]:
    from s2p_assets.learning.classification.explanations import explain
    from s2p_assets.learning.classification.time_folds import predict_probabilities

    found = explain(champion, case, history)
    if probability is None:
        probability = float(predict_probabilities(cast("Classifier", champion.model.learner), case, champion.task)[0])
    columns = {column.name: column for column in features.columns}
    points = found.drop(columns="usual").iloc[0] * 100
    ranked = points.reindex(points.abs().sort_values(ascending=False, kind="stable").index)[:MOST_REASONS]
    return {
        "probability": probability,
        "usual": float(found["usual"].iloc[0]),
        "reasons": [
            {
                "feature": name,
                "says": columns[str(name)].description,
                "value": _said(case[name].iloc[0], columns[str(name)].kind),
                "points": float(value),
            }
            for name, value in ranked.items()
            if abs(value) >= LEAST_POINTS
        ],
        "trust": how_far_to_trust(ctx, contest, champion, probability),
        **in_service(ctx, contest),
    }


def _said(value: Any, kind: Kind) -> str:
    """A value as people write it."""
    import pandas as pd

    if pd.isna(value):
        return "not known"
    if kind == "percent":
        return f"{float(value):.0%}".replace("%", " %")
    if kind in ("number", "money"):
        return f"{float(value):,.2f}".rstrip("0").rstrip(".")
    if kind == "integer":
        return f"{int(value):,}"
    if kind == "boolean":
        return "yes" if value else "no"
    return str(value.date()) if kind == "date" else str(value)


@dataclass(frozen=True)
class TypedField:
    """What is asked of somebody who types a case in; `options`: the only values, where they are known."""

    name: str
    says: str
    kind: Kind
    needed: bool
    options: tuple[str, ...] = ()


def typed_in_from(catalog: Catalog, one: CaseTable) -> Workbook | None:
    """The kind of workbook whose rows are such cases, if there is one such kind alone."""
    entity = next(column for column in one.features.columns if column.name == one.task.entity)
    inputs = {name: catalog.by_key.get(key) for name, key in catalog.inputs_of(one.features).items()}
    named = {source.partition(".")[0] for source in entity.derived_from}
    books = [inputs.get(name) for name in named]
    found = books[0] if len(books) == 1 else None
    return found if isinstance(found, Workbook) and found.key == (one.task.entity,) else None


def typed_fields(ctx: Context, one: CaseTable) -> list[TypedField]:
    """What of a case can be known before its outcome, with the values that may be chosen. None: it cannot be typed."""
    book = typed_in_from(ctx.catalog, one)
    if book is None:
        return []
    with ctx.warehouse.reading() as connection:
        there = referenced_values(connection, book)
    return [
        TypedField(
            column.name,
            column.description,
            column.kind,
            not column.nullable,
            tuple(sorted(map(str, there[column.name].to_pylist()[:MOST_OPTIONS])))
            if column.name in there
            else tuple(map(str, column.allowed_values or ())),
        )
        for column in _asked(book, one.task)
    ]


def _asked(book: Workbook, task: ClassificationTask) -> list[Column]:
    refused = {task.entity, *task.refused}
    return [column for column in book.columns if column.name not in refused and column.available != "after_outcome"]


def score_typed(ctx: Context, name: str, typed: Mapping[str, str]) -> dict[str, Any]:
    """As of `explain_case`, of a case that somebody types in: the row that the workbook would have, made features of.

    Nothing is stored. Raises NotFound, and QueryInvalid with every field that is wrong.
    """
    from s2p_assets.contracts.validation import conform
    from s2p_assets.warehouse.tables import store

    one = case_table_named(ctx.catalog, name)
    book = typed_in_from(ctx.catalog, one)
    if book is None:
        raise NotFound(f"cases of {name[:80]} come from several kinds of workbook and cannot be typed in")
    row = _parsed(typed_fields(ctx, one), typed)
    with ctx.warehouse.reading() as connection:
        inputs = {
            parameter: store.read_rows(connection, declared.domain, declared.name, declared.columns)
            for parameter, declared in _inputs(ctx.catalog, one.features).items()
        }
        history = store.read_rows(connection, one.features.domain, one.features.name, one.features.columns)
    for parameter, declared in _inputs(ctx.catalog, one.features).items():
        if declared is book:
            inputs[parameter] = _with_row(inputs[parameter], {one.task.entity: TYPED, **row})
    try:
        made = conform(one.features.build(**inputs), one.features.rows)
    except NotYet as reason:
        raise QueryInvalid(f"no case can be told yet: {reason}") from reason
    mine = made[made[one.task.entity].astype(str) == TYPED]
    if mine.empty:
        raise QueryInvalid("what you typed leads to no case; is everything of it known to s2p?")
    newest = _as_read(mine.sort_values(one.task.time).iloc[[-1]].reset_index(drop=True), history)
    return _explained(ctx, one.contests[0], champion_of(ctx, one.contests[0]), one.features, newest, history)


def _inputs(catalog: Catalog, features: FeatureSet) -> dict[str, Any]:
    return {parameter: catalog.by_key[key] for parameter, key in catalog.inputs_of(features).items()}


class TypedWrong(QueryInvalid):
    """What somebody typed in cannot be; `faults`: field → what is wrong with it."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        self.faults = dict(faults)
        super().__init__("; ".join(self.faults.values()))

    def __reduce__(self) -> tuple[Any, ...]:
        return TypedWrong, (self.faults,)  # it comes back from a process of its own


def _parsed(fields: Sequence[TypedField], typed: Mapping[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for field in fields:
        text = typed.get(field.name, "").strip()
        if not text:
            if field.needed:
                faults[field.name] = f"{field.says}: is needed"
            row[field.name] = None
            continue
        if field.options and text not in field.options:
            faults[field.name] = f"{field.says}: {text[:60]!r} is not known"
            continue
        try:
            row[field.name] = parse_value(field.name, field.kind, text)
        except QueryInvalid as error:
            faults[field.name] = f"{field.says}: {error}"
    if faults:
        raise TypedWrong(faults)
    return row


def _with_row(frame: "pd.DataFrame", row: Mapping[str, Any]) -> "pd.DataFrame":
    import pandas as pd

    values = {name: [row.get(name)] for name in frame.columns}
    for name, kind in frame.dtypes.items():
        if getattr(kind, "kind", "") == "f":
            values[str(name)] = [None if row.get(str(name)) is None else float(row[str(name)])]
    new = pd.DataFrame(values).astype(frame.dtypes.to_dict())
    return pd.concat([frame, new], ignore_index=True)


def _as_read(case: "pd.DataFrame", history: "pd.DataFrame") -> "pd.DataFrame":
    """The types in which stored features are read, which models have learned from."""
    known = {name: kind for name, kind in history.dtypes.items() if name in case}
    plain = case.copy()
    for name, kind in known.items():
        if getattr(kind, "kind", "") == "f":
            plain[name] = plain[name].to_numpy("float64", na_value=float("nan"))
    return plain.astype(known)
