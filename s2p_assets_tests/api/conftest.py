"""One installation and one server for all tests of the door in a worker."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from s2p_assets_tests.api.served import Served, served
from s2p_assets_tests.retail_home import nothing_set


@pytest.fixture(scope="session")
def door() -> Iterator[Served]:
    """Not below pytest's own folder, which is closed to the user that PostgreSQL runs as when we are root."""
    with (
        nothing_set(),
        tempfile.TemporaryDirectory(prefix="s2p-door-", ignore_cleanup_errors=True) as place,
        served(Path(place)) as running,
    ):
        yield running
