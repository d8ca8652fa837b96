"""Clocks that are wrong: a sender's that is ahead of ours, and our own that is set while streams are read.

Rows are stored all the same; what a clock decides (which day a row belongs to, who is alive) is for a person to know.
"""

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg

from s2p_assets.warehouse.streams.notices import note_stream

AHEAD = dt.timedelta(minutes=5)
JUMP_SECONDS = 60.0


def note_ahead(
    connection: psycopg.Connection, stream: str, sheet: str, event_at: dt.datetime | None, now: dt.datetime
) -> bool:
    """Say that an event is dated in the future, where it is; whether it was said."""
    if event_at is None or event_at - now < AHEAD:
        return False
    days = (event_at - now).days
    says = (
        f"events are dated {f'{days:,} days' if days else 'minutes or hours'} ahead of this computer's clock; they are"
        " stored as they came. Set the clock that is wrong, the sender's or this one"
    )
    note_stream(connection, stream, "clock", sheet, says)
    return True


@dataclass
class ClockWatch:
    """Notices when the clock is set: it then goes on otherwise than the one that only counts seconds."""

    clock: Callable[[], float] = time.time
    counter: Callable[[], float] = time.monotonic
    _apart: float = field(init=False)

    def __post_init__(self) -> None:
        self._apart = self.clock() - self.counter()

    def jumped(self) -> float:
        """Seconds by which the clock was set since the last call, 0 where that is little."""
        apart = self.clock() - self.counter()
        by = apart - self._apart
        self._apart = apart
        return by if abs(by) > JUMP_SECONDS else 0.0


def jump_words(seconds: float) -> str:
    """What a jump means, for people."""
    way = "forward" if seconds > 0 else "back"
    return (
        f"the clock of this computer was set {way} by {abs(seconds) / 60:,.0f} minutes while events were read; none is"
        " lost or doubled. Rows of that time stand under the day that the clock showed; let it be kept by a time server"
    )
