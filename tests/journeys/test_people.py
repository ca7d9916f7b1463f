"""People at work, in a real browser: what they see, press and are told."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from uuid import uuid4

import psycopg
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from billing.model import Basis, Tariff
from billing.tariffs.edit import add_tariff
from coop.identity import SYSTEM
from coop.machines import Machine, OpeningHours, add_machine
from coop.messages import translate
from moyai.demo.founding import PASSWORD
from telemetry import devices
from telemetry.model import Device
from telemetry.states.rules import set_rule
from tests.journeys.looking import LOOKS
from tests.journeys.screens import DIRECTOR, OFFICE
from tests.journeys.town import ENGINEER, ZONE, Town, settle
from tests.parts.databases import Database, Template
from tests.parts.mosquitto import Mosquitto
from tests.servers import serving, working
from tests.telemetry.plant import LONG_AGO, Publisher
from tests.telemetry.signals import EXECUTION

SIZE = (Decimal(3000),) * 3
HUGE = {
    "phone-ja": Machine("huge-1", "cmm", "超大型測定機 一号", "Huge CMM 1", "", "", *SIZE),
    "office-en": Machine("huge-2", "cmm", "超大型測定機 二号", "Huge CMM 2", "", "", *SIZE),
}
"""Machines for what fits nowhere else, each open round the clock: a journey may begin at any hour."""
MACHINISTS = {"phone-ja": ENGINEER, "office-en": "aoki@yamazaki-ss.example"}
FEE = "¥1,000"
"""A begun quarter of an hour at 4,000 yen an hour."""


@pytest.fixture(scope="module")
def own(timescale_template: Template) -> Iterator[Database]:
    with timescale_template.clone() as database:
        yield database


@pytest.fixture(scope="module")
def town(own: Database) -> Iterator[Town]:
    """Its last month is not closed yet."""
    with serving(own.app_url, 1) as (url,):
        yield settle(own.app_url, url, closed=False)


@pytest.fixture(scope="module")
def adapter(own: Database, town: Town, mosquitto: Mosquitto) -> Iterator[Publisher]:
    """What speaks for the machines of `HUGE`, over a real broker to `moyai ingest` and `moyai work`."""
    now = datetime.now(UTC)
    with psycopg.connect(own.app_url, options="-c TimeZone=UTC") as conn:
        for machine in HUGE.values():
            always = [OpeningHours(machine.id, weekday, time(0), time.max) for weekday in range(1, 8)]
            add_machine(conn, machine, always)
            devices.add_device(conn, SYSTEM, Device(f"adapter-{machine.id}", machine.id), LONG_AGO)
            devices.bind(conn, SYSTEM, f"adapter-{machine.id}", machine.id, LONG_AGO, LONG_AGO)
            set_rule(conn, SYSTEM, machine.id, EXECUTION, now - timedelta(days=1), now)
            fee = Tariff(
                uuid4(),
                machine.id,
                now.astimezone(ZONE).date(),
                Basis.OCCUPIED,
                yen_per_hour=4_000,
                increment_seconds=900,
            )
            add_tariff(conn, SYSTEM, fee, now)
    with working(own.app_url, mosquitto.url):
        publisher = Publisher(mosquitto.url, "adapter-of-the-huge")
        yield publisher
        publisher.close()


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


@pytest.mark.parametrize("look", HUGE)
def test_a_machinist_measures_something_huge(browser: Browser, town: Town, adapter: Publisher, look: str) -> None:
    """Find, book with the hand, measure, leave, and see what it costs.

    What the machine says goes over a real broker, `moyai ingest` and `moyai work`, to the page that is open.
    """
    machine, lang = HUGE[look], look.partition("-")[2]
    name, topic = machine.name(lang), f"moyai/demo/{machine.id}/execution"

    def say(key: str) -> str:
        return translate(key, lang)

    with signed_in(browser, town, MACHINISTS[look], look) as page:
        places = page.get_by_role("navigation", name=say("shell.places"))
        places.get_by_role("link", name=say("place.find"), exact=True).click()
        for side in ("x", "y", "z"):
            page.get_by_label(say(f"find.{side}")).fill("2500")
        page.get_by_role("button", name=say("find.submit"), exact=True).click()
        found = page.get_by_role("listitem").filter(has=page.get_by_role("link", name=name))
        expect(found.get_by_text(say("find.candidate"), exact=True)).to_be_visible()

        draw_a_slot_for_now(page, machine, look)
        form = page.get_by_role("dialog", name=name)
        form.get_by_role("button", name=say("reserve.submit")).click()
        expect(page.get_by_role("status").get_by_text(name)).to_be_visible()

        places.get_by_role("link", name=say("place.today"), exact=True).click()
        card = page.get_by_role("article").filter(has=page.get_by_role("heading", name=name))
        in_use = card.get_by_text(say("state.running"), exact=True)
        expect(page.get_by_role("status").get_by_text(say("today.live"))).to_be_visible()
        expect(card).to_be_visible()
        expect(in_use).to_have_count(0)
        adapter.send(topic, {"at": (datetime.now(UTC) - timedelta(minutes=1)).isoformat(), "value": "ACTIVE"})
        expect(in_use).to_be_visible(timeout=30_000)
        adapter.send(topic, {"value": "READY"})
        expect(in_use).to_have_count(0, timeout=30_000)

        page.goto(f"/m/{machine.id}")  # as the code at the machine does
        for tick in ("at.data_removed", "at.probe_back"):
            page.get_by_label(say(tick)).check()
        page.get_by_role("button", name=say("at.leave")).click()
        expect(page.get_by_role("status").get_by_text(say("at.done.left"))).to_be_visible()

        places.get_by_role("link", name=say("place.me"), exact=True).click()
        expect(page.get_by_role("row").filter(has_text=name)).to_contain_text(FEE)
        expect(page.get_by_role("paragraph").get_by_role("link", name=FEE, exact=True)).to_be_visible()


def draw_a_slot_for_now(page: Page, machine: Machine, look: str) -> None:
    """On the timeline: the hour from this quarter of an hour, as far as it is of this day.

    A mouse draws at once; a finger holds first.
    """
    soon = datetime.now(ZONE) + timedelta(seconds=2)  # a quarter that ends now is over when the form is sent
    page.goto(f"/timeline?day={soon.date()}&kind={machine.kind}")
    start = soon.hour + soon.minute // 15 / 4
    chart = page.get_by_role("region", name=translate("timeline.chart", look.partition("-")[2]))
    expect(chart).to_have_attribute("data-drawn", "yes")
    (since, y), (until, _) = (point(chart, machine, hour) for hour in (start + 0.1, min(start + 0.9, 23.9)))
    if not LOOKS[look].get("has_touch"):
        page.mouse.move(since, y)
        page.mouse.down()
        page.mouse.move(until, y, steps=3)
        page.mouse.up()
        return
    finger = page.context.new_cdp_session(page)
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": since, "y": y}]})
    expect(chart.locator(".ghost")).to_be_visible()
    for x in ((since + until) / 2, until):
        finger.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y}]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def point(chart: Locator, machine: Machine, hour: float) -> tuple[float, float]:
    """Where an hour of a machine's day is on the screen; the chart shows now, and what is around it."""
    track = chart.locator(f'[data-machine="{machine.id}"] .track')
    track.evaluate("each => each.scrollIntoView({ block: 'center', inline: 'nearest' })")
    width = float(chart.evaluate("each => parseFloat(each.style.getPropertyValue('--hour'))"))
    box = track.bounding_box()
    assert box is not None
    return box["x"] + hour * width, box["y"] + box["height"] / 2
