"""The ledger of files: every version of every file that s2p has seen, what became of it and where its rows stand.

Bringing rows in belongs to `load.py`; reading files, to the spreadsheet room.
"""

import datetime as dt
import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, LiteralString, NamedTuple

import psycopg
from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from s2p_assets.spreadsheet.contract import Workbook
from s2p_assets.spreadsheet.findings import Finding, Reading
from s2p_assets.warehouse.archive import Kept
from s2p_assets.warehouse.schema import contract_version, lock, prepare
from s2p_assets.warehouse.standing import withdraw

FINDINGS_KEPT = 1000

FileVerdict = Literal["accepted", "partly", "returned", "duplicate"]
Status = Literal["current", "replaced", "gone", "forgotten"]
Known = Literal["unchanged", "duplicate", "renamed"]


class Found(NamedTuple):
    """A file on the share as `stat` sees it; `path` relative to the share."""

    path: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be noted of one version of a file; see the columns of `s2p.files`."""

    path: str
    sha256: str
    size: int
    mtime_ns: int
    contract_version: str
    verdict: FileVerdict
    owner: str
    rows_read: int = 0
    rows_accepted: int = 0
    rows_returned: int = 0
    findings: Sequence[Finding] = ()
    headers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    places: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    cells: Mapping[str, int] = field(default_factory=dict)
    taken: Mapping[str, int] = field(default_factory=dict)
    error: str | None = None
    run_id: str | None = None
    archived: str | None = None


@dataclass(frozen=True, slots=True)
class LedgerFile:
    """One version of a file as the ledger knows it.

    `status` is what became of the path, `verdict` what became of the bytes, `holds` whether their rows stand
    in the table. A path whose newer version was returned keeps the rows of the version before.
    """

    id: int
    workbook: str
    path: str
    sha256: str
    size: int
    mtime_ns: int
    contract_version: str
    verdict: FileVerdict
    status: Status
    holds: bool
    duplicate_of: int | None
    orphaned: bool
    replaced_by: int | None
    rows_read: int
    rows_accepted: int
    rows_returned: int
    error: str | None
    owner: str
    run_id: str | None
    archived: str | None
    first_seen: dt.datetime
    loaded_at: dt.datetime | None


class Seen(NamedTuple):
    """As much of a `LedgerFile` as tells whether the file on the share needs a look."""

    path: str
    size: int
    mtime_ns: int
    contract_version: str
    status: Status
    orphaned: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """`look`: files to be hashed and perhaps read, oldest first. `gone`: paths no longer on the share."""

    look: list[Found]
    gone: list[str]
    unchanged: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A file whose rows were withdrawn. `restored`: older rows that stand again.

    `kept_as`: another path with the same bytes, which the rows belong to now; nothing was withdrawn then.
    """

    id: int
    path: str
    workbook: str
    rows: int
    restored: int
    kept_as: str | None


class Delivered(NamedTuple):
    """The headers of one version of a file that was taken: sheet → header cells as written.

    `as_of_ns`: when its bytes were written, Unix time in ns.
    """

    path: str
    as_of_ns: int
    headers: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class WorkbookSummary:
    """One kind of workbook in `s2p status`. `rows`: what its table shows; `files`: files whose rows stand."""

    name: str
    table: str
    files: int
    rows: int
    returned: int
    waiting: int
    last_loaded: dt.datetime | None


ORPHANED: LiteralString = (
    "f.verdict = 'duplicate' and not exists (select 1 from s2p.files o where o.id = f.duplicate_of and o.holds)"
)
LEDGER_FILE: LiteralString = f"""
select f.id, f.workbook, f.path, f.sha256, f.size, f.mtime_ns, f.contract_version, f.verdict, f.status, f.holds,
    f.duplicate_of, {ORPHANED} as orphaned,
    f.replaced_by, f.rows_read, f.rows_accepted, f.rows_returned, f.error, f.owner, f.run_id, f.archived,
    f.first_seen, f.loaded_at
from s2p.files f
"""  # noqa: S608  made of constants


def share_path(path: Path, share: Path) -> str:
    """`path` as the ledger writes it: relative to the share, with slashes, NFC; bytes that are no text escaped."""
    return _path(path.relative_to(share).as_posix())


def _path(path: str) -> str:
    plain = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return unicodedata.normalize("NFC", plain)


