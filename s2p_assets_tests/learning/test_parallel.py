"""Promises of work that is spread: the same result on one core, on all, and on a cluster."""

import contextlib
import importlib.util
import logging
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from s2p_assets.learning.forecasting.backtest import rolling_origin
from s2p_assets.learning.forecasting.models.boosting import Boosting
from s2p_assets.learning.forecasting.models.moving_average import MovingAverage
from s2p_assets.learning.parallel import WorkersUnreachable, run_parallel, shard_of, workers
from s2p_assets_tests.free_ports import free_port
from s2p_assets_tests.learning.histories import WEEKLY, seasonal


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The setting of a local Dask cluster of two worker processes."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=logging.ERROR
    ) as running:
        yield running.scheduler_address.replace("tcp://", "dask://")


@pytest.fixture(scope="module")
def ray_cluster() -> Iterator[str]:
    """The setting of a Ray cluster of this machine, which asks for a token."""
    if importlib.util.find_spec("ray") is None:  # which looks for the token when it is imported
        pytest.skip("Ray is not installed: pip install ray")
    ports = [free_port() for _ in range(2)]
    words = ["--head", "--block", "--node-ip-address=127.0.0.1", "--num-cpus=2", "--include-dashboard=false"]
    words += [f"--port={ports[0]}", f"--ray-client-server-port={ports[1]}", "--disable-usage-stats"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        head = subprocess.Popen(
            [Path(sys.executable).parent / "ray", "start", *words], stdout=subprocess.DEVNULL, start_new_session=True
        )
        deadline = time.monotonic() + 60
        while head.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", ports[1]), 1):
                break
            time.sleep(0.2)
        yield f"ray://127.0.0.1:{ports[1]}"
        head.terminate()
        head.wait(60)


def test_a_ray_cluster_gives_the_backtest_of_a_single_core_and_is_left_again(ray_cluster: str) -> None:
    history, forecaster = seasonal(8, 90), Boosting(trees=10)
    with workers(ray_cluster):
        spread = rolling_origin(forecaster, history, WEEKLY)
        assert run_parallel(divmod, [(n, 7) for n in range(9)], progress="days") == [divmod(n, 7) for n in range(9)]
    pd.testing.assert_frame_equal(spread, rolling_origin(forecaster, history, WEEKLY), check_exact=True)
    import ray

    assert not ray.is_initialized()


def test_a_backtest_on_a_dask_cluster_of_two_workers_is_the_one_of_a_single_core(cluster: str) -> None:
    history = seasonal(8, 90)
    forecaster = Boosting(trees=10)
    alone = rolling_origin(forecaster, history, WEEKLY)
    with workers(cluster):
        spread = rolling_origin(forecaster, history, WEEKLY)
    pd.testing.assert_frame_equal(spread, alone, check_exact=True)


def test_results_of_a_cluster_keep_the_order_of_their_tasks(cluster: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="s2p_assets"), workers(cluster):
        assert run_parallel(_square, [(n,) for n in range(9)], progress="squares") == [n * n for n in range(9)]
    assert "squares 9 of 9" in caplog.messages


def _square(number: int) -> int:
    if number == 13:
        raise ValueError("thirteen\nis bad luck")
    return number * number


@pytest.mark.parametrize("setting", ["threads", "threads:3", "loky:2"])
def test_results_keep_the_order_of_their_tasks(setting: str) -> None:
    with workers(setting):
        assert run_parallel(_square, [(n,) for n in range(9)], progress="squares") == [n * n for n in range(9)]


def test_the_first_error_of_a_task_ends_the_work() -> None:
    with workers("threads"), pytest.raises(ValueError, match="thirteen"):
        run_parallel(_square, [(n,) for n in range(20)], progress="squares")


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
