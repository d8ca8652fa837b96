"""The state of an installation: workbooks, models, reports, and whatever needs a person, as `s2p status` prints it."""

import datetime as dt
from dataclasses import asdict
from pathlib import Path
from typing import Any

from s2p_assets.contracts.entered import ENTRIES_FOLDER
from s2p_assets.contracts.findings import finding_line
from s2p_assets.contracts.model import Contest
from s2p_assets.contracts.report import Report
from s2p_assets.learning.registry.model_registry import Registry
from s2p_assets.publishing.editions.published import editions, folder_name
from s2p_assets.services.context import Context
from s2p_assets.services.entries.showing import FOREIGN, foreign_files
from s2p_assets.services.errors import NotFound
from s2p_assets.services.header_aliases import alias_json, refresh_aliases
from s2p_assets.services.implausible import implausible_values
from s2p_assets.services.lakehouse_standing import lakehouse_status
from s2p_assets.services.left_out import left_out
from s2p_assets.services.mailbox.telling import mailbox_status
from s2p_assets.services.messages.standing import messages_status
from s2p_assets.services.remotes.telling import remotes_status
from s2p_assets.services.share import look_at_share, share_changes_by_name
from s2p_assets.services.streams.live_telling import live_tables_status
from s2p_assets.services.streams.telling import streams_status
from s2p_assets.services.work_under_way import work_under_way
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.confinement import is_confinable
from s2p_assets.spreadsheet.not_workbooks import what_to_do
from s2p_assets.spreadsheet.readers.compiled_cutter import cutter_in_use
from s2p_assets.spreadsheet.returned.returned_files import returned_copies
from s2p_assets.warehouse.files import summaries, withdrawal
from s2p_assets.warehouse.files.change_record import change_sentence, changes_known_rows
from s2p_assets.warehouse.files.expected import MissingFile, missing_files

DAYS_OF_CHANGES = 7


def read_status(ctx: Context, since: dt.datetime | None = None, *, today: dt.date | None = None) -> dict[str, Any]:
    """See DESIGN: `workbooks`, `models`, `reports`; also `sent_back`, `waiting`, `unclaimed` and `faults`.

    `held`: files that wait for a person's word; `gone`: files that are gone while their rows stand; `changes`: what
    files changed since `since`, by default in the last seven days; `missing`: files that their contracts expect by
    `today` and that have not come; `implausible`: single observations of the newest periods that are damped in
    training, with their cells; `messages`: how many were sent or wait, and which could not be delivered;
    `confined`: whether the processes that read files are kept from everything else;
    `aliases`: headers that people matched to columns and that no contract's file has yet;
    `streams`: events and rows of every stream, how far behind it is, what came back, who reads it and what keeps them;
    `live_tables`: tables that follow streams by the second, when each was made and what keeps it from that;
    `remotes`: folders elsewhere, how the last look at each ended and what keeps s2p from it;
    `mailbox`: the folder that is watched, what keeps s2p from it, mails that are held; None where there is none;
    `lakehouse`: where tables are exported to, of which moment it is, and what keeps it from the newest;
    `under_way`: what Dagster is making or has yet to start, and since when;
    `cutter`: whether workbooks are cut by the `compiled` or the `pure` cutter.
    """
    now = look_at_share(ctx)
    since = since or dt.datetime.now(dt.UTC) - dt.timedelta(days=DAYS_OF_CHANGES)
    with ctx.warehouse.reading() as connection:
        decided = share_changes_by_name(connection, ctx.catalog.workbooks.values(), now)
        waits = {name: changes.to_read for name, changes in decided.items()}
        gone = summaries.find_gone_files(connection, {name: changes.gone for name, changes in decided.items()})
        held = [_held(ctx.settings, file) for file in summaries.find_held_files(connection)]
        changed = [_changed(file) for file in summaries.changed_files(connection, since)]
        waiting = {name: len(files) for name, files in waits.items()}
        known = {line.name: line for line in summaries.workbook_summaries(connection, waiting)}
        sent_back = [_sent_back(ctx.settings, file) for file in summaries.returned_files(connection)]
        odd = implausible_values(ctx, connection)
        missing = missing_files(connection, list(ctx.catalog.workbooks.values()), today or _today())
        messages = messages_status(ctx.settings, connection)
        matched = refresh_aliases(ctx.settings, connection)
        foreign = foreign_files(ctx.settings, connection, now)
        streams = streams_status(ctx, connection)
        live_tables = live_tables_status(ctx, connection)
        remotes = remotes_status(ctx, connection)
        mailbox = mailbox_status(ctx, connection)
        lakehouse = lakehouse_status(ctx, connection)
        under_way = work_under_way(connection, dt.datetime.now(dt.UTC))
    return {
        "workbooks": [
            _workbook(name, f"{book.domain}.{book.name}", known.get(name), waiting[name])
            for name, book in sorted(ctx.catalog.workbooks.items())
        ],
        "streams": streams,
        "live_tables": live_tables,
        "remotes": remotes,
        "mailbox": mailbox,
        "models": [_contest(ctx.registry, contest) for contest in ctx.catalog.contests.values()],
        "reports": [_report(ctx.settings, declared) for declared in ctx.catalog.reports.values()],
        "sent_back": sent_back,
        "implausible": [asdict(value) | {"says": value.sentence} for value in odd],
        "missing": [_missing(file) for file in missing],
        "held": held,
        "gone": [_gone(file) for file in gone],
        "changes": changed,
        "waiting": sorted({file.path for files in waits.values() for file in files}),
        "unclaimed": [
            *({"path": file.relative, "says": what_to_do(file.relative)} for file in now.unclaimed),
            *({"path": file.relative, "says": FOREIGN} for file in foreign),
        ],
        "faults": [str(fault) for fault in ctx.catalog.faults],
        "messages": messages,
        "aliases": [alias_json(one) for one in matched if one.taken_at is None],
        "lakehouse": lakehouse,
        "under_way": under_way,
        "cutter": cutter_in_use(compiled=ctx.settings.compiled_cutter),
        "confined": is_confinable(),
    }


