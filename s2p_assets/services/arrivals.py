"""What came in since a moment, line by line, for a terminal that watches.

How things stand as a whole is read in `status.py`.
"""

import shlex
from dataclasses import dataclass

from s2p_assets.settings import Settings
from s2p_assets.warehouse.files import summaries
from s2p_assets.warehouse.files.change_record import change_sentence
from s2p_assets.warehouse.files.summaries import ArrivedFile
from s2p_assets.warehouse.server.connection import connect, database_url


@dataclass
class Arrivals:
    """The files that came in since it was made; those told of once are not told of again."""

    settings: Settings
    last: int | None = None

    def lines(self) -> list[str]:
        """A line for each file that came in since the last call. Raises DatabaseUnreachable and psycopg.Error."""
        with connect(database_url(self.settings)) as connection:
            if self.last is None:
                self.last = summaries.last_version(connection)
            arrived = summaries.arrived_files(connection, self.last)
        self.last = max([self.last, *(file.id for file in arrived)])
        return [_line(file) for file in arrived]


def _line(file: ArrivedFile) -> str:
    said = change_sentence(file.changes)
    if file.verdict == "held":
        accept = f"if it is right: s2p accept {shlex.quote(file.path)}"
        return f"held {file.path}: {'; '.join(file.questions)} (in all: {said}); {accept}"
    if file.verdict == "returned":
        return f"returned {file.path} to {file.owner}: its marked copy says what to correct"
    if file.verdict == "duplicate":
        return f"{file.path}: {said}"
    part = f" in part, {file.rows_returned:,} rows returned to {file.owner}" if file.verdict == "partly" else ""
    return f"loaded {file.path}{part}" + (f": {said}" if said else "")
