"""Any table at any moment, and what changed from one to another: workbooks, entries, derived tables, files of them."""

import datetime as dt
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet
import pytest

from s2p_assets.cli.printing.tables import changes_lines, rows_lines
from s2p_assets.services.context import open_context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.held_files import accept_file
from s2p_assets.services.named import stored_named
from s2p_assets.services.past_tables import ShownRows, read_filters, show_rows, write_table
from s2p_assets.services.status import forget_file
from s2p_assets.services.table_changes import TableChanges, table_changes
from s2p_assets.services.tables import TableQuestion
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.sandbox import Sandbox
from s2p_assets.warehouse.tables.row_query import QueryInvalid
from s2p_assets_tests.retail_home import emptied
from s2p_assets_tests.services.lake_company import MADE
from s2p_assets_tests.services.test_entries import ARTICLES, SHELVES, Desk
from s2p_assets_tests.warm_commands import warm_commands

DERIVED = {
    "tables/desk_sold.py": MADE["tables/desk_sold.py"],
    "tables/desk_best.py": '''"""What sold best."""

import pandas as pd

from s2p_assets import Code, Row, column, table


class Best(Row):
    """An article."""

    article: Code = column(description="The article", derived_from="lines.article")


@table(rows=Best, key=("article",), owner="till@example.com")
def best(lines: pd.DataFrame) -> pd.DataFrame:
    """The article of the largest sale."""
    return lines.loc[[lines["pieces"].idxmax()], ["article"]]
''',
    "tables/desk_takings.sql": """/*
description: What each article brought in
owner: till@example.com
key: [article]
columns:
  article: {type: Code, description: The article}
  takings: {type: Money, description: What it brought in}
*/
select s.article, s.pieces * a.price as takings from sold s join articles a on a.article = s.article
""",
}
DAY = dt.date(2026, 5, 1)


@dataclass(frozen=True)
class Past:
    """A desk, and the moments between what happened there."""

    desk: Desk
    unsold: str
    first: str
    second: str
    corrected: str
    forgotten: str

    def rows(self, name: str, as_of: str | None, *where: str, **more: Any) -> ShownRows:
        asked = TableQuestion(read_filters(where), **{"limit": 100} | more)
        return show_rows(self.desk.ctx, stored_named(self.desk.ctx.catalog, name), asked, as_of, print)

    def values(self, name: str, column: str, as_of: str) -> dict[str, Any]:
        return {row["article"]: row[column] for row in self.rows(name, as_of).rows}

    def changes(self, name: str, since: str, until: str, most: int | None = None) -> TableChanges:
        return table_changes(self.desk.ctx, name, since, until, most)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("shelves")
    written = {f"workbooks/{name}.py": SHELVES[name] for name in ("desk_articles", "desk_lines")} | DERIVED
    for name, source in written.items():
        file = folder / "past_shelves" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        for place in (file.parent, file.parent.parent):
            (place / "__init__.py").touch()
        file.write_text(source)
    sys.path.insert(0, str(folder))
    yield "past_shelves"
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory, database_url: str, package: str) -> Iterator[Past]:
    """Two deliveries of a workbook, a correction, and lines without a key of which a file is forgotten."""
    folder, url = tmp_path_factory.mktemp("past"), emptied(database_url)
    (folder / "share").mkdir()
    settings = Settings(home=folder / "home", share=folder / "share", database_url=url, shelves=(package,))
    ctx = open_context(settings)
    assert not ctx.catalog.faults
    with Sandbox(packages=("past_shelves",)) as reader:
        desk = Desk(ctx, reader)
        moments = []
        desk.drop(
            "articles/All.xlsx",
            articles(("0001", "Lamp", 5.0), ("0002", "Bulb", 2.5), ("0003", "Cup", 1)),
        )
        take(desk)
        moments.append(now())
        sold = ("Day", "Article", "Pieces")
        desk.drop("lines/May.xlsx", [sold, (DAY, "0001", 2), (DAY, "0001", 2), (DAY, "0002", 3)])
        desk.drop("lines/More.xlsx", [sold, (DAY, "0001", 2), (DAY, "0004", 1)])
        take(desk)
        moments.append(now())
        desk.drop(
            "articles/All.xlsx",
            articles(("0001", "Lamp", 6.0), ("0002", "Bulb", 2.5), ("0004", "Rug", 9)),
        )
        take(desk)
        moments.append(now())
        desk.enter("articles", desk.change("articles", {"article": "0002"}, price=3.0), kind="correction")
        moments.append(now())
        forget_file(ctx, "lines/More.xlsx")
        desk.enter("articles", desk.withdraw("articles", article="0004"), reason="never ours")
        moments.append(now())
        yield Past(desk, *moments)


