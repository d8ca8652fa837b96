"""What the conditions remember between two evaluations, as the text that Dagster keeps of it.

What is remembered, and of which assets, is decided in `evaluations.py`.
"""

import base64
import json
import zlib
from dataclasses import replace
from typing import Any

from dagster._core.definitions.asset_daemon_cursor import AssetDaemonCursor
from dagster._core.definitions.asset_key import EntityKey
from dagster._core.definitions.declarative_automation.serialized_objects import AutomationConditionCursor
from dagster._core.definitions.partitions.subset.time_window import skip_num_partitions_serialization_ctx
from dagster._serdes import serialize_value

DAGSTERS_VERSION = "0"
"""The first sign of the text: how Dagster reads the rest."""

PLACE = "previous_condition_cursors"


class CursorText:
    """Writes a cursor as Dagster does, with the text of each asset that was not gone over taken from the time before.

    Of a hundred assets a delivery touches a few; to write them all anew was a third of an evaluation.
    """

    def __init__(self) -> None:
        self._written: dict[EntityKey, tuple[AutomationConditionCursor[Any], str]] = {}

    def write(self, cursor: AssetDaemonCursor) -> str:
        one_by_one = cursor.previous_condition_cursors or ()
        with skip_num_partitions_serialization_ctx():
            known = {one.key: self._known(one) or (one, serialize_value(one)) for one in one_by_one}
            whole = json.loads(serialize_value(replace(cursor, previous_condition_cursors=[])))
        self._written = known
        around = json.dumps({name: value for name, value in whole.items() if name != PLACE})
        assets = ", ".join(text for _, text in known.values())
        text = f'{around[:-1]}, "{PLACE}": [{assets}]}}'
        return DAGSTERS_VERSION + base64.b64encode(zlib.compress(text.encode())).decode()

    def _known(self, one: AutomationConditionCursor[Any]) -> tuple[AutomationConditionCursor[Any], str] | None:
        before = self._written.get(one.key)
        return before if before is not None and before[0] is one else None
