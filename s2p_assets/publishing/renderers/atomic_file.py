"""Writing a file so that it appears whole or not at all.

What is written belongs to its callers.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replace_file(target: Path) -> Iterator[Path]:
    """A draft beside `target` to write to; it takes the target's place when the block ends well, else it is removed.

    The draft keeps the target's ending. Raises OSError when the folder cannot be written or the target is locked.
    """
    target.parent.mkdir(exist_ok=True)  # no more than that: the share may have been disconnected meanwhile
    handle, name = tempfile.mkstemp(prefix=".", suffix=f".draft{target.suffix}", dir=target.parent)
    os.close(handle)
    draft = Path(name)
    try:
        yield draft
        draft.chmod(0o644)
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
