"""What the reading process hands back: data as JSON, of which the parent makes nothing but the few shapes named here.

A child that was taken over by the file that it read can lie in them; it cannot choose what is called or imported. Rows
are handed back beside as an Arrow file, which the sandbox checks before it uses it.
"""

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal
from numbers import Integral
from pathlib import Path
from typing import Any, get_args

from s2p_assets.contracts.columns import Severity
from s2p_assets.contracts.findings import Finding, ReadResult, Verdict

MOST_BYTES = 1 << 29
"""A longer answer is none of an honest child."""
TAG = "$"


class AnswerRefused(Exception):
    """What came back is none of the shapes that a child may hand back."""


@dataclass(frozen=True, slots=True)
class ReferencesWanted:
    """Instead of an answer: the child asks for what the columns of `workbook` may refer to."""

    workbook: str


_TEXT = (str, type(None))
_OF_READ_RESULT: dict[str, tuple[type, ...]] = {
    "file": (Path,),
    "workbook": _TEXT,
    "sheet": _TEXT,
    "verdict": (str,),
    "rows_read": (int,),
    "rows_accepted": (int,),
    "rows_returned": (int,),
    "findings": (list,),
    "error": _TEXT,
    "rows": (type(None),),
    "headers": (dict,),
    "column_letters": (dict,),
    "cells": (dict,),
    "written": (dt.date, type(None)),
    "changes": (str,),
}
SHAPES: dict[type, Mapping[str, tuple[type, ...]]] = {
    ReadResult: _OF_READ_RESULT,
    ReferencesWanted: {"workbook": (str,)},
    Finding: dict.fromkeys(("sheet", "cell", "column", "value"), _TEXT)
    | dict.fromkeys(("rule", "message", "severity"), (str,)),
}
"""The classes that may come back, with the types of their fields; others in the room add theirs."""


def encode_answer(value: Any) -> bytes:
    """In the child: `value` as JSON. Raises TypeError for what is no data."""
    return json.dumps(_plain(value)).encode("ascii")


def decode_answer(payload: bytes) -> Any:
    """In the parent: what `encode_answer` was given, or AnswerRefused."""
    try:
        value = _made(json.loads(payload))
    except AnswerRefused:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, ArithmeticError) as error:
        raise AnswerRefused(f"{type(error).__name__} in an answer of the reading process") from error
    return value


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if type(value) in SHAPES and is_dataclass(value):
        named = {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        return {TAG: type(value).__name__, "of": named}
    for tag, (kind, write, _) in _TAGGED.items():
        if isinstance(value, kind):
            return {TAG: tag, "of": write(value)}
    raise TypeError(f"{type(value).__name__} is no data to hand back")


def _made(value: Any) -> Any:
    if isinstance(value, list):
        return [_made(one) for one in value]
    if not isinstance(value, dict):
        return value
    tag, of = value[TAG], value["of"]
    if tag in _TAGGED:
        return _TAGGED[tag][2](of)
    shape = next((known for known in SHAPES if known.__name__ == tag), None)
    if shape is None or not isinstance(of, dict) or of.keys() != SHAPES[shape].keys():
        raise AnswerRefused(f"an answer of the shape {str(tag)[:40]!r}")
    named = {name: _made(one) for name, one in of.items()}
    for name, kinds in SHAPES[shape].items():
        if not isinstance(named[name], kinds) or (isinstance(named[name], bool) and bool not in kinds):
            raise AnswerRefused(f"{tag}.{name} of the type {type(named[name]).__name__}")
    return _checked(shape(**named))


def _checked(made: Any) -> Any:
    """What is more than types: a verdict and a severity are words that there are."""
    if isinstance(made, Finding) and made.severity not in get_args(Severity):
        raise AnswerRefused(f"a finding of the severity {made.severity!r}")
    if isinstance(made, ReadResult):
        if made.verdict not in get_args(Verdict) or not all(isinstance(one, Finding) for one in made.findings):
            raise AnswerRefused("a verdict or findings that there are not")
        if min(made.rows_read, made.rows_accepted, made.rows_returned) < 0:
            raise AnswerRefused("fewer rows than none")
    return made


_Tagged = tuple[type | tuple[type, ...], Callable[[Any], Any], Callable[[Any], Any]]
_TAGGED: dict[str, _Tagged] = {
    "datetime": (dt.datetime, dt.datetime.isoformat, dt.datetime.fromisoformat),
    "date": (dt.date, dt.date.isoformat, dt.date.fromisoformat),
    "time": (dt.time, dt.time.isoformat, dt.time.fromisoformat),
    "seconds": (dt.timedelta, dt.timedelta.total_seconds, lambda of: dt.timedelta(seconds=of)),
    "decimal": (Decimal, str, Decimal),
    "path": (Path, str, Path),
    "tuple": (tuple, lambda value: [_plain(one) for one in value], lambda of: tuple(_made(one) for one in of)),
    "set": (
        (set, frozenset),
        lambda value: [_plain(one) for one in value],
        lambda of: {_made(one) for one in of},
    ),
    "dict": (
        dict,
        lambda value: [[_plain(key), _plain(one)] for key, one in value.items()],
        lambda of: {_made(key): _made(one) for key, one in of},
    ),
}
