"""The outline of a catalogue: all that its declarations say, as JSON, and back without reading a shelf.

What only the shelf's code can do (build a table, judge a row) is loaded from the shelf when it is asked for. When an
outline still holds is decided in `kept_outline.py`.
"""

import copyreg
import datetime as dt
import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from decimal import Decimal
from pathlib import Path, PurePath
from types import FunctionType
from typing import Any

from s2p_assets.catalog.catalog import Catalog
from s2p_assets.catalog.sql_binding import SqlLineage
from s2p_assets.contracts.columns import Column, Row, columns_of
from s2p_assets.contracts.feature_set import FeatureSet
from s2p_assets.contracts.lineage import LineageRule
from s2p_assets.contracts.model import ClassificationTask, Contest, ExclusiveOutcome, ForecastTask, Model
from s2p_assets.contracts.report import Report
from s2p_assets.contracts.row_code import row_code
from s2p_assets.contracts.sql_table import SqlBuild, SqlSource, SqlTable, SqlTest, rows_of_columns
from s2p_assets.contracts.stream import Kafka, PostgresTable, Push, Stream
from s2p_assets.contracts.table import Table
from s2p_assets.contracts.workbook import Workbook

PARTS = ("workbooks", "streams", "tables", "features", "models", "contests", "reports")
"""Of a catalogue."""
KINDS: dict[str, Callable[..., Any]] = {
    kind.__name__: kind
    for kind in (
        *(Workbook, Stream, Kafka, PostgresTable, Push, Table, FeatureSet, Model, Contest, Report),
        *(Column, LineageRule, SqlSource, SqlTest, ForecastTask, ClassificationTask, ExclusiveOutcome),
    )
}
"""What an outline can hold beside plain values, rows and functions."""
_OF_TABLES = ("build", "rows", "owner", "key", "lineage")


class NotOutlined(Exception):
    """A declaration holds something that an outline cannot; the shelves are read instead."""


class _OutlinedRows(type):
    """The class of a `Row` that an outline names; what it has beside its columns is that of the shelf's own class."""

    def load_declared(cls) -> Any:
        return _on_shelf(cls.__module__, cls.__qualname__)


copyreg.pickle(_OutlinedRows, lambda rows: (_on_shelf, (rows.__module__, rows.__qualname__)))


class DeferredFunction:
    """A function on a shelf that is loaded when it is called; until then what is known of it."""

    def __init__(self, module: str, name: str, doc: str | None, parameters: list[str]) -> None:
        self.__module__, self.__qualname__, self.__name__, self.__doc__ = module, name, name, doc
        self.__signature__ = inspect.Signature(
            [inspect.Parameter(parameter, inspect.Parameter.POSITIONAL_OR_KEYWORD) for parameter in parameters]
        )

    def load_declared(self) -> Any:
        return _on_shelf(self.__module__, self.__qualname__).build

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self.load_declared()(*given, **named)


