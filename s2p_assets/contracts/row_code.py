"""The code of a class of rows, as far as it decides which rows a file yields.

What it decides beside it, the columns, is declared with `columns.py`.
"""

import ast
import functools
import inspect
import textwrap
from typing import Any

from s2p_assets.contracts.columns import Row


def row_code(rows: type[Row]) -> tuple[str, ...]:
    """The source of a class of rows and of each of its bases, without comments and descriptions."""
    kept = vars(rows).get("s2p_code")
    if kept is not None:
        return tuple(kept)
    bases: tuple[Any, ...] = rows.__mro__
    return tuple(_code_without_descriptions(base) for base in bases if issubclass(base, Row) and base is not Row)


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
