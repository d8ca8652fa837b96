"""The folder through which files go to a reading process and come back: it may read one half and write the other.

Whatever comes back is looked at before it is used. Who reads is started in `sandbox.py`, and confined to this folder
by `confinement.py`.
"""

import itertools
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s2p_assets.spreadsheet.child_answers import AnswerRefused
from s2p_assets.spreadsheet.confinement import is_confinable

if TYPE_CHECKING:
    import pyarrow


@dataclass(frozen=True, slots=True)
class FileToRead:
    """An argument of what runs in a child: a file, which it gets on its desk and may only read."""

    path: Path


@dataclass(frozen=True, slots=True)
class FileToWrite:
    """An argument of what runs in a child: where what it writes ends up, once the parent has looked at it."""

    path: Path


@dataclass
class ReadingDesk:
    """`folder`: an existing folder in which it is made; by default the system's temporary one."""

    folder: Path | None
    _written: dict[Path, Path] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self._place = Path(tempfile.mkdtemp(prefix="s2p-reading-", dir=self.folder)).resolve()
        self.inbox, self.outbox = self._place / "in", self._place / "out"
        self.inbox.mkdir()
        self.outbox.mkdir()

    @property
    def is_there(self) -> bool:
        """Not once a run of elsewhere tidied the home up, and took it for that of a reader that was killed."""
        return self.inbox.is_dir() and self.outbox.is_dir()

    def hand_over(self, argument: Any) -> Any:
        """What the child gets for an argument: for a file the path at which it has it."""
        if isinstance(argument, FileToRead):
            return _lay_out(argument.path, self.inbox / f"{next(self._numbers)}{argument.path.suffix}")
        if isinstance(argument, FileToWrite):
            draft = self.outbox / f"{next(self._numbers)}{argument.path.suffix}"
            self._written[draft] = argument.path
            return draft
        return argument

    def take_what_was_written(self) -> None:
        """Copy what the child wrote to where it is wanted. Raises AnswerRefused for what is no plain file."""
        for draft, target in self._written.items():
            _take(draft, target)

    def clear(self) -> None:
        """Nothing of one request is there for the next."""
        self._written.clear()
        for folder in (self.inbox, self.outbox):
            for left in os.scandir(folder):
                if left.is_dir(follow_symlinks=False):
                    shutil.rmtree(left.path, ignore_errors=True)
                else:
                    os.unlink(left.path)

    def remove(self) -> None:
        shutil.rmtree(self._place, ignore_errors=True)


def _lay_out(path: Path, there: Path) -> Path:
    """`path` where a child may read it: a link, or a copy from another file system.

    Where a child cannot be confined it gets the file itself: a link could be written to as well. One that is not there,
    or may not be read, is left to the child to name.
    """
    if not is_confinable():
        return path
    try:
        os.link(path.resolve(strict=True), there)
    except FileNotFoundError:
        return there
    except OSError:
        try:
            shutil.copy2(path, there)
        except OSError:
            return path
    return there


def _take(draft: Path, target: Path) -> None:
    """A copy of it, for the child may hold the file itself still."""
    try:
        held = os.open(draft, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError as error:
        raise AnswerRefused(f"{draft.name}: {error.strerror}") from error
    with os.fdopen(held, "rb") as source:
        if not stat.S_ISREG(os.fstat(held).st_mode):
            raise AnswerRefused(f"{draft.name} is no plain file")
        with target.open("wb") as written:
            shutil.copyfileobj(source, written, 1 << 20)


def checked_rows(file: Path) -> "pyarrow.Table":
    """The rows of an Arrow file of a child, whose every offset and text was looked at. Raises AnswerRefused."""
    import pyarrow
    import pyarrow.ipc

    try:
        with pyarrow.memory_map(str(file)) as source:
            rows = pyarrow.ipc.open_file(source).read_all()
        rows.validate(full=True)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise AnswerRefused(f"rows that are none: {error}") from error
    return rows
