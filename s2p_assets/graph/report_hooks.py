"""What a failed asset means for the reports above it: they are held back, and say so, until it can be made again.

The word itself is kept and shown by `publishing/`; whatever runs an asset, `s2p run` or `s2p up`, runs these hooks.
"""

import datetime as dt
from collections.abc import Callable

import dagster as dg

from s2p_assets.catalog.catalog import Catalog, key_of
from s2p_assets.contracts.dbt_model import DbtModel
from s2p_assets.contracts.report import Report
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.graph.asset_keys import DBT_STEP, asset_key, sheet_key
from s2p_assets.publishing.document.wording import use_locale
from s2p_assets.publishing.editions.publish import add_renewal_fault, clear_renewal_fault, renewal_faults
from s2p_assets.publishing.editions.renewal_faults import RenewalFault
from s2p_assets.services.context import Context

LONGEST_REASON = 400


def report_hooks(ctx: Context) -> set[dg.HookDefinition]:
    """The hooks for every asset from sheet to report."""
    above = _reports_above(ctx.catalog)

    @dg.failure_hook(name="hold_reports_back")
    def hold(context: dg.HookContext) -> None:
        what, reports = above.get(context.step_key, ("", []))
        fault = RenewalFault(what, error_line(context.op_exception), dt.datetime.now().astimezone())
        with use_locale(ctx.settings.locale):
            for report in reports:
                add_renewal_fault(ctx.settings.reports, report.full_name, fault)

    @dg.success_hook(name="release_reports")
    def let_go(context: dg.HookContext) -> None:
        what, reports = above.get(context.step_key, ("", []))
        with use_locale(ctx.settings.locale):
            for report in reports:
                clear_renewal_fault(ctx.settings.reports, report.full_name, what)

    return {hold, let_go}


def failed_before(ctx: Context) -> Callable[[str], bool]:
    """Whether the last attempt at a step failed: a report above is held back for it."""
    above = _reports_above(ctx.catalog)

    def failed(step: str) -> bool:
        what, reports = above.get(step, ("", []))
        folder = ctx.settings.reports
        return any(fault.what == what for report in reports for fault in renewal_faults(folder, report.full_name))

    return failed


def _reports_above(catalog: Catalog) -> dict[str, tuple[str, list[Report]]]:
    """Step → what it makes, in words, and the reports that are made from that."""
    found: dict[str, tuple[str, list[Report]]] = {}
    for report in catalog.reports.values():
        for declared in map(catalog.by_key.__getitem__, catalog.upstream(key_of(report))):
            if isinstance(declared, DbtModel):
                found.setdefault(DBT_STEP, ("What dbt makes", []))[1].append(report)
                continue
            keys = [asset_key(declared)]
            if isinstance(declared, Workbook):
                keys.append(sheet_key(declared))
            for key in keys:
                _, reports = found.setdefault(key.to_python_identifier(), (_words(key), []))
                reports.append(report)
    return found


def _words(key: dg.AssetKey) -> str:
    plain = " ".join(key.path[1:]).replace("_", " ")
    return plain[:1].upper() + plain[1:]


def error_line(error: BaseException | None) -> str:
    """An error on one line, without the class of ours; cut where nobody would read on."""
    if error is None:
        return "it failed without a reason"
    message = error.description if isinstance(error, dg.Failure) and error.description else str(error)
    line = " ".join(message.split()) or type(error).__name__
    return line if len(line) <= LONGEST_REASON else f"{line[:LONGEST_REASON]} …"
