"""When a backup was last brought back and found right, kept in the home.

How that is done is in `backup.py`; when it is done by itself, in `backup_schedule.py`.
"""

import datetime as dt
import json
from contextlib import suppress
from pathlib import Path

from s2p_assets.settings import Settings

RECORD = "drill.json"


def record_drill(settings: Settings, at: dt.datetime, faults: list[str]) -> None:
    """Note a drill; one that found faults leaves the last good one as it is."""
    known = _record(settings)
    known |= {"last": at.isoformat(), "faults": faults}
    if not faults:
        known["last_good"] = at.isoformat()
    beside = settings.home / f"{RECORD}.tmp"
    beside.write_text(json.dumps(known, ensure_ascii=False), encoding="utf-8")
    beside.replace(settings.home / RECORD)


def last_good_drill(settings: Settings) -> dt.datetime | None:
    """When a backup was last found right; None if never."""
    with suppress(ValueError, TypeError):
        return dt.datetime.fromisoformat(str(_record(settings).get("last_good")))
    return None


def last_drill_faults(settings: Settings) -> list[str]:
    """What the last drill found wrong."""
    faults = _record(settings).get("faults")
    return [str(fault) for fault in faults] if isinstance(faults, list) else []


def _record(settings: Settings) -> dict[str, object]:
    place: Path = settings.home / RECORD
    try:
        known = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
