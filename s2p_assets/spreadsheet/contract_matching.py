"""Whose a file is by the columns that are found in it.

Where it lies is held against contracts in `catalog/paths.py`; reading the rows belongs elsewhere.
"""

from collections.abc import Sequence
from itertools import islice

from s2p_assets.contracts.findings import Finding
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.grid import Sheet
from s2p_assets.spreadsheet.header import MIN_REQUIRED_SHARE, Header, is_required, matches_sheet
from s2p_assets.spreadsheet.header_search import find_header


def best_matching_contract(sheets: Sequence[Sheet], workbooks: Sequence[Workbook], file: str = "") -> Workbook | None:
    """The contract of which most required columns stand in one of the sheets; None when none has half of its own.

    `file`: the file's name, as in `find_header`.
    """
    scored = [(_best_score(sheets, workbook, file), -place, workbook) for place, workbook in enumerate(workbooks)]
    fitting = [found for found in scored if found[0][0] >= MIN_REQUIRED_SHARE and found[0][1] > 0]
    return max(fitting, key=lambda found: found[:2])[2] if fitting else None


def _best_score(sheets: Sequence[Sheet], workbook: Workbook, file: str) -> tuple[float, float, int]:
    headers = list(_headers(sheets, workbook, file))
    if not headers:
        return 0.0, 0, 0
    share, count = max(header.score(workbook) for header in headers)
    return share, count / len(workbook.columns), count


def _headers(sheets: Sequence[Sheet], workbook: Workbook, file: str) -> list[Header]:
    found = (find_header(sheet, workbook, file) for sheet in sheets if matches_sheet(workbook, sheet.name))
    return [header for header in found if header is not None]


def nearest_contract(sheets: Sequence[Sheet], workbooks: Sequence[Workbook], file: str = "") -> Finding:
    """Says that nobody claims the file, and which contract comes nearest and what it lacks."""
    if not any(len(sheet) for sheet in sheets):
        return Finding(None, None, None, None, "unclaimed", "the workbook is empty; no sheet holds a cell")
    scored = [(_best_score(sheets, workbook, file), workbook) for workbook in workbooks]
    scored = [(score, workbook) for score, workbook in scored if score[1] > 0]
    if not scored:
        message = (
            "none of its columns is known here; put it where its kind of workbook belongs, or ask for its kind to be "
            "added"
        )
        return Finding(None, None, None, None, "unclaimed", message)
    workbook = max(scored, key=lambda found: found[0])[1]
    header = max(_headers(sheets, workbook, file), key=lambda found: found.score(workbook))
    kind = workbook.full_name.replace("_", " ")
    lacking = [f"'{' '.join(column.headers[0].split())}'" for column in header.missing if is_required(column)]
    if not lacking:
        where = " or ".join(islice(workbook.patterns, 3))
        message = f"its columns are those of the {kind}, but it does not lie at {where}; move it there"
    else:
        more = f" and {len(lacking) - 6} more" if len(lacking) > 6 else ""
        missing = f"{', '.join(lacking[:6])}{more}"
        message = f"no contract claims it; nearest is the {kind}, whose {missing} it lacks"
    return Finding(None, None, None, None, "unclaimed", message)
