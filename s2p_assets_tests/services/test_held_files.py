"""What a file changes is told, and much of it is asked first; so are copies of files, and files that are gone."""

import datetime as dt
import os
import re
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from typer.testing import CliRunner

from s2p_assets.cli.app import app
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.services.arrivals import Arrivals
from s2p_assets.services.context import Context, open_context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.held_files import accept_file, keep_file
from s2p_assets.services.ingest import ingest, store_ingest
from s2p_assets.services.plan import plan_file
from s2p_assets.services.status import forget_file, read_status
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.sandbox import Sandbox
from s2p_assets.warehouse.files.copy_names import originals_of

SHELVES = {
    "hold_prices": '''"""Prices."""

from s2p_assets import Code, Integer, Money, Row, Workbook, column


class Price(Row):
    """An article's price."""

    article: Code = column("Article", description="The article's number")
    pieces: Integer = column("Pieces", description="Pieces in a case", nullable=True)
    price: Money = column("Price", description="Price of one case", unit="EUR", nullable=True)


prices = Workbook(rows=Price, path="prices/*.*", owner="prices@example.com", key=("article",))
''',
    "hold_stock": '''"""Stock of the day."""

from s2p_assets import Code, Integer, Row, Workbook, column


class Stock(Row):
    """An article's stock."""

    article: Code = column("Article", description="The article's number")
    pieces: Integer = column("Pieces", description="Pieces on the shelf")


stock = Workbook(
    rows=Stock, path="stock/*.*", owner="stock@example.com", key=("article",), may_overwrite=True,
    max_restated=None, max_rows_gone=None,
)
''',
    "hold_tills": '''"""Sales from one day to another."""

from s2p_assets import Code, Date, Integer, Row, Workbook, column


class Till(Row):
    """What was sold of an article in a period."""

    article: Code = column("Article", description="The article's number")
    first: Date = column("First", description="First day")
    last: Date = column("Last", description="Last day")
    pieces: Integer = column("Pieces", description="Pieces sold")


tills = Workbook(
    rows=Till, path="tills/*.*", owner="tills@example.com", key=("article", "first", "last"), spans=("first", "last")
)
''',
    "hold_left": '''"""What lies on the left, with its rack."""

from s2p_assets import Code, Integer, Row, Text, Workbook, column


class Left(Row):
    """An article on the left."""

    article: Code = column("Article", description="The article's number")
    pieces: Integer = column("Pieces", description="Pieces there")
    rack: Text = column("Rack", description="Where")


left = Workbook(rows=Left, path="both/*.*", owner="left@example.com", key=("article",))
''',
    "hold_right": '''"""What lies on the right."""

from s2p_assets import Code, Integer, Row, Workbook, column


class Right(Row):
    """An article on the right."""

    article: Code = column("Article", description="The article's number")
    pieces: Integer = column("Pieces", description="Pieces there")


right = Workbook(rows=Right, path="both/*.*", owner="right@example.com", key=("article",))
''',
    "hold_sales": '''"""Sales."""

from s2p_assets import Code, Integer, Row, Workbook, column


class Sale(Row):
    """A sale."""

    article: Code = column("Article", description="The article's number")
    pieces: Integer = column("Pieces", description="Pieces sold")


sales = Workbook(rows=Sale, path="sales/*.*", owner="sales@example.com")
''',
}
DAY = dt.timedelta(days=1)
NOON = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)


