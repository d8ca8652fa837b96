"""Loading the catalog from its shelves: what holds, and a fault with file and line for what does not.

What depends on what among those is in `catalog.py`.
"""

import inspect
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from s2p_assets.catalog.catalog import Catalog, Derived, Key, Stored, key_of
from s2p_assets.catalog.dbt_shelf import NO_DBT, DbtShelf
from s2p_assets.catalog.leaks import declared_leaks
from s2p_assets.catalog.shelves import read_shelf
from s2p_assets.catalog.sql_binding import bound
from s2p_assets.catalog.sql_shelf import SqlFault
from s2p_assets.contracts.columns import Column, parse_column_path
from s2p_assets.contracts.dbt_model import DbtModel
from s2p_assets.contracts.deliveries import DeliveryTable
from s2p_assets.contracts.derivation import Fault
from s2p_assets.contracts.feature_set import FeatureSet
from s2p_assets.contracts.lineage import LineageRule
from s2p_assets.contracts.model import ClassificationTask, Contest, Model, in_country
from s2p_assets.contracts.report import Report
from s2p_assets.contracts.sql_table import SqlSource, SqlTable
from s2p_assets.contracts.stream import Stream
from s2p_assets.contracts.table import Table
from s2p_assets.contracts.workbook import Workbook


def load_catalog(packages: tuple[str, ...], country: str | None = None, dbt: DbtShelf = NO_DBT) -> Catalog:
    """Read every shelf of `packages`. A file with a fault, or that needs something which is not there, is left out.

    `country`: whose holidays count in contests that name none, as of `in_country`. `dbt`: the company's dbt project.
    """
    workbooks = read_shelf(packages, "workbooks", Workbook)
    streams = read_shelf(packages, "streams", Stream)
    tables = read_shelf(packages, "tables", Table)
    features = read_shelf(packages, "features", FeatureSet)
    models = read_shelf(packages, "models", (Model, Contest))
    reports = read_shelf(packages, "reports", Report)
    catalog = Catalog(
        workbooks=workbooks.items,
        streams=streams.items,
        tables=tables.items,
        features=features.items,
        models={name: item for name, item in models.items.items() if isinstance(item, Model)},
        contests={name: in_country(item, country) for name, item in models.items.items() if isinstance(item, Contest)},
        reports=reports.items,
        faults=(
            *_not_there(packages),
            *filter(None, [dbt.fault]),
            *(*workbooks.faults, *streams.faults, *tables.faults, *features.faults, *models.faults, *reports.faults),
        ),
    )
    return _with_bound_selects(_without_dangling(with_dbt(catalog, dbt)))


def with_dbt(catalog: Catalog, dbt: DbtShelf) -> Catalog:
    """The catalogue with what dbt makes; the project is left out where it would write over a table of s2p's own."""
    ours = next((one for one in dbt.models.values() if Key(one.domain, one.name) in catalog.by_key), None)
    if ours is None:
        return replace(catalog, dbt_models=dbt.models)
    message = f"it would write over {ours.domain}.{ours.name}, which is s2p's own; give the model another schema"
    return replace(catalog, faults=(*catalog.faults, Fault(Path(ours.file), None, message)))


def _with_bound_selects(catalog: Catalog) -> Catalog:
    """The selects of SQL tables held against the columns that are there; what they do not fit is left out."""
    known = {(one.domain, one.name): _source_of(one) for one in (*catalog.dbt_models.values(), *catalog.stored())}
    tables: dict[str, Table] = {}
    faults: list[Fault] = []
    for name, table in catalog.tables.items():
        try:
            tables[name] = bound(table, known) if isinstance(table, SqlTable) else table
        except SqlFault as fault:
            assert isinstance(table, SqlTable)
            faults.append(Fault(fault.file or table.file, fault.line, str(fault)))
    made = replace(catalog, tables=tables, faults=(*catalog.faults, *faults))
    return _without_dangling(made) if faults else made


