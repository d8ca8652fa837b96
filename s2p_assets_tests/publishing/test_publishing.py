"""Promises of publishing: one description becomes a page, a workbook, a picture, and a dated edition on the share.

What a particular report says is tested with that report.
"""

import dataclasses
import datetime as dt
import re
import shutil
import subprocess
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import openpyxl
import pandas as pd
import pytest

from s2p_assets.contracts.report import (
    Chart,
    Document,
    Figure,
    Imprint,
    RelativeChange,
    ReportColumn,
    Section,
    SourceFile,
)
from s2p_assets.publishing.charts.plots import plot_of
from s2p_assets.publishing.charts.vega import chart_svg
from s2p_assets.publishing.document import wording
from s2p_assets.publishing.editions.publish import add_renewal_fault, clear_renewal_fault, publish
from s2p_assets.publishing.editions.published import editions, file_name
from s2p_assets.publishing.editions.renewal_faults import RenewalFault
from s2p_assets.publishing.editions.report_not_published import ReportNotPublished
from s2p_assets.publishing.renderers.excel import write_excel
from s2p_assets.publishing.renderers.excel_cells import sheet_names
from s2p_assets.publishing.renderers.html import write_html
from s2p_assets.publishing.renderers.pdf import write_pdf
from s2p_assets.publishing.renderers.picture import write_picture
from s2p_assets.publishing.sections.period_comparison import (
    compare_spans,
    largest_gains,
    largest_losses,
    relative_change,
    relative_changes,
    totals_by_period,
    value_at,
)

MADE_AT = dt.datetime.fromisoformat("2026-11-16T07:05")
SOURCES = (SourceFile("sales/Küche & Bad.xlsx", "ab" * 32, 1_234, dt.datetime.fromisoformat("2026-11-16T06:30")),)
IMPRINT = Imprint("shop_outlook", SOURCES, "EUR", MADE_AT)
AS_OF = dt.date(2026, 11, 15)


def weeks_and_forecast() -> pd.DataFrame:
    """Twelve weeks: eight sold, four forecast with a band."""
    sold = [*range(1000, 1080, 10), *[np.nan] * 4]
    forecast = pd.Series([np.nan] * 8 + [1080.0, 1090.0, 1100.0, 1110.0])
    week = pd.date_range("2026-09-21", periods=12, freq="7D")
    return pd.DataFrame(
        {"week": week, "units": sold, "forecast": forecast, "low": forecast - 90, "high": forecast + 90}
    )


def line_chart(frame: pd.DataFrame | None = None) -> Chart:
    return Chart(
        "line", "week", ("units", "forecast"), "Units a week", band=("low", "high"), band_title="80 % band", frame=frame
    )


ROWS = pd.DataFrame(
    {
        "sku": pd.array(["000123", "=1+1", "<script>alert(1)</script>"], dtype="string[pyarrow]"),
        "units": pd.array([1234567, None, -3], dtype="Int64"),
        "price": [1234.5, np.nan, 0.0],
        "share": [0.1234, np.inf, -0.5],
        "since": pd.to_datetime(pd.Series(["2026-11-02", None, "1999-12-31"])),
    }
)
COLUMNS = (
    ReportColumn("sku", "SKU", "code"),
    ReportColumn("units", "Units", "integer", highlight_below=0),
    ReportColumn("price", "Price", "money", highlight_above=1000),
    ReportColumn("share", "Share", "percent"),
    ReportColumn("since", "Since", "date"),
)


