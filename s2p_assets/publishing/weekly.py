"""The pieces of every weekly letter on sales: a week against earlier ones, groups, what moved, and what is expected.

Weeks are named by their Monday, at midnight. Which columns these pieces are made of, and what else a letter says,
belongs to the report.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pandas as pd

from s2p_assets.publishing.comparison import at, change, changes, gains, losses, movers, totals
from s2p_assets.publishing.report import Basis, Change, Chart, Field, Figure, ReportColumn, Section
from s2p_assets.publishing.wording import change_in_words, counted, short_day

WEEK = pd.Timedelta(days=7)
YEAR = 52 * WEEK
WEEKS_SHOWN = 52
SPAN = 4
NOT_TOLD: Mapping[str, str] = MappingProxyType({})
ROWS_OF_MOVERS = 10
COMPARED = ["now", "before", "change", "year_before", "year_change"]
YEAR_EARLIER = "A year earlier means 52 weeks earlier, so that the same days of the week are compared."


def against(weekly: "pd.Series[Any]", week: pd.Timestamp) -> tuple[Change, ...]:
    """How a week's total compares with the week before and with the same week a year earlier."""
    earlier = {"the week before": week - WEEK, "a year earlier": week - YEAR}
    return changes(at(weekly, week), {than: at(weekly, before) for than, before in earlier.items()})


def sold_in_words(units: "pd.Series[Any]", week: pd.Timestamp) -> str:
    """A sentence for the headline from weekly totals of units."""
    now = at(units, week)
    if now is None:
        return "No sales are in the data yet."
    compared = " and ".join(change_in_words(one) for one in against(units, week))
    return f"{counted(round(now), 'unit')} sold in the week of {short_day(week)}{compared and f', {compared}'}."


def units_sold(units: "pd.Series[Any]", week: pd.Timestamp, *, of: str) -> Figure:
    """The headline number of the week's units, from weekly totals of the column `of`."""
    now, compared = at(units, week), against(units, week)
    note = "no earlier week to compare with" if now is not None and not compared else ""
    return Figure(
        f"Units sold, week of {short_day(week)}",
        now,
        "whole",
        further=compared,
        better="higher",
        note=note,
        of=(Basis(of, {"week": week}),),
    )


def revenue(rows: pd.DataFrame, week: pd.Timestamp, *, by: str, item: str, of: str) -> Figure:
    """The week's revenue; compared only between weeks in which the revenue of every sale is known.

    `rows`: `by`, week, units and revenue, which is missing where the price is not known. `of`: the revenue's column.
    """
    weekly = totals(rows, period="week", value="revenue")
    unpriced = rows[rows["revenue"].isna() & (rows["units"].fillna(0) != 0)]
    this_week = unpriced[unpriced["week"] == week]
    complete = weekly[~weekly.index.isin(unpriced["week"])]
    note = f"without {counted(this_week[by].nunique(), item)} sold at an unknown price" if len(this_week) else ""
    compared = against(complete, week)
    return Figure(
        "Revenue of that week",
        at(weekly, week),
        "money",
        further=compared,
        better="higher",
        note=note,
        of=(Basis(of, {"week": week}),),
    )


def total_of(forecast: pd.DataFrame) -> pd.DataFrame:
    """Forecasts of a total (week, mean, q10, q90) as `expected` and `outlook` take them: forecast, low and high."""
    rows = forecast.set_index(pd.DatetimeIndex(forecast["week"], name="week"))[["mean", "q10", "q90"]].sort_index()
    return rows.set_axis(["forecast", "low", "high"], axis=1).astype("float64")


def latest_of(past: pd.DataFrame) -> pd.DataFrame:
    """Of the forecasts of past weeks (week, cutoff and more) the last one that was made of each week."""
    return past.sort_values(["week", "cutoff"]).drop_duplicates("week", keep="last").reset_index(drop=True)


def against_forecast(past: pd.DataFrame, week: pd.Timestamp, *, of: str) -> tuple[Figure, ...]:
    """The week's units against what would have been foreseen of them; nothing when that is not known.

    `past`: as of `latest_of`, with week, cutoff, actual, mean, q10 and q90. `of`: the thing that holds it.
    """
    here = past[past["week"] == week]
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
            note=f"{'more' if row['actual'] > row['mean'] else 'less'} than foreseen {counted(weeks, 'week')} before"
            f"{inside}",
            of=tuple(Basis(f"{of}.{name}", where) for name in ("actual", "mean")),
        ),
    )


def _place_in_band(actual: float, low: float, high: float) -> str:
    place = "below" if actual < low else "above" if actual > high else "within"
    return f"; {place} its 80 % band"


