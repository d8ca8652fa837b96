"""Promises of the way back: a corrected edition is not the newest any more, and none has impossible numbers."""

import dataclasses
import datetime as dt
import json
import math
from pathlib import Path

import pandas as pd
import pytest

from s2p_assets.contracts.report import Document, Figure, Imprint
from s2p_assets.publishing.editions.headline_checks import HeadlineUnusable
from s2p_assets.publishing.editions.publish import publish
from s2p_assets.publishing.editions.published import editions
from s2p_assets.publishing.editions.saved_numbers import saved_of
from s2p_assets.publishing.editions.saving_numbers import save_numbers, set_later_numbers_aside

MADE = dt.datetime.fromisoformat("2026-11-16T07:05+00:00")
GOOD = Document("Takings", dt.date(2026, 11, 15), "Takings rose to 120.", (Figure("Takings", 120.0, "money"),), ())
LATER = dataclasses.replace(GOOD, as_of=dt.date(2026, 11, 22), headline="Takings rose to 9,999.")


def imprint(hours: int) -> Imprint:
    return Imprint("shop_takings", (), "EUR", MADE + dt.timedelta(hours=hours))


def test_after_a_correction_latest_and_the_index_show_the_edition_that_was_made_last(tmp_path: Path) -> None:
    publish(dataclasses.replace(GOOD, as_of=dt.date(2026, 11, 8)), tmp_path, imprint(0), picture=False)
    publish(LATER, tmp_path, imprint(1), picture=False)
    assert "9,999" in (tmp_path / "shop-takings/latest.html").read_text()
    publish(GOOD, tmp_path, imprint(2), picture=False)
    for page in ("shop-takings/latest.html", "index.html"):
        text = (tmp_path / page).read_text()
        assert "9,999" not in text
        assert "rose to 120" in text
    assert [edition.as_of.day for edition in editions(tmp_path)] == [15, 8]
    assert (tmp_path / "shop-takings/withdrawn/2026-11-22/edition.json").exists()
    publish(dataclasses.replace(LATER, headline="Takings fell."), tmp_path, imprint(3), picture=False)
    assert "Takings fell" in (tmp_path / "shop-takings/latest.html").read_text()


def test_an_edition_that_could_not_be_moved_away_is_listed_but_is_not_the_newest(tmp_path: Path) -> None:
    publish(LATER, tmp_path, imprint(1), picture=False)
    (tmp_path / "shop-takings/withdrawn").write_text("a file stands where the folder should")
    publish(GOOD, tmp_path, imprint(2), picture=False)
    assert editions(tmp_path)[0].as_of == GOOD.as_of
    assert "rose to 120" in (tmp_path / "shop-takings/latest.html").read_text()


def test_numbers_of_a_withdrawn_edition_can_still_be_asked_for_but_are_not_those_of_the_newest(tmp_path: Path) -> None:
    for document, hours in ((LATER, 1), (GOOD, 2)):
        made_at = imprint(hours).made_at
        saved = tmp_path / f"{document.as_of}.json"
        save_numbers(document, saved, made_at=made_at)
        set_later_numbers_aside(saved, made_at)
    newest, withdrawn = saved_of(tmp_path, None), saved_of(tmp_path, "2026-11-22")
    assert newest
    assert newest.stem == "2026-11-15"
    assert withdrawn
    assert json.loads(withdrawn.read_text())["as_of"] == "2026-11-22"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, pd.NA, pd.NaT, float("nan")])
def test_a_headline_number_that_is_no_number_is_not_published_and_the_last_edition_stays(
    tmp_path: Path, value: object
) -> None:
    publish(GOOD, tmp_path, imprint(0), picture=False)
    bad = dataclasses.replace(GOOD, figures=(Figure("Takings", value, "money"),), headline="All is well.")  # type: ignore[arg-type]
    with pytest.raises(HeadlineUnusable, match="Takings is not published: Takings is not a number"):
        publish(bad, tmp_path, imprint(1), picture=False)
    assert "rose to 120" in (tmp_path / "shop-takings/latest.html").read_text()


def test_a_number_that_is_not_known_is_published(tmp_path: Path) -> None:
    publish(dataclasses.replace(GOOD, figures=(Figure("Takings", None, "money"),)), tmp_path, imprint(0), picture=False)


def test_data_of_days_to_come_is_not_published_unless_the_report_looks_ahead(tmp_path: Path) -> None:
    typed_wrong = dataclasses.replace(GOOD, as_of=dt.date(2062, 11, 15))
    with pytest.raises(HeadlineUnusable, match="15 November 2062, a day that is yet to come"):
        publish(typed_wrong, tmp_path, imprint(0), picture=False)
    due = dataclasses.replace(GOOD, figures=(Figure("Due", dt.date(2027, 11, 1), "date"),))
    with pytest.raises(HeadlineUnusable, match="too far ahead"):
        publish(due, tmp_path, imprint(0), picture=False)
    publish(LATER, tmp_path, imprint(0), picture=False)  # a week that has begun
    spring = dataclasses.replace(GOOD, as_of=dt.date(2027, 3, 1))
    publish(spring, tmp_path, imprint(1), picture=False, days_ahead=366)


@pytest.mark.parametrize("headline", ["Takings rose by nan %.", "Takings rose by inf %.", "Due on NaT."])
def test_a_headline_that_says_nan_is_not_published(tmp_path: Path, headline: str) -> None:
    with pytest.raises(HeadlineUnusable, match="its headline says"):
        publish(dataclasses.replace(GOOD, headline=headline), tmp_path, imprint(0), picture=False)
    publish(dataclasses.replace(GOOD, headline="Nandina and infusers sold best."), tmp_path, imprint(0), picture=False)
