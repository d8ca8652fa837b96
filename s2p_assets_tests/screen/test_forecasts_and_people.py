"""Forecasts of a small company, and who manages people: what each role sees, may do, and is told when it may not."""

import re

import pytest
from playwright.sync_api import expect

from s2p_assets.services import access
from s2p_assets_tests.api.served import Served
from s2p_assets_tests.screen.browsing import address_of
from s2p_assets_tests.screen.conftest import PersonOf
from s2p_assets_tests.screen.test_frame import PAGE_BYTES, browser_of, bytes_of_page

SHOPS = "/forecasts/acme_shop_forecast"


def test_a_series_shows_what_is_expected_what_came_and_what_was_forecast_of_it(door: Served) -> None:
    client = browser_of(door, "viewer")
    assert bytes_of_page(door, client, "/forecasts") < PAGE_BYTES
    north = client.get(f"{SHOPS}/outlook", params={"entity": "North"}).text
    assert re.search(r"North: [\d,]+ units expected in the next 4 weeks", north)
    assert "past weeks" in north
    assert "It is the only candidate that could be tried." in north
    together = client.get(f"{SHOPS}/outlook").text
    assert "All together" in together
    assert client.get(f"{SHOPS}/outlook", params={"entity": "nowhere"}).status_code == 404
    assert client.get("/forecasts/acme_nothing/outlook").status_code == 404


def test_a_price_is_not_tried_where_none_is_learned_from(door: Served) -> None:
    client = browser_of(door, "viewer")
    answer = client.get(f"{SHOPS}/what-if", params={"entity": "North", "price": "1"}, headers={"HX-Request": "true"})
    assert answer.status_code == 422
    assert "learns from no price" in answer.text
    assert "Write a price" in client.get(f"{SHOPS}/what-if", params={"entity": "North", "price": "dear"}).text


def test_what_is_kept_to_a_group_is_not_forecast_for_others(door: Served) -> None:
    access.keep_to_groups(door.ctx, "acme_shop_forecast", ["board"])
    try:
        client = browser_of(door, "viewer")
        assert client.get(f"{SHOPS}/outlook").status_code == 404
        assert "acme_shop_forecast" not in client.get("/forecasts").text
        assert client.get("/tables/acme_shop_forecast").status_code == 404
        assert client.get("/tables/acme_shop_forecast/rows").status_code == 404
    finally:
        access.keep_to_groups(door.ctx, "acme_shop_forecast", [])


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_only_engineers_see_and_manage_who_may_come_in(door: Served, role: str) -> None:
    client = browser_of(door, role)
    page = client.get("/people").text
    assert address_of(role) in page
    assert "Who may come in" not in page
    for path in ("users", "users/change", "tokens", "tokens/revoke", "groups"):
        assert client.post(f"/people/{path}", data={"email": "x@example.com"}).status_code == 403, path
    refused = client.post("/people/addresses", data={"owner": "sales@example.com", "address": "me@example.com"})
    assert refused.status_code == 403


def test_a_user_a_token_and_a_group_are_made_and_taken_away(door: Served) -> None:
    client = browser_of(door, "engineer")
    added = client.post("/people/users", data={"email": "new@example.com", "role": "editor", "groups": "board"}).text
    assert re.search(r"/join/[\w-]{20,}", added)
    again = client.post("/people/users", data={"email": "new@example.com", "role": "editor"})
    assert (again.status_code, "has an account already" in again.text) == (422, True)
    locked = client.post("/people/users/change", data={"email": "new@example.com", "deed": "lock"}).text
    assert "locked" in locked
    last = client.post("/people/users/change", data={"email": address_of("engineer"), "deed": "save", "role": "viewer"})
    assert (last.status_code, "somebody else engineer first" in last.text) == (422, True)
    made = client.post("/people/tokens", data={"name": "the till", "role": "viewer", "days": "30"}).text
    secret = re.search(r'class="secret" readonly value="([^"]+)"', made)
    assert secret
    program = door.client(None, headers={"Authorization": f"Bearer {secret.group(1)}"})
    assert program.get("/api/v1/tables").status_code == 200
    client.post("/people/tokens/revoke", data={"name": "the till"})
    assert program.get("/api/v1/tables").status_code == 401
    kept = client.post("/people/groups", data={"thing": "acme_articles", "groups": "board"})
    assert "only board" in kept.text
    assert browser_of(door, "viewer").get("/tables/acme_articles").status_code == 404
    client.post("/people/groups", data={"thing": "acme_articles", "groups": ""})
    assert browser_of(door, "viewer").get("/tables/acme_articles").status_code == 200


def test_an_owner_is_told_at_an_address_that_was_added_until_it_is_taken_away(door: Served) -> None:
    from s2p_assets.messaging.matters import Matter
    from s2p_assets.services.messages.book import known_book

    def told() -> list[str]:
        with door.ctx.warehouse.connect() as connection:
            return known_book(door.ctx, connection).recipients(Matter("returned", "x", "x", owner="sales@example.com"))

    client = browser_of(door, "engineer")
    assert told() == ["sales@example.com"]
    wrong = client.post("/people/addresses", data={"owner": "sales@example.com", "address": "nobody"})
    assert (wrong.status_code, "is no mail address" in wrong.text) == (422, True)
    client.post("/people/addresses", data={"owner": "sales@example.com", "address": "anna@example.com"})
    assert told() == ["sales@example.com", "anna@example.com"]
    client.post("/people/addresses", data={"owner": "sales@example.com", "remove": "anna@example.com"})
    assert told() == ["sales@example.com"]


@pytest.mark.parametrize("path", ["/forecasts?entity=North", "/people", "/tables", "/deals"])
def test_a_page_with_what_it_loads_is_accessible_in_both_schemes_and_on_a_phone(person_of: PersonOf, path: str) -> None:
    for scheme in ("light", "dark"):
        ann = person_of("engineer", color_scheme=scheme)
        page = ann.open(path)
        if "forecasts" in path:
            expect(page.locator(".chart canvas").first).to_be_visible()
        ann.require_accessible()
    ann.require_fits()
