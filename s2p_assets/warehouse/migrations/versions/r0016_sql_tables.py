"""What incremental SQL tables were made of, and the values of their keys that changed below since."""

from alembic import op

from s2p_assets.warehouse.migrations.upgrading import driver

revision = "0016"
down_revision = "0014"

OWN_TABLES = """
create table s2p.sql_tables (
    domain text not null,
    table_name text not null,
    code_version text not null,
    version text not null,
    first bigint not null,
    second bigint not null,
    rows bigint not null,
    primary key (domain, table_name)
);
comment on table s2p.sql_tables is
    'Incremental SQL tables: by which code each was made, and the digest of its rows, from which that after a change'
    ' follows.';
create table s2p.changed_keys (
    domain text not null,
    table_name text not null,
    key jsonb
);
create index on s2p.changed_keys (domain, table_name);
comment on table s2p.changed_keys is
    'Values of the keys of incremental SQL tables whose rows are to be made again, as triggers on their sources note'
    ' them; a null in a key stands for any value, no key for all rows.';
create function s2p.note_changed_keys() returns trigger language plpgsql as $$
declare
    many bigint := 200001;
    source text := case when tg_op = 'UPDATE' then '(select * from was union all select * from changed) changed'
                        else 'changed' end;
begin
    if tg_op <> 'TRUNCATE' then
        execute 'select count(*) from (select 1 from ' || source || ' limit 200001) few' into many;
    end if;
    if many = 0 then
        return null;
    end if;
    if many > 200000 or tg_argv[2] !~ '[^nul, ]' then
        insert into s2p.changed_keys (domain, table_name, key) values (tg_argv[0], tg_argv[1], null);
    else
        execute format(
            'insert into s2p.changed_keys (domain, table_name, key)'
            ' select distinct %L, %L, jsonb_build_array(%s) from %s',
            tg_argv[0], tg_argv[1], tg_argv[2], source
        );
    end if;
    return null;
end
$$;
"""


def upgrade() -> None:
    """Two tables, empty, and the function of the triggers that fill one of them."""
    driver(op.get_bind()).execute(OWN_TABLES)
