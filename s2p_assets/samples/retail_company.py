"""A simulated trading company: what it sold, bought, counted and charged, day by day, to the last unit.

How its people write that into workbooks is in `retail_share.py`. No real company's data are in it.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

DailyUnits = np.ndarray[Any, np.dtype[np.float64]]

CATALOGUE: dict[str, tuple[str, str, tuple[tuple[str, float], ...]]] = {
    "Kitchen": (
        "Silverbrook Housewares",
        "KIT-{:04d}",
        (
            ("Stockpot 8 l", 44.99),
            ("Paring knife 9 cm", 9.99),
            ("Cutting board, beech", 27.99),
            ("Salad spinner", 21.99),
            ("Pepper mill 18 cm", 24.99),
            ("Milk frother", 34.99),
            ("Colander 26 cm", 17.99),
            ("Measuring jug 1 l", 7.49),
            ("Rolling pin", 11.99),
            ("Tea infuser", 5.99),
        ),
    ),
    "Garden": (
        "Fernway Garden",
        "GDN-{:04d}",
        (
            ("Watering can 10 l", 12.99),
            ("Secateurs", 17.99),
            ("Garden hose 25 m", 34.99),
            ("Hand trowel", 8.49),
            ("Bird feeder", 19.99),
            ("Raised bed kit", 79.99),
            ("Leaf rake", 22.99),
            ("Kneeling pad", 11.49),
            ("Plant labels, 50 pcs", 4.99),
            ("Wheelbarrow 90 l", 99.99),
        ),
    ),
    "Lighting": (
        "Brightline Lighting",
        "0041{:03d}",
        (
            ("Desk lamp, black", 39.99),
            ("LED bulb E27 9 W", 5.99),
            ("String lights 10 m", 17.99),
            ("Floor lamp, oak", 129.99),
            ("Clip spot", 24.99),
            ("Night light", 9.99),
            ("Camping lantern", 27.99),
            ("Under-cabinet strip", 29.99),
            ("Solar path light", 12.99),
            ("Pendant shade, linen", 44.99),
        ),
    ),
    "Office": (
        "Tallow & Sons Stationers",
        "OFF{:03d}-A",
        (
            ("Notebook A5, dotted", 6.49),
            ("Gel pen, blue", 1.99),
            ("Letter tray", 7.99),
            ("Desk pad, felt", 24.99),
            ("Stapler 24/6", 11.99),
            ("Monitor stand", 34.99),
            ("Wall planner", 9.99),
            ("Archive box", 4.49),
            ("Label printer", 89.99),
            ("Whiteboard 60 × 90", 39.99),
        ),
    ),
    "Tools": (
        "Northgate Tools",
        "TLS-{:04d}",
        (
            ("Claw hammer", 18.99),
            ("Bit set, 32 pcs", 24.99),
            ("Spirit level 60 cm", 22.99),
            ("Tape measure 5 m", 9.99),
            ("Cordless drill 18 V", 119.99),
            ("Utility knife", 7.99),
            ("Socket set", 64.99),
            ("Clamp 300 mm", 13.99),
            ("Head torch", 21.99),
            ("Tool bag", 44.99),
        ),
    ),
    "Cleaning": (
        "Oakridge Supply",
        "0077{:03d}",
        (
            ("Microfibre cloths, 5 pcs", 6.99),
            ("Bucket 12 l", 7.49),
            ("Window squeegee", 9.99),
            ("Dustpan set", 8.99),
            ("Scrub brush", 4.99),
            ("Mop with handle", 24.99),
            ("Spray bottle 0.5 l", 3.99),
            ("Lint roller", 3.49),
            ("Bin bags 35 l", 5.49),
            ("Drain plunger", 6.99),
        ),
    ),
}
"""Group → supplier, pattern of its article numbers, and articles with what one of them usually costs."""
SEASON_PEAK = {"Kitchen": 335, "Garden": 135, "Lighting": 345, "Office": 240, "Tools": 105, "Cleaning": 80}
SEASON_SWING = {"Kitchen": 0.3, "Garden": 0.65, "Lighting": 0.45, "Office": 0.25, "Tools": 0.2, "Cleaning": 0.12}
WEEKDAYS = np.array([0.8, 0.8, 0.85, 0.95, 1.25, 1.55, 0.8])
DEALERS = ("ARB", "BLK", "CMD", "DVN", "ELM", "FKT", "GRH", "HLS", "JNT", "KRM", "LDG", "WEB")


@dataclass(frozen=True)
class Company:
    """Everything that happened; one frame per kind of workbook, with that workbook's own column names.

    `price_list`: one row per (sku, effective_date), and `occasion`: "list" or "promotion".
    `wholesale_sales`: invoice lines, and `dealer`. `retail_sales`: weeks, whole months in the first
    quarter. `inventory`: month ends. `stock`: units at the end of each day, days × SKUs.
    `short`: days × SKUs, whether customers went away empty-handed.
    """

    products: pd.DataFrame
    price_list: pd.DataFrame
    wholesale_sales: pd.DataFrame
    retail_sales: pd.DataFrame
    receipts: pd.DataFrame
    inventory: pd.DataFrame
    stock: pd.DataFrame
    short: pd.DataFrame


def simulate_company(*, until: dt.date, skus: int = 60, seed: int = 7) -> Company:
    """Twenty-four months of the company, the last of them the month of `until`, which is the last day."""
    rng = np.random.default_rng(seed)
    begin = (pd.Timestamp(until).to_period("M") - 23).to_timestamp()
    days = pd.date_range(begin, pd.Timestamp(until))
    products = _products(skus, days, rng)
    prices = _prices(products, days, rng)
    daily_prices = _daily(prices, products, days)
    wanted = _wanted(products, daily_prices["msrp"], days, rng)
    traded = _trade(products, wanted, daily_prices, days, rng)
    return Company(products=products, price_list=prices, **traded)


def _products(skus: int, days: pd.DatetimeIndex, rng: np.random.Generator) -> pd.DataFrame:
    """One row per SKU: what people know of it, and the hidden parameters of its demand (`rate`, `kind`, `trend`)."""
    rows = []
    for position in range(skus):
        category = list(CATALOGUE)[position % len(CATALOGUE)]
        supplier, pattern, articles = CATALOGUE[category]
        turn = position // len(CATALOGUE)
        series = turn // len(articles) + 1
        name, usual = articles[turn % len(articles)]
        name += f", series {series}" if series > 1 else ""
        sku = pattern.format(10 + turn * 7)
        rows.append({"sku": sku, "description": name, "category": category, "supplier": supplier, "msrp": usual})
    products = pd.DataFrame(rows)
    letters = list("0123456789ABCDEFGHJKLMNPQRSTUVWXYZ")
    asins = ["B0" + "".join(rng.choice(letters, 8)) for _ in range(skus)]
    products["asin"] = pd.Series(asins, dtype=object).where(rng.random(skus) < 0.6, None)
    products["msrp"] = _price_points(products["msrp"].to_numpy() * np.exp(rng.normal(0, 0.07, skus)))
    products["pack_size"] = np.where(products["msrp"] > 60, 2, rng.choice([6, 10, 12, 24], skus))
    products["minimum_order"] = products["pack_size"] * rng.choice([1, 2, 4], skus)
    lead_times = dict(zip(CATALOGUE, (28, 21, 56, 14, 35, 10), strict=True))
    products["lead_time_days"] = products["category"].map(lead_times)
    products["kind"] = rng.choice(["smooth", "intermittent", "lumpy"], skus, p=[0.62, 0.23, 0.15])
    slow = products["kind"] != "smooth"
    products["rate"] = np.where(slow, rng.uniform(0.1, 0.5, skus), np.exp(rng.normal(1.0, 0.7, skus)))
    products["trend"] = rng.normal(0.08, 0.18, skus).clip(-0.35, 0.6)
    order = rng.permutation(skus)
    launched, ended = order < skus // 8, order >= skus - skus // 12
    products["launched"] = np.where(launched, rng.integers(90, len(days) - 120, skus), 0)
    products["ended"] = np.where(ended, rng.integers(len(days) // 2, len(days) - 30, skus), len(days) + 1)
    return products


def _price_points(prices: DailyUnits) -> DailyUnits:
    """Prices as shops write them: `19.99`, and below 15 in steps of ten cents, `4.49`."""
    return np.where(prices < 15, (prices * 10).round() / 10 - 0.01, np.floor(prices) + 0.99).round(2)


def _prices(products: pd.DataFrame, days: pd.DatetimeIndex, rng: np.random.Generator) -> pd.DataFrame:
    """Half-yearly lists with changes for about a third of the SKUs, and two weeks of promotions in each quarter."""
    lists = [days[0], *(day for day in days[1:] if day.day == 1 and day.month in (1, 7))]
    msrp, margin = products["msrp"].to_numpy().copy(), rng.uniform(0.58, 0.66, len(products))
    cost = (msrp * margin * rng.uniform(0.62, 0.8, len(products))).round(2)
    t2 = (msrp * margin).round(2)
    rows = []
    for number, day in enumerate(lists):
        if number:
            changed = rng.random(len(products)) < 0.35
            msrp = np.where(changed, _price_points(msrp * rng.uniform(0.97, 1.11, len(msrp))), msrp)
            t2 = np.where(changed, (msrp * margin).round(2), t2)
            cost = np.where(rng.random(len(cost)) < 0.35, (cost * rng.uniform(0.97, 1.06, len(cost))).round(2), cost)
        next_list = lists[number + 1] if number + 1 < len(lists) else days[-1] + pd.Timedelta(days=1)
        listed = (products["launched"] < (next_list - days[0]).days) & (products["ended"] > (day - days[0]).days)
        current = products.assign(msrp=msrp, t2_cost=t2, item_cost=cost, effective_date=day, occasion="list")[listed]
        rows += [current, *_promotions(current, day, next_list, days, rng)]
    columns = ["sku", "description", "category", "supplier", "asin", "msrp", "t2_cost", "item_cost", "pack_size",
               "minimum_order", "lead_time_days", "effective_date", "occasion"]  # fmt: skip
    return pd.concat(rows, ignore_index=True)[columns]


def _promotions(
    current: pd.DataFrame, begin: pd.Timestamp, end: pd.Timestamp, days: pd.DatetimeIndex, rng: np.random.Generator
) -> list[pd.DataFrame]:
    """A lower price from a Monday and the list price from two weeks later, for an eighth of the list at a time."""
    rows = []
    mondays = pd.date_range(begin + pd.Timedelta(days=21), end - pd.Timedelta(days=15), freq="W-MON")
    for monday in mondays[::7]:
        some = current[(rng.random(len(current)) < 0.12) & (current["launched"] < (monday - days[0]).days - 28)]
        off = rng.choice([0.15, 0.2, 0.25, 0.3], len(some))
        low = np.maximum(_price_points(some["msrp"].to_numpy() * (1 - off)), some["t2_cost"].to_numpy())
        rows.append(some.assign(msrp=low, effective_date=monday, occasion="promotion"))
        rows.append(some.assign(effective_date=monday + pd.Timedelta(days=14), occasion="promotion"))
    return rows


def _daily(prices: pd.DataFrame, products: pd.DataFrame, days: pd.DatetimeIndex) -> dict[str, DailyUnits]:
    """Prices in force, days × SKUs."""
    daily = {}
    for name in ("msrp", "t2_cost", "item_cost"):
        wide = prices.pivot_table(index="effective_date", columns="sku", values=name, aggfunc="last")
        daily[name] = wide.reindex(index=days, columns=products["sku"]).ffill().bfill().to_numpy()
    return daily


def _wanted(products: pd.DataFrame, msrp: DailyUnits, days: pd.DatetimeIndex, rng: np.random.Generator) -> DailyUnits:
    """Units that consumers would take, days × SKUs."""
    day = np.arange(len(days))[:, None]
    peak = products["category"].map(SEASON_PEAK).to_numpy()
    swing = products["category"].map(SEASON_SWING).to_numpy()
    season = 1 + swing * np.cos((days.dayofyear.to_numpy()[:, None] - peak) / 365.25 * 2 * np.pi)
    trend = 1 + products["trend"].to_numpy() * day / 365
    usual = pd.DataFrame(msrp).rolling(90, min_periods=1).median().to_numpy()
    price_effect = (msrp / usual) ** -2.4
    rate = (
        products["rate"].to_numpy()
        * season
        * trend.clip(0.2)
        * price_effect
        * WEEKDAYS[days.weekday.to_numpy()][:, None]
    )
    age = day - products["launched"].to_numpy()
    rate = rate * np.where(
        age < 0, 0.0, 1 - 0.7 * np.exp(-np.maximum(age, 0) / 25 - (products["launched"].to_numpy() == 0) * 9)
    )
    rate = np.where(day >= products["ended"].to_numpy(), 0.0, rate)
    lumpy = (products["kind"] == "lumpy").to_numpy()
    size = np.where(lumpy, 1 + rng.poisson(7, rate.shape), 1)
    return np.asarray(rng.poisson(rate / np.where(lumpy, 8, 1) * rng.gamma(6, 1 / 6, rate.shape)) * size, dtype=float)


def _trade(
    products: pd.DataFrame,
    wanted: DailyUnits,
    prices: dict[str, DailyUnits],
    days: pd.DatetimeIndex,
    rng: np.random.Generator,
) -> dict[str, pd.DataFrame]:
    """Every day: goods arrive, dealers are served, then consumers; on Mondays the buyer orders."""
    warehouse = _Warehouse(products, wanted, days, rng)
    invoices = _Invoices(products, prices, days, rng)
    sold, short = np.zeros_like(wanted), np.zeros(wanted.shape, dtype=bool)
    stock = np.zeros_like(wanted)
    for number, day in enumerate(days):
        warehouse.receive(number)
        shipped, refused = invoices.ship(number, warehouse.on_hand)
        sold[number] = np.minimum(wanted[number], warehouse.on_hand)
        warehouse.on_hand -= sold[number]
        short[number] = (sold[number] < wanted[number]) | refused
        returned = rng.binomial(sold[number].astype(int), 0.012)
        sold[number] -= returned
        warehouse.on_hand += returned
        warehouse.sold_units[number] = sold[number] + shipped
        stock[number] = warehouse.on_hand
        warehouse.on_order_at[number] = warehouse.on_order
        if day.weekday() == 0:
            warehouse.order(number)
    skus = list(products["sku"])
    return {
        "wholesale_sales": pd.DataFrame(invoices.lines),
        "retail_sales": _tills(pd.DataFrame(sold, index=days, columns=skus)),
        "receipts": warehouse.receipts(prices["item_cost"]),
        "inventory": _counts(products, stock, warehouse.on_order_at, days, rng),
        "stock": pd.DataFrame(stock, index=days, columns=skus),
        "short": pd.DataFrame(short, index=days, columns=skus),
    }


class _Warehouse:
    """Stock, open orders and the buyer, who looks at the last eight weeks and sometimes waits for a late supplier."""

    def __init__(
        self, products: pd.DataFrame, wanted: DailyUnits, days: pd.DatetimeIndex, rng: np.random.Generator
    ) -> None:
        self.products, self.days, self.rng = products, days, rng
        self.lead = products["lead_time_days"].to_numpy()
        self.pack = products["pack_size"].to_numpy()
        self.minimum = products["minimum_order"].to_numpy()
        self.sold_units = np.zeros_like(wanted)
        self.on_order_at = np.zeros_like(wanted)
        self.on_order = np.zeros(len(products))
        self.due: dict[int, list[tuple[int, float, int]]] = {}
        self.arrived: list[tuple[int, int, float, int]] = []
        self.orders = 4100
        first_rate = products["rate"].to_numpy() * 2
        need = np.ceil(first_rate * (self.lead + 30) / self.pack) * self.pack
        self.on_hand = np.where(products["launched"] == 0, need, 0.0)
        for sku, launched in enumerate(products["launched"]):
            if launched:
                self._send(sku, need[sku], int(launched) - 6)

    def _send(self, sku: int, units: float, day: int) -> None:
        self.on_order[sku] += units
        self.due.setdefault(day, []).append((sku, units, self.orders))

    def receive(self, day: int) -> None:
        """Goods that are due today arrive."""
        for sku, units, order in self.due.pop(day, ()):
            self.on_hand[sku] += units
            self.on_order[sku] -= units
            self.arrived.append((day, sku, units, order))

    def order(self, day: int) -> None:
        """Whole cartons for every SKU that would not last until the next delivery."""
        recent = self.sold_units[max(0, day - 55) : day + 1]
        age = np.minimum(day + 1 - self.products["launched"].to_numpy(), len(recent)).clip(1)
        rate = np.where(age < 21, self.products["rate"] * 2, recent.sum(axis=0) / age)
        level = rate * (self.lead + 7 + 12) + self.pack / 2
        active = (self.products["launched"].to_numpy() <= day) & (self.products["ended"].to_numpy() > day + self.lead)
        short = active & (self.on_hand + self.on_order < level)
        self.orders += 1
        for sku in np.flatnonzero(short):
            need = level[sku] + rate[sku] * 21 - self.on_hand[sku] - self.on_order[sku]
            units = max(np.ceil(need / self.pack[sku]) * self.pack[sku], self.minimum[sku])
            late = self.rng.integers(14, 40) if self.rng.random() < 0.1 else self.rng.integers(-2, 4)
            self._send(int(sku), float(units), day + int(self.lead[sku] + late))

    def receipts(self, cost: DailyUnits) -> pd.DataFrame:
        """The deliveries, one row per line."""
        return pd.DataFrame(
            {
                "sku": self.products["sku"].iat[sku],
                "quantity": int(units),
                "cost": round(float(cost[day, sku]), 2),
                "receive_date": self.days[day],
                "customer_po": f"PO-{order}",
                "invoice_num": f"S{day:04d}-{order}",
            }
            for day, sku, units, order in self.arrived
        )


class _Invoices:
    """Dealers who order whole cartons every other week, and send a few of them back."""

    def __init__(
        self, products: pd.DataFrame, prices: dict[str, DailyUnits], days: pd.DatetimeIndex, rng: np.random.Generator
    ) -> None:
        self.products, self.prices, self.days, self.rng = products, prices, days, rng
        self.rate, self.pack = products["rate"].to_numpy(), products["pack_size"].to_numpy()
        self.discount = rng.choice([0.0, 0.02, 0.05], len(DEALERS))
        self.lines: list[dict[str, Any]] = []
        self.number = 20400
        self.coming_back: dict[int, list[dict[str, Any]]] = {}
        self.season = (
            products["category"].map(SEASON_SWING).to_numpy(),
            products["category"].map(SEASON_PEAK).to_numpy(),
        )

    def ship(self, day: int, on_hand: DailyUnits) -> tuple[DailyUnits, np.ndarray[Any, np.dtype[np.bool_]]]:
        """Ship what dealers order and what is there, off `on_hand`; units by SKU, and whether some was refused."""
        shipped, refused = np.zeros(len(on_hand)), np.zeros(len(on_hand), dtype=bool)
        if self.days[day].weekday() > 4:
            return shipped, refused
        self._take_back(day, on_hand, shipped)
        swing, peak = self.season
        weight = self.rate * (1 + swing * np.cos((self.days[day].dayofyear - peak - 21) / 365.25 * 2 * np.pi))
        listed = (self.products["launched"] <= day) & (self.products["ended"] > day)
        weight = np.sqrt(weight) * listed.to_numpy()
        for dealer in np.flatnonzero(self.rng.random(len(DEALERS)) < 0.13):
            count = min(1 + self.rng.poisson(3.5), int((weight > 0).sum()))
            chosen = self.rng.choice(len(on_hand), count, replace=False, p=weight / weight.sum())
            self.number += 1
            for sku in chosen:
                half_cartons = 1 + self.rng.poisson(self.rate[sku] / 4)
                asked = float(max(1, round(self.pack[sku] * half_cartons / 2)))
                units = min(asked, on_hand[sku])
                refused[sku] |= units < asked
                if units > 0:
                    on_hand[sku] -= units
                    shipped[sku] += units
                    self._invoice(day, int(dealer), int(sku), int(units))
        return shipped, refused

    def _invoice(self, day: int, dealer: int, sku: int, units: int) -> None:
        line = {
            "sku": self.products["sku"].iat[sku],
            "quantity": units,
            "unit_price": round(float(self.prices["t2_cost"][day, sku]) * (1 - self.discount[dealer]), 2),
            "item_cost": round(float(self.prices["item_cost"][day, sku]), 2),
            "customer_po": f"{DEALERS[dealer]}-{self.number % 10000:04d}" if self.rng.random() < 0.93 else None,
            "ship_date": self.days[day],
            "invoice_num": f"INV-{self.number}",
            "dealer": DEALERS[dealer],
        }
        self.lines.append(line)
        if self.rng.random() < 0.02:
            back = {**line, "quantity": -max(1, units // 2), "invoice_num": f"CR-{self.number}", "_sku": sku}
            self.coming_back.setdefault(day + int(self.rng.integers(9, 30)), []).append(back)

    def _take_back(self, day: int, on_hand: DailyUnits, shipped: DailyUnits) -> None:
        """Returns of today and of the weekend before."""
        for due in [due for due in self.coming_back if due <= day]:
            for line in self.coming_back.pop(due):
                sku = line.pop("_sku")
                on_hand[sku] -= line["quantity"]
                shipped[sku] += line["quantity"]
                self.lines.append({**line, "ship_date": self.days[day]})


def _tills(sold: pd.DataFrame) -> pd.DataFrame:
    """Units by SKU and period: whole months in the first quarter, then weeks; a period lies in one month."""
    days = pd.DatetimeIndex(sold.index)
    weeks = days.to_period("W-SUN").astype(str) + days.strftime("%m")
    period = pd.Series(weeks, index=days).where(days >= days[0] + pd.DateOffset(months=3), days.strftime("%Y-%m"))
    long = sold.assign(period=period, day=days).melt(["period", "day"], var_name="sku", value_name="quantity")
    spans = long.groupby("period")["day"].agg(from_date="min", to_date="max")
    totals = long.groupby(["period", "sku"])["quantity"].sum().astype(int).reset_index()
    rows = totals[totals["quantity"] != 0].merge(spans, on="period").sort_values(["from_date", "sku"])
    return rows[["sku", "quantity", "from_date", "to_date"]].reset_index(drop=True)


def _counts(
    products: pd.DataFrame, stock: DailyUnits, on_order: DailyUnits, days: pd.DatetimeIndex, rng: np.random.Generator
) -> pd.DataFrame:
    """The stock at every month's end and on the last day, of the SKUs that are sold or still lie there."""
    rows = []
    for number in (number for number, day in enumerate(days) if day.is_month_end or number == len(days) - 1):
        free = stock[number].astype(int)
        transship = np.where(rng.random(len(free)) < 0.2, free // 10, 0)
        damaged = np.where(free > 20, rng.poisson(0.4, len(free)), 0)
        count = pd.DataFrame(
            {
                "sku": products["sku"],
                "in_building": free - transship + damaged,
                "transship": transship,
                "usable_supply_incl": free,
                "usable_supply_excl": free - transship,
                "on_order": on_order[number].astype(int),
                "count_date": days[number],
                "category": products["category"],
            }
        )
        rows.append(count[((products["launched"] <= number) & (products["ended"] > number)) | (free > 0)])
    return pd.concat(rows, ignore_index=True)
