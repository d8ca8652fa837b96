"""Workbooks: what lies on the share, what was read of it, and the table in which it is stored.

How a file is taken from the share is in `services/ingest.py`, which knows no Dagster.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from s2p_assets.catalog.catalog import key_of
from s2p_assets.contracts.derivation import source_version
from s2p_assets.contracts.findings import finding_line
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.graph.asset_keys import ENGINEERS, FILES, asset_key, group_name, share_key, sheet_key
from s2p_assets.graph.assets.derived_assets import urgency
from s2p_assets.graph.assets.freshness import workbook_freshness
from s2p_assets.graph.assets.metadata import column_lineage, declared_metadata, escaped, frame_metadata
from s2p_assets.graph.automation import WORKBOOK_TAG, on_share_change, with_its_sheet
from s2p_assets.graph.checks.open_corrections import FILES_PARTITIONS, correction_evaluations, file_partition
from s2p_assets.graph.running.instance import withdraw_materializations
from s2p_assets.graph.running.report_pages import marked_copy_address, verdict_address
from s2p_assets.services.context import Context
from s2p_assets.services.entries.standing import settle_entries
from s2p_assets.services.ingest import ingest, store_ingest
from s2p_assets.services.ingested_file import Ingest, IngestedFile
from s2p_assets.spreadsheet.sandbox import Sandbox
from s2p_assets.warehouse.files.change_record import change_sentence
from s2p_assets.warehouse.files.load import LoadResult
from s2p_assets.warehouse.tables import introspection, store
from s2p_assets.warehouse.tables.references import DanglingReference, dangling_references
from s2p_assets.warehouse.trace.indexes import index_for_tracing
from s2p_assets.warehouse.warehouse import Warehouse

NOTHING_LOST = "nothing_lost"
NOTHING_RETURNED = "nothing_returned"
KEYS_IN_ONE_FILE = "keys_in_one_file"
REFERENCES_HOLD = "references_lead_somewhere"
LEFT_FOR_LATER = "left for the next look"
FINDINGS_SHOWN = 50
FILES_TAG, FILES_NAMED, TAG_LENGTH = "s2p/files", 3, 250


class IngestAgain(dg.Config):
    """Files to take again although nothing about them changed, by their paths on the share."""

    files: list[str] = Field(default_factory=list)


def files_spec() -> dg.AssetSpec:
    """The catalogue: every file that was ever seen, as a partition with its verdict, counts and links."""
    return dg.AssetSpec(
        FILES,
        group_name="s2p",
        kinds={"excel"},
        owners=[ENGINEERS],
        partitions_def=FILES_PARTITIONS,
        description="Every file that people dropped: its verdict, what was loaded, what came back and to whom.",
    )


def share_spec(workbook: Workbook) -> dg.AssetSpec:
    return dg.AssetSpec(
        share_key(workbook),
        group_name=group_name(workbook),
        kinds={"excel"},
        owners=[workbook.owner],
        description=f"What lies on the share under {', '.join(workbook.patterns)}. Its version is a digest of names, "
        "sizes and times.",
        metadata={"found at": ", ".join(workbook.patterns)},
    )


def sheet_asset(ctx: Context, workbook: Workbook) -> dg.AssetsDefinition:
    """Reads what the ledger calls new or changed; checks that nothing is lost before anything is stored."""
    key = sheet_key(workbook)

    @dg.asset(
        key=key,
        deps=[share_key(workbook), *map(asset_key, ctx.catalog.referenced_by(workbook))],
        group_name=group_name(workbook),
        kinds={"excel", "arrow"},
        owners=[workbook.owner],
        description=f"{workbook.description}\n\nThe rows of new and changed files, read and checked, not stored yet.",
        code_version=source_version(workbook.rows),
        metadata=declared_metadata(workbook),
        io_manager_key="sheets",
        required_resource_keys={"warehouse", "reader"},
        automation_condition=on_share_change(share_key(workbook)),
        op_tags=urgency(ctx.catalog, key_of(workbook)),
        check_specs=[
            dg.AssetCheckSpec(
                NOTHING_LOST,
                asset=key,
                blocking=True,
                description="file by file: rows read = accepted + returned + held; non-empty cells read = loaded "
                "+ returned + held + declared ignored",
            ),
            dg.AssetCheckSpec(
                NOTHING_RETURNED, asset=key, description="names every file that went back, and its owner"
            ),
        ],
    )
    def sheet(context: dg.AssetExecutionContext, config: IngestAgain) -> Iterator[Any]:
        reader: Sandbox = context.resources.reader
        ingested = ingest(
            ctx,
            workbook,
            reader,
            again=config.files,
            run_id=context.run.run_id,
            progress=context.log.info,
        )
        _name_on_run(context, ingested)
        yield _nothing_lost(ingested)
        yield _returned(ingested, workbook)
        _catalogue(ctx, context, ingested)
        for one in ingested.files:
            if one.problem:
                context.log.warning(f"{one.problem}; it is {LEFT_FOR_LATER}")
        yield dg.MaterializeResult(
            value=ingested,
            data_version=dg.DataVersion(ingested.version),
            metadata={
                "files": len(ingested.files),
                "gone": len(ingested.gone),
                "dagster/row_count": ingested.rows_accepted,
                "rows returned": ingested.rows_returned,
            },
        )

    return sheet


def workbook_table_asset(ctx: Context, workbook: Workbook) -> dg.AssetsDefinition:
    """Stores what the sheet asset hands on, one transaction, and shows the table as it stands."""
    key = asset_key(workbook)
    checks = [dg.AssetCheckSpec(KEYS_IN_ONE_FILE, asset=key, description="names files that claim the same keys")]
    if workbook.references:
        description = "names stored cells that refer to what was withdrawn since"
        checks.append(dg.AssetCheckSpec(REFERENCES_HOLD, asset=key, description=description))

    @dg.asset(
        key=key,
        ins={"sheet": dg.AssetIn(sheet_key(workbook))},
        group_name=group_name(workbook),
        kinds={"postgres"},
        owners=[workbook.owner],
        freshness_policy=workbook_freshness(workbook),
        tags=WORKBOOK_TAG,
        description=f"{workbook.description}\n\nOne row is a row of a workbook; `_file`, `_sheet` and `_row` "
        "say which.",
        code_version=source_version(workbook.rows),
        metadata=declared_metadata(workbook),
        io_manager_key="tables",
        required_resource_keys={"warehouse"},
        automation_condition=with_its_sheet(),
        op_tags=urgency(ctx.catalog, key_of(workbook)),
        check_specs=checks,
    )
    def table(context: dg.AssetExecutionContext, sheet: Ingest) -> Iterator[Any]:
        warehouse: Warehouse = context.resources.warehouse
        with warehouse.connect() as connection:
            loaded = store_ingest(connection, workbook, sheet, context.run.run_id)
            for ended in settle_entries(ctx, connection, workbook):
                context.log.warning(f"a correction ended: {ended}")
            index_for_tracing(connection, workbook, ctx.catalog.trace_indexes(workbook))
            version = store.workbook_version(connection, workbook)
            rows = introspection.count_rows(connection, workbook.domain, workbook.name)
            head = store.read_rows(connection, workbook.domain, workbook.name, workbook.columns, limit=10)
            lost = dangling_references(connection, workbook)
        shown = frame_metadata(head) | {"dagster/row_count": rows, "dagster/column_lineage": column_lineage(workbook)}
        yield _keys_are_single(loaded)
        if workbook.references:
            yield _references_hold(lost)
        yield dg.MaterializeResult(data_version=dg.DataVersion(version), metadata=shown)

    return table


def _name_on_run(context: dg.AssetExecutionContext, ingested: Ingest) -> None:
    """The list of runs says which files each is about, beside those that it took before this one."""
    names = [Path(file.path).name for file in ingested.files if file.claimed]
    if names:
        run = context.instance.get_run_by_id(context.run.run_id)
        said = [name for name in (run.tags if run else {}).get(FILES_TAG, "").split(" · ") if name]
        shown = [
            *said,
            *names[:FILES_NAMED],
            *([f"and {len(names) - FILES_NAMED:,} more"] * (len(names) > FILES_NAMED)),
        ]
        context.instance.add_run_tags(context.run.run_id, {FILES_TAG: " · ".join(shown)[:TAG_LENGTH]})


def _nothing_lost(ingested: Ingest) -> dg.AssetCheckResult:
    lost = [f"{file.path}: {file.lost}" for file in ingested.files if file.lost]
    return dg.AssetCheckResult(
        check_name=NOTHING_LOST,
        passed=not lost,
        metadata={
            "rows read": ingested.rows_read,
            "rows accepted": ingested.rows_accepted,
            "rows returned": ingested.rows_returned,
            "rows held": sum(entry.rows_held for entry in ingested.entries),
            "cells read": ingested.cells("read"),
            "cells loaded": ingested.cells("loaded"),
            "cells returned": ingested.cells("returned"),
            "cells declared ignored": ingested.cells("ignored"),
            "files that do not add up": "; ".join(lost) or "none",
        },
    )


def _keys_are_single(loaded: list[LoadResult]) -> dg.AssetCheckResult:
    """Two files that claim a key: the newer one's row stands, and both owners are told."""
    lines = [
        f"- {rows:,} rows of **{older}** gave way to **{newer}**"
        for one in loaded
        for older, newer, rows in [
            *((other, one.path, rows) for other, rows in one.superseded.items()),
            *((one.path, other, rows) for other, rows in one.superseded_by.items()),
        ]
    ]
    return dg.AssetCheckResult(
        check_name=KEYS_IN_ONE_FILE,
        passed=not lines,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"settled for the newer file": dg.MetadataValue.md("\n".join(sorted(set(lines))) or "nothing")},
    )


