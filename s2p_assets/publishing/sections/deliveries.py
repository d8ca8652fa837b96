"""Sections on the files that came in: which were taken, which went back and to whom, what is open, what nobody claims.

They are made of the table that every domain has of its deliveries. How fresh each kind is, is in `freshness`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from s2p_assets.contracts.report import Chart, Figure, NumberSource, ReportColumn, RowValue, Section
from s2p_assets.publishing.document.wording import format_cell, format_date, format_number, pluralize
from s2p_assets.publishing.sections.findings import counted
from s2p_assets.publishing.sections.plain_names import plain_name
from s2p_assets.publishing.sections.source_table import SourceTable, listing

DAY = pd.Timedelta(days=1)
WEEKS_DRAWN = 26
DAYS_LISTED = 28
SENT_BACK = ("returned", "partly")
TAKEN = ("accepted", "partly")
MISSING = "missing"
VERDICTS = {
    "accepted": "taken",
    "partly": "taken in part",
    "returned": "returned",
    "held": "held",
    "duplicate": "same as another file",
    "unclaimed": "nobody claims it",
}


@dataclass(frozen=True)
class Deliveries:
    """A domain's table of deliveries: one row per version of a file at a path, with its workbook and verdict."""

    table: SourceTable

    @cached_property
    def files(self) -> pd.DataFrame:
        """The versions of files that a kind of workbook claims, with kind and verdict in words, and days in UTC."""
        rows = self.table.rows[self.table.rows["workbook"].notna() & (self.table.rows["verdict"] != MISSING)]
        return _with_kind(rows).assign(
            verdict_in_words=rows["verdict"].map(VERDICTS),
            saved_on=pd.to_datetime(rows["saved_at"]).dt.normalize(),
            seen_on=pd.to_datetime(rows["seen_at"]).dt.normalize(),
        )

    @cached_property
    def current(self) -> pd.DataFrame:
        """The files on the share: the newest version at each path."""
        return self.files[self.files["status"] == "current"]

    @cached_property
    def open_files(self) -> pd.DataFrame:
        """The files that wait to be corrected."""
        return self.files[self.files["is_open"].astype(bool) & self.files["verdict"].isin(SENT_BACK)]

    @cached_property
    def held_files(self) -> pd.DataFrame:
        """The files on the share that are not loaded before somebody has decided."""
        return self.current[self.current["verdict"] == "held"]

    @cached_property
    def gone_files(self) -> pd.DataFrame:
        """The files that are gone from the share while rows of them still count, and nobody has decided about them."""
        return self.files[self.files["rows_left"].fillna(0).astype("int64") > 0]

    @cached_property
    def missing(self) -> pd.DataFrame:
        """The files that should have come and have not."""
        return _with_kind(self.table.rows[self.table.rows["verdict"] == MISSING])

    @cached_property
    def unclaimed_files(self) -> pd.DataFrame:
        """The files that no kind of workbook claims, by path."""
        return self.table.rows[self.table.rows["workbook"].isna()].sort_values("path").reset_index(drop=True)

    @property
    def last_day(self) -> pd.Timestamp:
        """The last day on which files came in."""
        return pd.Timestamp(self.files["seen_on"].max())

    @property
    def accepted_share(self) -> float | None:
        """The share of the current files' rows that were taken; None where no file could be read."""
        read = float(self.current["rows_read"].sum())
        return float(self.current["rows_accepted"].sum()) / read if read else None

    def count_basis(self, where: Mapping[str, Any]) -> NumberSource:
        """What a number of files was made from."""
        return self.table.lineage("verdict", where, "rows")


