"""What is expected to be sold, and how past forecasts fell: headline numbers, the outlook's chart, a table of weeks.

How a model's forecasts are scored belongs to `learning`. Frames have a column `week`, a Monday.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd

from s2p_assets.contracts.report import Chart, Figure, NumberSource, ReportColumn, RowValue, Section
from s2p_assets.publishing.document.wording import format_date, format_number, pluralize
from s2p_assets.publishing.sections.findings import first_of
from s2p_assets.publishing.sections.period_comparison import (
    relative_change,
    relative_changes,
    totals_by_period,
    value_at,
)
from s2p_assets.publishing.sections.source_table import SourceTable
from s2p_assets.publishing.sections.trade_tables import ItemTable, SalesTable, same_row
from s2p_assets.publishing.sections.weeks import SPAN, WEEK, WEEKS_SHOWN, YEAR, known_total, weeks_until

NO_SOURCES: Mapping[str, str] = MappingProxyType({})
ROWS_EXPECTED = 10
RUN_TOLD = 4  # weeks on one side of the forecast; chance alone gives one in eight
LINES = ("units_sold", "forecast", "a_year_earlier")
BACKTEST_NOTE = (
    "Past forecasts are those of a backtest: what the model in service says when it knows only the weeks before. "
    "They are not the forecasts that were published at the time, which are not kept."
)


def band_of_total(forecast: pd.DataFrame) -> pd.DataFrame:
    """Forecasts of a total (week, mean, q10, q90) as `expected_units` and `sales_outlook` take them.

    One row per week, which is the index, in order: forecast, low and high.
    """
    rows = forecast.set_index(pd.DatetimeIndex(forecast["week"], name="week"))[["mean", "q10", "q90"]].sort_index()
    return rows.set_axis(["forecast", "low", "high"], axis=1).astype("float64")


def latest_forecasts(past: pd.DataFrame) -> pd.DataFrame:
    """Of the forecasts of past weeks (week, cutoff and more) the last one that was made of each week."""
    dates = {name: pd.to_datetime(past[name]) for name in ("week", "cutoff")}
    rows = past.assign(**dates).sort_values(["week", "cutoff"])
    return rows.drop_duplicates("week", keep="last").reset_index(drop=True)


def expected_units(units: "pd.Series[Any]", forecast: pd.DataFrame, week: pd.Timestamp, *, column: str) -> Figure:
    """The forecast of the next weeks against as many weeks just past, and against the same weeks a year earlier.

    `column`: where the forecasts that were added up are stored.
    """
    forecast = forecast.head(SPAN)
    weeks = len(forecast)
    before = known_total(units, weeks_until(week, weeks))
    year_before = known_total(units, pd.DatetimeIndex(forecast.index) - YEAR)
    coming = float(forecast["forecast"].sum()) if forecast["forecast"].notna().any() else None
    a_week = "" if coming is None else f"{format_number(coming / weeks)} a week"
    return Figure(
        f"Units expected, next {pluralize(weeks, 'week')}" if weeks else "Units expected",
        coming,
        "integer",
        more_changes=relative_changes(
            coming, {f"the last {pluralize(weeks, 'week')}": before, "the same weeks a year earlier": year_before}
        ),
        better="higher",
        note=a_week if weeks else "no forecast beyond this week",
        sources=(NumberSource(column, {"week": tuple(forecast.index)}),) if weeks else (),
    )


def sales_outlook(
    units: "pd.Series[Any]",
    forecast: pd.DataFrame,
    week: pd.Timestamp,
    *,
    description: str,
    past: pd.DataFrame | None = None,
    sources: Mapping[str, str] = NO_SOURCES,
) -> Section:
    """A chart of the last year's weekly totals, the year before it, and the forecast (forecast, low, high by week).

    `description`: what the forecast and its band are. `past`: forecasts of past weeks, in the forecast's columns.
    `sources`: the stored columns that `units`, `forecast` and `past` were added up from, for tracing what is drawn.
    """
    frame = _drawn(units, forecast, week, past, sources)
    drawn = tuple(line for line in LINES if frame[line].notna().any())
    return Section(
        title="Weekly sales and forecast",
        says=_sold_and_expected(units, forecast, week),
        description=description if len(forecast) else f"There is no forecast for the weeks after {format_date(week)}.",
        chart=Chart(
            kind="line",
            x="week",
            y=drawn or ("units_sold",),
            title="Units a week",
            y_title="weeks begin on Monday",
            band=("low", "high") if frame["low"].notna().any() else None,
            band_title="80 % band",
            band_of="forecast",
            marker=(week + WEEK / 2, "sales known to here") if len(forecast) else None,
            frame=frame,
            format="integer",
            sources={
                "units_sold": (NumberSource(sources["units"], {"week": RowValue("week")}),),
                "forecast": (NumberSource(RowValue("forecast_stored_in"), {"week": RowValue("week")}),),
                "a_year_earlier": (NumberSource(sources["units"], {"week": RowValue("earlier_week")}),),
            }
            if sources
            else {},
        ),
        when_empty="No sales and no forecast are in the data yet.",
    )


def _drawn(
    units: "pd.Series[Any]",
    forecast: pd.DataFrame,
    week: pd.Timestamp,
    past: pd.DataFrame | None,
    sources: Mapping[str, str],
) -> pd.DataFrame:
    """One row per week with what is drawn. The first week of all is not drawn a year later: few begin on a Monday."""
    shown = units[units.index > week - WEEKS_SHOWN * WEEK].rename("units_sold")
    everything = forecast if past is None else pd.concat([past[past.index <= week], forecast])
    frame = shown.to_frame().join(everything, how="outer").rename_axis("week")
    frame["a_year_earlier"] = units.iloc[1:].reindex(pd.DatetimeIndex(frame.index) - YEAR).to_numpy()
    frame["earlier_week"], is_past = pd.DatetimeIndex(frame.index) - YEAR, frame.index <= week
    frame["forecast_stored_in"] = [sources.get("past" if over else "forecast") for over in is_past]
    return frame.reset_index()


def against_forecast(past: SourceTable, week: pd.Timestamp) -> tuple[Figure, ...]:
    """The week's units against what was forecast of them; nothing when that is not known.

    `past`: as of `latest_forecasts`, with week, cutoff, actual, mean, q10 and q90.
    """
    here = past.rows[past.rows["week"] == week]
    if here.empty or not here["mean"].iloc[0] > 0:
        return ()
    row = here.iloc[0]
    weeks = round((week - row["cutoff"]) / WEEK)
    inside = "" if pd.isna(row["q10"]) else _place_in_band(row["actual"], row["q10"], row["q90"])
    where = {"week": week, "cutoff": row["cutoff"]}
    return (
        Figure(
            "Against the forecast",
            float(row["actual"] / row["mean"] - 1),
            "percent",
            note=f"{'more' if row['actual'] > row['mean'] else 'less'} than forecast {pluralize(weeks, 'week')} before"
            f"{inside}",
            sources=tuple(past.lineage(name, where) for name in ("actual", "mean")),
        ),
    )


def _sold_and_expected(units: "pd.Series[Any]", forecast: pd.DataFrame, week: pd.Timestamp) -> str:
    sold = value_at(units, week)
    said = [] if sold is None or pd.isna(sold) else [f"{format_number(sold)} sold"]
    if len(forecast) and forecast["forecast"].notna().any():
        said.append(f"{format_number(float(forecast['forecast'].mean()))} a week expected")
    return ", ".join(said)


def describe_run(past: SourceTable, week: pd.Timestamp) -> str:
    """`Sales were below the forecast in each of the last 5 weeks. `, from the fourth on; else empty.

    `past`: as of `latest_forecasts`.
    """
    weeks = weeks_on_one_side(past.rows, week)
    if abs(weeks) < RUN_TOLD:
        return ""
    return f"Sales were {'above' if weeks > 0 else 'below'} the forecast in each of the last {abs(weeks)} weeks. "


def weeks_on_one_side(past: pd.DataFrame, week: pd.Timestamp) -> int:
    """How many weeks in a row, up to this one, sold more than was forecast; negative: less. 0 where nothing is known.

    `past`: with week, actual and mean. A week that is missing ends the run.
    """
    rows = past[past["actual"].notna() & past["mean"].notna() & (past["actual"] != past["mean"])]
    above = dict(zip(pd.to_datetime(rows["week"]), rows["actual"] > rows["mean"], strict=True))
    weeks = 0
    while week - weeks * WEEK in above and above[week - weeks * WEEK] == above[week]:
        weeks += 1
    return weeks if weeks and above[week] else -weeks


def _place_in_band(actual: float, low: float, high: float) -> str:
    place = "below" if actual < low else "above" if actual > high else "within"
    return f"; {place} its 80 % band"


def past_forecasts(past: SourceTable, week: pd.Timestamp) -> Iterator[Section]:
    """Past weeks against what was forecast of them, the newest first; no section when that is not known."""
    rows = past.rows[past.rows["week"] <= week].sort_values("week", ascending=False).reset_index(drop=True)
    if rows.empty:
        return
    inside = rows["actual"].between(rows["q10"], rows["q90"]).map({True: "within", False: "outside"})
    shares = [relative_change(actual, mean) for actual, mean in zip(rows["actual"], rows["mean"], strict=True)]
    off = tuple(past.lineage(name, same_row("week", "cutoff")) for name in ("actual", "mean"))
    yield Section(
        title="Forecasts of past weeks, and what was sold",
        says=_weeks_inside(inside[rows["q10"].notna()]),
        description=BACKTEST_NOTE,
        frame=rows.assign(off=pd.Series(shares, dtype="float64"), place=inside.where(rows["q10"].notna())),
        table=past.name,
        key=("week", "cutoff"),
        columns=(
            ReportColumn("week", "Week of", "date", sources=()),
            ReportColumn("actual", "Units sold", "integer"),
            ReportColumn("mean", "Forecast", "integer"),
            ReportColumn("off", "Sold more or less", "percent", sources=off),
            ReportColumn("q10", "Band from", "integer"),
            ReportColumn("q90", "Band to", "integer"),
            ReportColumn("place", "80 % band", sources=()),
            ReportColumn("step", "Weeks ahead", "integer", sources=()),
        ),
    )


def _weeks_inside(places: "pd.Series[str]") -> str:
    held = int((places == "within").sum())
    return f"{format_number(held)} of {pluralize(len(places), 'week')} within the band" if len(places) else ""


def most_expected(sales: SalesTable, forecast: pd.DataFrame, week: pd.Timestamp, items: ItemTable) -> Section:
    """The ten items of which most units are expected in the next four weeks, beside the last and those a year earlier.

    `forecast`: one row per item and week, the expected units in `mean`.
    """
    spans = {
        "last": (sales.rows, sales.units, week - (SPAN - 1) * WEEK),
        "coming": (forecast, "mean", week + WEEK),
        "year_before": (sales.rows, sales.units, week + WEEK - YEAR),
    }
    sums = {
        name: totals_by_period(
            rows[rows["week"].between(first, first + (SPAN - 1) * WEEK)], period=items.item, value=value
        )
        for name, (rows, value, first) in spans.items()
    }
    frame = pd.DataFrame(sums).rename_axis(items.item).reset_index()
    frame[items.label] = frame[items.item].map(items.labels)
    frame = frame[frame["coming"].notna()].sort_values(["coming", items.item], ascending=[False, True])
    return Section(
        title="What is expected to sell most",
        says=first_of(frame, items.label, f"{format_number(frame['coming'].iloc[0])} units" if len(frame) else ""),
        description=f"Units of the next {SPAN} weeks, against the last {SPAN} and the same weeks a year earlier.",
        frame=frame.head(ROWS_EXPECTED).reset_index(drop=True),
        columns=(
            *items.named,
            ReportColumn("coming", f"Next {SPAN} weeks", "integer"),
            ReportColumn("last", f"Last {SPAN} weeks", "integer"),
            ReportColumn("year_before", "Year earlier", "integer"),
        ),
    )


def describe_band(past: pd.DataFrame, *, noun: str) -> str:
    """What the forecast of a total and its band are, and how many past weeks (actual, q10, q90) fell inside."""
    band = (
        f"The forecast is of all {noun}s together, and so is its band, which should hold the sales in eight weeks "
        "of ten."
    )
    banded = past[past["q10"].notna()]
    if banded.empty:
        return band
    inside = int(banded["actual"].between(banded["q10"], banded["q90"]).sum())
    return f"{band} In {format_number(inside)} of the last {pluralize(len(banded), 'week')} it did."


def model_notes(ahead: pd.DataFrame) -> tuple[str, ...]:
    """A note for each model version that made the forecast."""
    models = ahead[["model", "model_version"]].dropna(subset="model").drop_duplicates()
    return tuple(f"Forecast by {model}, version {version}." for model, version in models.itertuples(index=False))


def evidence_notes(
    ahead: pd.DataFrame, total: pd.DataFrame, past: pd.DataFrame, least: int, *, item: str, noun: str
) -> Iterator[str]:
    """Notes on what is too little known: how good the forecast is, and ranges that have no width.

    `ahead`: forecasts of items with their `range_note`. `total`: as of `band_of_total`. `past`: of past weeks.
    `least`: how many past weeks it takes to say how good a forecast is.
    """
    tested = past["week"].nunique()
    if 0 < tested < least:
        yield (
            f"Too few weeks to say how good the forecast is: {format_number(tested)} were tested, "
            f"{format_number(least)} are needed."
        )
    if len(total) and (total["high"] - total["low"]).abs().max() <= 1e-9 * total["forecast"].abs().max():
        yield "The band of the total has no width: too few weeks to say how far the forecast may be off."
    noted = ahead.dropna(subset="range_note") if "range_note" in ahead else ahead.head(0).assign(range_note="")
    for reason, count in noted.groupby("range_note")[item].nunique().items():
        yield f"The range of {pluralize(count, noun)} has no width: {reason}."


def coverage_notes(
    sales: SalesTable, ahead: pd.DataFrame, past: SourceTable, week: pd.Timestamp, *, noun: str
) -> Iterator[str]:
    """Notes on what the forecast leaves out: items with sales that have none, and a week that no backtest covers."""
    sold = set(sales.rows.loc[sales.rows["week"] == week, sales.item].dropna())
    forecast = set(ahead[sales.item].dropna())
    missing = len(sold - forecast)
    if forecast and missing:
        yield f"{pluralize(missing, noun)} with sales data this week have no forecast."
    if len(past.rows) and not (past.rows["week"] == week).any():
        yield "The forecast was not tested on this week, so that nothing is said of how it fell."
