"""What would be expected of a series at another price, by a trained version as it is; nothing is trained here.

What is expected as things stand is in `series.py`.
"""

from typing import TYPE_CHECKING, Any

from s2p_assets.contracts.model import Contest, ForecastTask
from s2p_assets.learning.registry.mlflow_tables import Record
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.model_queries import find_trained
from s2p_assets.services.planning.series import model_in_words, series_forecast_named
from s2p_assets.warehouse.tables.row_query import QueryInvalid

if TYPE_CHECKING:
    import pandas as pd

FLAT = 1e-6
"""A forecast that moves by less than this share at another price does not look at prices."""
HIGHEST_PRICE = 1e9
MOST_TRIED = 4


def what_if_price(ctx: Context, name: str, entity: str, price: float) -> dict[str, Any]:
    """What would be expected of one entity at another price, in the periods to come.

    By the version in service; where that does not look at prices, by the best of the other candidates that does.
    `periods`: time, price now, and what is expected now and then; `now`, `then`: their sums. `seen`: the lowest and
    highest price that it had so far. `in_service`: whether `model` is; it and `serving` are in words, and
    `model` is None where none looks at prices.
    Raises NotFound, and QueryInvalid for what cannot be asked.
    """
    from s2p_assets.warehouse.tables import store

    one = series_forecast_named(ctx.catalog, name)
    task = one.task
    if task.price is None or task.price not in task.known:
        raise QueryInvalid(f"{one.contest.full_name} learns from no price that is known in advance")
    if not 0 < price < HIGHEST_PRICE:
        raise QueryInvalid("a price is above 0; write it as 12.50")
    with ctx.warehouse.reading() as connection:
        history = store.read_rows(connection, one.features.domain, one.features.name, one.features.columns)
    mine, ahead = history[task.entity].astype("string") == entity, history[task.target].isna()
    if not (mine & ahead).any():
        raise NotFound(f"no period to come is known of {task.entity} {entity[:80]!r}")
    other = history.assign(**{task.price: history[task.price].astype(float).mask(mine & ahead, price)})
    serving, *others = _by_loss(ctx, one.contest)
    found = None
    for record in (serving, *others[:MOST_TRIED]):
        now, then = (_expected(ctx, one.contest, record, rows, entity) for rows in (history, other))
        if _differ(now, then):
            found = record
            break
    prices = history.loc[mine].set_index(task.time)[task.price].astype(float)
    seen = history.loc[mine & ~ahead, task.price].astype(float)
    return {
        "entity": entity,
        "price": price,
        "model": model_in_words(one.contest, found.model) if found else None,
        "serving": model_in_words(one.contest, serving.model),
        "in_service": found is serving,
        "seen": [float(seen.min()), float(seen.max())] if seen.notna().any() else None,
        "now": float(now["mean"].sum()),
        "then": float(then["mean"].sum()),
        "periods": [
            {"time": at.date(), "price": _number(prices.get(at)), "now": float(before), "then": float(after)}
            for at, before, after in zip(now[task.time], now["mean"], then["mean"], strict=True)
        ],
    }


def _by_loss(ctx: Context, contest: Contest) -> list[Record]:
    """The version in service, then the newest of every other candidate, the best first."""
    trained = find_trained(ctx, contest.full_name)
    newest = {record.model: record for record in trained.state.versions}
    others = (record for record in newest.values() if record.model != trained.record.model)
    return [trained.record, *sorted(others, key=lambda record: record.loss)]


def _expected(ctx: Context, contest: Contest, record: Record, rows: "pd.DataFrame", entity: str) -> "pd.DataFrame":
    from s2p_assets.learning.forecasting.forecasts import forecast_series
    from s2p_assets.learning.versions import Champion

    made = ctx.registry.load(contest.domain, contest.name, record)
    task = contest.task
    assert isinstance(task, ForecastTask)
    found = forecast_series(Champion(contest.domain, contest.name, made, "", made.scores), rows)
    mine = found[found[task.entity].astype("string") == entity].sort_values(task.time)
    if mine.empty:
        raise NotFound(f"nothing is forecast of {task.entity} {entity[:80]!r}")
    return mine


def _differ(now: "pd.DataFrame", then: "pd.DataFrame") -> bool:
    moved = (now["mean"].to_numpy() - then["mean"].to_numpy()).__abs__().sum()
    return bool(moved > FLAT * max(float(now["mean"].sum()), FLAT))


def _number(value: Any) -> float | None:
    return None if value is None or value != value else float(value)  # noqa: PLR0124  NaN
