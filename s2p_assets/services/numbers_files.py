"""Where the numbers of editions are kept for those who ask. What is in such a file, publishing knows."""

import datetime as dt
from pathlib import Path

from s2p_assets.contracts.report import Report
from s2p_assets.settings import Settings


def numbers_file(settings: Settings, report: Report, as_of: dt.date) -> Path:
    """Where the numbers of an edition are kept for those who ask where they come from."""
    return settings.home / "editions" / report.full_name / f"{as_of.isoformat()}.json"
