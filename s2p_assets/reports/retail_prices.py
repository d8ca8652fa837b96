"""The letter on prices: what changed with the last price list, what that does to the margin, what sells below cost.

The history of prices is made by `tables/retail_products.py`.
"""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from s2p_assets.publishing.report import Basis, Chart, Document, Field, Figure, ReportColumn, Section, report
from s2p_assets.publishing.wording import amount, counted, grouped, short_day
from s2p_assets.shelves import NotYet

WEEK = pd.Timedelta(days=7)
WEEKS_OF_VOLUME = 8
YEAR = pd.Timedelta(days=365)
LISTS_DRAWN = 20
PRICES = {"msrp": "Consumer price", "t2_cost": "Dealer price", "item_cost": "Item cost"}
NOW = {"sku": Field("sku"), "valid_from": Field("valid_from")}
BEFORE = {"sku": Field("sku"), "valid_from": Field("before_from")}
CHANNELS = ("retail_units", "wholesale_units")


@report(title="Price and margin changes", owner="purchasing@example.com")
def prices(products: pd.DataFrame, demand: pd.DataFrame) -> Document:
    """What changed with the last price list, the margin effect at current volumes, and every SKU sold below cost.

    One edition per price list; made again whenever prices or sales change.
    """
    if products.empty:
        raise NotYet("no price list has been loaded")
    volumes = Volumes(demand)
    versions = _beside_the_version_before(products, volumes)
    newest = pd.Timestamp(versions["valid_from"].max())
    last = versions[versions["valid_from"] == newest]
    changed = _changed(last).sort_values(["effect", "sku"], key=_largest_first, na_position="last")
    below = _below_cost(versions[versions["is_current"].astype(bool)])
    return Document(
        title="Price and margin changes",
        as_of=newest.date(),
        headline=_headline(newest, changed, below, volumes),
        figures=_figures(newest, changed, below, volumes),
        sections=(
            _what_changed(newest, changed.reset_index(drop=True), volumes),
            *_terms(newest, last),
            *_new(newest, last),
            _sold_below_cost(below, volumes),
            _lists(versions, newest, volumes),
        ),
        notes=_notes(volumes),
    )


class Volumes:
    """What was sold of each SKU in the last eight weeks of sales, by channel, a week."""

    def __init__(self, demand: pd.DataFrame) -> None:
        sold = demand[demand["units"].notna()].assign(week=lambda rows: pd.to_datetime(rows["week"]))
        last = sold["week"].max()
        recent = sold[sold["week"] > last - WEEKS_OF_VOLUME * WEEK]
        self.weeks = sorted(recent["week"].unique())
        self.weekly = recent.groupby("sku")[list(CHANNELS)].sum() / max(len(self.weeks), 1)

    def of(self, skus: "pd.Series[str]") -> pd.DataFrame:
        """Units a week by channel, aligned with `skus`; 0 for what was not sold, missing when nothing was at all."""
        nothing = 0.0 if len(self.weeks) else float("nan")
        return self.weekly.reindex(skus.astype(object)).fillna(nothing).set_axis(skus.index)

    @property
    def said(self) -> str:
        return f"the mean of the {counted(len(self.weeks), 'week')} to {short_day(self.weeks[-1] + WEEK * 6 / 7)}"

    @property
    def basis(self) -> tuple[Basis, ...]:
        where = {"sku": Field("sku"), "week": (*self.weeks,)}
        return tuple(Basis(f"demand.{channel}", where) for channel in CHANNELS) if self.weeks else ()


def _beside_the_version_before(products: pd.DataFrame, volumes: Volumes) -> pd.DataFrame:
    """Each version of a SKU with the prices before it, what it sells a week, and what the change does to the margin.

    effect: margin a week at current volumes, now less before; missing for a SKU's first version.
    """
    rows = products.sort_values(["sku", "valid_from"], kind="stable").reset_index(drop=True)
    rows = rows.astype(dict.fromkeys(PRICES, "float64"))
    earlier = rows.groupby("sku", sort=False)[[*PRICES, "valid_from"]].shift()
    rows = rows.join(earlier.add_suffix("_before")).rename(columns={"valid_from_before": "before_from"})
    rows = rows.join(volumes.of(rows["sku"]))
    rows["units"] = rows["retail_units"] + rows["wholesale_units"]
    dearer = {name: rows[name] - rows[f"{name}_before"] for name in PRICES}
    rows["effect"] = rows["retail_units"] * (dearer["msrp"] - dearer["item_cost"]) + rows["wholesale_units"] * (
        dearer["t2_cost"] - dearer["item_cost"]
    )
    for name in PRICES:
        rows[f"{name}_change"] = (dearer[name] / rows[f"{name}_before"]).where(rows[f"{name}_before"] > 0)
    return rows


def _changed(versions: pd.DataFrame) -> pd.DataFrame:
    """The versions in which a price or a cost differs from before."""
    differs = [versions[name].ne(versions[f"{name}_before"]) for name in PRICES]
    return versions[versions["before_from"].notna() & pd.concat(differs, axis=1).any(axis=1)]


