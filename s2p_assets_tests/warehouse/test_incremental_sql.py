"""The promise of incremental SQL tables: after whatever changed below they hold what the whole select returns."""

import datetime as dt
import random
from pathlib import Path
from typing import Any

import psycopg
import pytest

from s2p_assets.warehouse.sql_tables.changed_keys import forget_others, index_followed
from s2p_assets.warehouse.sql_tables.making import make_sql_table
from s2p_assets.warehouse.tables import store
from s2p_assets_tests.sql_shelf import ARTICLES, SALES, fill, read, written

FIRST = dt.date(2026, 3, 2)
WEEKLY = """
    with listed as (select article, brand from articles),
         weekly as (select s.article, date_trunc('week', s.day)::date as week, s.units, l.brand
                    from sales s left join listed l on l.article = s.article)
    select article, week, sum(units) as units, max(brand) as brand, count(*) as sales from weekly group by article, week
"""
BY_WEEK = {
    "article": "Code",
    "week": "Date",
    "units": "Number, nullable: true",
    "brand": "Code, nullable: true",
    "sales": "Integer",
}
RUNNING = """
    select sale, article, sum(units) over (partition by article order by day, sale) as so_far from sales
    where units is distinct from 0
"""
AHEAD = """
    select s.article, s.day + n as day, sum(s.units) as units_28, sum(s.units) filter (where n < 7) as units_7
    from sales s cross join generate_series(0, 28) as ahead(n) group by 1, 2
"""
BOTH = """
    select article, 'sold' as what, sum(units) as units from sales group by article
    union all select a.article, 'listed', (select max(s.units) from sales s) from articles a
"""
FORMS: dict[str, tuple[str, dict[str, str], tuple[str, ...], str]] = {
    "by two columns": (WEEKLY, BY_WEEK, ("article", "week"), "article, week"),
    "by one of them": (WEEKLY, BY_WEEK, ("article", "week"), "week"),
    "a window": (
        RUNNING,
        {"sale": "Code", "article": "Code", "so_far": "Number, nullable: true"},
        ("article", "sale"),
        "article",
    ),
    "windows of days after each row": (
        AHEAD,
        {
            "article": "Code",
            "day": "Date",
            "units_28": "Number, nullable: true",
            "units_7": "Number, nullable: true",
        },
        ("article", "day"),
        "article, day",
    ),
    "a union, and a query that looks at everything": (
        BOTH,
        {"article": "Code", "what": "Code", "units": "Number, nullable: true"},
        ("article", "what"),
        "article",
    ),
}


def _sale(chance: random.Random, number: int) -> tuple[Any, ...]:
    day = FIRST + dt.timedelta(days=chance.randrange(60))
    return f"{number}", f"a{chance.randrange(12)}", day, chance.choice([None, 0.0, 1.0, 2.5, 4.0])


def _change(conn: psycopg.Connection, chance: random.Random, number: int) -> None:
    """New sales, late ones, others corrected, moved to another article, or taken away; articles too."""
    match chance.randrange(7):
        case 0 | 1:
            rows = [_sale(chance, number * 100 + at) for at in range(chance.randrange(1, 4))]
            conn.cursor().executemany("insert into acme.sales values (%s, %s, %s, %s) on conflict do nothing", rows)
        case 2:
            _, article, day, units = _sale(chance, 0)
            query = "update acme.sales set article = %s, day = %s, units = %s where hashtext(sale) %% 40 = %s"
            conn.execute(query, (article, day, units, chance.randrange(40)))
        case 3:
            conn.execute("delete from acme.sales where hashtext(sale) %% 30 = %s", (chance.randrange(30),))
        case 4:
            conn.execute("delete from acme.articles where article = %s", (f"a{chance.randrange(12)}",))
        case 5:
            row = (f"a{chance.randrange(14)}", chance.choice("XYZ"))
            conn.execute(
                "insert into acme.articles values (%s, %s) on conflict (article) do update set brand = 'N'", row
            )
        case _:
            pass


@pytest.mark.parametrize("form", FORMS)
def test_whatever_changes_below_an_incremental_table_is_what_the_whole_is(
    conn: psycopg.Connection, tmp_path: Path, form: str
) -> None:
    query, columns, key, by = FORMS[form]
    chance = random.Random(form)
    fill(conn, [_sale(chance, number) for number in range(300)], [(f"a{at}", "X") for at in range(10)])
    table = read(written(tmp_path, query, columns, key, f"incremental: [{by}]\n"))
    plain = read(written(tmp_path, query, columns, key, name="whole"))
    remade = [make_sql_table(conn, table).remade]
    for number in range(1, 40):
        _change(conn, chance, number)
        if chance.random() < 0.6:
            made, whole = make_sql_table(conn, table), make_sql_table(conn, plain)
            remade.append(made.remade)
            assert made.version == whole.version
            assert made.rows == whole.rows
            differing = "(table acme.made except table acme.whole) union all (table acme.whole except table acme.made)"
            assert conn.execute(differing).fetchall() == []
    in_part = [one for one in remade if " of " in one]
    assert len(in_part) > 5 or "everything" in form
    assert "nothing: nothing changed below" in remade


