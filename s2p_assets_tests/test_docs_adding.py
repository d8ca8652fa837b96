"""The files on the page about adding things load as they stand there, and make what the page says of them."""

import datetime as dt
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from s2p_assets.catalog.loading import load_catalog
from s2p_assets.catalog.sql_shelf import WORDS, read_sql_table

PAGE = Path(__file__).parents[1] / "docs/adding.md"
FILES = re.compile(r"`(\w+/acme_\w+\.(?:py|sql))`\n\n```(?:python|sql)\n(.*?)```", re.DOTALL)
BLOCKS = re.compile(r"^```(?:python|sql)$", re.MULTILINE)


@pytest.fixture
def shelves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The files of the page as a package."""
    for name, source in FILES.findall(PAGE.read_text(encoding="utf-8")):
        (tmp_path / "added" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "added" / name).write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield "added"
    for name in [name for name in sys.modules if name.partition(".")[0] == "added"]:
        del sys.modules[name]


def test_every_block_of_code_on_the_page_is_a_shelf_file() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert len(FILES.findall(text)) == len(BLOCKS.findall(text)) == 7


def test_every_file_of_the_page_loads_and_finds_what_it_is_made_from(shelves: str) -> None:
    catalog = load_catalog((shelves,))
    assert [str(fault) for fault in catalog.faults] == []
    assert {declared.full_name for declared in catalog.declared()} == {
        "acme_orders",
        "acme_demand",
        "acme_buyers_weeks",
        "acme_demand_features",
        "acme_demand_champion",
        "acme_demand_moving_average",
        "acme_best_sellers",
    }


def test_the_files_make_a_report_from_orders(shelves: str) -> None:
    catalog = load_catalog((shelves,))
    orders = pd.DataFrame(
        {
            "article": ["a", "a", "b"],
            "quantity": [3, 4, 5],
            "ordered": [dt.date(2026, 3, 2), dt.date(2026, 3, 8), dt.date(2026, 3, 4)],
        }
    )
    demand = catalog.tables["acme_demand"].build(orders)
    features = catalog.features["acme_demand_features"].build(demand)
    report = catalog.reports["acme_best_sellers"].build(demand)
    assert demand["units"].tolist() == [7.0, 5.0]
    assert features["units_before"].isna().all()
    assert report.headline == "Article a sold best, with 7 pieces."
    assert report.as_of == dt.date(2026, 3, 8)


def test_each_file_of_the_page_has_one_import_of_s2p() -> None:
    for name, source in FILES.findall(PAGE.read_text(encoding="utf-8")):
        imports = re.findall(r"^from s2p_assets", source, re.MULTILINE)
        assert len(imports) == (1 if name.endswith(".py") else 0), name


def test_the_page_about_sql_shows_a_file_that_loads(tmp_path: Path) -> None:
    (source,) = re.findall(r"```sql\n(.*?)```", (PAGE.parent / "sql-tables.md").read_text(encoding="utf-8"), re.DOTALL)
    file = tmp_path / "acme_weekly.sql"
    file.write_text(source, encoding="utf-8")
    made = read_sql_table(file, "shelf.acme_weekly")
    assert (made.key, made.incremental, made.seconds) == (("article", "week"), ("article", "week"), 300)
    assert set(WORDS) == set(
        re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?) \|", source_of_words(), re.MULTILINE)))
    )


def source_of_words() -> str:
    """The table of the header's words, without that of a column's."""
    return (PAGE.parent / "sql-tables.md").read_text(encoding="utf-8").partition("## The header")[2]
