"""Looking at the share drive: which files lie there, whose they may be, and whether anything changed.

No file is opened here; what is in a file is read elsewhere.
"""

import hashlib
import itertools
import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from s2p_assets.catalog.paths import claims_path, compile_patterns, path_inside
from s2p_assets.contracts.entered import ENTRIES_FOLDER
from s2p_assets.contracts.errors import MendableError
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.remote_folder import MAIL_FOLDER, REMOTE_FOLDER
from s2p_assets.spreadsheet.book import SPREADSHEET_SUFFIXES
from s2p_assets.spreadsheet.not_workbooks import (
    READABLE_WHEN_NAMED,
    is_sheet_of_another,
    name_suffix,
    nobody_means,
    what_to_do,
)

OWN_FOLDERS = frozenset({"s2p-returned", "s2p-reports", ENTRIES_FOLDER, REMOTE_FOLDER, MAIL_FOLDER})
"""What lies at the top of a share and is s2p's own."""
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
    """What one look found: per workbook name the files that it may claim, and the files nobody may.

    `entered`: per workbook name what lies in its folder of what people entered, which is read by nobody's path.
    """

    files: dict[str, tuple[SharedFile, ...]]
    unclaimed: tuple[SharedFile, ...]
    entered: dict[str, tuple[SharedFile, ...]] = field(default_factory=dict)

    def digest(self, name: str) -> str:
        """32 hex digits over the names, sizes and dates of one workbook's files; KeyError for an unknown name."""
        return self._digests[name]

    def of(self, name: str) -> tuple[SharedFile, ...]:
        """What lies there of one kind of workbook, dropped or entered."""
        return (*self.files.get(name, ()), *self.entered.get(name, ()))

    @property
    def unclaimed_digest(self) -> str:
        """32 hex digits over the names of the files nobody may claim."""
        return _digest(SharedFile(file.relative, 0, 0) for file in self.unclaimed)

    @cached_property
    def _digests(self) -> dict[str, str]:
        return {name: _digest(self.of(name)) for name in self.files}


