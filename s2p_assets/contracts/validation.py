"""Frames held against declared rows: brought to their types, and put to their rules by pandera.

What a column or a rule is, is declared with `columns.py`; how the cells of a file are parsed is elsewhere.
"""

import datetime as dt
import functools
import sys
import types
from typing import Annotated, Any

import pandas as pd

# pandera asks each annotation whether it is one of Dask's frames, and loads all of Dask for that where it is installed:
# two seconds of every start. Ours never are.
_dask_frames: Any = types.ModuleType("pandera.typing.dask")
_dask_frames.DASK_INSTALLED = False
sys.modules.setdefault(_dask_frames.__name__, _dask_frames)

import pandera.pandas as pa  # noqa: E402  after the line above
import pyarrow  # noqa: E402

from s2p_assets.contracts.columns import Column, Row, RowRule, columns_of, row_rules_of  # noqa: E402
from s2p_assets.contracts.outlined import as_declared  # noqa: E402


def pandera_model(rows: type[Row]) -> type[pa.DataFrameModel]:
    """The declared rows as a pandera model: strict, never coercing, its rules of rows named `severity:column`."""
    cached: Any = as_declared(rows)  # a type is hashable, which mypy does not see of one with a __hash__ of its own
    return _pandera_model(cached)


@functools.cache
def _pandera_model(rows: Any) -> type[pa.DataFrameModel]:
    body: dict[str, Any] = {"__annotations__": {}, "__module__": rows.__module__, "__doc__": rows.__doc__}
    for column in columns_of(rows):
        body["__annotations__"][column.name] = Annotated[pd.ArrowDtype, column.arrow_type]
        body[column.name] = pa.Field(
            nullable=column.nullable, unique=column.unique, description=column.description, **dict(column.checks)
        )
    for rule in row_rules_of(rows):
        body[rule.name] = pa.dataframe_check(name=f"{rule.severity}:{rule.at}", error=rule.message)(_holds(rule))
    for base in reversed(rows.__mro__):
        body |= {
            name: value for name, value in vars(base).items() if isinstance(value, classmethod) and name[:2] != "__"
        }
    body["Config"] = type("Config", (), {"strict": True, "coerce": False})
    return type(rows.__name__, (pa.DataFrameModel,), body)


def _holds(rule: RowRule) -> Any:
    def holds(cls: Any, rows: pd.DataFrame) -> Any:
        return rule.holds(cls, rows).fillna(True).astype(bool)

    holds.__name__ = rule.name
    return holds


def pandera_schema(rows: type[Row]) -> Any:
    """The declared rows as a pandera schema, with `columns` and `checks`."""
    return pandera_model(rows).to_schema()


def conform(frame: pd.DataFrame, rows: type[Row]) -> pd.DataFrame:
    """`frame` with the declared columns in the declared order and types.

    Raises KeyError naming every declared column that is missing; further columns are an error too.
    """
    declared = columns_of(rows)
    names = [column.name for column in declared]
    missing = [name for name in names if name not in frame.columns]
    surplus = [name for name in frame.columns if name not in names]
    if missing or surplus:
        raise KeyError(f"{rows.__name__}: missing columns {missing}, undeclared columns {surplus}")
    typed = {column.name: _typed(frame[column.name], column) for column in declared}
    return pd.DataFrame(typed, index=frame.index).reset_index(drop=True)


def _typed(values: pd.Series, column: Column) -> pd.Series:
    if column.kind == "date" and pd.api.types.is_datetime64_any_dtype(values.dtype):
        values = values.dt.date
    elif column.kind == "date" and len(values) and isinstance(values.iloc[0], pd.Timestamp):
        values = values.map(lambda value: value.date() if isinstance(value, dt.datetime) else value)
    array = pyarrow.Array.from_pandas(values, type=column.arrow_type)
    return pd.Series(array, dtype=pd.ArrowDtype(column.arrow_type), index=values.index)


def declaration_violations(frame: pd.DataFrame, rows: type[Row]) -> list[str]:
    """A sentence for each rule of `rows` that `frame` (as conformed) breaks, with the first row that breaks it."""
    try:
        pandera_model(rows).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases.astype({"check": str}).rename(columns={"index": "row"})
        return [
            f"{case.column}: {case.check} is broken by {count} rows, first by {case.failure_case!r} in row {case.row}"
            for (_, _), group in cases.groupby(["column", "check"], dropna=False, sort=False)
            for case, count in [(next(group.itertuples(index=False)), len(group))]
        ]
    return []
