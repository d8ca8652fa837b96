"""The client for people who work in Python: the same frames over HTTP and against the database."""

import datetime as dt
from collections.abc import Iterator

import pandas as pd
import pytest

from s2p_assets import connect
from s2p_assets.api.client import Client, NotAnswered
from s2p_assets.warehouse.tables import store
from s2p_assets_tests.api.served import Served


@pytest.fixture(scope="module", params=["http", "database"])
def s2p(door: Served, request: pytest.FixtureRequest) -> Iterator[Client]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in door.company.environment.items():
            if name.startswith("S2P_"):
                patch.setenv(name, value)
        with connect(door.address, door.tokens["viewer"]) if request.param == "http" else connect() as client:
            yield client


def test_a_table_is_the_frame_that_models_read(door: Served, s2p: Client) -> None:
    features = door.ctx.catalog.features["acme_shop_features"]
    with door.ctx.warehouse.connect() as connection:
        trained = store.read_rows(connection, features.domain, features.name, features.columns, order=features.key)
    pd.testing.assert_frame_equal(s2p.table("acme_shop_features"), trained)
    assert len(s2p.table("acme_shop_features", shop="North", week__gte="2026-01-01", columns=["week"])) == 23
    assert {"acme_orders", "acme_shop_features"} <= set(s2p.tables()["name"])
    assert s2p.columns("acme_orders").loc["quantity", "description"] == "Pieces ordered"
    assert len(s2p.table("acme_till", as_of=dt.datetime.now().astimezone().date().isoformat())) == 80


def test_features_at_moments_keep_the_rows_and_index_that_were_asked_for(s2p: Client) -> None:
    wanted = pd.DataFrame(
        {"shop": ["South", "North", "West"], "sold_on": pd.to_datetime(["2025-10-01", "2025-09-10", "2025-10-01"])},
        index=[7, 3, 5],
    )
    found = s2p.features("acme_shop_features", wanted, "sold_on", columns=["lag_1"])
    assert list(found.index) == [7, 3, 5]
    assert list(found["lag_1"].astype(object).where(found["lag_1"].notna(), None)) == [113.0, 100.0, None]
    newest = s2p.newest("acme_shop_features", wanted[["shop"]], as_of="2025-09-10")
    assert list(newest["week"].fillna("none")) == ["2025-09-08", "2025-09-08", "none"]
    assert s2p.feature_sets().loc[0, "used_by"] == ["acme_shop_champion"]


def test_forecasts_predictions_and_traces(s2p: Client) -> None:
    assert len(s2p.forecast("acme_shop_forecast", shop="North")) == 4
    assert len(s2p.predict("acme_shop_champion", shop="North", horizon=2)) == 2
    assert s2p.models().loc[0, "contest"] == "acme_shop_champion"
    assert "orders/" in str(s2p.trace("acme_revenue", "revenue", article="L-1"))


def test_what_cannot_be_answered_is_said_in_the_servers_words(s2p: Client) -> None:
    with pytest.raises(NotAnswered, match="there is no table"):
        s2p.table("acme_nothing")
    with pytest.raises(NotAnswered, match="colour"):
        s2p.table("acme_orders", colour="red")
