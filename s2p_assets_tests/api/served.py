"""A small company with features, a forecast and a report, and its door served by a process of its own.

What is asked of it belongs to the tests.
"""

import datetime as dt
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from s2p_assets.services import access
from s2p_assets.services.context import Context, open_context
from s2p_assets.settings import Settings
from s2p_assets_tests.free_ports import free_port
from s2p_assets_tests.small_company import PATIENCE_SECONDS, SmallCompany, build, save

PASSWORD = "quite a long sentence"
ROLES = ("viewer", "editor", "engineer")
SHELVES = {
    "workbooks/acme_till.py": '''"""ACME's takings by week."""

from s2p_assets import Code, Date, Number, Row, Workbook, column


class Taking(Row):
    """What a shop took in one week."""

    shop: Code = column("Shop", description="The shop")
    week: Date = column("Week", description="Monday of the week")
    amount: Number = column("Amount", description="What it took in")


weekly = Workbook(rows=Taking, path="till/*.xlsx", owner="sales@example.com", key=("shop", "week"))
''',
    "features/acme_shop_features.py": '''"""What was known of each shop before each week."""

import pandas as pd

from s2p_assets import Code, Date, Number, Row, column, feature_set


class ShopWeek(Row):
    """A shop in one week."""

    shop: Code = column(description="The shop", derived_from="till.shop")
    week: Date = column(description="Monday of the week", derived_from="till.week")
    amount: Number = column(description="What it took in", nullable=True, derived_from="till.amount")
    lag_1: Number = column(description="The week before", nullable=True, derived_from="till.amount")


@feature_set(rows=ShopWeek, entity=("shop",), event_time="week", owner="sales@example.com")
def shop_features(till: pd.DataFrame) -> pd.DataFrame:
    """One row per shop and week, with the week before; and a week to come."""
    rows = till[["shop", "week", "amount"]].sort_values(["shop", "week"])
    ahead = rows.groupby("shop", as_index=False)["week"].max()
    ahead = ahead.assign(week=ahead["week"] + pd.Timedelta(days=7), amount=float("nan"))
    rows = pd.concat([rows, ahead]).sort_values(["shop", "week"], ignore_index=True)
    return rows.assign(lag_1=rows.groupby("shop")["amount"].shift(1))
''',
    "models/acme_shop_champion.py": '''"""The contest of the models of takings."""

from s2p_assets import ForecastTask, Frame, choose_champion, contest

TASK = ForecastTask(entity="shop", time="week", target="amount", horizon=4, folds=2)


@contest(
    features="shop_features", task=TASK, baselines=("shop_mean",), owner="sales@example.com", min_scored_periods=4
)
def shop_champion(losses: Frame, incumbent: str | None) -> str:
    """The model that forecasts takings."""
    return choose_champion(losses, incumbent)
''',
    "models/acme_shop_mean.py": '''"""The mean of the last weeks."""

from s2p_assets import forecasters, model


@model(contest="shop_champion", owner="sales@example.com")
def shop_mean() -> forecasters.MovingAverage:
    """As in the mean of four weeks."""
    return forecasters.MovingAverage(periods=4)
''',
    "reports/acme_sold.py": '''"""What was sold."""

import datetime as dt

import pandas as pd

from s2p_assets import Document, Figure, NumberSource, report


@report(title="Sold", owner="sales@example.com")
def sold(revenue: pd.DataFrame) -> Document:
    """What was sold, all in all."""
    total = float(revenue["revenue"].sum())
    return Document(
        title="Sold",
        as_of=dt.date(2026, 1, 31),
        headline=f"{total:.2f} sold",
        figures=(Figure("Sold", total, "money", sources=(NumberSource("revenue.revenue"),)),),
        sections=(),
    )
''',
    "tables/acme_shop_forecast.py": '''"""The champion's forecast of takings."""

import pandas as pd

from s2p_assets import Champion, Code, Date, Number, Row, Text, column, forecast_series, table


class Forecast(Row):
    """What a shop may take in a coming week."""

    shop: Code = column(description="The shop", derived_from="shop_features.shop")
    week: Date = column(description="Monday of the week", derived_from="shop_features.week")
    mean: Number = column(description="Expected", derived_from="shop_features.amount")
    q10: Number = column(description="Below this in 1 of 10", derived_from="shop_features.amount")
    q90: Number = column(description="Above this in 1 of 10", derived_from="shop_features.amount")
    model: Text = column(description="The champion", derived_from="shop_features.amount")
    model_version: Code = column(description="Its version", derived_from="shop_features.amount")


@table(rows=Forecast, key=("shop", "week"), owner="sales@example.com")
def shop_forecast(shop_features: pd.DataFrame, shop_champion: Champion) -> pd.DataFrame:
    """The takings of the next four weeks."""
    rows = forecast_series(shop_champion, shop_features, levels=(0.1, 0.9))
    return rows[["shop", "week", "mean", "q10", "q90", "model", "model_version"]]
''',
}