@dataclass
class Company:
    """A share, a warehouse and three kinds of workbook: two with a key, sales without."""

    ctx: Context
    reader: Sandbox
    hours: int = 0

    @property
    def share(self) -> Path:
        return self.ctx.settings.share

    def drop(
        self,
        path: str,
        rows: Sequence[Sequence[Any]],
        *,
        hours: int | None = None,
        saved: dt.datetime | None = None,
        header: Sequence[str] = (),
    ) -> None:
        """Save a workbook an hour after the one before it."""
        self.hours = self.hours + 1 if hours is None else hours
        header = header or (["Article", "Pieces", "Price"] if path.startswith("prices") else ["Article", "Pieces"])
        book = openpyxl.Workbook()
        for row in [header, *rows]:
            book.worksheets[0].append(list(row))
        moment = NOON + dt.timedelta(hours=self.hours)
        file = self.share / path
        file.parent.mkdir(parents=True, exist_ok=True)
        book.save(file)
        set_modified(file, saved or moment)
        self.touch(path, moment)

    def touch(self, path: str, moment: dt.datetime) -> None:
        os.utime(self.share / path, (moment.timestamp(), moment.timestamp()))

    def take(self) -> dict[str, str]:
        """One look at the share: path → verdict of the files that were looked at."""
        verdicts: dict[str, str] = {}
        for workbook in self.ctx.catalog.workbooks.values():
            if not self.has_ever_had(workbook):
                continue
            with self.ctx.warehouse.connect() as connection:
                taken = ingest(self.ctx, workbook, self.reader, progress=lambda _: None)
                assert [one.lost for one in taken.files if one.lost] == []
                store_ingest(connection, workbook, taken, "run")
                verdicts |= {one.path: one.verdict for one in taken.files}
        return verdicts

    def has_ever_had(self, workbook: Workbook) -> bool:
        return (self.share / workbook.patterns[0]).parent.exists()

    def status(self) -> dict[str, Any]:
        return read_status(self.ctx)

    def held(self) -> dict[str, str]:
        """Path → why it is held."""
        return {file["path"]: " ".join(file["questions"]) for file in self.status()["held"]}

    def rows(self, kind: str) -> list[tuple[Any, ...]]:
        columns = "article, pieces, price::float8" if kind == "prices" else "article, pieces"
        with self.ctx.warehouse.connect() as connection:
            return connection.execute(f"select {columns} from hold.{kind} order by 1, 2").fetchall()


