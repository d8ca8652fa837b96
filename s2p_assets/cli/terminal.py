"""How every command speaks to a terminal: consoles, JSON, progress, and the noise of libraries kept apart.

What a command asks and prints is in its own module.
"""

import json
import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stderr
from typing import TYPE_CHECKING, Annotated, Any

import typer

from s2p_assets.cli.console import err, escape, out

if TYPE_CHECKING:
    from s2p_assets.settings import Settings

__all__ = [
    "COULD_NOT",
    "NEEDS_A_PERSON",
    "Json",
    "err",
    "escape",
    "noise_apart",
    "out",
    "print_json",
    "progress",
    "silence_libraries",
    "values_by_name",
]

SECONDS_BETWEEN_LINES = 3.0
NEEDS_A_PERSON = 1
COULD_NOT = 2

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@contextmanager
def progress(title: str, *, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """A spinner with what is being done; in a log file or a pipe, a line every few seconds."""
    if quiet:
        yield lambda _: None
    elif err.is_terminal:
        from rich.console import Console
        from rich.text import Text

        with Console(file=err.file or sys.stderr, highlight=False).status(Text(title)) as spinner:
            yield lambda text: spinner.update(Text(text))
    else:
        last_line = [time.monotonic()]
        err.print(escape(title))

        def say(text: str) -> None:
            if time.monotonic() - last_line[0] > SECONDS_BETWEEN_LINES:
                last_line[0] = time.monotonic()
                err.print(escape(text))

        yield say


@contextmanager
def noise_apart(settings: "Settings") -> Iterator[None]:
    """What libraries write to stderr goes to a file in the home; what s2p says there still reaches the person."""
    settings.home.mkdir(parents=True, exist_ok=True)
    err.file = sys.stderr
    try:
        with (settings.home / "run.log").open("w") as log, redirect_stderr(log):
            yield
    finally:
        err.file = None


def values_by_name(terms: Iterable[str], *, name: str = "KEY") -> dict[str, str]:
    """`sku=0001` and the like as a mapping; a term without its equals sign is refused."""
    pairs = [term.partition("=") for term in terms]
    for term, equals, _ in pairs:
        if not equals:
            raise typer.BadParameter(f"{term!r} is not {name}=VALUE; write for example sku=0001")
    return {key: value for key, _, value in pairs}


def silence_libraries() -> None:
    """Keep what libraries log and warn about from the terminal."""
    import warnings

    warnings.filterwarnings("ignore")
    logging.getLogger().addHandler(logging.NullHandler())
    for name in ("alembic", "cmdstanpy", "dagster", "mlflow", "prophet", "s2p_assets"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def print_json(value: Any) -> None:
    """Print `value` for a program."""
    sys.stdout.write(json.dumps(value, indent=2, default=str, ensure_ascii=False) + "\n")