@dataclass
class Served:
    """A company and its door: clients by role, each with a token of that role."""

    company: SmallCompany
    ctx: Context
    port: int
    process: "subprocess.Popen[str]"
    tokens: dict[str, str] = field(default_factory=dict)
    opened: list[httpx.Client] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, role: str | None = "engineer", **more: Any) -> httpx.Client:
        """A client with the token of a role; with none for None."""
        headers = {"Authorization": f"Bearer {self.tokens[role]}"} if role else {}
        made = httpx.Client(base_url=self.address, headers=headers | more.pop("headers", {}), timeout=60, **more)
        self.opened.append(made)
        return made

    def token(self, name: str, role: str = "viewer", **more: Any) -> str:
        """A new token."""
        given: dict[str, Any] = {"groups": (), "workbooks": (), "days": 1, "created_by": "tests"} | more
        return access.add_token(self.ctx, name, role, **given)

    @property
    def log(self) -> str:
        """The last words of the server."""
        return (self.company.folder / f"door-{self.port}.log").read_text()[-3000:]

    def memory_mb(self) -> float:
        return float(psutil.Process(self.process.pid).memory_info().rss) / 2**20


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """A company in `folder` whose share was processed, and its door."""
    company = build(folder)
    for name, source in SHELVES.items():
        file = folder / "small_shelves" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        (file.parent / "__init__.py").touch()
        file.write_text(source)
    rows = [
        [shop, dt.date(2025, 9, 1) + dt.timedelta(weeks=week), 100.0 + 10 * at + week % 5]
        for at, shop in enumerate(("North", "South"))
        for week in range(40)
    ]
    save(company.share / "till/Till.xlsx", [["Shop", "Week", "Amount"], *rows], 5)
    ended = company.run("run")
    assert ended.code == 1, ended.text
    port = free_port()
    sys.path.insert(0, str(folder))
    settings = Settings(home=company.home, share=company.share, shelves=("small_shelves",), port=port)
    ctx = open_context(settings)
    process = start(company, port)
    door = Served(company, ctx, port, process)
    try:
        door.tokens |= {role: door.token(f"the {role}", role) for role in ROLES}
        yield door
    finally:
        for client in door.opened:
            client.close()
        process.terminate()
        process.wait(30)
        sys.path.remove(str(folder))


def start(company: SmallCompany, port: int, **environment: str) -> "subprocess.Popen[str]":
    """The server of a company's door, once it answers."""
    log = company.folder / f"door-{port}.log"
    with log.open("w") as noise:
        process = subprocess.Popen(
            [sys.executable, "-m", "s2p_assets.api"],
            env=company.environment | {"S2P_PORT": str(port)} | environment,
            cwd=company.folder,
            stdout=noise,
            stderr=noise,
            text=True,
        )
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health", timeout=5).status_code == 200:
                return process
        except httpx.TransportError:
            time.sleep(0.1)
