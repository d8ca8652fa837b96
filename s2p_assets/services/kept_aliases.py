"""The copy of the matched headers in the home's cache: what files are read by where no database is asked.

The list itself stands in the warehouse, and is changed by `header_aliases.py`, which makes the copy anew.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from s2p_assets.contracts.workbook import Workbook
from s2p_assets.settings import Settings

KnownHeaders = dict[str, dict[str, list[str]]]
"""Workbook → column → the headers that were matched to it."""


def kept_aliases(settings: Settings) -> KnownHeaders:
    """The list as this home last saw it."""
    try:
        return json.loads(aliases_file(settings).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def read_by_aliases(workbooks: Iterable[Workbook], known: KnownHeaders) -> list[Workbook]:
    """The contracts with the headers that people matched to their columns."""
    return [book.with_headers(known[book.full_name]) if book.full_name in known else book for book in workbooks]


def aliases_file(settings: Settings) -> Path:
    return settings.cache / "header-aliases.json"
