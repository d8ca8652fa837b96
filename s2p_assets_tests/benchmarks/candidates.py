"""The candidates and the contest of the retail shelf, for a task of a benchmark's own.

What is measured of them is in the benchmarks.
"""

from dataclasses import replace
from functools import wraps

from s2p_assets.catalog.loading import load_catalog
from s2p_assets.contracts.model import Contest, Forecaster, ForecastTask, Model
from s2p_assets.learning.forecasting.models.boosting import Boosting
from s2p_assets.learning.forecasting.models.combination import Combination
from s2p_assets.learning.forecasting.models.moving_average import MovingAverage
from s2p_assets.learning.forecasting.models.weighted_combination import WeightedCombination


def shelf_contest(task: ForecastTask) -> Contest:
    """The retail shelf's contest over another task."""
    declared: Contest = load_catalog(("s2p_assets",)).contests["retail_demand_champion"]
    return replace(declared, task=task)


def shelf_models(task: ForecastTask, recent: int | None = None) -> list[Model]:
    """Its candidates by name; with the price that the task has, and `recent` periods in a moving average."""
    catalog = load_catalog(("s2p_assets",))
    found = catalog.candidates(catalog.contests["retail_demand_champion"])
    return [_fitting(model, task, recent) for model in sorted(found, key=lambda model: model.name)]


def _fitting(model: Model, task: ForecastTask, recent: int | None) -> Model:
    built = _with(model.build(), task, recent)
    return replace(model, build=wraps(model.build)(lambda: built))


def _with(forecaster: Forecaster, task: ForecastTask, recent: int | None) -> Forecaster:
    if isinstance(forecaster, Boosting):
        return replace(forecaster, price=task.price or next(iter(task.known), None))
    if isinstance(forecaster, MovingAverage) and recent:
        return replace(forecaster, periods=recent)
    if isinstance(forecaster, Combination | WeightedCombination):
        return replace(forecaster, members=tuple(_with(member, task, recent) for member in forecaster.members))
    return forecaster
