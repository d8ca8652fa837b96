"""A file that somebody hands in where the share itself lies elsewhere: put there first, as the share is what counts."""

import contextlib
from pathlib import Path

from s2p_assets.fetching.logins import login_of, read_logins
from s2p_assets.fetching.opening import open_remote
from s2p_assets.fetching.remote_files import RemoteAway, RemoteRefused
from s2p_assets.services.context import Context


def hand_to_remote_share(ctx: Context, file: Path, path: str) -> None:
    """Put a file on the share, where that lies elsewhere; nothing where it does not.

    Raises RemoteAway where it cannot be put there. The next look fetches it from there, as any other.
    """
    share = ctx.settings.remote_share
    if share is None:
        return
    login = login_of(read_logins(ctx.settings.remotes), share)
    with contextlib.closing(open_remote(share.url, login)) as there:
        try:
            there.put(path, file)
        except RemoteRefused as problem:
            raise RemoteAway(f"{there.place}: {path} cannot be put there: {problem}") from None
