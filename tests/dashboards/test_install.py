"""Moyai as an app on a phone: manifest and icons for everybody, and a page that says so when there is no connection."""

import io
import re
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from tests.callers import callers
from tests.dashboards.conftest import House, furnish
from tests.dashboards.test_live import PHONE, signed_in
from tests.parts.databases import Database, Template
from tests.servers import serving


@pytest.fixture(scope="module")
def own(timescale_template: Template) -> Iterator[Database]:
    with timescale_template.clone() as database:
        yield database


@pytest.fixture(scope="module")
def house(own: Database) -> Iterator[House]:
    with callers(own.app_url) as api:
        yield furnish(api)


@pytest.fixture(scope="module")
def url(own: Database, house: House) -> Iterator[str]:
    with serving(own.app_url, 1) as (url,):
        yield url


def test_the_manifest_and_its_icons_are_for_everybody(house: House) -> None:
    named = {lang: house.nobody.get("/manifest.webmanifest", lang=lang).json() for lang in ("ja", "en")}
    assert named["ja"]["short_name"] == "もやい"
    assert named["en"]["short_name"] == "Moyai"
    assert {each["purpose"] for each in named["ja"]["icons"] if "purpose" in each} == {"any", "maskable"}
    for each in named["ja"]["icons"]:
        answer = house.nobody.get(each["src"])
        assert answer.headers["content-type"] == each["type"]
        if each["type"] == "image/png":
            with Image.open(io.BytesIO(answer.content)) as drawn:
                assert f"{drawn.width}x{drawn.height}" == each["sizes"]
                corner, middle = drawn.getpixel((0, 0)), drawn.getpixel((drawn.width // 2, drawn.height // 2))
                assert corner == middle  # to the edges, and open between the rings
    assert house.nobody.get("/icons/other.png").status_code == 404
    page = house.nobody.get("/sign-in").text
    for link in re.findall(r'<link rel="(?:icon|apple-touch-icon|manifest)" href="([^"]+)"', page):
        assert house.nobody.get(link).status_code == 200
    assert "manifest-src 'self'" in house.nobody.get("/sign-in").headers["content-security-policy"]


def test_the_page_without_a_connection_is_nobodys(house: House) -> None:
    page = house.office.get("/offline").text
    assert "接続がありません" in page
    assert "/reservations" not in page
    worker = house.nobody.get("/service-worker.js")
    assert worker.headers["content-type"].startswith("text/javascript")
    assert worker.headers["cache-control"] == "no-cache"  # a new version is found at once


@pytest.mark.browser
def test_without_a_connection_the_phone_says_so_and_shows_nothing_personal(
    browser: Browser, url: str, house: House
) -> None:
    with signed_in(browser, url, house, PHONE) as context:
        page = context.new_page()
        page.goto("/")
        page.evaluate("navigator.serviceWorker.ready")
        page.goto("/reservations")
        expect(page.locator("h1")).to_be_visible()
        kept = page.evaluate(
            "caches.open('moyai-1').then(kept => kept.keys()).then(all => all.map(each => new URL(each.url).pathname))"
        )
        allowed = re.compile(r"^(/assets/[\w.-]+|/icons/[\w.-]+|/offline|/last-known)$")
        assert {"/offline", "/last-known"} <= set(kept)
        assert [each for each in kept if not allowed.match(each)] == []
        context.set_offline(True)
        page.goto("/")
        expect(page.locator("h1")).to_have_text("接続がありません")
        expect(page.locator("#last-known")).to_contain_text(re.compile(r"\d{1,2}:\d{2}"))
        assert page.locator(".place").count() == 0
        assert page.evaluate("getComputedStyle(document.querySelector('h1')).fontWeight") == "600"  # with our styles
        context.set_offline(False)
        expect(page.locator("#board")).to_be_visible()


@pytest.mark.browser
def test_one_tap_takes_what_is_free(browser: Browser, url: str, house: House) -> None:
    """A double tap on Today: one reservation, the page at the machine, and then one finger at a time."""
    with signed_in(browser, url, house, PHONE) as context:
        page = context.new_page()
        page.goto("/")
        page.locator(".chip", has_text="いま使える").click()
        expect(page.locator("#card-cmm-1")).to_have_count(0)
        assert page.url == f"{url}/?show=free"  # a reload shows the same machines
        page.locator("#card-hv-1").get_by_role("button", name="使う").dblclick()
        page.wait_for_url("**/m/hv-1")
        expect(page.locator(".now-at .big")).to_contain_text("あなたの予約")
        for width in (390, 320):
            page.set_viewport_size({"width": width, "height": 700})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        small = page.evaluate(
            "[...document.querySelectorAll('.button, summary, .tick')]"
            ".filter(each => each.checkVisibility() && each.getBoundingClientRect().height < 47.5)"
            ".map(each => each.outerHTML)"
        )
        assert small == []
        page.locator("summary").click()
        page.fill("#text", "圧子の先が欠けています")
        page.get_by_role("button", name="知らせる", exact=True).click()
        expect(page.locator("[role=status]")).to_have_text("事務局に伝えました。ありがとうございます")
    assert "圧子の先が欠けています" in house.office.get("/problems").text
