"""Rows entered over HTTP: the version of a row, findings, who may, and the way back to the person."""

from typing import Any

import httpx
import pytest

from s2p_assets_tests.api.served import Served

ROW, ENTRIES = "/api/v1/tables/acme_orders/row", "/api/v1/tables/acme_orders/entries"


@pytest.fixture(scope="module")
def client(door: Served) -> httpx.Client:
    return door.client("editor")


def change(client: httpx.Client, order_no: str, etag: str | None, **values: Any) -> httpx.Response:
    headers = {"If-Match": etag} if etag else {}
    body = {"reason": "a slip", "values": values}
    return client.patch(ROW, params={"order_no": order_no}, headers=headers, json=body)


def test_a_row_is_changed_by_who_has_seen_it_as_it_is(client: httpx.Client) -> None:
    seen = client.get(ROW, params={"order_no": "2-1"})
    assert change(client, "2-1", None, quantity=5).status_code == 428
    assert change(client, "2-1", "*", quantity=5).status_code == 428
    done = change(client, "2-1", seen.headers["etag"], quantity=5)
    assert (done.status_code, done.json()["rows"][0]["values"]["quantity"]) == (201, 5)
    now = client.get(ROW, params={"order_no": "2-1"})
    assert (now.json()["row"]["quantity"], now.headers["etag"]) == (5, done.headers["etag"])
    both = f'"of before", {now.headers["etag"]}'
    assert change(client, "2-1", both, quantity=10**400).status_code == 422
    infinite = client.patch(
        ROW,
        params={"order_no": "2-1"},
        headers={"If-Match": both, "Content-Type": "application/json"},
        content=b'{"reason": "a slip", "values": {"price": 1e400}}',
    )
    assert infinite.status_code == 422, infinite.text
    late = change(client, "2-1", seen.headers["etag"], quantity=6)
    assert (late.status_code, late.json()["rows"][0]["now"]["quantity"]) == (412, 5)
    assert late.json()["rows"][0]["etag"] == now.headers["etag"]


def test_many_rows_are_stored_with_one_reason_or_none_of_them(client: httpx.Client) -> None:
    new = [
        {"action": "add", "values": {"order_no": f"N-{at}", "article": "L-1", "quantity": at, "price": 2.5} | day}
        for at, day in enumerate([{"ordered": "2026-02-01"}] * 4)
    ]
    refused = client.post(ENTRIES, json={"reason": "by telephone", "rows": new})
    assert refused.status_code == 422
    (finding,) = refused.json()["findings"]
    assert (finding["number"], finding["column"]) == (0, "quantity")
    assert client.get(ROW, params={"order_no": "N-1"}).status_code == 404
    done = client.post(ENTRIES, json={"reason": "by telephone", "rows": new[1:]}).json()
    assert [row["key"]["order_no"] for row in done["rows"]] == ["N-1", "N-2", "N-3"]
    etag = client.get(ROW, params={"order_no": "N-1"}).headers["etag"]
    asked = {"order_no": "N-1", "reason": "cancelled"}
    assert client.delete(ROW, params=asked).status_code == 428
    assert client.delete(ROW, params=asked, headers={"If-Match": etag}).status_code == 201
    assert client.get(ROW, params={"order_no": "N-1"}).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"reason": "x", "rows": []},
        {"reason": "", "rows": [{"action": "add", "values": {"order_no": "1"}}]},
        {"reason": "x", "rows": [{"action": "drop table"}]},
        {"reason": "x", "rows": [{"action": "add", "values": {"order_no": ["1"]}}]},
        {"reason": "x", "rows": [{"action": "add", "values": {"order_no": "1"}, "person": "the boss"}]},
        {"reason": "x", "kind": "law", "rows": [{"action": "add", "values": {"order_no": "1"}}]},
    ],
)
def test_what_cannot_be_entered_is_a_problem_with_findings(client: httpx.Client, body: dict[str, Any]) -> None:
    answer = client.post(ENTRIES, json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["findings"]


def test_rows_are_entered_where_they_come_from(client: httpx.Client, door: Served) -> None:
    one = {"reason": "x", "rows": [{"action": "add", "values": {"article": "L-1"}}]}
    refused = client.post("/api/v1/tables/acme_revenue/entries", json=one)
    assert (refused.status_code, "acme_orders" in refused.json()["detail"]) == (422, True)
    assert client.post("/api/v1/tables/none/entries", json=one).status_code == 404
    assert door.client("viewer").post(ENTRIES, json=one).status_code == 403
    till = door.token("the other till", "editor", workbooks=("acme_till",))
    assert client.post(ENTRIES, json=one, headers={"Authorization": f"Bearer {till}"}).status_code == 404


def test_an_entry_is_undone_as_it_was_looked_at_and_its_history_stays(client: httpx.Client, door: Served) -> None:
    seen = client.get(ROW, params={"order_no": "3-1"})
    name = change(client, "3-1", seen.headers["etag"], price=77).json()["name"]
    place = f"{ENTRIES}/{name}"
    assert client.get(place).json()["rows"][0]["changes"] == {"price": [10.95, 77.0]}
    told = client.get(f"{place}/undo")
    assert told.json()["rows"][0]["says"].startswith("3-1: price 77.0 → 10.95, as in orders/Orders 03.xlsx")
    back = {"reason": "it was right"}
    assert client.post(f"{place}/undo", json=back, headers={"If-Match": '"older"'}).status_code == 412
    assert client.post(f"{place}/release", json=back).status_code == 422
    done = client.post(f"{place}/undo", json=back, headers={"If-Match": told.headers["etag"]})
    assert done.status_code == 200
    assert client.get(ROW, params={"order_no": "3-1"}).headers["etag"] == seen.headers["etag"]
    assert client.post(f"{place}/undo", json=back).status_code == 404
    changes = client.get("/api/v1/tables/acme_orders/changes", params={"order_no": "3-1", "of_column": "price"}).json()
    assert [one["what"] for one in changes] == ["undone", "change", "file"]
    assert name in {one["name"] for one in client.get("/api/v1/entries", params={"standing": False}).json()}
    till = door.token("the third till", "viewer", workbooks=("acme_till",))
    assert client.get("/api/v1/entries", headers={"Authorization": f"Bearer {till}"}).json() == []


def test_a_trace_over_http_ends_at_the_person(client: httpx.Client) -> None:
    seen = client.get(ROW, params={"order_no": "4-1"})
    change(client, "4-1", seen.headers["etag"], price=78)
    asked = {"order_no": "4-1", "column": "price"}
    (row,) = client.get("/api/v1/tables/acme_orders/trace", params=asked).json()["rows"][:1]
    assert row["file"]["entered"]["reason"] == "a slip"
    assert row["file"]["entered"]["over"]["cells"] == {"price": "D3"}


def test_what_was_entered_is_in_the_next_report_whose_number_leads_to_the_person(
    client: httpx.Client, door: Served
) -> None:
    numbers = "/api/v1/reports/acme_sold/numbers"
    before = client.get(numbers).json()
    seen = client.get(ROW, params={"order_no": "5-2"})
    assert change(client, "5-2", seen.headers["etag"], price=1_000_011.95).status_code == 201
    ended = door.company.run("run")
    assert ended.code in (0, 1), ended.text
    after = client.get(numbers).json()
    assert after != before
    traced = client.get(f"{numbers}/F1/trace").text
    assert '"reason":"a slip"' in traced
    assert "orders/Orders 05.xlsx" in traced
