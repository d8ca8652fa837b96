"""Promises of the weekly outlook: right numbers, and honest words where the data are odd.

How a document is rendered is tested in `publishing/test_publishing.py`.
"""

import datetime as dt
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pytest

from s2p_assets.contracts.derivation import NotYet
from s2p_assets.contracts.report import Document, Figure, Imprint, Section, SourceFile
from s2p_assets.models.retail_demand_champion import demand_champion
from s2p_assets.publishing.document import wording
from s2p_assets.publishing.editions.publish import publish
from s2p_assets.publishing.sections import weekly_sales
from s2p_assets.publishing.sections.movers import moves, with_reasons
from s2p_assets.publishing.sections.trade_tables import SalesTable
from s2p_assets.reports.retail_weekly_outlook import CHANNELS, ENOUGH_WEEKS, weekly_outlook

MONDAY = pd.Timestamp("2026-11-09")
TEXT: Final = "string[pyarrow]"
Frames = dict[str, pd.DataFrame]


def company(skus: int = 60, weeks: int = 104, ahead: int = 8) -> Frames:
    """A retailer's frames as the graph hands them over: seasonal sales, two channels, some stock-outs, some gaps."""
    chance = np.random.default_rng(7)
    names = [f"{1000 + 7 * n:06d}" for n in range(skus)]
    size, trend = chance.gamma(2.0, 12.0, skus) + 3, chance.normal(0.0, 0.25, skus)
    demand = pd.concat([_sales(sku, size[n], trend[n], weeks, chance) for n, sku in enumerate(names)])
    expected = pd.concat([_expected(sku, size[n] * (1 + trend[n]), ahead) for n, sku in enumerate(names)])
    return {
        "demand": demand.astype({"sku": TEXT}).reset_index(drop=True),
        "demand_forecast": expected.astype({"sku": TEXT, "model": TEXT, "model_version": TEXT}).reset_index(drop=True),
        "total_forecast": _total(expected),
        "total_backtest": _past(demand),
        "reorder_plan": _plan(names, size, chance),
        "products": _products(names),
        "stock_position": _plan(names, size, np.random.default_rng(8))[["sku", "on_hand", "on_order"]].assign(
            counted_on=MONDAY + pd.Timedelta(days=6)
        ),
    }


def _season(week: pd.DatetimeIndex) -> np.ndarray:
    return 1 + 0.35 * np.cos((week.dayofyear.to_numpy() - 350) / 365 * 2 * np.pi)


def _sales(sku: str, size: float, trend: float, weeks: int, chance: np.random.Generator) -> pd.DataFrame:
    week = pd.date_range(end=MONDAY, periods=weeks, freq="7D")
    expected = size * _season(week) * (1 + trend * np.linspace(-1, 1, weeks))
    units = chance.poisson(np.clip(expected, 0.1, None)).astype("float64")
    wholesale = np.floor(units * 0.3)
    price = 20.0 + int(sku) % 40
    return pd.DataFrame(
        {
            "sku": sku,
            "week": week,
            "units": units,
            "retail_units": units - wholesale,
            "wholesale_units": wholesale,
            "revenue": units * price,
            "unit_price": price,
            "censored": chance.random(weeks) < 0.03,
        }
    )


def _expected(sku: str, size: float, ahead: int) -> pd.DataFrame:
    week = pd.date_range(MONDAY + pd.Timedelta(days=7), periods=ahead, freq="7D")
    mean = size * _season(week)
    spread = 1.28 * np.sqrt(mean + 0.01 * mean**2)
    return pd.DataFrame(
        {
            "sku": sku,
            "week": week,
            "step": range(1, ahead + 1),
            "mean": mean,
            "q10": np.clip(mean - spread, 0, None),
            "q50": mean,
            "q90": mean + spread,
            "model": "demand_boosting",
            "model_version": "3",
        }
    )


def _total(expected: pd.DataFrame) -> pd.DataFrame:
    total = expected.groupby(["week", "step"])["mean"].sum().reset_index()
    return total.assign(q10=total["mean"] * 0.9, q50=total["mean"], q90=total["mean"] * 1.1)


