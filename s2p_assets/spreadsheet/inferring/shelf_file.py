"""The draft of a contract and its source text, laid out as the house's formatter lays it out.

What is drafted is decided in `draft`.
"""

import builtins
import keyword
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from types import new_class
from typing import Any, Literal

from anyascii import anyascii

import s2p_assets
from s2p_assets.contracts import columns as words
from s2p_assets.contracts.columns import Kind, Row, annotation_name, column
from s2p_assets.contracts.workbook import Workbook

WIDEST_LINE = 120
_RESERVED = frozenset(dir(s2p_assets))
"""Names that a shelf file has from its one import, so that nothing in it may be called so."""
_LONGEST_NAME = 50


@dataclass(slots=True)
class DraftColumn:
    """One column as it is going to be declared; `header` is empty for one that has none.

    `options`: keyword arguments of its declaration beyond `description`, `nullable` and `values`.
    `values`: the only values allowed. `placed`: where a column without a header stands.
    `remarks`: what a person is to confirm, one line each.
    """

    name: str
    header: str
    kind: Kind = "text"
    description: str = ""
    nullable: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    values: tuple[str, ...] = ()
    placed: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def arguments(self) -> dict[str, Any]:
        """The keyword arguments of the declaration."""
        arguments: dict[str, Any] = {"description": self.description, **self.placed, **self.options}
        if self.nullable:
            arguments["nullable"] = True
        if self.values:
            arguments["isin"] = list(self.values)
        return arguments


@dataclass(slots=True)
class Draft:
    """A contract as it is going to be written. `remarks` stand above the workbook."""

    name: str
    file: str
    columns: list[DraftColumn]
    path: str
    sheets: str = "*"
    key: tuple[str, ...] = ()
    max_reject_rate: float = 0.0
    remarks: list[str] = field(default_factory=list)
    ignores: tuple[str, ...] = ()
    tables: Literal["one", "all"] = "one"


def as_workbook(draft: Draft) -> Workbook:
    """The contract itself, for trying it on the file before its source is written."""

    def body(namespace: dict[str, Any]) -> None:
        namespace["__module__"] = f"inferred.{draft.name}"
        namespace["__annotations__"] = {one.name: getattr(words, annotation_name(one.kind)) for one in draft.columns}
        for one in draft.columns:
            namespace[one.name] = column(*([one.header] if one.header else []), **one.arguments())

    rows = new_class(_class_name(draft.name), (Row,), exec_body=body)
    return Workbook(
        rows=rows,
        path=draft.path,
        owner="",
        key=draft.key,
        sheets=draft.sheets,
        ignores=draft.ignores,
        tables=draft.tables,
        max_reject_rate=draft.max_reject_rate,
    )


def as_source(draft: Draft) -> str:
    """The text of the shelf file: imports, one class with the columns, one `Workbook`."""
    names = [*sorted({"Row", "Workbook", *(annotation_name(one.kind) for one in draft.columns)}), "column"]
    file = _in_words(draft.file)
    lines = [
        f'"""{_title(draft.name)} in files like `{file}`. Tables made from them are in `tables/`."""',
        "",
        _statement("from s2p_assets import ", names, "()"),
        "",
        "",
        f"class {_class_name(draft.name)}(Row):",
        f'    """One row of a file like `{file}`."""',
        "",
    ]
    for one in draft.columns:
        lines += [f"    # {_cut(remark, WIDEST_LINE - 6)}" for remark in one.remarks]
        lines.append(_declaration(one))
    lines += ["", ""]
    lines += [f"# {_cut(remark, WIDEST_LINE - 2)}" for remark in draft.remarks]
    lines.append(_workbook(draft))
    return "\n".join(lines) + "\n"


def names_for(headers: Sequence[str]) -> list[str]:
    """A snake_case ASCII name for each header, all different, none that Python or the contract's class has taken."""
    names: list[str] = []
    for position, header in enumerate(headers, 1):
        name = _name_for(header) or f"column_{position}"
        number = 2
        unique = name
        while unique in names:
            unique, number = f"{name}_{number}", number + 1
        names.append(unique)
    return names


def _name_for(header: str) -> str:
    spelled = header.replace("#", " number ").replace("%", " percent ").replace("&", " and ")
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", spelled)
    plain = anyascii(unicodedata.normalize("NFKC", split)).lower()
    words = [word for word in re.split(r"[^a-z0-9]+", re.sub(r"[`']", "", plain)) if word]
    name = "_".join(words)[:_LONGEST_NAME].rstrip("_")
    if name[:1].isdigit():
        name = f"column_{name}"
    if keyword.iskeyword(name) or name in _RESERVED or hasattr(Row, name) or hasattr(builtins, name):
        name = f"{name}_value"
    return name


