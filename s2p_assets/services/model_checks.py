"""How models in service did when they were last looked at: their errors and their columns, beside their bands.

Both are measured by checks of the graph and read from what Dagster keeps of them; what asks for training is the
graph's.
"""

import datetime as dt
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg

ERRORS, DRIFT = "error_within_its_band", "nothing_drifted"
LAST_SQL = """
select distinct on (asset_key, check_name) asset_key, check_name, evaluation_event,
 evaluation_event_timestamp at time zone 'utc'
from dagster.asset_check_executions
where check_name in ('error_within_its_band', 'nothing_drifted') and evaluation_event is not null
order by asset_key, check_name, id desc
"""


@dataclass(frozen=True)
class ErrorFigures:
    """The error on what came since the training, what is usual, and the highest that is no reason to train anew."""

    now: float
    usual: float
    highest: float
    checked_at: dt.datetime

    @property
    def is_above(self) -> bool:
        return self.now > self.highest


@dataclass(frozen=True)
class ColumnFigures:
    """How far a column moved (population stability index), how far it did before, and how many rows told it.

    `verdict` is that of the check: below `needed` rows it is too little to say.
    """

    column: str
    verdict: str
    moved: float
    usual: float
    rows: int
    needed: int


@dataclass(frozen=True)
class DriftFigures:
    """The columns of a feature set or of a table of forecasts, and what they were compared with."""

    compared: str
    columns: tuple[ColumnFigures, ...]
    checked_at: dt.datetime


@dataclass(frozen=True)
class CheckFigures:
    """By contest, and by table or feature set; nothing before the graph ran first."""

    errors: Mapping[str, ErrorFigures]
    drift: Mapping[str, DriftFigures]


def check_figures(connection: psycopg.Connection) -> CheckFigures:
    """The figures of the last evaluation of each check."""
    errors, drift = dict[str, ErrorFigures](), dict[str, DriftFigures]()
    there = connection.execute("select to_regclass('dagster.asset_check_executions')").fetchone()
    rows = connection.execute(LAST_SQL).fetchall() if there and there[0] else []
    for asset, check, said, at in rows:
        with suppress(ValueError, KeyError, TypeError):
            metadata = json.loads(said)["dagster_event"]["event_specific_data"]["metadata"] or {}
            if check == ERRORS:
                errors |= errors_told(metadata, at)
            else:
                drift["_".join(json.loads(asset))] = drift_told(metadata, at)
    return CheckFigures(errors, drift)


def errors_told(metadata: Mapping[str, Any], at: dt.datetime) -> dict[str, ErrorFigures]:
    """Contest → its figures; not of one without a champion, or of which nothing newer came."""
    found: dict[str, dict[str, float]] = {}
    for label, value in metadata.items():
        contest, _, what = label.partition(": ")
        if isinstance(value, dict) and isinstance(value.get("value"), int | float):
            found.setdefault(contest, {})[what] = float(value["value"])
    return {
        contest: ErrorFigures(one["error"], one["usual error"], one["highest error"], at)
        for contest, one in found.items()
        if {"error", "usual error", "highest error"} <= one.keys()
    }


def drift_told(metadata: Mapping[str, Any], at: dt.datetime) -> DriftFigures:
    """The rows of the check's table. Raises KeyError for what has no such columns, ValueError for what is no number."""
    table = metadata.get("columns", {}).get("md_str", "")
    lines = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in table.splitlines()]
    rows = [dict(zip(lines[0], line, strict=True)) for line in lines[2:]]
    columns = tuple(
        ColumnFigures(
            row["column"],
            row["verdict"],
            float(row["PSI"]),
            float(row["usual PSI"]),
            int(float(row["rows"])),
            int(float(row["needed"])),
        )
        for row in rows
    )
    return DriftFigures(metadata.get("compared", {}).get("text", ""), columns, at)
