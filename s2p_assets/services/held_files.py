"""What a person decides about files: a held one is accepted, the rows of one that is gone are kept.

Why a file is held is decided in the warehouse room.
"""

from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.warehouse.files import decisions


def accept_file(ctx: Context, path: str) -> list[str]:
    """Accept a held file as it is; the kinds of workbook that it is. Raises NotFound where it is not held."""
    with ctx.warehouse.connect() as connection:
        found = decisions.confirm_file(connection, path)
    if not found:
        raise NotFound(f"{path}: no such file is held; `s2p status` lists those that are, by their paths on the share")
    return found


def keep_file(ctx: Context, path: str) -> list[str]:
    """Keep the rows of a file that is gone from the share. Raises NotFound where it is there, or has no rows."""
    with ctx.warehouse.connect() as connection:
        found = decisions.keep_rows(connection, path)
    if not found:
        raise NotFound(
            f"{path}: no file of that path is gone from the share and has rows; `s2p status` lists those that are, "
            "from the first run after they went"
        )
    return found
