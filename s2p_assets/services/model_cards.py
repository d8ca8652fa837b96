"""What a manager asks of models and data: which model is in service since when and why, and how fresh each source is.

What programs ask is in `model_queries.py` and `status.py`; the words of reports are `publishing`'s.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import dict_row

from s2p_assets.catalog.catalog import key_of
from s2p_assets.contracts.model import Contest, ForecastTask
from s2p_assets.learning.registry.mlflow_tables import ContestState, Record, Tenure
from s2p_assets.services.context import Context
from s2p_assets.services.left_out import left_out
from s2p_assets.services.model_checks import CheckFigures, DriftFigures, ErrorFigures, check_figures
from s2p_assets.warehouse.files.expected import missing_files
from s2p_assets.warehouse.tables.own_tables import ensure_own_tables

VERSIONS_LISTED = 12
BY_TEST = "the test"
"""Who decided a promotion where no person did."""
NEWEST_SQL = """
select distinct on (workbook) workbook, path, loaded_at, rows_accepted, handed.handed_in_by
from s2p.files f left join s2p.handed_in handed using (path, sha256)
where f.is_loaded and loaded_at is not null order by workbook, loaded_at desc, f.id desc
"""
TOTALS_SQL = """
select workbook, count(*) filter (where is_loaded) as files, sum(rows_accepted) filter (where is_loaded) as rows,
 count(*) filter (where status = 'current' and verdict in ('returned', 'partly')) as returned,
 count(*) filter (where status = 'current' and verdict = 'held') as held
from s2p.files group by workbook
"""
DRIFT_SQL = (
    "select content ->> 'key', coalesce(content -> 'details' ->> 0, ''), opened_at from s2p.matters"
    " where kind = 'drift' and cleared_at is null order by opened_at"
)


@dataclass(frozen=True)
class ScoredModel:
    """A model of a contest with its loss in the last comparison, lower being better; `share`: of the largest."""

    name: str
    loss: float
    share: float
    in_service: bool


@dataclass(frozen=True)
class OpenDrift:
    """A table or feature set that moved away from what its model learned from, since when, and by what."""

    name: str
    says: str
    since: dt.datetime


@dataclass(frozen=True)
class ModelCard:
    """A contest: what is learned, who is in service and why, what was trained, and what a person decided.

    `error`: how its model did of late; `moved`: how far what it learned from and what it foretells have moved, by name.
    """

    contest: Contest
    state: ContestState
    scores: tuple[ScoredModel, ...]
    drifts: tuple[OpenDrift, ...]
    left_out: tuple[str, ...]
    reports: tuple[str, ...]
    error: ErrorFigures | None = None
    moved: Mapping[str, DriftFigures] = field(default_factory=dict)

    @property
    def forecasts(self) -> bool:
        """Whether its error is a share of the demand; else it is a log loss."""
        return isinstance(self.contest.task, ForecastTask)

    @property
    def tenure(self) -> Tenure | None:
        return self.state.tenures[-1] if self.state.tenures else None

    @property
    def overruled(self) -> list[Tenure]:
        """The promotions that a person decided, the last first."""
        return [one for one in reversed(self.state.tenures) if one.by != BY_TEST]

    @property
    def trained(self) -> list[Record]:
        """The versions that were trained last, the last first."""
        return list(reversed(self.state.versions[-VERSIONS_LISTED:]))


def model_cards(ctx: Context, sees: Callable[[str], bool]) -> list[ModelCard]:
    """A card for each contest whose features somebody sees."""
    shown = [
        one for one in ctx.catalog.contests.values() if sees(one.full_name) and sees(f"{one.domain}_{one.features}")
    ]
    with ctx.warehouse.reading() as connection:
        drifts = [OpenDrift(*row) for row in connection.execute(DRIFT_SQL).fetchall()]
        figures = check_figures(connection)
    return [_card(ctx, one, sees, drifts, figures) for one in shown]


def _card(
    ctx: Context, contest: Contest, sees: Callable[[str], bool], drifts: list[OpenDrift], figures: CheckFigures
) -> ModelCard:
    state = ctx.registry.state(contest.domain, contest.name)
    losses: Mapping[str, float] = (state.last or {}).get("losses") or {}
    largest = max(losses.values(), default=0.0)
    champion = state.champion.model if state.champion else ""
    scores = [
        ScoredModel(name, loss, loss / largest if largest else 0.0, name == champion)
        for name, loss in sorted(losses.items(), key=lambda one: one[1])
    ]
    key = key_of(contest)
    made = [one.full_name for one in ctx.catalog.tables.values() if key in ctx.catalog.inputs_of(one).values()]
    watched = [name for name in (f"{contest.domain}_{contest.features}", *made) if sees(name)]
    mine = [one for one in drifts if one.name in watched]
    moved = {name: figures.drift[name] for name in watched if name in figures.drift and figures.drift[name].columns}
    reports = [
        name for name, one in ctx.catalog.reports.items() if sees(name) and key in ctx.catalog.upstream(key_of(one))
    ]
    error = figures.errors.get(contest.full_name)
    kept_from = left_out(ctx.registry, contest, state.champion)
    return ModelCard(contest, state, tuple(scores), tuple(mine), tuple(kept_from), tuple(reports), error, moved)


@dataclass(frozen=True)
class SourceFreshness:
    """A kind of workbook: its newest file, what counts of it, and which of its files should have come by now."""

    name: str
    description: str
    owner: str
    newest: str | None = None
    loaded_at: dt.datetime | None = None
    handed_in_by: str | None = None
    files: int = 0
    rows: int = 0
    returned: int = 0
    held: int = 0
    late: tuple[str, ...] = ()
    is_awaited: bool = False


def source_freshness(ctx: Context, sees: Callable[[str], bool], today: dt.date) -> list[SourceFreshness]:
    """How fresh each kind of workbook is that somebody sees: what is late first, then the one that came longest ago."""
    books = [book for book in ctx.catalog.workbooks.values() if sees(book.full_name)]
    with ctx.warehouse.reading() as connection:
        ensure_own_tables(connection)
        newest, totals = _by_workbook(connection, NEWEST_SQL), _by_workbook(connection, TOTALS_SQL)
        missing = missing_files(connection, books, today)
    found = [
        SourceFreshness(
            name=book.full_name,
            description=book.description,
            owner=book.owner,
            newest=newest.get(book.full_name, {}).get("path"),
            loaded_at=newest.get(book.full_name, {}).get("loaded_at"),
            handed_in_by=newest.get(book.full_name, {}).get("handed_in_by"),
            late=tuple(f"{one.name}: {one.sentence}" for one in missing if one.workbook == book.full_name),
            is_awaited=book.schedule is not None,
            **{
                name: int(totals.get(book.full_name, {}).get(name) or 0)
                for name in ("files", "rows", "returned", "held")
            },
        )
        for book in books
    ]
    return sorted(found, key=_lateness)


def _lateness(source: SourceFreshness) -> tuple[bool, bool, float, str]:
    loaded = source.loaded_at.timestamp() if source.loaded_at else 0.0
    return not source.late, not (source.returned or source.held), loaded, source.name


def _by_workbook(connection: psycopg.Connection, query: str) -> dict[str, dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return {row["workbook"]: row for row in cursor.execute(query).fetchall() if row["workbook"]}
