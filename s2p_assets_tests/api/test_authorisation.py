"""Every route × every role: who may what, and what is kept to groups or to a token's workbooks."""

import datetime as dt
import sys
from typing import Any

import pytest

from s2p_assets.api.app import build_app
from s2p_assets.api.quick_routes import QuickRoutes
from s2p_assets.screen.areas import PAGES
from s2p_assets.services import access
from s2p_assets_tests.api.served import ROLES, Served

PUBLIC = {"/login", "/logout", "/join/{secret}", "/static/{name}", "/health", "/oidc/login", "/oidc/back"}
OF_EVERYBODY_IN = {"/", "/api/docs", "/metrics"}
PLAIN_FOR_ENGINEERS = {"/system"}
EDITOR = {
    *("/drop", "/files/accept", "/files/keep", "/files/forget", "/tables/{name}/entries"),
    *("/tables/{name}/entries/{entry}/release", "/features/{name}/push", "/events/{name}"),
}
OF_EDITORS_TO_WRITE = {"/tables/{name}/row", "/tables/{name}/entries/{entry}/undo", "/events/{name}"}
"""What viewers may read."""
ENGINEER = {
    *("/users", "/users/{email}", "/users/{email}/link", "/users/{email}/sessions"),
    *("/tokens", "/tokens/{name}", "/restrictions", "/restrictions/{thing}"),
}


def routes(door: Served) -> list[tuple[str, str, str | None]]:
    """(method, path, role that it is declared with) of everything that the app answers."""
    spec = door.client().get("/api/openapi.json").json()
    return [
        (method.upper(), path, answer.get("x-s2p-role"))
        for path, methods in spec["paths"].items()
        for method, answer in methods.items()
    ]


def test_every_route_names_its_role_and_is_refused_to_lesser_ones(door: Served) -> None:
    clients = {role: door.client(role) for role in ROLES} | {None: door.client(None)}
    known = routes(door)
    assert len(known) > 35
    for method, path, role in known:
        short = path.removeprefix("/api/v1")
        writes = short in OF_EDITORS_TO_WRITE and method != "GET"
        wanted = "engineer" if short in ENGINEER else "editor" if short in EDITOR or writes else "viewer"
        assert role == wanted, (method, path)
        for who, client in clients.items():
            asked = (
                path.replace("{name}", "x")
                .replace("{email}", "x")
                .replace("{thing}", "x")
                .replace("{id}", "F1")
                .replace("{entry}", "x")
                .replace("{number}", "1")
            )
            body: dict[str, Any] = {"content": b"x"} if short in ("/check", "/drop") else {"json": {}}
            answer = client.request(method, asked, **({} if method == "GET" else body))
            allowed = who is not None and ROLES.index(who) >= ROLES.index(wanted)
            expected = 401 if who is None else 403
            assert (answer.status_code == expected) != allowed, (method, path, who, answer.status_code, answer.text)
            assert answer.status_code < 500


def test_whatever_is_no_described_route_is_public_on_purpose_or_needs_a_login(door: Served) -> None:
    front = build_app(door.ctx).areas[-1][1]
    assert isinstance(front, QuickRoutes)
    described = door.client().get("/api/openapi.json").json()["paths"]
    assert {(one.method.lower(), one.path) for one in front.routes} <= {
        (method, path) for path, methods in described.items() for method in methods
    }
    plain = {getattr(route, "path", "") for route in front.app.routes if not getattr(route, "include_in_schema", True)}
    of_pages = {getattr(route, "path", "") for page in PAGES for route in page.router.routes}
    assert plain - {""} <= PUBLIC | OF_EVERYBODY_IN | PLAIN_FOR_ENGINEERS | of_pages | {"/api/openapi.json"}
    nobody = door.client(None, headers={"X-Forwarded-For": "192.0.2.1"})
    for path in (
        *PLAIN_FOR_ENGINEERS,
        *OF_EVERYBODY_IN,
        "/api/openapi.json",
        "/reports/",
        "/dagster",
        "/dagster/graphql",
        "/nothing",
    ):
        assert nobody.get(path).status_code == 401, path


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("editor", 403), ("engineer", 404)])
def test_dagster_is_for_engineers(door: Served, role: str, status: int) -> None:
    client = door.client(role)
    assert client.get("/dagster").status_code == status
    assert client.post("/dagster/graphql", json={}).status_code == status
    assert client.post("/dagster/report_asset_materialization/x").status_code == status