def expected(units: "pd.Series[Any]", forecast: pd.DataFrame, week: pd.Timestamp, *, of: str) -> Figure:
    """The forecast of the next weeks against as many weeks just past, and against the same weeks a year earlier.

    `of`: the column of the forecasts that were added up.
    """
    forecast = forecast.head(SPAN)
    weeks = len(forecast)
    before = _sum_of(units, [week - n * WEEK for n in range(weeks)])
    year_before = _sum_of(units, pd.DatetimeIndex(forecast.index) - YEAR)
    coming = float(forecast["forecast"].sum()) if forecast["forecast"].notna().any() else None
    return Figure(
        f"Units expected, next {counted(weeks, 'week')}" if weeks else "Units expected",
        coming,
        "whole",
        further=changes(
            coming, {f"the last {counted(weeks, 'week')}": before, "the same weeks a year earlier": year_before}
        ),
        better="higher",
        note="" if weeks else "no forecast beyond this week",
        of=(Basis(of, {"week": tuple(forecast.index)}),) if weeks else (),
    )


def _sum_of(weekly: "pd.Series[Any]", weeks: Iterable[pd.Timestamp]) -> float | None:
    """The total of some weeks; None when one of them is not known."""
    values = weekly.reindex(list(weeks))
    return None if values.empty or values.isna().any() else float(values.sum())


def outlook(
    units: "pd.Series[Any]",
    forecast: pd.DataFrame,
    week: pd.Timestamp,
    *,
    says: str,
    band_title: str,
    past: pd.DataFrame | None = None,
    of: Mapping[str, str] = NOT_TOLD,
) -> Section:
    """A chart of the last year's weekly totals, the year before it, and the forecast (forecast, low, high by week).

    `says`: what the forecast and its band are. `past`: what was foreseen of past weeks, in the forecast's columns.
    `of`: the columns that `units`, `forecast` and `past` were added up from, for tracing what is drawn.
    The first week of all is not drawn a year later, because few histories begin on a Monday.
    """
    shown = units[units.index > week - WEEKS_SHOWN * WEEK].rename("units_sold")
    foreseen = forecast if past is None else pd.concat([past[past.index <= week], forecast])
    frame = shown.to_frame().join(foreseen, how="outer").rename_axis("week")
    frame["a_year_earlier"] = units.iloc[1:].reindex(pd.DatetimeIndex(frame.index) - YEAR).to_numpy()
    frame["earlier_week"], is_past = pd.DatetimeIndex(frame.index) - YEAR, frame.index <= week
    frame["foreseen_in"] = [of.get("past" if over else "forecast") for over in is_past]
    frame = frame.reset_index()
    lines = ("units_sold", "forecast", "a_year_earlier")
    drawn = tuple(line for line in lines if frame[line].notna().any())
    return Section(
        title="Weekly sales and forecast",
        says=says if len(forecast) else f"There is no forecast for the weeks after {short_day(week)}.",
        chart=Chart(
            kind="line",
            x="week",
            y=drawn or ("units_sold",),
            title="Units a week",
            y_title="weeks begin on Monday",
            band=("low", "high") if frame["low"].notna().any() else None,
            band_title=band_title,
            frame=frame,
            format="whole",
            of={
                "units_sold": (Basis(of["units"], {"week": Field("week")}),),
                "forecast": (Basis(Field("foreseen_in"), {"week": Field("week")}),),
                "a_year_earlier": (Basis(of["units"], {"week": Field("earlier_week")}),),
            }
            if of
            else {},
        ),
        when_empty="No sales and no forecast are in the data yet.",
    )


def compared(rows: pd.DataFrame, week: pd.Timestamp, *, by: str, value: str, weeks: int = 1) -> pd.DataFrame:
    """One row per `by`, in order of first appearance: its `value` in the last `weeks`, before them, and a year earlier.

    Columns: `by`, now, before, change, year_before, year_change. A span without any known value is missing.
    """
    spans = {
        name: [last - n * WEEK for n in range(weeks)]
        for name, last in (("now", week), ("before", week - weeks * WEEK), ("year_before", week - YEAR))
    }
    sums = {name: totals(rows[rows["week"].isin(span)], period=by, value=value) for name, span in spans.items()}
    frame = pd.DataFrame(sums, index=pd.Index(rows[by].dropna().unique(), name=by), dtype="float64")
    for name, earlier in (("change", "before"), ("year_change", "year_before")):
        frame[name] = [change(now, then) for now, then in zip(frame["now"], frame[earlier], strict=True)]
    return frame.reset_index()[[by, *COMPARED]].astype(dict.fromkeys(COMPARED, "float64"))


