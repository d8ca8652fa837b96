"""The version of a contract: a hash of all that decides which rows a file yields.

The contract itself is declared in the spreadsheet room.
"""

import ast
import functools
import hashlib
import inspect
import textwrap
from dataclasses import fields, replace
from typing import Any

from s2p_assets.contracts.columns import Row
from s2p_assets.contracts.workbook import Workbook


@functools.cache
def contract_version(workbook: Workbook) -> str:
    """A hash of everything in a contract that decides which rows a file yields, not of its descriptions."""
    columns = [repr(replace(column, description="")) for column in workbook.columns]
    bases: tuple[Any, ...] = workbook.rows.__mro__
    rules = [_code_without_descriptions(rows) for rows in bases if issubclass(rows, Row) and rows is not Row]
    rest = [getattr(workbook, one.name) for one in fields(workbook) if one.name not in ("rows", "path", "owner")]
    return hashlib.sha256("\n".join([*columns, *rules, repr(rest)]).encode()).hexdigest()[:16]


@functools.cache
def _code_without_descriptions(rows: Any) -> str:
    """The source of a class of rows without its comments and descriptions; empty where there is no source."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(rows)))
    except (OSError, TypeError, SyntaxError):
        return ""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            node.keywords = [keyword for keyword in node.keywords if keyword.arg not in ("description", "message")]
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)
