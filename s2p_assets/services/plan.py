"""What `s2p plan` asks of a file: how it reads, and what its rows would change in what is loaded, nothing written.

The sentences that a person reads are in `plan_sentences.py`.
"""

import hashlib
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from s2p_assets.catalog.paths import matching_contracts
from s2p_assets.contracts.findings import ReadResult
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.services.check import find_contract, has_database, read_with_references, workbook_contracts
from s2p_assets.services.kept_aliases import kept_aliases, read_by_aliases
from s2p_assets.services.layout_history import LayoutHistory
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.sandbox import Sandbox
from s2p_assets.warehouse.files import ledger
from s2p_assets.warehouse.files.archive import ArchivedFile, archived_path
from s2p_assets.warehouse.files.load import RowsRejected
from s2p_assets.warehouse.files.load_plan import MAX_EXAMPLES, ExampleRow, LoadPlan
from s2p_assets.warehouse.files.plan import dry_run, plan_load
from s2p_assets.warehouse.files.review import hold_questions
from s2p_assets.warehouse.files.saved_dates import saved_ns
from s2p_assets.warehouse.server.connection import connect, database_url


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file as it reads, and what it would change; no plan for a file that would be returned.

    `on_share`: it lies on the share already. `refused`: why the database would not take its rows.
    `questions`: why it would be held.
    """

    reading: ReadResult
    workbook: Workbook | None
    on_share: bool
    plan: LoadPlan | None = None
    refused: str | None = None
    questions: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The object that `s2p plan --json` prints: as of `s2p check`, with `plan`, `refused` and `questions`."""
        plan = _plain(self.plan) if self.plan else None
        return self.reading.as_json() | {"plan": plan, "refused": self.refused, "questions": list(self.questions)}


def _plain(plan: LoadPlan) -> dict[str, Any]:
    replaced, known_as = plan.replaces, plan.known_as
    return asdict(plan) | {
        "replaces": replaced and {"path": replaced.path, "rows": replaced.rows_accepted, "loaded": replaced.loaded_at},
        "known_as": known_as and known_as.path,
    }


def plan_file(settings: Settings, file: Path, name: str | None) -> PlannedFile:
    """Read `file` as the share drive would, and compare its rows with what is loaded.

    Raises NotFound for an unknown contract, ContractChanged and DatabaseUnreachable.
    """
    inside = _inside(file, settings.share)
    every = workbook_contracts(settings)
    known = [find_contract(settings, name)] if name else list(every.values())
    claiming = list(matching_contracts(inside, known)) if inside else []
    with Sandbox.within(settings) as sandbox:
        reading = read_with_references(
            settings, sandbox, file, claiming or known, display_name=inside or file.name, others=known
        )
    reading.file = file
    workbook = every.get(reading.workbook or "")
    if reading.error or workbook is None:
        return PlannedFile(reading, workbook, inside is not None)
    return compare_with_loaded(
        settings, PlannedFile(reading, workbook, inside is not None), workbook, inside or _name(file)
    )


def _inside(file: Path, share: Path) -> str | None:
    """The file's path on the share, None when it lies elsewhere."""
    for place, base in ((file.absolute(), share), (file.resolve(), share.resolve())):
        if place.is_relative_to(base):
            return ledger.share_path(place, base)
    return None


def _name(file: Path) -> str:
    return ledger.share_path(Path(file.name), Path())


def compare_with_loaded(settings: Settings, planned: PlannedFile, workbook: Workbook, path: str) -> PlannedFile:
    """The plan of a file that was read as one of `workbook` at `path`, with its rows. Nothing is written.

    Raises ContractChanged and DatabaseUnreachable.
    """
    reading = planned.reading
    kept = _as_kept(reading.file, settings.archive)
    if not has_database(settings):
        return planned if reading.rows is None else _with(planned, _plan_without_database(reading, workbook, path))
    with connect(database_url(settings)) as connection, dry_run(connection):
        (as_read,) = read_by_aliases([workbook], kept_aliases(settings))
        LayoutHistory(connection, as_read, [kept.as_of_ns]).compare(reading, path, kept.as_of_ns)
        if reading.rows is None:
            return planned
        entry = ledger.ledger_entry(reading, kept, path, workbook)
        try:
            plan = plan_load(connection, workbook, entry, reading.rows, on_share=planned.on_share)
        except RowsRejected as refused:
            return PlannedFile(reading, workbook, planned.on_share, refused=str(refused))
        asked = hold_questions(connection, workbook, replace(entry, path=plan.path), plan)
    return replace(_with(planned, plan), questions=tuple(asked))


def _with(planned: PlannedFile, plan: LoadPlan) -> PlannedFile:
    return PlannedFile(planned.reading, planned.workbook, planned.on_share, plan)


def _as_kept(file: Path, archive: Path) -> ArchivedFile:
    """As the archive would keep the file, without keeping it."""
    with file.open("rb") as source:
        state = os.fstat(source.fileno())
        sha256 = hashlib.file_digest(source, "sha256").hexdigest()
    archived = archived_path(archive, sha256, file.suffix)
    return ArchivedFile(sha256, state.st_size, state.st_mtime_ns, archived, saved_ns(file, state.st_mtime_ns))


def _plan_without_database(reading: ReadResult, workbook: Workbook, path: str) -> LoadPlan:
    """The plan where no database is yet: every row is new."""
    assert reading.rows is not None
    names = list(workbook.key) or [column.name for column in workbook.columns]
    some = reading.rows.select(names).slice(0, MAX_EXAMPLES).to_pylist()
    return LoadPlan(
        path, new=reading.rows.num_rows, examples={"new": [ExampleRow(row) for row in some]} if some else {}
    )
