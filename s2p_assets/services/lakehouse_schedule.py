"""When the lakehouse that the settings name is brought up to date by itself, and how that went.

What is written is in `lakehouse.py`; how it stands is told by `lakehouse_standing.py`. A target that is full or gone
holds nothing else up: the next try goes on.
"""

import datetime as dt
import hashlib
from collections.abc import Callable

import psycopg

from s2p_assets.contracts.errors import MendableError
from s2p_assets.services.beside import begin_beside
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.lakehouse import Exported, ExportUnderWay, export_tables, version_now
from s2p_assets.services.lakehouse_standing import lakehouse_at
from s2p_assets.warehouse.lakehouse.delta_tables import Lakehouse, LakehouseUnwritable
from s2p_assets.warehouse.lakehouse.export_record import note_exported, note_failed, read_export

LOG = "export.log"
PAUSE, PAUSE_AFTER_FAULT = dt.timedelta(minutes=1), dt.timedelta(minutes=10)


def bring_up_to_date(ctx: Context, progress: Callable[[str], None] = lambda _: None) -> Exported | None:
    """Export to where the settings say if anything changed since; None where nothing is to be done.

    How it went is noted. Raises LakehouseUnwritable, NotFound and ExportUnderWay.
    """
    if ctx.settings.lakehouse is None:
        return None
    target = lakehouse_at(ctx.settings, ctx.settings.lakehouse)
    with ctx.warehouse.reading() as connection:
        known, content = read_export(connection, target.root), content_now(ctx, connection)
    if known and known.content == content and not known.problem:
        return None
    try:
        target.require()
        if known and known.moment and target.last_moment() is None:
            raise LakehouseUnwritable(
                f"{target.root} is empty, and s2p had written to it; connect its disk again, or begin anew with "
                f"`s2p export --to delta {ctx.settings.lakehouse}`"
            )
    except MendableError as problem:
        with ctx.warehouse.writing() as connection:
            note_failed(connection, target.root, str(problem))
        raise
    return export_and_note(ctx, target, None, progress)


def export_and_note(
    ctx: Context, target: Lakehouse, as_of: str | None, progress: Callable[[str], None] = lambda _: None
) -> Exported:
    """Export, and note how it went where it is what the tables are now. Raises as `export_tables` does."""
    try:
        with ctx.warehouse.reading() as connection:
            content = content_now(ctx, connection)
        done = export_tables(ctx, target, as_of=as_of, progress=progress)
    except (NotFound, LakehouseUnwritable) as problem:
        if as_of is None and not isinstance(problem, ExportUnderWay):
            with ctx.warehouse.writing() as connection:
                note_failed(connection, target.root, str(problem))
        raise
    if as_of is None:
        with ctx.warehouse.writing() as connection:
            note_exported(connection, target.root, done.moment, content)
    return done


def content_now(ctx: Context, connection: psycopg.Connection) -> str:
    """A digest of the content of every table: another one says that something changed."""
    versions = [f"{one.full_name} {version_now(connection, one)}" for one in ctx.catalog.readable()]
    return hashlib.sha256("\n".join(sorted(versions)).encode()).hexdigest()


def begin_due_export(ctx: Context, now: dt.datetime) -> bool:
    """Begin an export in a process of its own where something changed, or the last one failed a while ago."""
    if ctx.settings.lakehouse is None:
        return False
    target = lakehouse_at(ctx.settings, ctx.settings.lakehouse)
    with ctx.warehouse.reading() as connection:
        known = read_export(connection, target.root)
        if known and now - known.tried_at < (PAUSE_AFTER_FAULT if known.problem else PAUSE):
            return False
        if known and not known.problem and known.content == content_now(ctx, connection):
            return False
    begin_beside(ctx.settings, "export", ctx.settings.home / LOG)
    return True
