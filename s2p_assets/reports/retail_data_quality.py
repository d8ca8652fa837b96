"""The letter on data quality: what came in, what went back and to whom, what is still open, how fresh everything is.

The files it tells of are noted where they are taken; what is wrong in one is told to its owner in the marked copy.
"""

from collections.abc import Mapping
from textwrap import shorten
from typing import Any

import pandas as pd

from s2p_assets.publishing.report import Basis, Chart, Document, Field, Figure, ReportColumn, Section, report
from s2p_assets.publishing.wording import cell, counted, grouped, short_day
from s2p_assets.shelves import NotYet

DAY = pd.Timedelta(days=1)
WEEKS_DRAWN = 26
DAYS_LISTED = 28
LONGEST_PROBLEM = 100
SENT_BACK = ("returned", "partly")
TAKEN = ("accepted", "partly")
VERDICTS = {
    "accepted": "taken",
    "partly": "taken in part",
    "returned": "returned",
    "duplicate": "same as another file",
    "unclaimed": "nobody claims it",
}
OF_BOOK = {"workbook": Field("workbook")}


@report(title="Data quality", owner="data@example.com")
def data_quality(deliveries: pd.DataFrame) -> Document:
    """What came in and what of it was taken, what went back and to whom, what is open, and how fresh each kind is.

    One edition per day on which files came in; made again whenever a file was taken, returned or taken away.
    """
    files = deliveries[deliveries["workbook"].notna()].assign(
        kind=lambda rows: rows["workbook"].map(plain),
        said=lambda rows: rows["verdict"].map(VERDICTS),
        saved_on=lambda rows: _day(rows["saved_at"]),
        seen_on=lambda rows: _day(rows["seen_at"]),
    )
    nobodys = deliveries[deliveries["workbook"].isna()].sort_values("path").reset_index(drop=True)
    if files.empty:
        besides = f"; nobody claims the {counted(len(nobodys), 'file')} on the share" if len(nobodys) else ""
        raise NotYet(f"no file has come in yet{besides}")
    today = pd.Timestamp(files["seen_on"].max())
    still_open = files[files["is_open"].astype(bool)]
    return Document(
        title="Data quality",
        as_of=today.date(),
        headline=_headline(files, still_open, nobodys),
        figures=_figures(files, still_open, nobodys, today),
        sections=(
            _open(still_open),
            _nobodys(nobodys),
            _owners(files),
            _freshness(files, today),
            _came_in(files, today),
        ),
        notes=_notes(),
    )


def plain(workbook: str) -> str:
    """`retail_price_list` → `Price list`."""
    return workbook.partition("_")[2].replace("_", " ").capitalize()


def _day(moments: "pd.Series[Any]") -> "pd.Series[Any]":
    return pd.to_datetime(moments).dt.normalize()


def _taken(rows: pd.DataFrame) -> float | None:
    """The share of rows read that were taken; a file that could not be read at all has no rows."""
    read = float(rows["rows_read"].sum())
    return float(rows["rows_accepted"].sum()) / read if read else None


def _now(files: pd.DataFrame) -> pd.DataFrame:
    """The files on the share: the newest version at each path."""
    return files[files["status"] == "current"]


def _headline(files: pd.DataFrame, still_open: pd.DataFrame, nobodys: pd.DataFrame) -> str:
    taken = _taken(_now(files))
    first = f"{counted(len(_now(files)), 'file')} {'lies' if len(_now(files)) == 1 else 'lie'} on the share"
    rows = f"; {cell(taken, 'percent', 1)} of their rows were taken" if taken is not None else ""
    waits = f"{counted(len(still_open), 'file')} {'waits' if len(still_open) == 1 else 'wait'} to be corrected"
    said = f"{first}{rows}. {waits if len(still_open) else 'Nothing waits to be corrected'}"
    verb = "is" if len(nobodys) == 1 else "are"
    return f"{said}{f', and {grouped(len(nobodys))} {verb} claimed by nobody' if len(nobodys) else ''}."


