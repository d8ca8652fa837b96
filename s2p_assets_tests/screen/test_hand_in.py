"""Handing in a workbook: judged at once, mended in its cells, never stored unasked, and nobody's work lost or run."""

import datetime as dt
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest
from playwright.sync_api import Page

from s2p_assets.services import access
from s2p_assets.services.header_aliases import all_aliases, forget_match, take_aliases
from s2p_assets_tests.api.served import Served
from s2p_assets_tests.screen.browsing import Person
from s2p_assets_tests.screen.conftest import PersonOf
from s2p_assets_tests.screen.test_frame import browser_of

HEADER = ("Order no.", "Article", "Quantity", "Price", "Ordered")
Rows = list[tuple[Any, ...]]
HTMX = {"HX-Request": "true"}


def orders(first: str, **changed: Any) -> Rows:
    """Ten good orders, but for what is changed: `B4="n/a"`."""
    rows: list[list[Any]] = [list(HEADER)]
    rows += [
        [f"{first}-{number:02}", f"A{number}", number + 1, 2.5, dt.date(2026, 5, 1 + number)] for number in range(10)
    ]
    for cell, value in changed.items():
        rows[int(cell[1:]) - 1][ord(cell[0]) - 65] = value
    return [tuple(row) for row in rows]


def saved(file: Path, rows: Rows, sheet: str = "Orders") -> Path:
    book = openpyxl.Workbook()
    book.worksheets[0].title = sheet
    for row in rows:
        book.worksheets[0].append(row)
    book.save(file)
    return file


def send(client: httpx.Client, file: Path, name: str = "", **more: Any) -> httpx.Response:
    params, headers = {"name": name or file.name} | more, {"Accept": "*/*"}
    return client.post("/hand-in/upload", params=params, content=file.read_bytes(), headers=headers)


def begun(client: httpx.Client, file: Path, name: str = "") -> str:
    answer = send(client, file, name)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["address"])


