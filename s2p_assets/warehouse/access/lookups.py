"""Whose a cookie or a token is, asked by a server at every request that it has not seen lately.

Everything else about users and tokens is in `users.py` and `secrets.py`.
"""

import datetime as dt

import asyncpg

OF_SESSION = """
select u.email, u.name, u.role, u.groups, s.expires_at, s.seen_at < now() - interval '5 minutes' as stale
from s2p.sessions s join s2p.users u on u.id = s.user_id
where s.hash = $1 and s.expires_at > now() and s.seen_at > now() - $2::interval and u.disabled_at is null
"""
BY_DIGEST = """
select name, role, groups, workbooks, expires_at from s2p.tokens
where hash = $1 and revoked_at is null and expires_at > now()
"""
CHANNEL = "s2p_access"


async def session_of(pool: asyncpg.Pool, digest: bytes, idle_seconds: float) -> asyncpg.Record | None:
    """Whose session it is; none where it ended, or nobody used it for so long."""
    found = await pool.fetchrow(OF_SESSION, digest, dt.timedelta(seconds=idle_seconds))
    if found and found["stale"]:
        await pool.execute("update s2p.sessions set seen_at = now() where hash = $1", digest)
    return found


async def token_of(pool: asyncpg.Pool, digest: bytes) -> asyncpg.Record | None:
    return await pool.fetchrow(BY_DIGEST, digest)


async def restricted(pool: asyncpg.Pool) -> dict[str, frozenset[str]]:
    """Thing → the groups that may see it."""
    rows = await pool.fetch("select thing, array_agg(group_name) as groups from s2p.restrictions group by thing")
    return {row["thing"]: frozenset(row["groups"]) for row in rows}
