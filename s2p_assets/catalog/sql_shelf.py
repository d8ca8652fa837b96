"""Reading a table's SQL file: its header in words, or that of its twin `.yml`, and which tables it selects from.

What its columns are made from is found in `sql_binding.py`, when every shelf is read.
"""

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from s2p_assets.contracts import columns as column_types
from s2p_assets.contracts.columns import ColumnType, DeclarationError, Kind, annotation_name, column, domain_and_name
from s2p_assets.contracts.sql_table import (
    MOST_SECONDS,
    SqlBuild,
    SqlSource,
    SqlTable,
    SqlTest,
    rows_of_columns,
    written_digest,
)
from s2p_assets.contracts.stream import seconds_of_pace

HEADER = re.compile(r"\A\s*/\*(.*?)\*/", re.DOTALL)
REQUIRED = ("description", "owner", "key", "columns")
WORDS = (*REQUIRED, "tests", "incremental", "seconds", "every", "entity", "event_time")
TYPES: dict[str, type[ColumnType]] = {
    annotation_name(kind): getattr(column_types, annotation_name(kind)) for kind in get_args(Kind)
}
COLUMN_OPTIONS = ("type", "description", "nullable", "unique", "unit", "references", "available")
"""Of a column's declaration, those that mean something for what a query returns; besides the rules by name."""


SQL_RULES = (
    *("eq", "ne", "gt", "ge", "lt", "le", "isin", "notin", "in_range"),
    *("str_matches", "str_contains", "str_startswith", "str_endswith"),
)
"""The rules of a column that PostgreSQL can be asked."""


class SqlFault(DeclarationError):
    """What is wrong with a SQL file, on which line of it, or of its twin."""

    def __init__(self, message: str, line: int | None, file: Path | None = None) -> None:
        super().__init__(message, line)
        self.file = file


def read_sql_table(file: Path, module: str) -> SqlTable:
    """The table that a file declares. Raises SqlFault.

    `module`: the dotted name that it would have as a Python file.
    """
    domain_and_name(module)
    text, twin = _read(file), file.with_suffix(".yml")
    header = HEADER.match(text)
    beside = _read(twin) if twin.is_file() else None
    if beside is None and header is None:
        raise SqlFault(f"it begins with no /* header */, and there is no {twin.name}", 1)
    try:
        if beside is None:
            assert header is not None
            words, lines = _yaml(header[1], text[: header.start(1)].count("\n"))
        else:
            words, lines = _yaml(beside, 0)
        made = _declared(module, words, lines)
    except SqlFault as fault:
        raise SqlFault(str(fault), fault.line, twin if beside is not None else file) from None
    sources = named_tables(text, domain_and_name(module)[0])
    build = SqlBuild(module, made.pop("description"), tuple(dict.fromkeys(source.written for source in sources)))
    where = (*lines.items(), *((f"from {written}", line) for written, line in _source_lines(text, module)))
    digest = written_digest(text, beside or "")
    return SqlTable(build=build, file=file, text=text, digest=digest, sources=sources, lines=where, **made)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SqlFault("it is not written in UTF-8; save it so", None, file) from error


def _yaml(text: str, lines_before: int) -> tuple[dict[str, Any], dict[str, int]]:
    """What a header says, and on which line each of its words stands: `columns.week` → 12."""
    import yaml

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        words = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = lines_before + mark.line + 1 if mark else None
        raise SqlFault(
            f"its header is no YAML: {getattr(error, 'problem', None) or 'it cannot be read'}", line
        ) from None
    if not isinstance(words, dict):
        raise SqlFault(f"its header says nothing; write {', '.join(REQUIRED)}", lines_before + 1)
    lines = {name: line + lines_before + 1 for name, line in _lines(node, "")}
    return words, lines


def _lines(node: Any, before: str) -> Iterator[tuple[str, int]]:
    for key, value in node.value if isinstance(getattr(node, "value", None), list) else ():
        if isinstance(key.value, str):
            yield f"{before}{key.value}", key.start_mark.line
            if before.count(".") < 1 and value.id == "mapping":
                yield from _lines(value, f"{before}{key.value}.")


