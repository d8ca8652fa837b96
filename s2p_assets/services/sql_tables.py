"""Making a SQL table of the catalogue, and what goes with it: indexes for tracing, and the notes of tables that went.

How PostgreSQL is made to do it is in `warehouse/sql_tables/`.
"""

from s2p_assets.catalog.catalog import Catalog
from s2p_assets.contracts.sql_table import SqlTable
from s2p_assets.warehouse.sql_tables.changed_keys import forget_others, index_followed
from s2p_assets.warehouse.sql_tables.making import MadeTable, make_sql_table
from s2p_assets.warehouse.trace.indexes import MIN_ROWS_TO_INDEX, index_for_tracing
from s2p_assets.warehouse.warehouse import Warehouse


def make_table(warehouse: Warehouse, catalog: Catalog, declared: SqlTable) -> MadeTable:
    """Make the table; what changes below tables that are no more is no more noted. Raises SqlTableFailed."""
    tables = [one for one in catalog.tables.values() if isinstance(one, SqlTable)]
    with warehouse.connect() as connection:
        forget_others(connection, [(one.domain, one.name) for one in tables if one.incremental])
        made = make_sql_table(connection, declared)
        if declared.incremental:
            index_followed(connection, declared, min_rows=MIN_ROWS_TO_INDEX)
        index_for_tracing(connection, declared, catalog.trace_indexes(declared))
    return made