def articles(*rows: tuple[str, str, float]) -> list[tuple[Any, ...]]:
    return [ARTICLES[0], *((*row, None, None, None, None, None, None) for row in rows)]


def take(desk: Desk) -> None:
    """Take what was dropped, also where so few rows make much of a change."""
    for path, verdict in desk.take().items():
        assert verdict in ("accepted", "held")
        if verdict == "held":
            accept_file(desk.ctx, path)
    desk.take()


def now() -> str:
    return dt.datetime.now().astimezone().isoformat()


def test_a_workbook_a_python_and_a_sql_table_are_as_they_were_at_each_moment(past: Past) -> None:
    assert past.values("desk_articles", "price", past.first) == {"0001": 5, "0002": 2.5, "0003": 1}
    assert past.values("desk_articles", "price", past.second) == {"0001": 6, "0002": 2.5, "0004": 9}
    assert past.values("desk_articles", "price", past.corrected) == {"0001": 6, "0002": 3, "0004": 9}
    assert past.values("desk_articles", "price", past.forgotten) == {"0001": 6, "0002": 3}
    assert past.values("desk_sold", "pieces", past.first) == {"0001": 6, "0002": 3, "0004": 1}
    assert past.values("desk_sold", "pieces", past.forgotten) == {"0001": 4, "0002": 3}
    assert past.values("desk_takings", "takings", past.first) == {"0001": 30, "0002": 7.5}
    assert past.values("desk_takings", "takings", past.corrected) == {"0001": 36, "0002": 9, "0004": 9}


def test_a_table_of_a_time_when_there_was_nothing_to_make_it_of_is_refused_in_a_line(past: Past) -> None:
    assert past.rows("desk_sold", past.unsold).rows == []
    with pytest.raises(NotFound, match=r"desk_best could not be made on .* yet: lines had no rows"):
        past.rows("desk_best", past.unsold)
    assert past.rows("desk_best", past.first).rows == [{"article": "0002"}]


def test_rows_are_filtered_as_the_api_filters_and_what_is_not_shown_is_counted(past: Past) -> None:
    shown = past.rows("desk.articles", past.first, "price.gte=2", columns="article,called", sort="-article", limit=1)
    assert (shown.rows, shown.more) == ([{"article": "0002", "called": "Bulb"}], 1)
    assert list(rows_lines(shown))[-1] == "… and 1 more row; --limit shows more, --to FILE writes all"
    assert past.rows("desk-articles", None, "called.has=lamp").rows[0]["price"] == 6


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet"])
def test_a_table_is_written_whole_by_the_ending_of_its_file(past: Past, tmp_path: Path, ending: str) -> None:
    target, declared = tmp_path / f"then.{ending}", stored_named(past.desk.ctx.catalog, "desk_takings")
    write_table(past.desk.ctx, declared, TableQuestion(), past.first, target)
    assert read_back(target) == [("0001", 30), ("0002", 7.5)]
    assert [file.name for file in tmp_path.iterdir()] == [target.name]


