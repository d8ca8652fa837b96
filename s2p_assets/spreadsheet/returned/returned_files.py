"""Where the marked copy of a file lies once it is written. Writing it is for `copies.py`, which loads what does."""

from pathlib import Path

PACKAGE_SUFFIXES = (".xlsx", ".xlsm", ".xltx", ".xltm")


def returned_copies(target: Path) -> tuple[Path, ...]:
    """The copies that lie where `write_returned` puts them for `target`; a later good version withdraws them."""
    candidates = (target, *(target.with_name(f"{target.name}.returned{suffix}") for suffix in PACKAGE_SUFFIXES))
    return tuple(path for path in candidates if path.is_file())
