"""How the remote folders stand, for `s2p status`, the screen and engineers.

Nothing is asked of a server here.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import psycopg

from s2p_assets.fetching.opening import shown_address
from s2p_assets.messaging.matters import Matter
from s2p_assets.remote_folder import RemoteFolder
from s2p_assets.services.context import Context
from s2p_assets.services.share import remotes_of
from s2p_assets.settings import Settings
from s2p_assets.warehouse.files.remotes import RemoteLook, remote_looks

PATIENCE = dt.timedelta(minutes=5)
"""A server that is begun anew is away for a moment, which concerns nobody."""
SILENT_LOOKS = 10
MOST_LINES = 5


def remotes_status(ctx: Context, connection: psycopg.Connection) -> list[dict[str, Any]]:
    """Each remote folder: its address, `state`, why and since when, how many files, what was left out."""
    known = {one.name: one for one in remote_looks(connection)}
    return [_status(ctx, one, known.get(one.name)) for one in _declared(ctx)]


def _declared(ctx: Context) -> Sequence[RemoteFolder]:
    share = ctx.settings.remote_share
    return [*([share] if share else []), *remotes_of(ctx)]


def _status(ctx: Context, remote: RemoteFolder, look: RemoteLook | None) -> dict[str, Any]:
    place = shown_address(remote.url)
    if look is None or look.place != place:
        return {"name": remote.name, "place": place, "state": "never", "files": 0, "notes": []} | {
            "problem": "nothing was fetched from it yet; s2p up does so, and s2p fetch",
            "since": None,
            "looked_at": None,
            "complete_at": None,
            "kept_from_returning": None,
            "is_silent": False,
        }
    return {
        "name": look.name,
        "place": place,
        "state": look.state,
        "files": look.files,
        "notes": look.notes,
        "problem": look.problem,
        "since": _iso(look.since),
        "looked_at": _iso(look.looked_at),
        "complete_at": _iso(look.complete_at),
        "kept_from_returning": look.kept_from_returning,
        "is_silent": _is_silent(ctx, look, dt.datetime.now(dt.UTC)),
    }


def _iso(moment: dt.datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _is_silent(ctx: Context, look: RemoteLook, now: dt.datetime) -> bool:
    """Whether nothing has looked at it for long."""
    return look.looked_at is not None and now - look.looked_at > longest_silence(ctx.settings)


def longest_silence(settings: Settings) -> dt.timedelta:
    """How long ago the last look at what lies elsewhere may be; beyond that nobody looks any more."""
    return max(dt.timedelta(seconds=settings.remote_seconds) * SILENT_LOOKS, 2 * PATIENCE)


def remote_matters(ctx: Context, connection: psycopg.Connection, now: dt.datetime) -> list[Matter]:
    """The remote folders that are away, listed in part, or take no marked copies: each told once, while it lasts."""
    known = {one.name: one for one in remote_looks(connection)}
    found: list[Matter] = []
    for remote in _declared(ctx):
        look, place = known.get(remote.name), shown_address(remote.url)
        if look is None or look.place != place or look.since is None:
            continue
        if look.state == "away" and now - look.since > PATIENCE:
            found.append(_away(look))
        if look.state == "partly":
            found.append(_partly(look))
        if look.kept_from_returning and not remote.url.startswith(("http://", "https://")):
            found.append(_not_returning(look))
    return found


def _away(look: RemoteLook) -> Matter:
    then = "Nothing is taken for gone: the rows of its files stand. Fetching goes on by itself once it is there again."
    return _matter(f"{look.name}:away:{_iso(look.since) or ''}", f"{look.place} is away", then, (look.problem or "",))


def _partly(look: RemoteLook) -> Matter:
    then = "What could be listed is read. Nothing is taken for gone until it can be listed as a whole."
    return _matter(f"{look.name}:partly:{_iso(look.since) or ''}", f"{look.place} was listed in part", then, look.notes)


def _not_returning(look: RemoteLook) -> Matter:
    why = look.kept_from_returning or ""
    then = "Let s2p write there, into s2p-returned/. Until then owners find them on the screen and in their messages."
    title = f"Marked copies cannot be put into {look.place}"
    return _matter(f"{look.name}:returning:{look.kept_from_returning}", title, then, (why,))


def _matter(about: str, title: str, then: str, lines: Sequence[str]) -> Matter:
    return Matter("remote", about, title, then, tuple(lines[:MOST_LINES]), more=max(0, len(lines) - MOST_LINES))
