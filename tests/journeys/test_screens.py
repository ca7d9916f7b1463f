"""Every page in a real browser: on a phone and in the office, in both languages, light and dark.

A picture of each stays in `.artifacts/screens`.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Page, expect

from coop.identity import Role
from coop.messages import catalogue
from moyai.rights import RIGHTS
from tests.journeys.looking import ARTIFACTS, LOOKS, Eyes, photograph
from tests.journeys.screens import NOT_SCREENS, SCREENS, WARD
from tests.journeys.town import ENGINEER, settle
from tests.parts.databases import Template
from tests.servers import serving

PAGES = {path for method, path in RIGHTS if method == "GET" and not path.startswith("/api/")}
STRANGERS = {ENGINEER: Role.ENGINEER, WARD: Role.WARD, None: Role.ANONYMOUS}
TABLE = "tests/journeys/screens.py"
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
WITH_AXE = ("phone-ja", "office-ja", "office-en")
WCAG = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}
KEY = re.compile(rf"\b(?:{'|'.join(sorted({key.partition('.')[0] for key in catalogue('ja')}))})\.[a-z_]{{3,}}")
"""What a missing sentence looks like: its key."""

WIDE = """() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll('body *')]
    .filter(each => each.getBoundingClientRect().right > innerWidth + 1)
    .slice(0, 5).map(each => each.outerHTML.slice(0, 120))"""
SMALL = """() => [...document.querySelectorAll(
    'button, .button, .chip, .place, select, textarea, summary, input:not([type=hidden])'
)].filter(each => each.checkVisibility()).filter(each => {
    const label = ['checkbox', 'radio'].includes(each.type) && each.closest('label')
    const box = (label || each).getBoundingClientRect()
    return box.width && box.height < 47.5
}).map(each => each.outerHTML.slice(0, 120))"""
SAID = """() => {
    const page = document.body.cloneNode(true)
    page.querySelectorAll('script, code').forEach(each => each.remove())
    return page.textContent
}"""


def test_every_page_is_looked_at() -> None:
    known = SCREENS.keys() | NOT_SCREENS.keys()
    new, gone = sorted(PAGES - known), sorted(known - PAGES)
    assert new == [], f"give each of these pages a row in SCREENS (or, with a reason, in NOT_SCREENS) of {TABLE}"
    assert gone == [], f"these pages are gone: take their rows out of {TABLE}"


@pytest.fixture(scope="module")
def eyes(timescale_template: Template, browser: Browser) -> Iterator[Eyes]:
    with timescale_template.clone() as database, serving(database.app_url, 1) as (url,):
        eyes = Eyes(browser, settle(database.app_url, url), AXE)
        yield eyes
        eyes.close()


@pytest.mark.parametrize("path", sorted(SCREENS))
def test_a_screen(eyes: Eyes, path: str) -> None:
    """It fits, a thumb hits what it aims at, nothing is unsaid, nothing fails, nothing leaves, and axe has no word."""
    screen = SCREENS[path]
    address = screen.address(path, eyes.visitor(screen.asks or screen.who))
    found = [f"{look} {finding}" for look in LOOKS for finding in _findings(eyes, screen.who, address, look)]
    assert found == [], "\n".join([address, *found])


@pytest.mark.parametrize("who", STRANGERS, ids=["engineer", "ward", "nobody"])
def test_who_has_no_right_meets_a_door(eyes: Eyes, who: str | None) -> None:
    """Each page that is not theirs says so, with a way on; nobody is asked to sign in."""
    for path, screen in SCREENS.items():
        if STRANGERS[who] in RIGHTS["GET", path]:
            continue
        page = eyes.page(who, "phone-ja")
        answer = page.goto(screen.address(path, eyes.visitor(screen.asks or screen.who)))
        assert answer is not None
        if who is None:
            assert (answer.status, page.url.partition("?")[0]) == (200, f"{eyes.town.url}/sign-in"), path
            expect(page.get_by_role("button", name="サインイン", exact=True)).to_be_visible()
        else:
            assert answer.status == 403, path
            expect(page.get_by_role("heading", level=1)).to_have_text("権限がありません")
            expect(page.get_by_role("link", name="今日の画面へ")).to_be_visible()
        page.close()


def _findings(eyes: Eyes, who: str | None, address: str, look: str) -> Iterator[str]:
    page = eyes.page(who, look)
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    answer = page.goto(address)
    assert answer is not None
    folder = ARTIFACTS / "screens"
    folder.mkdir(parents=True, exist_ok=True)
    photograph(page, address, look, folder)
    if answer.status != 200:
        yield f"answers {answer.status}"
    if urlsplit(page.url).path != urlsplit(address).path:
        yield f"leads to {page.url}"
    yield from _looked_at(page, look)
    if look in WITH_AXE:
        yield from _axe(page)
    yield from (f"says on the console: {each}" for each in said)
    home = (f"{eyes.town.url}/", "data:", "blob:")
    yield from (f"asks another host: {each}" for each in asked if not each.startswith(home))
    page.close()


def _looked_at(page: Page, look: str) -> Iterator[str]:
    yield from (f"is wider than its screen: {each}" for each in page.evaluate(WIDE))
    if not page.title().strip() or page.locator("h1").count() != 1:
        yield f"has the title {page.title()!r} and {page.locator('h1').count()} h1"
    if page.evaluate("document.documentElement.lang") != look.partition("-")[2]:
        yield "is in another language"
    if look.startswith("phone"):
        yield from (f"is too small to hit: {each}" for each in page.evaluate(SMALL))
    yield from (f"leaves unsaid: {key}" for key in sorted(set(KEY.findall(page.evaluate(SAID)))))


def _axe(page: Page) -> Iterator[str]:
    """What Deque's axe-core finds against WCAG 2.2 AA, serious or worse."""
    for violation in page.evaluate("options => axe.run(options)", WCAG)["violations"]:
        if violation["impact"] in {"serious", "critical"}:
            for node in violation["nodes"]:
                yield f"axe {violation['id']}: {node['html'][:160]}: {node['failureSummary'][:300]}"