def _largest_first(values: "pd.Series[Any]") -> "pd.Series[Any]":
    return -pd.to_numeric(values).abs() if values.name == "effect" else values


def _below_cost(current: pd.DataFrame) -> pd.DataFrame:
    """SKUs of which a unit is sold for less than it costs in either channel, the largest loss a week first."""
    losses = {
        "retail_units": (current["item_cost"] - current["msrp"]).clip(lower=0),
        "wholesale_units": (current["item_cost"] - current["t2_cost"]).clip(lower=0),
    }
    lost = sum((losses[channel] * current[channel] for channel in CHANNELS), start=pd.Series(0.0, current.index))
    below = current.assign(lost=lost)[(losses["retail_units"] > 0) | (losses["wholesale_units"] > 0)]
    return below.sort_values(["lost", "sku"], ascending=[False, True]).reset_index(drop=True)


def _headline(newest: pd.Timestamp, changed: pd.DataFrame, below: pd.DataFrame, volumes: Volumes) -> str:
    said = f"The price list of {short_day(newest)} changes prices or costs of {counted(len(changed), 'SKU')}"
    effect = changed["effect"].sum(min_count=1)
    if len(changed) and volumes.weeks and not pd.isna(effect):
        direction = "more" if effect >= 0 else "less"
        said += f": {amount(abs(effect))} {direction} margin a week at current volumes"
    verb = "is" if len(below) == 1 else "are"
    sold = f"{counted(len(below), 'SKU')} {verb} sold below cost." if len(below) else "No SKU is sold below cost."
    return f"{said}. {sold}"


def _figures(newest: pd.Timestamp, changed: pd.DataFrame, below: pd.DataFrame, volumes: Volumes) -> tuple[Figure, ...]:
    effect, lost = changed["effect"].sum(min_count=1), below["lost"].sum(min_count=1)
    of_list = {"valid_from": newest}
    dearer, cheaper = int((changed["msrp_change"] > 0).sum()), int((changed["msrp_change"] < 0).sum())
    costlier = int((changed["item_cost_change"] > 0).sum())
    no_sales = "" if volumes.weeks else "no sales are in the data yet"
    return (
        Figure(
            f"SKUs changed on {short_day(newest)}",
            len(changed),
            "whole",
            note=f"consumer price up for {grouped(dearer)}, down for {grouped(cheaper)}",
            of=_counted("msrp", changed),
        ),
        Figure(
            "Margin effect a week",
            None if pd.isna(effect) and len(changed) else float(changed["effect"].sum()),
            "money",
            note=no_sales or "at current volumes",
            of=tuple(Basis(f"products.{name}", of_list) for name in PRICES),
        ),
        Figure(
            "SKUs that cost more than before",
            costlier,
            "whole",
            note="item cost up",
            of=_counted("item_cost", changed[changed["item_cost_change"] > 0]),
        ),
        Figure(
            "SKUs sold below cost",
            len(below),
            "whole",
            note=f"losing {amount(lost)} a week" if len(below) and not pd.isna(lost) else "",
            of=tuple(basis for name in PRICES for basis in _counted(name, below)),
        ),
    )


def _counted(name: str, versions: pd.DataFrame) -> tuple[Basis, ...]:
    """The rows of `products` that were counted, by their price of that name."""
    where = {"sku": tuple(versions["sku"]), "valid_from": tuple(sorted(versions["valid_from"].unique()))}
    return (Basis(f"products.{name}", where, "rows"),) if len(versions) else ()


def _price_columns(name: str, title: str) -> tuple[ReportColumn, ...]:
    now, before = Basis(f"products.{name}", NOW), Basis(f"products.{name}", BEFORE)
    return (
        ReportColumn(f"{name}_before", f"{title} before", "money", of=(before,)),
        ReportColumn(name, f"{title} now", "money", of=(now,)),
    )


def _what_changed(newest: pd.Timestamp, changed: pd.DataFrame, volumes: Volumes) -> Section:
    moved = tuple(Basis(f"products.{name}", where) for name in PRICES for where in (NOW, BEFORE))
    drawn = changed[changed["effect"].fillna(0) != 0].head(LISTS_DRAWN)
    return Section(
        title="What changed",
        says=f"Prices and costs from {short_day(newest)} on against those before, the largest effect on the margin "
        "first. The effect is the change in margin a unit, times the units sold a week."
        if len(changed)
        else "",
        frame=changed,
        columns=(
            ReportColumn("sku", "SKU", "code"),
            ReportColumn("description", "Description"),
            *_price_columns("msrp", "Consumer price"),
            *_price_columns("t2_cost", "Dealer price"),
            *_price_columns("item_cost", "Item cost"),
            ReportColumn("units", "Units a week", "number", of=volumes.basis),
            ReportColumn(
                "effect", "Margin effect a week", "money", highlight_below=0, bars=True, of=(*moved, *volumes.basis)
            ),
        ),
        chart=Chart("bar", "description", ("effect",), "Margin effect a week", frame=drawn, format="money")
        if len(drawn) > 1
        else None,
        when_empty=f"The price list of {short_day(newest)} changes no price and no cost.",
    )


