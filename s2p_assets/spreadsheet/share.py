"""Looking at the share drive: which files lie there, whose they may be, and whether anything changed.

No file is opened here; what is in a file is read elsewhere.
"""

import hashlib
import os
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from s2p_assets.spreadsheet.book import SUFFIXES
from s2p_assets.spreadsheet.claims import claimants
from s2p_assets.spreadsheet.contract import Workbook

_TEMPORARY = (".tmp", ".temp", ".part", ".partial", ".crdownload", ".download", ".swp", ".lock")


class ShareMissing(Exception):
    """The share drive cannot be looked at; the message is one line."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A spreadsheet on the share. `relative`: its path below the share, with `/`, in NFC."""

    path: Path
    relative: str
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Look:
    """What one look found: per workbook name the files that it may claim, and the files nobody may."""

    files: dict[str, tuple[FoundFile, ...]]
    unclaimed: tuple[FoundFile, ...]

    def digest(self, name: str) -> str:
        """32 hex digits over the names, sizes and dates of one workbook's files; KeyError for an unknown name."""
        sums = hashlib.blake2b(digest_size=16)
        for file in sorted(self.files[name], key=lambda found: found.relative):
            sums.update(f"{file.relative}\0{file.size}\0{file.mtime_ns}\n".encode("utf-8", "surrogateescape"))
        return sums.hexdigest()


def look(
    share: Path, workbooks: Sequence[Workbook], skip: frozenset[str] = frozenset({"s2p-returned", "s2p-reports"})
) -> Look:
    """Every spreadsheet below `share`, sorted by name, under each workbook whose patterns match it.

    Links, pipes, owner files, dotfiles, temporary files and the folders in `skip` are passed over.
    Raises ShareMissing.
    """
    files: dict[str, list[FoundFile]] = {workbook.name: [] for workbook in workbooks}
    unclaimed: list[FoundFile] = []
    for file in sorted(_spreadsheets(share, skip), key=lambda found: found.relative):
        claims = claimants(file.relative, workbooks)
        for workbook in claims:
            files[workbook.name].append(file)
        if not claims:
            unclaimed.append(file)
    return Look({name: tuple(found) for name, found in files.items()}, tuple(unclaimed))


def _spreadsheets(share: Path, skip: frozenset[str]) -> Iterator[FoundFile]:
    try:
        first = list(os.scandir(share))
    except OSError as error:
        raise ShareMissing(f"the share {share} cannot be read ({error.strerror}); is the drive connected?") from error
    waiting = [("", first)]
    while waiting:
        folder, entries = waiting.pop()
        for entry in entries:
            if is_passed_over(entry.name) or (not folder and entry.name in skip):
                continue
            relative = f"{folder}{entry.name}"
            try:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((f"{relative}/", list(os.scandir(entry.path))))
                elif is_spreadsheet(entry.name):
                    yield from _found(entry, relative)
            except OSError:
                continue


def _found(entry: "os.DirEntry[str]", relative: str) -> Iterator[FoundFile]:
    state = entry.stat(follow_symlinks=False)
    if stat.S_ISREG(state.st_mode):
        yield FoundFile(Path(entry.path), unicodedata.normalize("NFC", relative), state.st_size, state.st_mtime_ns)


def is_passed_over(name: str) -> bool:
    """Whether a file or folder of this name is never an input: owner files, dotfiles, temporary files."""
    return name.startswith((".", "~")) or name.lower().endswith(_TEMPORARY)


def is_spreadsheet(name: str) -> bool:
    """Whether the name has a spreadsheet's suffix."""
    return PurePosixPath(name.strip()).suffix.lower() in SUFFIXES