def describe_deliveries(deliveries: Deliveries) -> str:
    """How many files lie on the share, how much of them was taken, and what waits: for a headline."""
    accepted, files = deliveries.accepted_share, len(deliveries.current)
    waiting, unclaimed = len(deliveries.open_files), len(deliveries.unclaimed_files)
    lie = pluralize(files, "file lies", "files lie")
    rows = f"; {format_cell(accepted, 'percent', 1)} of their rows were taken" if accepted is not None else ""
    waits = f"{pluralize(waiting, 'file waits', 'files wait')} to be corrected" if waiting else ""
    nobody = f", and {pluralize(unclaimed, 'is', 'are')} claimed by nobody" if unclaimed else ""
    held, gone, late = len(deliveries.held_files), len(deliveries.gone_files), len(deliveries.missing)
    asked = f" {pluralize(held, 'file is', 'files are')} held until somebody decides." if held else ""
    asked += f" {pluralize(gone, 'file is', 'files are')} gone, and rows of it still count." if gone else ""
    asked += f" {pluralize(late, 'file that is', 'files that are')} expected did not come." if late else ""
    return f"{lie} on the share{rows}. {waits or 'Nothing waits to be corrected'}{nobody}.{asked}"


def what_to_decide(deliveries: Deliveries) -> str:
    """What people have to do: correct, decide, claim or hand in files; empty where nothing waits."""
    waiting = (
        (deliveries.open_files, "correct {} and drop it again", "correct {} and drop them again"),
        (deliveries.held_files, "decide about {} that is held", "decide about {} that are held"),
        (deliveries.gone_files, "keep or forget {} that is gone", "keep or forget {} that are gone"),
        (deliveries.missing, "hand in {} that is late", "hand in {} that are late"),
    )
    parts = [
        (one if len(files) == 1 else many).format(pluralize(len(files), "file"))
        for files, one, many in waiting
        if len(files)
    ]
    return f"{'; '.join(parts)}." if parts else ""


def delivery_figures(deliveries: Deliveries) -> tuple[Figure, ...]:
    """How many files and rows there are, how many of them were taken, and what waits or is claimed by nobody."""
    files, current, waiting = deliveries.files, deliveries.current, deliveries.open_files
    where = {"status": "current", "workbook": tuple(sorted(files["workbook"].unique()))}
    new_files, returned = int((files["seen_on"] == deliveries.last_day).sum()), int(waiting["rows_returned"].sum())
    accepted, read = (deliveries.table.lineage(name, where) for name in ("rows_accepted", "rows_read"))
    unclaimed = len(deliveries.unclaimed_files)
    return (
        Figure(
            "Files on the share",
            len(current),
            "integer",
            note=f"{format_number(new_files)} came in on {format_date(deliveries.last_day)}",
            sources=(deliveries.count_basis(where),),
        ),
        Figure(
            "Rows taken",
            int(current["rows_accepted"].sum()),
            "integer",
            note="of all files on the share",
            sources=(accepted,),
        ),
        Figure("Share of rows taken", deliveries.accepted_share, "percent", sources=(accepted, read)),
        Figure(
            "Files waiting to be corrected",
            len(waiting),
            "integer",
            note=f"{pluralize(returned, 'row')} in them" if returned else "",
            sources=(deliveries.count_basis(where | {"is_open": True}),) if len(waiting) else (),
        ),
        Figure(
            "Files nobody claims",
            unclaimed,
            "integer",
            sources=(deliveries.count_basis({"verdict": "unclaimed"}),) if unclaimed else (),
        ),
    )


def open_files(deliveries: Deliveries) -> Section:
    """The files that wait to be corrected, the oldest first, each with its owner and its first problem."""
    rows = deliveries.open_files.sort_values(["seen_at", "path"])
    description = (
        "Each has a marked copy in s2p-returned, with every bad cell and what to do. It closes by itself when a "
        "corrected file is saved in its place."
    )
    return listing(
        deliveries.table.with_rows(rows),
        "Still open",
        description if len(rows) else "",
        (
            ReportColumn("path", "File", sources=()),
            ReportColumn("owner", "Owner", sources=()),
            ReportColumn("sent_to", "Message sent to", sources=()),
            ReportColumn("seen_on", "Since", "date", sources=()),
            ReportColumn("verdict_in_words", "Verdict", sources=()),
            ReportColumn("rows_returned", "Rows returned", "integer"),
            ReportColumn("problems", "Problems", "integer"),
            ReportColumn("problem", "The first of them", sources=()),
        ),
        says=counted(len(rows), "file"),
        when_empty="Nothing is open: every file on the share was taken as it is.",
    )


