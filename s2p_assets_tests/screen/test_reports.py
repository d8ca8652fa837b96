"""A manager's walk: a report, a number, its way down, the cell in its sheet, the file; and who may not walk it."""

import contextlib
import datetime as dt
import re
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import httpx
import pytest

from s2p_assets.warehouse.access import users
from s2p_assets_tests.api.served import Served
from s2p_assets_tests.screen.conftest import PersonOf, served_screen
from s2p_assets_tests.screen.test_frame import browser_of, bytes_of_page

SOLD = "/reports/acme-sold/numbers/2026-01-31/F1"
PAGES = ("/reports/acme-sold", SOLD, "/alerts?table=acme_revenue&e.article=L-1", "/glossary", "/reports?q=sold")


@pytest.fixture(scope="module")
def door() -> Iterator[Served]:
    """A company of this module's own: what other modules enter would let the numbers of its editions stand no more."""
    with served_screen() as running:
        yield running


@pytest.fixture(scope="module")
def viewer(door: Served) -> httpx.Client:
    return browser_of(door, "viewer")


@contextlib.contextmanager
def kept_to(door: Served, *things: str) -> Iterator[None]:
    """These things are for a group that none of the tests' people is in."""
    with door.ctx.warehouse.connect() as connection:
        for thing in things:
            users.restrict(connection, thing, ["board"])
    try:
        asked, until = browser_of(door, "viewer"), time.monotonic() + 20
        while any(
            f'"name":"{thing}"' in asked.get(f"/api/v1/{kind}").text
            for thing in things
            for kind in ("reports", "tables")
        ):
            assert time.monotonic() < until  # PostgreSQL tells the server
            time.sleep(0.05)
        yield
    finally:
        with door.ctx.warehouse.connect() as connection:
            for thing in things:
                users.restrict(connection, thing, [])


SHOWN_TO_ITS_END = """() => {
    const frame = document.querySelector("iframe.report-in-place");
    return Math.abs(frame.clientHeight - frame.contentDocument.documentElement.scrollHeight) < 4;
}"""


def archived_order(door: Served) -> dict[str, str]:
    """A file of orders as the archive has it."""
    with door.ctx.warehouse.connect() as connection:
        row = connection.execute(
            "select path, sha256 from s2p.files where workbook = 'acme_orders' and is_loaded order by id limit 1"
        ).fetchone()
    assert row
    return {"path": str(row[0]), "sha256": str(row[1])}


def test_a_manager_walks_from_a_report_to_the_cell_and_its_file(person_of: PersonOf, door: Served) -> None:
    person = person_of("viewer")
    page = person.open("/reports")
    page.get_by_label("Search reports").fill("sold")
    page.get_by_role("link", name="Sold", exact=True).wait_for()
    page.get_by_role("link", name="Takings").wait_for(state="detached")
    person.require_accessible()
    page.get_by_role("link", name="Sold", exact=True).click()
    inside = page.frame_locator("iframe.report-in-place")
    inside.locator("a[data-number='F1'][href]").wait_for()
    until = time.monotonic() + 20
    while not page.evaluate(SHOWN_TO_ITS_END):  # the policy of contents lets no page poll
        assert time.monotonic() < until
        page.wait_for_timeout(50)
    person.require_accessible()
    inside.locator("a[data-number='F1']").click()
    page.wait_for_url(f"**{SOLD}")
    page.locator("td.marked").first.wait_for()
    person.require_accessible()
    assert page.locator("table.cells th").first.is_visible()
    path = page.locator(".sheet-view b").first.inner_text()
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download the file as it was read").click()
    archive = (door.ctx.settings.share / path).read_bytes()
    with open(taken.value.path(), "rb") as file:
        assert file.read() == archive
    page.locator("a.cell").first.click()
    page.wait_for_url("**/sheet?**")
    person.require_accessible()
    person.require_fits(390)