def document(**changes: object) -> Document:
    whole = Document(
        title="Weekly <outlook> & more",
        as_of=AS_OF,
        headline="Sales rose & stock fell.",
        figures=(
            Figure(
                "Units",
                1_234_567,
                "integer",
                0.052,
                "the week before",
                (RelativeChange(-0.2, "a year earlier"),),
                "higher",
            ),
            Figure("Revenue", 98_765.4, "money", better="higher", note="two prices missing"),
            Figure("Margin", None, "percent"),
        ),
        sections=(
            Section("What was sold", "Weeks & forecast.", chart=line_chart(weeks_and_forecast())),
            Section("Products", "All of them.", ROWS, COLUMNS),
            Section("Nothing here", "", ROWS.head(0), COLUMNS, when_empty="No product is missing."),
        ),
        notes=("Weeks begin on Monday.",),
    )
    return dataclasses.replace(whole, **changes)  # type: ignore[arg-type]


def page_of(written: Document, folder: Path) -> str:
    target = write_html(written, folder / "My report.html", IMPRINT)
    return target.read_text(encoding="utf-8")


def workbook_of(written: Document, folder: Path) -> openpyxl.Workbook:
    target = write_excel(written, folder / "report.xlsx", IMPRINT)
    return openpyxl.load_workbook(target)