def _terms(newest: pd.Timestamp, last: pd.DataFrame) -> Iterator[Section]:
    """SKUs whose version begins for another reason than a price, if there are any."""
    others = last[last["before_from"].notna() & ~last.index.isin(_changed(last).index)]
    if others.empty:
        return
    yield Section(
        title="Other terms changed",
        says=f"Prices stay as they were, but the list of {short_day(newest)} says otherwise of something else.",
        frame=others.reset_index(drop=True),
        of="products",
        by=("sku", "valid_from"),
        columns=(
            ReportColumn("sku", "SKU", "code", of=()),
            ReportColumn("description", "Description", of=()),
            ReportColumn("supplier", "Supplier", of=()),
            ReportColumn("pack_size", "Pack size", "whole"),
            ReportColumn("minimum_order", "Minimum order", "whole"),
            ReportColumn("lead_time_days", "Lead time, days", "whole"),
        ),
    )


def _new(newest: pd.Timestamp, last: pd.DataFrame) -> Iterator[Section]:
    """SKUs that begin with this list, if there are any."""
    fresh = last[last["before_from"].isna()].assign(
        margin=lambda rows: ((rows["msrp"] - rows["item_cost"]) / rows["msrp"]).where(rows["msrp"] > 0)
    )
    margin = tuple(Basis(f"products.{name}", NOW) for name in ("msrp", "item_cost"))
    if fresh.empty:
        return
    yield Section(
        title="New on the list",
        says=f"SKUs that no list before {short_day(newest)} had.",
        frame=fresh.sort_values("sku").reset_index(drop=True),
        of="products",
        by=("sku", "valid_from"),
        columns=(
            ReportColumn("sku", "SKU", "code", of=()),
            ReportColumn("description", "Description", of=()),
            ReportColumn("supplier", "Supplier", of=()),
            *(ReportColumn(name, title, "money") for name, title in PRICES.items()),
            ReportColumn("margin", "Margin at consumer price", "percent", of=margin),
        ),
    )


def _sold_below_cost(below: pd.DataFrame, volumes: Volumes) -> Section:
    return Section(
        title="Sold below cost",
        says="What is in force now: each unit sold for less than the item cost loses the difference."
        if len(below)
        else "",
        frame=below,
        of="products",
        by=("sku", "valid_from"),
        columns=(
            ReportColumn("sku", "SKU", "code", of=()),
            ReportColumn("description", "Description", of=()),
            *(ReportColumn(name, title, "money") for name, title in PRICES.items()),
            ReportColumn("units", "Units a week", "number", of=volumes.basis),
            ReportColumn(
                "lost",
                "Lost a week",
                "money",
                highlight_above=0,
                of=(*(Basis(f"products.{name}", NOW) for name in PRICES), *volumes.basis),
            ),
        ),
        when_empty="No SKU has a consumer or a dealer price below its item cost.",
    )


def _lists(versions: pd.DataFrame, newest: pd.Timestamp, volumes: Volumes) -> Section:
    """A line per price list of the last year."""
    recent = _changed(versions[versions["valid_from"] > newest - YEAR])
    lines = recent.groupby("valid_from").agg(
        skus=("sku", "size"),
        **{f"{name}_change": (f"{name}_change", "mean") for name in PRICES},
        effect=("effect", lambda effect: effect.sum(min_count=1)),
    )
    of_list = {"valid_from": Field("valid_from")}
    prices = tuple(Basis(f"products.{name}", of_list) for name in PRICES)
    return Section(
        title="Price lists of the last year",
        says="For each day on which prices or costs changed: how many SKUs, by how much on average, and what that "
        "did to the margin a week, at the volumes of today.",
        frame=lines.sort_index(ascending=False).reset_index(),
        columns=(
            ReportColumn("valid_from", "In force from", "day"),
            ReportColumn("skus", "SKUs changed", "whole", of=(Basis("products.msrp", of_list, "rows"),)),
            *(
                ReportColumn(
                    f"{name}_change",
                    f"{title}, mean change",
                    "percent",
                    of=(Basis(f"products.{name}", of_list, "rows"),),
                )
                for name, title in PRICES.items()
            ),
            ReportColumn("effect", "Margin effect a week", "money", highlight_below=0, of=prices),
        ),
        when_empty="No price and no cost changed within that year.",
    )


def _notes(volumes: Volumes) -> tuple[str, ...]:
    return (
        f"Units a week are {volumes.said}, less returns." if volumes.weeks else "No sales are in the data yet.",
        "Units sold to consumers count at the consumer price, those sold to dealers at the dealer price; discounts on "
        "invoices are not taken off. Volumes are taken as they were: that people buy less at a higher price is not "
        "foreseen here.",
        "A cell left blank in a price list means that the price is as before.",
    )
