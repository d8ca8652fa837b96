"""The rows of a stream's days that no longer stand, read again from the events that are kept.

What stood when is told by the ledger.
"""

import datetime as dt
from collections.abc import Iterator, Sequence

import psycopg
import pyarrow

from s2p_assets.contracts.stream import Stream
from s2p_assets.services.streams.taking import placed_rows
from s2p_assets.services.streams.wire import EventReader
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.event_rows import judge_events
from s2p_assets.warehouse.streams.kept_events import events_of_file
from s2p_assets.warehouse.tables.as_of import LoadedVersion


def rows_of_days(
    settings: Settings,
    connection: psycopg.Connection,
    stream: Stream,
    days: Sequence[LoadedVersion],
    as_of: dt.datetime,
) -> Iterator[tuple[LoadedVersion, pyarrow.Table]]:
    """Each day with the rows that its events of up to `as_of` are by the contract of today."""
    reader = EventReader(settings, stream)
    for day in days:
        kept = list(events_of_file(connection, day.id, as_of))
        places = [(one.sheet, one.row) for one in kept]
        found = judge_events([reader.read(one.event) for one in kept], places, stream)
        yield day, placed_rows(found.rows, places)
