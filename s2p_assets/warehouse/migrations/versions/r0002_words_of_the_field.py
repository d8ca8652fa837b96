"""Tables and columns by the words of the field, where they had words of s2p's own."""

from alembic import op

from s2p_assets.warehouse.migrations.renaming import RenamedColumn, RenamedTable, rename_column, rename_table
from s2p_assets.warehouse.migrations.upgrading import driver

revision = "0002"
down_revision = "0001"

TABLES = (
    RenamedTable("crm", "told_deals", "deal_backtest"),
    RenamedTable("f1", "told_entries", "entry_backtest"),
)
COLUMNS = (
    RenamedColumn("crm", "deal_features", "moment", "as_of"),
    RenamedColumn("crm", "deal_backtest", "moment", "as_of"),
    RenamedColumn("crm", "deal_backtest", "part", "decile"),
    RenamedColumn("crm", "scored_pipeline", "moment", "as_of"),
    RenamedColumn("f1", "entry_backtest", "came", "outcome"),
)


def upgrade() -> None:
    """A home has the tables of the domains that it uses."""
    conn = driver(op.get_bind())
    for table in TABLES:
        rename_table(conn, table)
    for column in COLUMNS:
        rename_column(conn, column)
