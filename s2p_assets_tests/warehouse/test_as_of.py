"""Time travel: what was known at a moment gives the numbers published then, and leads to the cells of then."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from s2p_assets.cli.printing.traces import number_lines
from s2p_assets.publishing.editions.published import editions
from s2p_assets.publishing.editions.saved_numbers import read_saved_numbers
from s2p_assets.publishing.editions.saving_numbers import changed_numbers
from s2p_assets.services.as_of import open_as_of, parse_as_of
from s2p_assets.services.errors import NotFound
from s2p_assets.services.named import report_named
from s2p_assets.services.reports import ReportEdition, report_as_of, report_now
from s2p_assets.services.status import forget_file
from s2p_assets.services.trace import TracedNumber, trace_number
from s2p_assets_tests.retail_home import Company, sales
from s2p_assets_tests.warehouse.test_trace import leaves, says_the_same, written

pytestmark = pytest.mark.long

NAME = "retail_weekly_outlook"
QUALITY = "retail_data_quality"
FORGOTTEN = "sales/retail/soon forgotten.xlsx"


class Changed:
    """What was published, when, and how it was changed after that: prices, sales, a file forgotten, one deleted."""

    def __init__(self, company: Company) -> None:
        share = company.settings.share
        sales(share / FORGOTTEN, 40)
        company.run()
        self.saved = sorted((company.settings.home / "editions" / NAME).glob("*.json"))[-1]
        self.published = read_saved_numbers(self.saved)
        self.delivered = read_saved_numbers(sorted((company.settings.home / "editions" / QUALITY).glob("*.json"))[-1])
        self.moment = dt.datetime.now().astimezone()
        for file in share.glob("prices/Price list *.xlsx"):
            make_dearer(file)
        sales(share / "sales/retail/late.xlsx", 500, sku="NEW-0002")
        forget_file(company.graph.ctx, FORGOTTEN)
        next(share.glob("inventory/*.xlsx")).unlink()
        company.run()
        self.today = read_saved_numbers(self.saved)


def make_dearer(file: Path) -> None:
    """One price in twelve of a list half as much again, in the same file: not so many that it is held."""
    book = openpyxl.load_workbook(file)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    for cell in [cell for cell in cells if isinstance(cell.value, float)][::12]:
        cell.value = round(cell.value * 1.5, 2)
    book.save(file)


@pytest.fixture(scope="module")
def changed(company: Company) -> Changed:
    return Changed(company)


def again(company: Company, moment: dt.datetime, to: Path | None = None, name: str = NAME) -> ReportEdition:
    catalog = company.graph.ctx.catalog
    when = moment.isoformat()
    return report_as_of(company.graph.ctx, catalog.reports[name], when, to, lambda _: None)


def traced(company: Company, wanted: str, **which: Any) -> TracedNumber:
    return trace_number(company.graph.ctx, NAME, wanted, most=None, progress=print, **which)


def test_every_number_is_as_it_was_published_before_prices_and_files_changed(
    company: Company, changed: Changed
) -> None:
    catalog = company.graph.ctx.catalog
    with open_as_of(company.graph.ctx, changed.moment, print) as known:
        document = known.document(catalog.reports[NAME])
        assert known.notices == []
    assert changed_numbers(changed.published, document) == []
    assert len(changed_numbers(changed.today, document)) > 50


def test_what_had_come_in_is_told_as_it_was_and_traced_to_the_cells_of_then(company: Company, changed: Changed) -> None:
    catalog = company.graph.ctx.catalog
    with open_as_of(company.graph.ctx, changed.moment, print) as known:
        document = known.document(catalog.reports[QUALITY])
    assert changed_numbers(changed.delivered, document) == []
    assert document.figures[0].value != len(list(company.settings.share.rglob("*.xlsx")))
    made = again(company, changed.moment, company.settings.home / "quality", QUALITY)
    assert FORGOTTEN in made.edition.html.read_text(encoding="utf-8")
    when = {"as_of": changed.moment.isoformat()}
    found = trace_number(company.graph.ctx, QUALITY, "F2", most=None, progress=print, **when)
    assert any(leaf.file and leaf.file.path == FORGOTTEN for group in found.under for leaf in leaves(group))


def test_an_edition_made_again_lies_apart_and_names_the_files_of_then(company: Company, changed: Changed) -> None:
    shelf = company.settings.reports / "retail-weekly-outlook"
    before = {file: file.read_bytes() for file in shelf.rglob("*") if file.is_file()}
    made = again(company, changed.moment)
    assert {file: file.read_bytes() for file in before} == before
    assert made.edition.folder.parent == shelf / "rebuilt"
    assert made.edition.folder not in {edition.folder for edition in editions(company.settings.reports)}
    page = made.edition.html.read_text(encoding="utf-8")
    assert "from what was known on" in page
    assert FORGOTTEN in page
    assert "late.xlsx" not in page
    assert f"s2p trace {NAME} ID --as-of {changed.moment.isoformat()}" in page
    assert (made.notices, made.compared) == ([], False)


def test_an_edition_that_still_stands_is_compared_with_what_was_published(company: Company, changed: Changed) -> None:
    made = again(company, dt.datetime.now().astimezone(), company.settings.home / "apart")
    assert (made.compared, made.differs) == (True, [])
    assert made.edition.folder == company.settings.home / "apart"


def test_a_number_of_an_old_edition_is_traced_to_the_cells_of_then(company: Company, changed: Changed) -> None:
    saved = changed.saved.read_bytes()
    changed.saved.write_text(json.dumps(changed.published), encoding="utf-8")
    try:
        found = traced(company, "F1", edition=changed.saved.stem)
    finally:
        changed.saved.write_bytes(saved)
    (group,) = found.under
    assert group.total == pytest.approx(found.number.value)
    files = [leaf.file for leaf in leaves(group) if leaf.file]
    assert any(file.path == FORGOTTEN for file in files)
    assert all(file.path != "sales/retail/late.xlsx" for file in files)
    for leaf in leaves(group):
        assert leaf.file
        assert leaf.file.archived
        for name, cell in leaf.file.cells.items():
            assert says_the_same(written(leaf.file.archived, leaf.file.sheet, cell), leaf.values[name])
    lines = [line for _, line in number_lines(found)]
    assert lines[1].startswith("What lies under it has changed since; below is what was known on")
    assert lines[2].startswith("Today other rows lie under it: retail.demand has")
    assert "late.xlsx" in "".join(line for _, line in number_lines(traced(company, "F1")))


def test_a_number_of_an_edition_made_again_is_traced_as_of_then(company: Company, changed: Changed) -> None:
    found = traced(company, "F1", as_of=changed.moment.isoformat())
    assert found.number.value == changed.published["figures"][0]["value"]
    assert found.known_at == changed.moment


def test_an_edition_of_now_is_what_the_asset_published(company: Company, changed: Changed, tmp_path: Path) -> None:
    catalog = company.graph.ctx.catalog
    report = report_named(catalog, "retail-weekly-outlook")
    made = report_now(company.graph.ctx, report, tmp_path / "now", print)
    published = [one for one in editions(company.settings.reports) if one.title == made.edition.title]
    assert made.edition.headline == published[0].headline
    with pytest.raises(NotFound, match="is there already; name a new or an empty folder"):
        report_now(company.graph.ctx, report, tmp_path / "now", print)


def test_a_file_that_the_archive_lost_is_named(company: Company, changed: Changed) -> None:
    with company.graph.ctx.warehouse.connect() as connection:
        query = "select archived from s2p.files where path = %s"
        (archived,) = connection.execute(query, (FORGOTTEN,)).fetchone() or ("",)
    kept = company.settings.archive / archived
    aside = kept.rename(kept.with_name("aside"))
    try:
        with pytest.raises(NotFound, match=f"{FORGOTTEN}: the archive no longer holds what stood on 20"):
            again(company, changed.moment)
    finally:
        aside.rename(kept)


def test_a_day_before_anything_was_known_is_refused_with_the_first_that_was(company: Company) -> None:
    with pytest.raises(NotFound, match=r"nothing was known on 2020-01-01 23:59: the first file was loaded on 20"):
        again(company, parse_as_of("2020-01-01"))
    with pytest.raises(NotFound, match="'soon' is no day; write it as 2026-03-31"):
        parse_as_of("soon")
    with pytest.raises(NotFound, match="no report 'retail_outlook'; did you mean"):
        report_named(company.graph.ctx.catalog, "retail_outlook")
