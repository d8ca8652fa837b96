"""Each rule of lineage finds the rows that it names, in a real database, and a misspelt one is a fault of its shelf."""

import datetime as dt
import sys
from collections.abc import Callable
from pathlib import Path
from types import FunctionType

import pandas as pd
import psycopg
import pytest

from s2p_assets.catalog.loading import load_catalog
from s2p_assets.contracts import columns as c
from s2p_assets.contracts.derivation import Fault
from s2p_assets.contracts.lineage import (
    LineageRule,
    after_day,
    before_day,
    from_day,
    has_value,
    in_force_on,
    in_period,
    on_day,
    only_newest,
    overlapping,
    same_key,
    until_day,
    with_share,
)
from s2p_assets.contracts.table import Table
from s2p_assets.contracts.validation import conform
from s2p_assets.warehouse.tables import store
from s2p_assets.warehouse.trace.traced_rows import SourceRows
from s2p_assets.warehouse.trace.tracer import Tracer


class Move(c.Row):
    """Units of an article that moved from one day to another."""

    number: c.Code = c.column(description="Which line")
    article: c.Code = c.column(description="The article")
    moved_on: c.Date = c.column(description="The first day")
    until: c.Date = c.column(description="The last day", nullable=True)
    quantity: c.Number = c.column(description="Units", nullable=True)


class Week(c.Row):
    """An article in a week."""

    sku: c.Code = c.column(description="The article", derived_from="moves.article")
    week: c.Date = c.column(description="Its Monday", derived_from="moves.moved_on")
    units: c.Number = c.column(description="Units", derived_from="moves.quantity")


def _made() -> pd.DataFrame:
    """Made of moves."""
    return pd.DataFrame()


def _table(
    name: str, rows: type[c.Row], key: tuple[str, ...], under: dict[str | tuple[str, str], LineageRule]
) -> Table:
    build: Callable[..., pd.DataFrame] = FunctionType(_made.__code__, _made.__globals__)
    build.__module__ = f"shelf.acme_{name}"
    return Table(build=build, owner="Ann", rows=rows, key=key, lineage=under)


MONDAY = dt.date(2024, 3, 4)
MOVES = [
    ("sunday", "a", "2024-03-03", "2024-03-03", 1),
    ("monday", "a", "2024-03-04", "2024-03-07", 2),
    ("thursday", "a", "2024-03-07", None, 4),
    ("next", "a", "2024-03-11", "2024-03-17", 8),
    ("long", "a", "2024-02-26", "2024-03-10", 14),
    ("other", "b", "2024-03-04", "2024-03-04", 16),
    ("empty", "a", "2024-03-10", "2024-03-10", None),
]
A = same_key(article="sku")


def lineage(conn: psycopg.Connection, rule: LineageRule) -> SourceRows | None:
    """What `rule` finds under the week of article a that begins on 4 March 2024."""
    moves = pd.DataFrame(MOVES, columns=["number", "article", "moved_on", "until", "quantity"])
    moves = moves.assign(moved_on=pd.to_datetime(moves["moved_on"]), until=pd.to_datetime(moves["until"]))
    weeks = pd.DataFrame({"sku": ["a"], "week": [pd.Timestamp(MONDAY)], "units": [1.0]})
    source, made = _table("moves", Move, ("number",), {}), _table("weeks", Week, ("sku", "week"), {"moves": rule})
    for table, frame in ((source, moves), (made, weeks)):
        store.replace_table(conn, table, conform(frame, table.rows))
    places = {("acme", "moves"): source, ("acme", "weeks"): made}
    (row,) = Tracer(conn, places, Path()).trace(("acme", "weeks"), {"sku": "a"}, ["units"], most=None).rows
    return row.under[0] if row.under else None


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        pytest.param(A, {"sunday", "monday", "thursday", "next", "long", "empty"}, id="same key under another name"),
        pytest.param(same_key(article="sku", moved_on="week"), {"monday"}, id="same key of two columns"),
        pytest.param(A & in_period("moved_on", "week", days=7), {"monday", "thursday", "empty"}, id="in a period"),
        pytest.param(in_period("moved_on", "week", days=1), {"monday", "other"}, id="in a period, any article"),
        pytest.param(A & on_day("moved_on", "week"), {"monday"}, id="on a day"),
        pytest.param(A & on_day("moved_on", "week", plus_days=-7), {"long"}, id="on a day a week earlier"),
        pytest.param(A & before_day("moved_on", "week"), {"sunday", "long"}, id="before a day"),
        pytest.param(A & before_day("moved_on", "week", within_days=3), {"sunday"}, id="shortly before a day"),
        pytest.param(
            A & before_day("moved_on", "week", plus_days=3), {"sunday", "monday", "long"}, id="before a later day"
        ),
        pytest.param(A & until_day("moved_on", "week"), {"sunday", "monday", "long"}, id="until a day"),
        pytest.param(A & after_day("moved_on", "week"), {"thursday", "next", "empty"}, id="after a day"),
        pytest.param(A & from_day("moved_on", "week"), {"monday", "thursday", "next", "empty"}, id="from a day on"),
        pytest.param(
            A & in_force_on("week", valid_from="moved_on", valid_to="until"), {"monday", "long"}, id="in force on a day"
        ),
        pytest.param(
            A & in_force_on("week", valid_from="moved_on", valid_to="until", plus_days=3),
            {"thursday", "long"},
            id="in force on a later day: the last day is no longer in force, an open end is",
        ),
        pytest.param(
            A & from_day("moved_on", "week") & has_value("quantity"), {"monday", "thursday", "next"}, id="with a value"
        ),
        pytest.param(A & until_day("moved_on", "week") & only_newest("moved_on"), {"monday"}, id="only the newest"),
        pytest.param(
            A & LineageRule("quantity = 1 or quantity = 16"), {"sunday"}, id="joined with SQL in which there is an or"
        ),
    ],
)
def test_a_rule_finds_the_rows_that_it_names(conn: psycopg.Connection, rule: LineageRule, wanted: set[str]) -> None:
    found = lineage(conn, rule)
    assert {row.key["number"] for row in found.rows} == wanted if found else not wanted


