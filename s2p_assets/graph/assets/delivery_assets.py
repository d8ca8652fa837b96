"""What came in, domain by domain: an asset that makes a table of the ledger, so that a report can be made of it.

What the ledger notes is decided where files are taken; the table's columns are the warehouse's.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from s2p_assets.contracts.deliveries import DeliveryTable
from s2p_assets.contracts.derivation import source_version
from s2p_assets.contracts.validation import conform
from s2p_assets.graph.asset_keys import ENGINEERS, EXPECTED, UNCLAIMED, asset_key, group_name
from s2p_assets.graph.assets.metadata import declared_metadata, escaped, frame_metadata
from s2p_assets.graph.automation import WORKBOOK_TAG, on_files_ingested
from s2p_assets.graph.executor import WHATEVER_FAILS
from s2p_assets.services.context import Context
from s2p_assets.services.share import look_at_share
from s2p_assets.warehouse.files.deliveries import delivery_rows
from s2p_assets.warehouse.files.delivery_history import record_deliveries
from s2p_assets.warehouse.files.expected import MissingFile, missing_files, with_missing
from s2p_assets.warehouse.tables.content_versions import content_version
from s2p_assets.warehouse.warehouse import Warehouse

NOTHING_LATE = "nothing_late"
LATE_DESCRIPTION = "names every file that should have come by now, and its owner"


def unclaimed_spec() -> dg.AssetSpec:
    """The files on the share that no kind of workbook may claim, by the pattern of its path."""
    return dg.AssetSpec(
        UNCLAIMED,
        group_name="s2p",
        kinds={"excel"},
        owners=[ENGINEERS],
        description="Files on the share that no kind of workbook claims. Its version is a digest of their names.",
    )


def expected_spec() -> dg.AssetSpec:
    """The periods of which files should have come by now: newer whenever another one is due, though no file came."""
    return dg.AssetSpec(
        EXPECTED,
        group_name="s2p",
        kinds={"excel"},
        owners=[ENGINEERS],
        description="The last period of which files are due, by kind of workbook that says when files are expected. "
        "It changes by the passing of time alone.",
    )


def deliveries_asset(ctx: Context, declared: DeliveryTable) -> dg.AssetsDefinition:
    """The ledger's files of a domain as a table that shelves can name `delivery_rows`, for reports on what came in.

    No shelf declares it, for it is made of no rows but of what became of them. It comes after the tables of its
    domain's workbooks, because the ledger is written with them, and is made again whenever one of them was gone over:
    a file that was returned changes the ledger and no table; also when a file that is expected becomes late. What is
    made from it waits for its content, as it does for that of workbook tables, hence their tag.
    """
    books = [ctx.catalog.workbooks[name] for name in declared.workbooks]
    besides = [UNCLAIMED, *([EXPECTED] if any(book.schedule for book in books) else [])]

    @dg.asset(
        key=asset_key(declared),
        deps=[*map(asset_key, books), *besides],
        group_name=group_name(declared),
        kinds={"postgres"},
        owners=sorted({book.owner for book in books}),
        tags=WORKBOOK_TAG,
        description=declared.description,
        code_version=source_version(declared.rows),
        metadata=declared_metadata(declared),
        io_manager_key="tables",
        required_resource_keys={"warehouse"},
        automation_condition=on_files_ingested(*besides),
        op_tags=WHATEVER_FAILS,
        check_specs=[dg.AssetCheckSpec(NOTHING_LATE, asset=asset_key(declared), description=LATE_DESCRIPTION)],
    )
    def asset(context: dg.AssetExecutionContext) -> Iterator[Any]:
        warehouse: Warehouse = context.resources.warehouse
        nobodys = [file.relative for file in look_at_share(ctx).unclaimed]
        with warehouse.connect() as connection:
            came = delivery_rows(connection, declared.workbooks, nobodys)
            missing = missing_files(connection, books, dt.datetime.now().astimezone().date())
            frame = conform(with_missing(came, missing), declared.rows)
            record_deliveries(connection, declared, frame)
        version = dg.DataVersion(content_version(frame))
        yield _nothing_late(missing)
        yield dg.MaterializeResult(value=frame, data_version=version, metadata=frame_metadata(frame))

    return asset


def _nothing_late(missing: Sequence[MissingFile]) -> dg.AssetCheckResult:
    lines = [f"- {escaped(file.name)}, {file.sentence}: {file.owner}" for file in missing]
    return dg.AssetCheckResult(
        check_name=NOTHING_LATE,
        passed=not missing,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"late": dg.MetadataValue.md("\n".join(lines) or "nothing"), "files late": len(missing)},
    )
