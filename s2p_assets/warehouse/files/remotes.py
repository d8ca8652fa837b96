"""What the database keeps of remote folders: how the last look at each ended, what was fetched, what was put there.

Fetching and putting are the services'.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

RemoteState = Literal["fetched", "partly", "away"]


class FetchedFile(NamedTuple):
    """A file that was fetched: what its server said of it, and the size and mtime of what lies here."""

    path: str
    size: int | None
    modified_ns: int | None
    etag: str | None
    sha256: str
    kept_size: int
    kept_ns: int
    fetched_at: dt.datetime


class PutCopy(NamedTuple):
    """A file that s2p put into its own folders there, as it was here then."""

    path: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class RemoteLook:
    """How the last look at a remote folder ended; `notes`: what was left out of its listing."""

    name: str
    place: str
    state: RemoteState
    problem: str | None
    notes: list[str] = field(default_factory=list)
    files: int = 0
    kept_from_returning: str | None = None
    since: dt.datetime | None = None
    looked_at: dt.datetime | None = None
    complete_at: dt.datetime | None = None


def fetched_files(conn: psycopg.Connection, remote: str) -> dict[str, FetchedFile]:
    """What was fetched from a remote folder and lies here, by its path there."""
    rows = conn.execute(
        "select path, size, modified_ns, etag, sha256, kept_size, kept_ns, fetched_at from s2p.remote_files"
        " where remote = %s",
        (remote,),
    )
    return {row[0]: FetchedFile(*row) for row in rows}


def note_fetched(conn: psycopg.Connection, remote: str, file: FetchedFile) -> None:
    conn.execute(
        "insert into s2p.remote_files (remote, path, size, modified_ns, etag, sha256, kept_size, kept_ns, fetched_at)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict (remote, path) do update set size = excluded.size,"
        " modified_ns = excluded.modified_ns, etag = excluded.etag, sha256 = excluded.sha256,"
        " kept_size = excluded.kept_size, kept_ns = excluded.kept_ns, fetched_at = excluded.fetched_at",
        (remote, *file),
    )


def forget_fetched(conn: psycopg.Connection, remote: str, paths: Iterable[str]) -> None:
    """Of files that are there no more."""
    conn.execute("delete from s2p.remote_files where remote = %s and path = any(%s)", (remote, list(paths)))


def note_remote_look(conn: psycopg.Connection, look: RemoteLook) -> None:
    """How a look ended; since when, where the one before ended otherwise. A look that failed keeps what was known."""
    is_complete = look.state == "fetched"
    conn.execute(
        "insert into s2p.remotes as r (name, place, state, problem, notes, files, complete_at)"
        " values (%(name)s, %(place)s, %(state)s, %(problem)s, %(notes)s, %(files)s,"
        " case when %(complete)s then now() end)"
        " on conflict (name) do update set place = excluded.place, problem = excluded.problem, looked_at = now(),"
        " notes = case when excluded.state = 'away' then r.notes else excluded.notes end,"
        " files = case when excluded.state = 'away' then r.files else excluded.files end,"
        " complete_at = coalesce(excluded.complete_at, r.complete_at),"
        " since = case when r.state = excluded.state then r.since else now() end, state = excluded.state",
        {"name": look.name, "place": look.place, "state": look.state, "problem": look.problem, "files": look.files}
        | {"notes": Jsonb(look.notes), "complete": is_complete},
    )


def note_returning(conn: psycopg.Connection, remote: str, problem: str | None) -> None:
    """Why marked copies cannot be put there, or that they can."""
    conn.execute(
        "update s2p.remotes set kept_from_returning = %s where name = %s and kept_from_returning is distinct from %s",
        (problem, remote, problem),
    )


def remote_looks(conn: psycopg.Connection) -> list[RemoteLook]:
    """How the last look at each remote folder ended."""
    with conn.cursor(row_factory=class_row(RemoteLook)) as cursor:
        return cursor.execute("select * from s2p.remotes order by name").fetchall()


def put_copies(conn: psycopg.Connection, remote: str) -> dict[str, PutCopy]:
    """What s2p put there, by its path there."""
    rows = conn.execute("select path, size, mtime_ns from s2p.remote_copies where remote = %s", (remote,))
    return {row[0]: PutCopy(*row) for row in rows}


def note_put(conn: psycopg.Connection, remote: str, copy: PutCopy) -> None:
    conn.execute(
        "insert into s2p.remote_copies (remote, path, size, mtime_ns) values (%s, %s, %s, %s)"
        " on conflict (remote, path) do update set size = excluded.size, mtime_ns = excluded.mtime_ns, put_at = now()",
        (remote, *copy),
    )


def forget_put(conn: psycopg.Connection, remote: str, path: str) -> None:
    conn.execute("delete from s2p.remote_copies where remote = %s and path = %s", (remote, path))