def read_back(file: Path) -> list[tuple[str, float]]:
    if file.suffix == ".csv":
        return [(line.split(",")[0], float(line.split(",")[1])) for line in file.read_text().splitlines()[1:]]
    if file.suffix == ".xlsx":
        rows = openpyxl.load_workbook(file).worksheets[0].iter_rows(min_row=2, values_only=True)
        return [(str(article), float(str(takings))) for article, takings, *_ in rows]
    return [(row["article"], float(row["takings"])) for row in pyarrow.parquet.read_table(file).to_pylist()]


def test_a_new_version_of_a_file_is_told_with_each_row_that_it_changed(past: Past) -> None:
    found = past.changes("desk_articles", past.first, past.second)
    assert (found.new, found.changed, found.withdrawn, found.columns) == (1, 1, 1, {"price": 1})
    changed, new, withdrawn = found.rows
    assert (changed["key"], changed["columns"]) == ({"article": "0001"}, {"price": {"from": 5, "to": 6}})
    assert (new["row"]["article"], withdrawn["row"]["article"]) == ("0004", "0003")
    assert {row["path"] for row in found.rows} == {"articles/All.xlsx"}
    (cause,) = found.causes
    assert (cause["version_before"], cause["version"], cause["rows"]) == (1, 2, 3)
    assert (cause["kind"], cause["who"]) == ("file", "articles@example.com")
    text = "\n".join(changes_lines(found))
    assert "version 2 in place of 1, loaded 20" in text
    assert "price: 5 → 6" in text
    few = past.changes("desk_articles", past.first, past.second, 1)
    assert (len(few.rows), few.more) == (1, 2)


def test_a_correction_and_a_withdrawal_are_told_with_person_and_reason(past: Past) -> None:
    found = past.changes("desk_articles", past.second, past.forgotten)
    assert [(row["change"], row["path"].startswith("s2p-entries/")) for row in found.rows] == [
        ("changed", True),
        ("withdrawn", True),
    ]
    told = [(cause["kind"], cause["who"], cause["reason"], cause["rows"]) for cause in found.causes]
    assert told == [("correction", "ann@example.com", "a slip", 1), ("entry", "ann@example.com", "never ours", 1)]


def test_without_a_key_only_the_rows_of_the_file_that_went_are_withdrawn(past: Past) -> None:
    found = past.changes("desk_lines", past.corrected, past.forgotten)
    assert (found.new, found.changed, found.withdrawn) == (0, 0, 2)
    assert {row["path"] for row in found.rows} == {"lines/More.xlsx"}
    assert [(cause["version"], cause["rows"]) for cause in found.causes] == [(None, 2)]


def test_a_derived_table_names_what_came_and_went_in_all_that_it_is_made_from(past: Past) -> None:
    found = past.changes("desk_takings", past.first, past.forgotten)
    values = {row["key"]["article"]: row["columns"]["takings"] for row in found.rows}
    assert values == {"0001": {"from": 30, "to": 24}, "0002": {"from": 7.5, "to": 9}}
    assert [cause["path"] for cause in found.causes][:1] == ["articles/All.xlsx"]
    assert {cause["workbook"] for cause in found.causes} == {"desk_articles", "desk_lines"}
    nothing = past.changes("desk_sold", past.first, past.corrected)
    assert (nothing.rows, nothing.causes) == ([], [])
    assert list(changes_lines(nothing))[-1] == "Nothing came or went in what it is made from."


@pytest.fixture(scope="module")
def asked(past: Past, package: str) -> Callable[..., Any]:
    """`s2p` with these words: (exit code, what it printed, what it said)."""
    settings = past.desk.ctx.settings
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("S2P_", "DAGSTER_"))}
    environment |= {"S2P_HOME": str(settings.home), "S2P_SHARE": str(settings.share), "S2P_SHELVES": package}
    environment |= {"S2P_DATABASE_URL": str(settings.database_url), "PYTHONPATH": os.pathsep.join(sys.path)}
    return lambda *words: warm_commands().run(words, environment, settings.home.parent, 60)