def comparison_columns(week: pd.Timestamp, of: Basis | None, weeks: int = 1) -> tuple[ReportColumn, ...]:
    """The report's columns of what `compared` gives, units for a week or for some weeks.

    `of`: the column that was added up, in the rows that belong to a row of the report, of any week; None where
    that is not to be told so simply.
    """
    many = weeks > 1
    now, before, year = (_in_weeks(of, last, weeks) for last in (week, week - weeks * WEEK, week - YEAR))
    return (
        ReportColumn("now", f"Last {weeks} weeks" if many else "Units", "whole", of=now),
        ReportColumn("before", f"{weeks} weeks before" if many else "Week before", "whole", of=before),
        ReportColumn("change", "Change", "percent", of=now + before),
        ReportColumn("year_before", "Year earlier", "whole", of=year),
        ReportColumn("year_change", "Change on year", "percent", of=now + year),
    )


def _in_weeks(of: Basis | None, last: pd.Timestamp, weeks: int) -> tuple[Basis, ...]:
    if of is None:
        return ()
    return (Basis(of.column, {**of.where, "week": tuple(last - n * WEEK for n in range(weeks))}),)


def channels(rows: pd.DataFrame, week: pd.Timestamp, *, of: Mapping[str, str]) -> Section:
    """The week by channel, with a line a channel. `rows`: channel, week, units; a channel without units is left out.

    `of`: channel → the column that its units are in.
    """
    known = rows[rows["channel"].isin(rows.loc[rows["units"].notna(), "channel"])]
    names = tuple(known["channel"].unique())
    recent = known[(known["week"] > week - WEEKS_SHOWN * WEEK) & known["units"].notna()]
    drawn = {name: totals(recent[recent["channel"] == name], period="week", value="units") for name in names}
    return Section(
        title="Sales by channel",
        says=f"Units sold in the week of {short_day(week)}, against the week before and the same week a year earlier.",
        frame=compared(known, week, by="channel", value="units").assign(
            of=lambda found: found["channel"].map(dict(of))
        ),
        columns=(ReportColumn("channel", "Channel"), *comparison_columns(week, Basis(Field("of")) if of else None)),
        chart=Chart(
            "line",
            "week",
            names,
            "Units a week by channel",
            frame=pd.DataFrame(drawn).rename_axis("week").reset_index(),
            format="whole",
            of={name: (Basis(of[name], {"week": Field("week")}),) for name in names if name in of},
        ),
        when_empty="No sales are in the data yet.",
    )


@dataclass(frozen=True)
class Moves:
    """What moved between the last weeks and as many before: `rows` as of `comparison.movers`.

    `now`, `before`: the Mondays of the last weeks, and of those before. `weeks`: how many weeks of sales there are.
    """

    rows: pd.DataFrame
    now: list[pd.Timestamp]
    before: list[pd.Timestamp]
    weeks: int


def moves(rows: pd.DataFrame, week: pd.Timestamp, *, by: str, value: str) -> Moves:
    """What moved up to `week`, over four weeks or, where there are fewer than eight, half of what there is."""
    weeks = int((week - rows["week"].min()) / WEEK) + 1 if len(rows) else 0
    span = min(SPAN, weeks // 2)
    now, before = ([week - n * WEEK for n in range(start, start + span)] for start in (0, span))
    return Moves(movers(rows, by=by, period="week", value=value, now=now, before=before), now, before, weeks)


def moved_most(
    moved: Moves,
    *,
    item: str,
    of: Basis,
    named: Sequence[ReportColumn],
    further: Sequence[ReportColumn] = (),
    says: str = "",
) -> tuple[Section, Section]:
    """What sells more than before, and what sells less. `named`, `further`: columns before and after the comparison.

    `of`: the column that was added up, in the rows that belong to a row of the report, of any week.
    """
    span = len(moved.now)
    now, before = (Basis(of.column, {**of.where, "week": tuple(weeks)}) for weeks in (moved.now, moved.before))
    columns = (
        *named,
        ReportColumn("now", f"Last {counted(span, 'week')}", "whole", of=(now,)),
        ReportColumn("before", f"{counted(span, 'week')} before", "whole", of=(before,)),
        ReportColumn("difference", "Difference", "whole", of=(now, before)),
        ReportColumn("change", "Change", "percent", of=(now, before)),
        *further,
    )
    one_week = "There is only one week of sales, so nothing can be compared yet."
    empty = f"No {item} did." if span else one_week if moved.weeks else "No sales are in the data yet."
    explained = f"Units of the last {counted(span, 'week')} against the {counted(span, 'week')} before. {says}".strip()
    return (
        Section(
            "Selling more than before",
            explained if span else "",
            gains(moved.rows, ROWS_OF_MOVERS),
            columns,
            when_empty=empty,
        ),
        Section(
            "Selling less than before",
            explained if span else "",
            losses(moved.rows, ROWS_OF_MOVERS),
            columns,
            when_empty=empty,
        ),
    )


def made_by(ahead: pd.DataFrame) -> tuple[str, ...]:
    """A note for each model version that made the forecast."""
    models = ahead[["model", "model_version"]].dropna(subset="model").drop_duplicates()
    return tuple(f"Forecast by {model}, version {version}." for model, version in models.itertuples(index=False))
