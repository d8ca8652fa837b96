"""Promises of work that is spread: the same result on one core, on all, and on a cluster; one failure costs one SKU."""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from s2p_assets.learning.forecasters.boosting import Boosting
from s2p_assets.learning.forecasters.moving_average import MovingAverage
from s2p_assets.learning.forecasters.prophet_each import ProphetEach
from s2p_assets.learning.forecasters.seasonal_naive import SeasonalNaive
from s2p_assets.learning.forecasting.backtest import rolling_origin
from s2p_assets.learning.forecasting.series import learnable
from s2p_assets.learning.plain_files import ModelDamaged
from s2p_assets.learning.scale import WorkersUnreachable, each, for_each_entity, shard_of, workers
from s2p_assets_tests.learning_histories import WEEKLY, seasonal, weekly


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The setting of a local Dask cluster of two worker processes."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=logging.ERROR
    ) as running:
        yield running.scheduler_address.replace("tcp://", "dask://")


def test_a_backtest_on_a_dask_cluster_of_two_workers_is_the_one_of_a_single_core(cluster: str) -> None:
    history = seasonal(8, 90)
    forecaster = Boosting(trees=10)
    alone = rolling_origin(forecaster, history, WEEKLY)
    with workers(cluster):
        spread = rolling_origin(forecaster, history, WEEKLY)
    pd.testing.assert_frame_equal(spread, alone, check_exact=True)


def test_skus_are_fitted_on_the_cluster_and_one_that_fails_is_forecast_as_naive_and_named(
    cluster: str, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    history = learnable(
        pd.concat([seasonal(3, 60), weekly({"flat": [5.0] * 60, "one": [0.0] * 59 + [3.0]})], ignore_index=True), WEEKLY
    )
    with caplog.at_level(logging.INFO, logger="s2p_assets"), workers(cluster):
        fitted = ProphetEach().fit(history, WEEKLY)
        rows = fitted.forecast(history, 4)
    assert sorted(fitted.models) == ["000", "001", "002", "one"]
    assert list(fitted.failed) == ["flat"]
    assert "flat failed: TooLittleHistory" in caplog.text
    assert any("fitting Prophet: shard" in message for message in caplog.messages)
    naive = SeasonalNaive(recent=8).fit(history, WEEKLY).forecast(history, 4)
    assert rows.query("entity == 'flat'")["mean"].tolist() == naive.query("entity == 'flat'")["mean"].tolist()
    assert not np.allclose(rows.query("entity == '002'")["mean"], naive.query("entity == '002'")["mean"])

    fitted.save(tmp_path)
    again = ProphetEach.load(tmp_path)
    assert again.failed == fitted.failed
    pd.testing.assert_frame_equal(again.forecast(history, 4), rows)
    (tmp_path / "prophets.zip").write_bytes(b"no zip")
    with pytest.raises(ModelDamaged, match="train the model again"):
        ProphetEach.load(tmp_path)


def _square(number: int) -> int:
    if number == 13:
        raise ValueError("thirteen\nis bad luck")
    return number * number


@pytest.mark.parametrize("setting", ["threads", "threads:3", "loky:2"])
def test_results_keep_the_order_of_their_tasks(setting: str) -> None:
    with workers(setting):
        assert each(_square, [(n,) for n in range(9)], says="squares") == [n * n for n in range(9)]


def test_an_entity_that_fails_costs_itself_alone() -> None:
    found = for_each_entity(_square, {str(n): (n,) for n in range(20)}, says="squares", shards=4)
    assert found.made == {str(n): n * n for n in range(20) if n != 13}
    assert found.failed == {"13": "ValueError: thirteen"}


def test_shards_are_the_same_on_every_machine_and_about_as_large() -> None:
    assert shard_of(["A-1", "A-2", "007"], 64).tolist() == SHARDS_OF_OLD
    sizes = np.bincount(shard_of([f"SKU {n}" for n in range(6400)]), minlength=64)
    assert sizes.min() > 60
    assert sizes.max() < 150


SHARDS_OF_OLD = [0, 13, 42]


@pytest.mark.parametrize("setting", ["all", "dask", "dask:8786", "spark://x"])
def test_a_setting_that_means_nothing_is_refused(setting: str) -> None:
    with pytest.raises(ValueError, match="S2P_JOBLIB"), workers(setting):
        pass


def test_a_cluster_that_is_not_there_is_one_line() -> None:
    pytest.importorskip("distributed")
    with pytest.raises(WorkersUnreachable, match="correct S2P_JOBLIB"), workers("dask://127.0.0.1:9"):
        pass


def test_threads_give_the_same_backtest() -> None:
    history = seasonal(5, 70)
    alone = rolling_origin(MovingAverage(), history, WEEKLY)
    with workers("threads:2"):
        pd.testing.assert_frame_equal(rolling_origin(MovingAverage(), history, WEEKLY), alone)
