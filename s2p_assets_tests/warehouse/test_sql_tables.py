"""The promises of tables that are SQL files: what they hold, what lies under it, and what becomes of bad ones."""

from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pytest
from psycopg import sql

from s2p_assets.catalog.sql_shelf import SqlFault
from s2p_assets.cli.printing.traces import trace_lines
from s2p_assets.contracts.sql_table import SqlTable
from s2p_assets.warehouse.server.roles import DOOR, ensure_roles
from s2p_assets.warehouse.sql_tables import writing
from s2p_assets.warehouse.sql_tables.making import make_sql_table, run_select
from s2p_assets.warehouse.sql_tables.read_only import SqlTableFailed, define_function, ensure_role, grant_sources
from s2p_assets.warehouse.tables import as_of
from s2p_assets.warehouse.tables.restored_places import as_of_table
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
        """
        select a.article, exists (select 1 from sales s where s.article = a.article and s.units > 4) as sold
        from articles a
        """,
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


def test_rows_of_which_more_than_words_can_say_went_in_are_told_so(filled: psycopg.Connection, tmp_path: Path) -> None:
    query = """
        with recursive earlier as (select sale, units from sales where sale = '1'
            union all select s.sale, s.units from sales s join earlier e on s.sale::int = e.sale::int + 1)
        select sale, units from earlier
    """
    table = read(written(tmp_path, query, {"sale": "Code", "units": "Number, nullable: true"}, ("sale",)))
    make_sql_table(filled, table)
    tracer = Tracer(filled, {("acme", "sales"): SALES, ("acme", "made"): table})
    found = tracer.trace(("acme", "made"), {"sale": "2"}, ("units",))
    told = [line for _, line in trace_lines(found)]
    assert "not exactly these: it is a recursive query; they are the rows with the same key" in told
    (row,) = found.rows
    assert [group.inexact for group in row.under] == ["it is a recursive query"]
    assert [one.key["sale"] for one in row.under[0].rows] == ["2"]


PLAIN = {"sale": "Code", "units": "Number, nullable: true"}
UNREADABLE: dict[str, tuple[str, str, int]] = {
    "select sale,\n units\nfrom sales where (": ("it is no SQL", "", 11),
    "select sale,\n pieces as units\nfrom sales": ("no table of it has a column 'pieces'", "", 10),
    "select sale, units\nfrom salez": ("there is no table acme_salez", "", 10),
    "select sale\nfrom sales": ("column 'units' is declared, and the select returns none", "", 7),
    "select sale, units,\n day\nfrom sales": ("it returns a column 'day', which is not declared", "", 10),
    "delete from sales": ("it must be one select, and nothing that writes; it is delete", "", 9),
    "select sale, units from sales; drop table sales": ("it is 2 statements", "", 9),
    "with gone as (delete from sales returning *)\nselect sale, units from gone": (
        "it writes or locks (delete)",
        "",
        9,
    ),
    "select sale, units into x from sales": ("it writes or locks (into)", "", 9),
    "copy sales to program 'sh'": ("it must be one select", "", 9),
    "select sale, units from sales for update": ("it writes or locks (lock)", "", 9),
    "select sale, units from sales -- x": ("a header has no 'of'", "of: x\n", 8),
    "select sale, units from sales  ": (
        "incremental names 'units', which is not in the key",
        "incremental: units\n",
        8,
    ),
    "select sale, sum(units) over () as units from sales": (
        "it cannot be incremental by sale",
        "incremental: sale\n",
        8,
    ),
    "select sale, units from sales -- so often": ("every needs incremental", "every: 2 seconds\n", 8),
    "select sale, units from sales -- never": ("every is a pace as '2 seconds', not 'often'", "every: often\n", 8),
    "select sale, units from sales -- half": ("event_time is missing", "entity: sale\n", 8),
    "select sale, units from sales -- no moment": (
        "event_time names 'units', which is no Date or Timestamp that every row has",
        "entity: sale\nevent_time: units\n",
        9,
    ),
    "select sale, units from sales   ": (
        "test 'x': no table of it has a column 'y'",
        "tests:\n  x: select y from made\n",
        9,
    ),
}


@pytest.mark.parametrize("query", UNREADABLE)
def test_a_file_that_cannot_be_is_a_fault_with_its_line(tmp_path: Path, query: str) -> None:
    message, more, line = UNREADABLE[query]
    file = written(tmp_path, query, PLAIN, ("sale",), more)
    with pytest.raises(SqlFault) as fault:
        read(file)
    assert message in str(fault.value)
    assert (fault.value.file or file, fault.value.line) == (file, line)


