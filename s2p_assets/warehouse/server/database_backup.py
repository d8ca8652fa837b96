"""The database as a whole, written to a folder and brought back: by pg_basebackup, or by pg_dump from another server.

Which files of an installation lie beside it is decided in `services/backup.py`.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import psycopg
from psycopg import conninfo, sql

from s2p_assets.contracts.errors import MendableError
from s2p_assets.warehouse.server.embedded import postgres_programs

DatabaseCopy = Literal["cluster", "dump"]
CLUSTER, DUMP = "database", "database.dump"
TableDigests = dict[str, tuple[int, str]]


class BackupFailed(MendableError):
    """A backup could not be written or brought back; what there was before is as it was."""


def back_up_cluster(url: str, target: Path) -> None:
    """All databases of the server at `url`, while it runs, to the new folder `target`. Raises BackupFailed."""
    words = ["--format=plain", "--wal-method=stream", "--checkpoint=fast", "--no-manifest", f"--pgdata={target}"]
    _run("pg_basebackup", [*words, f"--dbname={url}"], url)


def dump_database(url: str, target: Path) -> None:
    """The one database at `url`, as it is at one moment, to the new file `target`. Raises BackupFailed."""
    _run("pg_dump", ["--format=custom", "--no-owner", "--no-acl", f"--file={target}", f"--dbname={url}"], url)


def restore_dump(source: Path, url: str) -> None:
    """What `dump_database` wrote, into the empty database at `url`, whole or not at all. Raises BackupFailed."""
    words = ["--no-owner", "--no-acl", "--single-transaction", "--exit-on-error", f"--dbname={url}", str(source)]
    _run("pg_restore", words, url)


def _run(name: str, words: Sequence[str], url: str) -> None:
    """The program that comes with the embedded PostgreSQL; where it fails, as it speaks no TLS, the company's own."""
    own = shutil.which(name)
    problem = _failure(postgres_programs() / name, words, url)
    if problem and own:
        problem = _failure(Path(own), words, url)
    if problem:
        raise BackupFailed(f"{name} did not succeed ({problem}); nothing that was there before is lost")


def _failure(program: Path, words: Sequence[str], url: str) -> str | None:
    password = str(conninfo.conninfo_to_dict(url).get("password") or "")
    bare = [word.replace(url, _without_password(url)) for word in words]  # what runs can be read by every user
    environment = os.environ | ({"PGPASSWORD": password} if password else {})
    done = subprocess.run([str(program), *bare], check=False, capture_output=True, text=True, env=environment)
    if not done.returncode:
        return None
    lines = [line for line in done.stderr.splitlines() if line.strip()] or ["it said nothing"]
    said = next((line for line in reversed(lines) if "error:" in line), lines[-1]).strip()
    return said.replace(password, "…") if password else said


def _without_password(url: str) -> str:
    parameters: dict[str, Any] = dict(conninfo.conninfo_to_dict(url).items())
    parameters.pop("password", None)
    return conninfo.make_conninfo("", **parameters)


def table_digests(conn: psycopg.Connection) -> TableDigests:
    """Table → (rows, a digest of their values, whatever their order), of all tables but Dagster's."""
    names = conn.execute(
        "select schemaname, tablename from pg_tables"
        " where schemaname not in ('pg_catalog', 'information_schema', 'dagster') order by 1, 2"
    ).fetchall()
    digest = sql.SQL(
        "select count(*), coalesce(sum(('x' || substr(md5(t::text), 1, 16))::bit(64)::bigint::numeric), 0)::text"
        " from {} t"
    )
    found: TableDigests = {}
    with conn.transaction():
        conn.execute("set transaction isolation level repeatable read, read only")
        for schema, table in names:
            rows, value = conn.execute(digest.format(sql.Identifier(schema, table))).fetchone() or (0, "0")
            found[f"{schema}.{table}"] = (rows, value)
    return found
