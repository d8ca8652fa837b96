"""What the newest price list changes, what that does to the margin at current volumes, and what sells below cost.

How versions, volumes and effects are worked out belongs to `price_lists`.
"""

from collections.abc import Iterator

import pandas as pd

from s2p_assets.contracts.report import Chart, Figure, ReportColumn, Section
from s2p_assets.publishing.document.wording import format_date, format_number, money_in_text, pluralize
from s2p_assets.publishing.sections.findings import counted, is_known
from s2p_assets.publishing.sections.price_lists import PriceChanges, PriceList, differing
from s2p_assets.publishing.sections.trade_tables import same_row

LISTS_SINCE = pd.Timedelta(days=365)
ITEMS_DRAWN = 20
SUPPLIER = ReportColumn("supplier", "Supplier", sources=())


def describe_changes(found: PriceChanges) -> str:
    """The headline: how many prices changed, what that does to the margin, and what sells below cost."""
    changed, offers, below, noun = found.changed, found.offers, found.below, found.prices.noun
    what = f"changes prices or costs of {pluralize(len(changed), noun)}" if len(changed) or offers.empty else ""
    ended = f"ends the offers on {pluralize(len(offers), noun)}" if len(offers) else ""
    parts = [f"{words}{_margin(found, rows)}" for words, rows in ((what, changed), (ended, offers)) if words]
    verb = "is" if len(below) == 1 else "are"
    sold = f"{pluralize(len(below), noun)} {verb} sold below cost." if len(below) else f"No {noun} is sold below cost."
    stays = " List prices stay." if ended and not what else ""
    return f"The price list of {format_date(found.newest)} {'; it '.join(parts)}.{stays} {sold}"


def _margin(found: PriceChanges, rows: pd.DataFrame) -> str:
    """`: €1,234 more margin a week at current volumes`; empty where that is not known."""
    effect = rows["effect"].sum(min_count=1)
    if rows.empty or not found.volumes.weeks or pd.isna(effect):
        return ""
    return f": {money_in_text(abs(effect))} {'more' if effect >= 0 else 'less'} margin a week at current volumes"


def what_to_review(found: PriceChanges) -> str:
    """What purchasing has to look at: what is sold below cost, the largest loss first; empty for nothing."""
    below = found.below
    if below.empty:
        return ""
    first = below.iloc[0]
    return (
        f"raise the price or lower the cost of {pluralize(len(below), found.prices.noun)} sold below cost, "
        f"{first[found.prices.label]} ({first[found.prices.item]}) first."
    )


def change_figures(found: PriceChanges, *, price: str) -> tuple[Figure, ...]:
    """The headline numbers: items changed, effect on the margin, costs that rose, items below cost.

    `price`: the column of the price whose ups and downs are counted in the first note.
    """
    prices, changed, below = found.prices, found.changed, found.below
    moved = pd.concat([changed["effect"], found.offers["effect"]])
    effect, lost = moved.sum(min_count=1), below["lost"].sum(min_count=1)
    dearer, cheaper = int((changed[f"{price}_change"] > 0).sum()), int((changed[f"{price}_change"] < 0).sum())
    costlier = changed[changed[f"{prices.cost}_change"] > 0]
    return (
        Figure(
            f"{prices.noun}s changed on {format_date(found.newest)}",
            len(changed),
            "integer",
            note=f"{prices.prices[price].lower()} up for {format_number(dearer)}, down for {format_number(cheaper)}"
            f"{f'; offers ended on {format_number(len(found.offers))} more' if len(found.offers) else ''}",
            sources=prices.counted_rows(price, changed),
        ),
        Figure(
            "Margin effect a week",
            None if pd.isna(effect) and len(moved) else float(moved.sum()),
            "money",
            note=_effect_note(found),
            sources=tuple(prices.lineage(name, {"valid_from": found.newest}) for name in prices.prices),
        ),
        Figure(
            f"{prices.noun}s that cost more than before",
            len(costlier),
            "integer",
            note=f"{prices.prices[prices.cost].lower()} up",
            sources=prices.counted_rows(prices.cost, costlier),
        ),
        Figure(
            f"{prices.noun}s sold below cost",
            len(below),
            "integer",
            note=f"losing {money_in_text(lost)} a week" if len(below) and not pd.isna(lost) else "",
            sources=tuple(source for name in prices.prices for source in prices.counted_rows(name, below)),
        ),
    )


