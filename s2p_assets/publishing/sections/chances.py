"""Sections of cases by how probable one outcome is: the likeliest first, and who they are.

How far the probabilities can be trusted is said in `question_scores` and `classification_scores`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from s2p_assets.contracts.report import Chart, ReportColumn, Section
from s2p_assets.publishing.document.wording import format_share
from s2p_assets.publishing.sections.findings import first_of
from s2p_assets.publishing.sections.source_table import SourceTable, listing

SHOWN = 10


@dataclass(frozen=True)
class Chances:
    """Cases of which some will have an outcome, the likeliest first.

    `cases`: one row per case. `name`, `probability`: the columns with what people call a case, and with the
    probability of the outcome. `outcome`: in words, `a place among the first ten`.
    """

    cases: SourceTable
    name: str
    probability: str
    outcome: str

    @property
    def ranked(self) -> SourceTable:
        """The cases in the order of their probability, of equal ones in that of their names."""
        rows = self.cases.rows.sort_values([self.probability, self.name], ascending=[False, True])
        return self.cases.with_rows(rows.reset_index(drop=True))


def describe_chances(chances: Chances) -> str:
    """The likeliest case and the tenth, with their probabilities: for a headline."""
    rows = chances.ranked.rows
    first, tenth = rows.iloc[0], rows.iloc[min(SHOWN, len(rows)) - 1]
    return (
        f"{first[chances.name]} is the surest of {chances.outcome} ({format_share(first[chances.probability])}), "
        f"{tenth[chances.name]} has the tenth best chance ({format_share(tenth[chances.probability])})."
    )


def ranked_cases(chances: Chances, title: str, description: str, columns: Sequence[ReportColumn]) -> Section:
    """All cases as they are stored, the likeliest first, with a bar for each."""
    heading = f"Probability of {chances.outcome}"
    chart = Chart("bar", chances.name, (chances.probability,), heading, format="percent")
    return listing(chances.ranked, title, description, columns, chart=chart, says=_surest(chances))


def likeliest_cases(chances: Chances, title: str, description: str, columns: Sequence[ReportColumn]) -> Section:
    """The ten likeliest cases as they are stored."""
    ranked = chances.ranked
    return listing(ranked.with_rows(ranked.rows.head(SHOWN)), title, description, columns, says=_surest(chances))


def _surest(chances: Chances) -> str:
    rows = chances.ranked.rows
    told = format_share(float(rows[chances.probability].iloc[0])) if len(rows) else ""
    return first_of(rows, chances.name, told)
