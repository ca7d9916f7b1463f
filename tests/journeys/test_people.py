"""People at work, in a real browser: what they see, press and are told."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from coop.messages import translate
from moyai.demo.founding import PASSWORD
from tests.journeys.looking import LOOKS
from tests.journeys.screens import DIRECTOR, OFFICE
from tests.journeys.town import Town, settle
from tests.parts.databases import Template
from tests.servers import serving


@pytest.fixture(scope="module")
def town(timescale_template: Template) -> Iterator[Town]:
    """Its last month is not closed yet."""
    with timescale_template.clone() as database, serving(database.app_url, 1) as (url,):
        yield settle(database.app_url, url, closed=False)


@contextmanager
def signed_in(browser: Browser, town: Town, who: str, look: str) -> Iterator[Page]:
    """Somebody who has just typed their address and password."""
    lang = look.partition("-")[2]
    with browser.new_context(base_url=town.url, **LOOKS[look]) as context:
        context.add_cookies([{"name": "lang", "value": lang, "url": town.url}])
        page = context.new_page()
        page.goto("/")
        page.get_by_label(translate("sign_in.email", lang)).fill(who)
        page.get_by_label(translate("sign_in.password", lang), exact=True).fill(PASSWORD)
        page.get_by_role("button", name=translate("sign_in.submit", lang), exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(translate("today.title", lang))
        yield page


def test_the_office_resolves_its_queue_by_keyboard(browser: Browser, town: Town) -> None:
    """What nobody had booked stands first and has the focus; one key decides it."""
    with signed_in(browser, town, OFFICE, "office-ja") as page:
        page.get_by_role("navigation").get_by_role("link", name=translate("place.problems", "ja")).click()
        problem = page.get_by_role("article").first
        expect(problem).to_be_focused()
        before = page.get_by_role("article").count()
        page.keyboard.press("1")
        expect(page.get_by_role("status").get_by_text(translate("problems.done", "ja"))).to_be_visible()
        expect(page.get_by_role("article")).to_have_count(before - 1)


def test_two_people_close_a_month(browser: Browser, town: Town) -> None:
    """The office drafts, the director agrees, the office closes: each is told what is next, and by whom."""

    def press(page: Page, key: str) -> None:
        page.get_by_role("button", name=translate(f"closing.do.{key}", "ja"), exact=True).first.click()

    here = f"/closing/{town.month}"
    with (
        signed_in(browser, town, OFFICE, "office-ja") as office,
        signed_in(browser, town, DIRECTOR, "phone-ja") as director,
    ):
        office.goto(here)
        press(office, "draft")
        expect(office.get_by_text(translate("closing.status.draft", "ja")).first).to_be_visible()
        expect(office.get_by_role("button", name=translate("closing.do.close", "ja"))).to_have_count(0)
        director.goto(here)
        press(director, "approve")
        expect(director.get_by_text(translate("closing.done.approved", "ja"))).to_be_visible()
        office.goto(here)
        press(office, "close")
        expect(office.get_by_text(translate("closing.status.closed", "ja")).first).to_be_visible()