class Loads(HTMLParser):
    """Everything that a page would fetch, and every link."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.fetched += [named[name] for name in ("src", "srcset", "data", "poster") if name in named]
        if "href" in named:
            (self.links if tag == "a" else self.fetched).append(named["href"])


# The page


def test_a_page_fetches_nothing_and_links_only_to_the_files_beside_it(tmp_path: Path) -> None:
    page = page_of(document(), tmp_path)
    assert Loads(page).fetched == []
    assert set(Loads(page).links) == {"My%20report.xlsx", "My%20report.pdf"}
    assert not re.search(r"@import|url\(", page)
    assert "default-src 'none'" in page
    assert len(page) < 2_000_000


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no browser on this machine")
def test_a_browser_shows_the_numbers_under_the_pointer(tmp_path: Path) -> None:
    page_of(document(), tmp_path)
    probe = "<script>document.title = document.querySelectorAll('.place')[0].words</script></body>"
    target = tmp_path / "My report.html"
    target.write_text(target.read_text(encoding="utf-8").replace("</body>", probe), encoding="utf-8")
    arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    shown = subprocess.run(
        ["chromium", *arguments, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", target.as_uri()],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    assert re.search(r"<title>21 Sep 2026\s+Units: 1,000</title>", shown)


def test_texts_from_data_are_never_markup(tmp_path: Path) -> None:
    bad = '"><script>alert(1)</script>'
    chart = Chart("bar", "name", ("units",), bad, frame=pd.DataFrame({"name": [bad, "b"], "units": [1, 2]}))
    page = page_of(document(sections=(Section(bad, bad, ROWS, COLUMNS, chart),), headline=bad, notes=(bad,)), tmp_path)
    assert page.count("<script>") == 1
    assert "<script>alert" not in page


def test_the_same_document_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        page_of(document(), tmp_path / name)
        workbook_of(document(), tmp_path / name)
    for file in ("My report.html", "report.xlsx"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_numbers_are_written_for_people(tmp_path: Path) -> None:
    page = page_of(document(), tmp_path).replace(wording.SPACE, " ")
    for text in ("€98,765", "1,234,567", "Price (EUR)", "1,234.50", "12.3 %", "−50.0 %", "2 Nov 2026", "not known"):
        assert text in page
    assert "Sunday 15 November 2026" in page
    assert not {"nan", "NaT", "None", "inf", "&lt;NA&gt;"} & set(re.findall(r">([^<]+)<", page))


def test_a_change_is_told_by_arrow_and_word_and_not_by_colour_alone(tmp_path: Path) -> None:
    page = page_of(document(), tmp_path).replace(wording.SPACE, " ")
    assert re.search(
        r'class="change good"><b><span aria-hidden="true">▲</span><span class="spoken">up</span> 5.2 %', page
    )
    assert re.search(
        r'class="change bad"><b><span aria-hidden="true">▼</span><span class="spoken">down</span> 20.0 %', page
    )
    unjudged = document(
        figures=(Figure("Stock", 5, "integer", 0.1, "before"), Figure("Same", 5, "integer", 0.0, "before"))
    )
    page = page_of(unjudged, tmp_path)
    assert page.count('class="change neutral"') == 2
    assert "unchanged" in page


def test_highlighted_cells_carry_a_mark_besides_their_colour(tmp_path: Path) -> None:
    page = page_of(document(), tmp_path)
    assert '<td class="number below">−3</td>' in page
    assert '<td class="number above">1,234.50</td>' in page
    assert 'td.below::before { content: "▾' in page


def test_a_long_table_is_cut_and_says_where_the_rest_is(tmp_path: Path) -> None:
    rows = pd.DataFrame({"n": range(1234)})
    long = document(sections=(Section("Long", "", rows, (ReportColumn("n", "N", "integer"),)),))
    page = page_of(long, tmp_path)
    assert page.count("<tr>") == 200 + 1 + 1 + len(SOURCES)
    assert '1,034 more rows in the <a href="My%20report.xlsx">' in page
    assert workbook_of(long, tmp_path)["Long"].max_row == 4 + 1234


def test_an_empty_section_says_so_in_its_own_words(tmp_path: Path) -> None:
    assert "No product is missing." in page_of(document(), tmp_path)
    assert workbook_of(document(), tmp_path)["Nothing here"]["A4"].value == "No product is missing."


def test_sources_are_named_with_fingerprint_rows_and_time(tmp_path: Path) -> None:
    page = page_of(document(), tmp_path)
    assert "sales/Küche &amp; Bad.xlsx" in page
    assert f'<code title="{"ab" * 32}">abababababab</code>' in page
    assert "1,234" in page
    assert "16 Nov 2026, 06:30" in page
    sheet = workbook_of(document(), tmp_path)["Sources"]
    loaded = dt.datetime.fromisoformat("2026-11-16T06:30")
    assert [cell.value for cell in sheet[5]] == ["sales/Küche & Bad.xlsx", 1234, loaded, "ab" * 32]


def test_times_with_a_zone_say_so_and_excel_takes_them(tmp_path: Path) -> None:
    loaded = dt.datetime(2026, 11, 16, 6, 30, tzinfo=dt.UTC)
    given = Imprint("shop_outlook", (SourceFile("a.xlsx", "ab" * 32, 1, loaded),), "EUR", loaded)
    page = write_html(document(), tmp_path / "r.html", given).read_text(encoding="utf-8")
    assert "Made 16 Nov 2026, 06:30 UTC" in page
    workbook = openpyxl.load_workbook(write_excel(document(), tmp_path / "r.xlsx", given))
    assert workbook["Sources"]["C5"].value == loaded.replace(tzinfo=None)


# The charts


def drawn(section: Section) -> str:
    plot = plot_of(section)
    assert plot is not None
    return chart_svg(plot, width=800, height=300, currency="EUR")


def test_a_chart_takes_every_colour_from_the_page() -> None:
    svg = drawn(Section("s", "", weeks_and_forecast(), chart=line_chart()))
    assert re.findall(r'(?:fill|stroke)="(#[^"]*|[a-z]+)"', svg.replace('"none"', "")) == []
    assert "var(--series-1)" in svg


def test_every_place_on_a_chart_names_its_numbers_and_the_band() -> None:
    svg = drawn(Section("s", "", weeks_and_forecast(), chart=line_chart())).replace(wording.SPACE, " ")
    places = re.findall(r"<title>([^<]*)</title>", svg)
    assert len(places) == 12
    assert places[-1].split("&#xA;") == ["7 Dec 2026", "Forecast: 1,110", "80 % band: 1,020 to 1,200"]


def test_series_become_lines_with_the_titles_of_their_columns() -> None:
    frame = pd.DataFrame(
        {"week": pd.to_datetime(["2026-11-09", "2026-11-02"] * 2), "shop": list("aabb"), "u": [4, 3, 2, 1]}
    )
    plot = plot_of(Section("s", "", frame, chart=Chart("line", "week", ("u",), "t", series="shop")))
    assert plot is not None
    assert {title: list(values) for title, values in plot.lines.items()} == {"a": [3, 4], "b": [1, 2]}
    assert list(plot.x) == list(pd.to_datetime(["2026-11-02", "2026-11-09"]))
    titled = Section("s", "", frame.head(2), (ReportColumn("u", "Units sold"),), Chart("line", "week", ("u",), "t"))
    plot = plot_of(titled)
    assert plot is not None
    assert list(plot.lines) == ["Units sold"]


@pytest.mark.parametrize("kind", ["line", "bar"])
@pytest.mark.parametrize("x", [pd.to_datetime(["2026-11-02"]), ["a", "b"], [1.0, 2.5], [dt.date(2026, 1, 1)]])
def test_lines_and_bars_are_drawn_over_dates_names_and_numbers(kind: str, x: list[object], tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": x, "one": np.arange(len(x)) + 1.0, "two": np.nan})
    chart = Chart(kind, "x", ("one", "two"), "t")  # type: ignore[arg-type]
    section = Section("s", "", frame, chart=chart)
    assert drawn(section).count("<title>") == len(x)
    assert len(workbook_of(document(sections=(section,)), tmp_path)["s"]._charts) == 1


def test_a_chart_without_a_single_number_is_left_out() -> None:
    nothing = pd.DataFrame({"week": pd.to_datetime(["2026-11-02"]), "units": [np.nan]})
    assert plot_of(Section("s", "", nothing, chart=Chart("line", "week", ("units",), "t"))) is None
    assert plot_of(Section("s", "", nothing.head(0), chart=Chart("line", "week", ("units",), "t"))) is None


def test_two_values_at_one_place_are_an_error_and_not_a_guess() -> None:
    twice = pd.DataFrame({"week": pd.to_datetime(["2026-11-02"] * 2), "units": [1, 2]})
    with pytest.raises(ValueError, match="several values at one week"):
        plot_of(Section("s", "", twice, chart=Chart("line", "week", ("units",), "t")))


# The workbook


def test_excel_keeps_dates_numbers_and_codes_what_they_are(tmp_path: Path) -> None:
    sheet = workbook_of(document(), tmp_path)["Products"]
    first = [cell.value for cell in sheet[5]][:5]
    assert first == ["000123", 1234567, 1234.5, 0.1234, dt.datetime.fromisoformat("2026-11-02")]
    assert [cell.value for cell in sheet[6]][:5] == ["=1+1", None, None, None, None]
    assert [cell.number_format for cell in sheet[5]][1:5] == ["#,##0", "#,##0.00", "0.0%", "d mmm yyyy"]


def test_a_text_that_begins_like_a_formula_stays_a_text(tmp_path: Path) -> None:
    starts = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "=cmd|' /C calc'!A0"]
    rows = pd.DataFrame({"name": starts, "week": pd.date_range("2026-01-05", periods=6), "=u": range(6)})
    chart = Chart("line", "week", ("=u",), "=1+1", series="name")
    section = Section("=1+1", "=1+1", rows, (ReportColumn("name", "=1+1"), ReportColumn("week", "@w", "date")), chart)
    sheets = workbook_of(document(title="=1+1", headline="=1+1", notes=("=1+1",), sections=(section,)), tmp_path)
    assert [sheets["=1+1"].cell(row, 1).value for row in range(5, 11)] == starts
    assert {cell.data_type for sheet in sheets for row in sheet.iter_rows() for cell in row} <= {"s", "n", "d"}
    assert all(sheets["=1+1"].cell(row, 1).quotePrefix for row in range(5, 11))


def test_every_section_has_a_sheet_with_a_native_table_and_frozen_headings(tmp_path: Path) -> None:
    sheets = workbook_of(document(), tmp_path)
    assert sheets.sheetnames == ["Overview", "What was sold", "Products", "Nothing here", "Sources", "Chart data"]
    products = sheets["Products"]
    (table,) = products.tables.values()
    assert table.ref == "A4:E7"
    assert table.autoFilter is not None
    assert products.freeze_panes == "A5"
    rules = [rule.formula for area in products.conditional_formatting for rule in area.rules]
    assert rules == [["AND(ISNUMBER(B5),B5<0.0)"], ["AND(ISNUMBER(C5),C5>1000.0)"]]


def test_charts_in_excel_are_native_and_draw_the_band(tmp_path: Path) -> None:
    sheets = workbook_of(document(), tmp_path)
    assert len(sheets["Overview"]._charts) == 1
    assert len(sheets["What was sold"]._charts) == 1
    with zipfile.ZipFile(tmp_path / "report.xlsx") as archive:
        chart = archive.read("xl/charts/chart1.xml").decode()
    assert "<c:areaChart>" in chart
    assert "<c:lineChart>" in chart
    data = pd.DataFrame(sheets["Chart data"].values)
    data = data[1:].set_axis(list(data.iloc[0]), axis=1)
    assert list(data["Foot of the band"]) == [*range(1000, 1080, 10), 990, 1000, 1010, 1020]
    assert list(data["Height of the band"]) == [0] * 8 + [180] * 4


def test_the_cover_holds_every_headline_number_with_its_comparisons(tmp_path: Path) -> None:
    cover = pd.DataFrame(workbook_of(document(), tmp_path)["Overview"].values)
    numbers = cover.iloc[5:9, :5].to_numpy().tolist()
    assert numbers[0][:4] == ["Units", 1234567, 0.052, "the week before"]
    assert numbers[1][2:4] == [-0.2, "a year earlier"]
    assert numbers[2][:2] == ["Revenue (EUR)", 98765.4]
    assert numbers[3][:2] == ["Margin", "not known"]


def test_sheet_names_are_what_excel_takes() -> None:
    names = sheet_names(["a/b:c", "A b c", "x" * 40, "x" * 41, "", "'History'", "Sources"], ["Sources"])
    assert names == ["a b c", "A b c 2", "x" * 31, "x" * 29 + " 2", "Section", "History 2", "Sources 2"]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Forecasts of past weeks, and what was sold", "Forecasts of past weeks"),
        ("What is expected to be won, by month", "What is expected to be won"),
        ("Held until somebody decides", "Held until somebody decides"),
        ("Donaudampfschifffahrtsgesellschaftskapitän", "Donaudampfschifffahrtsgesellsch"),
    ],
)
def test_sheet_names_are_cut_after_a_word(title: str, name: str) -> None:
    assert sheet_names([title], []) == [name]


def test_dates_before_excels_calendar_and_double_headings_do_not_break_the_workbook(tmp_path: Path) -> None:
    rows = pd.DataFrame({"date": [dt.date(1815, 6, 18)], "more": [True]})
    columns = (ReportColumn("date", "Same", "date"), ReportColumn("more", "same"), ReportColumn("more", ""))
    sheet = workbook_of(document(sections=(Section("s", "", rows, columns),)), tmp_path)["s"]
    assert [cell.value for cell in sheet[4]][:3] == ["Same", "same 2", "Column"]
    assert [cell.value for cell in sheet[5]][:3] == ["1815-06-18", "yes", "yes"]


# The picture and the editions


def png_width(file: Path) -> int:
    content = file.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(content[16:20], "big")


def test_the_picture_is_a_png_with_or_without_a_chart(tmp_path: Path) -> None:
    assert png_width(write_picture(document(), tmp_path / "a.png", currency="EUR")) == 900
    assert png_width(write_picture(document(sections=(), figures=()), tmp_path / "b.png", currency="EUR")) == 900


def publish_one(share: Path, as_of: dt.date = AS_OF, *, picture: bool = False, **changes: object) -> Path:
    short = document(**{"as_of": as_of, "sections": document().sections[1:], **changes})
    return publish(short, share, IMPRINT, picture=picture).folder


def test_an_edition_stands_under_its_name_and_date_with_files_named_for_people(tmp_path: Path) -> None:
    folder = publish_one(tmp_path, picture=True)
    assert folder == tmp_path / "shop-outlook" / "2026-11-15"
    stem = "Weekly outlook & more 2026-11-15"
    assert {file.name for file in folder.iterdir()} == {
        *(f"{stem}.{ending}" for ending in ("html", "xlsx", "pdf", "png")),
        "edition.json",
    }
    (edition,) = editions(tmp_path)
    assert edition.picture is not None
    assert all(file.is_file() for file in (edition.html, edition.excel, edition.picture))
    assert (edition.headline, edition.as_of) == ("Sales rose & stock fell.", AS_OF)


def test_the_same_edition_again_takes_the_place_of_the_old_and_others_stay(tmp_path: Path) -> None:
    publish_one(tmp_path, AS_OF - dt.timedelta(days=7))
    publish_one(tmp_path, title="Old title")
    publish_one(tmp_path, headline="Corrected.")
    assert [(edition.as_of, edition.headline) for edition in editions(tmp_path)] == [
        (AS_OF, "Corrected."),
        (AS_OF - dt.timedelta(days=7), "Sales rose & stock fell."),
    ]
    assert not list((tmp_path / "shop-outlook" / "2026-11-15").glob("Old title*"))
    assert not list(tmp_path.rglob(".*"))


def test_latest_is_a_copy_of_the_newest_edition_also_when_an_old_one_is_made_again(tmp_path: Path) -> None:
    publish_one(tmp_path, headline="The newest.")
    publish_one(tmp_path, AS_OF - dt.timedelta(days=70), headline="Long ago.")
    latest = tmp_path / "shop-outlook" / "latest.html"
    assert "The newest." in latest.read_text(encoding="utf-8")
    assert set(Loads(latest.read_text(encoding="utf-8")).links) == {"latest.xlsx", "latest.pdf", "../index.html"}
    assert not latest.is_symlink()
    newest = editions(tmp_path)[0]
    assert latest.with_suffix(".xlsx").read_bytes() == newest.excel.read_bytes()


def test_the_index_lists_every_edition_newest_first_and_its_links_lead_somewhere(tmp_path: Path) -> None:
    publish_one(tmp_path, AS_OF - dt.timedelta(days=14), picture=True, headline="The first.")
    publish_one(tmp_path, AS_OF, headline="The third <b>.")
    publish_one(tmp_path, AS_OF - dt.timedelta(days=7), headline="The second.")
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert page.index("The third &lt;b&gt;.") < page.index("The second.") < page.index("The first.")
    loads = Loads(page)
    assert len(loads.fetched) == 1
    assert all((tmp_path / unquote(link)).is_file() for link in (*loads.fetched, *loads.links))


def test_the_index_stands_by_domain_what_needs_somebody_first_with_words_to_search(tmp_path: Path) -> None:
    for name, title, action in (
        ("shop_outlook", "Outlook", ""),
        ("shop_orders", "Orders", "order <2> today."),
        ("crm_deals", "Deals", ""),
    ):
        publish(
            document(title=title, action=action, sections=()),
            tmp_path,
            dataclasses.replace(IMPRINT, name=name),
            picture=False,
        )
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    places = [page.index(f">{words}<") for words in ("Shop", "Orders", "Outlook", "Crm", "Deals")]
    assert places == sorted(places)
    assert "<b>To do:</b> order &lt;2&gt; today." in page
    assert 'data-words="shop orders sales rose &amp; stock fell. order &lt;2&gt; today."' in page
    assert page.count("made 16 Nov 2026, 07:05") == 3


def test_a_page_links_its_sections_and_the_page_of_all_reports(tmp_path: Path) -> None:
    parts = tuple(Section(f"Part {n}", "", ROWS, COLUMNS) for n in range(4))
    page = write_html(
        document(sections=parts, action="look at it."), tmp_path / "a.html", IMPRINT, index="../../index.html"
    )
    text = page.read_text(encoding="utf-8")
    assert {"../../index.html", *(f"#section-{n}" for n in range(1, 5))} <= set(Loads(text).links)
    assert "<b>To do:</b> look at it." in text
    alone = write_html(document(), tmp_path / "b.html", IMPRINT).read_text(encoding="utf-8")
    assert "All reports" not in alone
    assert "To do:" not in alone


def test_a_chart_is_told_in_words_for_who_cannot_see_it(tmp_path: Path) -> None:
    text = write_html(document(), tmp_path / "a.html", IMPRINT).read_text(encoding="utf-8")
    assert (
        'aria-label="Units a week. Units: from 1,000 (21 Sep 2026) to 1,070 (9 Nov 2026); '
        "highest 1,070 (9 Nov 2026), lowest 1,000 (21 Sep 2026)."
    ) in text


def chart_drawn(chart: Chart, width: int = 960) -> str:
    plot = plot_of(Section("s", "", chart=chart))
    assert plot is not None
    return chart_svg(plot, width=width, height=300, currency="EUR")


def test_lines_are_named_at_their_ends_and_a_marked_place_says_what_it_is() -> None:
    marked = dataclasses.replace(
        line_chart(weeks_and_forecast()), marker=(pd.Timestamp("2026-11-12"), "sales known to here")
    )
    wide, narrow = chart_drawn(marked), chart_drawn(marked, 360)
    assert all(f">{words}</text>" in wide for words in ("Units", "Forecast", "sales known to here"))
    assert ">sales known to here</text>" in narrow
    assert ">Forecast</text>" not in narrow


def test_the_band_has_the_colour_of_the_line_it_is_said_to_belong_to() -> None:
    frame = weeks_and_forecast().assign(low=900.0, high=1200.0)
    assert 'fill="var(--series-1)" fill-opacity="0.2"' in chart_drawn(line_chart(frame))
    told = dataclasses.replace(line_chart(frame), band_of="forecast")
    assert 'fill="var(--series-2)" fill-opacity="0.2"' in chart_drawn(told)


def test_an_edition_that_cannot_be_made_leaves_the_old_one_whole(tmp_path: Path) -> None:
    folder = publish_one(tmp_path)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    with pytest.raises(KeyError):
        publish_one(tmp_path, sections=(Section("s", "", ROWS, (ReportColumn("no_such", "No"),)),))
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    latest = {"latest.html", "latest.xlsx", "latest.pdf"}
    assert {file.name for file in folder.parent.iterdir()} == {"2026-11-15", *latest}


def test_an_edition_made_anew_still_says_what_cannot_be_renewed(tmp_path: Path) -> None:
    publish(document(), tmp_path, IMPRINT)
    add_renewal_fault(tmp_path, IMPRINT.name, RenewalFault("Demand", "a price is below 0", MADE_AT))
    publish(document(), tmp_path, IMPRINT)
    latest = tmp_path / "shop-outlook" / "latest.html"
    assert "Demand: a price is below 0" in latest.read_text(encoding="utf-8")
    clear_renewal_fault(tmp_path, IMPRINT.name, "Demand")
    assert "Demand: a price is below 0" not in latest.read_text(encoding="utf-8")


def test_what_people_leave_beside_the_editions_is_passed_over(tmp_path: Path) -> None:
    publish_one(tmp_path)
    (tmp_path / "shop-outlook" / "notes").mkdir()
    (tmp_path / "shop-outlook" / "notes" / "edition.json").write_text("[1]", encoding="utf-8")
    (tmp_path / "minutes.docx").write_bytes(b"")
    publish_one(tmp_path)
    assert len(editions(tmp_path)) == 1


def test_a_share_that_takes_no_files_is_named_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "shop-outlook").write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(ReportNotPublished) as raised:
        publish_one(tmp_path)
    assert "shop-outlook" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_file_names_are_what_every_file_system_takes() -> None:
    assert file_name('Sales: "A/B" <1>?', AS_OF) == "Sales A B 1 2026-11-15"
    assert file_name("***", AS_OF) == "Report 2026-11-15"
    assert len(file_name("long " * 50, AS_OF)) <= 71


# Comparisons and words


def test_a_change_is_a_share_of_what_was_before_and_of_nothing_there_is_none() -> None:
    assert relative_change(12, 10) == pytest.approx(0.2)
    assert [relative_change(12, before) for before in (0, -5, None, float("nan"))] == [None] * 4
    (found,) = relative_changes(12, {"last week": 10, "last year": None})
    assert found.compared_with == "last week"
    assert found.share == pytest.approx(0.2)


def test_a_period_without_a_known_value_is_missing_and_not_zero() -> None:
    frame = pd.DataFrame({"week": [1, 1, 2], "units": pd.array([1, None, None], dtype="Int64")})
    sums = totals_by_period(frame, period="week", value="units")
    assert (value_at(sums, 1), value_at(sums, 2), value_at(sums, 3)) == (1.0, None, None)


def test_movers_are_ordered_by_difference_and_count_absence_as_nothing() -> None:
    frame = pd.DataFrame({"sku": list("abcab"), "week": [2, 2, 2, 1, 1], "units": [5, 1, 4, 1, 3]})
    moved = compare_spans(frame, by="sku", period="week", value="units", now=[2], before=[1])
    assert moved["sku"].tolist() == ["a", "c", "b"]
    assert moved["difference"].tolist() == [4, 4, -2]
    assert moved["change"].isna().tolist() == [False, True, False]
    assert largest_gains(moved, 1)["sku"].tolist() == ["a"]
    assert largest_losses(moved, 9)["sku"].tolist() == ["b"]


def test_amounts_are_written_with_sign_separators_and_currency() -> None:
    assert wording.format_money(-1234.5, "USD", 2) == "−$1,234.50"
    assert wording.format_money(5, "CHF", 0) == f"CHF{wording.SPACE}5"
    assert wording.format_number(-0.001, 1) == "0.0"
    assert wording.decimals_for(pd.Series([1.0, 2.0, None]), "number") == 0
    assert (
        wording.describe_change(RelativeChange(-0.05, "the week before"))
        == f"5.0{wording.SPACE}% less than the week before"
    )
    assert wording.describe_change(RelativeChange(0.0001, "a year earlier")) == "as much as a year earlier"


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler-utils are not installed")
def test_the_pdf_says_what_the_page_says_on_numbered_pages(tmp_path: Path) -> None:
    long = Section("Products", "All of them.", pd.concat([ROWS] * 60, ignore_index=True), COLUMNS)
    target = write_pdf(document(sections=(*document().sections, long)), tmp_path / "r.pdf", IMPRINT)
    read = subprocess.run(["pdftotext", "-layout", target, "-"], capture_output=True, text=True, check=True).stdout
    pages = read.rstrip("\f\n").split("\f")
    assert len(pages) > 2
    for number, page in enumerate(pages, start=1):
        assert f"Page {number} of {len(pages)}" in page
    whole = " ".join(read.split())
    for said in (
        document().title,
        document().headline,
        "What was sold",
        "Weeks begin on Monday.",
        "No product is missing.",
    ):
        assert said in whole
    for figure in document().figures:
        assert figure.label in whole


def test_the_same_report_gives_the_same_pdf_and_markup_in_texts_is_only_text(tmp_path: Path) -> None:
    hostile = document(headline="#panic(1) $x$ = *bold* _it_ @ref <label> \\ [ ] { } // not a comment")
    first = write_pdf(hostile, tmp_path / "a.pdf", IMPRINT).read_bytes()
    assert first.startswith(b"%PDF")
    assert write_pdf(hostile, tmp_path / "b.pdf", IMPRINT).read_bytes() == first
