"""A simulated sales department: accounts, products, agents, and the outcome of each deal over a year and a half.

How its people write that into files is in `crm_share.py`.
"""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

PERIOD_DAYS = 540
OFFICES = {"Central": ("Ines Albrecht", "Tom Okafor"), "East": ("Ruth Calloway",), "West": ("Pablo Serra", "Mei Lin")}
AGENTS = (
    *("Anna Snow", "Ben Achterberg", "Carla Dietz", "Dmitri Vale", "Elena Ruiz", "Femi Adeyemi"),
    *("Grace Holm", "Hugo Brandt", "Ida Koskinen", "Jonas Peel", "Kira Novak", "Leo Marchetti"),
)
PRODUCTS = {"GTX Basic": 550, "GTX Pro": 4821, "MG Special": 55, "MG Advanced": 3393, "GTX Plus": 1096}
SECTORS = ("finance", "medical", "retail", "services", "software", "technology")
ACCOUNT_NAMES = (
    "Alder",
    "Birch",
    "Cedar",
    "Dune",
    "Ember",
    "Fjord",
    "Grove",
    "Heath",
    "Isle",
    "Juniper",
    "Kelp",
    "Loch",
)
ENDINGS = ("Works", "Partners")
COUNTRIES = ("United States", "Germany", "Japan", "Kenya", "Norway")


@dataclass(frozen=True)
class SalesDepartment:
    """Tables with the columns of the workbooks' contracts; of the deals, as they stood on the last day."""

    accounts: pd.DataFrame
    products: pd.DataFrame
    sales_teams: pd.DataFrame
    opportunities: pd.DataFrame


def simulate_sales_department(*, until: dt.date, deals: int, seed: int) -> SalesDepartment:
    """Deals begun in the 540 days up to `until`. The same arguments give the same department."""
    rng = np.random.default_rng(seed)
    accounts, products, teams = _accounts(rng), _products(), _teams()
    begun = pd.Timestamp(until) - pd.to_timedelta(np.sort(rng.integers(0, PERIOD_DAYS, deals))[::-1], unit="D")
    frame = pd.DataFrame(
        {
            "opportunity_id": [f"D{number:04}" for number in range(1, deals + 1)],
            "sales_agent": rng.choice(AGENTS, deals),
            "product": rng.choice(list(PRODUCTS), deals, p=[0.25, 0.2, 0.2, 0.15, 0.2]),
            "account": rng.choice(accounts["account"], deals),
            "engage_date": begun,
        }
    )
    return SalesDepartment(accounts, products, teams, _ended(frame, pd.Timestamp(until), rng))


def _ended(deals: pd.DataFrame, until: pd.Timestamp, rng: np.random.Generator) -> pd.DataFrame:
    """Half of the deals end within two weeks, the others after months; more are won as the quarter closes."""
    quick = rng.random(len(deals)) < 0.5
    days = np.where(quick, rng.integers(2, 15, len(deals)), rng.integers(45, 130, len(deals)))
    end = deals["engage_date"] + pd.to_timedelta(days, unit="D")
    skill = deals["sales_agent"].map({agent: (number - 5.5) / 16 for number, agent in enumerate(AGENTS)})
    won = rng.random(len(deals)) < 0.52 + skill + np.where(end.dt.month % 3 == 0, 0.25, 0.0)
    over = end <= until
    prospecting = ~over & (rng.random(len(deals)) < 0.25)
    price = deals["product"].map(PRODUCTS) * rng.normal(1, 0.06, len(deals))
    unknown = ~over & (rng.random(len(deals)) < 0.6)
    return deals.assign(
        account=deals["account"].mask(unknown),
        deal_stage=np.select([over & won, over, prospecting], ["Won", "Lost", "Prospecting"], "Engaging"),
        engage_date=deals["engage_date"].mask(prospecting),
        close_date=end.where(over),
        close_value=price.round().where(won, 0.0).where(over),
    )


def _accounts(rng: np.random.Generator) -> pd.DataFrame:
    names = [f"{name} {ending}" for ending in ENDINGS for name in ACCOUNT_NAMES]
    count = len(names)
    return pd.DataFrame(
        {
            "account": names,
            "sector": rng.choice(SECTORS, count),
            "year_established": rng.integers(1975, 2018, count),
            "revenue": np.exp(rng.normal(6.5, 1.0, count)).round(2),
            "employees": np.exp(rng.normal(7.5, 1.0, count)).astype(int),
            "office_location": rng.choice(COUNTRIES, count, p=[0.6, 0.1, 0.1, 0.1, 0.1]),
            "subsidiary_of": [names[0] if number in (3, 9) else None for number in range(count)],
        }
    )


def _products() -> pd.DataFrame:
    rows = [(name, name.split(maxsplit=1)[0], price) for name, price in PRODUCTS.items()]
    return pd.DataFrame(rows, columns=["product", "series", "sales_price"])


def _teams() -> pd.DataFrame:
    managers = [(manager, office) for office, managers in OFFICES.items() for manager in managers]
    rows = [(agent, *managers[number % len(managers)]) for number, agent in enumerate(AGENTS)]
    return pd.DataFrame(rows, columns=["sales_agent", "manager", "regional_office"])
