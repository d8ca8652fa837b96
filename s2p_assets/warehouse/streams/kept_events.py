"""The events of streams as they came, compressed by batch, so that a trace can end at the event itself.

When they are written is for `loading.py` to say.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import psycopg

COMPRESSION = "zstd"


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """An event as it came: the day of the stream by ledger id, topic and partition, offset, bytes."""

    file: int
    sheet: str
    row: int
    event: bytes


def packed(offsets: Sequence[int], events: Sequence[bytes | None]) -> bytes:
    """Events as they are stored; None for one that was too large to keep."""
    import pyarrow  # a question at the prompt stops at no event, and does without Arrow
    import pyarrow.ipc

    schema = pyarrow.schema([("offset", pyarrow.int64()), ("event", pyarrow.binary())])
    table = pyarrow.table([pyarrow.array(offsets, pyarrow.int64()), pyarrow.array(events, pyarrow.binary())], schema)
    sink = pyarrow.BufferOutputStream()
    options = pyarrow.ipc.IpcWriteOptions(compression=COMPRESSION)
    with pyarrow.ipc.new_stream(sink, schema, options=options) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def unpacked(content: bytes) -> list[tuple[int, bytes | None]]:
    """Offset and event of all that `packed` stored."""
    import pyarrow.ipc

    with pyarrow.ipc.open_stream(content) as reader:
        table = reader.read_all()
    return list(zip(table.column("offset").to_pylist(), table.column("event").to_pylist(), strict=True))


def events_at(conn: psycopg.Connection, places: Iterable[tuple[int, str, int]]) -> dict[tuple[int, str, int], bytes]:
    """The events at these places (ledger id, topic and partition, offset), of those that are kept."""
    wanted = sorted(set(places))
    asked = [list(one) for one in zip(*wanted, strict=True)] if wanted else [[], [], []]
    rows = conn.execute(
        "select distinct on (b.id) b.id, b.file, b.sheet, b.content"
        " from unnest(%s::bigint[], %s::text[], %s::bigint[]) w(file, sheet, place)"
        " join s2p.stream_batches b on (b.file, b.sheet) = (w.file, w.sheet)"
        " and w.place between b.first_offset and b.last_offset where b.content is not null",
        asked,
    ).fetchall()
    there = set(wanted)
    return {
        (file, sheet, offset): event
        for _, file, sheet, content in rows
        for offset, event in unpacked(content)
        if event is not None and (file, sheet, offset) in there
    }


def events_of_file(conn: psycopg.Connection, file: int, until: object) -> Iterator[KeptEvent]:
    """The events of a day that were stored by a moment, in order, batch by batch."""
    rows = conn.execute(
        "select sheet, content from s2p.stream_batches where file = %s and loaded_at <= %s and content is not null"
        " order by id",
        (file, until),
    )
    for sheet, content in rows:
        for offset, event in unpacked(content):
            if event is not None:
                yield KeptEvent(file, sheet, offset, event)
