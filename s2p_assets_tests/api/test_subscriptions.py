"""Reports by mail and watched values over HTTP and at the prompt: whose they are, to whom they go, what is refused."""

import json

import httpx
import pytest

from s2p_assets_tests.api.served import Served

SUBSCRIPTIONS, ALERTS = "/api/v1/subscriptions", "/api/v1/threshold-alerts"
WATCHED = {"table": "acme_till", "entity": {"shop": "North"}, "column": "amount", "direction": "under"}


@pytest.fixture(scope="module")
def client(door: Served) -> httpx.Client:
    return door.client("engineer")


def test_a_report_goes_to_whom_an_engineer_names_once_until_it_is_ended(door: Served, client: httpx.Client) -> None:
    wanted = {"report": "acme_sold", "recipient": "board@example.com"}
    for _ in "12":
        made = client.post(SUBSCRIPTIONS, json=wanted)
        assert (made.status_code, made.json()) == (201, wanted)
    (listed,) = client.get(SUBSCRIPTIONS).json()
    assert (listed["report"], listed["asked_by"]) == ("acme_sold", "token the engineer")
    printed = door.company.run("subscriptions", "list", "--json")
    assert [one["id"] for one in json.loads(printed.out)] == [listed["id"]]
    assert door.client("viewer").get(SUBSCRIPTIONS).json() == []
    place = f"{SUBSCRIPTIONS}/{listed['id']}"
    assert door.client("viewer").delete(place).status_code == 404
    assert [client.delete(place).status_code for _ in "12"] == [204, 404]
    assert client.delete(f"{SUBSCRIPTIONS}/{10**30}").status_code == 422


def test_a_value_is_watched_and_told_in_words_with_what_it_is_now(door: Served, client: httpx.Client) -> None:
    made = client.post(ALERTS, json=WATCHED | {"threshold": 20, "recipient": "shop@example.com"}).json()
    assert made["value"] > 20
    assert made["says"].endswith("under 20")
    added = door.company.run(
        "threshold-alerts", "add", "acme.till", "amount", "over", "1e6", "shop@example.com", "shop=South"
    )
    assert added.code == 0, added.text
    listed = client.get(ALERTS).json()
    assert [(one["direction"], one["entity"]) for one in listed] == [
        ("under", {"shop": "North"}),
        ("over", {"shop": "South"}),
    ]
    assert door.company.run("threshold-alerts", "end", str(listed[1]["id"])).code == 0
    assert client.delete(f"{ALERTS}/{listed[0]['id']}").status_code == 204
    assert client.get(ALERTS).json() == []


@pytest.mark.parametrize(
    ("path", "asked", "status"),
    [
        (SUBSCRIPTIONS, {"report": "acme_nothing", "recipient": "board@example.com"}, 404),
        (SUBSCRIPTIONS, {"report": "acme_sold"}, 422),
        (SUBSCRIPTIONS, {"report": "acme_sold", "recipient": "no address\r\nBcc: x@example.com"}, 422),
        (ALERTS, WATCHED | {"threshold": "NaN", "recipient": "a@example.com"}, 422),
        (ALERTS, WATCHED | {"threshold": 1, "direction": "beside", "recipient": "a@example.com"}, 422),
        (ALERTS, WATCHED | {"threshold": 1, "column": "shop", "recipient": "a@example.com"}, 404),
        (ALERTS, WATCHED | {"threshold": 1, "entity": {"shop": "'; drop table"}, "recipient": "a@example.com"}, 404),
        (ALERTS, WATCHED | {"threshold": 1, "entity": {"shop": "a\x00b"}, "recipient": "a@example.com"}, 422),
        (ALERTS, WATCHED | {"threshold": 1, "entity": {}, "recipient": "a@example.com"}, 422),
    ],
)
def test_what_cannot_be_asked_for_is_refused_in_a_line(
    client: httpx.Client, path: str, asked: dict[str, object], status: int
) -> None:
    answer = client.post(path, json=asked)
    assert answer.status_code == status, answer.text
    assert "\n" not in answer.json()["detail"]


def test_a_program_of_a_viewer_names_nobody_else(door: Served) -> None:
    answer = door.client("viewer").post(SUBSCRIPTIONS, json={"report": "acme_sold", "recipient": "b@example.com"})
    assert (answer.status_code, "your own address" in answer.json()["detail"]) == (422, True)
