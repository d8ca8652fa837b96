"""Every declaration on the shelves, by asset key, and what depends on what.

Knows names and dependencies only; making Dagster assets of them is for the neighbours.
"""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import dagster as dg

from s2p_assets.columns import Column, place_of
from s2p_assets.learning.feature_set import FeatureSet
from s2p_assets.learning.kinds import kind_of
from s2p_assets.learning.model import Contest, Model, in_country
from s2p_assets.publishing.report import Report
from s2p_assets.shelves import Fault, read_shelf
from s2p_assets.spreadsheet.claims import claimants
from s2p_assets.spreadsheet.contract import Workbook
from s2p_assets.warehouse.deliveries import DELIVERIES, DeliveryTable
from s2p_assets.warehouse.table import Table
from s2p_assets.warehouse.trace import found_by, sources_of, under_of

MadeThing = Table | FeatureSet | Model | Contest | Report
Stored = Workbook | Table | FeatureSet | DeliveryTable
Declared = Workbook | MadeThing | DeliveryTable

FILES = dg.AssetKey(["s2p", "files"])
UNCLAIMED = dg.AssetKey(["s2p", "unclaimed"])


def key_of(declared: Declared) -> dg.AssetKey:
    """The asset key of the thing itself: `retail/price_list`."""
    return dg.AssetKey([declared.domain, declared.thing])


def share_key(workbook: Workbook) -> dg.AssetKey:
    """The key of what lies on the share: `retail/price_list_share`."""
    return dg.AssetKey([workbook.domain, f"{workbook.thing}_share"])


def sheet_key(workbook: Workbook) -> dg.AssetKey:
    """The key of what was read and is about to be stored: `retail/price_list_sheet`."""
    return dg.AssetKey([workbook.domain, f"{workbook.thing}_sheet"])