def _on_shelf(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


def outline_of(catalog: Catalog) -> dict[str, Any]:
    """All that the declarations of a catalogue without faults say, as JSON can hold it. Raises NotOutlined."""
    if catalog.faults:
        raise NotOutlined("what a faulty shelf file would have said is not known")
    outline = {part: {name: _encoded(one) for name, one in getattr(catalog, part).items()} for part in PARTS}
    if differences := list(_differences(catalog, catalog_of(outline))):
        raise NotOutlined(f"{', '.join(differences)}: not the same from the outline")
    return outline


def catalog_of(outline: Mapping[str, Any]) -> Catalog:
    """The catalogue of an outline. Raises KeyError, TypeError or ValueError for what is none."""
    return Catalog(**{part: {name: _decoded(one) for name, one in outline[part].items()} for part in PARTS}, faults=())


def _differences(read: Catalog, outlined: Catalog) -> list[str]:
    """The names of declarations that are not in all they say the same in both."""
    return [
        name
        for part in PARTS
        for name, one in getattr(read, part).items()
        if declared_facts(one) != declared_facts(getattr(outlined, part)[name])
    ]


def declared_facts(declared: Any) -> dict[str, Any]:
    """What a declaration says, by name, in values that are equal when the declarations say the same."""
    found = {one.name: getattr(declared, one.name) for one in fields(declared) if one.name not in ("rows", "build")}
    found |= {"name": declared.full_name, "description": declared.description}
    if hasattr(declared, "rows"):
        rows = declared.rows
        found |= {"columns": declared.columns, "rows": (rows.__module__, rows.__qualname__, rows.__doc__)}
        found |= {"row code": row_code(rows)}
    if hasattr(declared, "build"):
        found |= {"inputs": declared.inputs, "build": (declared.build.__module__, declared.build.__doc__)}
    return found


def _encoded(value: Any) -> Any:
    """A value as JSON can hold it, so that `_decoded` gives the same; what is no plain value as [kind, content]."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if type(value) in (tuple, list, set, frozenset):
        return [type(value).__name__, [_encoded(one) for one in value]]
    if isinstance(value, Mapping):
        return ["dict", [[_encoded(key), _encoded(one)] for key, one in value.items()]]
    if type(value) in (dt.date, dt.datetime):
        return [type(value).__name__, value.isoformat()]
    if type(value) is Decimal:
        return ["Decimal", str(value)]
    if isinstance(value, PurePath):
        return ["Path", str(value)]
    if type(value) is SqlTable:
        return ["SqlTable", _encoded_sql(value)]
    if isinstance(value, type) and issubclass(value, Row):
        return ["rows", _encoded_rows(value)]
    if type(value).__name__ in KINDS and type(value) is KINDS[type(value).__name__]:
        return [type(value).__name__, _encoded_fields(value)]
    raise NotOutlined(f"{value!r} of {type(value).__name__}")


def _encoded_sql(table: SqlTable) -> list[Any]:
    """A SQL table's columns and fields; its rules of lineage follow from its text."""
    build, parts = table.build, ("owner", "key", *(one.name for one in fields(SqlTable) if one.name not in _OF_TABLES))
    columns = [_encoded_fields(column) for column in table.columns]
    given = [build.__module__, build.__doc__, list(inspect.signature(build).parameters)]
    return [given, columns, {name: _encoded(getattr(table, name)) for name in parts}]


def _decoded_sql(content: list[Any]) -> SqlTable:
    (module, doc, parameters), columns, parts = content
    named = {name: _decoded(value) for name, value in parts.items()}
    build = SqlBuild(module, doc, tuple(parameters))
    rows = rows_of_columns(build.__name__.partition("_")[2], module, doc, {}, {})
    rows.s2p_columns = tuple(_decoded_fields(Column, column) for column in columns)
    lineage = SqlLineage(named["text"], build.__name__.partition("_")[0], named["key"], named["sources"])
    return SqlTable(build=build, rows=rows, lineage=lineage, **named)


def _encoded_fields(value: Any) -> dict[str, Any]:
    """The fields that are not as they are by default."""
    return {
        one.name: _encoded_function(value) if one.name == "build" else _encoded(getattr(value, one.name))
        for one in fields(value)
        if one.default is MISSING or getattr(value, one.name) != one.default
    }


def _encoded_rows(rows: type[Row]) -> list[Any]:
    if _on_shelf(rows.__module__, rows.__qualname__) is not rows:
        raise NotOutlined(f"{rows.__qualname__} of {rows.__module__}")
    columns = [_encoded_fields(column) for column in columns_of(rows)]
    return [rows.__module__, rows.__qualname__, rows.__doc__, list(row_code(rows)), columns]


def _encoded_function(declared: Any) -> list[Any]:
    build, module = declared.build, importlib.import_module(declared.build.__module__)
    names = [name for name, value in vars(module).items() if getattr(value, "build", None) is build]
    parameters = inspect.signature(build).parameters
    plain = {one.kind for one in parameters.values()} <= {inspect.Parameter.POSITIONAL_OR_KEYWORD}
    if type(build) is not FunctionType or not names or not plain:
        raise NotOutlined(f"{build!r} of {module.__name__}")
    return ["function", [module.__name__, names[0], build.__doc__, list(parameters)]]


def _decoded(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    kind, content = value
    if kind in KINDS:
        return _decoded_fields(KINDS[kind], content)
    return _DECODERS[kind](content)


def _decoded_rows(content: list[Any]) -> Any:
    module, name, doc, code, columns = content
    rows: Any = _OutlinedRows(name, (Row,), {"__module__": module, "__qualname__": name, "__doc__": doc})
    rows.s2p_code = tuple(code)
    rows.s2p_columns = tuple(_decoded_fields(Column, column) for column in columns)
    return rows


def _decoded_fields(kind: Callable[..., Any], content: Mapping[str, Any]) -> Any:
    return kind(**{name: _decoded(value) for name, value in content.items()})


_DECODERS: dict[str, Callable[[Any], Any]] = {
    "tuple": lambda content: tuple(_decoded(one) for one in content),
    "list": lambda content: [_decoded(one) for one in content],
    "set": lambda content: {_decoded(one) for one in content},
    "frozenset": lambda content: frozenset(_decoded(one) for one in content),
    "dict": lambda content: {_decoded(key): _decoded(one) for key, one in content},
    "date": dt.date.fromisoformat,
    "datetime": dt.datetime.fromisoformat,
    "Decimal": Decimal,
    "rows": _decoded_rows,
    "Path": Path,
    "SqlTable": _decoded_sql,
    "function": lambda content: DeferredFunction(*content),
}