def entry_of(reading: Reading, kept: Kept, path: str, workbook: Workbook, run_id: str | None = None) -> Entry:
    """What the ledger notes of a file that was read; `path` as `share_path` gives it."""
    return Entry(
        path=path,
        sha256=kept.sha256,
        size=kept.size,
        mtime_ns=kept.mtime_ns,
        contract_version=contract_version(workbook),
        verdict=reading.verdict,
        owner=workbook.owner,
        rows_read=reading.rows_read,
        rows_accepted=reading.rows_accepted,
        rows_returned=reading.rows_returned,
        findings=reading.findings,
        headers=reading.headers,
        places=reading.column_letters,
        cells=reading.cells,
        taken=_by_sheet(reading),
        error=reading.error,
        run_id=run_id,
        archived=_archived(kept),
    )


def _by_sheet(reading: Reading) -> dict[str, int]:
    if reading.rows is None or not reading.rows.num_rows:
        return {}
    counted = reading.rows.column("_sheet").value_counts()
    return {count["values"]: count["counts"] for count in counted.to_pylist()}


def _archived(kept: Kept) -> str:
    return f"{kept.stored.parent.name}/{kept.stored.name}"


def standing(conn: psycopg.Connection, workbook: Workbook) -> dict[str, LedgerFile]:
    """The newest version of every path that this kind of workbook was ever found at."""
    prepare(conn)
    where = "where f.workbook = %s and f.status <> 'replaced' order by f.path"
    return {file.path: file for file in _files(conn, where, (workbook.name,))}


def last_seen(conn: psycopg.Connection, workbook: Workbook) -> dict[str, Seen]:
    """`standing`, as much of it as `decide` needs: a quarter of the time where there are thousands of files."""
    prepare(conn)
    query: LiteralString = f"select f.path, f.size, f.mtime_ns, f.contract_version, f.status, {ORPHANED}"
    where = " from s2p.files f where f.workbook = %s and f.status <> 'replaced' order by f.path"
    return {row[0]: Seen(*row) for row in conn.execute(query + where, (workbook.name,)).fetchall()}


def decide(known: Mapping[str, LedgerFile | Seen], found: Iterable[Found], version: str) -> Decision:
    """Which of the files found on the share need a look.

    Those with a new path, another size or time, another contract than `version`, back from being gone, or a copy
    of a file whose rows do not stand any more. A forgotten file needs one only when it changed.
    """
    look, seen, unchanged = [], set(), 0
    for file in found:
        path = _path(file.path)
        seen.add(path)
        if _needs_a_look(known.get(path), file, version):
            look.append(file)
        else:
            unchanged += 1
    gone = [path for path, file in known.items() if path not in seen and file.status != "gone"]
    return Decision(sorted(look, key=lambda file: (file.mtime_ns, file.path)), gone, unchanged)


def _needs_a_look(known: LedgerFile | Seen | None, file: Found, version: str) -> bool:
    if known is None or known.status == "gone" or (known.size, known.mtime_ns) != (file.size, file.mtime_ns):
        return True
    return known.status == "current" and (known.contract_version != version or known.orphaned)


def by_content(conn: psycopg.Connection, workbook: Workbook, sha256: str) -> LedgerFile | None:
    """The file with these bytes whose rows stand in the table, read with the contract as it is now."""
    prepare(conn)
    return _holder(conn, workbook.name, sha256, contract_version(workbook))


def _holder(conn: psycopg.Connection, workbook: str, sha256: str, version: str) -> LedgerFile | None:
    where = "where f.workbook = %s and f.sha256 = %s and f.contract_version = %s and f.holds order by f.id limit 1"
    return next(iter(_files(conn, where, (workbook, sha256, version))), None)


def history(conn: psycopg.Connection, path: str) -> list[LedgerFile]:
    """Every version of a path that s2p has seen, newest first."""
    prepare(conn)
    return _files(conn, "where f.path = %s order by f.id desc", (_path(path),))


def recognise(
    conn: psycopg.Connection, workbook: Workbook, path: str, kept: Kept, run_id: str | None = None
) -> Known | None:
    """Whether these bytes need not be read, because s2p knows them; the ledger is brought up to date.

    `unchanged`: touched, not changed. `duplicate`: another file on the share holds these rows already.
    `renamed`: the file that held them is gone (see `mark_gone`, which comes first), and this path takes its place.
    None: read the file.
    """
    prepare(conn)
    seen = "select 1 from s2p.files where workbook = %s and sha256 = %s limit 1"
    if conn.execute(seen, (workbook.name, kept.sha256)).fetchone() is None:
        return None
    entry = Entry(
        path=path,
        sha256=kept.sha256,
        size=kept.size,
        mtime_ns=kept.mtime_ns,
        contract_version=contract_version(workbook),
        verdict="duplicate",
        owner=workbook.owner,
        run_id=run_id,
        archived=_archived(kept),
    )
    with conn.transaction():
        lock(conn, workbook.name)
        return known_bytes(conn, workbook.name, entry)


