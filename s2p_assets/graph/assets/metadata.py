"""What the Dagster UI shows of a table: its columns, where each comes from, how many rows, a preview.

Everything is made from declarations and frames; nothing is typed in twice.
"""

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg
import pandas as pd

from s2p_assets.catalog.catalog import Declaration
from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.report import Document, NumberSource
from s2p_assets.contracts.stream import Stream
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.graph.asset_keys import sheet_key
from s2p_assets.publishing.document.number_ids import cell_id, figure_id

PREVIEW_ROWS = 10


def column_schema(columns: Iterable[Column]) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=column.postgres_type,
                description=" ".join(filter(None, (column.description, f"({column.unit})" * bool(column.unit)))),
                constraints=dg.TableColumnConstraints(
                    nullable=column.nullable, unique=column.unique, other=list(column.rules)
                ),
            )
            for column in columns
        ]
    )


def column_lineage(declared: Declaration) -> dg.TableColumnLineage:
    """Column → the columns it is made from, one level down."""
    if isinstance(declared, Stream):
        return dg.TableColumnLineage({})
    if isinstance(declared, Workbook):
        return dg.TableColumnLineage(
            {
                column.name: [dg.TableColumnDep(asset_key=sheet_key(declared), column_name=column.name)]
                for column in declared.columns
            }
        )
    return dg.TableColumnLineage(
        {
            column.name: [_column_dep(declared.domain, source) for source in column.derived_from]
            for column in getattr(declared, "columns", ())
            if column.derived_from
        }
    )


def _column_dep(domain: str, source: str) -> dg.TableColumnDep:
    table, _, name = source.rpartition(".")
    other, _, rest = table.rpartition("__")
    return dg.TableColumnDep(asset_key=dg.AssetKey([other or domain, rest]), column_name=name)


def report_columns(domain: str, document: Document) -> dict[str, Any]:
    """The numbers of a report as columns, a headline number or a table's column each, with what each is made from.

    They are named by their ids, `F1 Units sold` and `T2.*.3 Channels, Units`, where * stands for any row.
    """
    columns, origins = [], {}
    for place, figure in enumerate(document.figures):
        name = f"{figure_id(place)} {figure.label}"
        columns.append(dg.TableColumn(name, type=figure.format, description=figure.note or None))
        origins[name] = _origins(domain, figure.sources, None)
    for place, section in enumerate(document.sections):
        for at, column in enumerate(section.columns):
            name = f"{cell_id(place, 0, at).replace('.1.', '.*.', 1)} {section.title}, {column.title}"
            columns.append(dg.TableColumn(name, type=column.format))
            origins[name] = _origins(domain, section.lineage(column), section.frame)
    lineage = {name: deps for name, deps in origins.items() if deps}
    return {
        "dagster/column_schema": dg.TableSchema(columns),
        "dagster/column_lineage": dg.TableColumnLineage(lineage),
    }


def _origins(domain: str, of: Iterable[NumberSource], frame: pd.DataFrame | None) -> list[dg.TableColumnDep]:
    """The stored columns of a basis; where a row names its own, those of all rows."""
    sources: dict[str, None] = {}
    for basis in of:
        if isinstance(basis.column, str):
            sources[basis.column] = None
        elif frame is not None:
            sources |= dict.fromkeys(frame[basis.column.name].dropna().astype(str))
    return [_column_dep(domain, source) for source in sources]


def preview(frame: pd.DataFrame) -> dg.MetadataValue:
    """The first rows as a Markdown table."""
    return markdown_table(frame.head(PREVIEW_ROWS))


def markdown_table(frame: pd.DataFrame) -> dg.MetadataValue:
    """`frame` as a Markdown table; cells are text, so that nothing in them is taken for markup."""
    head = frame.astype(object).where(frame.notna(), "")
    rows = [[_cell(value) for value in row] for row in head.itertuples(index=False)]
    header = [_cell(name) for name in frame.columns]
    lines = [header, ["---"] * len(header), *rows]
    return dg.MetadataValue.md("\n".join("| " + " | ".join(line) + " |" for line in lines))


def _cell(value: object) -> str:
    return escaped(f"{value:,.4g}" if isinstance(value, float) else str(value))[:80]


def escaped(text: str) -> str:
    """`text` as it stands: whatever a cell holds, Markdown takes none of it for markup."""
    return re.sub(r"([\\`*_|\[\]#])", r"\\\1", text).replace("<", "&lt;").replace("\n", " ")


def picture(png: bytes, title: str) -> dg.MetadataValue:
    """A picture that lies in no file, shown in place by the Dagster UI."""
    return dg.MetadataValue.md(f"![{title}](data:image/png;base64,{base64.b64encode(png).decode()})")


def frame_metadata(frame: pd.DataFrame) -> dict[str, Any]:
    return {"dagster/row_count": len(frame), "preview": preview(frame)}


def declared_metadata(declared: Declaration) -> Mapping[str, Any]:
    """The metadata that an asset has before its first run."""
    metadata: dict[str, Any] = {}
    columns = getattr(declared, "columns", ())
    if columns:
        metadata["dagster/column_schema"] = column_schema(columns)
        metadata["dagster/table_name"] = f"{declared.domain}.{declared.name}"
    return metadata