def _effect_note(found: PriceChanges) -> str:
    """At which volumes, and how much of it comes of offers that end, so that it agrees with the headline."""
    if not found.volumes.weeks:
        return "no sales are in the data yet"
    offers = found.offers["effect"].sum(min_count=1)
    if pd.isna(offers):
        return "at current volumes"
    of_it = f"{money_in_text(offers)} of it" if len(found.changed) else "all of it"
    return f"at current volumes; {of_it} from offers that end"


def what_changed(found: PriceChanges) -> Section:
    """Each item whose list prices or cost changed, before and now, its volume and the effect on the margin."""
    explained = (
        f"Prices and costs from {format_date(found.newest)} on against those before, the largest effect on the margin "
        "first. The effect is the change in margin a unit, times the units sold a week."
    )
    list_of = f"The price list of {format_date(found.newest)} changes"
    ends_offers = f"{list_of} no list price and no cost. It ends offers, which are listed below."
    nothing = ends_offers if len(found.offers) else f"{list_of} no price and no cost."
    return _moved(found, found.changed, "What changed", explained, when_empty=nothing)


def offers_that_end(found: PriceChanges) -> Iterator[Section]:
    """Each item whose price comes back after an offer; only if there are any."""
    if len(found.offers):
        explained = (
            f"Prices that come back on {format_date(found.newest)} to what they were before an offer. The effect is "
            "against the offer, at the units sold a week now; as the offer itself sold some of them, expect less."
        )
        yield _moved(found, found.offers, "Offers that end", explained)


def _moved(found: PriceChanges, moved: pd.DataFrame, title: str, description: str, *, when_empty: str = "") -> Section:
    """A table of items with their prices before and now, and a chart of those with the largest effects."""
    prices, volumes = found.prices, found.volumes
    both = tuple(one for name in prices.prices for one in (*prices.now(name), prices.before(name)))
    labels = moved[prices.label].where(~moved[prices.label].duplicated(keep=False), moved[prices.item])
    moved = moved.assign(article=labels.fillna(moved[prices.item]))
    drawn = moved[moved["effect"].fillna(0) != 0].head(ITEMS_DRAWN)
    return Section(
        title=title,
        says=_how_many(moved, prices.noun, "effect", "of margin a week"),
        description=description if len(moved) else "",
        frame=moved,
        columns=(
            *prices.named,
            *(column for name in prices.prices for column in _before_and_now(prices, name)),
            ReportColumn("units", "Units a week", "number", sources=volumes.sources),
            ReportColumn(
                "effect",
                "Margin effect a week",
                "money",
                highlight_below=0,
                bars=True,
                sources=(*both, *volumes.sources),
            ),
        ),
        chart=Chart("bar", "article", ("effect",), "Margin effect a week", frame=drawn, format="money")
        if len(drawn) > 1
        else None,
        when_empty=when_empty,
    )


def _how_many(rows: pd.DataFrame, noun: str, money: str, of: str) -> str:
    """`12 SKUs, −€340 of margin a week`; without the money where it is not known."""
    total = rows[money].sum(min_count=1) if len(rows) else None
    amount = f", {money_in_text(float(total))} {of}" if is_known(total) and total else ""
    return f"{counted(len(rows), noun)}{amount}"


def _before_and_now(prices: PriceList, name: str) -> tuple[ReportColumn, ReportColumn]:
    title = prices.prices[name]
    return (
        ReportColumn(f"{name}_before", f"{title} before", "money", sources=(prices.before(name),)),
        ReportColumn(name, f"{title} now", "money", sources=prices.now(name)),
    )