def _digest(files: Iterable[SharedFile]) -> str:
    lines = "".join(f"{relative}\0{size}\0{mtime_ns}\n" for relative, size, mtime_ns in sorted(files))
    return hashlib.blake2b(lines.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def scan_share(
    share: Path,
    workbooks: Sequence[Workbook],
    skip: frozenset[str] = OWN_FOLDERS,
    elsewhere: Mapping[str, Path] = {},
) -> ShareScan:
    """Every spreadsheet below `share`, sorted by name, under each workbook whose patterns match it.

    `elsewhere`: what was fetched from other places, by the folder under which the ledger names its files.

    A file of another kind is a workbook's where a pattern ends with its suffix, such as `*.txt`; else it is unclaimed
    where a person may think that it is read.

    Links, pipes, owner files, dotfiles, temporary files and the folders in `skip` are passed over.
    Raises ShareMissing.
    """
    files: dict[str, list[SharedFile]] = {workbook.full_name: [] for workbook in workbooks}
    claims = [_Claim(workbook, files[workbook.full_name]) for workbook in workbooks]
    unclaimed: list[SharedFile] = []
    fetched = (_beneath(prefix, folder) for prefix, folder in elsewhere.items() if folder.is_dir())
    for file in sorted(itertools.chain(_candidates(share, skip), *fetched)):
        claimed = False
        for claim in claims:
            if claim.takes(file.relative):
                claim.files.append(file)
                claimed = True
        if not claimed and (is_spreadsheet(file.relative) or _may_be_expected(file.relative, claims)):
            unclaimed.append(file)
    return ShareScan({name: tuple(found) for name, found in files.items()}, tuple(unclaimed))


def _beneath(prefix: str, folder: Path) -> Iterator[SharedFile]:
    """What was fetched from elsewhere, by its paths in the ledger."""
    for file in _candidates(folder, OWN_FOLDERS):
        yield file._replace(relative=f"{prefix}/{file.relative}")


def scan_entries(folder: Path) -> dict[str, tuple[SharedFile, ...]]:
    """What lies in the folder of what people entered: kind of workbook → its files, by their paths in the ledger."""
    found: dict[str, list[SharedFile]] = {}
    for file in sorted(_candidates(folder, frozenset())) if folder.is_dir() else ():
        workbook, _, name = file.relative.partition("/")
        here = file._replace(relative=f"{ENTRIES_FOLDER}/{file.relative}")
        found.setdefault(workbook if name else "", []).append(here)
    return {name: tuple(files) for name, files in found.items()}


class _Claim:
    """What one workbook claims by its patterns, and the files that it got."""

    def __init__(self, workbook: Workbook, files: list[SharedFile]) -> None:
        self.files = files
        self._workbook, patterns = workbook, workbook.patterns
        self._suffixes = {name_suffix(pattern) for pattern in patterns} & READABLE_WHEN_NAMED
        self._folders = tuple(_literal_folder(pattern) for pattern in patterns)
        bare = tuple(pattern[: -len(suffix)] for pattern in patterns if (suffix := name_suffix(pattern)))
        self._matches_stem = compile_patterns(bare).fullmatch if bare else None

    def takes(self, relative: str) -> bool:
        """Whether a file at this path is the workbook's: a spreadsheet, or of a kind that a pattern names."""
        if not is_spreadsheet(relative) and name_suffix(relative) not in self._suffixes:
            return False
        return claims_path(self._workbook, relative)

    def looks_where(self, relative: str) -> bool:
        """Whether the workbook's files lie where this one lies, or are called so but for the suffix."""
        relative = path_inside(self._workbook, relative) or ""
        folder = unicodedata.normalize("NFC", relative).casefold()
        if any(place and folder.startswith(place) for place in self._folders):
            return True
        stem = relative[: -len(suffix)] if (suffix := name_suffix(relative)) else relative
        return self._matches_stem is not None and self._matches_stem(stem) is not None


def _literal_folder(pattern: str) -> str:
    """`prices/**/*.xls*` → `prices/`; empty where a pattern looks everywhere."""
    folders = pattern.removeprefix("./").lstrip("/").split("/")[:-1]
    fixed = list(itertools.takewhile(lambda part: not any(mark in part for mark in "*?["), folders))
    return unicodedata.normalize("NFC", "".join(f"{part}/" for part in fixed)).casefold()


def _may_be_expected(relative: str, claims: Sequence[_Claim]) -> bool:
    """Whether a person may think that a file is read which is not: a sheet of another program anywhere, else a file
    that may hold a table in the share's top folder, or where a workbook's files lie.
    """
    if nobody_means(relative):
        return False
    if is_sheet_of_another(relative):
        return True
    return "/" not in relative or any(claim.looks_where(relative) for claim in claims)


def _candidates(share: Path, skip: frozenset[str]) -> Iterator[SharedFile]:
    """Every spreadsheet, and every file that may be taken for one."""
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
                elif is_looked_at(entry.name) and stat.S_ISREG((state := entry.stat(follow_symlinks=False)).st_mode):
                    yield SharedFile(unicodedata.normalize("NFC", relative), state.st_size, state.st_mtime_ns)
            except OSError:
                continue


def is_looked_at(name: str) -> bool:
    """Whether a file of this name is an input, or one that a person may take for one."""
    return is_spreadsheet(name) or is_sheet_of_another(name) or what_to_do(name) is not None


def is_ignored_name(name: str) -> bool:
    """Whether a file or folder of this name is never an input: owner files, dotfiles, temporary files."""
    return name.startswith((".", "~")) or name.lower().endswith(_TEMPORARY)


def is_spreadsheet(name: str) -> bool:
    """Whether the name has a spreadsheet's suffix."""
    return name.strip().lower().endswith(_SUFFIXES)
