"""A real browser as a person of some role uses it, which watches what no page may do.

What is done on the pages belongs to the tests.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from s2p_assets.api.guard import COOKIE
from s2p_assets.services import access
from s2p_assets.warehouse.access import users
from s2p_assets_tests.api.served import Served

CHROMIUM = shutil.which("chromium")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
AXE = Path(__file__).parent / "vendored/axe.min.js"
WIDTHS = (1440, 1024, 390)
SERIOUS = ("serious", "critical")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium. Skips where there is none."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Person:
    """Somebody with a role at the screen, in a browser window of their own."""

    door: Served
    context: BrowserContext
    page: Page
    email: str
    asked: list[Request] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """The page at a path, once it stands still."""
        self.page.goto(self.door.address + path)
        return self.page

    def require_clean(self) -> None:
        """Nothing left this machine, and no page had a fault: a script's, or one of the policy of contents."""
        foreign = [one.url for one in self.asked if not re.match(rf"{self.door.address}/|data:|blob:", one.url)]
        assert foreign == []
        assert self.faults == []

    def require_accessible(self) -> None:
        """axe-core finds nothing serious on the page as it is."""
        found = self._evaluate_axe()
        assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in SERIOUS] == []

    def _evaluate_axe(self) -> list[dict[str, Any]]:
        if not self.page.evaluate("typeof axe === 'object'"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))  # by the debugger, which no policy of contents stops
        return self.page.evaluate("axe.run().then(found => found.violations)")

    def require_fits(self, width: int = 390) -> None:
        """The page is no wider than the window, whatever scrolls within it."""
        self.page.set_viewport_size({"width": width, "height": 844})
        assert self.page.evaluate("document.documentElement.scrollWidth") <= width


def address_of(role: str) -> str:
    return f"{role}@example.com"


def session_of(door: Served, role: str) -> str:
    """The secret of a new session of the one user with a role, who is made where there is none yet."""
    with door.ctx.warehouse.connect() as connection:
        user = users.find_user(connection, address_of(role))
        user = user or users.insert_user(connection, address_of(role), f"The {role}", access.require_role(role))
    assert user is not None
    return access.open_session(door.ctx, user)


@contextmanager
def person(browser: Browser, door: Served, role: str, **window: Any) -> Iterator[Person]:
    """A person of a role who is logged in; `window`: what Playwright's new_context takes, such as color_scheme."""
    given = {"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce"} | window
    context = browser.new_context(**given)
    context.add_cookies([{"name": COOKIE, "value": session_of(door, role), "url": door.address}])
    shown = context.new_page()
    shown.set_default_timeout(20_000)
    one = Person(door, context, shown, address_of(role))
    shown.on("request", lambda asked: one.asked.append(asked))  # noqa: PLW0108  Playwright marks what it calls
    shown.on("pageerror", lambda error: one.faults.append(str(error)))
    shown.on("console", lambda line: one.faults.append(line.text) if line.type == "error" else None)
    try:
        yield one
        one.require_clean()
    finally:
        context.close()
