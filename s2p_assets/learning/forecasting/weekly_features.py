"""Weekly series as a feature set: what was known of each series when a week began, and the weeks to come.

How sales become weekly demand is in `demand.py`; what the columns are called and whose they are, the shelves say.
"""

import pandas as pd

from s2p_assets.contracts.model import ForecastTask
from s2p_assets.learning.forecasting import lags
from s2p_assets.learning.forecasting.series import panel, regular_history, uncensor, values_by_row

LAGS = (1, 2, 4, 8, 52)
SPANS = (4, 13)


def weekly_features(
    history: pd.DataFrame,
    *,
    entity: str,
    week: str,
    target: str,
    price: str,
    censored: str | None = None,
    damped: str | None = None,
) -> pd.DataFrame:
    """`history` with what was known of each series when the week began: nothing from the week itself or later.

    `history`: one row per (entity, week) with the columns that the other parameters name; `week` is its Monday.
    Returns one row per (entity, week), every week from an entity's first row on, those without a row as 0, and beside
    the given columns, all of them missing where nothing is known:

    - `lag_1`, `_2`, `_4`, `_8`, `_52`: the target so many weeks before;
    - `mean_4`, `_13`, `std_4`, `_13`: its mean and standard deviation over so many weeks before;
    - `zeros_13`: the share of weeks without any; `price_ratio`: the last price over its mean of 13 weeks;
    - `weeks_since_first_sale`: whole weeks from the first above 0 to the week before.

    Censored weeks count as `series.uncensor` estimates them, implausible ones as `damped` says. Raises TooLittleHistory
    or UnusableHistory.
    """
    task = ForecastTask(entity=entity, time=week, target=target, censored=censored, damped=damped)
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


def weeks_to_come(rows: pd.DataFrame, *, entity: str, week: str, weeks: int) -> pd.DataFrame:
    """One row per entity of `rows` and week after the last of all, `weeks` of them: for what is known in advance.

    Columns: entity and week (its Monday), under the names that `rows` has for them.
    """
    mondays = pd.date_range(rows[week].max(), periods=weeks + 1, freq="7D")[1:]
    return rows[[entity]].drop_duplicates().merge(pd.DataFrame({week: mondays}), how="cross")