def _figures(
    files: pd.DataFrame, still_open: pd.DataFrame, nobodys: pd.DataFrame, today: pd.Timestamp
) -> tuple[Figure, ...]:
    now = _now(files)
    current = {"status": "current", "workbook": tuple(sorted(files["workbook"].unique()))}
    came = int((files["seen_on"] == today).sum())
    returned = int(still_open["rows_returned"].sum())
    return (
        Figure(
            "Files on the share",
            len(now),
            "whole",
            note=f"{grouped(came)} came in on {short_day(today)}",
            of=(_files(current),),
        ),
        Figure(
            "Rows taken",
            int(now["rows_accepted"].sum()),
            "whole",
            note="of all files on the share",
            of=(Basis("deliveries.rows_accepted", current),),
        ),
        Figure(
            "Share of rows taken",
            _taken(now),
            "percent",
            of=tuple(Basis(f"deliveries.{name}", current) for name in ("rows_accepted", "rows_read")),
        ),
        Figure(
            "Files waiting to be corrected",
            len(still_open),
            "whole",
            note=f"{counted(returned, 'row')} in them" if returned else "",
            of=(_files(current | {"is_open": True}),) if len(still_open) else (),
        ),
        Figure(
            "Files nobody claims",
            len(nobodys),
            "whole",
            of=(_files({"verdict": "unclaimed"}),) if len(nobodys) else (),
        ),
    )


def _files(where: Mapping[str, Any]) -> Basis:
    """How many files there are of a kind."""
    return Basis("deliveries.verdict", where, "rows")


def _open(still_open: pd.DataFrame) -> Section:
    rows = still_open.sort_values(["seen_at", "path"]).reset_index(drop=True)
    rows["short"] = [
        None if pd.isna(said) else shorten(said, LONGEST_PROBLEM, placeholder="…") for said in rows["problem"]
    ]
    return Section(
        title="Still open",
        says="Each has a marked copy in s2p-returned, with every bad cell and what to do. It closes by itself when a "
        "corrected file is saved in its place."
        if len(rows)
        else "",
        frame=rows,
        of="deliveries",
        by=("path", "version"),
        columns=(
            ReportColumn("path", "File", of=()),
            ReportColumn("owner", "Sent to", of=()),
            ReportColumn("seen_on", "Since", "day", of=()),
            ReportColumn("said", "Verdict", of=()),
            ReportColumn("rows_returned", "Rows returned", "whole"),
            ReportColumn("problems", "Problems", "whole"),
            ReportColumn("short", "The first of them", of=()),
        ),
        when_empty="Nothing is open: every file on the share was taken as it is.",
    )


def _nobodys(nobodys: pd.DataFrame) -> Section:
    return Section(
        title="Files nobody claims",
        says="They lie where no kind of workbook is looked for. Put each where its kind belongs, or leave it: it is "
        "never touched."
        if len(nobodys)
        else "",
        frame=nobodys,
        columns=(ReportColumn("path", "File"),),
        when_empty="Every file on the share lies where a kind of workbook is looked for.",
    )


def _owners(files: pd.DataFrame) -> Section:
    back = files[files["verdict"].isin(SENT_BACK)]
    lines = back.groupby("owner").agg(
        files=("path", "size"), is_open=("is_open", "sum"), rows_returned=("rows_returned", "sum")
    )
    lines = lines.reset_index().assign(settled=lambda rows: rows["files"] - rows["is_open"])
    where = {"owner": Field("owner"), "verdict": SENT_BACK}
    return Section(
        title="Who got files back",
        says="Every version of a file that was returned or taken in part, ever; settled are those that were corrected "
        "since, taken away or forgotten.",
        frame=lines.sort_values(["is_open", "files", "owner"], ascending=[False, False, True]).reset_index(drop=True),
        columns=(
            ReportColumn("owner", "Owner"),
            ReportColumn("files", "Files sent back", "whole", of=(_files(where),)),
            ReportColumn("settled", "Settled", "whole", of=(_files(where | {"is_open": False}),)),
            ReportColumn("is_open", "Still open", "whole", highlight_above=0, of=(_files(where | {"is_open": True}),)),
            ReportColumn("rows_returned", "Rows returned", "whole", of=(Basis("deliveries.rows_returned", where),)),
        ),
        when_empty="No file was ever sent back.",
    )