def _source_of(one: Stored | DbtModel) -> SqlSource:
    """A stored thing as a select sees it."""
    row_id: tuple[str, ...] = ("_file", "_row", "_sheet") if isinstance(one, Workbook) else ()
    return SqlSource(one.domain, one.name, one.name, one.columns, one.key, row_id)


def _loop(catalog: Catalog) -> list[Key]:
    """Things that are made of each other in a ring; empty where there are none."""
    done: set[Key] = set()

    def walk(key: Key, above: list[Key]) -> list[Key]:
        if key in above:
            return above[above.index(key) :]
        declared = catalog.by_key.get(key)
        if key in done or declared is None or isinstance(declared, Workbook | DeliveryTable):
            return []
        if isinstance(declared, Model) and f"{declared.domain}_{declared.contest}" not in catalog.contests:
            return []
        found = next((ring for one in catalog.inputs_of(declared).values() if (ring := walk(one, [*above, key]))), [])
        done.add(key)
        return found

    return next((ring for made in catalog.derived() if (ring := walk(key_of(made), []))), [])


def _not_there(packages: tuple[str, ...]) -> list[Fault]:
    return [
        Fault(Path(package), None, "there is no such package; correct S2P_SHELVES, or PYTHONPATH")
        for package in packages
        if find_spec(package.partition(".")[0]) is None or find_spec(package) is None
    ]


def _without_dangling(catalog: Catalog) -> Catalog:
    """Leave out, with a fault, whatever names something that no shelf holds; repeat until all is whole."""
    while dangling := _first_dangling(catalog):
        declared, fault = dangling
        catalog = replace(
            catalog,
            workbooks={name: item for name, item in catalog.workbooks.items() if item is not declared},
            streams={name: item for name, item in catalog.streams.items() if item is not declared},
            tables={name: item for name, item in catalog.tables.items() if item is not declared},
            features={name: item for name, item in catalog.features.items() if item is not declared},
            models={name: item for name, item in catalog.models.items() if item is not declared},
            contests={name: item for name, item in catalog.contests.items() if item is not declared},
            reports={name: item for name, item in catalog.reports.items() if item is not declared},
            faults=(*catalog.faults, fault),
        )
    return catalog


def _first_dangling(catalog: Catalog) -> tuple[Workbook | Derived, Fault] | None:
    for workbook in (*catalog.workbooks.values(), *catalog.streams.values()):
        if wrong := _wrong_reference(catalog, workbook):
            return workbook, Fault(Path(inspect.getfile(workbook.rows)), None, wrong)
    if loop := _loop(catalog):
        named = " → ".join(map(str, [*loop, loop[0]]))
        one = next(one for key in loop if not isinstance(one := catalog.by_key[key], DbtModel))
        assert not isinstance(one, Workbook | DeliveryTable)
        return one, one.fault(f"it is made of itself: {named}")
    for made in catalog.derived():
        if isinstance(made, Model) and f"{made.domain}_{made.contest}" not in catalog.contests:
            return made, made.fault(f"no contest {made.domain}_{made.contest} on the models shelf")
        for parameter, key in catalog.inputs_of(made).items():
            if key not in catalog.by_key:
                return made, _fault_of(made, parameter, f"needs {parameter!r}, but no shelf holds {key}")
            if wrong := _untold(catalog, key):
                return made, _fault_of(made, parameter, wrong)
        if fault := _broken_lineage(catalog, made):
            return made, fault
        if isinstance(made, Contest) and (fault := _leak(catalog, made)):
            return made, fault
    return None


def _fault_of(made: Derived, parameter: str, message: str) -> Fault:
    return made.fault_of(parameter, message) if isinstance(made, SqlTable) else made.fault(message)


def _untold(catalog: Catalog, key: Key) -> str | None:
    """Of a dbt model that says nothing of its columns no frame can be read."""
    there = catalog.by_key[key]
    if not isinstance(there, DbtModel) or there.columns:
        return None
    return f"needs the dbt model {key}, of whose columns no yml tells name and data_type; add them"


