"""What Alembic runs to begin with: the connection that `upgrading.py` hands over, and where the revision is kept."""

from alembic import context

from s2p_assets.warehouse.migrations.upgrading import SCHEMA

context.configure(connection=context.config.attributes["connection"], version_table_schema=SCHEMA)
with context.begin_transaction():
    context.run_migrations()
