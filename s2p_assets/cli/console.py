"""Text on a terminal: colours where it has them, and tables that fit its width. What is said is not here.

Without rich, which costs as much to load as all that a question at the prompt needs; it draws the spinner alone.
"""

import re
import shutil
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TextIO
from unicodedata import combining, east_asian_width

COLOURS = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}
TAG = re.compile(rf"\\(\[)|\[(/?)({'|'.join(COLOURS)})\]")
BRACKET = "\ufdd0"
"""Stands for a bracket that is no tag; no text holds it, as it is no character."""
GAP = 2
FIRST_AT_LEAST = 16

Row = Sequence[str]


def escape(text: str) -> str:
    """`text` as it is, whatever brackets are in it."""
    return text.replace("[", BRACKET)


def rendered(text: str, *, colours: bool) -> str:
    """`[bold]` and the colours as a terminal knows them, or taken out."""

    def tag(found: re.Match[str]) -> str:
        if found[1]:
            return found[1]
        return f"\x1b[{'0' if found[2] else COLOURS[found[3]]}m" if colours else ""

    return TAG.sub(tag, text).replace(BRACKET, "[")


class Console:
    """Standard output, or the standard error stream, as every command writes to it.

    `file`: set where that stream is redirected meanwhile.
    """

    def __init__(self, stream: Callable[[], TextIO]) -> None:
        self._stream = stream
        self.file: TextIO | None = None

    @property
    def is_terminal(self) -> bool:
        return (self.file or self._stream()).isatty()

    def print(self, *lines: str, soft_wrap: bool = True) -> None:
        """Each text on a line of its own; `soft_wrap`: a long one is left to the terminal, as always."""
        from s2p_assets.settings import wants_colours

        stream = self.file or self._stream()
        colours = stream.isatty() and wants_colours()
        stream.write("".join(f"{rendered(line, colours=colours)}\n" for line in lines or ("",)))
        stream.flush()


out = Console(lambda: sys.stdout)
err = Console(lambda: sys.stderr)


def table_lines(header: Row, rows: Sequence[Row], *, right: Collection[int] = ()) -> Iterator[str]:
    """A table with its header that fits the terminal, nothing cut off; `right`: columns that are aligned there.

    A row whose first cell leaves the others no room has it on a line of its own; where that does not do, each of its
    cells has.
    """
    width = shutil.get_terminal_size().columns
    widths = [max(_length(row[place]) for row in (header, *rows)) for place in range(len(header))]
    rest = sum(widths[1:]) + GAP * len(widths[1:])
    if rest + min(widths[0], FIRST_AT_LEAST) > width:
        for row in rows:
            yield from _one_below_the_other(header, row)
        return
    first = min(widths[0], width - rest)
    yield f"[bold]{_line(header, [first, *widths[1:]], right)}[/bold]"
    for row in rows:
        cells = row
        if _length(row[0]) > first:
            yield row[0]
            cells = ["", *row[1:]]
        yield _line(cells, [first, *widths[1:]], right)


def _one_below_the_other(header: Row, row: Row) -> Iterator[str]:
    named = [(name, cell) for name, cell in zip(header, row, strict=True) if cell]
    names = max(_length(name) for name, _ in named)
    yield from (f"{_padded(name, names)}  {cell}" for name, cell in named)
    yield ""


def _line(cells: Row, widths: Sequence[int], right: Collection[int]) -> str:
    padded = (
        _padded(cell, width, right=place in right)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return (" " * GAP).join(padded).rstrip()


def _padded(cell: str, width: int, *, right: bool = False) -> str:
    blanks = " " * max(width - _length(cell), 0)
    return f"{blanks}{cell}" if right else f"{cell}{blanks}"


def _length(cell: str) -> int:
    """The places that a text takes, without its tags; letters of the East take two."""
    plain = rendered(cell, colours=False)
    if plain.isascii():
        return len(plain)
    return sum(0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1 for letter in plain)