def _references_hold(lost: list[DanglingReference]) -> dg.AssetCheckResult:
    """Rows that were good when they came stay, although what they refer to is gone; they are named."""
    lines = [
        f"- {one.count:,} cells of `{one.reference.column}` are not in {one.reference.workbook}: "
        + "; ".join(map(escaped, one.cells))
        for one in lost
    ]
    return dg.AssetCheckResult(
        check_name=REFERENCES_HOLD,
        passed=not lines,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"lead nowhere": dg.MetadataValue.md("\n".join(lines) or "none")},
    )


def _returned(ingested: Ingest, workbook: Workbook) -> dg.AssetCheckResult:
    back = [file for file in ingested.files if file.needs_its_owner]
    lines = [f"- **{file.path}** to {workbook.owner}: {file.why}" for file in back]
    return dg.AssetCheckResult(
        check_name=NOTHING_RETURNED,
        passed=not back,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"owner": workbook.owner, "returned": dg.MetadataValue.md("\n".join(lines) or "nothing")},
    )


def _catalogue(ctx: Context, context: dg.AssetExecutionContext, ingested: Ingest) -> None:
    """What became of each file; partitions first, so that no automation tick sees an event without its partition.

    The partition of a file is materialized when all of it is loaded. While its owner has to correct it, it is only
    observed, and what is known of its good version before is the ledger's: nothing that waits for somebody is green.
    """
    shown = {file_partition(file.path): file for file in ingested.files if file.claimed}
    context.instance.add_dynamic_partitions(str(FILES_PARTITIONS.name), list(shown))
    waiting = [partition for partition, file in shown.items() if file.needs_its_owner]
    withdraw_materializations(context.instance, FILES, waiting)
    for partition, file in shown.items():
        kind = dg.AssetObservation if partition in waiting else dg.AssetMaterialization
        metadata = _file_metadata(ctx, file, ingested.workbook)
        context.log_event(kind(FILES, partition=partition, metadata=metadata))
    for evaluation in correction_evaluations(ctx, shown.values()):
        context.log_event(evaluation)