def _past(demand: pd.DataFrame) -> pd.DataFrame:
    """Two cutoffs, four and eight weeks ago, that overlap; the older one has no band."""
    sold = demand.groupby("week")["units"].sum().rename("actual").tail(8).reset_index()
    folds = [
        sold[sold["week"] > cutoff].head(8).assign(cutoff=cutoff, step=lambda rows: range(1, len(rows) + 1))
        for cutoff in (MONDAY - pd.Timedelta(weeks=8), MONDAY - pd.Timedelta(weeks=4))
    ]
    rows = pd.concat(folds, ignore_index=True).assign(mean=lambda rows: rows["actual"] * 0.8)
    band = rows["cutoff"].where(rows["cutoff"] > MONDAY - pd.Timedelta(weeks=8)).notna()
    return rows.assign(q10=(rows["mean"] * 0.9).where(band), q50=rows["mean"].where(band), q90=rows["mean"].where(band))


def _plan(names: list[str], size: np.ndarray, chance: np.random.Generator) -> pd.DataFrame:
    lead = chance.integers(14, 60, len(names))
    need = np.round(size * lead / 7)
    on_hand = chance.integers(0, 4, len(names)) * need // 2
    order = np.where(on_hand < need, need * 2 - on_hand, 0).astype("int64")
    cover = np.round(on_hand / (size / 7), 1)
    return pd.DataFrame(
        {
            "sku": pd.array(names, dtype=TEXT),
            "description": pd.array([f"Travel bottle no. {name}, 0.75 l" for name in names], dtype=TEXT),
            "supplier": pd.array(
                [("Alpine Metals", "Böhm & Söhne", "Cangzhou Glass")[n % 3] for n in range(len(names))], dtype=TEXT
            ),
            "on_hand": on_hand.astype("int64"),
            "on_order": (need * (np.arange(len(names)) % 5 == 0)).astype("int64"),
            "lead_time_days": lead.astype("float64"),
            "demand_over_lead_time": need,
            "safety_stock": np.round(size),
            "reorder_point": need + np.round(size),
            "order_up_to": need * 2,
            "order_quantity": order,
            "order_cost": np.where(np.arange(len(names)) == 5, np.nan, order * 7.35),
            "days_of_cover": cover,
            "cost_of_waiting": np.where(on_hand < need, 12.5, 0.0),
            "runs_out_on": MONDAY + pd.to_timedelta(6 + np.floor(cover), unit="D"),
        }
    )


def _products(names: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "sku": pd.array(names, dtype=TEXT),
            "description": pd.array([f"Travel bottle no. {name}, 0.75 l" for name in names], dtype=TEXT),
            "category": pd.array(["Bottles"] * len(names), dtype=TEXT),
            "supplier": pd.array(["Alpine Metals"] * len(names), dtype=TEXT),
            "msrp": 29.9,
            "item_cost": 7.35,
            "valid_from": pd.Timestamp("2024-01-01"),
            "valid_to": pd.NaT,
            "is_current": True,
        }
    )


MADE_AT = dt.datetime.fromisoformat("2026-11-16T07:05")
SOURCES = (
    SourceFile("sales/retail 2026-W46.xlsx", "9f" * 32, 4_812, dt.datetime.fromisoformat("2026-11-16T06:02")),
    SourceFile("prices/Price list November.xls", "0a" * 32, 60, dt.datetime.fromisoformat("2026-11-02T08:30")),
)


@pytest.fixture(scope="module")
def frames() -> Frames:
    return company()


def written(**frames: pd.DataFrame) -> Document:
    return weekly_outlook.build(**frames)


def figure(document: Document, label: str) -> Figure:
    return next(one for one in document.figures if one.label.startswith(label))


def section(document: Document, title: str) -> Section:
    return next(one for one in document.sections if one.title == title)


def without(frames: Frames, *names: str) -> Frames:
    return {name: frame.head(0) if name in names else frame for name, frame in frames.items()}


def test_the_edition_is_dated_by_the_last_week_of_sales_and_never_by_the_clock(frames: Frames) -> None:
    assert written(**frames).as_of == dt.date(2026, 11, 15)
    earlier = frames["demand"][frames["demand"]["week"] < pd.Timestamp("2026-10-05")]
    assert written(**{**frames, "demand": earlier}).as_of == dt.date(2026, 10, 4)


