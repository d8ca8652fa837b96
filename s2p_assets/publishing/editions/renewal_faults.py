"""What keeps a report from being renewed: what could not be made, why, and since when.

Where that is shown belongs to `editions` and the templates; when a report is held back, to the graph.
"""

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path

from s2p_assets.publishing.renderers.atomic_file import replace_file

FAULTS_FILE = "held-back.json"


@dataclass(frozen=True, slots=True)
class RenewalFault:
    """What could not be made, why, and since when; `what` in words for managers."""

    what: str
    why: str
    since: dt.datetime


def read_faults(shelf: Path) -> list[RenewalFault]:
    """The faults that hold a report back, the oldest first; none when its newest edition is as good as can be."""
    try:
        saved = json.loads((shelf / FAULTS_FILE).read_text(encoding="utf-8"))
        faults = [RenewalFault(one["what"], one["why"], dt.datetime.fromisoformat(one["since"])) for one in saved]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return sorted(faults, key=lambda fault: fault.since)


def write_faults(shelf: Path, faults: list[RenewalFault]) -> None:
    """Keep the faults beside the editions of a report; without any there is no such file. Raises OSError."""
    if not faults:
        (shelf / FAULTS_FILE).unlink(missing_ok=True)
        return
    content = [{"what": fault.what, "why": fault.why, "since": fault.since.isoformat()} for fault in faults]
    with replace_file(shelf / FAULTS_FILE) as draft:
        draft.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")


def add_fault(faults: list[RenewalFault], fault: RenewalFault) -> list[RenewalFault]:
    """`faults` with a new one; what fails again keeps its first moment and takes the newest reason."""
    since = min([fault.since, *(known.since for known in faults if known.what == fault.what)])
    return [*remove_fault(faults, fault.what), RenewalFault(fault.what, fault.why, since)]


def remove_fault(faults: list[RenewalFault], what: str) -> list[RenewalFault]:
    """`faults` without that of `what`, which could be made."""
    return [known for known in faults if known.what != what]