def _file_metadata(ctx: Context, file: IngestedFile, workbook: str) -> dict[str, Any]:
    shown: dict[str, Any] = {"verdict": file.verdict, "workbook": workbook}
    if file.copy:
        shown["marked copy"] = dg.MetadataValue.url(marked_copy_address(ctx.settings, file.path))
    shown["what became of it"] = dg.MetadataValue.url(verdict_address(ctx.settings, file.path))
    if file.stored:
        shown["archived copy"] = dg.MetadataValue.path(file.stored)
    if file.entry and (said := change_sentence(file.entry.changes)):
        shown["what it would change" if file.verdict == "held" else "what it changes"] = said
    if file.entry and file.entry.questions:
        shown["held because"] = dg.MetadataValue.md(
            "\n".join(f"- {escaped(question)}" for question in file.entry.questions)
        )
    if file.problem:
        shown["problem"] = file.problem
    if entry := file.entry:
        shown |= {
            "rows read": entry.rows_read,
            "rows accepted": entry.rows_accepted,
            "rows returned": entry.rows_returned,
            "sha256": entry.sha256,
        }
        lines = [entry.error] if entry.error else []
        lines += [
            f"{finding.severity}: {finding_line(file.path, finding)}" for finding in entry.findings[:FINDINGS_SHOWN]
        ]
        if lines:
            shown["findings"] = dg.MetadataValue.md("\n".join(f"- {escaped(line)}" for line in lines))
    return shown