def test_rows_that_exchange_nothing_and_0_change_the_version(conn: psycopg.Connection, tmp_path: Path) -> None:
    sales = [(f"{at}", "a1", FIRST, None if at % 2 else 0.0) for at in range(16)]
    fill(conn, sales, [("a1", "X")])
    units = {"sale": "Code", "units": "Number, nullable: true"}
    table = read(written(tmp_path, "select sale, units from sales", units, ("sale",), "incremental: sale\n"))
    versions = [make_sql_table(conn, table).version]
    for at in range(0, 16, 2):
        conn.execute(
            "update acme.sales set units = case when units is null then 0.0 end where sale in (%s, %s)",
            (f"{at}", f"{at + 1}"),
        )
        versions.append(make_sql_table(conn, table).version)
    assert len(set(versions)) == len(versions)


def test_what_is_not_as_it_was_left_is_made_anew(conn: psycopg.Connection, tmp_path: Path) -> None:
    fill(conn, [_sale(random.Random(1), number) for number in range(50)], [("a1", "X")])
    table = read(written(tmp_path, WEEKLY, BY_WEEK, ("article", "week"), "incremental: [article, week]\n"))
    rows = make_sql_table(conn, table).rows
    assert make_sql_table(conn, table).remade.startswith("nothing")
    conn.execute("truncate acme.articles")
    assert make_sql_table(conn, table).remade == f"all {rows} rows"
    conn.execute("drop table acme.articles")
    store.replace_table(
        conn,
        ARTICLES,
        store.read_rows(conn, "acme", "sales", SALES.columns[:2])[["article"]].drop_duplicates().assign(brand="Y"),
    )
    assert make_sql_table(conn, table).remade == f"all {rows} rows"
    again = read(written(tmp_path, WEEKLY + "--", BY_WEEK, ("article", "week"), "incremental: [article, week]\n"))
    assert make_sql_table(conn, again).remade == f"all {rows} rows"
    forget_others(conn, [])
    assert conn.execute("select count(*) from pg_trigger where tgname like 's2p_keys%'").fetchone() == (0,)


def test_a_table_above_hears_only_of_the_rows_that_changed(conn: psycopg.Connection, tmp_path: Path) -> None:
    fill(conn, [(f"{at}", f"a{at}", FIRST, 1.0) for at in range(8)], [("a1", "X")])
    columns = {"sale": "Code", "units": "Number, nullable: true"}
    below = read(written(tmp_path, "select sale, units from sales", columns, ("sale",), name="below"))
    make_sql_table(conn, below)
    above = read(written(tmp_path, "select sale, units from below", columns, ("sale",), "incremental: sale\n"), below)
    make_sql_table(conn, above)
    conn.execute("update acme.sales set units = 2 where sale in ('3', '4')")
    make_sql_table(conn, below)
    assert make_sql_table(conn, above).remade == "2 of 8 rows, of 2 changed sale"


@pytest.mark.parametrize(
    ("week", "indexed"),
    [
        ("date_trunc('week', day::timestamp)::date", "(article, ((date_trunc('week'::text, (day)::timestamp without"),
        ("date_trunc('week', day)::date", "(article)"),
    ],
)
def test_a_large_source_is_indexed_by_the_key_that_its_rows_bear(
    conn: psycopg.Connection, tmp_path: Path, week: str, indexed: str
) -> None:
    """By what depends on the time zone none can be, so by the rest."""
    fill(conn, [("1", "a1", FIRST, 1.0)], [])
    query = f"select article, {week} as week, count(*) as sales from sales group by 1, 2"
    columns = {"article": "Code", "week": "Date", "sales": "Integer"}
    table = read(written(tmp_path, query, columns, ("article", "week"), "incremental: [article, week]\n"))
    found = "select indexdef from pg_indexes where tablename = 'sales' and indexname like 'sales__for%'"
    index_followed(conn, table, min_rows=1)
    assert conn.execute(found).fetchall() == []
    for _ in range(2):
        index_followed(conn, table)
    ((made,),) = conn.execute(found).fetchall()
    assert indexed in made
