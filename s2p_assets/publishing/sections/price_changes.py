"""Price lists: what the newest one changes, what that does to the margin at current volumes, and what sells below cost.

How the history of prices is kept belongs to its table; what sells more or less since, to `movers`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from s2p_assets.publishing.report import Basis, Chart, Field, Figure, ReportColumn, Section
from s2p_assets.publishing.sections.stored import StoredTable, item_columns, same_row
from s2p_assets.publishing.sections.weeks import WEEK, last_day
from s2p_assets.publishing.wording import amount, counted, grouped, short_day

WEEKS_OF_VOLUME = 8
YEAR = pd.Timedelta(days=365)
ITEMS_DRAWN = 20
SUPPLIER = ReportColumn("supplier", "Supplier", of=())


@dataclass(frozen=True)
class Channel:
    """A way of selling: the column of its units in the table of sales, and that of its price in the price list."""

    units: str
    price: str


@dataclass(frozen=True)
class PriceList(StoredTable):
    """A history of prices: one row per item and `valid_from`, the day from which it holds; `is_current` for the newest.

    `prices`: column → heading, of every price and cost. `cost`: which of them is the cost of a unit.
    `channels`: how items are sold, and at which of the prices. `noun`: how a reader calls an item.
    """

    prices: dict[str, str]
    cost: str
    channels: tuple[Channel, ...]
    item: str = "sku"
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
        return ReportColumn(code.name, code.title, "code", of=()), ReportColumn(label.name, label.title, of=())

    @property
    def columns(self) -> tuple[ReportColumn, ...]:
        """A column for each price."""
        return tuple(ReportColumn(name, title, "money") for name, title in self.prices.items())

    def now(self, *prices: str) -> tuple[Basis, ...]:
        """Prices of the version in a report's own row; without any named, all of them."""
        where = same_row(self.item, "valid_from")
        return tuple(self.source(name, where) for name in prices or self.prices)

    def before(self, price: str) -> Basis:
        """A price of the version before that in a report's own row."""
        return self.source(price, {self.item: Field(self.item), "valid_from": Field("before_from")})

    def counted_rows(self, price: str, versions: pd.DataFrame) -> tuple[Basis, ...]:
        """The versions that were counted, by a price of theirs."""
        days = tuple(sorted(versions["valid_from"].unique()))
        where = {self.item: tuple(versions[self.item]), "valid_from": days}
        return (self.source(price, where, "rows"),) if len(versions) else ()


