"""How the lakehouse stands: where it is, of which moment, what keeps it from the newest, and who hears of that.

Writing it is in `lakehouse.py`, which loads what a status does not need.
"""

from pathlib import Path
from typing import Any

import psycopg

from s2p_assets.messaging.matters import Matter
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.settings import Settings
from s2p_assets.warehouse.lakehouse.delta_tables import Lakehouse
from s2p_assets.warehouse.lakehouse.export_record import read_export

DELTA = "delta"


def export_target(settings: Settings, file_format: str, place: str) -> Lakehouse:
    """Where somebody wants tables exported to. Raises NotFound for another format, or nowhere."""
    if file_format != DELTA:
        raise NotFound(f"{file_format!r} is no format that tables are exported in; there is {DELTA}")
    return lakehouse_at(settings, place)


def lakehouse_at(settings: Settings, place: str) -> Lakehouse:
    """The lakehouse in a folder, or at an address of object storage. Raises NotFound for what is neither."""
    if not place.strip():
        raise NotFound("say where to, as in `s2p export --to delta /srv/lake`, or set S2P_LAKEHOUSE")
    if "://" not in place:
        return Lakehouse(str(Path(place).expanduser().absolute()))
    try:
        return Lakehouse(place.rstrip("/"), settings.lakehouse_terms())
    except (OSError, ValueError) as error:
        raise NotFound(f"S2P_LAKEHOUSE_OPTIONS cannot be read: {error}") from None


def lakehouse_status(ctx: Context, connection: psycopg.Connection) -> dict[str, Any] | None:
    """What `s2p status` says of the lakehouse: where, of which moment it is, and what keeps it from the newest."""
    if ctx.settings.lakehouse is None:
        return None
    target = lakehouse_at(ctx.settings, ctx.settings.lakehouse)
    known = read_export(connection, target.root)
    return {
        "target": target.root,
        "moment": known.moment.isoformat() if known and known.moment else None,
        "failing_since": known.failing_since.isoformat() if known and known.failing_since else None,
        "problem": known.problem if known else None,
    }


def lakehouse_matters(ctx: Context, connection: psycopg.Connection) -> list[Matter]:
    """That the lakehouse cannot be written, from the first time on and until it can."""
    if ctx.settings.lakehouse is None:
        return []
    known = read_export(connection, lakehouse_at(ctx.settings, ctx.settings.lakehouse).root)
    if known is None or not known.problem or known.failing_since is None:
        return []
    held = f"It holds what was so on {known.moment:%d %B %Y, %H:%M} UTC." if known.moment else "It holds nothing yet."
    return [
        Matter(
            "export",
            f"{known.target}:{known.failing_since.isoformat()}",
            "The lakehouse is not brought up to date",
            "Do what the line below says; s2p tries again by itself. Runs and reports do not wait for it.",
            (known.problem, held),
        )
    ]