def test_a_person_reads_a_table_and_its_changes_at_a_terminal(past: Past, asked: Callable[..., Any]) -> None:
    code, printed, _ = asked("table", "desk_takings", "--as-of", past.first)
    assert (code, printed.splitlines()) == (0, ["article  takings", "0001          30", "0002         7.5"])
    code, printed, _ = asked("diff", "desk_articles", "--from", past.first, "--to", past.second, "--json")
    assert (code, '"version_before": 1' in printed) == (0, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["table", "desk_article"], "no table 'desk_article'; did you mean desk_articles or"),
        (["table", "desk_articles", "--as-of", "2999-01-01"], "2999-01-01 has not come yet; name a moment up to now"),
        (["table", "desk_articles", "--as-of", "2020-01-01"], "nothing was known on 2020-01-01 23:59: the first file"),
        (["table", "desk_articles", "--as-of", "soon"], "'soon' is no day; write it as 2026-03-31, or with a time"),
        (["table", "desk_articles", "--where", "colour=red"], "'colour': there is no such column or operator"),
        (["table", "desk_articles", "--where", "price"], "'price' is no filter; write it as sku=0001"),
        (["table", "desk_articles", "--where", "price=dear"], "price: 'dear' is no money"),
        (["table", "desk_articles", "--to", "then.pdf"], "then.pdf: a table is written as .csv, .xlsx, .parquet"),
        (["table", "desk_articles", "--to", "nowhere/then.csv"], "there is no folder nowhere; make it first"),
        (["table", "desk_sold"], "desk_sold is not stored yet"),
        (["table", "desk_articles", "--as-of", "0001-01-01T00:00+14:00"], "is no day; write it as 2026-03-31, or"),
        (["table", "desk_articles", "--as-of", "9999-12-31"], "9999-12-31 has not come yet"),
        (["table", "desk_articles", "--as-of", "2026-02-30"], "'2026-02-30' is no day"),
        (["table", "desk_articles", "--as-of", "2026-05-01T14:05 Mars"], "is no day; write it as 2026-03-31, or"),
        (["table", "desk_articles", "--as-of", ""], "'' is no day; write it as 2026-03-31"),
        (["diff", "desk_sold", "--from", "2020-01-01", "--to", "2999-01-01"], "2999-01-01 has not come yet"),
        (["diff", "desk_solt", "--from", "2020-01-01", "--to", "2020-01-02"], "did you mean desk_sold or"),
        (["diff", "desk_sold", "--from", "2020-01-02", "--to", "2020-01-02"], "name the earlier moment first"),
        (["diff", "desk_sold", "--from", "2020-01-01", "--to", "2020-01-02"], "nothing was known on 2020-01-01"),
    ],
)
def test_what_cannot_be_told_is_one_line(asked: Callable[..., Any], words: list[str], says: str) -> None:
    code, printed, said = asked(*words)
    lines = [line for line in said.splitlines() if line.startswith("s2p: ")]
    assert (code, printed, len(lines)) == (2, "", 1), said
    assert says in lines[0]
    assert "Traceback" not in said


@pytest.mark.parametrize("zone", ["+05:30", "-11:00", "Z", "+0000"])
def test_a_moment_may_be_written_in_any_time_zone(past: Past, zone: str) -> None:
    """Also where an address lost its plus."""
    offset = dt.datetime.fromisoformat(f"2026-05-01T00:00{zone}").tzinfo
    then = dt.datetime.fromisoformat(past.first).astimezone(offset).replace(tzinfo=None).isoformat()
    for written in (f"{then}{zone}", f"{then}{zone.replace('+', ' ')}"):
        assert past.values("desk_articles", "price", written) == {"0001": 5, "0002": 2.5, "0003": 1}


def test_a_day_and_its_own_moments_are_compared(past: Past) -> None:
    today = dt.date.fromisoformat(past.first[:10])
    found = past.changes("desk_articles", past.first, today.isoformat())
    assert found.changed == 2
    with pytest.raises(QueryInvalid, match=r"is not before .*; name the earlier moment first"):
        past.changes("desk_articles", today.isoformat(), past.first)