def test_headline_numbers_are_the_sums_of_their_rows(frames: Frames) -> None:
    document, demand, plan = written(**frames), frames["demand"], frames["reorder_plan"]
    by_week = demand.groupby("week")["units"].sum()
    sold = figure(document, "Units sold")
    assert sold.value == by_week[MONDAY]
    assert [change.compared_with for change in sold.changes] == ["the week before", "a year earlier"]
    assert sold.changes[0].share == pytest.approx(by_week[MONDAY] / by_week[MONDAY - pd.Timedelta(days=7)] - 1)
    assert sold.changes[1].share == pytest.approx(by_week[MONDAY] / by_week[MONDAY - pd.Timedelta(days=364)] - 1)
    assert figure(document, "Revenue").value == pytest.approx(demand.loc[demand["week"] == MONDAY, "revenue"].sum())
    assert figure(document, "Run out").value == (plan["days_of_cover"] < plan["lead_time_days"]).sum()


def test_the_forecast_and_its_band_are_those_of_the_total_and_not_of_skus_added_up(frames: Frames) -> None:
    outlook = section(written(**frames), "Weekly sales and forecast")
    assert outlook.chart is not None
    assert outlook.chart.frame is not None
    first = outlook.chart.frame.set_index("week").loc[MONDAY + pd.Timedelta(days=7)]
    total = frames["total_forecast"].query("step == 1")[["mean", "q10", "q90"]].iloc[0]
    assert list(first[["forecast", "low", "high"]]) == pytest.approx(list(total))
    assert outlook.description.endswith("In 0 of the last 4 weeks it did.")


def test_a_forecast_of_weeks_that_are_already_sold_is_left_out(frames: Frames) -> None:
    stale = frames["total_forecast"].assign(week=lambda rows: rows["week"] - pd.Timedelta(days=70))
    document = written(**{**frames, "total_forecast": stale})
    assert "no forecast for the weeks after 9 Nov 2026" in section(document, "Weekly sales and forecast").description
    assert figure(document, "Units expected").value is None


def test_revenue_is_not_compared_with_a_week_whose_prices_are_not_all_known(frames: Frames) -> None:
    before = frames["demand"]["week"] == MONDAY - pd.Timedelta(days=7)
    unpriced = frames["demand"].assign(revenue=lambda rows: rows["revenue"].mask(before & (rows["units"] > 20)))
    revenue = figure(written(**{**frames, "demand": unpriced}), "Revenue")
    assert [change.compared_with for change in revenue.changes] == ["a year earlier"]
    gone = frames["demand"].assign(revenue=np.nan)
    assert figure(written(**{**frames, "demand": gone}), "Revenue").value is None


def test_the_channels_add_up_to_all_units(frames: Frames) -> None:
    document = written(**frames)
    table = section(document, "Sales by channel").frame
    assert table is not None
    assert list(table["channel"]) == ["Retail", "Wholesale"]
    assert table["now"].sum() == figure(document, "Units sold").value


def test_movers_compare_the_last_four_weeks_with_the_four_before(frames: Frames) -> None:
    rising = section(written(**frames), "Selling more than before").frame
    falling = section(written(**frames), "Selling less than before").frame
    assert rising is not None
    assert falling is not None
    assert rising["difference"].is_monotonic_decreasing
    assert (rising["difference"] > 0).all()
    assert falling["difference"].is_monotonic_increasing
    assert (falling["difference"] < 0).all()
    units = frames["demand"].query("sku == @rising.sku.iloc[0]").set_index("week")["units"]
    assert rising["now"].iloc[0] == units.tail(4).sum()
    assert rising["before"].iloc[0] == units.iloc[-8:-4].sum()
    assert rising["description"].notna().all()


def test_every_sku_that_runs_out_too_early_is_listed_the_first_one_first(frames: Frames) -> None:
    table = section(written(**frames), "What runs out first").frame
    assert table is not None
    assert table["runs_out_on"].is_monotonic_increasing
    assert (table["days_short"] > 0).sum() == figure(written(**frames), "Run out").value


