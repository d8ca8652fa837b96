"""Promises of the setting's country: its public holidays reach daily demand, and a change of it makes models learn."""

from pathlib import Path

import numpy as np
import pandas as pd
import pydantic
import pytest

from s2p_assets.contracts.model import Contest, ForecastTask
from s2p_assets.definitions import build
from s2p_assets.learning.fingerprint import fingerprint_of
from s2p_assets.learning.forecasting.models.smoothing import Smoothing
from s2p_assets.settings import Settings

SHELVES = {
    "workbooks/daily_sales.py": '''"""Sales by day."""

from s2p_assets import Code, Date, Number, Row, Workbook, column


class Sale(Row):
    """An article on a day."""

    sku: Code = column("SKU", description="The article")
    day: Date = column("Day", description="The day")
    units: Number = column("Units", description="Units sold")


sales = Workbook(rows=Sale, path="*.xlsx", owner="sales@example.com", key=("sku", "day"))
''',
    "features/daily_demand.py": '''"""Demand by day."""

import pandas as pd

from s2p_assets import Code, Date, Number, Row, column, feature_set


class Demand(Row):
    """An article on a day."""

    sku: Code = column(description="The article", derived_from="sales.sku")
    day: Date = column(description="The day", derived_from="sales.day")
    units: Number = column(description="Units sold", derived_from="sales.units")


@feature_set(rows=Demand, entity=("sku",), event_time="day", owner="sales@example.com")
def demand(sales: pd.DataFrame) -> pd.DataFrame:
    """Sales as demand."""
    return sales[["sku", "day", "units"]]
''',
    "models/daily_champion.py": '''"""The contest."""

import pandas as pd

from s2p_assets import ForecastTask, choose_champion, contest


@contest(features="demand", task=ForecastTask("sku", "day", "units", every="D", horizon=7), owner="sales@example.com")
def champion(losses: pd.DataFrame, incumbent: str | None) -> str:
    """The best."""
    return choose_champion(losses, incumbent)
''',
}


@pytest.fixture
def shelves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a package with a contest on daily demand that names no country."""
    for name, text in SHELVES.items():
        file = tmp_path / "daily_company" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        (file.parent / "__init__.py").touch()
        file.write_text(text)
    (tmp_path / "daily_company" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    return "daily_company"


def contests(tmp_path: Path, shelves: str, country: str | None) -> dict[str, Contest]:
    catalog = build(Settings(home=tmp_path, shelves=(shelves, "s2p_assets"), country=country)).ctx.catalog
    assert not catalog.faults
    return catalog.contests


def test_the_settings_country_closes_daily_demand_on_its_holidays(tmp_path: Path, shelves: str) -> None:
    days = pd.date_range("2021-06-01", "2023-12-20")
    units = np.where((days.month == 12) & (days.day == 25), 0.0, 20.0)
    history = pd.DataFrame({"sku": "a", "day": days, "units": units})
    nowhere, germany = (contests(tmp_path, shelves, country) for country in (None, "de"))
    christmas = {}
    for name, catalog in (("nowhere", nowhere), ("Germany", germany)):
        task = catalog["daily_champion"].task
        assert isinstance(task, ForecastTask)
        told = Smoothing().fit(history, task).forecast(history, 7).set_index("time")["mean"]
        christmas[name] = told["2023-12-25"]
    assert christmas["Germany"] < 5
    assert christmas["nowhere"] > 10

    before, after = (fingerprint_of(Smoothing(), catalog["daily_champion"].task) for catalog in (nowhere, germany))
    assert before != after
    assert germany["retail_demand_champion"].task == nowhere["retail_demand_champion"].task


def test_a_country_without_known_holidays_is_refused(tmp_path: Path) -> None:
    assert Settings(home=tmp_path, country="de").country == "DE"
    with pytest.raises(pydantic.ValidationError, match="write it as DE"):
        Settings(home=tmp_path, country="Narnia")