def _title(name: str) -> str:
    return name.partition("_")[2].replace("_", " ").capitalize()


def _class_name(name: str) -> str:
    title = "".join(word.capitalize() for word in name.partition("_")[2].split("_"))
    return f"{title}Row" if title in _RESERVED or title in ("Workbook", "") else title


def _declaration(column: DraftColumn) -> str:
    arguments = [_literal(column.header)] if column.header else []
    arguments += [f"{name}={_literal(value)}" for name, value in column.arguments().items()]
    opening = f"    {column.name}: {annotation_name(column.kind)} = column"
    return _call(opening, arguments, column.arguments())


def _call(opening: str, arguments: list[str], values: dict[str, Any]) -> str:
    """A call on one line if it fits, with its arguments on a line of their own, or with one line for each."""
    flat = f"{opening}({', '.join(arguments)})"
    if len(flat) <= WIDEST_LINE:
        return flat
    indent = " " * (len(opening) - len(opening.lstrip()) + 4)
    together = indent + ", ".join(arguments)
    if len(together) <= WIDEST_LINE:
        return f"{opening}(\n{together}\n{indent[4:]})"
    lines = [f"{indent}{argument}," for argument in arguments]
    for position, (name, value) in enumerate(values.items(), len(lines) - len(values)):
        if len(lines[position]) > WIDEST_LINE and isinstance(value, (list, tuple)):
            brackets = "[]" if isinstance(value, list) else "()"
            items = "".join(f"{indent}    {_literal(item)},\n" for item in value)
            lines[position] = f"{indent}{name}={brackets[0]}\n{items}{indent}{brackets[1]},"
    return "\n".join([f"{opening}(", *lines, f"{indent[4:]})"])


def _statement(opening: str, words: Iterable[str], brackets: str) -> str:
    flat = opening + ", ".join(words)
    if len(flat) <= WIDEST_LINE:
        return flat
    items = "".join(f"    {word},\n" for word in words)
    return f"{opening}{brackets[0]}\n{items}{brackets[1]}"


def _workbook(draft: Draft) -> str:
    name = draft.name.partition("_")[2]
    if keyword.iskeyword(name) or name in _RESERVED or hasattr(builtins, name) or name == _class_name(draft.name):
        name = f"{name}_workbook"
    arguments = [
        f"rows={_class_name(draft.name)}",
        f"path={_literal(draft.path)}",
        'owner="owner@example.com",  # who gets a returned file; write the real address',
    ]
    if draft.key:
        arguments.append(f"key={_literal(draft.key)}")
    if draft.max_reject_rate:
        arguments.append(f"max_reject_rate={draft.max_reject_rate}")
    if draft.sheets != "*":
        arguments.append(f"sheets={_literal(draft.sheets)}")
    if draft.tables != "one":
        arguments.append(f"tables={_literal(draft.tables)}")
    if draft.ignores:
        arguments.append(f"ignores={_literal(draft.ignores)}")
    lines = [f"    {argument}{'' if '#' in argument else ','}" for argument in arguments]
    return "\n".join([f"{name} = Workbook(", *lines, ")"])


def _literal(value: Any) -> str:
    """The value as the formatter writes it: double quotes unless they would have to be escaped more often."""
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_literal(one)}: {_literal(other)}' for one, other in value.items())}}}"
    if isinstance(value, tuple):
        return f"({', '.join(map(_literal, value))}{',' if len(value) == 1 else ''})"
    return repr(value)


def _quoted(text: str) -> str:
    quote = "'" if text.count('"') > text.count("'") else '"'
    escaped = "".join(_escaped(mark) for mark in text).replace(quote, f"\\{quote}")
    return f"{quote}{escaped}{quote}"


def _escaped(mark: str) -> str:
    if mark == "\\":
        return "\\\\"
    return mark if mark.isprintable() else repr(mark)[1:-1]


def _in_words(text: str) -> str:
    """A file's name as it may stand in a docstring."""
    return "".join(mark for mark in text if mark.isprintable() and mark not in '"\\`')[:50]


def _cut(text: str, width: int) -> str:
    line = " ".join("".join(mark if mark.isprintable() else " " for mark in text).split())
    return line if len(line) <= width else f"{line[: width - 1]}…"
