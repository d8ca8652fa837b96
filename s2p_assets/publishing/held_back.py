"""What keeps a report from being renewed: what could not be made, why, and since when.

Where that is shown belongs to `editions` and the templates; when a report is held back, to the graph.
"""

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path

from s2p_assets.publishing.writing import written_whole

FILE = "held-back.json"


@dataclass(frozen=True, slots=True)
class Fault:
    """What could not be made, why, and since when; `what` in words for managers."""

    what: str
    why: str
    since: dt.datetime


def read_faults(shelf: Path) -> list[Fault]:
    """The faults that hold a report back, the oldest first; none when its newest edition is as good as can be."""
    try:
        saved = json.loads((shelf / FILE).read_text(encoding="utf-8"))
        faults = [Fault(one["what"], one["why"], dt.datetime.fromisoformat(one["since"])) for one in saved]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return sorted(faults, key=lambda fault: fault.since)


def write_faults(shelf: Path, faults: list[Fault]) -> None:
    """Keep the faults beside the editions of a report; without any there is no such file. Raises OSError."""
    if not faults:
        (shelf / FILE).unlink(missing_ok=True)
        return
    content = [{"what": fault.what, "why": fault.why, "since": fault.since.isoformat()} for fault in faults]
    with written_whole(shelf / FILE) as draft:
        draft.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")


def with_fault(faults: list[Fault], fault: Fault) -> list[Fault]:
    """`faults` with a new one; what fails again keeps its first moment and takes the newest reason."""
    since = min([fault.since, *(known.since for known in faults if known.what == fault.what)])
    return [*without(faults, fault.what), Fault(fault.what, fault.why, since)]


def without(faults: list[Fault], what: str) -> list[Fault]:
    """`faults` without that of `what`, which could be made."""
    return [known for known in faults if known.what != what]