def _leak(catalog: Catalog, contest: Contest) -> Fault | None:
    """A contest must not learn from a column that knows what it is to tell."""
    if not isinstance(contest.task, ClassificationTask):
        return None  # a forecast is given nothing but its history up to the cutoff
    history = catalog.columns_at(Key(contest.domain, contest.features))

    def columns_of(domain: str, table: str) -> tuple[Column, ...]:
        return catalog.columns_at(Key(domain, table))

    leaks = declared_leaks(contest.domain, history, contest.task, columns_of)
    if not leaks:
        return None
    which = "; ".join(f"{name}: {path}" for name, path in leaks.items())
    return contest.fault(
        f"would learn from what is known only after the outcome: {which}; take the column out of "
        f"{contest.domain}_{contest.features}, refuse it by name, or, if it is made of earlier cases' outcomes alone, "
        'declare it available="before_outcome"'
    )


def _wrong_reference(catalog: Catalog, workbook: Workbook) -> str | None:
    """What is wrong with what a workbook refers to, in one line."""
    kinds = {column.name: column.kind for column in workbook.columns}
    for reference in workbook.references:
        there = catalog.workbooks.get(reference.workbook)
        known = {column.name: column.kind for column in there.columns} if there else {}
        if known.get(reference.target_column) != kinds[reference.column]:
            which = f"{reference.workbook}.{reference.target_column}"
            return f"column {reference.column!r} refers to {which}, which is no workbook's column of its kind"
    if workbook.full_name in _referred_in_the_end(catalog, workbook):
        return "it refers to a workbook that refers to it; one of them has to come first"
    return None


def _referred_in_the_end(catalog: Catalog, workbook: Workbook) -> set[str]:
    """The names of the workbooks that `workbook` refers to, and they in turn, not counting what refers to itself."""
    found: set[str] = set()
    waiting = [workbook.full_name]
    while waiting:
        here = waiting.pop()
        known = catalog.workbooks.get(here)
        named = {reference.workbook for reference in known.references} - {here} if known else set()
        waiting += named - found
        found |= named
    return found


def _broken_lineage(catalog: Catalog, made: Derived) -> Fault | None:
    """The first column or rule of lineage that names what does not exist."""
    if not isinstance(made, Table | FeatureSet):
        return None
    for column in made.columns:
        for source in column.derived_from:
            if fault := _unknown_source(catalog, made, column, source):
                return fault
    for place, rule in made.lineage.items():
        if wrong := _wrong_rule(catalog, made, place, rule):
            return made.fault(wrong)
    return None


def _unknown_source(catalog: Catalog, made: Derived, column: Column, source: str) -> Fault | None:
    """A column's declared origin `table.column` must be a column that exists."""
    domain, table, name = parse_column_path(source, made.domain)
    known = catalog.columns_at(Key(domain, table))
    if known and name not in {other.name for other in known}:
        return made.fault(f"column {column.name!r} is made of {source!r}, which does not exist")
    return None


def _wrong_rule(
    catalog: Catalog, made: Table | FeatureSet, place: str | tuple[str, str], rule: LineageRule
) -> str | None:
    """What a rule of lineage names that does not exist, in one line."""
    of_column, source = place if isinstance(place, tuple) else (None, place)
    columns = {column.name: column for column in made.columns}
    named = ((of_column,) if of_column else ()) + rule.row_columns
    if unknown := [name for name in named if name not in columns]:
        return f"the lineage from {source!r} names {unknown[0]!r}, which is no column of {made.name!r}"
    domain, table, _ = parse_column_path(f"{source}.", made.domain)
    described = [columns[of_column]] if of_column else made.columns
    sources = {parse_column_path(path, made.domain)[:2] for column in described for path in column.derived_from}
    if (domain, table) not in sources:
        which = f"column {of_column!r} is not" if of_column else "no column is"
        return f"there is lineage from {source!r}, but {which} made of it"
    known = {column.name for column in catalog.columns_at(Key(domain, table))}
    if known and (unknown := [name for name in rule.columns if name not in known]):
        return f"the lineage from {source!r} names {unknown[0]!r}, which is no column of it"
    return None
