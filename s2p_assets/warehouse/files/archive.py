"""The original bytes of every file that was read, kept by content hash.

Which files are read, and with which verdict, is for `ledger.py`.
"""

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from s2p_assets.warehouse.files.saved_dates import saved_ns

CHUNK_BYTES = 1 << 20


class FileStillChanging(Exception):
    """Somebody is writing the file; look again later."""


class FileGone(Exception):
    """The file is not there any more."""


class FileForbidden(Exception):
    """The file may not be read, or is no regular file."""


class DiskFull(OSError):
    """The archive's disk is full; nothing was kept."""


@dataclass(frozen=True, slots=True)
class ArchivedFile:
    """A file as it was copied: its content hash, size in bytes, mtime in ns, and where its copy is.

    `saved_ns`: when its content was last saved, Unix time in ns, where that is not its mtime.
    """

    sha256: str
    size: int
    mtime_ns: int
    stored: Path
    saved_ns: int | None = None

    @property
    def as_of_ns(self) -> int:
        return self.mtime_ns if self.saved_ns is None else self.saved_ns

    @property
    def archived(self) -> str:
        """Its copy, relative to the archive."""
        return f"{self.stored.parent.name}/{self.stored.name}"


def archive_file(path: Path, archive: Path) -> ArchivedFile:
    """Copy the bytes of `path` to `archive/<2 hex>/<sha256><suffix>`, once for the same bytes.

    The copy is hashed as it is written, flushed to disk and only then given its name. Raises FileGone,
    FileForbidden, FileStillChanging when size or time differ before and after, and DiskFull.
    """
    incoming = archive / "incoming"
    with _open_source(path) as source:
        before = os.fstat(source)
        if not stat.S_ISREG(before.st_mode):
            raise FileForbidden(f"{path}: not a regular file; put the workbook itself there")
        with _open_draft(incoming) as (draft, copy):
            sha256, size = _copy(source, copy, path)
            _check_unchanged(path, before, os.fstat(source), size)
            stored = archived_path(archive, sha256, path.suffix)
            _commit_copy(draft, copy, stored, size)
    return ArchivedFile(sha256, size, before.st_mtime_ns, stored, saved_ns(stored, before.st_mtime_ns))


def archived_path(archive: Path, sha256: str, suffix: str) -> Path:
    """Where the archive keeps these bytes."""
    return archive / sha256[:2] / f"{sha256}{suffix.lower()}"


@contextlib.contextmanager
def _open_source(path: Path) -> Iterator[int]:
    try:
        source = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _read_error(path, error) from error
    try:
        yield source
    finally:
        os.close(source)


def _read_error(path: Path, error: OSError) -> Exception:
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ESTALE):
        return FileGone(f"{path}: not there any more")
    if error.errno in (errno.ELOOP, errno.ENXIO, errno.ENODEV):
        return FileForbidden(f"{path}: a link or device; put the workbook itself there")
    return FileForbidden(f"{path}: cannot be read ({error.strerror}); close it in Excel, or give s2p the right to read")


@contextlib.contextmanager
def _open_draft(incoming: Path) -> Iterator[tuple[Path, int]]:
    try:
        incoming.mkdir(parents=True, exist_ok=True)
        _remove_orphaned_drafts(incoming)
        draft = incoming / f"{os.getpid()}-{os.urandom(6).hex()}"
        copy = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444)
    except OSError as error:
        raise _disk_error(incoming, error) from error
    try:
        yield draft, copy
    finally:
        os.close(copy)
        draft.unlink(missing_ok=True)


def _remove_orphaned_drafts(incoming: Path) -> None:
    """Remove what a killed process left half copied."""
    for left in incoming.iterdir():
        process = left.name.partition("-")[0]
        try:
            os.kill(int(process), 0)
        except (ProcessLookupError, ValueError):
            left.unlink(missing_ok=True)
        except PermissionError:
            continue


def _copy(source: int, copy: int, path: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while True:
        try:
            chunk = os.read(source, CHUNK_BYTES)
        except OSError as error:
            raise _read_error(path, error) from error
        if not chunk:
            return digest.hexdigest(), size
        digest.update(chunk)
        size += len(chunk)
        _write(copy, chunk, path)


def _write(copy: int, chunk: bytes, path: Path) -> None:
    rest = memoryview(chunk)
    try:
        while rest:
            rest = rest[os.write(copy, rest) :]
    except OSError as error:
        raise _disk_error(path, error) from error


def _check_unchanged(path: Path, before: os.stat_result, after: os.stat_result, size: int) -> None:
    try:
        named = path.lstat()
    except OSError as error:
        raise _read_error(path, error) from error
    looks = {(look.st_dev, look.st_ino, look.st_size, look.st_mtime_ns) for look in (before, after, named)}
    if len(looks) > 1 or size != before.st_size:
        raise FileStillChanging(f"{path}: still being written; it is read when it has come to rest")


def _commit_copy(draft: Path, copy: int, stored: Path, size: int) -> None:
    try:
        if stored.exists() and stored.stat().st_size == size:
            return
        os.fsync(copy)
        stored.parent.mkdir(parents=True, exist_ok=True)
        draft.replace(stored)
        folder = os.open(stored.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise _disk_error(stored, error) from error


def _disk_error(place: Path, error: OSError) -> OSError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskFull(error.errno, "the archive's disk is full; make room, then run again", str(place))
    return error
