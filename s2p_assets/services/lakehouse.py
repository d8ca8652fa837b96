"""Tables, features and forecasts written to a lakehouse, as they stand or as they were known at a moment.

When that is done by itself is in `lakehouse_schedule.py`; how Delta tables are written, in the warehouse.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from s2p_assets.catalog.catalog import Readable, key_of
from s2p_assets.contracts.dbt_model import DbtModel
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.warehouse.lakehouse.buckets import BUCKET, BucketedRows, buckets_for
from s2p_assets.warehouse.lakehouse.delta_tables import (
    Commit,
    Lakehouse,
    Written,
    schema_text,
)
from s2p_assets.warehouse.tables.dbt_tables import dbt_version, typed_sql
from s2p_assets.warehouse.tables.exports import arrow_fields, spooled_batches
from s2p_assets.warehouse.tables.introspection import table_oid
from s2p_assets.warehouse.tables.not_stored import NotStored
from s2p_assets.warehouse.tables.restored_places import as_of_table
from s2p_assets.warehouse.tables.store import stored_version, workbook_version

Progress = Callable[[str], None]


class ExportUnderWay(NotFound):
    """Another export to the same place is at work."""


@dataclass
class Exported:
    """What an export wrote: table → its version there and how many of its buckets were written, of how many.

    `unchanged`: tables that were there already as they are; `notices`: what could not be had, or others wrote to.
    """

    target: str
    moment: dt.datetime
    tables: dict[str, dict[str, int]] = field(default_factory=dict)
    unchanged: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Source:
    """Where tables are read from: a snapshot of now, or what was restored of a moment."""

    connection: psycopg.Connection
    moment: dt.datetime
    version: Callable[[Readable], str | None]
    place: Callable[[Readable], sql.Composable]
    spool: Path


def export_tables(
    ctx: Context, target: Lakehouse, *, as_of: str | None = None, progress: Progress = lambda _: None
) -> Exported:
    """Bring every stored table in `target` to what it is now, or was at a moment; what did not change is not written.

    Tables that are written before one cannot be stay so, and the next export goes on. Raises LakehouseUnwritable,
    NotFound, and ExportUnderWay.
    """
    target.require()
    with _alone(ctx, target), _opened(ctx, as_of, progress) as (source, notices):
        done = Exported(target.root, source.moment, notices=notices)
        _require_later(target, source.moment)
        declared = sorted(ctx.catalog.readable(), key=lambda one: one.full_name)
        for number, one in enumerate(declared, start=1):
            progress(f"{number} of {len(declared)}, {one.full_name.replace('_', ' ')}")
            _export(source, target, one, done)
        target.note_moments((one.domain, one.name) for one in declared)
    return done


def _export(source: _Source, target: Lakehouse, declared: Readable, done: Exported) -> None:
    try:
        content = source.version(declared)
        if content is None:
            return
        rows = BucketedRows(declared, source.place(declared))
    except (NotFound, NotStored) as problem:  # at that moment there was nothing to make it of
        done.notices.append(str(problem))
        return
    there = target.written(declared.domain, declared.name)
    columns = schema_text(arrow_fields([*rows.fields, (BUCKET, "integer")]))
    if there is not None and not there.ours:
        done.notices.append(
            f"{target.place(declared.domain, declared.name)}: others wrote to it; written anew as a whole"
        )
    known = there if there and there.ours and there.columns == columns else None
    if known and known.content == content:
        done.unchanged.append(declared.full_name)
        return
    _write(source, target, rows, content, known, done)


def _write(
    source: _Source, target: Lakehouse, rows: BucketedRows, content: str, known: Written | None, done: Exported
) -> None:
    """Write the buckets that differ from what is known to be there, or all."""
    connection, declared = source.connection, rows.declared
    count = buckets_for(rows.count(connection), known.count if known else 1)
    now = rows.buckets(connection, count)
    only = None
    if known and known.count == count:
        only = {number for number in now.keys() | known.buckets.keys() if now.get(number) != known.buckets.get(number)}
        if not only:
            done.unchanged.append(f"{declared.domain}_{declared.name}")
            return
    fields = arrow_fields([*rows.fields, (BUCKET, "integer")])
    commit = Commit(source.moment, content, count, now)
    query = rows.query(count, only).as_string(connection)
    with spooled_batches(connection, query, fields, source.spool) as batches:
        import pyarrow

        reader = pyarrow.RecordBatchReader.from_batches(fields, batches)
        version = target.replace(declared.domain, declared.name, reader, commit, only)
    written = len(now) if only is None else len(only)
    done.tables[f"{declared.domain}_{declared.name}"] = {"version": version, "buckets": written, "of": count}


@contextmanager
def _opened(ctx: Context, as_of: str | None, progress: Progress) -> Iterator[tuple[_Source, list[str]]]:
    """Where the tables are read from, and the list in which notices of them are gathered."""
    ctx.settings.spool.mkdir(parents=True, exist_ok=True)
    with _now(ctx) if as_of is None else _then(ctx, as_of, progress) as opened:
        yield opened


@contextmanager
def _now(ctx: Context) -> Iterator[tuple[_Source, list[str]]]:
    """One snapshot of all tables."""
    with ctx.warehouse.reading() as connection, connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        ((moment,),) = connection.execute("select now()").fetchall()

        def version(one: Readable) -> str | None:
            return version_now(connection, one)

        def place(one: Readable) -> sql.Composable:
            return typed_sql(one) if isinstance(one, DbtModel) else sql.Identifier(one.domain, one.name)

        yield _Source(connection, moment, version, place, ctx.settings.spool), []


@contextmanager
def _then(ctx: Context, as_of: str, progress: Progress) -> Iterator[tuple[_Source, list[str]]]:
    """All tables as they were. Whether they are another content than what is there, their rows alone say."""
    from s2p_assets.services.as_of import open_as_of, parse_as_of

    with open_as_of(ctx, parse_as_of(as_of), progress) as known:

        def version(_: Readable) -> str | None:
            return f"as of {known.as_of.isoformat()}"

        def place(one: Readable) -> sql.Composable:
            known.restore(key_of(one))
            return as_of_table(one.domain, one.name)

        yield _Source(known.connection, known.as_of, version, place, ctx.settings.spool), known.notices


def version_now(connection: psycopg.Connection, declared: Readable) -> str | None:
    """The version of a table's content; None where it is not stored."""
    if isinstance(declared, Workbook):
        there = table_oid(connection, declared.domain, declared.name) is not None
        return workbook_version(connection, declared) if there else None
    if isinstance(declared, DbtModel):
        found = dbt_version(connection, declared)
        return found[0] if found else None
    return stored_version(connection, declared.domain, declared.name)


def _require_later(target: Lakehouse, moment: dt.datetime) -> None:
    """Versions of a Delta table stand in a row, so an earlier moment cannot be put behind a later one."""
    last = target.last_moment()
    if last is not None and last > moment:
        raise NotFound(
            f"{target.root} holds states up to {last.astimezone():%Y-%m-%d %H:%M:%S}; export an earlier moment to a "
            "place of its own, the earliest first"
        )


@contextmanager
def _alone(ctx: Context, target: Lakehouse) -> Iterator[None]:
    """For as long as the block lasts nobody else exports to the same place. Raises ExportUnderWay."""
    with ctx.warehouse.reading() as connection:
        name = f"s2p export {target.root}"
        ((free,),) = connection.execute("select pg_try_advisory_lock(hashtextextended(%s, 42))", (name,)).fetchall()
        if not free:
            raise ExportUnderWay(f"another export to {target.root} is at work; wait until it has ended")
        yield
