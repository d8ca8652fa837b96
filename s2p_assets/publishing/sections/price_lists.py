"""Price lists: the history of prices, what is sold of each item, and the newest list beside the one before.

What a report shows of that belongs to `price_changes`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from s2p_assets.contracts.report import NumberSource, ReportColumn, RowValue
from s2p_assets.publishing.document.wording import format_date, pluralize
from s2p_assets.publishing.sections.source_table import SourceTable
from s2p_assets.publishing.sections.trade_tables import item_columns, same_row
from s2p_assets.publishing.sections.weeks import WEEK, last_day

WEEKS_OF_VOLUME = 8
LONGEST_OFFER = pd.Timedelta(days=92)
CENT = 0.005


@dataclass(frozen=True)
class SalesChannel:
    """A way of selling: the column of its units in the table of sales, and that of its price in the price list."""

    units: str
    price: str


@dataclass(frozen=True, kw_only=True)
class PriceList(SourceTable):
    """A history of prices: one row per item and `valid_from`, the day from which it holds; `is_current` for the newest.

    `prices`: column → heading, of every price and cost. `cost`: which of them is the cost of a unit.
    `channels`: how items are sold, and at which of the prices. `noun`: how a reader calls an item.
    """

    prices: dict[str, str]
    cost: str
    channels: tuple[SalesChannel, ...]
    item: str
    label: str = "description"
    noun: str = "SKU"

    @property
    def named(self) -> tuple[ReportColumn, ReportColumn]:
        """The columns with which a table of items begins."""
        return item_columns(self.item, self.label, self.noun)

    @property
    def named_by_key(self) -> tuple[ReportColumn, ...]:
        """The same where rows are those of the price list: names are not traced."""
        code, label = self.named
        return ReportColumn(code.name, code.title, "code", sources=()), ReportColumn(
            label.name, label.title, sources=()
        )

    @property
    def columns(self) -> tuple[ReportColumn, ...]:
        """A column for each price."""
        return tuple(ReportColumn(name, title, "money") for name, title in self.prices.items())

    def now(self, *prices: str) -> tuple[NumberSource, ...]:
        """Prices of the version in a report's own row; without any named, all of them."""
        where = same_row(self.item, "valid_from")
        return tuple(self.lineage(name, where) for name in prices or self.prices)

    def before(self, price: str) -> NumberSource:
        """A price of the version before that in a report's own row."""
        return self.lineage(price, {self.item: RowValue(self.item), "valid_from": RowValue("before_from")})

    def counted_rows(self, price: str, versions: pd.DataFrame) -> tuple[NumberSource, ...]:
        """The versions that were counted, by a price of theirs."""
        days = tuple(sorted(versions["valid_from"].unique()))
        where = {self.item: tuple(versions[self.item]), "valid_from": days}
        return (self.lineage(price, where, "rows"),) if len(versions) else ()


class Volumes:
    """What was sold of each item in the last eight weeks of sales, by channel, a week."""

    def __init__(self, sales: SourceTable, prices: PriceList, *, units: str = "units") -> None:
        self.columns = [channel.units for channel in prices.channels]
        sold = sales.rows[sales.rows[units].notna()].assign(week=lambda rows: pd.to_datetime(rows["week"]))
        last = sold["week"].max()
        recent = sold[sold["week"] > last - WEEKS_OF_VOLUME * WEEK]
        self.weeks = sorted(recent["week"].unique())
        self.weekly = recent.groupby(prices.item)[self.columns].sum() / max(len(self.weeks), 1)
        where = {prices.item: RowValue(prices.item), "week": (*self.weeks,)}
        self.sources = tuple(sales.lineage(name, where) for name in self.columns) if self.weeks else ()

    def of_items(self, items: "pd.Series[str]") -> pd.DataFrame:
        """Units a week by channel, aligned with `items`; 0 for what was not sold, missing when nothing was at all."""
        nothing = 0.0 if len(self.weeks) else float("nan")
        return self.weekly.reindex(items.astype(object)).fillna(nothing).set_axis(items.index)

    def notes(self) -> tuple[str, ...]:
        """How volumes were counted, and how effects on the margin are to be read."""
        if self.weeks:
            weeks = f"the mean of the {pluralize(len(self.weeks), 'week')} to {format_date(last_day(self.weeks[-1]))}"
        return (
            f"Units a week are {weeks}, less returns." if self.weeks else "No sales are in the data yet.",
            "Units sold to consumers count at the consumer price, those sold to dealers at the dealer price; discounts "
            "on invoices are not taken off. Volumes are taken as they were: that people buy less at a higher price is "
            "not foreseen here.",
            "A cell left blank in a price list means that the price is as before.",
        )