def _declared(module: str, words: Mapping[str, Any], lines: Mapping[str, int]) -> dict[str, Any]:
    """The fields of the table. Raises SqlFault."""
    from s2p_assets.contracts.errors import meant_by

    for word in words:
        if word not in WORDS:
            raise SqlFault(f"a header has no {word!r}; {meant_by(str(word), WORDS)}", lines.get(str(word)))
    if lacking := [word for word in REQUIRED if not words.get(word)]:
        raise SqlFault(f"its header lacks {', '.join(lacking)}", 1)
    rows = _rows(module, str(words["description"]), words["columns"], lines)
    names = [one.name for one in rows.s2p_columns]
    key, incremental = (_names(words, word, names, lines) for word in ("key", "incremental"))
    if strange := set(incremental) - set(key):
        raise SqlFault(f"incremental names {sorted(strange)[0]!r}, which is not in the key", lines.get("incremental"))
    return {
        "description": str(words["description"]).strip(),
        "owner": str(words["owner"]),
        "rows": rows,
        "key": key,
        "incremental": incremental,
        "tests": _tests(words.get("tests") or {}, lines),
        "seconds": _seconds(words.get("seconds", MOST_SECONDS), lines),
        "every": _every(words, lines),
        **_as_features(words, rows, lines),
    }


def _every(words: Mapping[str, Any], lines: Mapping[str, int]) -> int:
    """Seconds of the pace that `every` says, 0 where it says none. Raises SqlFault."""
    if "every" not in words:
        return 0
    if not (seconds := seconds_of_pace(str(words["every"]))):
        raise SqlFault(f"every is a pace as '2 seconds', not {words['every']!r}", lines.get("every"))
    if not words.get("incremental"):
        raise SqlFault("every needs incremental: only what events touched can be made again so often", lines["every"])
    return seconds


def _as_features(words: Mapping[str, Any], rows: Any, lines: Mapping[str, int]) -> dict[str, Any]:
    """Entity and event time of a table that is a feature set. Raises SqlFault."""
    entity = _names(words, "entity", [one.name for one in rows.s2p_columns], lines)
    time = words.get("event_time") or ""
    if bool(entity) != bool(time):
        given, lacking = ("entity", "event_time") if entity else ("event_time", "entity")
        raise SqlFault(f"a feature set has entity and event_time; {lacking} is missing", lines.get(given))
    column = next((one for one in rows.s2p_columns if one.name == time), None)
    if time and (column is None or column.nullable or column.kind not in ("date", "timestamp")):
        message = f"event_time names {time!r}, which is no Date or Timestamp that every row has"
        raise SqlFault(message, lines.get("event_time"))
    return {"entity": entity, "event_time": time}


def _names(words: Mapping[str, Any], word: str, known: list[str], lines: Mapping[str, int]) -> tuple[str, ...]:
    given = words.get(word) or ()
    names = (given,) if isinstance(given, str) else tuple(given)
    for name in names:
        if name not in known:
            raise SqlFault(f"{word} names {name!r}, which is none of its columns", lines.get(word))
    return names


def _seconds(given: Any, lines: Mapping[str, int]) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or given < 1:
        raise SqlFault(f"seconds is a whole number from 1 on, not {given!r}", lines.get("seconds"))
    return given


def _tests(given: Any, lines: Mapping[str, int]) -> tuple[SqlTest, ...]:
    if not isinstance(given, dict) or not all(isinstance(query, str) for query in given.values()):
        raise SqlFault("tests are written as name: query, and each query must return nothing", lines.get("tests"))
    return tuple(SqlTest(str(name), query) for name, query in given.items())


def _rows(module: str, doc: str, given: Any, lines: Mapping[str, int]) -> Any:
    if not isinstance(given, dict):
        raise SqlFault("columns are written as name: {type: …, description: …}", lines.get("columns"))
    found, types = {}, {}
    for name, options in given.items():
        line = lines.get(f"columns.{name}")
        if not isinstance(options, dict) or not {"type", "description"} <= options.keys():
            raise SqlFault(f"column {name!r} needs a type and a description", line)
        if options["type"] not in TYPES:
            raise SqlFault(f"{options['type']!r} is no type of a column; there are {', '.join(TYPES)}", line)
        rest = {word: value for word, value in options.items() if word not in ("type", "description")}
        if wrong := next((word for word in rest if word not in (*COLUMN_OPTIONS, *SQL_RULES)), None):
            raise SqlFault(f"column {name!r}: {wrong!r} is nothing that a column of a SQL table has", line)
        made = column(description=str(options["description"]), **rest)
        found[str(name)] = dataclasses.replace(made, line=line)
        types[str(name)] = TYPES[options["type"]]
    try:
        return rows_of_columns(domain_and_name(module)[1], module, doc, found, types)
    except DeclarationError as error:
        raise SqlFault(str(error), error.line) from None


