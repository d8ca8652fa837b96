"""What people asked to be told, as it is stored: reports by mail, and values that pass a threshold.

Whether a value has passed its threshold is found out in `services/`; the address book stands beside.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

Direction = Literal["under", "over"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)


@dataclass(frozen=True, slots=True)
class Subscription:
    """Somebody who gets each new edition of a report. `asked_by`: who asked for it, on the screen or by a program."""

    id: int
    report: str
    recipient: str
    asked_by: str
    asked_at: dt.datetime


@dataclass(frozen=True, slots=True)
class WatchedValue:
    """The value that is watched: of the row of a table that `entity` names, in its newest period."""

    table_name: str
    entity: Mapping[str, str]
    column_name: str
    direction: Direction
    threshold: float

    def is_passed_by(self, value: float) -> bool:
        return value < self.threshold if self.direction == "under" else value > self.threshold


@dataclass(frozen=True, slots=True)
class ThresholdAlert(WatchedValue):
    """A threshold of which somebody wants to hear when it is passed."""

    id: int
    recipient: str
    asked_by: str
    asked_at: dt.datetime


def list_subscriptions(conn: psycopg.Connection) -> list[Subscription]:
    with conn.cursor(row_factory=class_row(Subscription)) as cursor:
        return cursor.execute("select * from s2p.subscriptions order by report, recipient").fetchall()


def list_threshold_alerts(conn: psycopg.Connection) -> list[ThresholdAlert]:
    with conn.cursor(row_factory=class_row(ThresholdAlert)) as cursor:
        return cursor.execute("select * from s2p.threshold_alerts order by id").fetchall()


def insert_subscription(conn: psycopg.Connection, report: str, recipient: str, asked_by: str) -> None:
    """Asked for twice, it is there once."""
    conn.execute(
        "insert into s2p.subscriptions (report, recipient, asked_by) values (%s, %s, %s)"
        " on conflict (report, recipient) do nothing",
        (report, recipient, asked_by),
    )


def insert_threshold_alert(conn: psycopg.Connection, watched: WatchedValue, recipient: str, asked_by: str) -> None:
    """Asked for twice, it is there once."""
    conn.execute(
        "insert into s2p.threshold_alerts"
        " (table_name, entity, column_name, direction, threshold, recipient, asked_by)"
        " values (%s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
        (
            watched.table_name,
            Jsonb(dict(watched.entity)),
            watched.column_name,
            watched.direction,
            watched.threshold,
            recipient,
            asked_by,
        ),
    )


def delete_subscription(conn: psycopg.Connection, id_: int) -> None:
    conn.execute("delete from s2p.subscriptions where id = %s", (id_,))


def delete_threshold_alert(conn: psycopg.Connection, id_: int) -> None:
    conn.execute("delete from s2p.threshold_alerts where id = %s", (id_,))
