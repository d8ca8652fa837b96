"""The words of reports with the reports that use them, for who reads these.

What each means stands in `publishing/document/report_terms.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from s2p_assets.publishing.document.report_terms import REPORT_TERMS, ReportTerm, term_of
from s2p_assets.services.context import Context
from s2p_assets.services.report_shelf import titles_of_edition


@dataclass(frozen=True)
class GlossaryEntry:
    """A word, and the names of the reports whose cards or columns say it."""

    term: ReportTerm
    reports: tuple[str, ...]


def glossary_entries(ctx: Context, sees: Callable[[str], bool]) -> dict[str, list[GlossaryEntry]]:
    """Subject → its words, each with the reports that somebody sees and that use it."""
    uses: dict[str, dict[str, None]] = {}
    for name in ctx.catalog.reports:
        if sees(name):
            for title in titles_of_edition(ctx, name):
                if term := term_of(title):
                    uses.setdefault(term.id, {})[name] = None
    found: dict[str, list[GlossaryEntry]] = {}
    for term in REPORT_TERMS:
        found.setdefault(term.subject, []).append(GlossaryEntry(term, tuple(uses.get(term.id, ()))))
    return found
