"""One company and one server for all tests of the screen in a worker, and one browser for those of a module."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from s2p_assets_tests.api.served import Served, served
from s2p_assets_tests.retail_home import nothing_set
from s2p_assets_tests.screen.browsing import Person, chromium, person

PersonOf = Callable[..., Person]


@pytest.fixture(scope="session")
def door() -> Iterator[Served]:
    with served_screen() as running:
        yield running


@contextmanager
def served_screen() -> Iterator[Served]:
    """Not below pytest's own folder, which is closed to the user that PostgreSQL runs as when we are root."""
    with (
        nothing_set(),
        tempfile.TemporaryDirectory(prefix="s2p-screen-", ignore_cleanup_errors=True) as place,
        served(Path(place)) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For a module, as an event loop runs in this thread as long as it does, and other modules start their own."""
    with chromium() as started:
        yield started


@pytest.fixture
def person_of(browser: Browser, door: Served) -> Iterator[PersonOf]:
    """`person_of("editor")`: somebody of that role, logged in; at the end nothing may have left this machine."""
    with ExitStack() as windows:

        def come_in(role: str, **window: Any) -> Person:
            return windows.enter_context(person(browser, door, role, **window))

        yield come_in
