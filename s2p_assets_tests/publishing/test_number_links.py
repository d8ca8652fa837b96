"""Every number of a report has its place for a link: nothing from disk, a plain link where something answers."""

import ast
import datetime as dt
import re
from pathlib import Path

import pandas as pd
import pytest

from s2p_assets.contracts.report import Chart, Document, Figure, Imprint, NumberSource, ReportColumn, Section
from s2p_assets.publishing.charts.chart_headlines import chart_headline
from s2p_assets.publishing.charts.plots import plot_of
from s2p_assets.publishing.document.report_terms import REPORT_TERMS, term_of
from s2p_assets.publishing.renderers.html import render_html
from s2p_assets.publishing.renderers.number_links import NumberPlace, link_numbers

HOUSE = Path(__file__).parents[2] / "s2p_assets"
WEEKS = pd.date_range("2026-09-07", periods=6, freq="7D")
HOSTILE = '<a data-number="T1.1.1">x</a><script>alert(1)</script>" role="img" aria-label='
EXPLAINED_BY_THEMSELVES = {
    *("Account", "Agent", "Begun in the last week", "Cars", "Cases", "Customer", "Country", "Deal", "Description"),
    *("Driver", "End", "File", "Files", "Files since the last", "From day", "Item", "Lost in the last week", "Measure"),
    *("Message sent to", "Month", "Newest", "Office", "On", "Open deals", "Product", "Question", "Race", "Season"),
    *("Since", "Since when", "Supplier", "Team", "Team of", "The first of them", "The newest of them", "Value", "What"),
    *("What is missing", "What it changed", "What it would change", "Won in the last week", "Office", "Came in", "to"),
    *("Week of", "Cutoff", "Until", "Column", "Decided", "Open now", "Told, in %", "What was done"),
}


def document() -> Document:
    frame = pd.DataFrame({"week": WEEKS, "units": [5.0, 9.0, 3.0, 4.0, 2.0, 7.0], "name": [HOSTILE] * 6})
    section = Section(
        "Sales",
        "By week.",
        frame,
        (ReportColumn("week", "Week of", "date"), ReportColumn("units", "Units"), ReportColumn("name", HOSTILE)),
        Chart("line", "week", ("units",), "Units a week", format="integer"),
        table="demand",
        key=("week", "name"),
    )
    figures = (
        Figure("Safety stock", 12, "integer", sources=(NumberSource("demand.units"),)),
        Figure("Since", "now", "text"),
    )
    return Document("Sales", dt.date(2026, 10, 18), HOSTILE, figures, (section,))


@pytest.fixture(scope="module")
def page() -> str:
    made = Imprint("shop_sales", (), "EUR", dt.datetime(2026, 10, 19, 7, tzinfo=dt.UTC))
    return render_html(document(), made, beside="Sales")


def address(place: NumberPlace) -> str:
    return f"/n/{place.report}/{place.which}/{place.day}/{'+'.join(place.ids)}"


def test_a_report_on_disk_has_no_link_on_any_number(page: str) -> None:
    places = re.findall(r"<a data-(?:number|term)[^>]*>", page)
    assert len(places) > 8
    assert not any("href" in one for one in places)
    assert "<script>alert" not in page


def test_every_number_that_can_be_traced_is_a_link_where_something_answers(page: str) -> None:
    served = link_numbers(page, address, "/glossary")
    ways = re.findall(r'<a data-number="([^"]+)" href="([^"]+)" target="_top"( tabindex="-1")?>', served)
    assert len(ways) == page.count("<a data-number=")
    assert {ids: way for ids, way, _ in ways} == {
        ids: f"/n/shop_sales/edition/2026-10-18/{ids.replace(' ', '+')}" for ids, _, _ in ways
    }
    assert {"F1", "T1.6.2"} <= {ids for ids, _, _ in ways}
    assert not any(passed for ids, _, passed in ways if ids.startswith("F"))
    assert any(passed for _, _, passed in ways)  # points of the chart, which the table has too
    assert '<a data-term="safety-stock" href="/glossary#safety-stock" target="_top">Safety stock</a>' in served
    assert 'class="drawing wide" role="group"' in served
    assert served.count("<script>") == page.count("<script>") == 1


def test_an_edition_that_was_made_again_leads_to_what_was_known_then() -> None:
    known = dt.datetime(2026, 10, 1, tzinfo=dt.UTC) - dt.timedelta(microseconds=1)
    made = Imprint("shop_sales", (), "EUR", dt.datetime(2026, 10, 19, 7, tzinfo=dt.UTC), known_at=known)
    assert 'href="/n/shop_sales/as-of/2026-09-30/F1"' in link_numbers(
        render_html(document(), made, beside="Sales"), address, "/glossary"
    )


def test_a_page_that_names_no_report_is_served_as_it_is() -> None:
    assert link_numbers("<body><a data-number='F1'>", address, "/g") == "<body><a data-number='F1'>"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([5, 9, 3, 4, 2, 7], "7 (12 Oct 2026), the most since 14 Sep 2026"),
        ([5, 9, 3, 4, 2, 12], "12 (12 Oct 2026), the most of 6"),
        ([5, 9, 3, 4, 6, 2], "2 (12 Oct 2026), the least of 6"),
        ([5, 5, 5, 5, 5, 5], ""),
        ([5, 9, None, None, None, None], ""),
    ],
)
def test_the_title_of_a_chart_over_time_says_what_its_last_value_is(values: list[float | None], says: str) -> None:
    frame = pd.DataFrame({"week": WEEKS, "units": pd.Series(values, dtype="float64")})
    plot = plot_of(Section("x", "x", frame, chart=Chart("line", "week", ("units",), "Units a week", format="integer")))
    assert plot
    assert chart_headline(plot, "EUR") == says


def test_the_title_of_bars_says_which_is_the_longest() -> None:
    frame = pd.DataFrame({"who": ["Ann", "Ben", "Cem"], "won": [2.0, -9.0, 3.0]})
    plot = plot_of(Section("x", "x", frame, chart=Chart("bar", "who", ("won",), "Won", format="integer")))
    assert plot
    assert chart_headline(plot, "EUR") == "least Ben, −9"


def titles_in_house() -> set[str]:
    """The titles of columns and cards that stand in the files of reports and sections, as far as they are plain."""
    found = set()
    for file in (*HOUSE.glob("reports/*.py"), *HOUSE.glob("publishing/sections/*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
            place = {"ReportColumn": 1, "Figure": 0}.get(name)
            if place is not None and isinstance(node, ast.Call) and len(node.args) > place:
                title = node.args[place]
                found |= {title.value} if isinstance(title, ast.Constant) and isinstance(title.value, str) else set()
    return found


def test_every_title_of_a_report_is_explained_or_explains_itself() -> None:
    assert len(titles_in_house()) > 80
    assert {one for one in titles_in_house() if term_of(one) is None} - EXPLAINED_BY_THEMSELVES == set()


def test_words_are_explained_once_and_each_explains_its_own_title() -> None:
    ids = [term.id for term in REPORT_TERMS]
    assert len(ids) == len(set(ids))
    assert [term.word for term in REPORT_TERMS if term_of(term.word) is None] == []