def test_the_walk_by_keyboard_alone(person_of: PersonOf) -> None:
    page = person_of("viewer").open("/reports/acme-sold")
    inside = page.frame_locator("iframe.report-in-place")
    number = inside.locator("a[data-number='F1'][href]")
    number.wait_for()
    for _ in range(40):
        page.keyboard.press("Tab")
        if number.evaluate("one => one === one.ownerDocument.activeElement"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{SOLD}")
    assert page.locator("h1").inner_text() == "Sold"


def test_a_person_subscribes_and_ends_it(person_of: PersonOf) -> None:
    page = person_of("viewer").open("/reports/acme-sold")
    page.get_by_text("By mail").click()
    page.get_by_role("button", name="Subscribe").click()
    page.get_by_text("By mail (1)").click()
    page.get_by_text("viewer@example.com gets each new edition").wait_for()
    page.get_by_role("button", name="End").click()
    page.get_by_text("By mail", exact=True).wait_for()


def test_a_limit_that_is_no_number_keeps_what_was_typed_and_a_good_one_stands_in_the_list(person_of: PersonOf) -> None:
    person = person_of("viewer")
    page = person.open("/alerts?table=acme_revenue&column=quantity&e.article=L-1")
    page.get_by_label("this limit").fill("few")
    page.get_by_role("button", name="Tell me").click()
    page.get_by_text("'few' is no number").wait_for()
    assert page.get_by_label("The article's number").input_value() == "L-1"
    person.require_accessible()
    assert all("422" in one for one in person.faults)
    person.faults.clear()
    page.get_by_label("this limit").fill("1 000,5")
    page.get_by_role("button", name="Tell me").click()
    page.get_by_text("Pieces ordered of L-1 under 1,000.5", exact=True).first.wait_for()
    page.get_by_role("button", name="End Pieces").click()
    page.get_by_text("No value is watched for you.").wait_for()


def test_every_page_is_accessible_in_the_dark_and_fits_a_phone(person_of: PersonOf) -> None:
    person = person_of("engineer", color_scheme="dark")
    for path in (*PAGES, "/models"):
        person.open(path)
        person.require_accessible()
        person.require_fits(390)


@pytest.mark.parametrize("path", [*PAGES, "/models"])
def test_the_pages_are_small(door: Served, path: str) -> None:
    assert bytes_of_page(door, browser_of(door, "engineer"), path) < 200_000


def test_reports_are_found_by_a_word_of_their_rows_and_the_most_urgent_stands_first(viewer: httpx.Client) -> None:
    assert "Found in: By article" in viewer.get("/reports?q=L-2").text
    assert "No report says" in viewer.get("/reports?q=%3Cscript%3Enothing").text
    part = viewer.get("/reports?q=sold", headers={"HX-Request": "true"}).text
    assert part.lstrip().startswith('<div id="found"')


def test_a_report_as_of_a_day_is_made_again_and_a_day_before_all_is_refused(viewer: httpx.Client) -> None:
    origin = {"Origin": str(viewer.base_url).rstrip("/")}
    today = dt.datetime.now().astimezone().date()
    made = viewer.post("/reports/acme-sold/as-of", data={"day": today.isoformat()}, headers=origin)
    assert made.status_code == 200
    assert "As it was known at the end of" in made.text
    (address,) = re.findall(r'<iframe class="report-in-place" src="([^"]+)"', made.text)
    again = viewer.get(address.replace("&amp;", "&")).text
    assert f'href="/reports/acme-sold/numbers/as-of-{today}/F1"' in again
    way = viewer.get(f"/reports/acme-sold/numbers/as-of-{today}/F1", headers={"HX-Request": "true"})
    assert way.status_code == 200
    assert "orders/" in way.text
    assert viewer.post("/reports/acme-sold/as-of", data={"day": "2001-01-01"}, headers=origin).status_code == 404
    assert viewer.post("/reports/acme-sold/as-of", data={"day": "x"}, headers=origin).status_code == 422


def test_what_is_kept_to_others_is_on_no_page(door: Served, viewer: httpx.Client) -> None:
    file = archived_order(door)
    sheet, archive = f"/sheet?{urlencode(file)}", f"/archive?{urlencode(file)}"
    assert [viewer.get(one).status_code for one in (sheet, archive, SOLD)] == [200, 200, 200]
    with kept_to(door, "acme_sold"):
        assert "Sold" not in viewer.get("/reports").text
        assert "Sold" not in viewer.get("/reports?q=sold").text
        assert ">Sold<" not in viewer.get("/glossary").text
        for path in ("/reports/acme-sold", SOLD, "/reports/acme_sold"):
            assert viewer.get(path).status_code == 404
    with kept_to(door, "acme_orders"):
        assert [viewer.get(one).status_code for one in (sheet, archive)] == [404, 404]
        shown = viewer.get(SOLD).text
        assert "kept to others" in shown
        assert "orders/" not in shown
        assert "orders" not in viewer.get("/models").text
        assert "acme_orders" not in viewer.get("/alerts").text
    with kept_to(door, "acme_revenue"):
        shown = viewer.get(SOLD).text
        assert "kept to others" in shown
        assert "L-1" not in shown
        assert "acme_revenue" not in viewer.get("/alerts").text


def test_a_way_down_is_for_pages_of_reports_and_files_of_the_archive_alone(door: Served, viewer: httpx.Client) -> None:
    file = archived_order(door)
    for wrong in ({"path": "../../etc/passwd"}, {"sha256": "0" * 64}, {"path": file["path"] + "x"}):
        assert viewer.get(f"/archive?{urlencode(file | wrong)}").status_code == 404
    assert viewer.get(f"/archive?{urlencode(file | {'sha256': '../x'})}").status_code == 422
    for path in ("/reports/acme-sold/numbers/x/F1", "/reports/acme-sold/numbers/2026-01-31/..%2fF1"):
        assert viewer.get(path).status_code in (404, 422)
    assert viewer.get("/reports/acme-sold/numbers/2026-01-31/F9").status_code == 409
    sent = viewer.get(f"/archive?{urlencode(file)}")
    assert "attachment" in sent.headers["content-disposition"]
    assert sent.headers["content-type"] == "application/octet-stream"


def test_a_hostile_cell_is_text_on_every_page(door: Served, viewer: httpx.Client) -> None:
    file = archived_order(door)
    hostile = "<img src=x onerror=alert(1)>"
    where = urlencode(file | {"sheet": hostile, "cells": f"{hostile},A1"})
    assert "<img" not in viewer.get(f"/sheet?{where}").text
    given = urlencode({"table": hostile, "e.article": hostile, "threshold": hostile})
    assert "<img" not in viewer.get(f"/alerts?{given}").text
    assert "<img" not in viewer.get(f"/reports?{urlencode({'q': hostile})}").text


def test_a_person_ends_only_what_goes_to_them(door: Served, viewer: httpx.Client) -> None:
    engineer, origin = browser_of(door, "engineer"), {"Origin": door.address}
    form = {"recipient": "board@example.com"}
    assert engineer.post("/reports/acme-sold/subscribe", data=form, headers=origin).status_code == 303
    assert viewer.post("/reports/acme-sold/subscribe", data=form, headers=origin).status_code == 422
    (number,) = re.findall(r"/subscriptions/(\d+)/end", engineer.get("/alerts").text)
    assert "board@example.com" not in viewer.get("/alerts").text
    assert viewer.post(f"/subscriptions/{number}/end", data={}, headers=origin).status_code in (404, 415)
    assert engineer.post(f"/subscriptions/{number}/end", data={"back": "//evil"}, headers=origin).status_code == 303