@dataclass(frozen=True)
class House:
    """All shelves of one installation."""

    workbooks: dict[str, Workbook]
    tables: dict[str, Table]
    features: dict[str, FeatureSet]
    models: dict[str, Model]
    contests: dict[str, Contest]
    reports: dict[str, Report]
    faults: tuple[Fault, ...]

    @cached_property
    def by_key(self) -> dict[dg.AssetKey, Declared]:
        things: list[Declared] = [*self.delivery_tables, *self.declared()]
        return {key_of(thing): thing for thing in things}

    @cached_property
    def delivery_tables(self) -> tuple[DeliveryTable, ...]:
        """What every domain with workbooks has of itself: a table of what came in. A shelf's own comes before it."""
        shelved = {(made.domain, made.thing) for made in self.declared()}
        domains = sorted({workbook.domain for workbook in self.workbooks.values()})
        return tuple(
            DeliveryTable(domain, tuple(sorted(book.name for book in self.workbooks.values() if book.domain == domain)))
            for domain in domains
            if (domain, DELIVERIES) not in shelved
        )

    def stored(self) -> Iterator[Stored]:
        """Everything whose rows stand in tables."""
        yield from self.workbooks.values()
        yield from self.tables.values()
        yield from self.features.values()
        yield from self.delivery_tables

    def declared(self) -> Iterator[Workbook | MadeThing]:
        """What the shelves hold."""
        yield from self.workbooks.values()
        yield from self.made()

    def made(self) -> Iterator[MadeThing]:
        yield from self.tables.values()
        yield from self.features.values()
        yield from self.models.values()
        yield from self.contests.values()
        yield from self.reports.values()

    def candidates(self, contest: Contest) -> list[Model]:
        """The models that compete in `contest`."""
        return [
            model for model in self.models.values() if (model.domain, model.contest) == (contest.domain, contest.thing)
        ]

    def contest_of(self, model: Model) -> Contest:
        return self.contests[f"{model.domain}_{model.contest}"]

    def inputs_of(self, made: MadeThing | DeliveryTable) -> dict[str, dg.AssetKey]:
        """Parameter → asset key of what `made` is made from."""
        if isinstance(made, DeliveryTable):
            return {name: key_of(self.workbooks[name]) for name in made.workbooks}
        if isinstance(made, Model):
            contest = self.contest_of(made)
            return {"history": dg.AssetKey([contest.domain, contest.features])}
        if isinstance(made, Contest):
            history = {"history": dg.AssetKey([made.domain, made.features])}
            return history | {model.thing: key_of(model) for model in self.candidates(made)}
        return {parameter: dg.AssetKey(list(place)) for parameter, place in made.inputs.items()}

    def workbooks_under(self, key: dg.AssetKey) -> list[Workbook]:
        """The workbooks from which `key` is made in the end, each once."""
        made_from = [self.by_key[here] for here in self.under(key)]
        return [declared for declared in made_from if isinstance(declared, Workbook)]

    def under(self, key: dg.AssetKey) -> list[dg.AssetKey]:
        """`key` and all that it is made from in the end, nearest first, each once."""
        found: dict[dg.AssetKey, None] = {}
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

    def traced_by(self, source: Stored) -> list[tuple[str, ...]]:
        """The columns of `source`, an index each, by which traces find the rows that lie under what is made of it."""
        derived: list[Table | FeatureSet] = [*self.tables.values(), *self.features.values()]
        wanted = {
            found
            for declared in derived
            for column in declared.columns
            if any(place == (source.domain, source.thing) for place, _ in sources_of(declared, column))
            if (found := found_by(source, under_of(declared, column.name, source)))
        }
        return sorted(one for one in wanted if not any(other[: len(one)] == one for other in wanted if other != one))

    def rivals_of(self, workbook: Workbook) -> Callable[[str], list[Workbook]]:
        """For a path that `workbook` claims: every workbook whose patterns match it, in order of their names."""
        known = [self.workbooks[name] for name in sorted(self.workbooks)]
        return lambda path: list(claimants(path, known)) or [workbook]

    def referred_by(self, workbook: Workbook) -> list[dg.AssetKey]:
        """The tables of the other workbooks that rows of `workbook` refer to, each once."""
        places = dict.fromkeys((reference.domain, reference.thing) for reference in workbook.references)
        return [dg.AssetKey(place) for place in places if place != (workbook.domain, workbook.thing)]

    def columns_at(self, key: dg.AssetKey) -> tuple[Column, ...]:
        """The declared columns of a stored thing; empty for models and reports."""
        declared = self.by_key.get(key)
        return declared.columns if isinstance(declared, Stored) else ()


def read_house(packages: tuple[str, ...], country: str | None = None) -> House:
    """Read every shelf of `packages`. A file with a fault, or that needs something which is not there, is left out.

    `country`: whose holidays count in contests that name none, as of `in_country`.
    """
    workbooks = read_shelf(packages, "workbooks", Workbook)
    tables = read_shelf(packages, "tables", Table)
    features = read_shelf(packages, "features", FeatureSet)
    models = read_shelf(packages, "models", (Model, Contest))
    reports = read_shelf(packages, "reports", Report)
    house = House(
        workbooks=workbooks.items,
        tables=tables.items,
        features=features.items,
        models={name: item for name, item in models.items.items() if isinstance(item, Model)},
        contests={name: in_country(item, country) for name, item in models.items.items() if isinstance(item, Contest)},
        reports=reports.items,
        faults=(
            *_not_there(packages),
            *(*workbooks.faults, *tables.faults, *features.faults, *models.faults, *reports.faults),
        ),
    )
    return _without_dangling(house)


def _not_there(packages: tuple[str, ...]) -> list[Fault]:
    return [
        Fault(Path(package), None, "there is no such package; correct S2P_SHELVES, or PYTHONPATH")
        for package in packages
        if find_spec(package.partition(".")[0]) is None or find_spec(package) is None
    ]


