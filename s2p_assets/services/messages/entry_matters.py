"""What there is to tell about what people entered: corrections that ended, and entries that newer files overwrote.

The person is told, where the name is an address, and the owner of the workbook.
"""

import datetime as dt

import psycopg

from s2p_assets.messaging.matters import Matter
from s2p_assets.services.context import Context
from s2p_assets.warehouse.files.entries import Told, lapsed_rows, overwritten_entries


def lapsed_matters(ctx: Context, connection: psycopg.Connection, since: dt.datetime) -> list[Matter]:
    """The corrections that ended because the cell that they corrected changed."""
    return [
        _matter(
            ctx,
            "lapsed",
            one,
            f"The correction of {one.which} in {_plain(one.workbook)} ended: {one.why}",
            "Nothing has to be done if the file is right now; else correct it again.",
        )
        for one in lapsed_rows(connection, since)
    ]


def overwritten_matters(ctx: Context, connection: psycopg.Connection, since: dt.datetime) -> list[Matter]:
    """The entries that files which were loaded since say otherwise of, or the same."""
    return [
        _matter(
            ctx,
            "overwritten",
            one,
            f"What was entered in {_plain(one.workbook)} counts no more: {one.why}",
            "Nothing has to be done if the file is right; what must hold against files is entered as a correction.",
        )
        for name, book in ctx.catalog.workbooks.items()
        for one in overwritten_entries(connection, name, (book.domain, book.name), since)
    ]


def _matter(ctx: Context, kind: str, one: Told, title: str, next_step: str) -> Matter:
    book = ctx.catalog.workbooks.get(one.workbook)
    return Matter(
        kind,
        one.key,
        title,
        next_step,
        (f"{one.made_by} entered it on {one.made_at:%Y-%m-%d}: {one.reason}",),
        owner=book.owner if book else None,
        to=(one.made_by,) if "@" in one.made_by else (),
    )


def _plain(workbook: str) -> str:
    return workbook.partition("_")[2].replace("_", " ")