class PriceChanges:
    """The newest price list beside the one before, at current volumes.

    `newest`: the day from which it holds. `versions`: every version of every item with the prices before it
    (`<price>_before`, `<price>_change` as a share, before_from), its volumes, `units` in all, and `effect`, the change
    of the margin a week, missing for an item's first version, and `offer`: `begins` where prices go down and the next
    version brings them back within three months, `ends` where they come back, else empty. `last`: those of the newest
    list. `changed`: those of `last` with another price or cost for good, the largest effect first; `offers`: those
    that end an offer. `below`: versions in force of which a channel sells below cost, with `lost`, money a week, the
    largest loss first.
    """

    def __init__(self, prices: PriceList, volumes: Volumes) -> None:
        self.prices, self.volumes = prices, volumes
        self.versions = _beside_the_version_before(prices, volumes)
        self.newest = pd.Timestamp(self.versions["valid_from"].max())
        self.last = self.versions[self.versions["valid_from"] == self.newest]
        changed = differing(prices, self.last)
        by_effect = changed.sort_values(["effect", prices.item], key=_largest_first, na_position="last")
        self.changed = by_effect[by_effect["offer"] == ""].reset_index(drop=True)
        self.offers = by_effect[by_effect["offer"] == "ends"].reset_index(drop=True)
        self.below = _below_cost(prices, self.versions[self.versions["is_current"].astype(bool)])


def _beside_the_version_before(prices: PriceList, volumes: Volumes) -> pd.DataFrame:
    names = list(prices.prices)
    rows = prices.rows.sort_values([prices.item, "valid_from"], kind="stable").reset_index(drop=True)
    rows = rows.astype(dict.fromkeys(names, "float64"))
    earlier = rows.groupby(prices.item, sort=False)[[*names, "valid_from"]].shift()
    rows = rows.join(earlier.add_suffix("_before")).rename(columns={"valid_from_before": "before_from"})
    rows = rows.join(volumes.of_items(rows[prices.item]))
    dearer = {name: rows[name] - rows[f"{name}_before"] for name in names}
    rows["units"] = _summed(rows[channel.units] for channel in prices.channels)
    rows["effect"] = _summed(
        rows[channel.units] * (dearer[channel.price] - dearer[prices.cost]) for channel in prices.channels
    )
    for name in names:
        rows[f"{name}_change"] = (dearer[name] / rows[f"{name}_before"]).where(rows[f"{name}_before"] > 0)
    return rows.assign(offer=_offers(prices, rows))


def _offers(prices: PriceList, rows: pd.DataFrame) -> "pd.Series[Any]":
    """`ends` where every price that differs comes back up to what it was before the last version; `begins` there."""
    items, names = rows[prices.item], list(prices.prices)
    two_before = rows.groupby(prices.item, sort=False)[[f"{name}_before" for name in names]].shift()
    comes_back, differs = pd.Series(True, index=rows.index), pd.Series(False, index=rows.index)
    for name in names:
        now, before = rows[name], rows[f"{name}_before"]
        moved = (now - before).abs() > CENT
        returned = (now > before) & ((now - two_before[f"{name}_before"]).abs() <= CENT) & (name != prices.cost)
        comes_back, differs = comes_back & (returned | ~moved), differs | moved
    is_short = pd.to_datetime(rows["valid_from"]) - pd.to_datetime(rows["before_from"]) <= LONGEST_OFFER
    ends = comes_back & differs & is_short & rows["before_from"].notna()
    begins = ends.shift(-1, fill_value=False) & items.eq(items.shift(-1))
    return ends.map({True: "ends", False: ""}).mask(begins & ~ends, "begins")


def _summed(parts: "Iterator[pd.Series[Any]]") -> "pd.Series[Any]":
    total = next(parts)
    for part in parts:
        total = total + part
    return total


def differing(prices: PriceList, versions: pd.DataFrame) -> pd.DataFrame:
    """The versions in which a price or a cost differs from before."""
    differs = [versions[name].ne(versions[f"{name}_before"]) for name in prices.prices]
    return versions[versions["before_from"].notna() & pd.concat(differs, axis=1).any(axis=1)]


def _largest_first(values: "pd.Series[Any]") -> "pd.Series[Any]":
    return -pd.to_numeric(values).abs() if values.name == "effect" else values


def _below_cost(prices: PriceList, current: pd.DataFrame) -> pd.DataFrame:
    lost = {channel.units: (current[prices.cost] - current[channel.price]).clip(lower=0) for channel in prices.channels}
    a_week = _summed(a_unit * current[name] for name, a_unit in lost.items())
    is_below = pd.concat(lost, axis=1).gt(0).any(axis=1)
    below = current.assign(lost=a_week)[is_below]
    return below.sort_values(["lost", prices.item], ascending=[False, True]).reset_index(drop=True)
