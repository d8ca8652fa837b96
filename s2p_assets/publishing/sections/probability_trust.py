"""Sections on whether open cases can be trusted to a model: what it was kept from, and whether its words have held.

The measures over all past cases are in `classification_scores`.
"""

from collections.abc import Mapping
from typing import Protocol

import pandas as pd

from s2p_assets.contracts.report import Chart, NumberSource, ReportColumn, RowValue, Section
from s2p_assets.publishing.document.wording import format_date, format_percent
from s2p_assets.publishing.sections.source_table import SourceTable


class TrainedFrom(Protocol):
    """Why a version was trained: what it was kept from learning, and what a person let in, by column."""

    @property
    def left_out(self) -> Mapping[str, str]: ...
    @property
    def let_in(self) -> Mapping[str, str]: ...


class BesideDecided(Protocol):
    """What is told of open cases beside what was told of decided ones: as of `compare_open_cases`."""

    @property
    def bands(self) -> pd.DataFrame: ...
    @property
    def at(self) -> float: ...
    @property
    def below_open(self) -> float: ...
    @property
    def below_decided(self) -> float: ...
    @property
    def cases(self) -> int: ...
    @property
    def differs(self) -> bool: ...


def kept_from_learning(reason: TrainedFrom, names: Mapping[str, str]) -> tuple[Section, ...]:
    """The columns that know the outcome before it is decided; no section where there are none.

    `names`: what people call a column.
    """
    settled = {"left out": reason.left_out, "let in by a person": reason.let_in}
    rows = pd.DataFrame(
        [
            {"called": names.get(column, column.replace("_", " ")), "what": what, "why": why}
            for what, columns in settled.items()
            for column, why in columns.items()
        ]
    )
    if rows.empty:
        return ()
    many = len(reason.left_out)
    title = f"{many} columns know the outcome and were not learned from" if many else "Columns that a person let in"
    return (
        Section(
            title=title.replace("1 columns know", "1 column knows"),
            description="They tell how a case ends because they were written when it ended. A model that learns from "
            "them looks right on past cases and is wrong on open ones. Whoever knows that a column is written before "
            "can let it in.",
            frame=rows,
            columns=(
                ReportColumn("called", "Column"),
                ReportColumn("what", "What was done"),
                ReportColumn("why", "Why"),
            ),
        ),
    )


def describe_open_cases(found: BesideDecided, one: str) -> str:
    """Whether open cases are told as decided ones were, in a sentence or two."""
    if not found.differs:
        return f"Open {one}s are told much as decided ones were in tests."
    now, then, at = (format_percent(part, 0) for part in (found.below_open, found.below_decided, found.at))
    way = "lower" if found.below_open > found.below_decided else "higher"
    return (
        f"Open {one}s are told {way} than decided ones were: {now} of them are told {at} or less, against "
        f"{then} of the decided. They are unlike the {one}s that the model was tried on: trust their order more than "
        "their numbers."
    )


def warn_of_open_cases(found: BesideDecided, one: str) -> str:
    """That open cases are unlike the decided ones, to be put behind other sentences; nothing where they are not."""
    return f" {describe_open_cases(found, one).partition(':')[0]}: see below." if found.differs else ""


def open_beside_decided(found: BesideDecided, open_cases: SourceTable, decided: SourceTable, one: str) -> Section:
    """The open cases and the decided ones by what they are told, in tenths."""
    shares = {"open": open_cases.lineage("probability"), "decided": decided.lineage("probability")}
    return Section(
        title=f"Open {one}s are told {'otherwise than' if found.differs else 'much as'} decided ones were",
        description=f"{describe_open_cases(found, one)} Of {found.cases:,} open {one}s and of the decided ones, week "
        "by week as they were told in tests: the share in each tenth of the probability.",
        frame=found.bands,
        columns=(
            ReportColumn("band", "Told, in %"),
            ReportColumn("open", "Open now", "percent", sources=(shares["open"],)),
            ReportColumn("decided", "Decided", "percent", sources=(shares["decided"],)),
        ),
        chart=Chart(
            "bar",
            "band",
            ("open", "decided"),
            f"Share of {one}s by what they are told",
            frame=found.bands,
            format="percent",
        ),
    )


def describe_calibration(rows: pd.DataFrame, one: str) -> str:
    """Whether the probabilities have held in every stretch, and where they did not, in a sentence."""
    off = rows[~rows["holds"].astype(bool)]
    if off.empty:
        return "In every stretch the probabilities held as well as chance lets them."
    last = off.iloc[-1]
    told, came = (format_percent(float(last[name]), 0) for name in ("predicted", "outcome"))
    also = "" if len(off) == 1 else f", the last of {len(off)}"
    return (
        f"In the stretch from {format_date(last['cutoff'])}{also} the probabilities did not hold: {told} were told on "
        f"average and {came} came, {format_percent(float(last['error']), 1)} off by tenths where chance explains "
        f"{format_percent(float(last['most']), 1)}."
    )


def calibration_over_time(rows: pd.DataFrame, decided: SourceTable, one: str) -> Section:
    """Stretch by stretch what was told and what came, and how far that is off beside what chance explains."""
    where = {"fold": RowValue("fold")}
    told: NumberSource = decided.lineage("probability", where)
    verdict = ["holds" if held else "does not hold" for held in rows["holds"].astype(bool)]
    rows = rows.assign(verdict=verdict, at=[format_date(day) for day in rows["cutoff"]])
    measures = {"predicted": "Told", "outcome": "Came", "error": "Off by tenths", "most": "By chance at most"}
    return Section(
        title="Have the probabilities held over time?",
        description=f"{describe_calibration(rows, one)} Slope and intercept are those of the log-odds: 1 and 0 are "
        f"right, a slope under 1 is too sure of itself. Every {one} counts once.",
        frame=rows,
        columns=(
            ReportColumn("cutoff", "From", "date"),
            ReportColumn("cases", "Cases", "integer", sources=(told,)),
            *(ReportColumn(name, title, "percent", sources=(told,)) for name, title in measures.items()),
            ReportColumn("slope", "Slope", "number", sources=(told,)),
            ReportColumn("intercept", "Intercept", "number", sources=(told,)),
            ReportColumn("verdict", "Verdict"),
        ),
        chart=Chart(
            "line", "at", ("error", "most"), "Off by tenths, and what chance explains", frame=rows, format="percent"
        )
        if len(rows) > 1
        else None,
    )
