"""Sections of a pipeline of open cases: what they will probably bring by month and group, the best and the ended ones.

The probabilities are made by models; how far they can be trusted is said in `classification_scores`.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from s2p_assets.contracts.report import Chart, Figure, ReportColumn, RowValue, Section
from s2p_assets.publishing.document.wording import (
    format_date,
    format_month,
    format_number,
    format_percent,
    money_in_text,
    pluralize,
)
from s2p_assets.publishing.sections.findings import counted, first_of
from s2p_assets.publishing.sections.period_comparison import relative_change
from s2p_assets.publishing.sections.source_table import SourceTable, listing

CASES_SHOWN = 25
WEEK, DAY = pd.Timedelta(days=7), pd.Timedelta(days=1)


@dataclass(frozen=True)
class Pipeline:
    """Cases, and what is expected of the open ones in the months to come.

    `open_cases`: one row per open case, with probability, expected_value (money), reasons (text) and as_of, the day
    on which it was scored, the same for all; its key is one column.
    `all_cases`: one row per case, with its dates and what it brought in.
    `forecast`: one row per case and month (its first day), with end_probability, win_probability and expected_value
    (money).
    `one`: what a case is called, `deal`.
    """

    open_cases: SourceTable
    all_cases: SourceTable
    forecast: SourceTable
    one: str

    @property
    def key(self) -> str:
        """The column that names a case in both tables."""
        return self.open_cases.key[0]

    @property
    def today(self) -> pd.Timestamp:
        """The day on which the cases were scored."""
        return pd.Timestamp(self.open_cases.rows["as_of"].max())

    @property
    def last_day(self) -> dt.date:
        """The last day of which everything is known."""
        return (self.today - DAY).date()

    @property
    def months(self) -> pd.DataFrame:
        """The forecast with its months as timestamps."""
        return self.forecast.rows.assign(month=pd.to_datetime(self.forecast.rows["month"]))

    @property
    def overdue(self) -> int:
        """How many cases are older than any that ended, so that they are expected in no month."""
        return int((self.forecast.rows.groupby(self.key)["end_probability"].sum() == 0).sum())


def describe_pipeline(pipeline: Pipeline) -> str:
    """How many cases are open, how many are expected to be won, and when most of them: for a headline."""
    wins, overdue = pipeline.months.groupby("month")["win_probability"].sum().astype(float), pipeline.overdue
    best = pd.Timestamp(str(wins.idxmax()))
    old = f", {format_number(overdue)} of them for longer than any that ended so far" if overdue else ""
    is_open = pluralize(len(pipeline.open_cases.rows), f"{pipeline.one} is", f"{pipeline.one}s are")
    return (
        f"{is_open} open{old}. {format_number(float(wins.sum()))} are expected to be won "
        f"within {pluralize(len(wins), 'month')}, most of them in {best:%B}."
    )


def overdue_note(pipeline: Pipeline) -> tuple[str, ...]:
    """A note on the cases that are in no month; none where every case is in some."""
    if not pipeline.overdue:
        return ()
    are_open = pluralize(pipeline.overdue, f"{pipeline.one} is", f"{pipeline.one}s are")
    return (f"{are_open} open for longer than any that ended: they are in no month.",)


def overdue_action(pipeline: Pipeline) -> str:
    """What sales has to do about the cases that are in no month; empty where there are none."""
    if not pipeline.overdue:
        return ""
    these = pluralize(pipeline.overdue, pipeline.one)
    return f"close {these}, open for longer than any that ended so far, or note in the CRM why it goes on."


def pipeline_figures(pipeline: Pipeline) -> tuple[Figure, Figure, Figure]:
    """How many cases are open, how many of them are expected to be won, and what they are expected to bring."""
    months, cases, forecast = pipeline.months, pipeline.open_cases, pipeline.forecast
    within = f"within {pluralize(months['month'].nunique(), 'month')}"
    wins, value = (float(months[name].sum()) for name in ("win_probability", "expected_value"))
    return (
        Figure(f"Open {pipeline.one}s", len(cases.rows), "integer", sources=(cases.lineage(pipeline.key),)),
        Figure("Expected wins", round(wins, 1), note=within, sources=(forecast.lineage("win_probability"),)),
        Figure("Expected value", value, "money", sources=(forecast.lineage("expected_value"),)),
    )


def wins_by_month(pipeline: Pipeline) -> Section:
    """What is expected to end, to be won and to be brought in, one row per month."""
    rows = (
        pipeline.months.groupby("month")[["end_probability", "win_probability", "expected_value"]]
        .sum()
        .astype(float)
        .reset_index()
    )
    rows["called"] = rows["month"].map(format_month)
    forecast, where = pipeline.forecast, {"month": RowValue("month")}
    return Section(
        title="What is expected to be won, by month",
        says=_best_month(rows),
        description=f"Each {pipeline.one}'s probability, spread over the months in which {pipeline.one}s of its age "
        "ended before. Sums of probabilities: 12.4 wins are twelve or thirteen, give or take.",
        frame=rows,
        columns=(
            ReportColumn("called", "Month"),
            ReportColumn(
                "end_probability",
                f"{pipeline.one.capitalize()}s that end",
                "number",
                sources=(forecast.lineage("end_probability", where),),
            ),
            ReportColumn(
                "win_probability", "Expected wins", "number", sources=(forecast.lineage("win_probability", where),)
            ),
            ReportColumn(
                "expected_value", "Expected value", "money", sources=(forecast.lineage("expected_value", where),)
            ),
        ),
        chart=Chart("bar", "called", ("win_probability",), "Expected wins by month", frame=rows),
    )


def _best_month(rows: pd.DataFrame) -> str:
    if rows.empty or not rows["win_probability"].max() > 0:
        return ""
    best = rows.sort_values("win_probability", ascending=False, kind="stable").iloc[0]
    return f"most in {best['called']}, {format_number(best['win_probability'], 1)} wins"


def _expected(rows: pd.DataFrame) -> str:
    """What the first row is expected to bring."""
    return f"{money_in_text(float(rows['expected_value'].iloc[0]))} expected" if len(rows) else ""


def wins_by_group(pipeline: Pipeline, title: str, by: ReportColumn, *beside: ReportColumn) -> Section:
    """Open cases, expected wins and value by a column of both tables, most value first; `beside` go with it."""
    names = [by.name, *(column.name for column in beside)]
    rows = pipeline.months.groupby(names)[["win_probability", "expected_value"]].sum().astype(float).reset_index()
    rows = rows.merge(pipeline.open_cases.rows.groupby(by.name).size().rename("open").reset_index(), on=by.name)
    rows = rows.sort_values(["expected_value", by.name], ascending=[False, True]).reset_index(drop=True)
    cases, forecast, where = pipeline.open_cases, pipeline.forecast, {by.name: RowValue(by.name)}
    return Section(
        title=title,
        says=first_of(rows, by.name, _expected(rows)),
        description=f"Open {pipeline.one}s, and what they are expected to bring within the months above.",
        frame=rows,
        columns=(
            by,
            *beside,
            ReportColumn("open", f"Open {pipeline.one}s", "integer", sources=(cases.lineage(pipeline.key, where),)),
            ReportColumn(
                "win_probability", "Expected wins", "number", sources=(forecast.lineage("win_probability", where),)
            ),
            ReportColumn(
                "expected_value",
                "Expected value",
                "money",
                bars=True,
                sources=(forecast.lineage("expected_value", where),),
            ),
        ),
        chart=Chart("bar", by.name, ("win_probability",), f"Expected wins, {title.lower()}", frame=rows),
    )


def most_valuable_cases(pipeline: Pipeline, columns: Sequence[ReportColumn], *, most_told: float) -> Section:
    """The open cases with the highest expected value that may end in the months of the forecast, with their reasons.

    `columns`: what is shown of a case before its probability. `most_told`: the highest probability that a past case was
    told; one that is told more is doubted, as nobody knows how often such cases come about.
    """
    cases, forecast, one = pipeline.open_cases, pipeline.forecast.rows, pipeline.one
    rows = cases.rows[cases.rows[pipeline.key].isin(forecast.loc[forecast["end_probability"] > 0, pipeline.key])]
    rows = rows.sort_values(["expected_value", pipeline.key], ascending=[False, True]).head(CASES_SHOWN)
    doubtful = rows["probability"].astype(float).round(2) > round(most_told, 2)
    doubt = f"no past {one} was told over {format_percent(most_told, 0)}: how often these are won is not known"
    beside = (ReportColumn("doubt", "Doubt", sources=()),) if doubtful.any() else ()
    return listing(
        cases.with_rows(rows.assign(doubt=doubtful.map({True: doubt, False: ""}))),
        f"The {one}s worth most",
        f"Of the {one}s that may end in these months the {format_number(len(rows))} with the highest list price times "
        "probability, and what adds to the probability or takes from it, in points of a hundred. All open "
        f"{one}s can be looked up on the page of tables.",
        (
            *columns,
            ReportColumn("probability", "Chance", "percent"),
            ReportColumn("expected_value", "Expected value", "money"),
            ReportColumn("reasons", "Why"),
            *beside,
        ),
        says=first_of(rows, pipeline.key, _expected(rows)),
    )


def last_week_figures(
    pipeline: Pipeline, counted_by: Mapping[str, tuple[str, str | None]], *, stage: str
) -> tuple[Figure, ...]:
    """How many cases began or ended in the seven days before today, against the seven days before those.

    `counted_by`: label → the date that lies in these days, and the value that the column `stage` must have, if any.
    """
    return tuple(
        _in_last_week(pipeline, label, date, {stage: value} if value else {})
        for label, (date, value) in counted_by.items()
    )


def _in_last_week(pipeline: Pipeline, label: str, date: str, having: dict[str, str]) -> Figure:
    table, today = pipeline.all_cases, pipeline.today
    rows = table.rows
    for column, value in having.items():
        rows = rows[rows[column] == value]
    days = pd.to_datetime(rows[date])
    now, before = (int(days.between(today - n * WEEK, today - (n - 1) * WEEK - DAY).sum()) for n in (1, 2))
    where = {date: slice((today - WEEK).date(), (today - DAY).date()), **having}
    return Figure(
        f"{label} in the last week",
        now,
        "integer",
        change=relative_change(now, before),
        compared_with="the week before",
        sources=(table.lineage(table.key[0], where),),
    )


def ended_cases(pipeline: Pipeline, columns: Sequence[ReportColumn], *, date: str) -> Section:
    """The cases whose `date` lies in the last week, those that brought most first.

    `columns`: what is shown; the last is what a case brought in.
    """
    table, since = pipeline.all_cases, pipeline.today - WEEK
    rows = table.rows[pd.to_datetime(table.rows[date]) >= since]
    rows = rows.sort_values([columns[-1].name, *table.key], ascending=[False, *(True for _ in table.key)])
    return listing(
        table.with_rows(rows.head(CASES_SHOWN)),
        "What ended in the last week",
        f"From {format_date(since)} on, the {format_number(CASES_SHOWN)} that brought most.",
        columns,
        when_empty=f"No {pipeline.one} ended.",
        says=counted(len(rows), pipeline.one),
    )
