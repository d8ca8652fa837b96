"""Values that somebody wants to hear of: "tell me when the stock of … is under …".

A value is that of one row of a table, in its newest period; what is told, and once, is a matter like others.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import psycopg

from s2p_assets.catalog.catalog import Stored
from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.deliveries import DeliveryTable
from s2p_assets.contracts.errors import MendableError
from s2p_assets.contracts.feature_set import FeatureSet
from s2p_assets.messaging.matters import Matter
from s2p_assets.messaging.subscriptions import (
    DIRECTIONS,
    ThresholdAlert,
    WatchedValue,
    delete_threshold_alert,
    insert_threshold_alert,
    list_threshold_alerts,
)
from s2p_assets.services.askers import Asker, AskRefused, recipient_of, who_still_sees
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound

TIMES, QUANTITIES = ("date", "timestamp"), ("integer", "number", "money", "percent")
MOST_ALERTS = 200
"""Of one asker, so that a program that asks in a loop is noticed."""


def entity_columns(declared: Stored) -> list[Column]:
    """The columns that name what a row is about: its key without the periods."""
    return [one for one in declared.columns if one.name in declared.key and one.kind not in TIMES]


def measured_columns(declared: Stored) -> list[Column]:
    """The columns whose values can be under or over a number."""
    return [one for one in declared.columns if one.kind in QUANTITIES and one.name not in declared.key]


def watchable_tables(ctx: Context, sees: Callable[[str], bool]) -> list[Stored]:
    """The tables of which a value can be watched, of those that somebody sees."""
    return [
        one
        for one in ctx.catalog.stored()
        if not isinstance(one, FeatureSet | DeliveryTable) and one.key and measured_columns(one) and sees(one.full_name)
    ]


def watch_value(ctx: Context, asker: Asker, wanted: WatchedValue, recipient: str = "") -> float | None:
    """Tell `recipient` from now on when the value passes the threshold; the value now.

    Raises NotFound for a table, column or row that there is not, QueryInvalid for a value that is none of its kind,
    and AskRefused.
    """
    declared = {one.full_name: one for one in watchable_tables(ctx, asker.sees)}.get(wanted.table_name)
    if declared is None:
        raise NotFound(f"there is no table {wanted.table_name[:80]!r} whose values can be watched")
    if wanted.column_name not in {one.name for one in measured_columns(declared)}:
        raise NotFound(f"{declared.full_name} has no quantity {wanted.column_name[:80]!r}")
    if wanted.direction not in DIRECTIONS or not abs(wanted.threshold) < float("inf"):
        raise AskRefused("say `under` or `over`, and a number")
    keys = [one.name for one in entity_columns(declared)]
    if set(wanted.entity) != set(keys):
        raise AskRefused(f"name the row by {' and '.join(keys) or 'nothing'}")
    to = recipient_of(ctx, asker, recipient)
    with ctx.warehouse.writing() as connection:
        row = newest_row(connection, declared, wanted)
        if row is None:
            raise NotFound(f"no row of {declared.full_name} has {_named(wanted.entity)}")
        if sum(one.asked_by == asker.name for one in list_threshold_alerts(connection)) >= MOST_ALERTS:
            raise AskRefused(f"{MOST_ALERTS} values are watched for you; end one of them first")
        insert_threshold_alert(connection, wanted, to, asker.name)
    return _quantity(row[wanted.column_name])


def end_watch(ctx: Context, asker: Asker, number: int) -> None:
    """Watch a value no more. Raises NotFound for an alert that is not theirs."""
    with ctx.warehouse.writing() as connection:
        if number not in {one.id for one in _of(connection, asker)}:
            raise NotFound("there is no such alert of yours")
        delete_threshold_alert(connection, number)


def alerts_of(ctx: Context, asker: Asker) -> list[tuple[ThresholdAlert, str, float | None]]:
    """The alerts that are theirs, of an engineer everybody's; each in words, with the value now, None where unknown."""
    with ctx.warehouse.reading() as connection:
        return [
            (one, alert_words(ctx, one), _value_now(ctx, connection, one))
            for one in _of(connection, asker)
            if asker.sees(one.table_name)
        ]


def alert_json(alert: ThresholdAlert, says: str, value: float | None) -> dict[str, Any]:
    """One of `alerts_of` for a program, by the names under which it is asked for."""
    return {
        "id": alert.id,
        "table": alert.table_name,
        "entity": alert.entity,
        "column": alert.column_name,
        "direction": alert.direction,
        "threshold": alert.threshold,
        "recipient": alert.recipient,
        "asked_by": alert.asked_by,
        "asked_at": alert.asked_at,
        "says": says,
        "value": value,
    }


