"""What the way from weekly demand to the reports costs, for few SKUs and for many, each in a process of its own.

How good the forecasts are is not measured here, nor what PostgreSQL and Dagster cost between the steps.

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
MOST_SECONDS, MOST_GIB = {100: 10.0, 1_000: 30.0, 10_000: 160.0}, 2.5


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
    """Adds the CPU seconds of this process and of those that it waited for; says how high its memory has risen."""
    began = _cpu()
    yield
    stages[name] = stages.get(name, 0.0) + _cpu() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{name}: {stages[name]:.1f} CPU s, at most {peak:.2f} GiB so far", file=sys.stderr, flush=True)


def _cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def from_features_to_reports(skus: int, weeks: int, setting: str) -> dict[str, Any]:
    """CPU seconds by stage and the peak memory of this process, in GiB: every candidate of the shelf, every report."""
    from s2p_assets.learning.parallel import workers

    stages: dict[str, float] = {}
    products = products_of(skus)
    with measured(stages, "features"):
        features = _features(demand_of(skus, weeks), products)
    with measured(stages, "hashes and drift"):
        _look_at(features)
    with workers(setting):
        champion = _champion(features, stages)
    _reports(champion, features, products, stages)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"skus": skus, "stages": stages, "peak_gib": peak, "champion": champion.model_name}


def products_of(skus: int) -> pd.DataFrame:
    """A price list of so many SKUs as the table of products has it."""
    from s2p_assets.contracts.columns import columns_of
    from s2p_assets.tables.retail_products import Product
    from s2p_assets_tests.benchmarks.reports import derived

    made = derived(skus)["products"]
    made["sku"] = made["sku"].str[-5:].str.zfill(6)
    made = made.assign(valid_from=made["valid_from"] - pd.Timedelta(days=1500))
    return made.assign(**{one.name: None for one in columns_of(Product) if one.name not in made})


def _features(demand: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    from s2p_assets.contracts.validation import conform
    from s2p_assets.features.retail_demand_features import demand_features

    return conform(demand_features.build(demand, products), demand_features.rows)


def _look_at(features: pd.DataFrame) -> None:
    """What the signals on the features do."""
    from s2p_assets.learning.monitoring.drift import measure_drift, summarize_columns, time_windows
    from s2p_assets.learning.row_hashes import sorted_row_hashes

    sorted_row_hashes(features)
    sold = features[features["units"].notna()]
    old = pd.to_datetime(sold["week"]) <= pd.Timestamp(sold["week"].max()) - pd.Timedelta(weeks=8)
    columns = [name for name in sold.columns if name not in ("sku", "week")]
    known = sold[old.to_numpy()]
    measure_drift(summarize_columns(known, columns, windows=time_windows(known["week"], 8)), sold[~old.to_numpy()])


def _champion(features: pd.DataFrame, stages: dict[str, float]) -> Any:
    import datetime as dt

    from s2p_assets.catalog.loading import load_catalog
    from s2p_assets.learning.selection.promotion import promote
    from s2p_assets.learning.training import train

    catalog = load_catalog(("s2p_assets",))
    contest = catalog.contests["retail_demand_champion"]
    moment = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    versions = {}
    history = features.astype({"week": "datetime64[ns]"})
    for model in sorted(catalog.candidates(contest), key=lambda model: model.name):
        with measured(stages, model.name):
            made = train(model, contest, history, feature_version="f", trained_at=moment, run_id="r")
            versions[model.name] = made
    with measured(stages, "contest"):
        return promote(contest, versions).champion


def _reports(champion: Any, features: pd.DataFrame, products: pd.DataFrame, stages: dict[str, float]) -> None:
    """The forecasts, the re-order plan and the three reports that rest on them, as HTML and Excel."""
    import datetime as dt
    import tempfile

    from s2p_assets.catalog.loading import load_catalog
    from s2p_assets.contracts.report import Imprint
    from s2p_assets.publishing.renderers.excel import write_excel
    from s2p_assets.publishing.renderers.html import write_html
    from s2p_assets_tests.benchmarks.reports import derived

    catalog = load_catalog(("s2p_assets",))
    history = features.astype({"week": "datetime64[ns]"})
    last = history.loc[history["units"].notna(), "week"].max()
    stock = derived(features["sku"].nunique())["stock_position"]
    stock = stock.assign(sku=products["sku"].unique(), as_of=last + pd.Timedelta(days=6), counted_on=last)
    sold = history.loc[history["units"].notna(), ["sku", "week", "units", "unit_price", "censored"]]
    sold = sold.assign(retail_units=sold["units"], wholesale_units=0.0, revenue=sold["units"] * sold["unit_price"])
    given = {"demand_features": history, "demand_champion": champion, "products": products, "stock_position": stock}
    given["demand"] = sold.astype({"units": float, "unit_price": float, "revenue": float, "censored": bool})
    for name in (
        "order_backtest",
        "demand_forecast",
        "total_forecast",
        "total_backtest",
        "demand_scores",
        "reorder_plan",
    ):
        table = catalog.tables[f"retail_{name}"]
        with measured(stages, name):
            inputs = {one: given[key[1]] for one, key in catalog.inputs_of(table).items()}
            given[name] = table.build(**inputs)
    assert len(given["demand_forecast"]) == features["sku"].nunique() * 8
    with tempfile.TemporaryDirectory() as folder:
        for name in ("weekly_outlook", "forecast_scorecard", "reorder"):
            report = catalog.reports[f"retail_{name}"]
            with measured(stages, name):
                inputs = {one: given.get(key[1]) for one, key in catalog.inputs_of(report).items()}
                document, place = report.build(**inputs), Path(folder) / f"{name}.html"
                imprint = Imprint(report.full_name, (), "EUR", dt.datetime(2025, 1, 1, tzinfo=dt.UTC))
                write_html(document, place, imprint)
                write_excel(document, place.with_suffix(".xlsx"), imprint)


def _own_process(skus: int, weeks: int, setting: str, warm_up: int) -> dict[str, Any]:
    words = ["--one", "--skus", str(skus), "--weeks", str(weeks), "--joblib", setting, "--warm-up", str(warm_up)]
    done = subprocess.run([sys.executable, "-m", __spec__.name, *words], check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Run each size and print what it took beside its reach."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--skus", default="100,1000,10000")
    parser.add_argument("--weeks", type=int, default=156)
    parser.add_argument("--joblib", default="threads")
    parser.add_argument("--warm-up", type=int, default=20, help="SKUs that are not counted, of each process")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    sizes = [int(size) for size in asked.skus.split(",")]
    if asked.one:
        if asked.warm_up:
            from_features_to_reports(asked.warm_up, asked.weeks, asked.joblib)  # imports and first calls do not count
        print(json.dumps(from_features_to_reports(sizes[0], asked.weeks, asked.joblib)))
        return
    for size in sizes:
        found = _own_process(size, asked.weeks, asked.joblib, asked.warm_up)
        whole = sum(found["stages"].values())
        reach = f" (reach ≤ {MOST_SECONDS[size]:.0f})" if size in MOST_SECONDS else ""
        each = ", ".join(f"{name} {seconds:.1f}" for name, seconds in found["stages"].items())
        print(
            f"{size:,} SKUs × {asked.weeks} weeks: {whole:.1f} CPU s{reach}, {whole / size * 1000:.2f} ms per SKU; ",
            end="",
        )
        print(f"peak {found['peak_gib']:.2f} GiB (reach ≤ {MOST_GIB}); champion {found['champion']}; CPU s: {each}")


if __name__ == "__main__":
    main()