def test_the_week_is_compared_with_what_the_latest_cutoff_foresaw_of_it(frames: Frames) -> None:
    against = figure(written(**frames), "Against the forecast")
    assert against.value == pytest.approx(1 / 0.8 - 1)
    assert against.note == "more than forecast 4 weeks before; above its 80 % band"
    table = section(written(**frames), "Forecasts of past weeks, and what was sold").frame
    assert table is not None
    assert table["week"].is_monotonic_decreasing
    assert table["step"].tolist() == [4, 3, 2, 1] * 2
    assert table["place"].isna().tolist() == [False] * 4 + [True] * 4


def test_a_run_of_misses_in_one_direction_is_said_and_a_mixed_one_is_not(frames: Frames) -> None:
    assert "Sales were above the forecast in each of the last 8 weeks." in written(**frames).headline
    past = frames["total_backtest"]
    is_mixed = past["week"] == MONDAY - pd.Timedelta(days=14)
    mixed = past.assign(mean=past["mean"].where(~is_mixed, past["actual"] * 2))
    assert "each of the last" not in written(**{**frames, "total_backtest": mixed}).headline


@pytest.mark.parametrize(
    ("retail", "wholesale", "said"),
    [
        ([10.0, 12.0], [20.0, 9.0], "wholesale −55 %, retail +20 %"),
        ([10.0, 10.5], [20.0, 20.5], ""),
        ([10.0, 12.0], [None, 9.0], ""),
    ],
    ids=["driven by one", "nothing moved", "one is not known"],
)
def test_the_headline_names_the_channels_that_drove_the_week(
    retail: list[float], wholesale: list[float | None], said: str
) -> None:
    weeks = [MONDAY - pd.Timedelta(days=7), MONDAY]
    rows = pd.DataFrame({"sku": "A", "week": weeks, "retail_units": retail, "wholesale_units": wholesale})
    sales = SalesTable("demand", rows, item="sku")
    drivers = weekly_sales.describe_channels(sales, MONDAY, CHANNELS)
    assert drivers.replace(wording.SPACE, " ") == said
    units = pd.Series([30.0, 21.0], index=weeks)
    headline = weekly_sales.describe_sales(units, MONDAY, channels=drivers).replace(wording.SPACE, " ")
    assert f"30.0 % less than the week before{f' ({said})' if said else ''}." in headline


def test_what_is_expected_a_week_stands_under_the_sum_as_the_chart_shows_weeks(frames: Frames) -> None:
    expected = figure(written(**frames), "Units expected")
    assert isinstance(expected.value, float)
    assert expected.note == f"{expected.value / 4:,.0f} a week"


def test_what_to_do_is_on_the_first_screen(frames: Frames) -> None:
    document, orders = written(**frames), frames["reorder_plan"].query("order_quantity > 0")
    assert document.action.startswith(f"order {len(orders)} SKU")


def test_the_first_week_of_all_is_not_drawn_as_a_dip(frames: Frames) -> None:
    chart = section(written(**frames), "Weekly sales and forecast").chart
    assert chart is not None
    assert chart.frame is not None
    drawn = chart.frame.set_index("week")["a_year_earlier"]
    first = frames["demand"]["week"].min()
    assert first + pd.Timedelta(weeks=52) not in drawn.dropna().index


def moved_sku(**changed: list[Any]) -> pd.DataFrame:
    """Eight weeks of one SKU and the same weeks a year before, with some columns changed in the eight weeks."""
    weeks = pd.date_range(end=MONDAY, periods=8, freq="7D")
    now = pd.DataFrame(
        {"week": weeks, "units": [10.0] * 4 + [20.0] * 4, "unit_price": 5.0, "censored": False} | changed
    )
    before = now.assign(week=weeks - pd.Timedelta(weeks=52), units=10.0, unit_price=5.0, censored=False)
    return pd.concat([before, now], ignore_index=True).assign(sku="A")


FALLING = [20.0] * 4 + [10.0] * 4
OUT_NOW, OUT_BEFORE = [False] * 6 + [True] * 2, [True] * 2 + [False] * 6
REASONS = {
    "price": moved_sku(unit_price=[5.0] * 4 + [4.0] * 4),
    "stock-out": moved_sku(units=FALLING, censored=OUT_NOW),
    "back in stock": moved_sku(censored=OUT_BEFORE),
    "season": moved_sku().assign(
        units=lambda rows: rows["units"].where(rows["week"] > MONDAY - pd.Timedelta(weeks=30), [5.0] * 4 + [9.0] * 12)
    ),
    "new": moved_sku().query("units == 20"),
}


