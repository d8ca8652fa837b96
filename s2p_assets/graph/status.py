"""What stands where: workbooks, models, reports, and whatever needs a person, as `s2p status` prints it."""

from typing import Any

from s2p_assets.graph.context import Context
from s2p_assets.graph.drive import look_at_share
from s2p_assets.graph.intake import waiting_files
from s2p_assets.graph.problems import NotFound
from s2p_assets.graph.taken import say
from s2p_assets.learning.model import Contest
from s2p_assets.learning.registry.model_registry import Registry
from s2p_assets.publishing.editions import editions, folder_name
from s2p_assets.publishing.report import Report
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.returned.copies import returned_copies
from s2p_assets.warehouse import forgetting, ledger_summaries


def read_status(ctx: Context) -> dict[str, Any]:
    """See DESIGN: `workbooks`, `models`, `reports`; also `sent_back`, `waiting`, `unclaimed` and `faults`."""
    now = look_at_share(ctx)
    with ctx.warehouse.connect() as connection:
        waits = {book.name: waiting_files(connection, book, now) for book in ctx.house.workbooks.values()}
        waiting = {name: len(files) for name, files in waits.items()}
        known = {line.name: line for line in ledger_summaries.summary(connection, waiting)}
        sent_back = [_sent_back(ctx.settings, file) for file in ledger_summaries.sent_back(connection)]
    return {
        "workbooks": [
            _workbook(name, f"{book.domain}.{book.thing}", known.get(name), waiting[name])
            for name, book in sorted(ctx.house.workbooks.items())
        ],
        "models": [_contest(ctx.registry, contest) for contest in ctx.house.contests.values()],
        "reports": [_report(ctx.settings, declared) for declared in ctx.house.reports.values()],
        "sent_back": sent_back,
        "waiting": sorted({file.path for files in waits.values() for file in files}),
        "unclaimed": [{"path": file.relative, "says": None} for file in now.unclaimed],
        "faults": [str(fault) for fault in ctx.house.faults],
    }


def forget_file(ctx: Context, path: str) -> int:
    """Withdraw a file's rows; how many. Raises NotFound when the ledger knows no such file."""
    with ctx.warehouse.connect() as connection:
        forgotten = forgetting.forget(connection, path)
    if not forgotten:
        raise NotFound(f"{path}: no such file was ever loaded; give its path relative to {ctx.settings.share}")
    return sum(one.rows for one in forgotten)


def _workbook(name: str, table: str, line: ledger_summaries.WorkbookSummary | None, waiting: int) -> dict[str, Any]:
    return {
        "name": name,
        "table": table,
        "files": line.files if line else 0,
        "rows": line.rows if line else 0,
        "returned": line.returned if line else 0,
        "waiting": waiting,
        "last_loaded": line.last_loaded.isoformat() if line and line.last_loaded else None,
    }


def _contest(registry: Registry, contest: Contest) -> dict[str, Any]:
    standing = registry.standing(contest.domain, contest.thing)
    champion = standing.champion
    return {
        "name": contest.name,
        "champion": champion.model if champion else None,
        "version": champion.version if champion else None,
        "feature_version": champion.feature_version if champion else None,
        "trained_at": champion.trained_at if champion else None,
        "why": standing.reigns[-1].why if standing.reigns else None,
        "pinned": standing.pin.says if standing.pin else None,
    }


def _report(settings: Settings, declared: Report) -> dict[str, Any]:
    shelf = settings.reports / folder_name(declared.name)
    newest = next((edition for edition in editions(settings.reports) if edition.folder.parent == shelf), None)
    return {
        "name": declared.name,
        "latest": newest.as_of.isoformat() if newest else None,
        "path": str(newest.html) if newest else None,
    }


def _sent_back(settings: Settings, file: ledger_summaries.SentBack) -> dict[str, Any]:
    copies = returned_copies(settings.returned / file.path)
    return {
        "path": file.path,
        "workbook": file.workbook,
        "verdict": file.verdict,
        "owner": file.owner,
        "rows_returned": file.rows_returned,
        "error": file.error,
        "copy": str(copies[0]) if copies else None,
        "findings": [say(file.path, finding) for finding in file.findings if finding.severity == "reject"],
    }