def text_of(answer: httpx.Response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def hidden(answer: httpx.Response, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', answer.text)
    assert found, name
    return found[1]


@pytest.fixture
def ann(door: Served) -> httpx.Client:
    """An editor's browser."""
    return browser_of(door, "editor")


@pytest.fixture
def bob(door: Served) -> httpx.Client:
    """An engineer's."""
    return browser_of(door, "engineer")


@pytest.fixture
def aliases_gone(door: Served) -> Iterator[None]:
    yield
    for one in all_aliases(door.ctx):
        forget_match(door.ctx, one.workbook, one.header)


def test_a_good_file_says_what_it_would_change_and_nothing_is_stored(
    ann: httpx.Client, door: Served, tmp_path: Path
) -> None:
    page = ann.get(begun(ann, saved(tmp_path / "Good.xlsx", orders("G"))))
    words = text_of(page)
    for said in ("Good as it is", "10 rows read, 10 good", "10 rows new", "this was only a look"):
        assert said in words
    assert 'value="orders/Good.xlsx"' in page.text
    assert not (door.company.share / "orders/Good.xlsx").exists()


def test_a_finding_stands_in_its_cell_in_the_words_of_the_letter(ann: httpx.Client, tmp_path: Path) -> None:
    file = saved(tmp_path / "Bad.xlsx", orders("B", C4="n/a", D6="twelve"))
    page = ann.get(begun(ann, file))
    told = ann.post("/api/v1/check", params={"name": file.name}, content=file.read_bytes()).json()
    cells = re.findall(
        r'<td class="bad"[^>]*>\s*<input name="(\w+)" value="([^"]*)".*?<p class="why"[^>]*>([^<]*)', page.text, re.S
    )
    assert [(value, said) for _, value, said in cells] == [
        (one["value"], one["message"].replace("'", "&#39;")) for one in told["findings"]
    ]


def test_mended_cells_are_judged_anew_and_what_is_wrong_still_keeps_what_was_typed(
    ann: httpx.Client, tmp_path: Path
) -> None:
    at = begun(ann, saved(tmp_path / "Bad.xlsx", orders("B", C4="n/a", D6="twelve")))
    form = {"revision": "0", "cell1": "4", "of-cell1": json.dumps(["Orders", "C4", "n/a"])}
    form |= {"cell2": "dozen", "of-cell2": json.dumps(["Orders", "D6", "twelve"])}
    answer = ann.post(f"{at}/mend", data=form, headers=HTMX)
    assert answer.status_code == 200
    assert 'value="dozen"' in answer.text
    assert "2 mended" in json.loads(answer.headers["hx-trigger"])["s2p:said"]["text"]
    assert "1 to correct" in text_of(answer)
    again = ann.post(f"{at}/mend", data=form, headers=HTMX)
    assert (again.status_code, "in another window" in again.text) == (422, True)


def test_a_cell_that_others_are_calculated_from_is_not_mended_here(ann: httpx.Client, tmp_path: Path) -> None:
    rows = orders("F", C4="n/a")
    file = saved(
        tmp_path / "Formula.xlsx",
        [(*row[:3], f"=C{at}*2" if at > 1 else "Price", row[4]) for at, row in enumerate(rows, 1)],
    )
    at = begun(ann, file)
    form = {"revision": "0", "cell1": "4", "of-cell1": json.dumps(["Orders", "C4", "n/a"])}
    answer = ann.post(f"{at}/mend", data=form, headers=HTMX)
    assert answer.status_code == 422
    assert "is calculated" in text_of(answer)
    assert 'value="4"' in answer.text


def test_the_marked_copy_is_there_to_download(ann: httpx.Client, tmp_path: Path) -> None:
    at = begun(ann, saved(tmp_path / "Bad.xlsx", orders("B", C4="n/a")))
    answer = ann.get(f"{at}/marked-copy")
    assert 'filename="Bad.xlsx"' in answer.headers["content-disposition"]
    (tmp_path / "marked.xlsx").write_bytes(answer.content)
    book = openpyxl.load_workbook(tmp_path / "marked.xlsx")
    assert book.sheetnames[0] == "s2p findings"
    assert "is not a quantity" in book["Orders"]["C4"].comment.text


def test_an_unknown_header_is_matched_by_one_click_and_remembered(
    ann: httpx.Client, door: Served, tmp_path: Path, aliases_gone: None
) -> None:
    rows = [("Order no.", "Article", "Qty sold", "Price", "Ordered"), *orders("Q")[1:]]
    file = saved(tmp_path / "Other words.xlsx", rows)
    at = begun(ann, file)
    page = ann.get(at)
    assert "“Qty sold” is Quantity" in text_of(page)
    form = {name: hidden(page, name) for name in ("revision", "workbook", "column", "title", "header")}
    answer = ann.post(f"{at}/match", data=form, headers=HTMX)
    assert "Good as it is" in text_of(answer)
    assert "Good as it is" in text_of(ann.get(begun(ann, file, "Another.xlsx")))
    described = ann.get("/api/v1/tables/acme_orders").json()
    assert "Qty sold" in next(one for one in described["columns"] if one["name"] == "quantity")["headers"]
    assert [one["header"] for one in ann.get("/api/v1/status").json()["aliases"]] == ["Qty sold"]
    shelf = door.company.folder / "small_shelves/workbooks/acme_orders.py"
    before = shelf.read_text()
    try:
        assert [one.file for one in take_aliases(door.ctx).values()] == [shelf]
        assert shelf.read_text() == before.replace('column("Quantity", ', 'column("Quantity", "Qty sold", ')
        assert take_aliases(door.ctx) == {}
    finally:
        shelf.write_text(before)


@pytest.mark.parametrize(("header", "says"), [("Price", "is a name of 'Price' already"), ("***", "no header")])
def test_a_header_that_means_another_column_is_not_matched(
    ann: httpx.Client, tmp_path: Path, header: str, says: str
) -> None:
    at = begun(ann, saved(tmp_path / "Good.xlsx", orders("G")))
    form = {"revision": "0", "workbook": "acme_orders", "column": "quantity", "header": header}
    answer = ann.post(f"{at}/match", data=form, headers=HTMX)
    assert answer.status_code == 422
    assert says in text_of(answer).replace("&#39;", "'")


def test_a_file_that_nobody_claims_has_the_nearest_kind_and_for_engineers_a_draft(
    ann: httpx.Client, bob: httpx.Client, tmp_path: Path
) -> None:
    near = saved(tmp_path / "Near.xlsx", [("Order no.", "Thing", "a", "b", "c"), ("N-1", "x", 1, 2, 3)])
    words = text_of(ann.get(begun(ann, near)))
    assert "Not recognised" in words
    assert "Nearest is the acme orders" in words
    strange = saved(
        tmp_path / "Fleet.xlsx", [("Plate", "Driver", "Km"), *((f"B-{n}", "Ann", n * 10) for n in range(9))]
    )
    assert "contract for a new kind" not in ann.get(begun(ann, strange)).text
    at = begun(bob, strange)
    assert "contract for a new kind" in bob.get(at).text
    assert "plate: " in bob.get(f"{at}/contract", headers=HTMX).text
    assert ann.get(f"{at}/contract", headers=HTMX).status_code == 403


def test_a_viewer_looks_and_hands_nothing_in(door: Served, tmp_path: Path) -> None:
    viewer = browser_of(door, "viewer")
    at = begun(viewer, saved(tmp_path / "Good.xlsx", orders("G")))
    assert "needs the role editor" in viewer.get(at).text
    for deed in ("store", "match"):
        assert viewer.post(f"{at}/{deed}", data={"revision": "0"}, headers=HTMX).status_code == 403
    assert viewer.post("/hand-in/mend", data={"path": "orders/All bad.xlsx"}, headers=HTMX).status_code == 403


def test_a_submission_is_its_senders_alone(ann: httpx.Client, bob: httpx.Client, tmp_path: Path) -> None:
    at = begun(ann, saved(tmp_path / "Good.xlsx", orders("G")))
    assert bob.get(at).status_code == 404
    assert bob.post(f"{at}/store", data={"revision": "0"}, headers=HTMX).status_code == 404
    for hostile in ("..%2f..%2fsettings", "%2e%2e", "a" * 64, "AAAAAAAAAAAAAAAAAAAAAA"):
        assert ann.get(f"/hand-in/at/{hostile}").status_code == 404


@pytest.mark.parametrize(
    "name", ["../../../x.xlsx", "a<b>.xlsx", "a\x00.xlsx", "~$Open.xlsx", ".hidden.xlsx", "n" * 400 + ".xlsx"]
)
def test_a_hostile_name_is_refused_or_loses_its_folders(ann: httpx.Client, tmp_path: Path, name: str) -> None:
    answer = send(ann, saved(tmp_path / "Good.xlsx", orders("G")), name)
    if answer.status_code == 201:
        assert "<h1>x.xlsx</h1>" in ann.get(answer.json()["address"]).text
    else:
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def _bomb(file: Path) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", b" " * (64 << 20))
    return file


def _web_page(file: Path) -> Path:
    file.write_text("<html><script>alert(1)</script><table><tr><td>x</td></tr></table></html>")
    return file


@pytest.mark.parametrize(("make", "says"), [(_bomb, "unpacks to over 100 times"), (_web_page, "Not recognised")])
def test_what_is_no_workbook_is_said_and_does_no_harm(
    ann: httpx.Client, tmp_path: Path, make: Callable[[Path], Path], says: str
) -> None:
    page = ann.get(begun(ann, make(tmp_path / "Evil.xlsx")))
    assert says in text_of(page)
    assert "<script>alert" not in page.text


def test_two_people_who_mend_one_file_lose_nothing(ann: httpx.Client, bob: httpx.Client, door: Served) -> None:
    path = "orders/All bad.xlsx"
    place = door.company.share / path
    original = place.read_bytes()
    addresses = [
        one.post("/hand-in/mend", data={"path": path}, headers=HTMX).headers["hx-redirect"] for one in (ann, bob)
    ]
    for client, at, price in ((ann, addresses[0], "1"), (bob, addresses[1], "2")):
        of = json.dumps(["Sheet", "D2", "n/a"])
        answer = client.post(f"{at}/mend", data={"revision": "0", "cell1": price, "of-cell1": of}, headers=HTMX)
        assert answer.status_code == 200
    form = {"revision": "1", "replaces": hidden(bob.get(addresses[1]), "replaces")}
    assert bob.post(f"{addresses[1]}/store", data=form, headers=HTMX).status_code == 200
    stored = place.read_bytes()
    refused = ann.post(f"{addresses[0]}/store", data=form, headers=HTMX)
    assert refused.status_code == 409
    assert "put there meanwhile by engineer@example.com" in text_of(refused)
    assert place.read_bytes() == stored
    over = {"revision": "1", "replaces": hidden(refused, "replaces")}
    assert ann.post(f"{addresses[0]}/store", data=over, headers=HTMX).status_code == 200
    assert place.read_bytes() not in (stored, original)
    place.write_bytes(original)


def test_a_place_on_the_share_is_one_where_that_kind_lies(ann: httpx.Client, door: Served, tmp_path: Path) -> None:
    at = begun(ann, saved(tmp_path / "Good.xlsx", orders("G")))
    for path, says in (
        ("nowhere/Good.xlsx", "no kind of workbook"),
        ("../Good.xlsx", "no name"),
        ("s2p-x/G.xlsx", "s2p"),
    ):
        answer = ann.post(f"{at}/place", data={"revision": "0", "path": path}, headers=HTMX)
        assert (answer.status_code, says in answer.text) == (422, True), answer.text[:500]
    answer = ann.post(f"{at}/place", data={"revision": "0", "path": "orders/Orders 01.xlsx"}, headers=HTMX)
    assert "A file lies there now" in text_of(answer)


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what is in focus is called `name`."""
    for _ in range(80):
        page.keyboard.press("Tab")
        called = page.evaluate("(e => e.getAttribute('aria-label') || e.textContent.trim())(document.activeElement)")
        if called == name:
            return
    raise AssertionError(f"{name} is not reached by the keyboard")


@pytest.mark.long
def test_a_bad_workbook_is_mended_and_stored_by_keyboard_alone(
    person_of: PersonOf, door: Served, tmp_path: Path
) -> None:
    file = saved(tmp_path / "Orders of May.xlsx", orders("W", C4="n/a", D6="twelve"))
    ann = person_of("editor")
    page = ann.open("/hand-in")
    ann.require_accessible()
    page.set_input_files("#file", file)  # what the system's own dialog does
    page.get_by_role("heading", name="In part").wait_for()
    ann.require_accessible()
    tab_to(page, "Quantity, row 4")
    page.keyboard.type("4")
    tab_to(page, "Price, row 6")
    page.keyboard.type("dozen")
    page.keyboard.press("Enter")
    page.get_by_text("'4dozen'").or_(page.get_by_text("'dozen' is not a price")).wait_for()
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Price, row 6"
    page.keyboard.press("Control+a")
    page.keyboard.type("12.5")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Good as it is").wait_for()
    tab_to(page, "Hand it in")
    page.keyboard.press("Enter")
    page.get_by_text("waiting to be read").wait_for()
    ann.require_accessible()
    assert door.company.run("run").code == 1
    page.get_by_text("10 rows read, 10 good").wait_for()
    with door.ctx.warehouse.connect() as connection:
        rows = connection.execute(
            "select order_no, quantity, price from acme.orders where order_no like 'W%' order by 1"
        )
        assert [tuple(map(str, row)) for row in rows.fetchall()][2:5:2] == [("W-02", "4", "2.5"), ("W-04", "5", "12.5")]
    page = ann.open("/")
    page.get_by_role("link", name="orders/Orders of May.xlsx").wait_for()


def test_what_stands_in_a_sheet_is_never_run(person_of: PersonOf, tmp_path: Path) -> None:
    evil = '<img src=x onerror="alert(1)">\'"&'
    file = saved(tmp_path / "E'vil & co.xlsx", orders("E", A4=evil, C4=evil), sheet="a' onclick=x")
    ann = person_of("editor")
    page = ann.open("/hand-in")
    page.set_input_files("#file", file)
    page.locator("#submission").wait_for()
    assert page.get_by_label("Quantity, row 4").input_value() == evil
    page.get_by_label("Quantity, row 4").fill('"><script>alert(2)</script>')
    page.keyboard.press("Enter")
    page.get_by_text("is not a quantity").wait_for()
    assert page.locator("#submission script, #submission img").count() == 0
    ann.require_fits()


def test_a_phone_shows_each_bad_row_as_a_card(person_of: PersonOf, tmp_path: Path) -> None:
    ann = person_of("editor", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = ann.open("/hand-in")
    ann.require_fits()
    page.set_input_files("#file", saved(tmp_path / "Bad.xlsx", orders("P", C4="n/a")))
    page.locator("#submission").wait_for()
    ann.require_accessible()
    ann.require_fits()
    assert page.get_by_label("Quantity, row 4").is_visible()
    assert not page.get_by_text("P-07").is_visible()


def test_a_session_that_was_revoked_changes_nothing_more(person_of: PersonOf, door: Served, tmp_path: Path) -> None:
    ann = person_of("editor")
    page = ann.open("/hand-in")
    page.set_input_files("#file", saved(tmp_path / "Good.xlsx", orders("R")))
    page.get_by_role("heading", name="Good as it is").wait_for()
    access.log_out_everywhere(door.ctx, ann.email)
    page.get_by_role("button", name="Hand it in").click()
    page.get_by_role("heading", name="Log in").wait_for()
    assert not (door.company.share / "orders/Good.xlsx").exists()
    _forget_noted(ann, "401")


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(person_of: PersonOf) -> None:
    ann = person_of("editor")
    page = ann.open("/hand-in")
    page.evaluate(
        """() => {
            const file = new File(["x"], "Huge.xlsx");
            Object.defineProperty(file, "size", { value: 2 * 2 ** 30 });
            const dropped = new Event("drop", { cancelable: true });
            dropped.dataTransfer = { files: [file] };
            document.dispatchEvent(dropped);
        }"""
    )
    assert "2,048 MB" in page.get_by_role("alert").inner_text()
    assert not [one for one in ann.asked if "upload" in one.url]


def _forget_noted(person: Person, status: str) -> None:
    """The browser notes an answer that is no success as a fault of the page."""
    person.faults[:] = [fault for fault in person.faults if status not in fault]
