"""How orders that follow from a forecast would have served after past cutoffs: fill, days of stock, what perished.

Levels are worked out in `replenishment.py`, as for the orders of today; forecasts of the past are given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from s2p_assets.inventory.replenishment import (
    DemandDistribution,
    Matrix,
    ReplenishmentPolicy,
    demand_over_periods,
    stock_levels,
)

SERVICE_LEVELS = (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995)
MOST_FILL = 0.98
"""Stock is compared at the fill that the standing forecast kept, at most at this: beyond, a few odd weeks decide."""
WORTH_A_CHANGE, FEWEST_FOLDS = 0.05, 3
DAYS_A_YEAR = 365.0


@dataclass(frozen=True)
class PastForecasts:
    """What was forecast at past cutoffs, and what was then asked for: a row for each cutoff and item.

    `means`, `actual` (rows × periods; an actual that is not known is NaN), `folds` (which cutoff), `items`: entity,
    deviation, lead_time_days and shelf_life_days (missing for what does not perish).
    """

    folds: Matrix
    items: pd.DataFrame
    means: Matrix
    actual: Matrix


@dataclass(frozen=True)
class ServedOrders:
    """What orders up to some levels came to, by fold: units asked for, short, wasted, and held (unit periods)."""

    asked: Matrix
    short: Matrix
    wasted: Matrix
    held: Matrix

    def without(self, fold: int) -> "ServedOrders":
        parts = (np.delete(part, fold) for part in (self.asked, self.short, self.wasted, self.held))
        return ServedOrders(*parts)

    @property
    def fill(self) -> float:
        """The share of the units asked for that stock was there for."""
        return float(1 - self.short.sum() / self.asked.sum())

    @property
    def waste(self) -> float:
        """Units past their shelf life, as a share of those asked for."""
        return float(self.wasted.sum() / self.asked.sum())

    def days_of_stock(self, review_days: float) -> float:
        """Units in stock over units asked for a day."""
        return float(self.held.sum() / self.asked.sum() * review_days)


def forecasts_with_terms(
    backtest: pd.DataFrame, terms: pd.DataFrame, policy: ReplenishmentPolicy, *, days_per_period: float
) -> PastForecasts:
    """A backtest (one row per fold, entity and step: actual, mean, censored, deviation) with each entity's terms.

    `terms`: lead_time_days and shelf_life_days by entity, both may be missing. A lead time for which the backtest does
    not reach far enough counts as the longest for which it does. Rows with an actual that is not known until then are
    left out.
    """
    known = backtest.assign(actual=backtest["actual"].astype(float).mask(backtest["censored"].astype(bool)))
    wide = known.pivot(index=["fold", "entity"], columns="step", values=["actual", "mean", "deviation"])
    entities = wide.index.get_level_values("entity")
    periods = wide["mean"].shape[1]
    longest = max(periods * days_per_period - policy.review_days, 0.0)
    own = terms.reindex(entities.astype(str))
    lead = own["lead_time_days"].astype(float).fillna(policy.usual_lead_days).clip(upper=longest)
    items = pd.DataFrame(
        {
            "entity": entities.astype(str),
            "deviation": wide["deviation"].to_numpy(float)[:, 0],
            "lead_time_days": lead.to_numpy(float),
            "shelf_life_days": own["shelf_life_days"].astype(float).to_numpy(),
        }
    )
    means, actual = wide["mean"].to_numpy(float), wide["actual"].to_numpy(float)
    needed = np.ceil((items["lead_time_days"].to_numpy() + policy.review_days) / days_per_period - 1e-9)
    unknown = np.isnan(actual) & (np.arange(periods)[None, :] < needed[:, None])
    whole = ~unknown.any(axis=1) & ~np.isnan(means).any(axis=1)
    folds = np.unique(wide.index.get_level_values("fold").to_numpy()[whole], return_inverse=True)[1]
    return PastForecasts(np.asarray(folds), items[whole].reset_index(drop=True), means[whole], actual[whole])


def served_orders(
    past: PastForecasts, spread: DemandDistribution, policy: ReplenishmentPolicy, *, days_per_period: float
) -> ServedOrders:
    """What stock and orders together, anywhere between the two levels at each cutoff, would have served.

    Of a position of s units, (s − D)⁺ lie in stock after the demand D of the lead time and of the review that follows
    it: Hadley & Whitin (1963). What would lie there after lead time and shelf life perishes, at most what a review's
    orders bring.
    """
    levels = stock_levels(past.items, past.means, spread, policy, days_per_period=days_per_period)
    actual = np.nan_to_num(past.actual, nan=0.0)
    until, then = demand_over_periods(actual, levels.lead), demand_over_periods(actual, levels.periods)
    life = past.items["shelf_life_days"].to_numpy(float) / days_per_period
    perishes = np.isfinite(life)
    reached = demand_over_periods(actual, levels.lead + np.where(perishes, life, 0.0))
    short, wasted, held = (np.zeros(len(actual)) for _ in range(3))
    positions = (levels.point, (levels.point + levels.up_to) / 2, levels.up_to)
    for position in positions:
        first, last = np.maximum(position - until, 0.0), np.maximum(position - then, 0.0)
        short += np.maximum(then - position, 0.0) - np.maximum(until - position, 0.0)
        held += (first + last) / 2
        left = np.minimum(np.maximum(position - reached, 0.0), then - until)
        wasted += np.where(perishes, left, 0.0)
    count = len(positions)
    parts = (then - until, short / count, wasted / count, held / count)
    return ServedOrders(*(np.asarray(np.bincount(past.folds, part), float) for part in parts))


def order_backtest_of(
    backtests: Mapping[str, pd.DataFrame],
    spreads: Mapping[str, DemandDistribution],
    terms: pd.DataFrame,
    policy: ReplenishmentPolicy,
    *,
    standing: str,
    days_per_period: float,
) -> pd.DataFrame:
    """How orders would have served that follow from each of several forecasts, and which is to be ordered by.

    `backtests`, `spreads`: by the forecast's name, of the same cutoffs, as of `forecasts_with_terms`. `standing`: the
    name of the one in service. One row per forecast, in the order given: name, serves (is ordered by), fill,
    days_of_stock and wasted (a share) at the policy's service level, stock_at_same_fill (days at the fill that the
    standing one kept, at most 98 %; waste counts as what it costs in days of holding), folds.
    The standing one is ordered by, unless another needs over 5 % fewer such days, and fewer whichever fold is left out.
    """
    curves: dict[str, list[ServedOrders]] = {}
    levels = sorted({*SERVICE_LEVELS, policy.service_level})
    rows = []
    for name, backtest in backtests.items():
        past = forecasts_with_terms(backtest, terms, policy, days_per_period=days_per_period)
        found = [
            served_orders(past, spreads[name], replace(policy, service_level=level), days_per_period=days_per_period)
            for level in (levels if len(past.folds) else ())
        ]
        any_asked = len(found) > 0 and found[0].asked.sum() > 0
        if any_asked:
            curves[name] = found
        rows.append(
            {"name": name} | _kept(found[levels.index(policy.service_level)] if any_asked else None, past, policy)
        )
    table = pd.DataFrame(rows).set_index("name", drop=False)
    at_fill = {name: days_at_fill(found, _target(table, standing), policy) for name, found in curves.items()}
    table["stock_at_same_fill"] = pd.Series(at_fill).reindex(table.index).replace(np.inf, np.nan)
    table["serves"] = table.index == _ordered_by(curves, at_fill, standing, _target(table, standing), policy)
    return table.reset_index(drop=True)


def _kept(served: ServedOrders | None, past: PastForecasts, policy: ReplenishmentPolicy) -> dict[str, float]:
    if served is None:
        return {"fill": np.nan, "days_of_stock": np.nan, "wasted": np.nan, "folds": 0}
    perishes = past.items["shelf_life_days"].notna().any()
    wasted = served.waste if perishes else np.nan
    days = served.days_of_stock(policy.review_days)
    return {"fill": served.fill, "days_of_stock": days, "wasted": wasted, "folds": len(served.asked)}


def order_choice(table: pd.DataFrame) -> str:
    """The name of the forecast that is ordered by, of a table with `model` and `serves`."""
    return str(table.loc[table["serves"].astype(bool), "model"].iloc[0])


def why_ordered_by(table: pd.DataFrame, standing: str) -> str:
    """In a sentence, by which forecast is ordered and what its orders would have served in past weeks.

    `table`: as of `order_backtest_of`; `standing`: the name of the forecast in service.
    """
    by_name = table.set_index("name")
    chosen = str(by_name.index[by_name["serves"]][0])
    figures = by_name[["fill", "days_of_stock", "stock_at_same_fill"]].to_dict("index")
    own, best = figures[standing], figures[chosen]
    if np.isnan(own["fill"]):
        return f"Orders follow from {standing}, in service: too few past weeks are known to try its orders on."
    if chosen == standing:
        kept = f"filled {best['fill']:.1%} of demand with {best['days_of_stock']:.0f} days of stock"
        tried = f", and none of {len(table) - 1} others clearly less stock for that" if len(table) > 1 else ""
        return f"Orders follow from {standing}, in service: in past weeks they would have {kept}{tried}."
    known = not np.isnan(own["stock_at_same_fill"])
    more = (
        f"where {standing}, in service, would have needed {own['stock_at_same_fill']:.0f}"
        if known
        else (f"and {standing}, in service, would not have reached it")
    )
    needed = f"they would have needed {best['stock_at_same_fill']:.0f} days of stock"
    return f"Orders follow from {chosen}: for the same fill in past weeks {needed}, {more}."


def _target(table: pd.DataFrame, standing: str) -> float:
    return min(float(table["fill"].to_dict()[standing]), MOST_FILL)


def days_at_fill(found: Sequence[ServedOrders], fill: float, policy: ReplenishmentPolicy) -> float:
    """Days of stock, waste included as days of holding, at which a fill is reached; infinite where it is not."""
    fills = np.maximum.accumulate([served.fill for served in found])
    if not len(fills) or np.isnan(fill) or fills[-1] < fill:
        return float("inf")
    a_unit = DAYS_A_YEAR / policy.holding_cost if policy.holding_cost > 0 else 0.0
    days = [served.days_of_stock(policy.review_days) + a_unit * served.waste for served in found]
    return float(np.interp(fill, fills, days))


def _ordered_by(
    curves: Mapping[str, Sequence[ServedOrders]],
    at_fill: Mapping[str, float],
    standing: str,
    fill: float,
    policy: ReplenishmentPolicy,
) -> str:
    if standing not in curves or len(curves[standing][0].asked) < FEWEST_FOLDS:
        return standing
    best = min(at_fill, key=lambda name: at_fill[name])
    if not at_fill[best] < at_fill[standing] * (1 - WORTH_A_CHANGE):
        return standing
    for fold in range(len(curves[standing][0].asked)):
        days = {
            name: days_at_fill([served.without(fold) for served in curves[name]], fill, policy)
            for name in (best, standing)
        }
        if not days[best] < days[standing]:
            return standing
    return best
