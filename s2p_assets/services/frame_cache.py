"""Frames that were read from tables, kept for the length of one run, so that five reports read a table once.

How a table is read belongs to `warehouse/`. A cache lives as long as the IO manager that holds it, which is one run.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

import pandas as pd
import psycopg

from s2p_assets.catalog.catalog import Stored
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.tables import store

MOST_BYTES = 512 << 20


@dataclass
class FrameCache:
    """Frames by place and content version, at most `most_bytes` of them; what was not asked for longest goes first.

    A table that was made again has another version, and is read anew.
    """

    most_bytes: int = MOST_BYTES
    _kept: OrderedDict[tuple[str, str], tuple[str, pd.DataFrame, int]] = field(default_factory=OrderedDict)

    def read(self, connection: psycopg.Connection, declared: Stored) -> pd.DataFrame:
        """The rows of a table, for the caller alone: whatever is done to them, the next reader gets them as stored."""
        place = (declared.domain, declared.name)
        version = _version(connection, declared)
        known = self._kept.pop(place, None)
        if known is not None and version is not None and known[0] == version:
            self._kept[place] = known
            return known[1].copy()
        frame = store.read_rows(connection, *place, declared.columns)
        if version is None or not self._keep(place, version, frame):
            return frame
        return frame.copy()

    def _keep(self, place: tuple[str, str], version: str, frame: pd.DataFrame) -> bool:
        """Make room for a frame and keep it; false for one that is larger than all room."""
        size = int(frame.memory_usage(deep=True).sum())
        if size > self.most_bytes:
            return False
        self._kept[place] = (version, frame, size)
        while sum(kept for *_, kept in self._kept.values()) > self.most_bytes:
            self._kept.popitem(last=False)
        return True


def _version(connection: psycopg.Connection, declared: Stored) -> str | None:
    """The version of what stands there before it is read: should it change meanwhile, the next look tells."""
    if isinstance(declared, Workbook):
        return store.workbook_version(connection, declared)
    return store.stored_version(connection, declared.domain, declared.name)