REFUSED: dict[str, tuple[str, str, dict[str, str]]] = {
    "select sale, units from sales, pg_sleep(1)": ("9: pg_sleep() writes, waits", "", PLAIN),
    "select sale,\nset_config('role', 'none', true)::float8 as units from sales": (
        "10: set_config() writes",
        "",
        PLAIN,
    ),
    'select sale, "lo_create"(0)::float8 as units from sales': ("9: lo_create() writes", "", PLAIN),
    "select sale, article as units from sales  ": (
        "7: column 'units' is declared as Number (double precision), ",
        "",
        PLAIN,
    ),
    "select sale, sum(units)::numeric as units from sales group by sale": (
        "column 'units' is declared as Integer (bigint), and the select returns numeric; cast it",
        "",
        {"sale": "Code", "units": "Integer, nullable: true"},
    ),
    "select sale,\n units / 0 as units from sales": ("division by zero; nothing was stored", "", PLAIN),
    "select article as sale, units from sales": ("more than one row for the key: Key (sale)=(a)", "", PLAIN),
    "select sale, units from sales": ("column 'units' has no value in a row", "", {"sale": "Code", "units": "Number"}),
    "select sale, units from sales ": (
        "units: ge 2 is broken by 1 rows, as by '1'",
        "",
        PLAIN | {"units": "Number, nullable: true, ge: 2"},
    ),
    "select sale, units from sales  ": (
        "sale: isin ['1', '2'] is broken by 4 rows",
        "",
        PLAIN | {"sale": "Code, isin: ['1', '2']"},
    ),
    "select sale, article as units from sales": (
        "units: 1 rows lead nowhere in acme.articles, as 'c'",
        "",
        {"sale": "Code", "units": "Code, references: articles.article"},
    ),
    "select sale, article as units from sales ": (
        "units: unique is broken",
        "",
        {"sale": "Code", "units": "Code, unique: true"},
    ),
    "select sale, units from sales   ": (
        "test 'few pieces': it must return nothing, and returns a row, as (2,7)",
        "tests:\n  few pieces: select sale, units from made where units > 6\n",
        PLAIN,
    ),
    "select s.sale, b.units from sales s, sales b, sales c, sales d, sales e, sales f, sales g, sales h, sales i": (
        "it took more than 1 seconds and was ended",
        "seconds: 1\n",
        PLAIN,
    ),
}


@pytest.mark.parametrize("query", REFUSED)
def test_a_select_that_fails_leaves_all_as_it_was(filled: psycopg.Connection, tmp_path: Path, query: str) -> None:
    good = read(written(tmp_path, "select sale, units from sales where false", PLAIN, ("sale",), name="made"))
    make_sql_table(filled, good)
    message, more, columns = REFUSED[query]
    file = written(tmp_path, query, columns, ("sale",), more)
    with pytest.raises(SqlTableFailed) as failure:
        make_sql_table(filled, read(file))
    assert str(failure.value).startswith(str(file))
    assert message in str(failure.value)
    assert filled.execute("select count(*) from acme.made").fetchone() == (0,)
    assert filled.execute("select count(*) from acme.sales").fetchone() == (6,)


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ("select sale from acme.sales, pg_catalog.lo_from_bytea(0, 'x') where false", None),
        ("with gone as (delete from acme.sales returning sale) select sale from gone", "FeatureNotSupported"),
        ("delete from acme.sales returning sale", "FeatureNotSupported"),
        ("select name from s2p.users", "InsufficientPrivilege"),
        ("select set_config('role', 'none', true)", "InsufficientPrivilege"),
        ("select pg_catalog.pg_read_file('/etc/hostname')", "InsufficientPrivilege"),
        ("select table_to_xml('s2p.users', true, false, '')::text", "InsufficientPrivilege"),
    ],
)
def test_postgresql_itself_lets_a_select_do_nothing_but_read(
    filled: psycopg.Connection, body: str, refusal: str | None
) -> None:
    ensure_role(filled)
    grant_sources(filled, [("acme", "sales")], sql.Identifier)
    name, columns = sql.Identifier("pg_temp", "s2p_rows"), SALES.columns[:1]
    if refusal is None:
        define_function(filled, name, columns, body)
        assert filled.execute("select * from pg_temp.s2p_rows()").fetchall() == []
        return

    def run() -> None:
        define_function(filled, name, columns, body)
        filled.execute("select * from pg_temp.s2p_rows()")

    with pytest.raises(getattr(psycopg.errors, refusal)):
        run()
    assert filled.execute("select count(*) from acme.sales").fetchone() == (6,)


