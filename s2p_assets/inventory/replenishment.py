"""When and how much to order, from the distribution of demand until the next order could arrive.

Where that distribution comes from is for `intervals.py`; products, stock and suppliers are the tables' business.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

Matrix = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


class DemandDistribution(Protocol):
    """What is known of how demand varies around its forecast."""

    def sum_quantiles(
        self, total: ArrayLike, periods: ArrayLike, levels: Sequence[float], deviation: ArrayLike | None = None
    ) -> Matrix:
        """Quantiles of the demand of the next `periods` periods, whose forecast is `total`: (rows × levels)."""


@dataclass(frozen=True)
class ReplenishmentPolicy:
    """Periodic review with reorder point and order-up-to level: the (R, s, S) policy, Silver, Pyke & Thomas (2017).

    `service_level`: probability that stock lasts until the order after next arrives. `review_days`: days
    between two looks. `cover_days`: expected demand of so many days is ordered on top, so that orders are
    fewer; 0 is the fixed-time-period model, in which reorder point and order-up-to level coincide.
    `usual_lead_days`: days from order to arrival where a supplier says none. `holding_cost`: what holding a unit for a
    year costs, as a share of its cost.
    """

    service_level: float = 0.95
    review_days: int = 7
    cover_days: int = 0
    usual_lead_days: int = 14
    holding_cost: float = 0.25

    def __post_init__(self) -> None:
        if not 0 < self.service_level < 1 or self.review_days < 1 or self.cover_days < 0:
            raise ValueError(f"{self}: needs 0 < service_level < 1, review_days ≥ 1 and cover_days ≥ 0")

    @property
    def cycle_days(self) -> int:
        """Days from one order to the next, at the expected demand."""
        return self.review_days + self.cover_days


def critical_ratio(understock_cost: ArrayLike, overstock_cost: ArrayLike) -> Matrix:
    """Cu / (Cu + Co): the probability with which demand should be met, where a unit short costs Cu and one too many Co.

    Arrow, Harris & Marschak (1951); Snyder & Shen, *Fundamentals of Supply Chain Theory* (2019), eq. 4.17. For
    stock that is reviewed again and sales that are lost, Co is what a unit costs to hold for one order cycle:
    Hadley & Whitin (1963). A Cu below 0 counts as 0: nothing is lost by not selling. NaN where a cost is missing,
    or both are 0. Raises ValueError for a negative Co.
    """
    short, over = np.maximum(np.asarray(understock_cost, float), 0.0), np.asarray(overstock_cost, float)
    if (over < 0).any():
        raise ValueError("an overstock cost is below 0: then stock would be held without end")
    with np.errstate(invalid="ignore"):
        return np.asarray(short / (short + over))


def expected_short(
    spread: DemandDistribution,
    expected: ArrayLike,
    periods: ArrayLike,
    stock: ArrayLike,
    *,
    deviation: ArrayLike | None = None,
    points: int = 200,
) -> Matrix:
    """Units that demand is expected to exceed `stock` by: E[(D − stock)⁺], D being the demand of `periods` together.

    The loss function of Silver, Pyke & Thomas (2017), taken over `points` equally likely quantiles of the
    spread around `expected` in place of a normal distribution. Never negative; falls as the stock grows.
    """
    levels = (np.arange(points) + 0.5) / points
    demands = spread.sum_quantiles(expected, periods, levels.tolist(), deviation)
    return np.asarray(np.maximum(demands - np.asarray(stock, float)[:, None], 0.0).mean(axis=1))


def demand_over_periods(means: Matrix, periods: ArrayLike) -> Matrix:
    """Expected demand of the next `periods` periods of each row of `means` (rows × steps), in units.

    A fraction of a period counts in part; beyond the last step the mean of all steps goes on.
    """
    lengths = np.asarray(periods, float)[:, None]
    steps = np.arange(means.shape[1])[None, :]
    within = (means * np.clip(lengths - steps, 0.0, 1.0)).sum(axis=1)
    return np.asarray(within + means.mean(axis=1) * np.maximum(lengths[:, 0] - means.shape[1], 0.0))


def safety_stock(quantile: ArrayLike, mean: ArrayLike) -> Matrix:
    """What is held beyond the expected demand: quantile − mean, in units, never below 0."""
    return np.maximum(np.asarray(quantile, float) - np.asarray(mean, float), 0.0)


def order_quantity(
    reorder_point: ArrayLike,
    order_up_to: ArrayLike,
    on_hand: ArrayLike,
    on_order: ArrayLike,
    *,
    pack_size: ArrayLike = 1,
    minimum_order: ArrayLike = 0,
) -> Matrix:
    """Units to order now: none while on hand + on order ≥ `reorder_point`, else up to `order_up_to`.

    An order is raised to `minimum_order` and rounded up to whole packs. Jacobs & Chase, *Operations and
    Supply Chain Management*, fixed-time-period model: q = demand over T + L, plus safety stock, − position.
    """
    position = np.asarray(on_hand, float) + np.asarray(on_order, float)
    pack = np.maximum(np.asarray(pack_size, float), 1.0)
    wanted = np.maximum(np.asarray(order_up_to, float) - position, np.asarray(minimum_order, float))
    # 1e-9: 12.000000000000002 packs are 12, not 13.
    packed = np.ceil(wanted / pack - 1e-9) * pack
    return np.where(position < np.asarray(reorder_point, float), np.maximum(packed, 0.0), 0.0)


def days_of_cover(on_hand: ArrayLike, means: Matrix, days_per_period: float) -> Matrix:
    """Days until `on_hand` units are gone at the expected demand (rows × steps); inf when they never will be."""
    stock = np.maximum(np.asarray(on_hand, float), 0.0)
    used = np.concatenate([np.zeros((len(means), 1)), means.cumsum(axis=1)], axis=1)
    steps = np.minimum((used[:, 1:] <= stock[:, None]).sum(axis=1), means.shape[1])
    rows = np.arange(len(means))
    beyond = steps == means.shape[1]
    rate = np.where(beyond, means.mean(axis=1), means[rows, np.minimum(steps, means.shape[1] - 1)])
    left = stock - used[rows, steps]
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = np.where(rate > 0, left / rate, np.inf)
    return np.asarray((steps + rest) * days_per_period)


def shifted_forecast(means: Matrix, elapsed: float) -> Matrix:
    """`means` (rows × steps) as seen `elapsed` periods into the forecast; the mean of all steps follows the last."""
    gone = max(float(elapsed), 0.0)
    ends = gone + np.arange(means.shape[1] + 1)
    used = np.column_stack([demand_over_periods(means, np.full(len(means), end)) for end in ends])
    return np.asarray(np.diff(used, axis=1))


@dataclass(frozen=True)
class StockLevels:
    """Levels by item, in units; `lead` and `periods` (lead time and review) in periods.

    `expected`: the demand over `periods`, `held` what is held beyond it, `point` both together, `up_to` the level that
    is ordered up to.
    """

    lead: Matrix
    periods: Matrix
    expected: Matrix
    held: Matrix
    point: Matrix
    up_to: Matrix


def stock_levels(
    items: pd.DataFrame,
    means: Matrix,
    spread: DemandDistribution,
    policy: ReplenishmentPolicy,
    *,
    days_per_period: float,
) -> StockLevels:
    """The reorder point and the order-up-to level of `items`, as `plan_orders` takes them.

    What perishes is not ordered beyond the demand that is expected until it would: over lead time and shelf life.
    """
    lead = items["lead_time_days"].to_numpy(float) / days_per_period
    periods = lead + policy.review_days / days_per_period
    expected = demand_over_periods(means, periods)
    held = safety_stock(_at_service_levels(items, spread, policy, expected, periods), expected)
    up_to = demand_over_periods(means, periods + policy.cover_days / days_per_period) + held
    if "shelf_life_days" in items:
        life = items["shelf_life_days"].astype(float).to_numpy() / days_per_period
        keeps = np.where(np.isnan(life), np.inf, demand_over_periods(means, lead + np.nan_to_num(life)))
        held = np.minimum(held, np.maximum(keeps - expected, 0.0))
        up_to = np.maximum(np.minimum(up_to, keeps), expected + held)
    return StockLevels(lead, periods, expected, held, expected + held, up_to)


def plan_orders(
    items: pd.DataFrame,
    means: Matrix,
    spread: DemandDistribution,
    policy: ReplenishmentPolicy,
    *,
    days_per_period: float,
) -> pd.DataFrame:
    """Levels and orders of `items`, one row each, in their order and with their index.

    `items`: on_hand, on_order (units, may be missing: not counted), lead_time_days, pack_size, minimum_order, and
    where it differs from the policy's service_level, deviation as of `intervals.deviations`, if known, and
    shelf_life_days of what perishes (missing for the rest).
    `means`: expected demand (items × periods from now on).

    The protection interval is lead time + review: what is ordered today must last until the order of the next look
    arrives. The reorder point is the quantile of the demand of that interval *together* at the service level (not
    quantiles of periods added up, nor mean + z·σ·√L); safety stock is that quantile less the mean, never below 0.

    Returns demand_over_lead_time (with the review period), safety_stock, reorder_point (their sum), order_up_to,
    order_quantity, days_of_cover (inf: never), shortage_if_ordered (units expected short before an order of today could
    arrive: no order averts them) and shortage_if_not_ordered (units expected short before one of the next look could).
    An item that is not counted has no order, no cover and no shortage (NaN). Units on order count as if they arrived in
    time.
    """
    levels = stock_levels(items, means, spread, policy, days_per_period=days_per_period)
    on_hand, on_order = items["on_hand"].to_numpy(float), items["on_order"].to_numpy(float)
    position = on_hand + on_order
    packs = {"pack_size": items["pack_size"], "minimum_order": items["minimum_order"]}
    orders = order_quantity(levels.point, levels.up_to, on_hand, on_order, **packs)
    cover = days_of_cover(on_hand, means, days_per_period)
    stock, own = np.maximum(position, 0.0), _deviation(items)
    before = expected_short(spread, demand_over_periods(means, levels.lead), levels.lead, stock, deviation=own)
    until_next = expected_short(spread, levels.expected, levels.periods, stock, deviation=own)
    return pd.DataFrame(
        {
            "demand_over_lead_time": levels.expected,
            "safety_stock": levels.held,
            "reorder_point": levels.point,
            "order_up_to": levels.up_to,
            "order_quantity": np.where(np.isnan(position), np.nan, orders),
            "days_of_cover": np.where(np.isnan(on_hand), np.nan, cover),
            "shortage_if_ordered": np.minimum(before, until_next),
            "shortage_if_not_ordered": until_next,
        },
        index=items.index,
    )


def _at_service_levels(
    items: pd.DataFrame, spread: DemandDistribution, policy: ReplenishmentPolicy, expected: Matrix, periods: Matrix
) -> Matrix:
    """The quantile of each item's demand over `periods` at its own service level, or else at the policy's."""
    if "service_level" not in items:
        return np.asarray(spread.sum_quantiles(expected, periods, [policy.service_level], _deviation(items))[:, 0])
    levels, which = np.unique(items["service_level"].fillna(policy.service_level), return_inverse=True)
    if len(levels) and not (levels.min() > 0 and levels.max() < 1):
        raise ValueError(f"service levels from {levels.min()} to {levels.max()}: each must be above 0 and below 1")
    found = spread.sum_quantiles(expected, periods, levels.tolist(), _deviation(items))
    return np.asarray(found[np.arange(len(items)), which])


def _deviation(items: pd.DataFrame) -> Matrix | None:
    return items["deviation"].to_numpy(float, na_value=0.0) if "deviation" in items else None


def run_out_dates(as_of: pd.Timestamp, cover: ArrayLike, *, within_days: int) -> pd.DatetimeIndex:
    """The day on which stock of `cover` days from `as_of` is gone; missing when not `within_days`."""
    days = np.asarray(cover, float)
    soon = np.floor(np.where(days <= within_days, days, np.nan))
    return pd.DatetimeIndex(pd.to_timedelta(soon, unit="D") + as_of.to_datetime64()).normalize()
