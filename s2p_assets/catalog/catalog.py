"""Every declaration on the shelves, by its key, and what depends on what.

Knows names and dependencies only; it is read from the shelves in `loading.py`, and made into assets beside.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import TopologicalSorter
from typing import NamedTuple

from s2p_assets.catalog.lineage_rules import TIME_KINDS, declared_sources, index_columns, lineage_rule
from s2p_assets.catalog.paths import matching_contracts
from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.dbt_model import DbtModel
from s2p_assets.contracts.deliveries import DELIVERIES, DeliveryTable
from s2p_assets.contracts.derivation import Fault
from s2p_assets.contracts.feature_set import FeatureSet
from s2p_assets.contracts.model import Contest, Model
from s2p_assets.contracts.report import Report
from s2p_assets.contracts.sql_table import SqlTable
from s2p_assets.contracts.stream import Push, Stream
from s2p_assets.contracts.table import Table
from s2p_assets.contracts.workbook import Workbook

Derived = Table | FeatureSet | Model | Contest | Report
Stored = Workbook | Table | FeatureSet | DeliveryTable
Readable = Stored | DbtModel
Declaration = Workbook | Derived | DeliveryTable | DbtModel


class Key(NamedTuple):
    """By what the house knows a declaration, whatever shelf it stands on: `Key("retail", "price_list")`."""

    domain: str
    name: str

    def __str__(self) -> str:
        return f"{self.domain}_{self.name}"


def key_of(declared: Declaration) -> Key:
    """The key of a declaration."""
    return Key(declared.domain, declared.name)


def _index_of(declared: Table | FeatureSet, column: Column, source: Stored) -> tuple[str, ...]:
    """The columns by which rows of `source` under a column are asked for; of a select those that its key is made of."""
    if not isinstance(declared, SqlTable):
        return index_columns(source, lineage_rule(declared, column.name, source))
    if column.name not in declared.key:
        return ()
    kinds = {one.name: one.kind for one in source.columns}
    names = [name for place, name in declared_sources(declared, column) if place == (source.domain, source.name)]
    return next(((name,) for name in names if kinds.get(name) not in TIME_KINDS), ())


@dataclass(frozen=True)
class Catalog:
    """All shelves of one installation."""

    workbooks: dict[str, Workbook]
    streams: dict[str, Stream]
    tables: dict[str, Table]
    features: dict[str, FeatureSet]
    models: dict[str, Model]
    contests: dict[str, Contest]
    reports: dict[str, Report]
    faults: tuple[Fault, ...]
    dbt_models: Mapping[str, DbtModel] = field(default_factory=dict)

    @cached_property
    def by_key(self) -> dict[Key, Declaration]:
        things: list[Declaration] = [*self.dbt_models.values(), *self.delivery_tables, *self.declared()]
        return {key_of(name): name for name in things}

    @cached_property
    def delivery_tables(self) -> tuple[DeliveryTable, ...]:
        """What every domain with workbooks has of itself: a table of what came in. A shelf's own comes before it."""
        shelved = {(made.domain, made.name) for made in self.declared()}
        domains = sorted({workbook.domain for workbook in self.workbooks.values()})
        return tuple(
            DeliveryTable(
                domain, tuple(sorted(book.full_name for book in self.workbooks.values() if book.domain == domain))
            )
            for domain in domains
            if (domain, DELIVERIES) not in shelved
        )

    @property
    def feature_sets(self) -> dict[str, FeatureSet | SqlTable]:
        """What the API serves as feature sets: those of the shelf, and SQL tables that name entity and event time."""
        of_sql = {name: one for name, one in self.tables.items() if isinstance(one, SqlTable) and one.event_time}
        return {**self.features, **of_sql}

    @cached_property
    def live_tables(self) -> list[SqlTable]:
        """The tables that follow their streams by the second, each after those that it is made of."""
        live = {key_of(one): one for one in self.tables.values() if isinstance(one, SqlTable) and one.every}
        order = TopologicalSorter({key: set(self.upstream(key)[1:]) & live.keys() for key in live})
        return [live[key] for key in order.static_order()]

    @property
    def follows_pushed(self) -> bool:
        """Whether one of them is of events that programs push, for which no process would have to read."""
        behind = (one for table in self.live_tables for one in self.workbooks_behind(key_of(table)))
        return any(isinstance(one, Stream) and isinstance(one.source, Push) for one in behind)

    def stored(self) -> Iterator[Stored]:
        """Everything whose rows stand in tables."""
        yield from self.workbooks.values()
        yield from self.streams.values()
        yield from self.tables.values()
        yield from self.features.values()
        yield from self.delivery_tables

    def readable(self) -> Iterator[Readable]:
        """Everything whose rows people and programs read: what is stored, and what dbt makes and tells columns of."""
        yield from self.stored()
        yield from (one for one in self.dbt_models.values() if one.columns)

    def declared(self) -> Iterator[Workbook | Derived]:
        """What the shelves hold."""
        yield from self.workbooks.values()
        yield from self.streams.values()
        yield from self.derived()

    def derived(self) -> Iterator[Derived]:
        yield from self.tables.values()
        yield from self.features.values()
        yield from self.models.values()
        yield from self.contests.values()
        yield from self.reports.values()

    def candidates(self, contest: Contest) -> list[Model]:
        """The models that compete in `contest`."""
        return [
            model for model in self.models.values() if (model.domain, model.contest) == (contest.domain, contest.name)
        ]

    def contest_of(self, model: Model) -> Contest:
        return self.contests[f"{model.domain}_{model.contest}"]

    def inputs_of(self, made: Derived | DeliveryTable | DbtModel) -> dict[str, Key]:
        """Parameter → key of what `derived` is made from."""
        if isinstance(made, DeliveryTable):
            return {name: key_of(self.workbooks[name]) for name in made.workbooks}
        if isinstance(made, DbtModel):
            return {str(Key(*place)): Key(*place) for place in made.made_from if Key(*place) in self.by_key}
        if isinstance(made, Model):
            contest = self.contest_of(made)
            return {"history": Key(contest.domain, contest.features)}
        if isinstance(made, Contest):
            history = {"history": Key(made.domain, made.features)}
            return history | {model.name: key_of(model) for model in self.candidates(made)}
        return {parameter: Key(*place) for parameter, place in made.inputs.items()}

    def workbooks_behind(self, key: Key) -> list[Workbook]:
        """The workbooks and streams from which `key` is made in the end, each once."""
        made_from = [self.by_key[here] for here in self.upstream(key)]
        return [declared for declared in made_from if isinstance(declared, Workbook)]

    def upstream(self, key: Key) -> list[Key]:
        """`key` and all that it is made from in the end, nearest first, each once."""
        found: dict[Key, None] = {}
        waiting = [key]
        while waiting:
            here = waiting.pop(0)
            if here in found or here not in self.by_key:
                continue
            found[here] = None
            declared = self.by_key[here]
            if not isinstance(declared, Workbook):
                waiting.extend(self.inputs_of(declared).values())
        return list(found)

    def trace_indexes(self, source: Stored) -> list[tuple[str, ...]]:
        """The columns of `source`, an index each, by which traces find the rows that lie under what is made of it."""
        derived: list[Table | FeatureSet] = [*self.tables.values(), *self.features.values()]
        wanted = {
            found
            for declared in derived
            for column in declared.columns
            if any(place == (source.domain, source.name) for place, _ in declared_sources(declared, column))
            if (found := _index_of(declared, column, source))
        }
        return sorted(one for one in wanted if not any(other[: len(one)] == one for other in wanted if other != one))

    def claimants_of(self, workbook: Workbook) -> Callable[[str], list[Workbook]]:
        """For a path that `workbook` claims: every workbook whose patterns match it, in order of their names."""
        known = [self.workbooks[name] for name in sorted(self.workbooks)]
        return lambda path: list(matching_contracts(path, known)) or [workbook]

    def referenced_by(self, workbook: Workbook) -> list[Key]:
        """The tables of the other workbooks that rows of `workbook` refer to, each once."""
        places = dict.fromkeys((reference.domain, reference.name) for reference in workbook.references)
        return [Key(*place) for place in places if place != (workbook.domain, workbook.name)]

    def columns_at(self, key: Key) -> tuple[Column, ...]:
        """The declared columns of a stored thing; empty for models and reports."""
        declared = self.by_key.get(key)
        return declared.columns if isinstance(declared, Stored | DbtModel) else ()
