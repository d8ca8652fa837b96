"""Promises of the weekly outlook: right numbers, and honest words where the data are odd.

How a document is rendered is tested in `test_publishing.py`.
"""

import datetime as dt
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from s2p_assets.publishing.report import Document, Figure, Section, Source
from s2p_assets.reports.retail_weekly_outlook import weekly_outlook

MONDAY = pd.Timestamp("2026-11-09")
TEXT = "string[pyarrow]"
Frames = dict[str, pd.DataFrame]


def company(skus: int = 60, weeks: int = 104, ahead: int = 8) -> Frames:
    """A retailer's frames as the graph hands them over: seasonal sales, two channels, some stock-outs, some gaps."""
    chance = np.random.default_rng(7)
    names = [f"{1000 + 7 * n:06d}" for n in range(skus)]
    size, trend = chance.gamma(2.0, 12.0, skus) + 3, chance.normal(0.0, 0.25, skus)
    demand = pd.concat([_sales(sku, size[n], trend[n], weeks, chance) for n, sku in enumerate(names)])
    return {
        "demand": demand.astype({"sku": TEXT}).reset_index(drop=True),
        "demand_forecast": pd.concat([_expected(sku, size[n] * (1 + trend[n]), ahead) for n, sku in enumerate(names)])
        .astype({"sku": TEXT, "model": TEXT, "model_version": TEXT})
        .reset_index(drop=True),
        "reorder_plan": _plan(names, size, chance),
        "products": _products(names),
        "stock_position": _plan(names, size, np.random.default_rng(8))[["sku", "on_hand", "on_order"]].assign(
            counted_on=MONDAY + pd.Timedelta(days=6)
        ),
    }


def _season(week: pd.DatetimeIndex) -> np.ndarray:
    return 1 + 0.35 * np.cos((week.dayofyear.to_numpy() - 350) / 365 * 2 * np.pi)


def _sales(sku: str, size: float, trend: float, weeks: int, chance: np.random.Generator) -> pd.DataFrame:
    week = pd.date_range(end=MONDAY, periods=weeks, freq="7D")
    expected = size * _season(week) * (1 + trend * np.linspace(-1, 1, weeks))
    units = chance.poisson(np.clip(expected, 0.1, None)).astype("float64")
    wholesale = np.floor(units * 0.3)
    price = 20.0 + int(sku) % 40
    return pd.DataFrame(
        {
            "sku": sku,
            "week": week,
            "units": units,
            "retail_units": units - wholesale,
            "wholesale_units": wholesale,
            "revenue": units * price,
            "unit_price": price,
            "censored": chance.random(weeks) < 0.03,
        }
    )


def _expected(sku: str, size: float, ahead: int) -> pd.DataFrame:
    week = pd.date_range(MONDAY + pd.Timedelta(days=7), periods=ahead, freq="7D")
    mean = size * _season(week)
    spread = 1.28 * np.sqrt(mean + 0.01 * mean**2)
    return pd.DataFrame(
        {
            "sku": sku,
            "week": week,
            "step": range(1, ahead + 1),
            "mean": mean,
            "q10": np.clip(mean - spread, 0, None),
            "q50": mean,
            "q90": mean + spread,
            "model": "demand_boosting",
            "model_version": "3",
        }
    )


def _plan(names: list[str], size: np.ndarray, chance: np.random.Generator) -> pd.DataFrame:
    lead = chance.integers(14, 60, len(names))
    need = np.round(size * lead / 7)
    on_hand = chance.integers(0, 4, len(names)) * need // 2
    order = np.where(on_hand < need, need * 2 - on_hand, 0).astype("int64")
    cover = np.round(on_hand / (size / 7), 1)
    return pd.DataFrame(
        {
            "sku": pd.array(names, dtype=TEXT),
            "description": pd.array([f"Travel bottle no. {name}, 0.75 l" for name in names], dtype=TEXT),
            "supplier": pd.array(
                [("Alpine Metals", "Böhm & Söhne", "Cangzhou Glass")[n % 3] for n in range(len(names))], dtype=TEXT
            ),
            "on_hand": on_hand.astype("int64"),
            "on_order": (need * (np.arange(len(names)) % 5 == 0)).astype("int64"),
            "lead_time_days": lead.astype("float64"),
            "demand_over_lead_time": need,
            "safety_stock": np.round(size),
            "reorder_point": need + np.round(size),
            "order_up_to": need * 2,
            "order_quantity": order,
            "order_cost": np.where(np.arange(len(names)) == 5, np.nan, order * 7.35),
            "days_of_cover": cover,
            "runs_out_on": MONDAY + pd.to_timedelta(6 + np.floor(cover), unit="D"),
        }
    )


def _products(names: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "sku": pd.array(names, dtype=TEXT),
            "description": pd.array([f"Travel bottle no. {name}, 0.75 l" for name in names], dtype=TEXT),
            "category": pd.array(["Bottles"] * len(names), dtype=TEXT),
            "supplier": pd.array(["Alpine Metals"] * len(names), dtype=TEXT),
            "msrp": 29.9,
            "item_cost": 7.35,
            "valid_from": pd.Timestamp("2024-01-01"),
            "valid_to": pd.NaT,
            "is_current": True,
        }
    )


SOURCES = (
    Source("sales/retail 2026-W46.xlsx", "9f" * 32, 4_812, dt.datetime(2026, 11, 16, 6, 2)),
    Source("prices/Price list November.xls", "0a" * 32, 60, dt.datetime(2026, 11, 2, 8, 30)),
)
