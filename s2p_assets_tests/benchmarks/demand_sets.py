"""Public histories of demand as the product takes them, for the forecasting benchmark.

What is measured on them is in `forecasting.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import ForecastTask

DATA = Path(__file__).parents[3] / "shared" / "data" / "forecasting"
JUDGED = 3


@dataclass(frozen=True)
class Set:
    """A public history as the product takes it; `reach`: the champion's RMSSE over seasonal naive's, where stated.

    `recent`: the window of the moving average, in periods.
    """

    name: str
    history: pd.DataFrame
    task: ForecastTask
    recent: int
    reach: float | None = None


def sets(wanted: list[str], sample: int | None, data: Path = DATA) -> Iterator[Set]:
    """Those that are `wanted`, of so many series each, from the files below `data`."""
    daily: dict[str, Any] = {"every": "D", "folds": JUDGED * 2}
    shops: Any = daily | {"country": "US", "peers": ("item",)}
    priced: Any = {"horizon": 8, "step": 8, "known": ("price",)}
    if "m5-prices" in wanted:
        few: dict[str, Any] = {"horizon": 28, "step": 28, "every": "D", "folds": 3, "known": ("price",)}
        yield Set("m5-prices", sampled(_m5_prices(data), sample), ForecastTask("sku", "time", "units", **few), 28)
    if any(name.startswith("m5") for name in wanted):
        m5 = sampled(_m5(data), sample)
        yield Set("m5-daily", m5, ForecastTask("sku", "time", "units", horizon=28, step=28, **shops), 28, 0.745)
        yield Set(
            "m5-weekly", _by(m5, "W-MON"), ForecastTask("sku", "time", "units", horizon=8, step=8, peers=("item",)), 13
        )
        yield Set("m5-promoted", promoted(_by(m5, "W-MON")), ForecastTask("sku", "time", "units", **priced), 13)
        yield Set("m5-monthly", _by(m5, "MS"), ForecastTask("sku", "time", "units", every="MS", horizon=3, step=3), 6)
    if "avocado" in wanted:
        fruit: Any = priced | {"every": "W-SUN", "price": "price", "peers": ("kind",)}
        yield Set("avocado", sampled(_avocado(data), sample), ForecastTask("sku", "time", "units", **fruit), 13)
    if "walmart-weekly" in wanted:
        shops = {"every": "W-FRI", "known": ("holiday",), "peers": ("department",)}
        yield Set("walmart-weekly", sampled(_walmart(data), sample), ForecastTask("sku", "time", "units", **shops), 13)
    if any(name.startswith("store-item") for name in wanted):
        items = sampled(_store_item(data), sample)
        yield Set("store-item-90", items, ForecastTask("sku", "time", "units", horizon=90, step=90, **daily), 28, 0.55)
        yield Set("store-item-28", items, ForecastTask("sku", "time", "units", horizon=28, step=28, **daily), 28)
        yield Set("store-item-weekly", _by(items, "W-MON"), ForecastTask("sku", "time", "units", horizon=8, step=8), 13)


def _m5(data: Path) -> pd.DataFrame:
    wide = pd.read_csv(data / "m5_subset" / "sample.csv").set_index("id").filter(like="d_")
    days = pd.read_csv(data / "m5_subset" / "calendar.csv", parse_dates=["date"]).set_index("d")["date"]
    rows = wide.set_axis(pd.DatetimeIndex(days.reindex(wide.columns)), axis=1).rename_axis(columns="time")
    stacked: Any = rows.stack()
    long = stacked.rename("units").astype(float).rename_axis(["sku", "time"]).reset_index()
    sold = long[long.groupby("sku")["units"].cumsum() > 0].reset_index(drop=True)
    return sold.assign(item=sold["sku"].str.extract(r"^(\w+_\d+_\d+)_", expand=False))


def _m5_prices(data: Path) -> pd.DataFrame:
    """Seventy series of 2016 with what they were sold for; too short for six folds."""
    folder = data / "m5_subset" / "with_prices_2016"
    days = pd.read_csv(folder / "calendar.csv", parse_dates=["date"])[["d", "date", "wm_yr_wk"]]
    prices = pd.read_csv(folder / "sell_prices.csv")
    wide = pd.read_csv(folder / "sales_train_evaluation.csv")
    listed = [day for day in days["d"] if day in wide.columns]
    long = wide.melt(["item_id", "store_id"], listed, "d", "units")
    rows = long.dropna(subset=["units"]).merge(days, on="d").merge(prices, how="left")
    sku, units = rows["store_id"] + rows["item_id"], rows["units"].astype(float)
    return pd.DataFrame({"sku": sku, "time": rows["date"], "units": units, "price": rows["sell_price"]})


def promoted(weekly: pd.DataFrame) -> pd.DataFrame:
    """`weekly` with planted offers of two weeks, 15 to 35 % off, every two to four months, that sell as elastic goods.

    Elasticities lie around 2.2, so that a third off sells 2.4 times as much.
    """
    random, found = np.random.default_rng(7), []
    for _, rows in weekly.groupby("sku"):
        off, at = np.zeros(len(rows)), int(random.integers(0, 14))
        while at < len(rows):
            off[at : at + 2] = random.choice([0.15, 0.25, 0.35])
            at += int(random.integers(9, 18))
        units = (rows["units"] * (1 - off) ** -random.normal(2.2, 0.4)).round()
        found.append(rows.assign(units=units, price=((random.gamma(3, 4) + 1) * (1 - off)).round(2)))
    return pd.concat(found, ignore_index=True)


def _store_item(data: Path) -> pd.DataFrame:
    with ZipFile(data / "store_item_demand" / "demand-forecasting.zip") as archive:
        rows = pd.read_csv(archive.open("train.csv"), parse_dates=["date"])
    sku = rows["store"].astype(str).str.zfill(2) + "-" + rows["item"].astype(str).str.zfill(2)
    return pd.DataFrame({"sku": sku, "time": rows["date"], "units": rows["sales"].astype(float)})


def _avocado(data: Path) -> pd.DataFrame:
    """Volume and price by region and kind; without the region that is the sum of all others."""
    rows = pd.read_csv(data / "avocado" / "avocado.csv", parse_dates=["Date"])
    rows = rows[rows["region"] != "TotalUS"]
    sold = {"sku": rows["region"] + "-" + rows["type"], "time": rows["Date"], "units": rows["total_volume"]}
    return pd.DataFrame(sold | {"price": rows["AveragePrice"], "kind": rows["type"]})


def _walmart(data: Path) -> pd.DataFrame:
    """Money by shop and department; a week that is none of them counts as a week without a sale."""
    with ZipFile(data / "walmart_weekly" / "train.csv.zip") as archive:
        rows = pd.read_csv(archive.open("train.csv"), parse_dates=["Date"])
    sku = rows["Store"].astype(str).str.zfill(2) + "-" + rows["Dept"].astype(str).str.zfill(2)
    sold = {"sku": sku, "time": rows["Date"], "units": rows["Weekly_Sales"], "department": rows["Dept"].astype(str)}
    return pd.DataFrame(sold | {"holiday": rows["IsHoliday"].astype(float)})


def _by(daily: pd.DataFrame, every: str) -> pd.DataFrame:
    """Whole weeks or months of a daily history."""
    period = daily["time"].dt.to_period("W-SUN" if every == "W-MON" else "M").dt.start_time
    of_sku = [name for name in daily if name not in ("time", "units")]
    rows = daily.assign(time=period).groupby([*of_sku, "time"], as_index=False)["units"].sum()
    return rows[(rows["time"] >= daily["time"].min()) & (rows["time"] < period.max())].reset_index(drop=True)


def sampled(history: pd.DataFrame, sample: int | None) -> pd.DataFrame:
    names = pd.Series(sorted(history["sku"].unique()))
    if sample and sample < len(names):
        history = history[history["sku"].isin(names.sample(sample, random_state=1))]
    return history.reset_index(drop=True)
