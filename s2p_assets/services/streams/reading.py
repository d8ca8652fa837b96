"""All streams that a process reads, side by side: one consumer for all topics, one follower for each table elsewhere.

How each of them reads is in `consuming.py` and `capturing.py`; what follows them by the second in `live_tables.py`.
"""

import contextlib
import gc
import threading
from collections.abc import Callable, Sequence

from s2p_assets.contracts.stream import Stream
from s2p_assets.services.context import Context
from s2p_assets.services.streams.capturing import ChangeCapture, drop_forgotten_slots
from s2p_assets.services.streams.consuming import StreamConsumer
from s2p_assets.services.streams.live_tables import LiveTables
from s2p_assets.warehouse.server.unreachable import DatabaseUnreachable

STOPPING_SECONDS = 15.0
GARBAGE = 200_000
"""Objects between two looks for cycles: events hold none, and a look at each thousand of them costs a tenth of all."""


def read_streams(ctx: Context, streams: Sequence[Stream], ended: threading.Event) -> int:
    """Read until `ended`; how many rows were stored. What one reader fails with ends all, and is raised."""
    gc.freeze()
    gc.set_threshold(GARBAGE)
    topics = [one for one in streams if not one.is_captured]
    readers: list[StreamConsumer | ChangeCapture | LiveTables] = [
        *([StreamConsumer(ctx, topics, ended)] if topics else []),
        *(ChangeCapture(ctx, one, ended) for one in streams if one.is_captured),
        *([LiveTables(ctx, ended)] if ctx.catalog.live_tables else []),
    ]
    with contextlib.suppress(DatabaseUnreachable), ctx.warehouse.connect() as connection:
        drop_forgotten_slots(ctx, connection)
    failed: list[BaseException] = []
    threads = [_thread(one.run, ended, failed) for one in readers[1:]]
    _reading(readers[0].run, ended, failed)
    for thread in threads:
        thread.join(STOPPING_SECONDS)
    if failed:
        raise failed[0]
    return sum(one.stored for one in readers)


def _thread(run: Callable[[], None], ended: threading.Event, failed: list[BaseException]) -> threading.Thread:
    thread = threading.Thread(target=_reading, args=(run, ended, failed), daemon=True)
    thread.start()
    return thread


def _reading(run: Callable[[], None], ended: threading.Event, failed: list[BaseException]) -> None:
    try:
        run()
    except BaseException as error:
        failed.append(error)
    finally:
        ended.set()