def forget_file(ctx: Context, path: str) -> int:
    """Withdraw a file's rows; how many. Raises NotFound when the ledger knows no such file."""
    if path.startswith(f"{ENTRIES_FOLDER}/"):
        raise NotFound(f"{path} is what somebody entered; take it back with `s2p entries undo {Path(path).stem}`")
    with ctx.warehouse.writing() as connection:
        forgotten = withdrawal.withdraw_file(connection, path)
    if not forgotten:
        raise NotFound(f"{path}: no such file was ever loaded; give its path relative to {ctx.settings.share}")
    return sum(one.rows for one in forgotten)


def _workbook(name: str, table: str, line: summaries.WorkbookSummary | None, waiting: int) -> dict[str, Any]:
    return {
        "name": name,
        "table": table,
        "files": line.files if line else 0,
        "rows": line.rows if line else 0,
        "returned": line.returned if line else 0,
        "held": line.held if line else 0,
        "waiting": waiting,
        "last_loaded": line.last_loaded.isoformat() if line and line.last_loaded else None,
    }


def _contest(registry: Registry, contest: Contest) -> dict[str, Any]:
    state = registry.state(contest.domain, contest.name)
    champion = state.champion
    return {
        "name": contest.full_name,
        "champion": champion.model if champion else None,
        "version": champion.version if champion else None,
        "feature_version": champion.feature_version if champion else None,
        "trained_at": champion.trained_at if champion else None,
        "why": state.tenures[-1].why if state.tenures else None,
        "pinned": state.pin.description if state.pin else None,
        "left_out": left_out(registry, contest, champion),
    }


def _report(settings: Settings, declared: Report) -> dict[str, Any]:
    shelf = settings.reports / folder_name(declared.full_name)
    newest = next((edition for edition in editions(settings.reports) if edition.folder.parent == shelf), None)
    return {
        "name": declared.full_name,
        "latest": newest.as_of.isoformat() if newest else None,
        "path": str(newest.html) if newest else None,
    }


def _missing(file: MissingFile) -> dict[str, Any]:
    return {
        "name": file.name,
        "workbook": file.workbook,
        "owner": file.owner,
        "sender": file.expected.sender,
        "period_start": file.expected.period.first.isoformat(),
        "due": file.expected.due.isoformat(),
        "is_late": file.expected.is_late,
        "says": file.sentence,
    }


def _today() -> dt.date:
    return dt.datetime.now().astimezone().date()


def _held(settings: Settings, file: summaries.HeldFile) -> dict[str, Any]:
    copies = returned_copies(settings.returned / file.path)
    return {
        "path": file.path,
        "workbook": file.workbook,
        "owner": file.owner,
        "rows_held": file.rows_held,
        "questions": file.questions,
        "says": change_sentence(file.changes),
        "changes": file.changes,
        "copy": str(copies[0]) if copies else None,
    }


def _gone(file: summaries.GoneFile) -> dict[str, Any]:
    return {
        "path": file.path,
        "workbook": file.workbook,
        "owner": file.owner,
        "rows": file.rows,
        "replaced_by": file.replaced_by,
    }


def _changed(file: summaries.ChangedFile) -> dict[str, Any]:
    return {
        "path": file.path,
        "workbook": file.workbook,
        "verdict": file.verdict,
        "loaded_at": file.loaded_at.isoformat() if file.loaded_at else None,
        "says": change_sentence(file.changes),
        "of_known_rows": changes_known_rows(file.changes),
        "changes": file.changes,
    }


def _sent_back(settings: Settings, file: summaries.ReturnedFile) -> dict[str, Any]:
    copies = returned_copies(settings.returned / file.path)
    return {
        "path": file.path,
        "workbook": file.workbook,
        "verdict": file.verdict,
        "owner": file.owner,
        "rows_returned": file.rows_returned,
        "error": file.error,
        "copy": str(copies[0]) if copies else None,
        "findings": [finding_line(file.path, finding) for finding in file.findings if finding.severity == "reject"],
    }
