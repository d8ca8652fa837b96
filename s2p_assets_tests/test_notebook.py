"""The notebook for data scientists runs from its first cell to its last, on the sample company."""

import json
from pathlib import Path
from typing import Any

import pytest

from s2p_assets_tests.retail_home import Company

NOTEBOOK = Path(__file__).parents[1] / "docs/notebooks/from_a_table_to_a_model.ipynb"


def test_the_notebook_runs_and_its_model_is_better_than_a_plain_mean_or_nearly(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S2P_HOME", str(company.settings.home))
    monkeypatch.setenv("S2P_DATABASE_URL", str(company.settings.database_url))
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    made: dict[str, Any] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), made)  # the words of the notebook itself
    assert len(made["known"]) == len(made["cases"]) > 300
    assert made["error"] < 1.2 * made["plain"]
    assert made["traced"]["rows"][0]["under"][0]["rows"][0]["file"]["path"]
