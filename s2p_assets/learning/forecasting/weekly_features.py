"""Weekly series as a feature set: what was known of each series when a week began, and the weeks to come.

How sales become weekly demand is in `demand.py`; what the columns are called and whose they are, the shelves say.
"""

import pandas as pd

from s2p_assets.contracts.model import ForecastTask
from s2p_assets.learning.forecasting import lags
from s2p_assets.learning.forecasting.series import future_times, panel, regular_history, uncensor, values_by_row

LAGS = (1, 2, 4, 8, 52)
SPANS = (4, 13)


def weekly_features(history: pd.DataFrame, task: ForecastTask, *, price: str) -> pd.DataFrame:
    """`history` with what was known of each series when the week began: nothing from the week itself or later.

    `history`: one row per (entity, week) with the target, `price`, and the censored column if the task names one.
    Returns one row per (entity, week), every week from an entity's first row on, those without a row as 0, and beside
    the given columns, all of them missing where nothing is known:

    - `lag_1`, `_2`, `_4`, `_8`, `_52`: the target so many weeks before;
    - `mean_4`, `_13`, `std_4`, `_13`: its mean and standard deviation over so many weeks before;
    - `zeros_13`: the share of weeks without any; `price_ratio`: the last price over its mean of 13 weeks;
    - `weeks_since_first_sale`: whole weeks from the first above 0 to the week before.

    Censored weeks count as `series.uncensor` estimates them. Raises TooLittleHistory or UnusableHistory.
    """
    sold = regular_history(history, task)
    units = lags.lag(panel(uncensor(sold, task), task).values, 1)
    last_price = lags.lag(lags.last_known(panel(sold, task, price).values), 1)
    known = {f"lag_{weeks}": lags.lag(units, weeks - 1) for weeks in LAGS}
    known |= {f"mean_{weeks}": lags.moving_mean(units, weeks) for weeks in SPANS}
    known |= {f"std_{weeks}": lags.moving_std(units, weeks) for weeks in SPANS}
    known |= {"zeros_13": lags.share_of_zeros(units, 13), "price_ratio": lags.ratio_to_usual(last_price, 13)}
    known |= {"weeks_since_first_sale": lags.age(units)}
    rows = sold.assign(**{name: values_by_row(values, sold, task) for name, values in known.items()})
    return rows.astype({"weeks_since_first_sale": "Int64"})


def weeks_to_come(rows: pd.DataFrame, task: ForecastTask) -> pd.DataFrame:
    """One row per entity of `rows` and week of the horizon after its last: for what is known of these in advance.

    Columns: entity and time under the task's names, and the censored one, false.
    """
    weeks = pd.DataFrame({task.time: future_times(rows[task.time].max(), task.horizon, task)})
    ahead = rows[[task.entity]].drop_duplicates().merge(weeks, how="cross")
    return ahead.assign(**{task.censored: False}) if task.censored else ahead
