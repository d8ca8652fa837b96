"""The promises of tables that are SQL files: what they hold, what lies under it, and what becomes of bad ones."""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from s2p_assets.catalog.sql_shelf import SqlFault
from s2p_assets.contracts.sql_table import SqlTable
from s2p_assets.warehouse.sql_tables.making import SqlTableBroken, make_sql_table
from s2p_assets.warehouse.sql_tables.read_only import SqlTableFailed
from s2p_assets.warehouse.trace.tracer import Tracer
from s2p_assets_tests.sql_shelf import ARTICLES, SALES, fill, read, written

SOLD = [
    ("1", "a", "2026-03-02", 5.0),
    ("2", "a", "2026-03-03", 7.0),
    ("3", "a", "2026-03-09", 1.0),
    ("4", "b", "2026-03-02", 2.0),
    ("5", "b", "2026-03-16", None),
    ("6", "c", "2026-03-16", 4.0),
]
LISTED = [("a", "X"), ("b", "X"), ("d", None)]
WEEKLY = {"article": "Code", "week": "Date", "units": "Number, nullable: true"}


@pytest.fixture
def filled(conn: psycopg.Connection) -> psycopg.Connection:
    fill(conn, SOLD, LISTED)
    return conn


def under(conn: psycopg.Connection, table: SqlTable, column: str, **where: Any) -> dict[str, list[str]]:
    """The keys of the rows that a trace finds under a value, by source."""
    tracer = Tracer(conn, {("acme", "sales"): SALES, ("acme", "articles"): ARTICLES, (table.domain, table.name): table})
    found = tracer.trace((table.domain, table.name), where, (column,), most=None)
    assert not any(group.inexact for row in found.rows for group in row.under)
    return {
        group.table: sorted(next(iter(one.key.values())) for one in group.rows)
        for row in found.rows
        for group in row.under
    }


