"""Promises of reports that stand against their last edition."""

import datetime as dt
import json
from pathlib import Path

from s2p_assets.contracts.report import Document, Figure, RelativeChange
from s2p_assets.publishing.editions.change_since import compare_with_edition
from s2p_assets.publishing.editions.saved_numbers import read_saved_numbers
from s2p_assets.publishing.editions.saving_numbers import save_numbers


def edition(day: int, **values: float | str | None) -> Document:
    figures = tuple(Figure(name, value) for name, value in values.items())
    return Document("Deals", dt.date(2026, 3, day), "", figures, ())


def test_a_headline_number_stands_against_that_of_the_edition_before(tmp_path: Path) -> None:
    kept = tmp_path / "2026-03-24.json"
    save_numbers(edition(24, open=10, won=0, model="boosting"), kept, made_at=dt.datetime(2026, 3, 25, tzinfo=dt.UTC))
    now = compare_with_edition(edition(31, open=12, won=3, model="forest", new=4), read_saved_numbers(kept))
    open_, *others = now.figures
    (change,) = open_.changes
    assert change == RelativeChange(change.share, "the edition of 24 Mar 2026")
    assert round(change.share, 9) == 0.2
    assert not any(figure.changes for figure in others)
    assert json.loads(kept.read_text())["as_of"] == "2026-03-24"
