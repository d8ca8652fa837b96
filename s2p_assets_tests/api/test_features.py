"""Features as a store, stored forecasts, predictions and models: what training saw, what is served, what is asked."""

import io

import httpx
import pyarrow
import pyarrow.parquet
import pytest

from s2p_assets.warehouse.tables import store
from s2p_assets_tests.api.served import Served

SET = "/api/v1/features/acme_shop_features"


@pytest.fixture(scope="module")
def client(door: Served) -> httpx.Client:
    return door.client("viewer")


def test_training_online_and_offline_see_the_same_rows(door: Served, client: httpx.Client) -> None:
    features = door.ctx.catalog.features["acme_shop_features"]
    with door.ctx.warehouse.connect() as connection:
        trained = store.read_rows(connection, features.domain, features.name, features.columns)
    trained = trained.astype({"week": str}).astype(object).where(trained.notna(), None)
    rows = trained.to_dict("records")
    asked = {"entities": [{"shop": row["shop"]} for row in rows], "times": [row["week"] for row in rows]}
    offline = client.post(f"{SET}/offline", json=asked).json()["rows"]
    assert [{name: row[name] for name in rows[0]} for row in offline] == rows
    columns = pyarrow.ipc.open_stream(
        client.post(f"{SET}/offline", json=asked | {"format": "arrow"}).content
    ).read_all()
    assert columns.column("lag_1").to_pylist() == [row["lag_1"] for row in rows]
    parquet = client.post(f"{SET}/offline", json=asked | {"format": "parquet"}).content
    assert pyarrow.parquet.read_table(io.BytesIO(parquet)).num_rows == len(rows)
    for row in rows[::17]:
        one = client.get(f"{SET}/online", params={"shop": row["shop"], "as_of": row["week"]}).json()
        assert one["row"] == row
        many = client.post(f"{SET}/online", json={"entities": [{"shop": row["shop"]}], "as_of": row["week"]}).json()
        assert many["rows"] == [row]
        assert one["feature_version"] == many["feature_version"] != ""


def test_nothing_of_later_is_known_and_nothing_too_old_is_given(client: httpx.Client) -> None:
    answer = client.get(f"{SET}/online", params={"shop": "North"})
    now = answer.json()
    for known in (answer.headers["etag"], f'"x", W/{answer.headers["etag"]}', "*"):
        again = client.get(f"{SET}/online", params={"shop": "North"}, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
    head = client.head(f"{SET}/online", params={"shop": "North"})
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", answer.headers["etag"])
    assert now["row"]["week"] <= now["as_of"]
    between = {"entities": [{"shop": "North"}] * 3, "times": ["2025-09-10", "2025-08-01", "2026-06-30"]}
    rows = client.post(f"{SET}/offline", json=between | {"max_age_days": 20}).json()["rows"]
    assert [row["week"] for row in rows] == ["2025-09-08", None, None]
    assert (
        client.post(f"{SET}/online", json={"entities": [{"shop": "West"}, {"shop": "North"}]}).json()["rows"][0] is None
    )
    assert client.get(f"{SET}/online", params={"shop": "West"}).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "asked"),
    [
        ("GET", "/online", {}),
        ("GET", "/online", {"shop": "North", "city": "x"}),
        ("GET", "/online", {"shop": ["North", "South"]}),
        ("GET", "/online", {"shop": "North", "as_of": "2026-03-01 or so"}),
        ("GET", "/online", {"shop": "North", "as_of": "never"}),
        ("GET", "/online", {"shop": "North", "columns": "price"}),
        ("POST", "/online", {"entities": []}),
        ("POST", "/online", {"entities": [{"shop": "x"}] * 1001}),
        ("POST", "/online", {"entities": [{"shop": "a\x00"}]}),
        ("POST", "/offline", {"entities": [{"shop": "x"}], "times": []}),
        ("POST", "/offline", {"entities": [{"shop": ["x"]}], "times": ["2026-01-01"]}),
    ],
)
def test_what_no_feature_set_can_answer_is_a_problem(
    client: httpx.Client, method: str, path: str, asked: dict[str, object]
) -> None:
    more = {"params": asked} if method == "GET" else {"json": asked}
    assert client.request(method, SET + path, **more).status_code == 422  # type: ignore[arg-type]


def test_a_feature_set_says_what_it_is_made_from_and_who_learns_from_it(client: httpx.Client) -> None:
    told = client.get(SET).json()
    assert (told["entity"], told["event_time"], told["owner"]) == (["shop"], "week", "sales@example.com")
    assert told["upstream"] == ["acme_till"]
    assert told["used_by"] == ["acme_shop_champion"]
    assert told["rows"] == 82
    assert [one["name"] for one in client.get("/api/v1/features").json()] == ["acme_shop_features"]


def test_a_stored_forecast_is_given_by_entity_with_range_and_versions(client: httpx.Client) -> None:
    known = client.get("/api/v1/forecasts").json()
    assert [(one["name"], one["entity"], one["time"]) for one in known] == [("acme_shop_forecast", "shop", "week")]
    told = client.get("/api/v1/forecasts/acme_shop_forecast", params={"shop": "North"})
    rows = told.json()["rows"]
    assert len(rows) == 4
    assert all(row["q10"] <= row["q90"] and row["mean"] > 100 and row["model_version"] for row in rows)
    assert told.json()["feature_version"] == client.get(SET).json()["version"]
    later = client.get("/api/v1/forecasts/acme_shop_forecast", params={"shop": "North", "since": rows[2]["week"]})
    assert len(later.json()["rows"]) == 2
    assert client.get("/api/v1/forecasts/acme_shop_forecast", params={"shop": "West"}).status_code == 404
    assert client.get("/api/v1/forecasts/acme_shop_forecast").status_code == 422
    assert client.get("/api/v1/forecasts/none", params={"shop": "North"}).status_code == 404


def test_the_model_in_service_predicts_and_says_why_it_was_trained(client: httpx.Client) -> None:
    told = client.get("/api/v1/models/acme_shop_champion").json()
    assert told["champion"]["model"] == "shop_mean"
    assert [one["contest"] for one in client.get("/api/v1/models").json()] == ["acme_shop_champion"]
    made = client.post("/api/v1/models/acme_shop_champion/predict", json={"where": {"shop": "North"}, "horizon": 2})
    assert made.json()["model_version"] == told["champion"]["version"]
    assert [row["shop"] for row in made.json()["rows"]] == ["North", "North"]
    stored = client.get("/api/v1/forecasts/acme_shop_forecast", params={"shop": "North"}).json()["rows"]
    assert [row["mean"] for row in made.json()["rows"]] == pytest.approx([row["mean"] for row in stored[:2]])
    assert client.get("/api/v1/models/acme_shop_champion/why").json()["workbooks"] == ["acme_till"]
    for wrong in ({"where": {"city": "x"}}, {"where": {"shop": "West"}}):
        assert client.post("/api/v1/models/acme_shop_champion/predict", json=wrong).status_code == 404
    assert client.post("/api/v1/models/acme_shop_champion/predict", json={"cases": [{"shop": "x"}]}).status_code == 422
    assert client.get("/api/v1/models/none").status_code == 404
