"""Tables over HTTP: pages, filters, exports, one row with its source, its history, its trace, as of a day."""

import datetime as dt
import io

import httpx
import pyarrow
import pyarrow.parquet
import pytest

from s2p_assets_tests.api.served import Served

ROWS = "/api/v1/tables/acme_orders/rows"


@pytest.fixture(scope="module")
def client(door: Served) -> httpx.Client:
    return door.client("viewer")


def test_every_table_of_the_catalogue_is_listed_and_described_in_the_contracts_words(client: httpx.Client) -> None:
    listed = {one["name"]: one for one in client.get("/api/v1/tables").json()}
    assert {"acme_orders", "acme_articles", "acme_revenue", "acme_shop_features", "acme_deliveries"} <= set(listed)
    assert listed["acme_orders"]["rows"] > 80
    assert listed["acme_orders"]["changed_at"]
    told = client.get("/api/v1/tables/acme.orders").json()
    quantity = next(column for column in told["columns"] if column["name"] == "quantity")
    assert (quantity["description"], quantity["kind"], quantity["rules"]) == ("Pieces ordered", "integer", ["ge 1"])
    spec = client.get("/api/openapi.json").json()
    own = spec["paths"]["/api/v1/tables/acme_orders/rows"]["get"]
    assert "Pieces ordered" in next(one["description"] for one in own["parameters"] if one["name"] == "quantity")


def test_pages_give_every_row_once_in_order(client: httpx.Client) -> None:
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get(ROWS, params={"limit": 7, "sort": "-price,order_no", "cursor": cursor}).json()
        seen += page["rows"]
        cursor = page["next"]
    whole = client.get(ROWS, params={"limit": 1000}).json()["rows"]
    assert sorted(row["order_no"] for row in seen) == sorted(row["order_no"] for row in whole)
    assert [row["price"] for row in seen] == sorted((row["price"] for row in seen), reverse=True)


def test_pages_over_missing_values_lose_no_row(client: httpx.Client) -> None:
    path, seen, cursor = "/api/v1/tables/acme_shop_features/rows", [], ""
    while cursor is not None:
        page = client.get(path, params={"limit": 9, "sort": "amount", "cursor": cursor}).json()
        seen += [(row["shop"], row["week"]) for row in page["rows"]]
        cursor = page["next"]
    assert len(seen) == len(set(seen)) == 82


@pytest.mark.parametrize(
    ("asked", "is_right"),
    [
        ({"article": "L-1"}, lambda row: row["article"] == "L-1"),
        ({"quantity.gt": "2"}, lambda row: row["quantity"] > 2),
        (
            {"price.lte": "10.95", "article.in": "L-1,L-2"},
            lambda row: row["price"] <= 10.95 and row["article"] != "C-1",
        ),
        ({"order_no.has": "3-"}, lambda row: "3-" in row["order_no"]),
        ({"ordered.gte": "2026-01-05", "where.article": "C-1"}, lambda row: row["ordered"] >= "2026-01-05"),
        ({"article.null": "false"}, lambda row: True),
    ],
)
def test_a_filter_gives_the_rows_that_it_names(client: httpx.Client, asked: dict[str, str], is_right: object) -> None:
    whole = client.get(ROWS, params={"limit": 1000}).json()["rows"]
    found = client.get(ROWS, params={"limit": 1000, **asked}).json()["rows"]
    assert callable(is_right)
    assert found
    assert all(is_right(row) for row in found)
    if len(asked) == 1:
        assert len(found) == sum(map(is_right, whole))


@pytest.mark.parametrize(
    "asked",
    [
        {"colour": "red"},
        {"quantity": "many"},
        {"price.gte": "NaN"},
        {"price": "1_000"},
        {"quantity": "1; drop table acme.orders"},
        {"quantity": "99999999999999999999999"},
        {"article.like": "%"},
        {"article": "a\x00b"},
        {"price.has": "1"},
        {"sort": "article;--"},
        {"columns": 'x" from pg_user --'},
        {"cursor": "nonsense"},
        {"cursor": "W10"},
        {"limit": "0"},
        {"limit": "100000000"},
        {"as_of": "yesterday"},
        {"format": "xlsx"},
        {"format": "csv", "cursor": "W10"},
    ],
)
def test_what_cannot_be_asked_is_a_problem_that_says_why(client: httpx.Client, asked: dict[str, str]) -> None:
    answer = client.get(ROWS, params=asked)
    assert answer.status_code in (404, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]
    assert client.get(ROWS, params={"article": "L-1' or '1'='1"}).json()["rows"] == []


def test_a_cursor_of_another_table_or_order_opens_nothing(client: httpx.Client) -> None:
    cursor = client.get("/api/v1/tables/acme_revenue/rows", params={"limit": 1}).json()["next"]
    assert client.get(ROWS, params={"cursor": cursor}).status_code == 422
    own = client.get(ROWS, params={"limit": 1}).json()["next"]
    assert client.get(ROWS, params={"cursor": own, "sort": "price"}).status_code == 422


