"""A folder elsewhere as every kind of it is spoken to: listed, read and written by paths below it, within bounds.

How each kind does that is in its own module; whether a file is fetched is decided in `services/`.
"""

import contextlib
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from s2p_assets.contracts.errors import MendableError

MOST_ENTRIES, MOST_FOLDERS, DEEPEST = 100_000, 20_000, 40
LONGEST_LISTING_SECONDS = 600.0
LONGEST_NAME, LONGEST_PATH = 255, 1_000
NOTES_KEPT = 50


class RemoteAway(MendableError):
    """A remote folder cannot be reached, or not be used as it is set; one line without a secret."""


class RemoteRefused(MendableError):
    """One file or folder there cannot be read or written; the rest can."""


@dataclass(frozen=True, slots=True)
class RemoteEntry:
    """What a listing says of a file or folder: `path` below the root, `/` between folders.

    `modified_ns`: Unix time in ns; `etag`: what its server calls this content. None where a server does not say.
    `is_link`: a link, a device, or else nothing to be read.
    """

    path: str
    is_folder: bool = False
    size: int | None = None
    modified_ns: int | None = None
    etag: str | None = None
    is_link: bool = False

    @property
    def version(self) -> tuple[int | None, int | None, str | None]:
        """What tells its content from others."""
        return self.size, self.modified_ns, self.etag

    def is_version_of(self, known: "RemoteEntry") -> bool:
        """Whether it has the content of `known`, as far as its server says; false where it says nothing."""
        if self.size != known.size:
            return False
        if self.etag and known.etag:
            return self.etag == known.etag
        return self.modified_ns is not None and self.modified_ns == known.modified_ns


class RemoteFiles(Protocol):
    """A folder elsewhere. Every method raises RemoteAway; those about one file or folder also RemoteRefused."""

    is_read_only: bool
    place: str

    def list_folder(self, folder: str) -> Iterable[RemoteEntry]:
        """What lies directly in a folder below the root, `""` for the root itself."""

    def look_at(self, path: str) -> RemoteEntry:
        """One file as it is now."""

    def read(self, path: str) -> Iterator[bytes]:
        """The bytes of a file, piece by piece."""

    def put(self, path: str, file: Path) -> None:
        """Write a file there, with the folders that it lies in."""

    def remove(self, path: str) -> None:
        """Take away a file that s2p wrote there; nothing where there is none."""

    def close(self) -> None:
        """Hang up."""


@dataclass
class RemoteListing:
    """The files of a remote folder. `is_complete`: nothing was left out that may be a file; `notes`: what was."""

    files: dict[str, RemoteEntry] = field(default_factory=dict)
    is_complete: bool = True
    notes: list[str] = field(default_factory=list)

    def note(self, line: str, *, is_complete: bool = True) -> None:
        """Remember what was left out; `is_complete`: whether no file can be missing for it."""
        self.is_complete &= is_complete
        if len(self.notes) < NOTES_KEPT:
            self.notes.append(line)


def list_remote(
    remote: RemoteFiles, wanted: Callable[[str], bool], ignored: Callable[[str], bool], own: frozenset[str]
) -> RemoteListing:
    """Every file below the root. `wanted`: by its name, `ignored`: names of no interest; `own`: s2p's folders there.

    A folder that cannot be listed makes the listing incomplete, as do more files or a longer time than the bounds.
    Links are passed over. Raises RemoteAway.
    """
    found, entries, folders = RemoteListing(), 0, 0
    ends, waiting = time.monotonic() + LONGEST_LISTING_SECONDS, [""]
    while waiting:
        folder, folders = waiting.pop(), folders + 1
        try:
            for entry in remote.list_folder(folder):
                entries += 1
                if entries > MOST_ENTRIES or folders > MOST_FOLDERS or time.monotonic() > ends:
                    found.note(
                        f"the listing has no end within {MOST_ENTRIES:,} names and 10 minutes", is_complete=False
                    )
                    return found
                _take(found, folder, entry, waiting, wanted, ignored, own)
        except RemoteRefused as problem:
            if not folder:
                raise RemoteAway(f"{remote.place}: {problem}") from None
            found.note(f"{folder}: {problem}", is_complete=False)
    return found


def _take(
    found: RemoteListing,
    folder: str,
    entry: RemoteEntry,
    waiting: list[str],
    wanted: Callable[[str], bool],
    ignored: Callable[[str], bool],
    own: frozenset[str],
) -> None:
    """Take one entry of a folder's listing, where its name can be one here."""
    name = safe_name(folder, entry.path)
    if name is None:
        found.note(f"{shown_name(entry.path)} has no name that a file here can have")
        return
    if entry.is_link or ignored(name) or (not folder and name in own):
        return
    path = f"{folder}/{name}" if folder else name
    if entry.is_folder:
        if path.count("/") >= DEEPEST:
            found.note(f"{shown_name(path)} lies too deep", is_complete=False)
        else:
            waiting.append(path)
    elif wanted(name):
        if path in found.files:
            found.note(f"{shown_name(path)} is there twice under one name")
        found.files.setdefault(path, entry)


def safe_name(folder: str, path: str) -> str | None:
    """The name of an entry that lies in `folder`, in NFC; None for one that leads out of it, or is no name here."""
    prefix = f"{folder}/" if folder else ""
    if not path.startswith(prefix) or len(path.encode("utf-8", "replace")) > LONGEST_PATH:
        return None
    name = path.removeprefix(prefix)
    is_text = not any(unicodedata.category(mark) in ("Cc", "Cs") for mark in name)
    is_one = "/" not in name and "\\" not in name and name not in ("", ".", "..")
    name = unicodedata.normalize("NFC", name)
    return name if is_text and is_one and len(name.encode()) <= LONGEST_NAME else None


def shown_name(path: str) -> str:
    """A name that somebody else chose, on one line."""
    plain = "".join(mark if mark.isprintable() else "?" for mark in path)
    return plain if len(plain) <= 120 else f"{plain[:119]}…"


def copy_bounded(pieces: Iterator[bytes], target: Path, most_bytes: int) -> int:
    """Write what comes to a file, whatever its size was said to be; how many bytes. Raises RemoteRefused for more."""
    size = 0
    with contextlib.closing(_closable(pieces)), target.open("wb") as file:
        for piece in pieces:
            size += len(piece)
            if size > most_bytes:
                raise RemoteRefused(too_large(most_bytes))
            file.write(piece)
    return size


def too_large(most_bytes: int) -> str:
    return f"it has more than {most_bytes >> 20:,} MB; see S2P_REMOTE_FILE_MB"


def _closable(pieces: Iterator[bytes]) -> "_Closable":
    return _Closable(pieces)


@dataclass
class _Closable:
    pieces: Iterator[bytes]

    def close(self) -> None:
        end = getattr(self.pieces, "close", None)
        if end:
            end()