def known_bytes(conn: psycopg.Connection, workbook: str, entry: Entry) -> Known | None:
    """`recognise` for an entry of the ledger. Needs the workbook's lock."""
    found = known_as(conn, workbook, entry)
    if found is None:
        return None
    known, holder = found
    if known == "unchanged":
        _touch(conn, holder, entry)
        return known
    _retire(conn, workbook, entry.path)
    if known == "renamed":
        _move(conn, holder.id, entry.path, entry.size, entry.mtime_ns)
        return known
    copy = replace(entry, verdict="duplicate", rows_accepted=0, findings=(), error=None)
    (id_,) = insert(conn, workbook, [copy])
    conn.execute("update s2p.files set duplicate_of = %s where id = %s", (holder.id, id_))
    return "duplicate"


def known_as(conn: psycopg.Connection, workbook: str, entry: Entry) -> tuple[Known, LedgerFile] | None:
    """What `known_bytes` would answer, and the file that it knows the bytes by; nothing is written."""
    latest = latest_at(conn, workbook, [entry.path]).get(entry.path)
    if latest and _is_the_same(latest, entry):
        return "unchanged", latest
    holder = _holder(conn, workbook, entry.sha256, entry.contract_version)
    if holder is None or holder.path == entry.path:
        return None
    return ("renamed" if holder.status == "gone" else "duplicate"), holder


def record(conn: psycopg.Connection, workbook: Workbook, entry: Entry) -> int:
    """Note a file that loads nothing; gives its ledger id. Rows of the path's version before stay."""
    prepare(conn)
    with conn.transaction():
        lock(conn, workbook.name)
        return insert(conn, workbook.name, [entry])[0]


def mark_gone(conn: psycopg.Connection, workbook: Workbook, paths: Iterable[str]) -> int:
    """Note that these paths are no longer on the share; their rows stay. Gives how many were news."""
    prepare(conn)
    with conn.transaction():
        lock(conn, workbook.name)
        gone = conn.execute(
            "update s2p.files set status = 'gone' where workbook = %s and path = any(%s)"
            " and status in ('current', 'forgotten') returning id",
            (workbook.name, [_path(path) for path in paths]),
        ).fetchall()
        hand_over(conn, [id_ for (id_,) in gone])
        return len(gone)


def forget(conn: psycopg.Connection, file: str | int) -> list[Forgotten]:
    """Withdraw the rows of a file, named by path or ledger id, in one transaction. Unknown: an empty list.

    Older rows that it had superseded stand again. The file is read again only when its bytes change. Where the
    same bytes lie on the share under another name, the rows are kept for that name.
    """
    prepare(conn)
    which = (_path(file), None) if isinstance(file, str) else (None, file)
    find = "select distinct workbook from s2p.files where path = %s or id = %s"
    forgotten = []
    for (workbook,) in conn.execute(find, which).fetchall():
        with conn.transaction():
            lock(conn, workbook)
            where = (
                "where (f.path = %s or f.id = %s) and f.workbook = %s and (f.holds or f.status <> 'replaced')"
                " order by f.id"
            )
            forgotten += [_forget(conn, known) for known in _files(conn, where, (*which, workbook))]
    return forgotten


def _forget(conn: psycopg.Connection, known: LedgerFile) -> Forgotten:
    heirs = hand_over(conn, [known.id]) if known.holds else {}
    if known.id in heirs:
        return Forgotten(known.id, known.path, known.workbook, 0, 0, heirs[known.id])
    rows, restored = withdraw(conn, known.workbook, [known.id]) if known.holds else (0, 0)
    conn.execute(
        "update s2p.files set holds = false, left_at = case when holds then now() else left_at end,"
        " status = case status when 'replaced' then status else 'forgotten' end where id = %s",
        (known.id,),
    )
    return Forgotten(known.id, known.path, known.workbook, rows, restored, None)


