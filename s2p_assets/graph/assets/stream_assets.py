"""Streams: each is an asset that no run makes; what came in is reported beside, at the stream's own pace.

Taking events is `services/streams/`'s; what follows from a report is decided by the automation, as for workbooks.
"""

import time
from collections.abc import Callable
from typing import Any

import dagster as dg
import psycopg

from s2p_assets.contracts.stream import Kafka, PostgresTable, Push, Stream
from s2p_assets.graph.asset_keys import asset_key, group_name
from s2p_assets.graph.assets.metadata import declared_metadata
from s2p_assets.services.context import Context
from s2p_assets.services.streams.telling import streams_status
from s2p_assets.warehouse.tables import store
from s2p_assets.warehouse.tables.workbook_tables import ensure_workbook_table

KINDS: dict[type, str] = {Kafka: "kafka", Push: "http", PostgresTable: "postgres"}


def stream_spec(stream: Stream) -> dg.AssetSpec:
    """The table of a stream, which its events are stored in as they come."""
    return dg.AssetSpec(
        asset_key(stream),
        group_name=group_name(stream),
        kinds={KINDS[type(stream.source)], "postgres"},
        owners=[stream.owner],
        description=f"{stream.description}\n\nOne row is an event; `_sheet` and `_row` say which: its topic, partition "
        f"and offset. What is made of it follows every {stream.every}.",
        metadata=dict(declared_metadata(stream)),
    ).with_io_manager_key("tables")


def stream_event(stream: Stream, version: str, says: dict[str, Any]) -> dg.AssetMaterialization:
    """A report of what a stream has brought; what is made of it follows where `version` is another one."""
    shown: dict[str, Any] = {name: value for name, value in says.items() if value is not None}
    rows = {"dagster/row_count": says["rows"]} if "rows" in says else {}
    return dg.AssetMaterialization(asset_key(stream), tags={"dagster/data_version": version}, metadata=shown | rows)


def stream_versions(ctx: Context, connection: psycopg.Connection, domains: set[str]) -> dict[str, str]:
    """Stream → version of its content, of those in domains that are in use or that brought something."""
    brought = {
        name
        for (name,) in connection.execute(
            "select distinct workbook from s2p.files where workbook = any(%s) and is_loaded",
            (list(ctx.catalog.streams),),
        )
    }
    found = {}
    for name, stream in ctx.catalog.streams.items():
        if stream.domain in domains or name in brought:
            ensure_workbook_table(connection, stream)
            found[name] = store.workbook_version(connection, stream)[:32]
    return found


def followed(told: str, told_at: float, now: str, stream: Stream, clock: Callable[[], float] = time.time) -> bool:
    """Whether it is time for what is made of a stream to follow, by its pace."""
    return now != told and (not told or clock() - told_at >= stream.pace_seconds)


def stream_says(ctx: Context, connection: psycopg.Connection) -> dict[str, dict[str, Any]]:
    """Counts and lag of every stream, for the reports in Dagster."""
    wanted = ("events", "rows", "returned", "lag", "last_event")
    return {one["name"]: {name: one[name] for name in wanted} for one in streams_status(ctx, connection)}
