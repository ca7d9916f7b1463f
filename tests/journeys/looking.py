"""Browser windows onto a town: one for each person and each look."""

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from coop.accounts.cookies import SESSION_COOKIE
from tests.journeys.screens import Visitor
from tests.journeys.town import Town

LOOKS: dict[str, dict[str, Any]] = {
    "phone-ja": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "color_scheme": "light"},
    "phone-en": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "color_scheme": "dark"},
    "office-ja": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "office-en": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
}
"""A screen and a language; light and dark take turns."""
ARTIFACTS = Path(__file__).resolve().parents[2] / ".artifacts"


class Eyes:
    """Opens pages of a town as one of its people sees them; `script` runs in each before the page's own."""

    def __init__(self, browser: Browser, town: Town, script: str = "") -> None:
        self.town = town
        self._browser, self._script = browser, script
        self._visitors: dict[str | None, Visitor] = {}
        self._windows: dict[tuple[str | None, str], BrowserContext] = {}

    def visitor(self, who: str | None) -> Visitor:
        if who not in self._visitors:
            self._visitors[who] = Visitor(self.town, who)
        return self._visitors[who]

    def page(self, who: str | None, look: str) -> Page:
        """A new, empty page in this person's window."""
        if (who, look) not in self._windows:
            self._windows[who, look] = self._window(who, look)
        return self._windows[who, look].new_page()

    def close(self) -> None:
        for each in (*self._windows.values(), *self._visitors.values()):
            each.close()

    def _window(self, who: str | None, look: str) -> BrowserContext:
        window = self._browser.new_context(base_url=self.town.url, reduced_motion="reduce", **LOOKS[look])
        window.add_init_script(self._script)
        cookies = {"lang": look.partition("-")[2], SESSION_COOKIE: self.visitor(who).session}
        window.add_cookies(
            [{"name": name, "value": value, "url": self.town.url} for name, value in cookies.items() if value]
        )
        return window


def photograph(page: Page, address: str, look: str, folder: Path) -> None:
    """Keep a picture of the whole page, named after its address and look."""
    page.screenshot(path=folder / f"{name_of(address)}-{look}.png", full_page=True)


def name_of(address: str) -> str:
    """A file's name for an address, the same for each run."""
    short = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "1", address)
    return re.sub(r"[^a-z0-9]+", "_", short.lower()).strip("_") or "today"