QUERIES: dict[str, tuple[str, dict[str, str], tuple[str, ...], str, dict[str, Any], dict[str, list[str]]]] = {
    "group by, with a filter and a join": (
        """
        select s.article, date_trunc('week', s.day)::date as week, sum(s.units) as units
        from sales s join articles a on a.article = s.article and a.brand = 'X'
        where s.units is not null group by 1, 2
        """,
        WEEKLY,
        ("article", "week"),
        "units",
        {"article": "a", "week": "2026-03-02"},
        {"acme.sales": ["1", "2"]},
    ),
    "the side of a left join that has no match": (
        "select s.sale, s.units, a.brand from sales s left join articles a using (article)",
        {"sale": "Code", "units": "Number, nullable: true", "brand": "Code, nullable: true"},
        ("sale",),
        "brand",
        {"sale": "6"},
        {},
    ),
    "common table expressions of each other, with a name twice": (
        """
        with weekly as (select article, date_trunc('week', day)::date as week, units, sale from sales),
             best as (select article, max(units) as most from weekly group by article)
        select w.sale, w.units / b.most as share from weekly w join best b using (article) where w.units > 0
        """,
        {"sale": "Code", "share": "Number"},
        ("sale",),
        "share",
        {"sale": "3"},
        {"acme.sales": ["1", "2", "3"]},
    ),
    "a window with a frame": (
        """
        select sale, article, avg(units) over (partition by article order by day
            rows between 1 preceding and current row) as recent from sales
        """,
        {"sale": "Code", "article": "Code", "recent": "Number, nullable: true"},
        ("sale",),
        "recent",
        {"sale": "3"},
        {"acme.sales": ["2", "3"]},
    ),
    "the row before": (
        "select sale, lag(units, 1, 0::float8) over (partition by article order by day) as before from sales",
        {"sale": "Code", "before": "Number, nullable: true"},
        ("sale",),
        "before",
        {"sale": "3"},
        {"acme.sales": ["2"]},
    ),
    "the first of several": (
        """
        select article, units from (select article, units, row_number() over (partition by article order by day desc)
            as place from sales) ranked where place = 1
        """,
        {"article": "Code", "units": "Number, nullable: true"},
        ("article",),
        "units",
        {"article": "a"},
        {"acme.sales": ["3"]},
    ),
    "distinct on": (
        "select distinct on (article) article, units from sales order by article, day",
        {"article": "Code", "units": "Number, nullable: true"},
        ("article",),
        "units",
        {"article": "a"},
        {"acme.sales": ["1"]},
    ),
    "distinct": (
        "select distinct article from sales",
        {"article": "Code"},
        ("article",),
        "article",
        {"article": "a"},
        {"acme.sales": ["1", "2", "3"]},
    ),
    "union all of two tables": (
        "select article, 'sold' as what from sales where sale = '6' union all select article, 'listed' from articles",
        {"article": "Code", "what": "Code"},
        ("article", "what"),
        "article",
        {"article": "a", "what": "listed"},
        {"acme.articles": ["a"]},
    ),
    "union of two tables": (
        "select article from sales union select article from articles",
        {"article": "Code"},
        ("article",),
        "article",
        {"article": "b"},
        {"acme.sales": ["4", "5"], "acme.articles": ["b"]},
    ),
    "count(*)": (
        "select article, count(*) as sales from sales group by article having count(*) > 1",
        {"article": "Code", "sales": "Integer"},
        ("article",),
        "sales",
        {"article": "b"},
        {"acme.sales": ["4", "5"]},
    ),
    "a filter of an aggregate": (
        "select article, sum(units) filter (where units > 4) as large from sales group by article",
        {"article": "Code", "large": "Number, nullable: true"},
        ("article",),
        "large",
        {"article": "a"},
        {"acme.sales": ["1", "2"]},
    ),
    "a query as a value": (
        "select a.article, (select max(s.units) from sales s where s.article = a.article) as most from articles a",
        {"article": "Code", "most": "Number, nullable: true"},
        ("article",),
        "most",
        {"article": "b"},
        {"acme.sales": ["4", "5"]},
    ),
    "whether there is a row": (
        "select a.article, exists (select 1 from sales s where s.article = a.article and s.units > 4) as sold from articles a",
        {"article": "Code", "sold": "Boolean"},
        ("article",),
        "sold",
        {"article": "a"},
        {"acme.sales": ["1", "2"]},
    ),
    "a lateral join": (
        """
        select a.article, l.units from articles a,
        lateral (select s.units from sales s where s.article = a.article order by s.day desc limit 1) l
        """,
        {"article": "Code", "units": "Number, nullable: true"},
        ("article",),
        "units",
        {"article": "b"},
        {"acme.sales": ["5"]},
    ),
    "a window over groups": (
        """
        select article, day, sum(sum(units)) over (partition by article order by day) as so_far from sales
        group by article, day
        """,
        {"article": "Code", "day": "Date", "so_far": "Number, nullable: true"},
        ("article", "day"),
        "so_far",
        {"article": "a", "day": "2026-03-03"},
        {"acme.sales": ["1", "2"]},
    ),
    "a median": (
        "select article, percentile_cont(0.5) within group (order by units) as middle from sales group by article",
        {"article": "Code", "middle": "Number, nullable: true"},
        ("article",),
        "middle",
        {"article": "b"},
        {"acme.sales": ["4", "5"]},
    ),
    "a rank": (
        "select sale, rank() over (partition by article order by units desc nulls last) as place from sales",
        {"sale": "Code", "place": "Integer"},
        ("sale",),
        "place",
        {"sale": "4"},
        {"acme.sales": ["4", "5"]},
    ),
    "cases of two columns": (
        "select s.sale, case when a.brand is null then s.article else a.brand end as of from sales s "
        "left join articles a on a.article = s.article",
        {"sale": "Code", "of": "Code"},
        ("sale",),
        "of",
        {"sale": "4"},
        {"acme.sales": ["4"], "acme.articles": ["b"]},
    ),
}


@pytest.mark.parametrize("form", QUERIES)
def test_a_value_is_traced_to_the_very_rows_that_it_is_made_of(
    filled: psycopg.Connection, tmp_path: Path, form: str
) -> None:
    query, columns, key, column, where, expected = QUERIES[form]
    table = read(written(tmp_path, query, columns, key))
    make_sql_table(filled, table)
    assert under(filled, table, column, **where) == expected
