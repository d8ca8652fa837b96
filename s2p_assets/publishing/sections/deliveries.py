"""Sections on the files that came in: which were taken, which went back and to whom, what is open, what nobody claims.

They are made of the table that every domain has of its deliveries. How fresh each kind is, is in `freshness`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from textwrap import shorten
from typing import Any

import pandas as pd

from s2p_assets.publishing.report import Basis, Chart, Field, Figure, ReportColumn, Section
from s2p_assets.publishing.sections.plain_names import plain_name
from s2p_assets.publishing.sections.source_table import SourceTable, listing
from s2p_assets.publishing.wording import cell, counted, grouped, short_day

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


@dataclass(frozen=True)
class Deliveries:
    """A domain's table of deliveries: one row per version of a file at a path, with its workbook and verdict."""

    table: SourceTable

    @cached_property
    def files(self) -> pd.DataFrame:
        """The versions of files that a kind of workbook claims, with kind and verdict in words, and days in UTC."""
        rows = self.table.rows[self.table.rows["workbook"].notna()]
        return rows.assign(
            kind=rows["workbook"].map(lambda workbook: plain_name(workbook, f"{workbook.partition('_')[0]}_")),
            said=rows["verdict"].map(VERDICTS),
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
        return self.files[self.files["is_open"].astype(bool)]

    @cached_property
    def unclaimed_files(self) -> pd.DataFrame:
        """The files that no kind of workbook claims, by path."""
        return self.table.rows[self.table.rows["workbook"].isna()].sort_values("path").reset_index(drop=True)

    @property
    def last_day(self) -> pd.Timestamp:
        """The last day on which files came in."""
        return pd.Timestamp(self.files["seen_on"].max())

    @property
    def share_taken(self) -> float | None:
        """The share of the current files' rows that were taken; None where no file could be read."""
        read = float(self.current["rows_read"].sum())
        return float(self.current["rows_accepted"].sum()) / read if read else None

    def count_basis(self, where: Mapping[str, Any]) -> Basis:
        """What a number of files was made from."""
        return self.table.basis("verdict", where, "rows")


def describe_deliveries(deliveries: Deliveries) -> str:
    """How many files lie on the share, how much of them was taken, and what waits: for a headline."""
    taken, files = deliveries.share_taken, len(deliveries.current)
    waiting, unclaimed = len(deliveries.open_files), len(deliveries.unclaimed_files)
    lie = counted(files, "file lies", "files lie")
    rows = f"; {cell(taken, 'percent', 1)} of their rows were taken" if taken is not None else ""
    waits = f"{counted(waiting, 'file waits', 'files wait')} to be corrected" if waiting else ""
    nobody = f", and {counted(unclaimed, 'is', 'are')} claimed by nobody" if unclaimed else ""
    return f"{lie} on the share{rows}. {waits or 'Nothing waits to be corrected'}{nobody}."


def delivery_figures(deliveries: Deliveries) -> tuple[Figure, ...]:
    """How many files and rows there are, how many of them were taken, and what waits or is claimed by nobody."""
    files, current, waiting = deliveries.files, deliveries.current, deliveries.open_files
    where = {"status": "current", "workbook": tuple(sorted(files["workbook"].unique()))}
    came, returned = int((files["seen_on"] == deliveries.last_day).sum()), int(waiting["rows_returned"].sum())
    accepted, read = (deliveries.table.basis(name, where) for name in ("rows_accepted", "rows_read"))
    unclaimed = len(deliveries.unclaimed_files)
    return (
        Figure(
            "Files on the share",
            len(current),
            "whole",
            note=f"{grouped(came)} came in on {short_day(deliveries.last_day)}",
            of=(deliveries.count_basis(where),),
        ),
        Figure(
            "Rows taken",
            int(current["rows_accepted"].sum()),
            "whole",
            note="of all files on the share",
            of=(accepted,),
        ),
        Figure("Share of rows taken", deliveries.share_taken, "percent", of=(accepted, read)),
        Figure(
            "Files waiting to be corrected",
            len(waiting),
            "whole",
            note=f"{counted(returned, 'row')} in them" if returned else "",
            of=(deliveries.count_basis(where | {"is_open": True}),) if len(waiting) else (),
        ),
        Figure(
            "Files nobody claims",
            unclaimed,
            "whole",
            of=(deliveries.count_basis({"verdict": "unclaimed"}),) if unclaimed else (),
        ),
    )


def open_files(deliveries: Deliveries) -> Section:
    """The files that wait to be corrected, the oldest first, each with its owner and its first problem."""
    rows = deliveries.open_files.sort_values(["seen_at", "path"])
    rows["short"] = rows["problem"].map(_shortened, na_action="ignore")
    says = (
        "Each has a marked copy in s2p-returned, with every bad cell and what to do. It closes by itself when a "
        "corrected file is saved in its place."
    )
    return listing(
        deliveries.table.with_rows(rows),
        "Still open",
        says if len(rows) else "",
        (
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


def _shortened(problem: str) -> str:
    return shorten(problem, LONGEST_PROBLEM, placeholder="…")


def unclaimed_files(deliveries: Deliveries) -> Section:
    """The files that no kind of workbook claims."""
    says = (
        "They lie where no kind of workbook is looked for. Put each where its kind belongs, or leave it: it is never "
        "touched."
    )
    return Section(
        title="Files nobody claims",
        says=says if len(deliveries.unclaimed_files) else "",
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
    where = {"owner": Field("owner"), "verdict": SENT_BACK}
    is_open, settled = (deliveries.count_basis(where | {"is_open": one}) for one in (True, False))
    returned = deliveries.table.basis("rows_returned", where)
    return Section(
        title="Who got files back",
        says="Every version of a file that was returned or taken in part, ever; settled are those that were corrected "
        "since, taken away or forgotten.",
        frame=rows.sort_values(["is_open", "files", "owner"], ascending=[False, False, True]).reset_index(drop=True),
        columns=(
            ReportColumn("owner", "Owner"),
            ReportColumn("files", "Files sent back", "whole", of=(deliveries.count_basis(where),)),
            ReportColumn("settled", "Settled", "whole", of=(settled,)),
            ReportColumn("is_open", "Still open", "whole", highlight_above=0, of=(is_open,)),
            ReportColumn("rows_returned", "Rows returned", "whole", of=(returned,)),
        ),
        when_empty="No file was ever sent back.",
    )


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


def _by_week(files: pd.DataFrame) -> pd.DataFrame:
    """How many files were taken and sent back in each of the last weeks: week (its Monday), taken, sent_back."""
    weeks = files["seen_on"] - pd.to_timedelta(files["seen_on"].dt.weekday, unit="D")
    back = files["verdict"].isin(SENT_BACK)
    counts = pd.DataFrame({"taken": weeks[~back].value_counts(), "sent_back": weeks[back].value_counts()})
    first = max(weeks.min(), weeks.max() - WEEKS_DRAWN * 7 * DAY)
    return counts.reindex(pd.date_range(first, weeks.max(), freq="7D")).fillna(0.0).rename_axis("week").reset_index()