def summary(conn: psycopg.Connection, waiting: Mapping[str, int] | None = None) -> list[WorkbookSummary]:
    """Every kind of workbook that has a table; `waiting` gives the files still to be looked at, by workbook name."""
    prepare(conn)
    known = conn.execute(
        "select w.name, w.domain, w.thing, count(*) filter (where f.holds),"
        " count(*) filter (where f.status = 'current' and f.verdict = 'returned'), max(f.loaded_at)"
        " from s2p.workbooks w left join s2p.files f on f.workbook = w.name"
        " group by w.name order by w.name"
    ).fetchall()
    return [
        WorkbookSummary(
            name=name,
            table=f"{domain}.{thing}",
            files=files,
            rows=_count(conn, domain, thing),
            returned=returned,
            waiting=(waiting or {}).get(name, 0),
            last_loaded=last_loaded,
        )
        for name, domain, thing, files, returned, last_loaded in known
    ]


def _count(conn: psycopg.Connection, domain: str, thing: str) -> int:
    row = conn.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(domain, thing))).fetchone()
    return int(row[0]) if row else 0


@dataclass(frozen=True, slots=True)
class SentBack:
    """A file on the share that its owner has to correct, wholly or in part."""

    workbook: str
    path: str
    verdict: FileVerdict
    owner: str
    rows_returned: int
    error: str | None
    findings: tuple[Finding, ...]


def sent_back(conn: psycopg.Connection) -> list[SentBack]:
    """The files whose current version was returned or taken in part, by path; at most their first findings."""
    prepare(conn)
    rows = conn.execute(
        "select workbook, path, verdict, owner, rows_returned, error, findings from s2p.files"
        " where status = 'current' and verdict in ('returned', 'partly') order by path, workbook"
    )
    return [
        SentBack(workbook, path, verdict, owner, returned, error, tuple(Finding(**finding) for finding in findings))
        for workbook, path, verdict, owner, returned, error, findings in rows
    ]


def delivered(conn: psycopg.Connection, workbook: str, oldest_ns: int, newest_ns: int, before: int) -> list[Delivered]:
    """The versions of files that were taken and written from `oldest_ns` to before `newest_ns`, newest first.

    After them, of those written earlier, the last version of each of the last `before` paths.
    """
    prepare(conn)
    query = (
        "with taken as (select path, as_of_ns, headers, id from s2p.files where workbook = %(workbook)s"
        " and verdict in ('accepted', 'partly') and status <> 'forgotten' and headers <> '{}'),"
        " earlier as (select * from (select distinct on (path) * from taken where as_of_ns < %(oldest)s"
        " order by path, as_of_ns desc, id desc) last order by as_of_ns desc, id desc limit %(before)s)"
        " select path, as_of_ns, headers from"
        " (select * from earlier union all select * from taken where as_of_ns >= %(oldest)s and as_of_ns < %(newest)s)"
        " every order by as_of_ns desc, id desc"
    )
    known = {"workbook": workbook, "oldest": oldest_ns, "newest": newest_ns, "before": before}
    return [Delivered(*row) for row in conn.execute(query, known)]


def count_current(conn: psycopg.Connection) -> int:
    """How many files lay on the share at the last look."""
    prepare(conn)
    row = conn.execute("select count(*) from s2p.files where status = 'current'").fetchone()
    return int(row[0]) if row else 0


def latest_at(conn: psycopg.Connection, workbook: str, paths: Sequence[str]) -> dict[str, LedgerFile]:
    """The newest version at each of these paths."""
    where = "where f.workbook = %s and f.path = any(%s) and f.status <> 'replaced'"
    return {file.path: file for file in _files(conn, where, (workbook, list(paths)))}


def insert(conn: psycopg.Connection, workbook: str, entries: Sequence[Entry]) -> list[int]:
    """Note these versions, each in place of its path's version before; gives their ids. Needs the workbook's lock."""
    series = "select nextval(pg_get_serial_sequence('s2p.files', 'id')) from generate_series(1, %s)"
    ids = [int(id_) for (id_,) in conn.execute(series, (len(entries),))]
    conn.execute(
        "update s2p.files f set status = 'replaced', replaced_by = n.id"
        " from unnest(%s::bigint[], %s::text[]) n(id, path)"
        " where f.workbook = %s and f.path = n.path and f.status <> 'replaced'",
        (ids, [entry.path for entry in entries], workbook),
    )
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into s2p.files (id, workbook, path, sha256, size, mtime_ns, as_of_ns, contract_version, verdict,"
            " rows_read, rows_accepted, rows_returned, findings, headers, places, cells, taken, error, owner, run_id,"
            " archived) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [(id_, workbook, *_values(entry)) for id_, entry in zip(ids, entries, strict=True)],
        )
    return ids


