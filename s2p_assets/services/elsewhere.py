"""All that is fetched from elsewhere, once or again and again: remote folders, each at its own pace, and the mailbox.

How one is fetched is in the room of its kind.
"""

import logging
import threading
from collections.abc import Callable
from typing import cast

from s2p_assets.contracts.errors import MendableError
from s2p_assets.remote_folder import RemoteFolder
from s2p_assets.services.context import Context
from s2p_assets.services.logs import log_event
from s2p_assets.services.mailbox.taking import MailboxResult, has_mailbox, look_at_mailbox
from s2p_assets.services.remotes.fetching import FetchResult, every_remote, fetch_remote, remote_named
from s2p_assets.warehouse.files.remotes import RemoteState

LONGEST_PAUSE_SECONDS = 600.0


class NothingElsewhere(MendableError):
    """Nothing is declared that lies elsewhere."""


def require_elsewhere(ctx: Context, name: str | None = None) -> None:
    """Raises NothingElsewhere, and NoSuchRemote for a name that there is none of."""
    if name is not None:
        remote_named(ctx, name)
    elif not is_anything_elsewhere(ctx):
        raise NothingElsewhere(
            "nothing lies elsewhere: name a remote folder in S2P_SHARE or on a workbook, or S2P_MAILBOX_HOST; "
            "docs/remote.md says how"
        )


def is_anything_elsewhere(ctx: Context) -> bool:
    return bool(every_remote(ctx)) or has_mailbox(ctx.settings)


def fetch_once(ctx: Context, name: str | None, progress: Callable[[str], None]) -> list[FetchResult]:
    """Look at every remote folder once, or at the one of a name. Raises NoSuchRemote and DatabaseUnreachable."""
    found = []
    for remote in [remote_named(ctx, name)] if name else every_remote(ctx):
        progress(f"fetching from {remote.name}")
        found.append(fetch_remote(ctx, remote))
    if has_mailbox(ctx.settings) and name is None:
        progress("looking at the mailbox")
        found.append(_as_fetched(ctx, look_at_mailbox(ctx)))
    return found


def _as_fetched(ctx: Context, look: MailboxResult) -> FetchResult:
    """A look at the mailbox, told like one at a folder."""
    notes = [f"{count:,} {'mail' if count == 1 else 'mails'} {state}" for state, count in look.counts.items()]
    place, state = f"the mailbox at {ctx.settings.mailbox_host}", "away" if look.problem else "fetched"
    notes = [note for note in notes if not note.endswith("taken")]
    return FetchResult("mailbox", place, cast("RemoteState", state), look.problem, look.taken, notes=notes)


def watch_elsewhere(ctx: Context, ended: threading.Event) -> None:
    """Fetch until `ended`, each remote folder in a thread of its own, so that none waits for another."""
    for remote in every_remote(ctx):
        threading.Thread(target=_keep_fetching, args=(ctx, remote, ended), daemon=True, name=remote.name).start()
    if has_mailbox(ctx.settings):
        threading.Thread(target=_keep_looking, args=(ctx, ended), daemon=True, name="mailbox").start()
    ended.wait()


def _keep_looking(ctx: Context, ended: threading.Event) -> None:
    """At the mailbox; one that is away is asked again at the same pace, as it is the company's own."""
    while not ended.is_set():
        try:
            _tell(_as_fetched(ctx, look_at_mailbox(ctx)))
        except Exception as error:  # the database is away, or a fault of ours: the next look may fare better
            log_event("fetch", f"mailbox: {type(error).__name__}: {error}", level=logging.WARNING)
        ended.wait(ctx.settings.remote_seconds)


def _keep_fetching(ctx: Context, remote: RemoteFolder, ended: threading.Event) -> None:
    """A folder that stays away is asked less and less often."""
    pause = ctx.settings.remote_seconds
    while not ended.is_set():
        try:
            done = fetch_remote(ctx, remote)
            _tell(done)
            away = done.state == "away"
        except Exception as error:  # the database is away, or a fault of ours: the other folders go on
            log_event("fetch", f"{remote.name}: {type(error).__name__}: {error}", level=logging.WARNING)
            away = True
        longest = max(LONGEST_PAUSE_SECONDS, ctx.settings.remote_seconds)
        pause = min(2 * pause, longest) if away else ctx.settings.remote_seconds
        ended.wait(pause)


def _tell(done: FetchResult) -> None:
    if done.problem:
        log_event("fetch", done.problem, level=logging.WARNING, remote=done.name)
    elif done.fetched or done.gone or done.put:
        says = f"{done.place}: {len(done.fetched):,} fetched, {len(done.gone):,} gone, {len(done.put):,} put there"
        log_event("fetch", says, remote=done.name)
