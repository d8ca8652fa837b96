"""Backtests over the buckets of a Delta table on one and on two workers: how evenly they share, what each holds.

    uv run python -m s2p_assets_tests.benchmarks.beyond_one_machine                    # 10,000 SKUs, 3 years of weeks
    uv run python -m s2p_assets_tests.benchmarks.beyond_one_machine --skus 100000
    uv run python -m s2p_assets_tests.benchmarks.beyond_one_machine --on loky          # processes, without a cluster

Each bucket is read by its worker, polars makes its lags, and a moving average is backtested over three folds. CPU
seconds and the most memory of each worker's process: on a busy machine these hold, times by the clock do not. The
efficiency is that of two machines which each are as fast as this one: the CPU of one worker alone, over twice that of
the busier of two.
"""

import argparse
import datetime as dt
import logging
import os
import resource
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

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
WORKERS = 2
AT_ONCE = 4  # as what a pass over the weeks costs hardly grows with the series
TABLE = ("acme", "weekly_units")


@dataclass(frozen=True)
class Done:
    """What one bucket came to: by which process, for how many CPU seconds, its most memory in mebibytes until then."""

    process: int
    seconds: float
    mebibytes: float
    skus: int


def backtest(rows: pyarrow.Table) -> Done:
    """The work on one bucket."""
    import polars as pl

    begun = _cpu()
    bucket = cast("pl.DataFrame", pl.from_arrow(rows)).sort("sku", "week")
    lags = [pl.col("units").shift(lag).over("sku").alias(f"units_{lag}_weeks_ago") for lag in (1, 4, 52)]
    history = bucket.with_columns(lags).to_pandas().astype({"week": "datetime64[ns]", "sku": "string[pyarrow]"})
    found = rolling_origin(MovingAverage(), history[["sku", "week", "units"]], TASK)
    assert len(found) == len(history) // WEEKS * TASK.folds * TASK.horizon
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Done(os.getpid(), _cpu() - begun, most, len(history) // WEEKS)


def _cpu() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime


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


def every_bucket(lake: Lakehouse) -> list[Done]:
    """All buckets, by the workers in force or by this process alone."""
    return map_buckets(lake, TABLE, backtest, columns=COLUMNS, arrow=True, at_once=AT_ONCE)


def by_dask(lake: Lakehouse, count: int) -> list[Done]:
    """One pass on so many Dask workers."""
    from distributed import Client, LocalCluster

    with LocalCluster(
        n_workers=count, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=logging.ERROR
    ) as cluster:
        with Client(cluster) as client:
            client.run(backtest, lake.read_bucket(*TABLE, 0, 0, COLUMNS))  # loads what the work needs
            if count == 1:  # joblib asks no cluster of one worker, but works where it is called
                return cast("list[Done]", client.submit(every_bucket, lake).result())
        with workers(cluster.scheduler_address.replace("tcp://", "dask://")):
            return every_bucket(lake)


def by_loky(lake: Lakehouse, count: int) -> list[Done]:
    """One pass on so many processes of this machine."""
    with workers(f"loky:{count}"):
        return every_bucket(lake)


def main(arguments: Sequence[str] | None = None) -> dict[str, float]:
    """Print what the workers cost; returned are the figures that are to be reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skus", type=int, default=10_000)
    parser.add_argument("--on", choices=("dask", "loky"), default="dask")
    given = parser.parse_args(arguments)
    os.environ["POLARS_MAX_THREADS"] = "1"  # a worker has one core
    ways: dict[str, Callable[[Lakehouse, int], list[Done]]] = {"dask": by_dask, "loky": by_loky}
    with tempfile.TemporaryDirectory(prefix="s2p-beyond-") as place:
        lake = Lakehouse(place)
        print(f"{given.skus:,} SKUs x {WEEKS} weeks in {write(lake, given.skus)} buckets, on {given.on}", flush=True)
        alone = shown("one worker", ways[given.on](lake, 1), given.skus)
        two = shown("two workers", ways[given.on](lake, WORKERS), given.skus)
    figures = {
        "efficiency of two": max(alone["seconds"]) / (WORKERS * max(two["seconds"])),
        "memory of one of two": max(two["mebibytes"]) / max(alone["mebibytes"]),
    }
    for name, figure in figures.items():
        print(f"{name:24} {figure:7.3f}")
    return figures


def shown(name: str, done: list[Done], skus: int) -> pd.DataFrame:
    """What each process took, printed."""
    assert sum(one.skus for one in done) == skus
    each = pd.DataFrame(done).groupby("process").agg(seconds=("seconds", "sum"), mebibytes=("mebibytes", "max"))
    costs = ", ".join(f"{one.seconds:.1f} CPU s and {one.mebibytes:.0f} MiB" for one in each.itertuples())
    print(f"{name:12} {costs}", flush=True)
    return each


if __name__ == "__main__":
    main()
