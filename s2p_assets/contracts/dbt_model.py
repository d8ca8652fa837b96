"""The declaration of a model of a company's dbt project, as its manifest says it; dbt makes it, s2p reads it.

Reading the project is the catalogue's work, and running dbt the graph's.
"""

from dataclasses import dataclass
from typing import ClassVar

from s2p_assets.contracts.columns import Column, Kind
from s2p_assets.contracts.lineage import LineageRules

KINDS: dict[str, Kind] = {
    **dict.fromkeys(("text", "varchar", "character varying", "char", "character", "string", "uuid"), "text"),
    **dict.fromkeys(("double precision", "real", "float", "float8", "float4"), "number"),
    **dict.fromkeys(("numeric", "decimal"), "money"),
    **dict.fromkeys(("bigint", "integer", "int", "int8", "int4", "smallint", "int2"), "integer"),
    "date": "date",
    **dict.fromkeys(("timestamp", "timestamp without time zone", "datetime"), "timestamp"),
    **dict.fromkeys(("boolean", "bool"), "boolean"),
}
"""PostgreSQL's type, as dbt's `data_type` names it → kind of column."""


@dataclass(frozen=True)
class DbtModel:
    """A model, seed or snapshot of dbt, by the schema and table that it is in.

    `columns`: those whose `data_type` its yml tells, which is all that shelves can read of it. `made_from`: the tables
    that it selects from, s2p's own and dbt's, by place. `unique_id`: what dbt calls it. `file`: where it is written.
    `key`: a column that a test of the project calls unique.
    """

    lineage: ClassVar[LineageRules] = {}

    domain: str
    name: str
    description: str
    columns: tuple[Column, ...]
    made_from: tuple[tuple[str, str], ...]
    unique_id: str
    file: str
    key: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        return f"{self.domain}_{self.name}"


def dbt_column(name: str, description: str, data_type: str) -> Column | None:
    """A column as dbt's yml tells it; None where it tells no type, or one that s2p has no kind for."""
    plain = data_type.lower().partition("(")[0].strip()
    kind = KINDS.get(plain)
    return Column(name, kind, description, (name,), nullable=True) if kind else None
