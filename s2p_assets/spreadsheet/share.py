"""Looking at the share drive: which files lie there, whose they may be, and whether anything changed.

No file is opened here; what is in a file is read elsewhere.
"""

import hashlib
import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from s2p_assets.catalog.paths import compile_patterns
from s2p_assets.contracts.errors import MendableError
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.book import SPREADSHEET_SUFFIXES

_SUFFIXES = tuple(SPREADSHEET_SUFFIXES)
_TEMPORARY = (".tmp", ".temp", ".part", ".partial", ".crdownload", ".download", ".swp", ".lock")


class ShareMissing(MendableError):
    """The share drive cannot be looked at; the message is one line."""


class SharedFile(NamedTuple):
    """A spreadsheet on the share. `relative`: its path below the share, with `/`, in NFC."""

    relative: str
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class ShareScan:
    """What one look found: per workbook name the files that it may claim, and the files nobody may."""

    files: dict[str, tuple[SharedFile, ...]]
    unclaimed: tuple[SharedFile, ...]

    def digest(self, name: str) -> str:
        """32 hex digits over the names, sizes and dates of one workbook's files; KeyError for an unknown name."""
        return self._digests[name]

    @property
    def unclaimed_digest(self) -> str:
        """32 hex digits over the names of the files nobody may claim."""
        return _digest(SharedFile(file.relative, 0, 0) for file in self.unclaimed)

    @cached_property
    def _digests(self) -> dict[str, str]:
        return {name: _digest(files) for name, files in self.files.items()}


def _digest(files: Iterable[SharedFile]) -> str:
    lines = "".join(f"{relative}\0{size}\0{mtime_ns}\n" for relative, size, mtime_ns in sorted(files))
    return hashlib.blake2b(lines.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def scan_share(
    share: Path, workbooks: Sequence[Workbook], skip: frozenset[str] = frozenset({"s2p-returned", "s2p-reports"})
) -> ShareScan:
    """Every spreadsheet below `share`, sorted by name, under each workbook whose patterns match it.

    Links, pipes, owner files, dotfiles, temporary files and the folders in `skip` are passed over.
    Raises ShareMissing.
    """
    files: dict[str, list[SharedFile]] = {workbook.full_name: [] for workbook in workbooks}
    claims = [(compile_patterns(workbook.patterns).fullmatch, files[workbook.full_name]) for workbook in workbooks]
    unclaimed: list[SharedFile] = []
    for file in sorted(_spreadsheets(share, skip)):
        claimed = False
        for matches, of_workbook in claims:
            if matches(file.relative):
                of_workbook.append(file)
                claimed = True
        if not claimed:
            unclaimed.append(file)
    return ShareScan({name: tuple(found) for name, found in files.items()}, tuple(unclaimed))


def _spreadsheets(share: Path, skip: frozenset[str]) -> Iterator[SharedFile]:
    try:
        first = list(os.scandir(share))
    except OSError as error:
        raise ShareMissing(f"the share {share} cannot be read ({error.strerror}); is the drive connected?") from error
    waiting = [("", first)]
    while waiting:
        folder, entries = waiting.pop()
        for entry in entries:
            if is_ignored_name(entry.name) or (not folder and entry.name in skip):
                continue
            relative = f"{folder}{entry.name}"
            try:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((f"{relative}/", list(os.scandir(entry.path))))
                elif is_spreadsheet(entry.name) and stat.S_ISREG((state := entry.stat(follow_symlinks=False)).st_mode):
                    yield SharedFile(unicodedata.normalize("NFC", relative), state.st_size, state.st_mtime_ns)
            except OSError:
                continue


def is_ignored_name(name: str) -> bool:
    """Whether a file or folder of this name is never an input: owner files, dotfiles, temporary files."""
    return name.startswith((".", "~")) or name.lower().endswith(_TEMPORARY)


def is_spreadsheet(name: str) -> bool:
    """Whether the name has a spreadsheet's suffix."""
    return name.strip().lower().endswith(_SUFFIXES)
