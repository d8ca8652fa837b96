"""What the archive could give back: everything that no edition, model, tag or stored row needs.

Which versions of files counted at a moment is the ledger's to say.
"""

import datetime as dt
from dataclasses import dataclass

from s2p_assets.publishing.editions.published import editions
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.warehouse.files.tags import Tag, add_tag, read_tags, remove_tag
from s2p_assets.warehouse.files.unneeded import UnneededFile, remove_unneeded, unneeded_files


@dataclass(frozen=True)
class ArchiveRoom:
    """What nothing needs. `kept`: how many moments of editions, models and tags were asked for, by what they are of."""

    files: tuple[UnneededFile, ...]
    kept: dict[str, int]
    removed: bool

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


def archive_room(ctx: Context, *, remove: bool = False) -> ArchiveRoom:
    """What the archive could give back; with `remove` it does."""
    moments = kept_moments(ctx)
    every = [moment for some in moments.values() for moment in some]
    with ctx.warehouse.connect() as connection:
        files = unneeded_files(connection, ctx.settings.archive, every)
        if remove and files:
            remove_unneeded(connection, ctx.settings.archive, files)
    return ArchiveRoom(tuple(files), {what: len(some) for what, some in moments.items()}, remove)


def kept_moments(ctx: Context) -> dict[str, list[dt.datetime]]:
    """The moments whose files are kept: of editions on the share, of versions of models, and of tags."""
    models: list[dt.datetime] = []
    for contest in ctx.catalog.contests.values():
        for record in ctx.registry.state(contest.domain, contest.name).versions:
            models.append(dt.datetime.fromisoformat(record.trained_at))
            reason = ctx.registry.reason(contest.domain, contest.name, record)
            if reason and reason.features_at:
                models.append(dt.datetime.fromisoformat(reason.features_at))
    with ctx.warehouse.reading() as connection:
        tags = [tag.moment for tag in read_tags(connection)]
    return {"editions": [one.made_at for one in editions(ctx.settings.reports)], "models": models, "tags": tags}


def tag_state(ctx: Context, name: str, as_of: str | None, reason: str, made_by: str) -> Tag:
    """Pin what is known now, or was at a moment, under a name. Raises NotFound for a name that is taken or odd."""
    from s2p_assets.services.as_of import parse_as_of

    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise NotFound(f"{name[:100]!r} is no name for a state; write one such as annual-2026")
    moment = parse_as_of(as_of) if as_of else dt.datetime.now().astimezone()
    with ctx.warehouse.writing() as connection:
        if not add_tag(connection, name, moment, reason, made_by):
            raise NotFound(f"{name!r} is the name of a state already; take another, or remove it with --remove")
        return next(tag for tag in read_tags(connection) if tag.name == name)


def untag_state(ctx: Context, name: str) -> None:
    """Take the name away, and what was kept for it alone may go. Raises NotFound."""
    with ctx.warehouse.writing() as connection:
        if not remove_tag(connection, name):
            raise NotFound(f"{name!r} is the name of no state; `s2p tag` lists them")
