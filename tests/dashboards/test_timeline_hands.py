"""The timeline under a hand, in a real browser: draw, move, stretch, hold with a finger, and all of it by keyboard."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from coop.accounts.cookies import SESSION_COOKIE
from tests.callers import callers
from tests.dashboards.conftest import House, Reader, furnish
from tests.parts.databases import Database, Template
from tests.servers import serving

TOKYO_HOURS = timedelta(hours=9)


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
def page(browser: Browser, url: str, house: House) -> Iterator[Page]:
    with browser.new_context(viewport={"width": 1280, "height": 900}, base_url=url, has_touch=True) as context:
        assert house.ours.session is not None
        session = {"name": SESSION_COOKIE, "value": house.ours.session, "url": url}
        context.add_cookies([session, {"name": "lang", "value": "ja", "url": url}])  # type: ignore[list-item]  # as documented
        page = context.new_page()
        said: list[str] = []
        page.on("pageerror", lambda error: said.append(str(error)))
        yield page
        assert said == []


def the_day(house: House, after: int) -> datetime:
    """Local midnight, `after` days from now; each test has a day of its own."""
    local = datetime.now(UTC) + TOKYO_HOURS + timedelta(days=after)
    return datetime.combine(local.date(), time(0), UTC) - TOKYO_HOURS


def opened(page: Page, day: datetime) -> None:
    page.goto(f"/timeline?scale=day&day={(day + TOKYO_HOURS).date()}")
    expect(page.locator("#chart")).to_have_attribute("data-drawn", "yes")


def point(page: Page, machine_id: str, hour: float) -> tuple[float, float]:
    """Where an hour of a machine is on the screen."""
    track = page.locator(f'.line[data-machine="{machine_id}"] .track')
    show = "each => { each.scrollLeft = 0; return parseFloat(each.style.getPropertyValue('--hour')) }"
    width = float(page.locator("#chart").evaluate(show))
    box = track.bounding_box()
    assert box is not None
    return box["x"] + hour * width, box["y"] + box["height"] / 2


def drag(page: Page, machine_id: str, since: float, until: float) -> None:
    page.mouse.move(*point(page, machine_id, since))
    page.mouse.down()
    page.mouse.move(*point(page, machine_id, (since + until) / 2))
    page.mouse.move(*point(page, machine_id, until))
    page.mouse.up()


def booked(reader: Reader, machine_id: str, start: datetime, hours: float = 1) -> str:
    slot = {"starts_at": start.isoformat(), "ends_at": (start + timedelta(hours=hours)).isoformat()}
    answer = reader.caller.post("/api/v1/reservations", json={"machine_id": machine_id, **slot})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def slot_of(reader: Reader, reservation_id: str) -> tuple[datetime, datetime]:
    said: dict[str, Any] = reader.caller.get(f"/api/v1/reservations/{reservation_id}").json()
    return datetime.fromisoformat(said["starts_at"]), datetime.fromisoformat(said["ends_at"])


def bars(page: Page, machine_id: str, kind: str = "mine") -> Locator:
    return page.locator(f'.line[data-machine="{machine_id}"] .bar.{kind}')


def test_free_time_is_drawn_and_booked_and_given_back(page: Page, house: House) -> None:
    opened(page, the_day(house, 1))
    drag(page, "cmm-1", 2.1, 3.9)
    dialog = page.locator("#form")
    expect(dialog.locator("#form-title")).to_have_text("門型三次元測定機")
    expect(dialog.get_by_label("開始")).to_have_value("02:00")
    expect(dialog.get_by_label("終了")).to_have_value("04:00")
    expect(dialog.locator(".price")).to_have_text("料金はまだ決まっていません")
    dialog.get_by_label("何を測るか").fill("ケース 5個")
    dialog.get_by_role("button", name="この時間で予約").click()
    expect(page.locator("#toast")).to_contain_text("予約しました")
    expect(bars(page, "cmm-1")).to_have_attribute("title", "02:00–04:00 わたし")
    page.locator("#toast").get_by_role("button", name="元に戻す").click()
    expect(bars(page, "cmm-1")).to_have_count(0)


def test_a_booking_is_moved_stretched_and_put_back(page: Page, house: House) -> None:
    day = the_day(house, 2)
    made = booked(house.ours, "hv-1", day + timedelta(hours=6))
    opened(page, day)
    drag(page, "hv-1", 6.5, 8.5)
    expect(page.locator("#toast")).to_contain_text("08:00–09:00")
    expect(bars(page, "hv-1")).to_have_attribute("title", "08:00–09:00 わたし")
    drag(page, "hv-1", 8.97, 10.47)
    expect(page.locator("#toast")).to_contain_text("08:00–10:30")
    assert slot_of(house.ours, made) == (day + timedelta(hours=8), day + timedelta(hours=10, minutes=30))
    page.locator("#toast").get_by_role("button", name="元に戻す").click()
    expect(page.locator("#toast")).to_contain_text("元に戻しました")
    assert slot_of(house.ours, made) == (day + timedelta(hours=8), day + timedelta(hours=9))


def test_a_taken_time_puts_the_bar_back_and_offers_what_is_free(page: Page, house: House) -> None:
    day = the_day(house, 3)
    made = booked(house.ours, "hv-1", day + timedelta(hours=2))
    booked(house.theirs, "hv-1", day + timedelta(hours=5))
    opened(page, day)
    expect(bars(page, "hv-1", "booked")).to_have_attribute("title", "05:00–06:00 予約あり")
    drag(page, "hv-1", 2.5, 5.5)
    toast = page.locator("#toast")
    expect(toast).to_contain_text("予約は元の時間のままです")
    expect(bars(page, "hv-1")).to_have_attribute("title", "02:00–03:00 わたし")
    assert slot_of(house.ours, made)[0] == day + timedelta(hours=2)
    toast.get_by_role("button", name="06:00–07:00").click()
    expect(bars(page, "hv-1")).to_have_attribute("title", "06:00–07:00 わたし")


def test_a_finger_that_holds_draws_and_one_that_slides_scrolls(page: Page, house: House) -> None:
    opened(page, the_day(house, 4))
    x, y = point(page, "ct-1", 4.1)
    finger = page.context.new_cdp_session(page)

    def touch(kind: str, *points: dict[str, float]) -> None:
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    touch("touchStart", {"x": x, "y": y})
    touch("touchMove", {"x": x + 60, "y": y})
    touch("touchEnd")
    expect(page.locator("#form")).not_to_be_visible()
    touch("touchStart", {"x": x, "y": y})
    expect(page.locator(".ghost")).to_be_visible()
    hour, _ = point(page, "ct-1", 6.9)
    touch("touchMove", {"x": (x + hour) / 2, "y": y})
    touch("touchMove", {"x": hour, "y": y})
    expect(page.locator(".ghost")).to_have_text("04:00–07:00")
    touch("touchEnd")
    expect(page.locator("#form").get_by_label("終了")).to_have_value("07:00")


def test_a_booking_is_changed_and_cancelled_by_keyboard(page: Page, house: House) -> None:
    day = the_day(house, 5)
    made = booked(house.ours, "ct-1", day + timedelta(hours=3))
    opened(page, day)
    bars(page, "ct-1").focus()
    page.keyboard.press("Enter")
    dialog = page.locator("#form")
    dialog.get_by_role("link", name="時間を変える").press("Enter")
    dialog.get_by_label("終了").fill("05:30")
    page.keyboard.press("Enter")
    expect(page.locator("#toast p")).to_have_text("時間を変えました")
    assert slot_of(house.ours, made)[1] == day + timedelta(hours=5, minutes=30)
    expect(bars(page, "ct-1")).to_have_attribute("title", "03:00–05:30 わたし")
    bars(page, "ct-1").focus()
    page.keyboard.press("Enter")
    dialog.get_by_role("button", name="取り消す").press("Enter")
    expect(page.locator("#toast")).to_contain_text("取り消しました")
    expect(bars(page, "ct-1")).to_have_count(0)
    page.locator("#toast").get_by_role("button", name="元に戻す").press("Enter")
    expect(bars(page, "ct-1")).to_have_attribute("title", "03:00–05:30 わたし")
