"""A home that s2p 0.1.0 wrote, as it is kept in `warehouse/home_0_1_0/`: its database, its models, Dagster's files.

What is asked of it belongs to the tests.
"""

import gzip
import tarfile
import uuid
from pathlib import Path

from psycopg import sql

from s2p_assets.settings import Settings
from s2p_assets.warehouse.server.connection import connect

KEPT = Path(__file__).parent / "warehouse/home_0_1_0"
WROTE_IT_AT = "/srv/s2p"


def new_database(server: str) -> str:
    """The address of a database with nothing in it, beside that of `server`."""
    name = f"older_{uuid.uuid4().hex[:8]}"
    with connect(server) as conn:
        conn.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    before, _, after = server.partition("?")
    return f"{before.rpartition('/')[0]}/{name}?{after}"


def restored(server: str) -> str:
    """The address of a new database with what s2p 0.1.0 stored, opened by nobody since."""
    url = new_database(server)
    with connect(url) as conn:
        conn.execute(gzip.decompress((KEPT / "database.sql.gz").read_bytes()))
    return url


def unpacked(folder: Path, server: str) -> Settings:
    """The settings of the whole home, unpacked into `folder`."""
    with tarfile.open(KEPT / "home.tar.gz") as files:
        files.extractall(folder, filter="data")
    for file in (folder / "dagster").glob("*.yaml"):
        file.write_text(file.read_text().replace(WROTE_IT_AT, str(folder)))
    return Settings(home=folder, database_url=restored(server))