@pytest.mark.parametrize("reason", REASONS)
def test_a_mover_has_one_plain_word_of_reason(reason: str) -> None:
    rows = REASONS[reason]
    moved = moves(pd.concat([rows, moved_sku().assign(sku="B")]), MONDAY, by="sku", value="units")
    found = with_reasons(moved, SalesTable("sales", rows, item="sku"))
    assert found.set_index("sku").loc["A", "reason"] == reason


def test_where_nothing_tells_no_reason_is_made_up() -> None:
    rows = moved_sku(unit_price=[5.0] * 4 + [6.0] * 4)
    moved = moves(rows, MONDAY, by="sku", value="units")
    assert with_reasons(moved, SalesTable("sales", rows, item="sku"))["reason"].isna().all()


def test_best_sellers_bring_in_most_and_slow_ones_least_for_their_stock(frames: Frames) -> None:
    best, slow = (section(written(**frames), title).frame for title in ("Best sellers", "Slowest sellers in stock"))
    assert best is not None
    assert slow is not None
    assert best["revenue"].is_monotonic_decreasing
    assert 0 < best["share"].sum() < 1
    assert (slow["revenue"] / slow["stock_value"]).is_monotonic_increasing


def nulled(frames: Frames) -> Frames:
    """Everything that may be missing is missing, except keys and some units."""
    blank: Frames = {}
    for name, frame in frames.items():
        kept = frame[[column for column in ("sku", "week", "cutoff", "is_current") if column in frame]]
        gone = {
            column: pd.Series([None] * len(frame), index=frame.index, dtype=NULLABLE[frame[column].dtype.kind])
            for column in frame.columns.difference(kept.columns)
        }
        blank[name] = kept.assign(**gone)
    units = frames["demand"]["units"].where(np.arange(len(frames["demand"])) % 7 != 0)
    blank["demand"] = blank["demand"].assign(units=units)
    return blank


NULLABLE = {"f": "float64", "i": "Int64", "b": "boolean", "M": "datetime64[ns]", "O": TEXT}
SMALL = company(6)
ODD = {
    "one week": company(6, weeks=1),
    "three weeks": company(6, weeks=3),
    "no sales": without(SMALL, "demand"),
    "no forecast": without(SMALL, "demand_forecast", "total_forecast", "total_backtest"),
    "no plan": without(SMALL, "reorder_plan"),
    "no products": without(SMALL, "products"),
    "no stock": without(SMALL, "stock_position"),
    "only stock": without(
        SMALL, "demand", "demand_forecast", "total_forecast", "total_backtest", "reorder_plan", "products"
    ),
    "nulls": nulled(SMALL),
}


@pytest.mark.parametrize("oddity", ODD)
@pytest.mark.filterwarnings("error")
def test_odd_data_give_honest_words_and_a_whole_edition(oddity: str, tmp_path: Path) -> None:
    document = written(**ODD[oddity])
    edition = publish(document, tmp_path, Imprint("retail_weekly_outlook", (), "CHF", MADE_AT), picture=False)
    page = edition.html.read_text(encoding="utf-8")
    assert not {"nan", "NaT", "None", "inf"} & set(page[page.index("<main>") :].replace("<", " ").split())


def test_what_is_missing_is_said(frames: Frames) -> None:
    one_week = written(**ODD["one week"])
    assert figure(one_week, "Units sold").note == "no earlier week to compare with"
    assert "only one week" in section(one_week, "Selling more than before").when_empty
    assert written(**without(frames, "demand")).headline.startswith("No sales are in the data yet.")
    assert "There is no re-order plan yet." in written(**without(frames, "reorder_plan")).headline
    assert figure(written(**without(frames, "total_forecast")), "Units expected").note == "no forecast beyond this week"


def test_without_sales_and_stock_there_is_no_edition_and_the_reason_is_named(frames: Frames) -> None:
    with pytest.raises(NotYet, match="nothing to report on yet"):
        written(**without(frames, "demand", "stock_position"))


def test_as_many_weeks_are_enough_for_the_page_as_for_the_contest() -> None:
    assert demand_champion.min_scored_periods == ENOUGH_WEEKS
