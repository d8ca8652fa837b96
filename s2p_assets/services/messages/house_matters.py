"""What there is to tell about the installation: reports, models, disks, shelf files, and messages that did not arrive.

What is known to Dagster alone (runs, drift) is found in `graph/`; files are in `file_matters.py`.
"""

import datetime as dt
import shutil
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import psycopg

from s2p_assets.learning.registry.mlflow_tables import Tenure
from s2p_assets.messaging.address_book import AddressBook
from s2p_assets.messaging.matters import Matter
from s2p_assets.messaging.record import read_messages
from s2p_assets.publishing.document.wording import format_long_date, use_locale
from s2p_assets.publishing.editions.published import Edition, editions, folder_name
from s2p_assets.publishing.editions.renewal_faults import read_faults
from s2p_assets.services.context import Context
from s2p_assets.services.left_out import LET_IN, left_out
from s2p_assets.services.messages.file_matters import place_on_share
from s2p_assets.services.model_cards import BY_TEST
from s2p_assets.services.subscriptions import subscribers
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.share import ShareMissing

MEGABYTE = 1 << 20


def held_back_matters(ctx: Context) -> list[Matter]:
    """The reports that cannot be renewed, each with the fault that is oldest."""
    found = []
    for report in ctx.catalog.reports.values():
        faults = read_faults(ctx.settings.reports / folder_name(report.full_name))
        if faults:
            found.append(
                Matter(
                    "held_back",
                    f"{report.full_name}:{faults[0].what}:{faults[0].since.isoformat()}",
                    f"{report.title} cannot be renewed: its last good edition stands",
                    "Nothing has to be done by its readers; it says so itself, and is renewed as soon as it can be.",
                    tuple(f"{fault.what}: {fault.why}" for fault in faults),
                    owner=report.owner,
                )
            )
    return found


def champion_matters(ctx: Context, since: dt.datetime) -> list[Matter]:
    """The models that were put in service since, in place of others."""
    found = []
    for contest in ctx.catalog.contests.values():
        tenure = newest_change(ctx.registry.state(contest.domain, contest.name).tenures)
        if tenure and dt.datetime.fromisoformat(tenure.since) >= since:
            found.append(
                Matter(
                    "champion",
                    f"{contest.full_name}:{tenure.number}",
                    f"{tenure.model} is in service for {contest.full_name} now",
                    f"Nothing has to be done. The way back: s2p champion {contest.full_name} --back --because REASON",
                    tuple(filter(None, (tenure.why, tenure.change))),
                    owner=contest.owner,
                )
            )
    return found


def newest_change(tenures: Sequence[Tenure]) -> Tenure | None:
    """The last time that another model took over, or a person put one in; the same one, trained again, is no news."""
    for before, now in reversed(list(pairwise(tenures))):
        if now.model != before.model or now.by != BY_TEST:
            return now
    return None


def leak_matters(ctx: Context) -> list[Matter]:
    """The contests whose model in service was kept from columns that know the outcome, until a person settles it."""
    found = []
    for contest in ctx.catalog.contests.values():
        champion = ctx.registry.state(contest.domain, contest.name).champion
        says = left_out(ctx.registry, contest, champion)
        if says:
            found.append(
                Matter(
                    "leak",
                    f"{contest.full_name}:{'; '.join(says)}",
                    f"{contest.full_name} was not allowed to learn from columns that know the outcome",
                    LET_IN,
                    tuple(says),
                    owner=contest.owner,
                )
            )
    return found


def report_matters(ctx: Context, connection: psycopg.Connection, book: AddressBook, since: dt.datetime) -> list[Matter]:
    """The newest edition of each report that somebody subscribed to, if it was made since.

    Who asked for a report on the screen gets the editions that are made after that.
    """
    asked = subscribers(connection)
    wanted = [name for name in ctx.catalog.reports if name in book.reports or name in asked]
    if not wanted:
        return []
    newest: dict[str, Edition] = {}
    for edition in editions(ctx.settings.reports):
        newest.setdefault(edition.folder.parent.name, edition)
    found = []
    with use_locale(ctx.settings.locale):
        for name in wanted:
            made = newest.get(folder_name(name))
            if made and made.made_at >= since:
                later = [to for to, at in asked.get(name, ()) if at <= made.made_at]
                to = dict.fromkeys((*book.reports.get(name, ()), *later))
                found += [_report_matter(ctx, name, made, tuple(to))] if to else []
    return found


def _report_matter(ctx: Context, name: str, edition: Edition, to: tuple[str, ...]) -> Matter:
    return Matter(
        "report",
        f"{name}:{edition.as_of}",
        f"{edition.title}, {format_long_date(edition.as_of)}",
        edition.headline,
        to=to,
        attachments=(str(edition.pdf),),
        place=f"With the workbook behind it: {place_on_share(ctx.settings, edition.folder)}"
        f"{_on_screen(ctx.settings, name)}",
    )


def _on_screen(settings: Settings, report: str) -> str:
    """Where a report is read on the screen, if there is an address that others can open."""
    return f". On the screen: {settings.address}/reports/{folder_name(report)}" if settings.public_url else ""


def installation_matters(ctx: Context, share_problem: ShareMissing | None) -> list[Matter]:
    """Shelf files that are left out, disks that fill, a share that is not there."""
    faults = [
        Matter(
            "installation",
            f"shelf:{fault}",
            "A shelf file is left out",
            "Correct it; all others are loaded.",
            (str(fault),),
        )
        for fault in ctx.catalog.faults
    ]
    share = [
        Matter(
            "installation",
            "share",
            "The share drive is not there",
            "Connect it again. Nothing is read until then; the rows of its files stand.",
            (str(share_problem),),
        )
    ]
    return [*faults, *(share if share_problem else []), *full_disks(ctx.settings)]


def full_disks(settings: Settings) -> Iterator[Matter]:
    """The disks of the home, the share, the results and the backups that have less room than the settings ask for."""
    seen = set[int]()
    places: dict[str, Path | None] = {
        "S2P_HOME": settings.home,
        "the share": settings.share,
        "S2P_RESULTS": settings.results,
    }
    places |= {"S2P_BACKUP_TO": settings.backup_to, "S2P_WAL_ARCHIVE": settings.wal_archive}
    for what, folder in places.items():
        if folder is None:
            continue
        try:
            device, room = folder.stat().st_dev, shutil.disk_usage(folder)
        except OSError:
            continue  # a share that is not there is told by itself
        if device not in seen and room.free < settings.disk_free_mb * MEGABYTE:
            free = f"{room.free // MEGABYTE:,} MB of {room.total // MEGABYTE:,} MB are free"
            yield Matter(
                "installation",
                f"disk:{folder}",
                f"The disk of {what} fills: less than {settings.disk_free_mb:,} MB are free",
                "Make room there, or give it a larger disk; when it is full nothing more is loaded.",
                (f"{folder}: {free}",),
            )
        seen.add(device)


def undelivered_matters(connection: psycopg.Connection, engineers: Iterable[str]) -> list[Matter]:
    """The recipients that messages cannot be delivered to, without the engineers themselves."""
    refused = {
        message.recipient: message
        for message in reversed(read_messages(connection, ["refused"]))
        if message.recipient not in engineers
    }
    return [
        Matter(
            "undelivered",
            f"{recipient}:{message.error}",
            f"Messages to {recipient} are refused",
            "Correct the address in the contract or in the address book, then: s2p messages --again",
            (message.error or "", *message.titles[:3]),
        )
        for recipient, message in refused.items()
    ]
