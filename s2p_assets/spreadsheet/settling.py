"""Which files of a share stand still: their size and date were the same in two looks.

Looking belongs to `share.py`; what becomes of a file that stands still is decided elsewhere.
"""

from s2p_assets.spreadsheet.share import SharedFile, ShareScan

SharedFiles = tuple[SharedFile, ...]


def settled_files(now: ShareScan, before: ShareScan, settled: ShareScan) -> ShareScan:
    """What stands still at the look `now`, file by file; a file that moves is shown as it last stood still.
    What people entered is there whole, or not at all.

    `before`: the look before it; `settled`: what stood still then. A file counts as gone once both looks miss it.
    """
    found = {
        name: _settled(files, before.files.get(name, ()), settled.files.get(name, ()))
        for name, files in now.files.items()
    }
    return ShareScan(found, _settled(now.unclaimed, before.unclaimed, settled.unclaimed), now.entered)


def _settled(now: SharedFiles, before: SharedFiles, settled: SharedFiles) -> SharedFiles:
    if now == before:
        return now
    still = set(now) & set(before)
    moving = {file.relative for file in {*now, *before} - still}
    return tuple(sorted(still | {file for file in settled if file.relative in moving}))
