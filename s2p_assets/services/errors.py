"""Errors in one line for a person who can mend them, as against faults of s2p's own.

The failures of each room are declared where they are raised, as a `MendableError`.
"""

import errno
import sys
from collections.abc import Iterator

from s2p_assets.contracts.errors import MendableError
from s2p_assets.warehouse.files.archive import DiskFull


class NotFound(MendableError):
    """Something that a person named is not there."""


DISK_FULL, READ_ONLY_TRANSACTION = "53100", "25006"
INSUFFICIENT_PRIVILEGE, NO_SCHEMA_OPEN_TO_US = "42501", "3F000"
"""PostgreSQL's own numbers: https://www.postgresql.org/docs/current/errcodes-appendix.html"""
DRIVERS = ("psycopg", "psycopg2")
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def one_line(error: BaseException) -> str | None:
    """What went wrong and what to do next; None for a fault of s2p's own, whose traceback is wanted."""
    if isinstance(error, MendableError) and not (isinstance(error, OSError) and error.errno):
        return " ".join(str(error).split())
    for cause in _causes(error):
        if isinstance(cause, OSError) and (message := _of_the_system(cause)):
            return message
        if message := _of_the_database(cause):
            return message
    return None


def is_lost_database(error: BaseException) -> bool:
    """Whether it comes of a connection to PostgreSQL that broke or could not be made."""
    return any(_is_lost_connection(cause) for cause in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _of_the_system(error: OSError) -> str | None:
    place = f"{error.filename}: " if error.filename else ""
    if isinstance(error, DiskFull) or error.errno in FULL:
        where = place or "S2P_HOME, the share or the temporary folder: "
        return f"{where}the disk is full; make room there, then run again; nothing half-done was kept"
    return f"{place}{error.strerror}; check the disk and the permissions, then try again" if place else None


def _of_the_database(error: BaseException) -> str | None:
    """psycopg's errors, and those of psycopg2, which is loaded only where Dagster's storage is."""
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    lines = str(error).strip().splitlines() or [type(error).__name__]
    if state == DISK_FULL:
        return (
            f"the disk of PostgreSQL is full ({lines[0]}); make room there, then run again; nothing half-done was kept"
        )
    if state in (INSUFFICIENT_PRIVILEGE, NO_SCHEMA_OPEN_TO_US, READ_ONLY_TRANSACTION):
        return (
            f"PostgreSQL does not let s2p write ({lines[0]}); let the user of S2P_DATABASE_URL create schemas and "
            "tables"
        )
    if _is_lost_connection(error):
        return f"PostgreSQL went away ({lines[0]}); nothing half-done was kept; see that it runs, then run again"
    return None


def _is_lost_connection(error: BaseException) -> bool:
    """Of a driver that was not loaded there is no error."""
    loaded = [sys.modules[driver] for driver in DRIVERS if driver in sys.modules]
    return any(isinstance(error, (driver.OperationalError, driver.InterfaceError)) for driver in loaded)
