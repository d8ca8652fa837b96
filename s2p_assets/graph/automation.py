"""When an asset is made again: the automation conditions, built of Dagster's public operators only.

The sensor that looks at the share is in `share_sensor`; what an asset does is elsewhere.
"""

from typing import Any

import dagster as dg

AC = dg.AutomationCondition
Condition = dg.AutomationCondition[Any]

WORKBOOK_TAG = {"s2p/shelf": "workbooks"}
_WORKBOOK_TABLES = dg.AssetSelection.tag("s2p/shelf", "workbooks")


def _changed() -> Condition:
    """The content of the dependency changed, in a run that did not make this asset as well."""
    return AC.data_version_changed() & ~AC.executed_with_root_target()


def _due(trigger: Condition) -> Condition:
    """From the trigger until the asset is requested; a trigger that falls together with a request is kept."""
    return trigger.since(AC.newly_requested() & ~trigger)


def _retry() -> Condition:
    """Once after a failure. Without `newly_true` a broken asset would be tried for ever."""
    return AC.execution_failed().newly_true()


def _gates() -> Condition:
    return (
        AC.all_deps_blocking_checks_passed() & ~AC.any_deps_missing() & ~AC.any_deps_in_progress() & ~AC.in_progress()
    )


def on_share_change(share: dg.AssetKey) -> Condition:
    """For sheets: something under the workbook's patterns, which `share` tells, is new, changed or gone.

    A workbook table among the dependencies is one that the sheet's rows refer to: with its content, files that came
    back for a value that was not there may be good.
    """
    share_changed = AC.any_deps_match(AC.data_version_changed()).ignore(_WORKBOOK_TABLES)
    referred_changed = AC.any_deps_match(_changed()).ignore(dg.AssetSelection.assets(share))
    trigger = share_changed | referred_changed | AC.newly_missing() | AC.code_version_changed()
    return ((_due(trigger) | _retry()) & _gates()).with_label("when the share changed")


def with_its_sheet() -> Condition:
    """For workbook tables: in the same run as the sheet."""
    trigger = AC.any_deps_match(_changed() | AC.will_be_requested()) | AC.newly_missing() | AC.code_version_changed()
    return ((_due(trigger) | _retry()) & _gates()).with_label("with its sheet")


def on_files_ingested(*besides: dg.AssetKey) -> Condition:
    """For what is made from the ledger: a workbook's table is gone over, whether or not its content changes.

    `besides`: the dependencies that are no workbooks. A table that failed holds nothing up.
    """
    gone_over = AC.any_deps_match((AC.newly_updated() & ~AC.executed_with_root_target()) | AC.will_be_requested())
    trigger = gone_over | AC.newly_missing() | AC.code_version_changed()
    begun = AC.any_deps_match(~AC.missing()).ignore(dg.AssetSelection.assets(*besides))
    free = begun & ~AC.any_deps_in_progress() & ~AC.in_progress()
    return ((_due(trigger) | _retry()) & free).with_label("when files came in")


def on_source_change(*, partitioned: bool = False) -> Condition:
    """For tables, features, forecasts and reports: the content of something below changed, or may change.

    Whatever is made from a sheet goes in the same run; the executor passes over what is made already. What is
    `partitioned` is a run of its own, which begins when the content below it has changed.
    """
    trigger = AC.any_deps_match(_changed()) | AC.newly_missing() | AC.code_version_changed()
    if not partitioned:
        trigger |= AC.any_deps_match(AC.will_be_requested())
    return ((_due(trigger) | _retry()) & _gates()).with_label("when its sources changed")


def with_its_asset(asset: dg.AssetKey) -> Condition:
    """For checks that are made by themselves: in the same run as what they check, so that what is above may follow."""
    return AC.asset_matches(asset, AC.will_be_requested()).with_label("with its asset")


def on_new_code() -> Condition:
    """For what says how others are made: it is not there yet, or they are made another way."""
    return ((_due(AC.newly_missing() | AC.code_version_changed()) | _retry()) & _gates()).with_label("with new code")


def on_retraining_signal() -> Condition:
    """For models: the features' content changed and one of their signals (a failed non-blocking check) asks.

    New code waits for a signal too; a model that was never trained does not.
    """
    trigger = AC.any_deps_match(_changed()) | AC.newly_missing() | AC.code_version_changed()
    signal_failed = AC.any_deps_match(AC.any_checks_match(AC.check_failed()))
    return (((_due(trigger) & (signal_failed | AC.missing())) | _retry()) & _gates()).with_label(
        "when the features ask"
    )
