"""What the door makes of a driver whose connection is cut off: PostgreSQL is away, which is no fault of s2p's own."""

import asyncpg
import pytest

from s2p_assets.api.problems import problem_of
from s2p_assets.warehouse.server.pool import CANCELLED


def raised_in(file: str, raised: str) -> Exception:
    """An exception whose last place is in `file`."""
    try:
        exec(compile(f"raise {raised}", file, "exec"), {})
    except Exception as error:
        return error
    raise AssertionError


def of_server(kind: type[asyncpg.PostgresError], code: str) -> asyncpg.PostgresError:
    error = kind("said by PostgreSQL")
    error.sqlstate = code
    return error


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(104, "Connection reset by peer"),
        TimeoutError(),
        asyncpg.InterfaceError("connection is closed"),
        of_server(asyncpg.PostgresError, "57P01"),
        of_server(asyncpg.PostgresError, "08006"),
        raised_in("/lib/asyncpg/protocol/protocol.pyx", "AttributeError('NoneType has no attribute write')"),
        raised_in("/lib/asyncpg/connect_utils.py", "FileNotFoundError(2, 'No such file or directory')"),
        raised_in("/lib/uvloop/handles/handle.pyx", "RuntimeError('the handler is closed')"),
    ],
    ids=repr,
)
def test_a_connection_that_was_cut_off_is_told_as_such_with_when_to_ask_again(error: Exception) -> None:
    found = problem_of(error)
    assert found.status_code == 503
    assert found.headers == {"Retry-After": "2"}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (of_server(asyncpg.PostgresError, CANCELLED), 500),
        (asyncpg.DataError("invalid input syntax"), 422),
        (KeyError("a fault of ours"), 500),
        (raised_in("/lib/pathlib.py", "FileNotFoundError(2, 'No such file or directory', 'ours.json')"), 500),
        (raised_in("/lib/asyncpg/protocol/protocol.pyx", "ValueError('no such value')"), 500),
    ],
    ids=repr,
)
def test_other_faults_are_not_laid_at_postgresqls_door(error: Exception, status: int) -> None:
    assert problem_of(error).status_code == status