def test_what_is_kept_to_a_group_is_not_there_for_others(door: Served) -> None:
    of_sales = door.client(None, headers={"Authorization": f"Bearer {door.token('of sales', groups=('sales',))}"})
    others = door.client("viewer")
    left, now = access.keep_to_groups(door.ctx, "acme_orders", ["sales"]), dt.datetime.now().astimezone()
    before = now - dt.timedelta(milliseconds=1)
    access.keep_to_groups(door.ctx, "acme_takings", ["sales"])
    try:
        assert left == ["acme_deliveries", "acme_revenue", "acme_sold", "acme_takings"]
        for path in (
            "/api/v1/tables/acme_orders",
            "/api/v1/tables/acme_orders/rows",
            "/api/v1/files/verdict?path=orders/Again.xlsx",
            "/api/v1/tables/acme_revenue/trace?article=C-1",
            f"/api/v1/tables/acme_revenue/changes?from={before:%Y-%m-%dT%H:%M:%S.%f}&to={now:%Y-%m-%dT%H:%M:%S.%f}",
            "/api/v1/reports/acme_takings/numbers",
            "/reports/acme-takings/latest.html",
        ):
            until_told(others, path)
            assert others.get(path).status_code == 404, path
            assert of_sales.get(path).status_code == 200, path
            assert door.client("engineer").get(path).status_code == 200, path
        assert "acme_orders" not in [one["name"] for one in others.get("/api/v1/tables").json()]
        assert {one["workbook"] for one in others.get("/api/v1/files").json()} == {"acme_articles", "acme_till"}
        status = others.get("/api/v1/status").json()
        assert "orders/" not in str(status)
        assert others.get("/api/v1/tables/acme_revenue/rows").status_code == 200
        assert others.post("/api/v1/check?name=a.xlsx&as=acme_orders", content=b"x").status_code == 404
    finally:
        for thing in ("acme_orders", "acme_takings"):
            access.keep_to_groups(door.ctx, thing, [])


def until_told(client: object, path: str) -> None:
    for _ in range(50):
        if client.get(path).status_code == 404:  # type: ignore[attr-defined]
            return


def test_a_token_of_some_workbooks_touches_no_others(door: Served) -> None:
    token = door.token("the till", "editor", workbooks=("acme_till",))
    till = door.client(None, headers={"Authorization": f"Bearer {token}"})
    assert [one["name"] for one in till.get("/api/v1/tables").json()] == ["acme_till"]
    assert till.get("/api/v1/tables/acme_orders/rows").status_code == 404
    assert till.get("/api/v1/tables/acme_till/rows").status_code == 200
    refused = till.post("/api/v1/drop?path=orders/x.xlsx", content=b"x")
    assert (refused.status_code, "no kind of workbook of yours" in refused.text) == (422, True)
    assert till.post("/api/v1/files/forget", json={"path": "orders/Again.xlsx"}).status_code == 404


def test_the_door_loads_no_dagster_and_nothing_that_trains(door: Served) -> None:
    import subprocess

    code = (
        "import sys, s2p_assets.api.app, s2p_assets.api.__main__; "
        "print([name for name in sys.modules if name.split('.')[0] in "
        "('dagster', 'dagster_webserver', 'sklearn', 'prophet', 'optuna', 'mlflow', 'alembic', 'pandas', 'lxml')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_door_stays_small(door: Served) -> None:
    assert door.memory_mb() < 200  # lines that are counted take some of it: without, it has 136 here
