"""What the way from weekly demand to a forecast costs per SKU, for few SKUs and for many, each in its own process.

How good those forecasts are is not measured here.

    uv run python -m s2p_assets_tests.benchmarks.scale [--skus 1000,10000] [--weeks 156] [--joblib threads]
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

M5 = Path(__file__).parents[3] / "shared" / "data" / "forecasting" / "m5_subset" / "sample.csv"
MOST_RATIO, MOST_GIB = 1.1, 4.0


def demand_of(skus: int, weeks: int) -> pd.DataFrame:
    """Weekly demand of so many SKUs: stretches of real M5 series, drawn with replacement; seeded Poisson without M5."""
    random = np.random.default_rng(1)
    if M5.exists():
        daily = pd.read_csv(M5).filter(like="d_").to_numpy(float)
        weekly = daily[:, : daily.shape[1] // 7 * 7].reshape(len(daily), -1, 7).sum(axis=2)
        weekly = weekly[(weekly[:, -weeks:] > 0).any(axis=1)]
        starts = random.integers(0, weekly.shape[1] - weeks + 1, skus)
        units = np.array(
            [weekly[n, at : at + weeks] for n, at in zip(random.integers(0, len(weekly), skus), starts, strict=True)]
        )
    else:
        units = random.poisson(random.gamma(1.0, 10.0, skus)[:, None], (skus, weeks)).astype(float)
    return pd.DataFrame(
        {
            "sku": pd.array(np.repeat([f"{n:06d}" for n in range(skus)], weeks), dtype="string[pyarrow]"),
            "week": np.tile(pd.date_range("2022-01-03", periods=weeks, freq="W-MON"), skus),
            "units": units.ravel(),
            "censored": random.random(units.size) < 0.02,
            "plausible_units": np.nan,
            "unit_price": np.repeat(random.gamma(2.0, 10.0, skus).round(2), weeks),
        }
    )


@contextmanager
def measured(stages: dict[str, float], name: str) -> Iterator[None]:
    """Adds the CPU seconds of this process and of those that it waited for."""
    began = _cpu()
    yield
    stages[name] = stages.get(name, 0.0) + _cpu() - began


def _cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def from_features_to_forecast(skus: int, weeks: int, setting: str) -> dict[str, Any]:
    """CPU seconds by stage and the peak memory of this process, in GiB."""
    import datetime as dt

    from s2p_assets.contracts.validation import conform
    from s2p_assets.features.retail_demand_features import demand_features
    from s2p_assets.learning.forecasting.forecasts import forecast_series
    from s2p_assets.learning.monitoring.drift import measure_drift, summarize_columns, time_windows
    from s2p_assets.learning.parallel import workers
    from s2p_assets.learning.row_hashes import sorted_row_hashes
    from s2p_assets.learning.selection.promotion import promote
    from s2p_assets.learning.training import train
    from s2p_assets.models.retail_demand_boosting import demand_boosting
    from s2p_assets.models.retail_demand_champion import demand_champion
    from s2p_assets.models.retail_demand_moving_average import demand_moving_average
    from s2p_assets.models.retail_demand_seasonal_naive import demand_seasonal_naive

    stages: dict[str, float] = {}
    demand = demand_of(skus, weeks)
    products = demand[["sku"]].drop_duplicates().assign(category="Lamps", msrp=9.9, valid_from=demand["week"].min())
    with measured(stages, "features"):
        features = conform(demand_features.build(demand, products), demand_features.rows)
    del demand
    with measured(stages, "hashes and drift"):
        sorted_row_hashes(features)
        sold = features[features["units"].notna()]
        old = pd.to_datetime(sold["week"]) <= pd.Timestamp(sold["week"].max()) - pd.Timedelta(weeks=8)
        columns = [name for name in sold.columns if name not in ("sku", "week")]
        known = sold[old.to_numpy()]
        measure_drift(summarize_columns(known, columns, windows=time_windows(known["week"], 8)), sold[~old.to_numpy()])
        del known, sold
    history = features.astype({"week": "datetime64[ns]", "sku": "string[pyarrow]"})
    del features
    versions = {}
    with workers(setting):
        for model in (demand_seasonal_naive, demand_moving_average, demand_boosting):
            with measured(stages, model.name):
                versions[model.name] = train(
                    model,
                    demand_champion,
                    history,
                    feature_version="f",
                    trained_at=dt.datetime(2025, 1, 1, tzinfo=dt.UTC),
                    run_id="r",
                )
    with measured(stages, "champion and forecast"):
        champion = promote(demand_champion, versions).champion
        rows = forecast_series(champion, history)
    assert len(rows) == skus * 8
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"skus": skus, "stages": stages, "peak_gib": peak, "champion": champion.model_name}


def _own_process(skus: int, weeks: int, setting: str) -> dict[str, Any]:
    words = ["--one", "--skus", str(skus), "--weeks", str(weeks), "--joblib", setting]
    done = subprocess.run([sys.executable, "-m", __spec__.name, *words], check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Run each size and print the table; the first one is what the others are compared with."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--skus", default="1000,10000")
    parser.add_argument("--weeks", type=int, default=156)
    parser.add_argument("--joblib", default="threads")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    sizes = [int(size) for size in asked.skus.split(",")]
    if asked.one:
        from_features_to_forecast(40, asked.weeks, asked.joblib)  # imports and first calls are not counted
        print(json.dumps(from_features_to_forecast(sizes[0], asked.weeks, asked.joblib)))
        return
    costs = []
    for size in sizes:
        found = _own_process(size, asked.weeks, asked.joblib)
        costs.append(sum(found["stages"].values()) / size)
        each = ", ".join(f"{name} {seconds:.1f}" for name, seconds in found["stages"].items())
        print(f"{size:,} SKUs × {asked.weeks} weeks: {costs[-1] * 1000:.2f} CPU ms per SKU, ", end="")
        print(f"{costs[-1] / costs[0]:.2f} × the first (reach ≤ {MOST_RATIO}); ", end="")
        print(f"peak {found['peak_gib']:.2f} GiB (reach ≤ {MOST_GIB:.0f}); CPU s: {each}", flush=True)


if __name__ == "__main__":
    main()