def other_terms(found: PriceChanges, terms: tuple[ReportColumn, ...]) -> Iterator[Section]:
    """Items whose version begins for another reason than a price, with the columns of `terms`; only if there are."""
    prices, last = found.prices, found.last
    others = last[last["before_from"].notna() & ~last.index.isin(differing(prices, last).index)]
    if len(others):
        yield Section(
            title="Other terms changed",
            says=counted(len(others), prices.noun),
            description=f"Prices stay as they were, but the list of {format_date(found.newest)} says otherwise of "
            "something else.",
            frame=others.reset_index(drop=True),
            table=prices.name,
            key=(prices.item, "valid_from"),
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
            says=counted(len(fresh), prices.noun),
            description=f"{prices.noun}s that no list before {format_date(found.newest)} had.",
            frame=fresh.sort_values(prices.item).reset_index(drop=True),
            table=prices.name,
            key=(prices.item, "valid_from"),
            columns=(
                *prices.named_by_key,
                SUPPLIER,
                *prices.columns,
                ReportColumn("margin", title, "percent", sources=prices.now(price, prices.cost)),
            ),
        )


def sold_below_cost(found: PriceChanges) -> Section:
    """Every item that a channel sells for less than it costs, with what that loses a week."""
    prices, below, volumes = found.prices, found.below, found.volumes
    lost = (*prices.now(), *volumes.sources)
    return Section(
        title="Sold below cost",
        says=_how_many(below, prices.noun, "lost", "lost a week"),
        description="What is in force now: each unit sold for less than the item cost loses the difference."
        if len(below)
        else "",
        frame=below,
        table=prices.name,
        key=(prices.item, "valid_from"),
        columns=(
            *prices.named_by_key,
            *prices.columns,
            ReportColumn("units", "Units a week", "number", sources=volumes.sources),
            ReportColumn("lost", "Lost a week", "money", highlight_above=0, sources=lost),
        ),
        when_empty=f"No {prices.noun} has a consumer or a dealer price below its item cost.",
    )


def lists_of_the_year(found: PriceChanges) -> Section:
    """A line per price list of the last year: items changed for good, mean changes, effect; offers begun and ended."""
    prices = found.prices
    lines = _lines_of_the_year(found)
    of_list = same_row("valid_from")
    changed = {name: (prices.lineage(name, of_list, "rows"),) for name in prices.prices}
    basis = next(iter(changed.values()))
    return Section(
        title="Price lists of the last year",
        says=counted(len(lines), "list"),
        description=f"For each day on which prices or costs changed: how many {prices.noun}s for good, by how much on "
        "average, and what that did to the margin a week, at the volumes of today; and the offers, whose prices came "
        "back within three months.",
        frame=lines.sort_index(ascending=False).reset_index(),
        columns=(
            ReportColumn("valid_from", "In force from", "date"),
            ReportColumn("skus", f"{prices.noun}s changed", "integer", sources=basis),
            *(
                ReportColumn(f"{name}_change", f"{title}, mean change", "percent", sources=changed[name])
                for name, title in prices.prices.items()
            ),
            ReportColumn(
                "effect",
                "Margin effect a week",
                "money",
                highlight_below=0,
                sources=tuple(prices.lineage(name, of_list) for name in prices.prices),
            ),
            ReportColumn("offer_begins", "Offers begun", "integer", sources=basis),
            ReportColumn("offer_ends", "Offers ended", "integer", sources=basis),
        ),
        when_empty="No price and no cost changed within that year.",
    )


def _lines_of_the_year(found: PriceChanges) -> pd.DataFrame:
    prices, versions = found.prices, found.versions
    recent = differing(prices, versions[versions["valid_from"] > found.newest - LISTS_SINCE])
    recent = recent.assign(**{f"offer_{one}": recent["offer"] == one for one in ("begins", "ends")})
    for_good = recent[recent["offer"] == ""]
    lines = for_good.groupby("valid_from").agg(
        skus=(prices.item, "size"),
        **{f"{name}_change": (f"{name}_change", "mean") for name in prices.prices},
        effect=("effect", lambda effect: effect.sum(min_count=1)),
    )
    lines = recent.groupby("valid_from")[["offer_begins", "offer_ends"]].sum().join(lines)
    return lines.assign(skus=lines["skus"].fillna(0)).astype({"skus": "int64"})
