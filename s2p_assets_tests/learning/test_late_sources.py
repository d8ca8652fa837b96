"""Promises of sources that are late: their demand is not zero, it is waited for or estimated, and that is told."""

import pandas as pd
import pytest

from s2p_assets.learning.forecasting.late_sources import (
    LateSources,
    complete_late_weeks,
    last_week_told,
    source_coverage,
)
from s2p_assets.publishing.sections.implausible_weeks import late_source_notes

SUNDAY = pd.Timestamp("2026-10-25")
COLUMNS = {"shop": "shop_units", "dealers": "dealer_units"}


def coverage(late: LateSources, weeks_behind: int) -> pd.DataFrame:
    return source_coverage({"shop": SUNDAY, "dealers": SUNDAY - pd.Timedelta(weeks=weeks_behind)}, late=late)


@pytest.mark.parametrize(
    ("late", "behind", "treatment", "told_until"),
    [
        ("hold", 0, "current", "2026-10-19"),
        ("hold", 3, "held", "2026-09-28"),
        ("complete", 3, "completed", "2026-10-19"),
        ("hold", 14, "closed", "2026-10-19"),
        ("complete", 14, "closed", "2026-10-19"),
    ],
)
def test_what_is_done_about_a_late_source_is_told(
    late: LateSources, behind: int, treatment: str, told_until: str
) -> None:
    rows = coverage(late, behind).set_index("source")
    assert rows.loc["dealers", "treatment"] == treatment
    assert rows.loc["dealers", "weeks_behind"] == behind
    assert rows.loc["shop", "treatment"] == "current"
    assert last_week_told(rows) == pd.Timestamp(told_until)
    notes = list(late_source_notes(rows.reset_index(), completed_units=12.0))
    assert len(notes) == (treatment != "current")
    assert all("Dealers sales are known until" in note for note in notes)


def test_an_estimate_follows_the_sources_own_weeks_and_the_others_and_lowers_nothing() -> None:
    weeks = pd.date_range("2026-07-06", "2026-10-19", freq="W-MON")
    panel = pd.DataFrame({"sku": "A", "week": weeks, "shop_units": 10.0, "dealer_units": 6.0})
    late = weeks > pd.Timestamp("2026-09-28")
    panel.loc[late, "dealer_units"] = [1.0, 0.0, 9.0]
    panel.loc[late, "shop_units"] = [10.0, 15.0, 10.0]
    found = complete_late_weeks(panel, coverage("complete", 3), COLUMNS, key="sku")
    assert found.loc[late, "dealer_units"].tolist() == pytest.approx([6.0, 9.0, 9.0])
    assert found.loc[late, "completed_units"].tolist() == pytest.approx([5.0, 9.0, 0.0])
    assert found.loc[~late, "completed_units"].eq(0).all()
    assert found.loc[~late, "dealer_units"].eq(6.0).all()


def test_what_is_held_is_completed_by_nothing() -> None:
    panel = pd.DataFrame({"sku": "A", "week": [SUNDAY], "shop_units": 1.0, "dealer_units": 1.0})
    assert complete_late_weeks(panel, coverage("hold", 3), COLUMNS, key="sku")["completed_units"].tolist() == [0.0]