@pytest.mark.parametrize("role", ["", DOOR])
def test_a_past_table_is_selected_of_past_tables(filled: psycopg.Connection, tmp_path: Path, role: str) -> None:
    """Also by the role that only reads, and traced there."""
    table = read(written(tmp_path, QUERIES["group by, with a filter and a join"][0], WEEKLY, ("article", "week")))
    if role:
        ensure_roles(filled, tmp_path, embedded=True)
        filled.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
    earlier = [("1", "a", "2026-03-02", 9.0), ("9", "a", "2026-03-03", 1.0)]
    sales = pd.DataFrame(earlier, columns=["sale", "article", "day", "units"])
    as_of.restore_derived(filled, SALES, sales.assign(day=pd.to_datetime(sales["day"])))
    as_of.restore_derived(filled, ARTICLES, pd.DataFrame({"article": ["a"], "brand": ["X"]}))
    run_select(filled, table, as_of.begin_derived(filled, table), as_of_table)
    assert as_of.read_as_of(filled, "acme", "made", table.columns)["units"].tolist() == [10.0]
    sources = {("acme", "sales"): SALES, ("acme", "articles"): ARTICLES, ("acme", "made"): table}
    (row,) = Tracer(filled, sources, None, as_of_table).trace(("acme", "made"), {"article": "a"}, ("units",)).rows
    assert [one.key["sale"] for one in row.under[0].rows] == ["1", "9"]
    filled.execute("reset role")


def _rows_by_place(conn: psycopg.Connection) -> dict[str, str]:
    return dict(conn.execute("select sale, ctid::text || xmin::text from acme.made").fetchall())


def test_rows_that_are_as_they_were_are_not_written_again(filled: psycopg.Connection, tmp_path: Path) -> None:
    """Also where the table has a column that is no longer declared: that one becomes empty."""
    table = read(written(tmp_path, "select sale, units from sales", PLAIN, ("sale",)))
    make_sql_table(filled, table)
    first = _rows_by_place(filled)
    filled.execute("update acme.sales set units = 9 where sale = '2'")
    filled.execute("delete from acme.sales where sale = '3'")
    filled.execute("insert into acme.sales values ('7', 'a', '2026-03-02', 1)")
    assert make_sql_table(filled, table).rows == 6
    second = _rows_by_place(filled)
    assert {sale for sale in second if second[sale] != first.get(sale)} == {"2", "7"}
    assert not make_sql_table(filled, table).changed
    filled.execute("alter table acme.made add column was text")
    filled.execute("update acme.made set was = 'x' where sale = '1'")
    filled.execute("update acme.sales set units = 8 where sale = '2'")
    make_sql_table(filled, table)
    assert filled.execute("select count(*) from acme.made where was is not null").fetchone() == (0,)


def test_a_row_that_comes_twice_and_stands_there_already_is_no_second_one(
    filled: psycopg.Connection, tmp_path: Path
) -> None:
    make_sql_table(filled, read(written(tmp_path, "select sale, units from sales", PLAIN, ("sale",))))
    twice = "select sale, units from sales union all select sale, units from sales where sale = '4'"
    with pytest.raises(SqlTableFailed, match=r"more than one row for the key: Key \(sale\)=\(4\)"):
        make_sql_table(filled, read(written(tmp_path, twice, PLAIN, ("sale",))))


@pytest.mark.parametrize("is_read", [False, True])
def test_a_large_table_is_filled_before_its_index_is_built_unless_somebody_reads_it(
    filled: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str, *, is_read: bool
) -> None:
    monkeypatch.setattr(writing, "INDEXED_LATER", 1)
    monkeypatch.setattr(writing, "LOCK_WAIT", "20ms")
    empty = "select sale, units from sales where false"
    make_sql_table(filled, read(written(tmp_path, empty, PLAIN, ("sale",))))
    indexes = (
        "select indexrelid::text, pg_get_indexdef(indexrelid) from pg_index where indrelid = 'acme.made'::regclass"
    )
    before = filled.execute(indexes).fetchall()
    with psycopg.connect(database_url) as reader:
        if is_read:
            reader.execute("select * from acme.made")
        make_sql_table(filled, read(written(tmp_path, "select sale, units from sales", PLAIN, ("sale",))))
    after = filled.execute(indexes).fetchall()
    assert [one for _, one in after] == [one for _, one in before]
    assert (after == before) is is_read
    assert filled.execute("select count(*) from acme.made").fetchone() == (6,)
