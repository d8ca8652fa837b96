"""Which files of a share stand still: their size and date were the same in two looks.

Looking belongs to `share.py`; what becomes of a file that stands still is decided elsewhere.
"""

from s2p_assets.spreadsheet.share import FoundFile, Look

Files = tuple[FoundFile, ...]


def at_rest(now: Look, before: Look, rested: Look) -> Look:
    """What stands still at the look `now`, file by file; a file that moves is shown as it last stood still.

    `before`: the look before it; `rested`: what stood still then. A file counts as gone once both looks miss it.
    """
    found = {
        name: _files_at_rest(files, before.files.get(name, ()), rested.files.get(name, ()))
        for name, files in now.files.items()
    }
    return Look(found, _files_at_rest(now.unclaimed, before.unclaimed, rested.unclaimed))


def _files_at_rest(now: Files, before: Files, rested: Files) -> Files:
    if now == before:
        return now
    still = set(now) & set(before)
    moving = {file.relative for file in {*now, *before} - still}
    return tuple(sorted(still | {file for file in rested if file.relative in moving}))
