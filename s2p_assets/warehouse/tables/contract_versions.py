"""The version of a contract: a hash of all that decides which rows a file yields.

The contract itself is declared in the spreadsheet room.
"""

import functools
import hashlib
from dataclasses import fields, replace

from s2p_assets.contracts.row_code import row_code
from s2p_assets.contracts.workbook import Workbook

NOT_OF_ROWS = ("rows", "path", "owner", "remote", "mailed_by", "mail_subject")
"""Fields of a contract that say whose its files are and where they lie, not which rows a file yields."""


@functools.cache
def contract_version(workbook: Workbook) -> str:
    """A hash of everything in a contract that decides which rows a file yields, not of its descriptions."""
    columns = [repr(replace(column, description="")) for column in workbook.columns]
    rest = [getattr(workbook, one.name) for one in fields(workbook) if one.name not in NOT_OF_ROWS]
    return hashlib.sha256("\n".join([*columns, *row_code(workbook.rows), repr(rest)]).encode()).hexdigest()[:16]
