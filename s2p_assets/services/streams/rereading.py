"""The rows of a stream's days that no longer stand, read again from the events that are kept.

What stood when is told by the ledger.
"""

import datetime as dt
from collections.abc import Iterator, Sequence

import psycopg
import pyarrow

from s2p_assets.contracts.stream import DELETED, Stream
from s2p_assets.services.streams.taking import placed_rows
from s2p_assets.services.streams.wire import EventReader, is_deletion
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.event_rows import judge_events, read_keys
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
        gone = [number for number, one in enumerate(kept) if stream.is_captured and is_deletion(one.event)]
        stay = sorted(set(range(len(kept))).difference(gone))
        placed = [places[number] for number in stay]
        rows = placed_rows(judge_events([reader.read(kept[at].event) for at in stay], placed, stream).rows, placed)
        if gone:
            placed = [(places[at][0] + DELETED, places[at][1]) for at in gone]
            keys = read_keys([reader.read(kept[at].event) for at in gone], placed, stream).rows
            rows = pyarrow.concat_tables([rows, placed_rows(keys, placed)], promote_options="default")
        yield day, rows