def test_a_period_that_overlaps_gives_the_share_of_its_days(conn: psycopg.Connection) -> None:
    found = lineage(conn, A & overlapping("moved_on", "until", "week", days=7) & has_value("quantity"))
    assert found
    assert {row.key["number"]: row.weight for row in found.rows} == {"monday": 1.0, "long": 0.5}
    assert found.total == 2 + 7


def test_what_is_taken_off_counts_against_the_sum(conn: psycopg.Connection) -> None:
    found = lineage(conn, A & on_day("moved_on", "week") & with_share("-1"))
    assert found
    assert found.total == -2


def test_rules_are_joined_as_they_would_be_written() -> None:
    rule = same_key("sku") & in_period("ship_date", "week", days=7)
    assert rule.where == "sku = this.sku and ship_date >= this.week and ship_date < this.week + 7"
    assert (rule.columns, rule.row_columns) == (("sku", "ship_date"), ("sku", "week"))


def test_two_shares_or_two_newest_cannot_be_joined() -> None:
    for rule in (with_share("-1"), only_newest("day")):
        with pytest.raises(ValueError, match="only one"):
            rule & rule


def test_a_key_of_no_columns_would_be_all_rows_and_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one column"):
        same_key()


SHELF = """
import pandas as pd
from s2p_assets import Code, Date, LineageRule, Number, Row, Workbook, column, in_period, same_key, table
"""
SALES = """
class Sale(Row):
    '''A sale.'''
    sku: Code = column(description="The article")
    sold_on: Date = column(description="The day")
    quantity: Number = column(description="Units")

sales = Workbook(rows=Sale, path="sales/*.xlsx", owner="a@example.com", key=("sku", "sold_on"))
"""
DEMAND = """
class Demand(Row):
    '''A week.'''
    sku: Code = column(description="The article", derived_from="sales.sku")
    week: Date = column(description="The week", derived_from="sales.sold_on")
    units: Number = column(description="Units", derived_from="sales.quantity")

@table(rows=Demand, key=("sku", "week"), owner="a@example.com", lineage={LINEAGE})
def demand(sales: pd.DataFrame) -> pd.DataFrame:
    '''Demand.'''
    return sales
"""


def faults(folder: Path, monkeypatch: pytest.MonkeyPatch, lineage: str) -> list[Fault]:
    """The faults of a shelf whose table is declared with this lineage."""
    for name, source in {
        "workbooks/acme_sales": SALES,
        "tables/acme_demand": DEMAND.replace("{LINEAGE}", lineage),
    }.items():
        file = folder / folder.name / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        (file.parent / "__init__.py").touch()
        file.write_text(SHELF + source)
    monkeypatch.syspath_prepend(folder)
    found = list(load_catalog((folder.name,)).faults)
    for name in [name for name in sys.modules if name.partition(".")[0] == folder.name]:
        del sys.modules[name]
    return found


@pytest.mark.parametrize(
    ("lineage", "wrong"),
    [
        pytest.param("{'sales': same_key('skv')}", "'skv', which is no column of 'demand'", id="own column"),
        pytest.param("{'sales': LineageRule('sku = this.skv')}", "'skv', which is no column of 'demand'", id="in SQL"),
        pytest.param(
            "{('unit', 'sales'): same_key('sku')}", "'unit', which is no column of 'demand'", id="for a column"
        ),
        pytest.param(
            "{'sales': same_key('sku') & in_period('sold_at', 'week', days=7)}",
            "from 'sales' names 'sold_at', which is no column of it",
            id="the source's column",
        ),
        pytest.param("{'sale': same_key('sku')}", "lineage from 'sale', but no column is made of it", id="source"),
    ],
)
def test_lineage_that_names_what_is_not_there_is_a_fault_of_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lineage: str, wrong: str
) -> None:
    (fault,) = faults(tmp_path, monkeypatch, lineage)
    assert fault.file.name == "acme_demand.py"
    assert fault.line
    assert wrong in fault.message


def test_lineage_that_names_what_is_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not faults(tmp_path, monkeypatch, "{'sales': same_key('sku') & in_period('sold_on', 'week', days=7)}")