def _of(connection: psycopg.Connection, asker: Asker) -> list[ThresholdAlert]:
    return [one for one in list_threshold_alerts(connection) if asker.may_change(one.recipient, one.asked_by)]


def newest_row(connection: psycopg.Connection, declared: Stored, wanted: WatchedValue) -> dict[str, Any] | None:
    """The row that is watched, in its newest period up to today, or the first to come; None where there is none.

    Raises NotStored, QueryInvalid.
    """
    from s2p_assets.services.tables import TableQuestion, fetch_rows, query_of  # large, and few watch anything

    times = [one.name for one in declared.columns if one.name in declared.key and one.kind in TIMES]
    columns = ",".join([wanted.column_name, *times])
    entity = tuple(wanted.entity.items())
    today = dt.datetime.now().astimezone().date().isoformat()
    orders = [("lte", "-"), ("gt", "")] if times else [("", "")]
    for up_to, order in orders:
        bound = tuple((f"{name}.{up_to}", today) for name in times[:1])
        sort = ",".join(f"{order}{name}" for name in times)
        question = TableQuestion(filters=(*entity, *bound), columns=columns, sort=sort, limit=1)
        if found := fetch_rows(connection, query_of(declared, question)):
            return found[0]
    return None


def threshold_matters(ctx: Context, connection: psycopg.Connection) -> list[Matter]:
    """The values that have passed their thresholds, and those that can be watched no more."""
    still_sees, seen = who_still_sees(connection), list_threshold_alerts(connection)
    return [
        matter
        for alert in seen
        if still_sees(alert.recipient, alert.asked_by, alert.table_name)
        for matter in _matters(ctx, connection, alert)
    ]


def _matters(ctx: Context, connection: psycopg.Connection, alert: ThresholdAlert) -> Iterator[Matter]:
    words, stop = alert_words(ctx, alert), "You asked to be told; end it on the page of reports."
    try:
        value = _value_now(ctx, connection, alert)
        known = value is not None
        title = f"{words}: it is {_written(value)}" if value is not None else f"{words}: there is no such value now"
    except MendableError as problem:
        value, known, title = None, False, f"{words}: it cannot be watched, {problem}"
    if not known:
        yield Matter("threshold", f"{alert.id}:unknown", title, f"See whether it still exists. {stop}", to=_to(alert))
    elif value is not None and alert.is_passed_by(value):
        yield Matter("threshold", str(alert.id), title, stop, to=_to(alert))


def _to(alert: ThresholdAlert) -> tuple[str, ...]:
    return (alert.recipient,)


def _value_now(ctx: Context, connection: psycopg.Connection, alert: ThresholdAlert) -> float | None:
    declared = {one.full_name: one for one in ctx.catalog.stored()}.get(alert.table_name)
    if declared is None or alert.column_name not in {one.name for one in declared.columns}:
        raise NotFound(f"{alert.table_name} or its column is no longer there")
    row = newest_row(connection, declared, alert)
    return None if row is None else _quantity(row[alert.column_name])


def alert_words(ctx: Context, alert: WatchedValue) -> str:
    """`Units in stock of 4711 under 20`; a column that is declared no more by its name."""
    declared = {one.full_name: one for one in ctx.catalog.stored()}.get(alert.table_name)
    columns = {one.name: one for one in declared.columns} if declared else {}
    what = short_description(columns[alert.column_name]) if alert.column_name in columns else alert.column_name
    of = f" of {', '.join(alert.entity.values())}" if alert.entity else ""
    return f"{what}{of} {alert.direction} {_written(alert.threshold)}"


def short_description(column: Column) -> str:
    """What a column is in few words: its description up to its first stop."""
    first = min((at for mark in (";", ":", ". ") if (at := column.description.find(mark)) > 0), default=None)
    return column.description[:first].rstrip(".") or column.name.replace("_", " ")


def _quantity(value: Any) -> float | None:
    return None if value is None else float(value)


def _written(value: float) -> str:
    return f"{value:,.4f}".rstrip("0").rstrip(".")


def _named(entity: Mapping[str, str]) -> str:
    return " and ".join(f"{name}={value[:80]}" for name, value in entity.items()) or "no name"
