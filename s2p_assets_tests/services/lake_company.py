"""A company that exports: a desk with two kinds of workbook, and a table and a feature set that are made of them."""

import datetime as dt
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from s2p_assets.contracts.feature_set import FeatureSet
from s2p_assets.contracts.table import Table
from s2p_assets.services.context import Context, open_context
from s2p_assets.services.held_files import accept_file
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.sandbox import Sandbox
from s2p_assets.warehouse.lakehouse.delta_tables import Lakehouse
from s2p_assets.warehouse.tables.store import read_rows, replace_table
from s2p_assets_tests.services.test_entries import ARTICLES, SHELVES, Desk
from s2p_assets_tests.warm_commands import warm_commands

DAY = dt.date(2026, 5, 1)
MADE = {
    "tables/desk_sold.py": '''"""What was sold."""

import pandas as pd

from s2p_assets import Code, Integer, Row, column, table


class Sold(Row):
    """An article's sales."""

    article: Code = column(description="The article", derived_from="lines.article")
    pieces: Integer = column(description="How many", derived_from="lines.pieces")


@table(rows=Sold, key=("article",), owner="till@example.com")
def sold(lines: pd.DataFrame) -> pd.DataFrame:
    """One row per article sold."""
    return lines.groupby("article", as_index=False)["pieces"].sum()
''',
    "features/desk_days.py": '''"""What was known of an article on a day."""

import pandas as pd

from s2p_assets import Code, Date, Integer, Row, column, feature_set


class Days(Row):
    """An article's sales on a day."""

    article: Code = column(description="The article", derived_from="lines.article")
    day: Date = column(description="The day", derived_from="lines.day")
    pieces: Integer = column(description="How many", derived_from="lines.pieces")


@feature_set(rows=Days, entity=("article",), event_time="day", owner="till@example.com")
def days(lines: pd.DataFrame) -> pd.DataFrame:
    """One row per article and day."""
    return lines.groupby(["article", "day"], as_index=False)["pieces"].sum()
''',
}


@dataclass(frozen=True)
class LakeCompany:
    """A desk, and the folder that it exports to by its settings."""

    desk: Desk
    place: Path

    @property
    def ctx(self) -> Context:
        settings = self.desk.ctx.settings.model_copy(update={"lakehouse": str(self.place)})
        return replace(self.desk.ctx, settings=settings)

    @property
    def lake(self) -> Lakehouse:
        return Lakehouse(str(self.place))

    def articles(self, *rows: tuple[str, str, float], path: str = "articles/All.xlsx") -> None:
        self.desk.drop(path, [ARTICLES[0], *((*row, None, None, None, None, None, None) for row in rows)])
        self.make()

    def lines(self, path: str, *rows: tuple[str, int]) -> None:
        header = ("Day", "Article", "Pieces")
        self.desk.drop(f"lines/{path}", [header, *((DAY, *row) for row in rows)])
        self.make()

    def make(self) -> None:
        """Take what was dropped, also where so few rows make much of a change, and make what is made of it."""
        for path, verdict in self.desk.take().items():
            assert verdict in ("accepted", "held")
            if verdict == "held":
                accept_file(self.desk.ctx, path)
        self.desk.take()
        catalog = self.desk.ctx.catalog
        with self.desk.ctx.warehouse.connect() as connection:
            derived: list[Table | FeatureSet] = [*catalog.tables.values(), *catalog.features.values()]
            for made in derived:
                inputs = {name: self.frame(catalog.by_key[key]) for name, key in catalog.inputs_of(made).items()}
                replace_table(connection, made, made.build(**inputs))

    def frame(self, declared: Any) -> pd.DataFrame:
        with self.desk.ctx.warehouse.connect() as connection:
            return read_rows(connection, declared.domain, declared.name, declared.columns)

    def sold(self) -> dict[str, int]:
        """Article → pieces, as PostgreSQL has them."""
        frame = self.frame(self.desk.ctx.catalog.tables["desk_sold"])
        return dict(zip(frame["article"], map(int, frame["pieces"]), strict=True))

    def next_pieces(self) -> int:
        """A quantity that was not sold before."""
        return 3 + self.desk.hours

    def change(self) -> None:
        """A line is another one."""
        self.lines("May.xlsx", ("0001", 2), ("0001", 2), ("0002", self.next_pieces()))

    def with_lake(self, place: Path) -> "LakeCompany":
        """The same desk, exporting elsewhere by its settings."""
        return LakeCompany(self.desk, place)


@contextmanager
def lake_shelves(folder: Path, package: str) -> Iterator[str]:
    """The company's shelves, as the package that they are."""
    files = {f"workbooks/{name}.py": SHELVES[name] for name in ("desk_articles", "desk_lines")} | MADE
    for name, source in files.items():
        file = folder / package / name
        file.parent.mkdir(parents=True, exist_ok=True)
        for place in (file.parent, file.parent.parent):
            (place / "__init__.py").touch()
        file.write_text(source)
    sys.path.insert(0, str(folder))
    yield package
    sys.path.remove(str(folder))


@contextmanager
def lake_company(folder: Path, url: str, package: str) -> Iterator[LakeCompany]:
    """In a folder, with a database of its own."""
    (folder / "share").mkdir()
    settings = Settings(home=folder / "home", share=folder / "share", database_url=url, shelves=(package,))
    ctx = open_context(settings)
    assert not ctx.catalog.faults
    with Sandbox(packages=(package,)) as reader:
        yield LakeCompany(Desk(ctx, reader), folder / "lake")


def commands_of(company: "LakeCompany") -> Callable[..., Any]:
    """`s2p` with these words, for this company: (exit code, what it printed, what it said)."""
    settings = company.ctx.settings
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("S2P_", "DAGSTER_"))}
    environment |= {"S2P_HOME": str(settings.home), "S2P_SHARE": str(settings.share)}
    environment |= {"S2P_SHELVES": ",".join(settings.shelves), "S2P_DATABASE_URL": str(settings.database_url)}
    environment |= {"PYTHONPATH": os.pathsep.join(sys.path)}
    return lambda *words: warm_commands().run(words, environment, settings.home.parent, 60)