def parsed(text: str, file: Path | None = None) -> Any:
    """The one select that a text is. Raises SqlFault for anything else, with its line."""
    import logging

    import sqlglot
    from sqlglot import errors, exp

    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of statements that are refused below
    try:
        found = [one for one in sqlglot.parse(text, dialect="postgres") if one is not None]
    except errors.ParseError as error:
        first = error.errors[0] if error.errors else {}
        message = f"{first.get('description', error)}, near {str(first.get('highlight', ''))!r}"
        raise SqlFault(f"it is no SQL: {message}", first.get("line"), file) from None
    except errors.TokenError as error:
        place = re.search(r"(?i)line:? (\d+)", str(error))
        raise SqlFault(f"it is no SQL: {error}", int(place[1]) if place else None, file) from None
    if len(found) != 1 or not isinstance(found[0], exp.Query):
        what = f"{len(found)} statements" if len(found) != 1 else found[0].key
        raise SqlFault(f"it must be one select, and nothing that writes; it is {what}", _statement_line(found), file)
    for part in found[0].walk():
        if isinstance(part, exp.DML | exp.DDL | exp.Command | exp.Into | exp.Lock) and not isinstance(part, exp.Query):
            line = first_line(part) or first_line(found[0])
            raise SqlFault(f"it writes or locks ({part.key}); a table is a select alone", line, file)
    return found[0]


def _statement_line(found: list[Any]) -> int | None:
    return first_line(found[0]) if found else None


def first_line(part: Any) -> int | None:
    """The line on which a part of a query begins, as far as that is known."""
    lines = [one.meta["line"] for one in part.walk() if "line" in one.meta]
    return min(lines, default=None)


def named_tables(text: str, domain: str) -> tuple[SqlSource, ...]:
    """The tables that a text selects from, each under the name by which it does. Raises SqlFault."""
    found: dict[str, SqlSource] = {}
    for part in base_tables(parsed(text)):
        source = source_of(part, domain)
        found[source.written] = source
    return tuple(found.values())


def _source_lines(text: str, module: str) -> Iterator[tuple[str, int]]:
    for part in base_tables(parsed(text)):
        yield source_of(part, domain_and_name(module)[0]).written, first_line(part) or 1


def source_of(part: Any, domain: str) -> SqlSource:
    """`results`, `crm__accounts` and `crm.accounts` as the thing that is meant."""
    if part.args.get("catalog"):
        raise SqlFault(f"{part.sql('postgres')!r} names another database", first_line(part))
    other, _, name = part.name.rpartition("__")
    place = (part.db, part.name) if part.db else (other or domain, name)
    return SqlSource(*place, written=name if place[0] == domain else "__".join(place))


def base_tables(query: Any) -> list[Any]:
    """The parts of a query that name a table, and not what the query itself defines by `with`."""
    from sqlglot import exp

    return [
        one
        for one in query.find_all(exp.Table)
        if isinstance(one.this, exp.Identifier) and (one.db or not _is_defined(one))
    ]


def _is_defined(part: Any) -> bool:
    """Whether a name stands for a `with` around it: one sees those before it, a recursive one itself as well."""
    from sqlglot import exp

    here, above = part, part.parent
    while above is not None:
        seen: list[Any] = []
        if isinstance(above, exp.With):
            place = next(at for at, one in enumerate(above.expressions) if one is here)
            seen = above.expressions[: place + 1 if above.recursive else place]
            above = above.parent
        elif isinstance(above, exp.Query) and above.args.get("with_"):
            seen = above.args["with_"].expressions
        if any(one.alias == part.name for one in seen):
            return True
        here, above = above, above.parent
    return False


def with_places(text: str, domain: str, locate: Callable[[str, str], str]) -> str:
    """A select with each table's name written as `locate` says, all else as it stands, line for line."""
    parts = [(one.args.get("db") or one.this, one) for one in base_tables(parsed(text))]
    end = _end_of_statement(text)
    for first, part in sorted(parts, key=lambda one: -one[0].meta["start"]):
        source = source_of(part, domain)
        named = "" if part.alias else f' as "{part.name}"'
        begin, stop = first.meta["start"], part.this.meta["end"] + 1
        place = locate(*source.place)
        text, end = f"{text[:begin]}{place}{named}{text[stop:]}", end + len(place) + len(named) - (stop - begin)
    return text[:end]


def _end_of_statement(text: str) -> int:
    """Where the select ends: before a semicolon."""
    import sqlglot

    tokens = sqlglot.tokenize(text, dialect="postgres")
    semicolons = [one.start for one in tokens if one.text == ";" and one.token_type.name == "SEMICOLON"]
    return semicolons[0] if semicolons else len(text)