def _freshness(files: pd.DataFrame, today: pd.Timestamp) -> Section:
    """A line per kind of workbook; the one that was silent longest comes first."""
    good = files[files["verdict"].isin(TAKEN)]
    now = _now(files).groupby(["workbook", "kind"])
    lines = now.agg(
        files=("path", "size"),
        rows_read=("rows_read", "sum"),
        rows_accepted=("rows_accepted", "sum"),
        rows_returned=("rows_returned", "sum"),
    ).reset_index()
    saved = good.groupby("workbook")["saved_on"]
    lines["newest"] = pd.to_datetime(lines["workbook"].map(saved.max()))
    lines["days_since"] = (today - lines["newest"]).dt.days
    days = good.drop_duplicates(["workbook", "saved_on"]).sort_values("saved_on")
    pauses = days.groupby("workbook")["saved_on"].diff().dt.days
    lines["usual_days"] = lines["workbook"].map(pauses.groupby(days["workbook"]).median()).astype("float64")
    lines["late_days"] = (lines["days_since"] - lines["usual_days"]).clip(lower=0)
    where = OF_BOOK | {"status": "current"}
    dates = (Basis("deliveries.saved_at", OF_BOOK | {"verdict": TAKEN}, "rows"),)
    return Section(
        title="How fresh each kind of workbook is",
        says="The files on the share, by kind; newest is the day on which the newest file that was taken was saved. "
        "Late is how much longer than usual nothing new came.",
        frame=lines.sort_values(["newest", "workbook"], na_position="first").reset_index(drop=True),
        columns=(
            ReportColumn("kind", "Kind of workbook"),
            ReportColumn("newest", "Newest", "day", of=dates),
            ReportColumn("days_since", "Days since", "whole", of=dates),
            ReportColumn("usual_days", "Usual pause, days", "number", of=dates),
            ReportColumn("late_days", "Days late", "number", highlight_above=7, of=dates),
            ReportColumn("files", "Files", "whole", of=(_files(where),)),
            *(
                ReportColumn(name, title, "whole", of=(Basis(f"deliveries.{name}", where),))
                for name, title in (
                    ("rows_read", "Rows read"),
                    ("rows_accepted", "Rows taken"),
                    ("rows_returned", "Rows returned"),
                )
            ),
        ),
        chart=Chart(
            "bar", "kind", ("rows_accepted", "rows_returned"), "Rows taken and returned", frame=lines, format="whole"
        ),
    )


def _came_in(files: pd.DataFrame, today: pd.Timestamp) -> Section:
    recent = files[files["seen_on"] > today - DAYS_LISTED * DAY]
    rows = recent.sort_values(["seen_at", "path"], ascending=[False, True]).reset_index(drop=True)
    weeks = files["seen_on"] - pd.to_timedelta(files["seen_on"].dt.weekday, unit="D")
    back = files["verdict"].isin(SENT_BACK)
    counts = pd.DataFrame({"taken": weeks[~back].value_counts(), "sent_back": weeks[back].value_counts()})
    first = max(weeks.min(), weeks.max() - WEEKS_DRAWN * 7 * DAY)
    drawn = counts.reindex(pd.date_range(first, weeks.max(), freq="7D")).fillna(0.0).rename_axis("week").reset_index()
    return Section(
        title="What came in",
        says=f"New and changed files of the last {DAYS_LISTED} days, the newest first.",
        frame=rows,
        of="deliveries",
        by=("path", "version"),
        columns=(
            ReportColumn("path", "File", of=()),
            ReportColumn("version", "Version", "whole", of=()),
            ReportColumn("kind", "Kind of workbook", of=()),
            ReportColumn("seen_on", "Came in", "day", of=()),
            ReportColumn("said", "Verdict", of=()),
            ReportColumn("rows_read", "Rows read", "whole"),
            ReportColumn("rows_accepted", "Rows taken", "whole"),
            ReportColumn("rows_returned", "Rows returned", "whole", highlight_above=0),
        ),
        chart=Chart("line", "week", ("taken", "sent_back"), "Files a week", frame=drawn, format="whole")
        if len(drawn) > 1
        else None,
    )


def _notes() -> tuple[str, ...]:
    return (
        "Rows read are always rows taken and rows returned together. A file that could not be read at all counts as a "
        "file, without rows.",
        "The same bytes under another name are taken once; the second file is told as the same as another.",
        "Days are those on which s2p saw a file first, or on which it was saved where the text says so, in UTC.",
    )