def _without_dangling(house: House) -> House:
    """Leave out, with a fault, whatever names something that no shelf holds; repeat until all is whole."""
    while dangling := _first_dangling(house):
        declared, fault = dangling
        house = House(
            workbooks={name: item for name, item in house.workbooks.items() if item is not declared},
            tables={name: item for name, item in house.tables.items() if item is not declared},
            features={name: item for name, item in house.features.items() if item is not declared},
            models={name: item for name, item in house.models.items() if item is not declared},
            contests={name: item for name, item in house.contests.items() if item is not declared},
            reports={name: item for name, item in house.reports.items() if item is not declared},
            faults=(*house.faults, fault),
        )
    return house


def _first_dangling(house: House) -> tuple[Workbook | MadeThing, Fault] | None:
    for workbook in house.workbooks.values():
        if wrong := _wrong_reference(house, workbook):
            return workbook, Fault(Path(inspect.getfile(workbook.rows)), None, wrong)
    for made in house.made():
        if isinstance(made, Model) and f"{made.domain}_{made.contest}" not in house.contests:
            return made, made.fault(f"no contest {made.domain}_{made.contest} on the models shelf")
        for parameter, key in house.inputs_of(made).items():
            if key not in house.by_key:
                return made, made.fault(f"needs {parameter!r}, but no shelf holds {'_'.join(key.path)}")
        for column in getattr(made, "columns", ()):
            for source in column.meaning.of:
                if fault := _unknown_source(house, made, column, source):
                    return made, fault
        if isinstance(made, Contest) and (fault := _leak(house, made)):
            return made, fault
    return None


def _leak(house: House, contest: Contest) -> Fault | None:
    """A contest must not learn from a column that knows what it is to tell."""
    found = kind_of(contest.problem).leaks
    history = house.columns_at(dg.AssetKey([contest.domain, contest.features]))

    def columns_of(domain: str, thing: str) -> tuple[Column, ...]:
        return house.columns_at(dg.AssetKey([domain, thing]))

    leaks = found(contest.domain, history, contest.problem, columns_of) if found else {}
    if not leaks:
        return None
    which = "; ".join(f"{name}: {path}" for name, path in leaks.items())
    return contest.fault(
        f"would learn from what is known only after the outcome: {which}; take the column out of "
        f"{contest.domain}_{contest.features}, refuse it by name, or, if it is made of earlier cases' outcomes alone, "
        'declare it known="before"'
    )


def _wrong_reference(house: House, workbook: Workbook) -> str | None:
    """What is wrong with what a workbook refers to, in one line."""
    kinds = {column.name: column.kind for column in workbook.columns}
    for reference in workbook.references:
        there = house.workbooks.get(reference.workbook)
        known = {column.name: column.kind for column in there.columns} if there else {}
        if known.get(reference.there) != kinds[reference.column]:
            which = f"{reference.workbook}.{reference.there}"
            return f"column {reference.column!r} refers to {which}, which is no workbook's column of its kind"
    if workbook.name in _referred_in_the_end(house, workbook):
        return "it refers to a workbook that refers to it; one of them has to come first"
    return None


def _referred_in_the_end(house: House, workbook: Workbook) -> set[str]:
    """The names of the workbooks that `workbook` refers to, and they in turn, not counting what refers to itself."""
    found: set[str] = set()
    waiting = [workbook.name]
    while waiting:
        here = waiting.pop()
        known = house.workbooks.get(here)
        named = {reference.workbook for reference in known.references} - {here} if known else set()
        waiting += named - found
        found |= named
    return found


def _unknown_source(house: House, made: MadeThing, column: Column, source: str) -> Fault | None:
    """A column's declared origin `thing.column` must be a column that exists."""
    domain, thing, name = place_of(source, made.domain)
    known = house.columns_at(dg.AssetKey([domain, thing]))
    if known and name not in {other.name for other in known}:
        return made.fault(f"column {column.name!r} is made of {source!r}, which does not exist")
    return None