def set_modified(file: Path, moment: dt.datetime) -> None:
    """Say in a workbook's properties when it was last saved; openpyxl says always that it was now."""
    with zipfile.ZipFile(file) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    core = parts["docProps/core.xml"].decode()
    parts["docProps/core.xml"] = re.sub(
        r"(<dcterms:modified[^>]*>)[^<]*", rf"\g<1>{moment:%Y-%m-%dT%H:%M:%SZ}", core
    ).encode()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name, content)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The shelves of the company, as a package that can be imported."""
    name, folder = "held_shelves", tmp_path_factory.mktemp("shelves")
    shelf = folder / name / "workbooks"
    shelf.mkdir(parents=True)
    for place in (shelf, shelf.parent):
        (place / "__init__.py").touch()
    for stem, source in SHELVES.items():
        (shelf / f"{stem}.py").write_text(source)
    sys.path.insert(0, str(folder))
    yield name
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def reader(package: str) -> Iterator[Sandbox]:
    with Sandbox(packages=("held_shelves",)) as sandbox:
        yield sandbox


@pytest.fixture
def company(tmp_path: Path, empty_database_url: str, package: str, reader: Sandbox) -> Company:
    share = tmp_path / "share"
    share.mkdir()
    settings = Settings(home=tmp_path / "home", share=share, database_url=empty_database_url, shelves=(package,))
    ctx = open_context(settings)
    assert not ctx.catalog.faults
    return Company(ctx, reader)


def price_rows(count: int = 20, **changed: float) -> list[tuple[str, int, float]]:
    """Articles A0, A1 …, ten pieces at 5 EUR; `changed`: other prices."""
    return [(f"A{number}", 10, changed.get(f"A{number}", 5.0)) for number in range(count)]


def test_a_new_version_that_lacks_many_rows_is_held_and_the_rows_before_stay(company: Company) -> None:
    company.drop("prices/May.xlsx", price_rows(20))
    assert company.take() == {"prices/May.xlsx": "accepted"}
    company.drop("prices/May.xlsx", price_rows(13))
    assert company.take() == {"prices/May.xlsx": "held"}
    assert len(company.rows("prices")) == 20
    assert "7 of the 20 rows" in company.held()["prices/May.xlsx"]
    company.drop("prices/May.xlsx", price_rows(14))
    assert company.take() == {"prices/May.xlsx": "accepted"}
    assert len(company.rows("prices")) == 14
    assert company.held() == {}


def test_a_new_version_that_restates_many_values_is_held_until_a_person_accepts_it(company: Company) -> None:
    company.drop("prices/May.xlsx", price_rows(20))
    company.take()
    company.drop("prices/May.xlsx", price_rows(20, A1=500.0, A2=500.0, A3=500.0))
    assert company.take() == {"prices/May.xlsx": "held"}
    assert {price for *_, price in company.rows("prices")} == {5.0}
    assert "3 of 20 values of 'Price'" in company.held()["prices/May.xlsx"]
    (held,) = company.status()["held"]
    assert "A1: 5 → 500" in held["says"]
    assert company.take() == {}
    accept_file(company.ctx, "prices/May.xlsx")
    assert company.held() == {}
    assert company.take() == {"prices/May.xlsx": "accepted"}
    assert [price for *_, price in company.rows("prices")].count(500.0) == 3
    assert company.take() == {}


def test_a_correction_of_a_few_values_and_filled_in_ones_are_not_asked_about(company: Company) -> None:
    company.drop("prices/May.xlsx", [("A", None, None), ("B", None, 2.0), ("C", None, 3.0), *price_rows(2)])
    company.take()
    company.drop("prices/May.xlsx", [("A", 1, 1.0), ("B", 1, 2.5), ("C", 1, 3.5), ("D", 1, 1.0), *price_rows(2)])
    assert company.take() == {"prices/May.xlsx": "accepted"}
    (changed, _) = company.status()["changes"]
    assert changed["says"].startswith("1 row new, 3 changed (Pieces in 3, Price in 3)")
    assert changed["changes"]["restated"] == {"Price": 2}


def test_keys_of_another_file_are_not_overwritten_unasked(company: Company) -> None:
    company.drop("prices/North.xlsx", price_rows(20))
    company.take()
    company.drop("prices/South.xlsx", [("A7", 10, 9.0), ("S1", 10, 9.0)])
    assert company.take() == {"prices/South.xlsx": "held"}
    assert "prices/North.xlsx" in company.held()["prices/South.xlsx"]
    assert ("A7", 10, 5.0) in company.rows("prices")
    assert len(company.rows("prices")) == 20


def test_a_correction_in_a_file_of_its_own_is_loaded_and_told(company: Company) -> None:
    company.drop("prices/North.xlsx", price_rows(20))
    company.take()
    company.drop("prices/All.xlsx", price_rows(20, A7=6.0))
    assert company.take() == {"prices/All.xlsx": "accepted"}
    assert "1 row of prices/North.xlsx got other values" in company.status()["changes"][0]["says"]


def test_the_first_delivery_is_not_asked_about(company: Company) -> None:
    company.drop("prices/North.xlsx", price_rows(20))
    company.drop("prices/South.xlsx", price_rows(20, **{f"A{number}": 7.0 for number in range(20)}))
    assert set(company.take().values()) == {"accepted"}
    assert {price for *_, price in company.rows("prices")} == {7.0}


def test_a_contract_sets_the_bounds(company: Company) -> None:
    company.drop("stock/Monday.xlsx", [("A", 1), ("B", 2), ("C", 3)])
    company.take()
    company.drop("stock/Tuesday.xlsx", [("A", 7), ("B", 8), ("C", 9)])
    assert company.take() == {"stock/Tuesday.xlsx": "accepted"}
    company.drop("stock/Tuesday.xlsx", [("A", 8)])
    assert company.take() == {"stock/Tuesday.xlsx": "accepted"}


def test_a_held_file_has_a_copy_that_says_why_and_it_goes_when_the_file_is_accepted(company: Company) -> None:
    company.drop("prices/May.xlsx", price_rows(20))
    company.take()
    company.drop("prices/May.xlsx", price_rows(5))
    company.take()
    (held,) = company.status()["held"]
    cells = [str(cell.value) for row in openpyxl.load_workbook(held["copy"])["s2p findings"].rows for cell in row]
    assert any("is held" in text for text in cells)
    assert any("15 of the 20 rows" in text for text in cells)
    assert any(text.startswith("15 rows withdrawn") for text in cells)
    accept_file(company.ctx, "prices/May.xlsx")
    company.take()
    assert not Path(held["copy"]).exists()


def test_plan_says_beforehand_that_a_file_would_be_held(company: Company) -> None:
    company.drop("prices/May.xlsx", price_rows(20))
    company.take()
    company.drop("prices/May.xlsx", price_rows(5))
    planned = plan_file(company.ctx.settings, company.share / "prices/May.xlsx", None)
    assert planned.questions == ("15 of the 20 rows that were loaded from this file are not in it any more",)
    assert planned.as_json()["questions"] == list(planned.questions)


NAMES_OF_COPIES = (
    *(
        "May (1)",
        "May - Copy",
        "May - Copy (2)",
        "May - Kopie",
        "Copy of May",
        "Kopie von May",
        "May copy",
        "May copy 2",
    ),
    *("May 2", "May-PC42", "May-PC42-2", "May-DESKTOP-7AB3C1D", "May-LAPTOP-ANN", "May (1) (1)", "May [Conflict]"),
    *("May (Ann's conflicted copy 2026-05-02)", "May (conflicted copy 2026-05-02 101500)", "May (Case Conflict)"),
    *("May (In Konflikt stehende Kopie von Ann 2026-05-02)", "May (Copie en conflit de Ann 2026-05-02)"),
    *("May_conflict-20260502-101500", "May.sync-conflict-20260502-101500-ABCDEFG", "May-Conflict", "May[1]"),
    *("May (AutoRecovered)", "May (version 1)", "May [Repaired]", "May (copy)", "May (another copy)", "May_copy"),
    *("May-Anns-MacBook-Pro", "Copy_of_May", "Copy of Copy of May", "May (Autosaved) (1)"),
    *(
        "May-Ann-PC",
        "May-PC42-Copy",
        "May （競合コピー 2026-05-02）",
        "May (конфліктна копія Ann)",
        "May [Conflict (1)]",
    ),
    *("May のコピー", "May的副本", "Kopie souboru May", "May - Αντίγραφο", "May - 複製", "May — копія", "May – koopia"),
    *("May (slightly different version)", "May másolata", "May_copy1", "May backup", "May_old", "May (restored)"),
    *("May_ann_DiskStation_May-02-1015-2026_Conflict", "May_DiskStation_May-02-1015-2026_Conflict"),
)
OTHER_NAMES = (
    *("May-Q1", "May-2026", "May-KW05", "May-W05", "May-North", "May-FY26", "May-V2", "May-JAN24", "May-2026-05"),
    *("Copyright May", "Older May", "Maybe old wives", "May-W10", "Backup plan May"),
    *("May (2026)", "May v2", "May (North)", "Mayday", "May", "Conflict of interest", "May-P5"),
)


@pytest.mark.parametrize("name", NAMES_OF_COPIES)
def test_names_of_copies_lead_to_the_original(name: str) -> None:
    assert "in/May.xlsx" in originals_of(f"in/{name}.xlsx")


def test_a_file_in_the_copy_of_a_folder_leads_to_that_in_the_folder() -> None:
    assert "in/2026/May.xlsx" in originals_of("in/2026 - Copy/May.xlsx")
    assert originals_of("in/2026 (1)/May.xlsx") == {}


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_names_that_mean_something_else_are_no_copies(name: str) -> None:
    assert "in/May.xlsx" not in originals_of(f"in/{name}.xlsx")


@pytest.mark.parametrize("kind", ["prices", "sales"])
def test_conflict_copies_are_held(company: Company, kind: str) -> None:
    rows = price_rows(8) if kind == "prices" else [(f"A{number}", number) for number in range(8)]
    company.drop(f"{kind}/May.xlsx", rows)
    copies = [f"{kind}/{name}.xlsx" for name in ("May (1)", "May - Copy", "May-PC42", "May (Ann's conflicted copy)")]
    for number, copy in enumerate(copies):
        company.drop(copy, [*rows[:-1], ("A7", 77 + number, 5.0)[: len(rows[0])]])
    assert company.take() == {f"{kind}/May.xlsx": "accepted"} | dict.fromkeys(copies, "held")
    assert all(f"a copy of {kind}/May.xlsx" in why for why in company.held().values())
    assert len(company.rows(kind)) == 8


def test_downloads_of_the_same_name_with_other_rows_are_no_copies(company: Company) -> None:
    company.drop("sales/export.xlsx", [("A", 1), ("B", 2)])
    company.drop("sales/export (1).xlsx", [("C", 1), ("D", 2)])
    assert set(company.take().values()) == {"accepted"}
    assert len(company.rows("sales")) == 4


def test_a_near_twin_of_a_file_without_a_key_is_held(company: Company) -> None:
    company.drop("sales/May.xlsx", [(f"A{number}", number) for number in range(10)])
    company.take()
    company.drop("sales/May final.xlsx", [("A0", 5), *((f"A{number}", number) for number in range(1, 10))])
    assert company.take() == {"sales/May final.xlsx": "held"}
    assert "9 of its 10 rows are in sales/May.xlsx too" in company.held()["sales/May final.xlsx"]
    assert len(company.rows("sales")) == 10


def test_near_twins_that_come_together_are_told_apart(company: Company) -> None:
    company.drop("sales/May.xlsx", [(f"A{number}", number) for number in range(10)])
    company.drop("sales/May final.xlsx", [("A0", 5), *((f"A{number}", number) for number in range(1, 10))])
    assert company.take() == {"sales/May.xlsx": "accepted", "sales/May final.xlsx": "held"}


def test_saved_under_another_name_the_old_rows_are_told_and_the_new_file_is_asked_again(company: Company) -> None:
    company.drop("sales/May.xlsx", [(f"A{number}", number) for number in range(10)])
    company.take()
    (company.share / "sales/May.xlsx").unlink()
    company.drop("sales/May final.xlsx", [("A0", 5), *((f"A{number}", number) for number in range(1, 10))])
    assert company.take() == {"sales/May final.xlsx": "held"}
    (gone,) = company.status()["gone"]
    assert (gone["path"], gone["rows"]) == ("sales/May.xlsx", 10)
    forget_file(company.ctx, "sales/May.xlsx")
    assert company.take() == {"sales/May final.xlsx": "accepted"}
    assert len(company.rows("sales")) == 10
    assert ("A0", 5) in company.rows("sales")
    assert company.status()["gone"] == []


def test_a_copy_that_goes_away_takes_its_rows_along_while_the_original_stands(company: Company) -> None:
    company.drop("prices/May.xlsx", price_rows(8))
    company.drop("prices/May - Copy.xlsx", price_rows(9, A1=77.0))
    company.take()
    accept_file(company.ctx, "prices/May - Copy.xlsx")
    company.take()
    assert ("A1", 10, 77.0) in company.rows("prices")
    (company.share / "prices/May - Copy.xlsx").unlink()
    company.take()
    assert company.rows("prices") == sorted(price_rows(8))
    assert company.status()["gone"] == []
    assert any("copy of prices/May.xlsx" in changed["says"] for changed in company.status()["changes"])


def test_a_copy_whose_original_goes_away_is_asked_again(company: Company) -> None:
    company.drop("prices/May.xlsx", price_rows(8))
    company.drop("prices/May - Copy.xlsx", price_rows(8, A1=77.0))
    company.take()
    (company.share / "prices/May.xlsx").unlink()
    assert company.take() == {"prices/May - Copy.xlsx": "held"}
    forget_file(company.ctx, "prices/May.xlsx")
    assert company.take() == {"prices/May - Copy.xlsx": "accepted"}
    assert ("A1", 10, 77.0) in company.rows("prices")


def test_an_older_copy_does_not_win_over_newer_content(company: Company) -> None:
    company.drop("prices/June.xlsx", price_rows(30, A1=6.0), hours=800)
    company.drop("prices/May.xlsx", price_rows(30), hours=850, saved=NOON)  # a share whose files were copied
    assert set(company.take().values()) == {"accepted"}
    assert ("A1", 10, 6.0) in company.rows("prices")
    backup = NOON + dt.timedelta(hours=400)
    company.drop("prices/from backup.xlsx", price_rows(30, A1=5.5), hours=900, saved=backup)
    company.drop("prices/June.xlsx", price_rows(30, A1=4.0), hours=901, saved=NOON + dt.timedelta(hours=300))
    assert company.take() == {"prices/from backup.xlsx": "held", "prices/June.xlsx": "held"}
    held = company.held()
    assert "before prices/June.xlsx" in held["prices/from backup.xlsx"]
    assert "before the version that is loaded" in held["prices/June.xlsx"]
    assert ("A1", 10, 6.0) in company.rows("prices")
    accept_file(company.ctx, "prices/from backup.xlsx")
    company.take()
    assert ("A1", 10, 5.5) in company.rows("prices")


def test_a_date_that_programs_write_who_know_none_says_nothing_of_the_content(company: Company) -> None:
    company.drop("prices/May.xlsx", price_rows(8))
    company.take()
    company.drop("prices/May.xlsx", price_rows(8, A1=6.0), saved=dt.datetime(2006, 9, 16, tzinfo=dt.UTC))
    assert company.take() == {"prices/May.xlsx": "accepted"}


@pytest.mark.parametrize("kind", ["prices", "sales"])
def test_a_copy_of_the_same_bytes_does_not_keep_what_the_original_no_longer_says(company: Company, kind: str) -> None:
    rows = price_rows(8) if kind == "prices" else [(f"A{number}", number) for number in range(8)]
    company.drop(f"{kind}/May.xlsx", rows)
    shutil.copy2(company.share / f"{kind}/May.xlsx", company.share / f"{kind}/May - Copy.xlsx")
    company.take()
    assert (company.rows(kind), company.held()) == (sorted(rows), {})
    company.drop(f"{kind}/May.xlsx", rows[:-1])
    assert company.take() == {f"{kind}/May.xlsx": "accepted"}
    assert company.rows(kind) == sorted(rows[:-1])
    assert company.take() == {f"{kind}/May - Copy.xlsx": "held"}
    (company.share / f"{kind}/May - Copy.xlsx").unlink()
    company.take()
    assert company.rows(kind) == sorted(rows[:-1])
    assert (company.held(), company.status()["gone"]) == ({}, [])


def test_rows_of_a_file_that_is_gone_are_told_until_a_person_keeps_them(company: Company) -> None:
    company.drop("prices/May.xlsx", price_rows(8))
    company.drop("prices/June.xlsx", [("B", 1, 1.0)])
    company.take()
    (company.share / "prices/May.xlsx").unlink()
    assert [(gone["path"], gone["rows"]) for gone in company.status()["gone"]] == [("prices/May.xlsx", 8)]
    company.take()
    assert [(gone["path"], gone["rows"]) for gone in company.status()["gone"]] == [("prices/May.xlsx", 8)]
    keep_file(company.ctx, "prices/May.xlsx")
    assert company.status()["gone"] == []
    assert len(company.rows("prices")) == 9


def test_a_decision_about_no_such_file_is_refused(company: Company) -> None:
    company.drop("prices/May.xlsx", price_rows(8))
    company.take()
    with pytest.raises(NotFound, match="no such file is held"):
        accept_file(company.ctx, "prices/May.xlsx")
    with pytest.raises(NotFound, match="gone from the share"):
        keep_file(company.ctx, "prices/May.xlsx")
    with pytest.raises(NotFound, match="ever loaded"):
        forget_file(company.ctx, "prices/June.xlsx")


def test_status_names_held_and_gone_files_with_what_to_say_and_exits_with_1(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.drop("prices/May.xlsx", price_rows(20))
    company.drop("prices/Old.xlsx", [("O", 1, 1.0)])
    company.take()
    company.drop("prices/May.xlsx", price_rows(5))
    (company.share / "prices/Old.xlsx").unlink()
    company.take()
    settings = company.ctx.settings
    for name in ("home", "share", "database_url"):
        monkeypatch.setenv(f"S2P_{name.upper()}", str(getattr(settings, name)))
    monkeypatch.setenv("S2P_SHELVES", ",".join(settings.shelves))
    shown = CliRunner().invoke(app, ["status"])
    assert shown.exit_code == 1
    assert "s2p accept prices/May.xlsx" in shown.output
    assert "s2p keep prices/Old.xlsx" in shown.output
    assert CliRunner().invoke(app, ["accept", str(settings.share / "prices/May.xlsx")]).exit_code == 0
    assert CliRunner().invoke(app, ["keep", "prices/Old.xlsx"]).exit_code == 0
    company.take()
    assert CliRunner().invoke(app, ["status"]).exit_code == 0


def test_a_terminal_that_watches_is_told_what_came_in_and_what_it_changed(company: Company) -> None:
    arrivals = Arrivals(company.ctx.settings)
    company.drop("prices/May.xlsx", price_rows(20))
    assert arrivals.lines() == []
    company.take()
    assert arrivals.lines() == ["loaded prices/May.xlsx: 20 rows new"]
    company.drop("prices/May.xlsx", price_rows(5))
    company.take()
    (line,) = arrivals.lines()
    assert line.startswith("held prices/May.xlsx: 15 of the 20 rows")
    assert line.endswith("s2p accept prices/May.xlsx")
    assert arrivals.lines() == []


def test_a_file_that_was_emptied_is_held(company: Company) -> None:
    company.drop("prices/May.xlsx", price_rows(6))
    company.drop("sales/May.xlsx", [(f"A{number}", number) for number in range(6)])
    company.take()
    company.drop("prices/May.xlsx", [])
    company.drop("sales/May.xlsx", [])
    assert set(company.take().values()) == {"held"}
    assert (len(company.rows("prices")), len(company.rows("sales"))) == (6, 6)
    for path in ("prices/May.xlsx", "sales/May.xlsx"):
        assert "6 of the 6 rows" in company.held()[path]
        accept_file(company.ctx, path)
    assert set(company.take().values()) == {"accepted"}
    assert company.rows("prices") == company.rows("sales") == []


def test_what_a_person_accepts_is_what_was_held_and_nothing_newer(company: Company) -> None:
    company.drop("prices/May.xlsx", price_rows(20))
    company.take()
    company.drop("prices/May.xlsx", price_rows(5))
    company.take()
    company.drop("prices/May.xlsx", price_rows(1))
    with pytest.raises(NotFound, match="changed or taken away since it was held"):
        accept_file(company.ctx, "prices/May.xlsx")
    company.take()
    assert accept_file(company.ctx, "prices/May.xlsx") == {
        "hold_prices": ["19 of the 20 rows that were loaded from this file are not in it any more"]
    }
    assert accept_file(company.ctx, "prices/May.xlsx")  # twice is once
    company.drop("prices/May.xlsx", price_rows(2))
    assert company.take() == {"prices/May.xlsx": "held"}
    (company.share / "prices/May.xlsx").unlink()
    with pytest.raises(NotFound, match="changed or taken away"):
        accept_file(company.ctx, "prices/May.xlsx")
    assert len(company.rows("prices")) == 20


def test_a_decision_that_falls_into_a_look_is_not_lost(company: Company) -> None:
    company.drop("prices/May.xlsx", price_rows(20))
    company.drop("prices/Old.xlsx", [("O", 1, 1.0)])
    company.take()
    company.drop("prices/May.xlsx", price_rows(5))
    company.take()
    (company.share / "prices/Old.xlsx").unlink()  # after which held files are read again
    workbook = company.ctx.catalog.workbooks["hold_prices"]
    with company.ctx.warehouse.connect() as connection:
        taken = ingest(company.ctx, workbook, company.reader, progress=lambda _: None)
        assert [one.verdict for one in taken.files] == ["held"]
        accept_file(company.ctx, "prices/May.xlsx")
        store_ingest(connection, workbook, taken, "run")
    assert company.held() == {}
    assert company.take() == {"prices/May.xlsx": "accepted"}
    assert len(company.rows("prices")) == 6


def test_a_file_forgotten_while_it_is_read_stays_forgotten(company: Company) -> None:
    company.drop("prices/May.xlsx", price_rows(20))
    company.take()
    workbook = company.ctx.catalog.workbooks["hold_prices"]
    with company.ctx.warehouse.connect() as connection:
        taken = ingest(company.ctx, workbook, company.reader, again=["prices/May.xlsx"], progress=lambda _: None)
        forget_file(company.ctx, "prices/May.xlsx")
        store_ingest(connection, workbook, taken, "run")
    assert company.rows("prices") == []
    assert company.take() == {}


def test_decisions_at_once_and_while_files_are_taken_leave_one_state(company: Company) -> None:
    company.drop("prices/May.xlsx", price_rows(20))
    company.take()
    company.drop("prices/May.xlsx", price_rows(5))
    company.take()
    decisions = [accept_file, forget_file, accept_file, keep_file] * 2

    def decide(decision: Callable[[Context, str], Any]) -> None:
        with suppress(NotFound):
            decision(company.ctx, "prices/May.xlsx")

    with ThreadPoolExecutor(9) as people:
        looked = people.submit(company.take)
        list(people.map(decide, decisions))
        looked.result()
    company.take()
    assert len(company.rows("prices")) in (0, 5)
    assert company.held() == {}
    assert company.take() == {}


def test_a_file_that_becomes_one_of_another_kind_takes_no_rows_along_unasked(company: Company) -> None:
    company.drop("both/May.xlsx", [("A", 1), ("B", 2)])
    company.take()
    before = company.rows("left"), company.rows("right")
    assert sorted(map(len, before)) == [0, 2]
    first = "right" if before[1] else "left"
    second = {"right": "left", "left": "right"}[first]
    header = {"left": ["Article", "Pieces", "Rack"], "right": ["Article", "Pieces"]}[second]
    company.drop("both/May.xlsx", [("A", 1, "R1"), ("B", 2, "R2")], header=header)
    verdicts = company.take()
    assert verdicts["both/May.xlsx"] in ("held", "accepted")
    assert len(company.rows(first)) == 2
    assert "2 of the 2 rows" in company.held()["both/May.xlsx"]
    accept_file(company.ctx, "both/May.xlsx")
    company.take()
    assert (len(company.rows(first)), len(company.rows(second))) == (0, 2)


def test_a_copy_of_the_same_bytes_is_told(company: Company) -> None:
    company.drop("sales/April.xlsx", [(f"A{number}", number) for number in range(6)])
    company.take()
    shutil.copy2(company.share / "sales/April.xlsx", company.share / "sales/May.xlsx")
    arrivals = Arrivals(company.ctx.settings)
    arrivals.lines()
    company.take()
    said = {changed["path"]: changed["says"] for changed in company.status()["changes"]}
    assert said["sales/May.xlsx"] == "the same bytes as sales/April.xlsx, so nothing of it is loaded"
    assert arrivals.lines() == ["sales/May.xlsx: the same bytes as sales/April.xlsx, so nothing of it is loaded"]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_month_beside_its_weeks_is_held_because_it_would_count_twice(company: Company, at_once: bool) -> None:
    header = ["Article", "First", "Last", "Pieces"]
    day, week = dt.date(2026, 4, 27), dt.timedelta(days=7)
    weeks = [("A", day + number * week, day + (number + 1) * week - DAY, 10 + number) for number in range(5)]
    company.drop("tills/weeks.xlsx", weeks, header=header)
    if not at_once:
        assert company.take() == {"tills/weeks.xlsx": "accepted"}
    company.drop("tills/May.xlsx", [("A", dt.date(2026, 5, 1), dt.date(2026, 5, 31), 60)], header=header)
    assert company.take()["tills/May.xlsx"] == "held"
    assert company.held()["tills/May.xlsx"] == (
        "1 of its 1 rows are of days that tills/weeks.xlsx tells of too, and would count twice"
    )
    company.drop("tills/June.xlsx", [("A", dt.date(2026, 6, 1), dt.date(2026, 6, 30), 60)], header=header)
    company.drop("tills/April.xlsx", [("A", dt.date(2026, 4, 1), dt.date(2026, 4, 30), 60)], header=header)
    assert company.take() == {"tills/June.xlsx": "accepted", "tills/April.xlsx": "held"}
