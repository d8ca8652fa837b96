"""The frame that every page stands in: who sees which areas, what it weighs, how problems are said, what it refuses."""

import gzip
import re

import httpx
import pytest

from s2p_assets.screen.areas import PAGES
from s2p_assets.services import access
from s2p_assets_tests.api.served import Served
from s2p_assets_tests.screen.browsing import WIDTHS, address_of, session_of
from s2p_assets_tests.screen.conftest import PersonOf

BEFORE_LOGIN_BYTES = 60_000
PAGE_BYTES = 200_000
AREAS = sorted({page.AREA for page in PAGES}, key=lambda area: area.rank)


def browser_of(door: Served, role: str | None) -> httpx.Client:
    """Who asks as a browser does: with a session's cookie, and for pages."""
    client = door.client(None, headers={"Accept": "text/html", "Sec-Fetch-Site": "same-origin"})
    if role:
        client.cookies.set("s2p_session", session_of(door, role))
    return client


def bytes_of_page(door: Served, client: httpx.Client, path: str) -> int:
    """What a page and all that it loads have, as it is sent."""
    answer = client.get(path)
    assert answer.status_code == 200, path
    loaded = sorted(set(re.findall(r'(?:href|src)="(/static/[^"]+)"', answer.text)))
    assert loaded
    return sum(int(client.get(one).headers["content-length"]) for one in [path, *loaded])


def test_what_is_sent_before_the_login_is_small(door: Served) -> None:
    assert bytes_of_page(door, browser_of(door, None), "/login") < BEFORE_LOGIN_BYTES


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.title)
def test_a_page_is_small(door: Served, area: object) -> None:
    assert bytes_of_page(door, browser_of(door, "engineer"), area.path) < PAGE_BYTES  # type: ignore[attr-defined]


def test_every_route_of_a_page_names_its_role() -> None:
    for page in PAGES:
        for route in page.router.routes:
            assert getattr(route, "openapi_extra", {})["x-s2p-role"], route


@pytest.mark.parametrize("role", ["viewer", "editor", "engineer"])
def test_the_navigation_has_what_a_role_may_open(door: Served, role: str) -> None:
    client = browser_of(door, role)
    shown = client.get("/").text
    ranks = ("viewer", "editor", "engineer")
    for area in AREAS:
        may = ranks.index(role) >= ranks.index(area.role)
        assert (f'<a href="{area.path}"' in shown) == may
        assert (client.get(area.path).status_code == 200) == may
    assert ('href="/dagster"' in shown) == (role == "engineer")


def test_a_problem_is_a_page_for_people_and_details_for_programs(door: Served) -> None:
    client = browser_of(door, "viewer")
    answer = client.get("/nothing-here")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "Not found" in answer.text
    script = client.get("/nothing-here", headers={"HX-Request": "true"})
    assert script.headers["content-type"] == "application/problem+json"


def test_who_is_logged_out_is_led_to_the_login_and_a_script_is_told(door: Served) -> None:
    client = browser_of(door, None)
    answer = client.get("/?day=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2F%3Fday%3D1")
    assert client.get("/", headers={"HX-Request": "true"}).status_code == 401


def test_a_page_of_another_site_changes_nothing(door: Served) -> None:
    client = browser_of(door, "editor")
    for headers in ({"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert client.post("/logout", headers=headers).status_code == 403
    assert client.get("/").status_code == 200


def test_static_files_are_kept_by_their_version_and_read_without_gzip(door: Served) -> None:
    client = door.client(None)
    address = re.search(r"/static/screen\.css\?v=\w+", client.get("/login").text)
    assert address
    assert "immutable" in client.get(address.group()).headers["cache-control"]
    plain = client.get("/static/screen.css?v=older", headers={"Accept-Encoding": "identity"})
    assert "immutable" not in plain.headers["cache-control"]
    assert plain.text.startswith("/*")
    assert len(gzip.compress(plain.content)) < len(plain.content)


def test_no_page_may_run_what_stands_in_it(door: Served) -> None:
    policy = browser_of(door, "viewer").get("/").headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/nothing-here"])
def test_a_page_is_accessible_and_fits_every_width(person_of: PersonOf, path: str, scheme: str) -> None:
    ann = person_of("engineer", color_scheme=scheme)
    ann.open(path)
    ann.faults.clear()  # the browser notes a page that is not found as a fault
    ann.require_accessible()
    for width in WIDTHS:
        ann.require_fits(width)


def test_the_menu_of_a_phone_opens_by_keyboard(person_of: PersonOf) -> None:
    page = person_of("viewer", viewport={"width": 390, "height": 844}).open("/")
    link = page.get_by_role("link", name="Today")
    assert not link.is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    page.get_by_role("button", name="Menu").press("Enter")
    assert link.is_visible()
    page.keyboard.press("Escape")
    assert not link.is_visible()


def test_a_person_logs_in_and_out(person_of: PersonOf, door: Served) -> None:
    ann = person_of("viewer")
    ann.context.clear_cookies()
    link = access.new_link_for(door.ctx, address_of("viewer"))
    page = ann.open(f"/join/{link}")
    for name in ("Password, 12", "The same again"):
        page.get_by_label(name).fill("quite a long sentence")
    page.get_by_role("button").click()
    page.get_by_role("heading", name="Today").wait_for()
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("heading", name="Log in").wait_for()
    ann.require_accessible()
    ann.require_fits()


def test_a_session_that_was_revoked_is_out_at_once(person_of: PersonOf, door: Served) -> None:
    ann = person_of("editor")
    page = ann.open("/")
    access.log_out_everywhere(door.ctx, ann.email)
    page.reload()
    page.get_by_role("heading", name="Log in").wait_for()
