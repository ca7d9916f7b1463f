"""Debian's headless Chromium, driven by Playwright, with one Japanese font and no word to anybody else."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tests.parts import debian

QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync")
SILENT = ("--disable-background-networking", "--disable-component-update")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser; while it runs, Playwright keeps an event loop in this thread."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=debian.CHROMIUM,
            args=[*QUIET, *SILENT],
            env={**os.environ, "FONTCONFIG_FILE": str(debian.FONTS_CONF)},
        )
        yield browser
        browser.close()
