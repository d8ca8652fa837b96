"""Figures of checks are read as they were told, and what was not told is left out."""

import datetime as dt

import pandas as pd

from s2p_assets.graph.assets.metadata import markdown_table
from s2p_assets.graph.checks.drift import _table
from s2p_assets.learning.monitoring.drift import measure_drift, summarize_columns
from s2p_assets.services.model_checks import drift_told, errors_told

AT = dt.datetime(2026, 3, 31, tzinfo=dt.UTC)


def test_errors_of_each_contest_stand_beside_their_bands() -> None:
    told: dict[str, dict[str, object]] = {
        f"retail_demand: {name}": {"value": value}
        for name, value in {"error": 0.2, "usual error": 0.1, "highest error": 0.15}.items()
    }
    told |= {"moving_average": {"text": "no champion yet"}, "crm_win: error": {"value": 0.5}}
    found = errors_told(told, AT)
    assert found.keys() == {"retail_demand"}
    assert (found["retail_demand"].now, found["retail_demand"].is_above) == (0.2, True)


def test_columns_are_read_from_the_table_that_the_check_of_drift_writes() -> None:
    then = pd.DataFrame({"price": [float(at % 50) for at in range(2000)]})
    now = then.iloc[:500] + 40.0
    reference = summarize_columns(then, ["price"], windows=pd.Series([at // 200 for at in range(2000)]))
    table = markdown_table(_table(measure_drift(reference, now)))
    found = drift_told({"columns": {"md_str": table.value}, "compared": {"text": "500 rows are new"}}, AT)
    (price,) = found.columns
    assert (price.column, price.verdict, price.rows) == ("price", "drifted", 500)
    assert price.moved > 0.25 > price.usual


def test_a_check_without_columns_tells_what_it_compared() -> None:
    assert drift_told({"compared": {"text": "no model is in service"}}, AT).columns == ()
