"""The promise of docs/models.md: a forecaster of weights that lie on the server is one class in a shelf file."""

import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from s2p_assets.learning.forecasting.learnable import training_rows
from s2p_assets.learning.forecasting.models.moving_average import MovingAverage
from s2p_assets_tests.learning.histories import WEEKLY, seasonal

DOCS = Path(__file__).parents[2] / "docs" / "models.md"


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    section = DOCS.read_text().split("## A forecaster of weights that you have")[1]
    found = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert found
    shelf = types.ModuleType("shelf_of_the_docs")
    monkeypatch.setitem(sys.modules, shelf.__name__, shelf)
    exec(found[1].replace("/srv/weights/demand", str(tmp_path)), vars(shelf))
    return shelf


def test_it_forecasts_with_the_folder_is_stored_without_it_and_says_which_is_missing(
    written: types.ModuleType, tmp_path: Path
) -> None:
    history = training_rows(seasonal(3, 40), WEEKLY)
    fitted = written.demand_local_weights.build().fit(history, WEEKLY)
    with pytest.raises(FileNotFoundError, match=r"factor\.npy"):
        fitted.forecast(history, 4)
    np.save(tmp_path / "factor.npy", np.array([1.0, 2.0, 1.0, 0.5]))
    plain = MovingAverage(periods=13).fit(history, WEEKLY).forecast(history, 4)["mean"].to_numpy()
    (tmp_path / "version").mkdir()
    fitted.save(tmp_path / "version")
    again = type(fitted).load(tmp_path / "version")
    assert again.forecast(history, 4)["mean"].to_numpy() == pytest.approx(plain * np.tile([1.0, 2.0, 1.0, 0.5], 3))