def _values(entry: Entry) -> tuple[Any, ...]:
    return (
        *(entry.path, entry.sha256, entry.size, entry.mtime_ns, entry.mtime_ns, entry.contract_version, entry.verdict),
        *(entry.rows_read, entry.rows_accepted, entry.rows_returned),
        _json([asdict(finding) for finding in entry.findings[:FINDINGS_KEPT]]),
        _json({sheet: list(cells) for sheet, cells in entry.headers.items()}),
        _json({sheet: dict(columns) for sheet, columns in entry.places.items()}),
        _json(dict(entry.cells)),
        _json(dict(entry.taken)),
        None if entry.error is None else _text(entry.error),
        *(entry.owner, entry.run_id, entry.archived),
    )


def _text(value: str) -> str:
    """What PostgreSQL can store: no NUL, no lone surrogate."""
    return value.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\N{SYMBOL FOR NULL}")


def _json(value: Any) -> Jsonb:
    return Jsonb(value, dumps=lambda tree: _text(json.dumps(_plain(tree), ensure_ascii=False)))


def _plain(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {_text(str(name)): _plain(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_plain(value) for value in tree]
    return _text(tree) if isinstance(tree, str) else tree


def hand_over(conn: psycopg.Connection, files: Sequence[int]) -> dict[int, str]:
    """Give the rows of each of these files to another current file with the same bytes, where there is one.

    Gives the new path by ledger id. Needs the workbook's lock.
    """
    heirs = heirs_of(conn, files)
    for id_, heir, path, size, mtime_ns in heirs:
        conn.execute("update s2p.files set status = 'replaced', replaced_by = %s where id = %s", (id_, heir))
        _move(conn, id_, path, size, mtime_ns)
    return {id_: path for id_, _, path, _, _ in heirs}


def heirs_of(conn: psycopg.Connection, files: Sequence[int]) -> list[tuple[int, int, str, int, int]]:
    """For each of these files that holds rows and has a copy: its id; the copy's id, path, size and mtime in ns."""
    return conn.execute(
        "select distinct on (f.id) f.id, d.id, d.path, d.size, d.mtime_ns from s2p.files f"
        " join s2p.files d on d.duplicate_of = f.id and d.verdict = 'duplicate' and d.status = 'current'"
        " where f.id = any(%s) and f.holds order by f.id, d.id",
        (list(files),),
    ).fetchall()


def _is_the_same(latest: LedgerFile, entry: Entry) -> bool:
    if latest.sha256 != entry.sha256 or latest.orphaned:
        return False
    if latest.status == "forgotten":
        return True
    back_without_rows = latest.status == "gone" and not latest.holds
    return latest.contract_version == entry.contract_version and not back_without_rows


def _touch(conn: psycopg.Connection, known: LedgerFile, entry: Entry) -> None:
    conn.execute(
        "update s2p.files set size = %s, mtime_ns = %s, status = case status when 'gone' then 'current' else status end"
        " where id = %s",
        (entry.size, entry.mtime_ns, known.id),
    )


def _move(conn: psycopg.Connection, id_: int, path: str, size: int, mtime_ns: int) -> None:
    conn.execute(
        "update s2p.files set path = %s, size = %s, mtime_ns = %s, status = 'current', replaced_by = null"
        " where id = %s",
        (path, size, mtime_ns, id_),
    )


def _retire(conn: psycopg.Connection, workbook: str, path: str) -> None:
    """The path has other bytes now: its version before is history, and so are its rows."""
    held = conn.execute(
        "select id from s2p.files where workbook = %s and path = %s and holds", (workbook, path)
    ).fetchall()
    conn.execute(
        "update s2p.files set status = 'replaced' where workbook = %s and path = %s and status <> 'replaced'",
        (workbook, path),
    )
    withdraw_held(conn, workbook, [id_ for (id_,) in held])


def withdraw_held(conn: psycopg.Connection, workbook: str, files: Sequence[int]) -> None:
    """Withdraw the rows of these versions, except where another file with the same bytes takes them over."""
    heirs = hand_over(conn, files)
    leaving = [id_ for id_ in files if id_ not in heirs]
    withdraw(conn, workbook, leaving)
    conn.execute("update s2p.files set holds = false, left_at = now() where id = any(%s) and holds", (leaving,))


def _files(conn: psycopg.Connection, where: LiteralString, values: tuple[Any, ...]) -> list[LedgerFile]:
    with conn.cursor(row_factory=class_row(LedgerFile)) as cursor:
        return cursor.execute(LEDGER_FILE + where, values).fetchall()
