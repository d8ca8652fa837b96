"""The check of the catalogue of files, one partition each: it fails for as long as somebody has to correct the file.

What came back and why is the ledger's to say; a run notes it when it takes a file, a person may ask again.
"""

import re
import warnings
from collections.abc import Iterable, Mapping

import dagster as dg
from dagster_shared.utils.warnings import PreviewWarning

from s2p_assets.graph.asset_keys import FILES
from s2p_assets.graph.running.report_pages import marked_copy_address
from s2p_assets.services.context import Context
from s2p_assets.services.ingested_file import IngestedFile
from s2p_assets.spreadsheet.returned.returned_files import returned_copies
from s2p_assets.warehouse.files import summaries

NOTHING_TO_CORRECT = "nothing_to_correct"
DESCRIPTION = "fails while a file waits for its owner: it came back, wholly or in part, or is held for a decision"
FILES_PARTITIONS = dg.DynamicPartitionsDefinition(name="s2p_files")


def file_partition(path: str) -> str:
    """A path as a partition key: Dagster reserves dots in a row and control characters."""
    return re.sub(r"\.{3,}|[\x00-\x1f\x7f]", "_", path)


def corrections_check(ctx: Context) -> dg.AssetChecksDefinition:
    """The check, for who asks for it by hand; it looks into the ledger. Checks by partition are new in Dagster."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PreviewWarning)

        @dg.asset_check(  # type: ignore[call-arg,unused-ignore]
            asset=FILES, name=NOTHING_TO_CORRECT, description=DESCRIPTION, partitions_def=FILES_PARTITIONS
        )
        def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
            with ctx.warehouse.connect() as connection:
                waiting = [file.path for file in summaries.returned_files(connection)]
                waiting += [file.path for file in summaries.find_held_files(connection)]
            path = next((path for path in waiting if file_partition(path) == context.partition_key), None)
            metadata = _links(ctx, path) if path else {}
            return dg.AssetCheckResult(passed=path is None, severity=dg.AssetCheckSeverity.WARN, metadata=metadata)

    return check


def correction_evaluations(ctx: Context, files: Iterable[IngestedFile]) -> list[dg.AssetCheckEvaluation]:
    """What the check says of files that were just taken."""
    return [
        dg.AssetCheckEvaluation(
            asset_key=FILES,
            check_name=NOTHING_TO_CORRECT,
            passed=not file.needs_its_owner,
            severity=dg.AssetCheckSeverity.WARN,
            description=file.why or None,
            metadata=_links(ctx, file.path) if file.needs_its_owner else {},
            partition=file_partition(file.path),
        )
        for file in files
    ]


def _links(ctx: Context, path: str) -> Mapping[str, dg.MetadataValue]:
    """The way to the marked copy, where there is one."""
    copies = returned_copies(ctx.settings.returned / path)
    return {"marked copy": dg.MetadataValue.url(marked_copy_address(ctx.settings, path))} if copies else {}
