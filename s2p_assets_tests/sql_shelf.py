"""Tables of two small sources and SQL files over them, for tests: written, read, bound and made as a shelf's are."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from types import FunctionType
from typing import Any

import pandas as pd
import psycopg

from s2p_assets.catalog.sql_binding import bound
from s2p_assets.catalog.sql_shelf import read_sql_table
from s2p_assets.contracts.columns import Code, Date, Number, Row, column
from s2p_assets.contracts.sql_table import SqlSource, SqlTable
from s2p_assets.contracts.table import Table
from s2p_assets.warehouse.tables import store


class Sale(Row):
    """One sale."""

    sale: Code = column(description="Its number")
    article: Code = column(description="What was sold")
    day: Date = column(description="When")
    units: Number = column(description="Pieces", nullable=True)


class Article(Row):
    """One article."""

    article: Code = column(description="Its number")
    brand: Code = column(description="Whose it is", nullable=True)


def _make() -> pd.DataFrame:
    """A table."""
    return pd.DataFrame()


def python_table(name: str, rows: type[Row], key: tuple[str, ...]) -> Table:
    build: Any = FunctionType(_make.__code__, _make.__globals__)
    build.__module__, build.__doc__ = f"shelf.acme_{name}", "A table."
    return Table(build=build, owner="Ann", rows=rows, key=key)


SALES = python_table("sales", Sale, ("sale",))
ARTICLES = python_table("articles", Article, ("article",))


def written(
    folder: Path, query: str, columns: dict[str, str], key: Sequence[str], more: str = "", name: str = "made"
) -> Path:
    """A SQL file with its header; `columns`: name → type, or type and more words."""
    said = "\n".join(f"  {column}: {{type: {kind}, description: A value}}" for column, kind in columns.items())
    head = f"description: What is tested\nowner: ann@example.com\nkey: [{', '.join(key)}]\ncolumns:\n{said}\n{more}"
    file = folder / f"acme_{name}.sql"
    file.write_text(f"/*\n{head}*/\n{textwrap.dedent(query)}\n", encoding="utf-8")
    return file


def read(file: Path, *others: Table) -> SqlTable:
    """The table of a file, held against the two sources and `others`."""
    known = {
        (one.domain, one.name): SqlSource(one.domain, one.name, one.name, one.columns, one.key)
        for one in (SALES, ARTICLES, *others)
    }
    return bound(read_sql_table(file, f"shelf.{file.stem}"), known)


def fill(conn: psycopg.Connection, sales: list[tuple[Any, ...]], articles: list[tuple[Any, ...]]) -> None:
    """Store the two sources."""
    frame = pd.DataFrame(sales, columns=["sale", "article", "day", "units"])
    store.replace_table(conn, SALES, frame.assign(day=pd.to_datetime(frame["day"])))
    store.replace_table(conn, ARTICLES, pd.DataFrame(articles, columns=["article", "brand"]))
