"""The threshold wizard: pages for those who may, and the whole way on a phone beside the machine."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from playwright.sync_api import Browser, expect

from tests.callers import callers
from tests.dashboards.conftest import House, furnish
from tests.dashboards.test_live import PHONE, signed_in
from tests.parts.databases import Database, Template
from tests.servers import serving
from tests.telemetry.signals import Signal, attach

PAGE = "/machines/ct-1/threshold"


@pytest.fixture(scope="module")
def own(timescale_template: Template) -> Iterator[Database]:
    with timescale_template.clone() as database:
        yield database


@pytest.fixture(scope="module")
def house(own: Database) -> Iterator[House]:
    with callers(own.app_url) as api:
        yield furnish(api)


@pytest.fixture(scope="module")
def ct(own: Database, house: House) -> Iterator[Signal]:
    """A plug on ct-1; yesterday it idled at 60 W and measured at 400 W."""
    with psycopg.connect(own.app_url, autocommit=True, options="-c TimeZone=UTC") as conn:
        signal = Signal(conn, attach(conn, "ct-plug", "ct-1", "power"), "ct-1")
        noon = (datetime.now(UTC) - timedelta(days=1)).replace(hour=3, minute=0, second=0, microsecond=0)
        signal.send([(noon + timedelta(minutes=n), 400.0 if n % 60 < 20 else 60.0) for n in range(300)])
        yield signal


def yesterday() -> str:
    return f"{(datetime.now(UTC) - timedelta(days=1)).replace(hour=3) + timedelta(hours=9):%Y-%m-%d}"


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_a_recorded_day_is_drawn_and_proposes(house: House, ct: Signal, lang: str) -> None:
    told = house.office.get(f"{PAGE}?day={yesterday()}", lang=lang).text
    assert told.count('class="reach"') == 100
    assert 'name="on_watts"' in told
    assert ("この境目で保存" in told) == (lang == "ja")


def test_saving_what_crosses_keeps_what_was_typed(house: House, ct: Signal) -> None:
    told = house.office.post(PAGE, says="save", channel="power", on_watts="77", off_watts="177")
    assert told.status_code == 422
    assert 'value="77"' in told.text
    assert 'value="177"' in told.text
    assert house.office.post(PAGE, says="save", on_watts="viele", off_watts="").status_code == 422


def test_a_machine_without_a_plug_is_told(house: House, ct: Signal) -> None:
    told = house.office.get("/machines/hv-1/threshold")
    assert "スマートプラグをこの測定機に割り当て" in told.text


def test_an_engineer_sets_no_thresholds(house: House, ct: Signal) -> None:
    assert house.ours.get(PAGE).status_code == 403


def test_operating_the_machine_on_a_phone(browser: Browser, own: Database, house: House, ct: Signal) -> None:
    def now(watts: float) -> None:
        ct.send([(datetime.now(UTC), watts)])

    with serving(own.app_url, 1) as (url,), signed_in(browser, url, as_office(house), PHONE) as context:
        page = context.new_page()
        now(61.0)
        page.goto(PAGE)
        expect(page.locator(".live-power .figure")).to_have_text("61 W")
        now(62.0)
        expect(page.locator(".live-power .figure")).to_have_text("62 W")
        page.get_by_role("button", name="いま待機中").click()
        now(63.0)
        expect(page.get_by_text("測定を始め、動いている間に押してください。")).to_be_visible()
        # a person starts the machine, which takes a moment; the test says that it was idle a minute ago
        page.goto(page.url.replace(page.url.partition("idle=")[2], _a_minute_ago(ct)))
        now(410.0)
        page.get_by_role("button", name="いま測定中").click()
        now(420.0)
        expect(page.get_by_role("status")).to_contain_text("集めています")
        page.get_by_role("button", name="この境目で保存").click(timeout=40_000)
        expect(page.get_by_role("status")).to_contain_text("保存しました")
        expect(page.locator(".live-power")).to_contain_text("以上で測定中")
    rule = ct.conn.execute("SELECT on_watts, off_watts FROM telemetry.state_rule WHERE machine_id = 'ct-1'").fetchone()
    assert rule is not None
    assert 60 < rule[1] < rule[0] < 420


def as_office(house: House) -> House:
    """The same house, whose reader is the office."""
    return House(house.api, house.office, house.theirs, house.office, house.ward, house.nobody, house.grid)


def _a_minute_ago(ct: Signal) -> str:
    """The moment, with all that was heard since then heard there."""
    moment = datetime.now(UTC) - timedelta(minutes=1)
    ct.conn.execute("DELETE FROM telemetry.reading WHERE channel_id = %s AND at > %s", [ct.channel_id, moment])
    ct.send([(moment, 62.0)])
    return moment.isoformat().replace("+", "%2B")