def late_and_missing(deliveries: Deliveries) -> Section:
    """The files that should have come and have not, by kind and period, with whom to ask."""
    return listing(
        deliveries.table.with_rows(deliveries.missing.sort_values(["kind", "path"])),
        "Late and missing",
        "By what each kind of workbook declares of when it comes, and from whom. What is not known is not taken as 0.",
        (
            ReportColumn("path", "What is missing", sources=()),
            ReportColumn("owner", "Whom to ask", sources=()),
            ReportColumn("problem", "Since when", sources=()),
        ),
        says=counted(len(deliveries.missing), "file"),
        when_empty="Nothing that was expected is missing.",
    )


def _with_kind(rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` with the kind of workbook as people call it."""
    kinds = rows["workbook"].map(lambda workbook: plain_name(workbook, f"{workbook.partition('_')[0]}_"))
    return rows.assign(kind=kinds)


def held_files(deliveries: Deliveries) -> Section:
    """The files that are held, with the question that somebody has to answer."""
    rows = deliveries.held_files.sort_values(["seen_at", "path"])
    description = (
        "They change much of what was loaded, or look like copies of other files. Nothing of them is loaded, and what "
        "was loaded before stands, until somebody accepts the file or puts another in its place."
    )
    return listing(
        deliveries.table.with_rows(rows),
        "Held until somebody decides",
        description if len(rows) else "",
        (
            ReportColumn("path", "File", sources=()),
            ReportColumn("owner", "Owner", sources=()),
            ReportColumn("seen_on", "Since", "date", sources=()),
            ReportColumn("rows_held", "Rows held", "integer", sources=()),
            ReportColumn("question", "Why", sources=()),
            ReportColumn("changes", "What it would change", sources=()),
        ),
        when_empty="No file is held.",
        says=counted(len(rows), "file"),
    )


def gone_files(deliveries: Deliveries) -> Section:
    """The files that are gone from the share while rows of them still count."""
    rows = deliveries.gone_files.sort_values(["path", "version"])
    description = (
        "They were deleted, moved away or saved under another name. Their rows count until somebody forgets or keeps "
        "them."
    )
    return listing(
        deliveries.table.with_rows(rows),
        "Gone from the share",
        description if len(rows) else "",
        (
            ReportColumn("path", "File", sources=()),
            ReportColumn("owner", "Owner", sources=()),
            ReportColumn("kind", "Kind of workbook", sources=()),
            ReportColumn("rows_left", "Rows that still count", "integer", sources=()),
        ),
        says=counted(len(rows), "file"),
        when_empty="Every file whose rows count lies on the share, or somebody decided to keep its rows.",
    )


def unclaimed_files(deliveries: Deliveries) -> Section:
    """The files that no kind of workbook claims."""
    description = (
        "They lie where no kind of workbook is looked for. Put each where its kind belongs, or leave it: it is never "
        "touched."
    )
    return Section(
        title="Files nobody claims",
        says=counted(len(deliveries.unclaimed_files), "file"),
        description=description if len(deliveries.unclaimed_files) else "",
        frame=deliveries.unclaimed_files,
        columns=(ReportColumn("path", "File"),),
        when_empty="Every file on the share lies where a kind of workbook is looked for.",
    )


def returned_by_owner(deliveries: Deliveries) -> Section:
    """How many files each owner got back, and how many of them are settled; who has most to do comes first."""
    back = deliveries.files[deliveries.files["verdict"].isin(SENT_BACK)]
    rows = back.groupby("owner").agg(
        files=("path", "size"), is_open=("is_open", "sum"), rows_returned=("rows_returned", "sum")
    )
    rows = rows.reset_index().assign(settled=lambda lines: lines["files"] - lines["is_open"])
    where = {"owner": RowValue("owner"), "verdict": SENT_BACK}
    is_open, settled = (deliveries.count_basis(where | {"is_open": one}) for one in (True, False))
    returned = deliveries.table.lineage("rows_returned", where)
    return Section(
        title="Who got files back",
        says=_whose_are_open(rows),
        description="Every version of a file that was returned or taken in part, ever; settled are those that were "
        "corrected since, taken away or forgotten.",
        frame=rows.sort_values(["is_open", "files", "owner"], ascending=[False, False, True]).reset_index(drop=True),
        columns=(
            ReportColumn("owner", "Owner"),
            ReportColumn("files", "Files sent back", "integer", sources=(deliveries.count_basis(where),)),
            ReportColumn("settled", "Settled", "integer", sources=(settled,)),
            ReportColumn("is_open", "Still open", "integer", highlight_above=0, sources=(is_open,)),
            ReportColumn("rows_returned", "Rows returned", "integer", sources=(returned,)),
        ),
        when_empty="No file was ever sent back.",
    )


def _whose_are_open(rows: pd.DataFrame) -> str:
    """How many owners still have files to correct."""
    waiting = int((rows["is_open"] > 0).sum())
    if rows.empty:
        return "nobody"
    return f"{format_number(waiting)} of {pluralize(len(rows), 'owner')} still to correct" if waiting else "all settled"


def _came_and_went_back(recent: pd.DataFrame) -> str:
    back = int(recent["verdict"].isin(SENT_BACK).sum())
    came = counted(len(recent), "file", none="nothing")
    return f"{came}, {format_number(back)} of them sent back" if back else came


def recent_arrivals(deliveries: Deliveries) -> Section:
    """The versions of files that came in of late, the newest first, and how many were taken or sent back by week."""
    files = deliveries.files
    recent = files[files["seen_on"] > deliveries.last_day - DAYS_LISTED * DAY]
    drawn = _by_week(files)
    return listing(
        deliveries.table.with_rows(recent.sort_values(["seen_at", "path"], ascending=[False, True])),
        "What came in",
        f"New and changed files of the last {DAYS_LISTED} days, the newest first.",
        (
            ReportColumn("path", "File", sources=()),
            ReportColumn("version", "Version", "integer", sources=()),
            ReportColumn("kind", "Kind of workbook", sources=()),
            ReportColumn("seen_on", "Came in", "date", sources=()),
            ReportColumn("verdict_in_words", "Verdict", sources=()),
            ReportColumn("rows_read", "Rows read", "integer"),
            ReportColumn("rows_accepted", "Rows taken", "integer"),
            ReportColumn("rows_returned", "Rows returned", "integer", highlight_above=0),
            ReportColumn("changes", "What it changed", sources=()),
        ),
        says=_came_and_went_back(recent),
        chart=Chart("line", "week", ("taken", "sent_back"), "Files a week", frame=drawn, format="integer")
        if len(drawn) > 1
        else None,
    )


def _by_week(files: pd.DataFrame) -> pd.DataFrame:
    """How many files were taken and sent back in each of the last weeks: week (its Monday), taken, sent_back."""
    weeks = files["seen_on"] - pd.to_timedelta(files["seen_on"].dt.weekday, unit="D")
    back = files["verdict"].isin(SENT_BACK)
    counts = pd.DataFrame({"taken": weeks[~back].value_counts(), "sent_back": weeks[back].value_counts()})
    first = max(weeks.min(), weeks.max() - WEEKS_DRAWN * 7 * DAY)
    return counts.reindex(pd.date_range(first, weeks.max(), freq="7D")).fillna(0.0).rename_axis("week").reset_index()
