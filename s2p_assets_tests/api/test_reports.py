"""Reports through the door: the files, their numbers, a number's way down; and that pages load nothing from outside."""

import re

import httpx
import pytest

from s2p_assets_tests.api.served import Served


@pytest.fixture(scope="module")
def client(door: Served) -> httpx.Client:
    return door.client("viewer")


def test_a_report_is_listed_served_and_its_numbers_lead_to_cells(client: httpx.Client) -> None:
    report = next(one for one in client.get("/api/v1/reports").json() if one["name"] == "acme_takings")
    newest = report["editions"][0]
    assert newest["edition"] == "2026-01-31"
    for kind in ("html", "excel", "pdf"):
        assert client.get(newest[kind]).status_code == 200
    numbers = client.get("/api/v1/reports/acme-takings/numbers").json()
    assert numbers["figures"][0]["label"] == "Taken in"
    traced = client.get("/api/v1/reports/acme_sold/numbers/F1/trace").json()
    assert (traced["report"], traced["number"]["label"]) == ("acme_sold", "Sold")
    assert "orders/" in str(traced["under"])
    assert client.get("/api/v1/reports/acme_takings/numbers/Z9/trace").status_code == 409
    assert client.get("/api/v1/reports/acme_takings/numbers?edition=../../x").status_code == 422
    assert client.get("/api/v1/reports/acme_takings/numbers?edition=1999-01-01").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/reports/../home/secret.html",
        "/reports/%2e%2e/orders/Again.xlsx",
        "/reports/acme-takings/",
        "/reports/acme-takings/2026-01-31/edition.json",
        "/reports//etc/passwd",
        "/reports/acme-takings%2f..%2f..%2forders%2fAgain.xlsx",
        "/static/..%2fguard.py",
        "/static/guard.py",
    ],
)
def test_nothing_but_reports_and_styles_is_served(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_report_may_load_and_send_nothing(client: httpx.Client) -> None:
    page = client.get("/reports/acme-takings/latest.html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert client.put("/reports/index.html").status_code in (403, 405)


def test_no_page_of_the_door_loads_anything_from_elsewhere(client: httpx.Client) -> None:
    for path in ("/", "/api/docs"):
        page = client.get(path, headers={"Accept": "text/html"})
        assert page.status_code == 200
        loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert loaded
        assert all(one.startswith(("/", "#", "data:")) and not one.startswith("//") for one in loaded)
        assert "default-src 'none'" in page.headers["content-security-policy"]
    for name in ("screen.css", "swagger-ui.css", "swagger-ui-bundle.js", "swagger-start.js"):
        assert client.get(f"/static/{name}").status_code == 200


def test_the_status_is_that_of_the_command(door: Served) -> None:
    status = door.client("engineer").get("/api/v1/status").json()
    assert {book["name"] for book in status["workbooks"]} == {"acme_orders", "acme_articles", "acme_till"}
    assert {one["name"] for one in status["reports"]} == {"acme_sold", "acme_takings"}
