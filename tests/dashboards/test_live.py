"""Live events over a real server and a real LISTEN, and the board in a real browser that follows them."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import islice

import httpx2
import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from coop.accounts.cookies import SESSION_COOKIE
from coop.database import transaction
from coop.events import notify
from coop.identity import SYSTEM
from coop.machines import Machine, OpeningHours, add_machine
from telemetry.states.rules import set_rule
from tests.callers import callers
from tests.dashboards.conftest import House, furnish
from tests.parts.databases import Database, Template
from tests.servers import serving
from tests.telemetry.signals import EXECUTION, Signal, attach

PHONE, OFFICE = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


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


@pytest.fixture
def phone(browser: Browser, url: str, house: House) -> Iterator[Page]:
    with signed_in(browser, url, house, PHONE) as context:
        yield context.new_page()


def signed_in(browser: Browser, url: str, house: House, screen: dict[str, int], lang: str = "ja") -> BrowserContext:
    context = browser.new_context(viewport=screen, base_url=url)  # type: ignore[arg-type]  # a size, as documented
    assert house.ours.session is not None
    context.add_cookies(
        [{"name": SESSION_COOKIE, "value": house.ours.session, "url": url}, {"name": "lang", "value": lang, "url": url}]
    )
    return context


def reads(url: str, house: House) -> "httpx2.Client":
    return httpx2.Client(base_url=url, cookies={SESSION_COOKIE: house.ours.session or ""}, trust_env=False, timeout=20)


def test_nobody_hears_events_without_signing_in(url: str) -> None:
    assert httpx2.get(f"{url}/events", trust_env=False).status_code == 401


def test_a_burst_of_events_is_told_once_and_only_by_id(url: str, house: House) -> None:
    """A hundred commits of one machine and one of another: a handful of lines, each an id and nothing else."""
    with reads(url, house) as client, client.stream("GET", "/events") as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith("retry:")
        for _ in range(100):
            with transaction(house.api.pool) as conn:
                notify(conn, "machine", "ct-1")
        with transaction(house.api.pool) as conn:
            notify(conn, "machine", "hv-1")
        heard: list[str] = []
        for line in lines:
            heard.append(line)
            if line == "data: hv-1":
                break
    told = [line for line in heard if line.startswith("data: ")]
    assert set(told) == {"data: ct-1", "data: hv-1"}
    assert len(told) <= 20
    assert {line.partition(":")[0] for line in heard if line} <= {"retry", "event", "data"}


def test_after_a_lost_listener_every_page_is_told_to_ask_for_everything(url: str, house: House, own: Database) -> None:
    with reads(url, house) as client, client.stream("GET", "/events") as stream:
        lines = stream.iter_lines()
        next(lines)
        with psycopg.connect(own.app_url, autocommit=True) as conn:
            ended = conn.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE query LIKE 'LISTEN%' AND datname = current_database() AND usename = current_user"
            ).fetchone()
        assert ended is not None
        assert ended[0] >= 1
        assert "event: all" in islice(lines, 4)


def test_the_board_follows_by_itself(phone: Page, house: House) -> None:
    """Another member's booking appears without a reload, as taken and without a name; the answer counts it."""
    phone.goto("/")
    expect(phone.locator("#link-state")).to_have_text("自動で更新しています")
    card = phone.locator("#card-hv-1")
    expect(card.locator(".word")).to_have_text("信号なし")
    expect(card.locator(".state strong")).to_have_count(0)
    slot = {"starts_at": house.grid.isoformat(), "ends_at": (house.grid + timedelta(hours=1)).isoformat()}
    answer = house.theirs.caller.post("/api/v1/reservations", json={"machine_id": "hv-1", **slot})
    assert answer.status_code == 201, answer.text
    expect(card.locator(".state strong")).to_have_text("予約あり", timeout=5000)


def test_a_reading_changes_the_card_and_the_answer(phone: Page, house: House) -> None:
    """A machine that was silent says READY, then ACTIVE: no signal, free, in use, each without a reload."""
    machine_id, now = "ct-2", datetime.now(UTC)
    with transaction(house.api.pool) as conn:
        hours = [OpeningHours(machine_id, weekday, time(0), time.max) for weekday in range(1, 8)]
        add_machine(conn, Machine(machine_id, "ct", "第二X線CT", "CT-2"), hours)
        set_rule(conn, SYSTEM, machine_id, EXECUTION, now - timedelta(days=1), now)
        channel_id = attach(conn, "ct-2-adapter", machine_id, "execution")
    phone.goto("/")
    expect(phone.locator("#link-state")).to_have_text("自動で更新しています")
    word = phone.locator("#card-ct-2 .word")
    expect(word).to_have_text("信号なし")
    usable = int(phone.locator("#answer .figure").inner_text())
    for said, seconds, called, free in (("READY", -20, "空き", usable + 1), ("ACTIVE", -10, "使用中", usable)):
        with transaction(house.api.pool) as conn:
            adapter = Signal(conn, channel_id, machine_id)
            adapter.send([(now + timedelta(seconds=seconds), said)])
            adapter.derive()
        expect(word).to_have_text(called, timeout=5000)
        expect(phone.locator("#answer .figure")).to_have_text(str(free))
    expect(phone.locator("#card-ct-2 .used")).to_have_count(1)


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize("screen", [PHONE, OFFICE], ids=["phone", "office"])
def test_pages_fit_their_screen_and_load_nothing_from_elsewhere(
    browser: Browser, url: str, house: House, screen: dict[str, int], lang: str
) -> None:
    with signed_in(browser, url, house, screen, lang) as context:
        page = context.new_page()
        said: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        for path in ("/", "/machines/cmm-1/reserve", "/reservations", "/utilisation", "/me", "/design"):
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
            if screen is PHONE:
                small = page.evaluate(
                    "[...document.querySelectorAll('.button, .chip, .place, input:not([type=hidden])')]"
                    ".filter(each => each.checkVisibility() && each.getBoundingClientRect().height < 47.5)"
                    ".map(each => each.outerHTML)"
                )
                assert small == [], path
        assert said == []
        assert all(each.startswith((url, "data:")) for each in asked)


def test_the_first_load_of_today_is_small(phone: Page) -> None:
    """At most 150 kB over the wire, even without compression."""
    phone.goto("/")
    sizes = phone.evaluate(
        "['navigation', 'resource'].flatMap(kind => performance.getEntriesByType(kind))"
        ".map(each => [new URL(each.name).pathname, each.encodedBodySize])"
    )
    assert len(sizes) >= 3  # the page, the styles, the script
    assert sum(size for _, size in sizes) < 150_000
    assert not any("utilisation" in path for path, _ in sizes)