class Volumes:
    """What was sold of each item in the last eight weeks of sales, by channel, a week."""

    def __init__(self, sales: StoredTable, prices: PriceList, *, units: str = "units") -> None:
        self.columns = [channel.units for channel in prices.channels]
        sold = sales.rows[sales.rows[units].notna()].assign(week=lambda rows: pd.to_datetime(rows["week"]))
        last = sold["week"].max()
        recent = sold[sold["week"] > last - WEEKS_OF_VOLUME * WEEK]
        self.weeks = sorted(recent["week"].unique())
        self.weekly = recent.groupby(prices.item)[self.columns].sum() / max(len(self.weeks), 1)
        where = {prices.item: Field(prices.item), "week": (*self.weeks,)}
        self.sources = tuple(sales.source(name, where) for name in self.columns) if self.weeks else ()

    def of_items(self, items: "pd.Series[str]") -> pd.DataFrame:
        """Units a week by channel, aligned with `items`; 0 for what was not sold, missing when nothing was at all."""
        nothing = 0.0 if len(self.weeks) else float("nan")
        return self.weekly.reindex(items.astype(object)).fillna(nothing).set_axis(items.index)

    def notes(self) -> tuple[str, ...]:
        """How volumes were counted, and how effects on the margin are to be read."""
        if self.weeks:
            weeks = f"the mean of the {counted(len(self.weeks), 'week')} to {short_day(last_day(self.weeks[-1]))}"
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
    of the margin a week, missing for an item's first version. `last`: those of the newest list. `changed`: those of
    `last` with another price or cost, the largest effect first. `below`: versions in force of which a channel sells
    below cost, with `lost`, money a week, the largest loss first.
    """

    def __init__(self, prices: PriceList, volumes: Volumes) -> None:
        self.prices, self.volumes = prices, volumes
        self.versions = _beside_the_version_before(prices, volumes)
        self.newest = pd.Timestamp(self.versions["valid_from"].max())
        self.last = self.versions[self.versions["valid_from"] == self.newest]
        changed = differing(prices, self.last)
        by_effect = changed.sort_values(["effect", prices.item], key=_largest_first, na_position="last")
        self.changed = by_effect.reset_index(drop=True)
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
    return rows


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


def describe_changes(found: PriceChanges) -> str:
    """The headline: how many prices changed, what that does to the margin, and what sells below cost."""
    changed, below, noun = found.changed, found.below, found.prices.noun
    text = f"The price list of {short_day(found.newest)} changes prices or costs of {counted(len(changed), noun)}"
    effect = changed["effect"].sum(min_count=1)
    if len(changed) and found.volumes.weeks and not pd.isna(effect):
        direction = "more" if effect >= 0 else "less"
        text += f": {amount(abs(effect))} {direction} margin a week at current volumes"
    verb = "is" if len(below) == 1 else "are"
    sold = f"{counted(len(below), noun)} {verb} sold below cost." if len(below) else f"No {noun} is sold below cost."
    return f"{text}. {sold}"


def change_figures(found: PriceChanges, *, price: str) -> tuple[Figure, ...]:
    """The headline numbers: items changed, effect on the margin, costs that rose, items below cost.

    `price`: the column of the price whose ups and downs are counted in the first note.
    """
    prices, changed, below = found.prices, found.changed, found.below
    effect, lost = changed["effect"].sum(min_count=1), below["lost"].sum(min_count=1)
    dearer, cheaper = int((changed[f"{price}_change"] > 0).sum()), int((changed[f"{price}_change"] < 0).sum())
    costlier = changed[changed[f"{prices.cost}_change"] > 0]
    return (
        Figure(
            f"{prices.noun}s changed on {short_day(found.newest)}",
            len(changed),
            "whole",
            note=f"{prices.prices[price].lower()} up for {grouped(dearer)}, down for {grouped(cheaper)}",
            of=prices.counted_rows(price, changed),
        ),
        Figure(
            "Margin effect a week",
            None if pd.isna(effect) and len(changed) else float(changed["effect"].sum()),
            "money",
            note="at current volumes" if found.volumes.weeks else "no sales are in the data yet",
            of=tuple(prices.source(name, {"valid_from": found.newest}) for name in prices.prices),
        ),
        Figure(
            f"{prices.noun}s that cost more than before",
            len(costlier),
            "whole",
            note=f"{prices.prices[prices.cost].lower()} up",
            of=prices.counted_rows(prices.cost, costlier),
        ),
        Figure(
            f"{prices.noun}s sold below cost",
            len(below),
            "whole",
            note=f"losing {amount(lost)} a week" if len(below) and not pd.isna(lost) else "",
            of=tuple(source for name in prices.prices for source in prices.counted_rows(name, below)),
        ),
    )


def what_changed(found: PriceChanges) -> Section:
    """Each changed item with its prices before and now, its volume and the effect on the margin."""
    prices, changed, volumes = found.prices, found.changed, found.volumes
    both = tuple(one for name in prices.prices for one in (*prices.now(name), prices.before(name)))
    labels = changed[prices.label].where(~changed[prices.label].duplicated(keep=False), changed[prices.item])
    changed = changed.assign(article=labels.fillna(changed[prices.item]))
    drawn = changed[changed["effect"].fillna(0) != 0].head(ITEMS_DRAWN)
    explained = (
        f"Prices and costs from {short_day(found.newest)} on against those before, the largest effect on the margin "
        "first. The effect is the change in margin a unit, times the units sold a week."
    )
    return Section(
        title="What changed",
        says=explained if len(changed) else "",
        frame=changed,
        columns=(
            *prices.named,
            *(column for name in prices.prices for column in _before_and_now(prices, name)),
            ReportColumn("units", "Units a week", "number", of=volumes.sources),
            ReportColumn(
                "effect", "Margin effect a week", "money", highlight_below=0, bars=True, of=(*both, *volumes.sources)
            ),
        ),
        chart=Chart("bar", "article", ("effect",), "Margin effect a week", frame=drawn, format="money")
        if len(drawn) > 1
        else None,
        when_empty=f"The price list of {short_day(found.newest)} changes no price and no cost.",
    )


def _before_and_now(prices: PriceList, name: str) -> tuple[ReportColumn, ReportColumn]:
    title = prices.prices[name]
    return (
        ReportColumn(f"{name}_before", f"{title} before", "money", of=(prices.before(name),)),
        ReportColumn(name, f"{title} now", "money", of=prices.now(name)),
    )


def other_terms(found: PriceChanges, terms: tuple[ReportColumn, ...]) -> Iterator[Section]:
    """Items whose version begins for another reason than a price, with the columns of `terms`; only if there are."""
    prices, last = found.prices, found.last
    others = last[last["before_from"].notna() & ~last.index.isin(differing(prices, last).index)]
    if len(others):
        yield Section(
            title="Other terms changed",
            says=f"Prices stay as they were, but the list of {short_day(found.newest)} says otherwise of something "
            "else.",
            frame=others.reset_index(drop=True),
            of=prices.table,
            by=(prices.item, "valid_from"),
            columns=(*prices.named_by_key, SUPPLIER, *terms),
        )


def new_items(found: PriceChanges, *, price: str) -> Iterator[Section]:
    """Items that begin with the newest list, with their margin at a price; only if there are any."""
    prices = found.prices
    fresh = found.last[found.last["before_from"].isna()]
    fresh = fresh.assign(margin=((fresh[price] - fresh[prices.cost]) / fresh[price]).where(fresh[price] > 0))
    title = f"Margin at {prices.prices[price].lower()}"
    if len(fresh):
        yield Section(
            title="New on the list",
            says=f"{prices.noun}s that no list before {short_day(found.newest)} had.",
            frame=fresh.sort_values(prices.item).reset_index(drop=True),
            of=prices.table,
            by=(prices.item, "valid_from"),
            columns=(
                *prices.named_by_key,
                SUPPLIER,
                *prices.columns,
                ReportColumn("margin", title, "percent", of=prices.now(price, prices.cost)),
            ),
        )


def sold_below_cost(found: PriceChanges) -> Section:
    """Every item that a channel sells for less than it costs, with what that loses a week."""
    prices, below, volumes = found.prices, found.below, found.volumes
    lost = (*prices.now(), *volumes.sources)
    return Section(
        title="Sold below cost",
        says="What is in force now: each unit sold for less than the item cost loses the difference."
        if len(below)
        else "",
        frame=below,
        of=prices.table,
        by=(prices.item, "valid_from"),
        columns=(
            *prices.named_by_key,
            *prices.columns,
            ReportColumn("units", "Units a week", "number", of=volumes.sources),
            ReportColumn("lost", "Lost a week", "money", highlight_above=0, of=lost),
        ),
        when_empty=f"No {prices.noun} has a consumer or a dealer price below its item cost.",
    )


def lists_of_the_year(found: PriceChanges) -> Section:
    """A line per price list of the last year: items changed, mean changes, effect on the margin."""
    prices, versions = found.prices, found.versions
    recent = differing(prices, versions[versions["valid_from"] > found.newest - YEAR])
    lines = recent.groupby("valid_from").agg(
        skus=(prices.item, "size"),
        **{f"{name}_change": (f"{name}_change", "mean") for name in prices.prices},
        effect=("effect", lambda effect: effect.sum(min_count=1)),
    )
    of_list = same_row("valid_from")
    changed = {name: (prices.source(name, of_list, "rows"),) for name in prices.prices}
    return Section(
        title="Price lists of the last year",
        says=f"For each day on which prices or costs changed: how many {prices.noun}s, by how much on average, and "
        "what that did to the margin a week, at the volumes of today.",
        frame=lines.sort_index(ascending=False).reset_index(),
        columns=(
            ReportColumn("valid_from", "In force from", "day"),
            ReportColumn("skus", f"{prices.noun}s changed", "whole", of=next(iter(changed.values()))),
            *(
                ReportColumn(f"{name}_change", f"{title}, mean change", "percent", of=changed[name])
                for name, title in prices.prices.items()
            ),
            ReportColumn(
                "effect",
                "Margin effect a week",
                "money",
                highlight_below=0,
                of=tuple(prices.source(name, of_list) for name in prices.prices),
            ),
        ),
        when_empty="No price and no cost changed within that year.",
    )
