"""Which files of the archive nothing needs any more, and giving their room back.

A file is needed where a version of the ledger that has its bytes counts now, was entered by a person, or counted at a
moment that is to be kept. Which moments those are is not decided here.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from s2p_assets.warehouse.tables.own_tables import ensure_own_tables

UNNEEDED = """
with kept(moment) as (select unnest(%s::timestamptz[])), needed as (
    select distinct archived from s2p.files f where archived is not null and (
        is_loaded or status not in ('replaced', 'forgotten') or entered is not null
        or exists (select 1 from s2p.files d where d.duplicate_of = f.id and d.status not in ('replaced', 'forgotten'))
        or exists (
            select 1 from kept where moment >= f.loaded_at and (f.withdrawn_at is null or moment < f.withdrawn_at)
        )
    )
)
select archived, min(path), count(*) from s2p.files
where archived is not null and archived not in (select archived from needed)
group by archived order by 2, 1
"""


@dataclass(frozen=True, slots=True)
class UnneededFile:
    """Bytes of the archive that nothing needs: where they lie in it, what the file was called, how large they are."""

    archived: str
    path: str
    bytes: int


def unneeded_files(conn: psycopg.Connection, archive: Path, moments: Sequence[dt.datetime]) -> list[UnneededFile]:
    """What nothing needs that counts now or counted at one of `moments`."""
    ensure_own_tables(conn)
    found = []
    for archived, path, _ in conn.execute(UNNEEDED, (list(moments),)).fetchall():
        place = archive / archived
        if place.is_file():
            found.append(UnneededFile(archived, path, place.stat().st_size))
    return found


def remove_unneeded(conn: psycopg.Connection, archive: Path, files: Sequence[UnneededFile]) -> None:
    """Remove these files from the archive. The ledger keeps what it says of them, but where their bytes were."""
    conn.execute("update s2p.files set archived = null where archived = any(%s)", ([file.archived for file in files],))
    for file in files:
        (archive / file.archived).unlink(missing_ok=True)
