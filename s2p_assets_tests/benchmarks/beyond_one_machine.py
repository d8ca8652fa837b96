"""Backtests over the buckets of a Delta table on one and on two Dask workers: how evenly they share, what each holds.

    uv run python -m s2p_assets_tests.benchmarks.beyond_one_machine                    # 10,000 SKUs, 3 years of weeks
    uv run python -m s2p_assets_tests.benchmarks.beyond_one_machine --skus 100000

Each bucket is read by its worker, lags are made and a moving average is backtested over three folds. CPU seconds and
the most memory of each worker's process: on a busy machine these hold, times by the clock do not. The efficiency is
that of two machines which each are as fast as this one: the CPU of one worker alone, over twice that of the busier of
two.
"""

import argparse
import datetime as dt
import logging
import resource
import tempfile
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow

from s2p_assets.contracts.model import ForecastTask
from s2p_assets.learning.forecasting.backtest import rolling_origin
from s2p_assets.learning.forecasting.models.moving_average import MovingAverage
from s2p_assets.learning.parallel import shard_of, workers
from s2p_assets.services.lakehouse_buckets import map_buckets
from s2p_assets.warehouse.lakehouse.buckets import BUCKET, Bucket, buckets_for
from s2p_assets.warehouse.lakehouse.delta_tables import Commit, Lakehouse

WEEKS = 156
TASK = ForecastTask("sku", "week", "units", horizon=8, season_length=52, folds=3, step=8)
COLUMNS = ("sku", "week", "units")
TABLE = ("acme", "weekly_units")


def backtest(rows: pd.DataFrame) -> dict[str, float]:
    """What one bucket came to."""
    history = rows.sort_values(["sku", "week"]).astype({"week": "datetime64[ns]", "sku": "string[pyarrow]"})
    for lag in (1, 4, 52):
        history[f"units_{lag}_weeks_ago"] = history.groupby("sku")["units"].shift(lag)
    found = rolling_origin(MovingAverage(), history[["sku", "week", "units"]], TASK)
    return {"skus": float(history["sku"].nunique()), "rows": float(len(found))}


def write(lake: Lakehouse, skus: int) -> int:
    """Weekly units of so many SKUs; how many buckets."""
    names = np.array([f"{number:07d}" for number in range(skus)])
    count = buckets_for(skus * WEEKS)
    shards = shard_of(list(names), count)
    weeks = pd.date_range("2023-01-02", periods=WEEKS, freq="W-MON").to_numpy("datetime64[D]")
    random = np.random.default_rng(1)

    def batches() -> "pyarrow.RecordBatch":
        for shard in range(count):
            mine = names[shards == shard]
            yield pyarrow.record_batch(
                {
                    "sku": np.repeat(mine, WEEKS),
                    "week": np.tile(weeks, len(mine)),
                    "units": random.poisson(5, len(mine) * WEEKS).astype(float),
                    BUCKET: np.full(len(mine) * WEEKS, shard, "int64"),
                },
                schema=schema,
            )

    fields = [("sku", pyarrow.string()), ("week", pyarrow.date32()), ("units", pyarrow.float64())]
    schema = pyarrow.schema([*fields, (BUCKET, pyarrow.int64())])
    rows = {shard: Bucket(int((shards == shard).sum()) * WEEKS, "0") for shard in range(count)}
    commit = Commit(dt.datetime(2026, 1, 1, tzinfo=dt.UTC), "1", count, rows)
    lake.replace(*TABLE, pyarrow.RecordBatchReader.from_batches(schema, batches()), commit, None)
    return count


def usage() -> tuple[float, float]:
    """CPU seconds and the most mebibytes of this worker until now."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime, own.ru_maxrss / 1024


def warm_up(lake: Lakehouse) -> None:
    """Load what the work needs."""
    backtest(lake.read_bucket(*TABLE, 0, 0, COLUMNS).to_pandas())


def every_bucket(lake: Lakehouse) -> list[dict[str, float]]:
    """All buckets, by the workers in force or by this process alone."""
    return map_buckets(lake, TABLE, backtest, columns=COLUMNS)


def on_cluster(lake: Lakehouse, count: int) -> tuple[list[float], list[float], float]:
    """(CPU seconds of each worker, its most memory, SKUs) of one pass on so many workers."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=count, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=logging.ERROR
        ) as cluster,
        Client(cluster) as client,
    ):
        client.run(warm_up, lake)
        before = client.run(usage)
        if count == 1:  # joblib asks no cluster of one worker, but works where it is called
            found = client.submit(every_bucket, lake).result()
        else:
            with workers(cluster.scheduler_address.replace("tcp://", "dask://")):
                found = every_bucket(lake)
        after = client.run(usage)
    cpu = [after[worker][0] - before[worker][0] for worker in after]
    return cpu, [after[worker][1] for worker in after], sum(one["skus"] for one in found)


def main(arguments: Sequence[str] | None = None) -> dict[str, float]:
    """Print what the workers cost; returned are the figures that are to be reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skus", type=int, default=10_000)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="s2p-beyond-") as place:
        lake = Lakehouse(place)
        print(f"{given.skus:,} SKUs x {WEEKS} weeks in {write(lake, given.skus)} buckets")
        (alone,), (memory,), skus = on_cluster(lake, 1)
        two, memories, _ = on_cluster(lake, 2)
    assert skus == given.skus
    print(f"one worker   {alone:7.1f} CPU s {memory:7.0f} MiB")
    print(f"two workers  {two[0]:7.1f} + {two[1]:.1f} CPU s {memories[0]:7.0f} and {memories[1]:.0f} MiB")
    figures = {"efficiency of two": alone / (2 * max(two)), "memory of one of two": max(memories) / memory}
    for name, figure in figures.items():
        print(f"{name:24} {figure:7.3f}")
    return figures


if __name__ == "__main__":
    main()
