"""What a person decides about files: a held one is accepted, the rows of one that is gone are kept.

Why a file is held is decided in the warehouse room.
"""

from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.share import look_at_share
from s2p_assets.warehouse.files import decisions
from s2p_assets.warehouse.files.ledger import ledger_path


def accept_file(ctx: Context, path: str) -> dict[str, list[str]]:
    """Accept a held file as it is; by kind of workbook, the questions that are answered by it.

    Raises NotFound where it is not held, and where it is not the same file any more that a person was asked about.
    """
    with ctx.warehouse.writing() as connection:
        held = decisions.held_version(connection, path)
        if held is None:
            raise NotFound(
                f"{path}: no such file is held; `s2p status` lists those that are, by their paths on the share"
            )
        if held not in _on_the_share(ctx, path):
            raise NotFound(
                f"{path}: it was changed or taken away since it was held; the next run looks at it anew, decide then"
            )
        return decisions.confirm_file(connection, path)


def _on_the_share(ctx: Context, path: str) -> list[tuple[int, int]]:
    """Size and date of the file of this path on the share."""
    files = (file for found in look_at_share(ctx).files.values() for file in found)
    return [(file.size, file.mtime_ns) for file in files if ledger_path(file.relative) == ledger_path(path)]


def keep_file(ctx: Context, path: str) -> list[str]:
    """Keep the rows of a file that is gone from the share. Raises NotFound where it is there, or has no rows."""
    with ctx.warehouse.writing() as connection:
        found = decisions.keep_rows(connection, path)
    if not found:
        raise NotFound(
            f"{path}: no file of that path is gone from the share and has rows; `s2p status` lists those that are, "
            "from the first run after they went"
        )
    return found