def test_whole_tables_come_as_csv_parquet_and_arrow_with_the_same_rows(client: httpx.Client) -> None:
    whole = client.get(ROWS, params={"limit": 1000}).json()["rows"]
    csv = client.get(ROWS, params={"format": "csv"}).text.splitlines()
    parquet = pyarrow.parquet.read_table(io.BytesIO(client.get(ROWS, params={"format": "parquet"}).content))
    arrow = pyarrow.ipc.open_stream(client.get(ROWS, params={"format": "arrow"}).content).read_all()
    assert csv[0] == "order_no,article,quantity,price,ordered"
    assert len(csv) - 1 == parquet.num_rows == arrow.num_rows == len(whole)
    assert arrow.column("order_no").to_pylist() == [row["order_no"] for row in whole]
    assert parquet.schema.field("quantity").type == pyarrow.int64()
    few = client.get(ROWS, params={"format": "arrow", "article": "C-1", "columns": "article,price", "limit": 3})
    assert pyarrow.ipc.open_stream(few.content).read_all().to_pydict()["article"] == ["C-1"] * 3
    none = client.get(ROWS, params={"format": "parquet", "article": "none"})
    assert pyarrow.parquet.read_table(io.BytesIO(none.content)).num_rows == 0


def test_who_has_the_version_is_not_sent_it_again(client: httpx.Client) -> None:
    first = client.get(ROWS)
    assert "total;dur=" in first.headers["server-timing"]
    again = client.get(ROWS, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        *("tables", "tables/acme_orders", "tables/acme_orders/history?order_no=0-1", "features", "models", "reports"),
        *(
            "tables/acme_revenue/trace?article=L-1",
            "forecasts",
            "files",
            "entries",
            "status",
            "reports/acme_sold/numbers",
        ),
    ],
)
def test_every_answer_names_the_version_of_its_content_and_its_time(client: httpx.Client, path: str) -> None:
    first = client.get(f"/api/v1/{path}")
    assert first.status_code == 200
    assert (first.headers["cache-control"], "dur=" in first.headers["server-timing"]) == ("private, no-cache", True)
    again = client.get(f"/api/v1/{path}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    other = client.get("/api/v1/me")
    assert (other.headers["cache-control"], "etag" in other.headers) == ("no-store", False)


def test_a_row_tells_the_file_it_was_read_from_and_what_other_files_say(client: httpx.Client) -> None:
    found = client.get("/api/v1/tables/acme_orders/row", params={"order_no": "0-1"}).json()
    assert (found["source"]["path"], found["source"]["row"]) == ("orders/Again.xlsx", 3)
    history = client.get("/api/v1/tables/acme_orders/history", params={"order_no": "0-1"}).json()
    assert [(one["_path"], one["_counts"]) for one in history] == [
        ("orders/Again.xlsx", True),
        ("orders/Orders 00.xlsx", False),
    ]
    assert client.get("/api/v1/tables/acme_orders/row", params={"article": "L-1"}).status_code == 404
    assert client.get("/api/v1/tables/acme_orders/row").status_code == 422
    assert client.get("/api/v1/tables/acme_revenue/history", params={"article": "L-1"}).status_code == 422


def test_a_value_is_walked_back_to_its_cells(client: httpx.Client) -> None:
    found = client.get("/api/v1/tables/acme_revenue/trace", params={"article": "C-1", "column": "revenue"}).json()
    orders = next(one for one in found["rows"][0]["under"] if one["table"] == "acme.orders")
    assert orders["rows"][0]["file"]["path"].startswith("orders/")
    assert client.get("/api/v1/tables/acme_revenue/trace", params={"article": "none"}).status_code == 409
    assert client.get("/api/v1/tables/acme_revenue/trace").status_code == 422


def test_a_table_is_given_as_it_was_known_at_the_end_of_a_day(client: httpx.Client) -> None:
    assert client.get(ROWS, params={"as_of": "2020-01-01"}).status_code == 404
    assert client.get(ROWS, params={"as_of": "2999-12-31"}).status_code == 404
    day = dt.datetime.now().astimezone().date().isoformat()
    today = client.get("/api/v1/tables/acme_till/rows").json()
    then = client.get("/api/v1/tables/acme_till/rows", params={"as_of": day, "limit": 2}).json()
    assert then["rows"] == today["rows"][:2]
    assert then["next"]
    csv = client.get("/api/v1/tables/acme_till/rows", params={"as_of": day, "format": "csv"}).text
    assert len(csv.splitlines()) == 81
    forecast = "/api/v1/tables/acme_shop_forecast/rows"
    then = client.get(forecast, params={"as_of": dt.datetime.now().astimezone().isoformat()}).json()
    assert then["rows"] == client.get(forecast).json()["rows"] != []


def test_what_changed_between_two_moments_is_told_with_the_files_that_did_it(client: httpx.Client) -> None:
    loaded = {
        one["changed_at"]: one["name"] for one in client.get("/api/v1/tables").json() if one["kind"] == "workbook"
    }
    last = f"/api/v1/tables/{loaded[max(loaded)]}/changes"
    until = dt.datetime.now().astimezone().isoformat()
    found = client.get(last, params={"from": min(loaded), "to": until, "limit": 3}).json()
    assert (len(found["rows"]), found["new"]) == (3, found["more"] + 3)
    assert {row["path"] for row in found["rows"]} <= {cause["path"] for cause in found["causes"]}
    for asked, says in (
        ({"from": until}, "name both moments"),
        ({"from": min(loaded), "to": until, "shop": "North"}, "leave out shop"),
        ({"from": until, "to": until}, "name the earlier moment first"),
        ({"from": "2020-01-01", "to": until}, "nothing was known on 2020-01-01"),
    ):
        answer = client.get(last, params=asked)
        assert answer.status_code in (404, 422)
        assert says in answer.json()["detail"]
