"""The editor's day with tables: rows found, changed, refused and mended; two people on one row; a phone; each role."""

import html
import json
import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from s2p_assets_tests.api.served import Served
from s2p_assets_tests.screen.browsing import Person
from s2p_assets_tests.screen.conftest import PersonOf
from s2p_assets_tests.screen.test_frame import PAGE_BYTES, browser_of, bytes_of_page

ORDERS = "/tables/acme_orders"
PHONE = {"viewport": {"width": 390, "height": 844}}


def rows(client: httpx.Client, **asked: str) -> dict[str, Any]:
    answer = client.get(f"{ORDERS}/rows", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_table_is_small_and_says_what_one_row_is(door: Served) -> None:
    client = browser_of(door, "viewer")
    listed = client.get("/tables").text
    assert "An article ordered." in listed
    assert "you may change it" not in listed
    assert "you may change it" in browser_of(door, "editor").get("/tables").text
    assert bytes_of_page(door, client, ORDERS) < PAGE_BYTES


def test_pages_of_rows_are_searched_filtered_and_sorted_by_the_server(door: Served) -> None:
    client = browser_of(door, "viewer")
    first = rows(client, limit="5", sort="-price")
    assert [first["count"] > 60, len(first["rows"])] == [True, 5]
    second = rows(client, limit="5", sort="-price", cursor=first["next"])
    assert second["count"] is None
    assert first["rows"][-1]["price"] >= second["rows"][0]["price"]
    assert {row["article"] for row in rows(client, search="l-2")["rows"]} == {"L-2"}
    more = {row["quantity"] for row in rows(client, **{"quantity.gt": "2"})["rows"]}
    assert (7 in more, min(more) > 2) == (True, True), "others hand in orders beside"
    assert "_etag" not in first["rows"][0]
    assert client.get(f"{ORDERS}/rows", params={"nonsense": "1"}).status_code == 422


@pytest.mark.parametrize("sort", ["", "-price"])
def test_any_page_is_asked_for_from_a_place_without_those_before_it(door: Served, sort: str) -> None:
    client = browser_of(door, "viewer")
    asked = {"search": "l-", "sort": sort}
    whole = rows(client, limit="1000", **asked)["rows"]
    places = client.get(f"{ORDERS}/places", params={**asked, "every": "7"}).json()["places"]
    assert len(places) == len(whole) // 7
    for number, place in enumerate(places, 1):
        assert (
            rows(client, limit="3", cursor=place, skip="2", **asked)["rows"] == whole[number * 7 + 2 : number * 7 + 5]
        )
    assert client.get(f"{ORDERS}/places", params={"every": "0"}).status_code == 422
    assert client.get(f"{ORDERS}/rows", params={"skip": "-1"}).status_code == 422


def test_the_scrollbar_and_the_number_of_a_row_reach_any_row_by_asking_for_its_page_alone(
    door: Served, person_of: PersonOf
) -> None:
    whole = [row["order_no"] for row in rows(browser_of(door, "viewer"), limit="1000", sort="order_no")["rows"]]
    ann = person_of("viewer", viewport={"width": 1440, "height": 460})
    page = ann.open(f"{ORDERS}?page=2")
    page.get_by_role("columnheader", name="Order no.").locator(".tabulator-col-title").click()
    expect(page.locator(".tabulator-row").first).to_contain_text(whole[0], timeout=20_000)
    page.locator("#go-to input").fill(str(len(whole)))
    page.keyboard.press("Enter")
    expect(page.get_by_role("gridcell", name=whole[-1], exact=True)).to_be_visible(timeout=20_000)
    asked = [one.url for one in ann.asked if f"{ORDERS}/rows" in one.url and "sort=" in one.url]
    assert len(asked) < len(whole) / 2 - 2, "pages on the way are not asked for"
    page.locator(".tabulator-tableholder").evaluate("(box) => { box.scrollTop = box.scrollHeight / 2; }")
    middle = whole[len(whole) // 2 + 2]
    expect(page.get_by_role("gridcell", name=middle, exact=True)).to_be_visible(timeout=20_000)
    ann.require_accessible()


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_what_is_looked_for_is_downloaded(door: Served, kind: str) -> None:
    answer = browser_of(door, "viewer").get(f"{ORDERS}/download", params={"kind": kind, "search": "l-2"})
    assert answer.status_code == 200
    assert f"acme_orders.{kind}" in answer.headers["content-disposition"]
    if kind == "csv":
        assert all(",L-2," in line for line in answer.text.splitlines()[1:])
    else:
        assert answer.content.startswith(b"PK")


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_only_who_may_enter_rows_gets_a_form(door: Served, role: str) -> None:
    client, may = browser_of(door, role), role == "editor"
    assert ('name="reason"' in client.get(ORDERS).text) == may
    assert ('name="reason"' in client.get(f"{ORDERS}/row", params={"order_no": "9-2"}).text) == may
    assert (client.get(f"{ORDERS}/row/new").status_code == 200) == may
    assert client.post(f"{ORDERS}/row/new", data={"reason": "x"}).status_code in ((422,) if may else (403,))
    assert client.get("/tables/acme_revenue/row/new").status_code == (404 if may else 403)


def test_a_cell_says_where_it_is_from_and_a_made_one_what_it_is_made_of(door: Served) -> None:
    client = browser_of(door, "viewer")
    read = client.get(f"{ORDERS}/cell", params={"column": "price", "order_no": "0-1"}).text
    assert "Again.xlsx" in read
    assert "Orders 00.xlsx" in read, "the older file that says the same"
    made = client.get("/tables/acme_revenue/cell", params={"column": "quantity", "article": "L-1"}).text
    assert "Made from" in made
    assert "orders/" in made


def test_an_entry_says_what_taking_it_back_does_and_is_taken_back(door: Served) -> None:
    client = browser_of(door, "editor")
    before = rows(client, order_no="9-7")["rows"][0]
    form = {"etag": before["_etag"], "reason": "a slip", "value.quantity": "12", "was.quantity": "2"}
    saved = client.post(f"{ORDERS}/row", params={"order_no": "9-7"}, data=form)
    assert saved.status_code == 303, saved.text
    entry = saved.headers["location"].partition("?")[0]
    shown = client.get(entry).text
    assert "quantity 12 → 2" in shown
    assert 'name="version"' not in browser_of(door, "viewer").get(entry).text
    version = re.search(r'name="version" value="([^"]+)"', shown)
    assert version
    assert client.post(f"{entry}/undo", data={"version": "older", "reason": "x"}).status_code == 412
    undone = client.post(f"{entry}/undo", data={"version": html.unescape(version.group(1)), "reason": "it was right"})
    assert undone.status_code == 303, undone.text
    assert rows(client, order_no="9-7")["rows"][0]["quantity"] == 2
    history = client.get(f"{ORDERS}/cell", params={"column": "quantity", "order_no": "9-7"}).text
    assert "it was right" in history
    assert "does not count any more" in client.get(entry).text


def test_a_row_that_somebody_else_changed_meanwhile_shows_theirs_beside_mine(door: Served) -> None:
    client = browser_of(door, "editor")
    old = rows(client, order_no="8-1")["rows"][0]["_etag"]
    form = {"etag": old, "reason": "quicker", "value.quantity": "3", "was.quantity": "2"}
    assert client.post(f"{ORDERS}/row", params={"order_no": "8-1"}, data=form).status_code == 303
    late = {"etag": old, "reason": "late", "value.quantity": "5", "was.quantity": "2"}
    answer = client.post(f"{ORDERS}/row", params={"order_no": "8-1"}, data=late)
    assert answer.status_code == 412
    assert "Theirs: <strong>3</strong>" in answer.text
    assert 'value="5"' in answer.text
    assert "Save mine over theirs" in answer.text


def change(page: Page, order_no: str, column: str, value: str) -> None:
    """Type a value into the cell of an order, by keyboard once it is clicked."""
    page.locator(f".tabulator-row:has-text('{order_no}') .tabulator-cell[tabulator-field={column}]").first.click()
    page.keyboard.press("Control+A")
    page.keyboard.type(value)
    page.keyboard.press("Enter")


def search(page: Page, text: str) -> None:
    page.get_by_label("Search").fill(text)
    expect(page.locator("#rows-found")).to_have_text("1 row")


def save(page: Page, status: int) -> Any:
    with page.expect_response("**/entries") as answer:
        page.get_by_role("button", name="Save").click()
    assert answer.value.status == status, answer.value.text()
    return answer.value.json()


def forget_faults(ann: Person) -> None:
    """The browser notes an answer that refuses as a fault."""
    assert all("status of 4" in one for one in ann.faults), ann.faults
    ann.faults.clear()


def test_a_refused_cell_keeps_what_was_typed_with_the_finding_beside_it(person_of: PersonOf) -> None:
    ann = person_of("editor")
    page = ann.open(ORDERS)
    search(page, "9-3")
    change(page, "9-3", "quantity", "0")
    page.get_by_label("Why?").fill("counted again")
    save(page, 422)
    cell = page.locator(".tabulator-cell.wrong[tabulator-field=quantity]")
    expect(cell).to_contain_text("0")
    expect(cell.locator(".why")).to_contain_text("below 1")
    ann.require_accessible()
    forget_faults(ann)
    cell.click()
    page.keyboard.press("Escape")
    expect(page.locator(".tabulator-cell.wrong .why")).to_be_visible()  # Escape makes nothing good
    change(page, "9-3", "quantity", "4")
    saved = save(page, 201)
    assert saved["rows"][0]["values"]["quantity"] == 4
    expect(page.locator("#changes")).to_be_hidden()
    page.locator(".tabulator-cell[tabulator-field=quantity]").first.click()
    history = page.locator("#cell")
    expect(history).to_contain_text("counted again")
    expect(history).to_contain_text(ann.email)
    expect(history).to_contain_text("Orders 09.xlsx")


def test_two_people_on_one_row_choose_between_theirs_and_mine(person_of: PersonOf, door: Served) -> None:
    ann = person_of("editor")
    page = ann.open(ORDERS)
    search(page, "9-4")
    other = browser_of(door, "engineer")
    now = rows(other, order_no="9-4")["rows"][0]
    content = {"reason": "quicker", "rows": [
        {"action": "change", "key": {"order_no": "9-4"}, "values": {"quantity": 11}, "etag": now["_etag"]}
    ]}  # fmt: skip
    assert other.post("/api/v1/tables/acme_orders/entries", content=json.dumps(content),
                      headers={"Content-Type": "application/json"}).status_code == 201  # fmt: skip
    change(page, "9-4", "price", "5.5")
    page.get_by_label("Why?").fill("an offer")
    save(page, 412)
    told = page.locator("#changes-said")
    expect(told).to_contain_text("changed by somebody else")
    expect(told).to_contain_text("theirs: 11")
    expect(told).to_contain_text("yours: 5.5")
    forget_faults(ann)
    page.get_by_role("button", name="Keep mine").click()
    save(page, 201)
    stored = rows(other, order_no="9-4")["rows"][0]
    assert (stored["quantity"], stored["price"]) == (11, 5.5)


def test_a_row_is_changed_on_a_phone_by_its_form(person_of: PersonOf) -> None:
    ann = person_of("editor", **PHONE)
    page = ann.open(ORDERS)
    page.get_by_label("Search").fill("9-5")
    page.get_by_role("link", name="9-5").click()
    ann.require_fits()
    ann.require_accessible()
    page.get_by_label("Quantity").fill("none")
    page.get_by_label("Why?").fill("a slip")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Quantity")).to_have_value("none")
    expect(page.locator(".wrong .why").first).to_be_visible()
    ann.require_fits()
    forget_faults(ann)
    page.get_by_label("Quantity").fill("6")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("It counts from now on")).to_be_visible()
    expect(page.locator("main")).to_contain_text("a slip")
    ann.require_fits()


def test_a_cell_is_changed_by_keyboard_alone(person_of: PersonOf) -> None:
    ann = person_of("editor")
    page = ann.open(ORDERS)
    search(page, "9-6")
    page.get_by_label("Filter Ordered").focus()
    for _ in range(8):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('aria-label')") == "Quantity":
            break
    page.keyboard.press("Control+A")
    page.keyboard.type("8")
    page.keyboard.press("Enter")
    expect(page.locator("#changes")).to_be_visible()
    page.get_by_label("Why?").focus()
    page.keyboard.type("by hand")
    with page.expect_response("**/entries") as answer:
        page.keyboard.press("Enter")
    assert answer.value.status == 201


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_grid_is_accessible_and_fits_every_width(person_of: PersonOf, scheme: str) -> None:
    ann = person_of("editor", color_scheme=scheme)
    ann.open(ORDERS).locator(".tabulator-row").first.wait_for()
    ann.require_accessible()
    for width in (1440, 1024):
        ann.require_fits(width)
