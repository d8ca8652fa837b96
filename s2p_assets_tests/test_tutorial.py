"""The tutorial's files load as they stand in it, and the domains are small beside the tools, as it says."""

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from s2p_assets.catalog.loading import load_catalog
from s2p_assets_tests.lines_of_code import by_domain, by_room

TUTORIAL = Path(__file__).parents[1] / "docs/tutorial.md"
FILES = re.compile(r"`mine/(\w+/\w+\.py)`\n\n```python\n(.*?)```", re.DOTALL)


@pytest.fixture
def shelves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The files of the tutorial as a package, with the two models that it leaves to the reader."""
    files = dict(FILES.findall(TUTORIAL.read_text(encoding="utf-8")))
    smoothing = files["models/acme_demand_smoothing.py"]
    for module, name in (("moving_average", "MovingAverage"), ("boosting", "Boosting")):
        files[f"models/acme_demand_{module}.py"] = smoothing.replace("smoothing", module).replace("Smoothing", name)
    for name, source in files.items():
        (tmp_path / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mine" / name).write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    yield "mine"
    for name in [name for name in sys.modules if name.partition(".")[0] == "mine"]:
        del sys.modules[name]


def test_every_file_of_the_tutorial_loads_and_finds_what_it_is_made_from(shelves: str) -> None:
    catalog = load_catalog((shelves,))
    assert [str(fault) for fault in catalog.faults] == []
    assert len(list(catalog.declared())) == 9
    demand = importlib.import_module("mine.tables.acme_demand").demand
    sold = pd.DataFrame(
        {"sku": ["a", "a"], "quantity": [3, -1], "sold_at": pd.to_datetime(["2026-03-02 09:00", "2026-03-15 17:00"])}
    )
    rows = demand.build(sold)
    assert rows["units"].tolist() == [3.0, -1.0]


def test_the_domains_together_need_less_code_than_the_tools_under_them() -> None:
    domains = by_domain()
    assert {"retail", "crm", "f1"} <= set(domains)
    assert sum(domains.values()) < sum(by_room().values())
