"""The problem queue as a page: by mouse, by keyboard, and for nobody but the office and the operators."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from playwright.sync_api import Browser, expect

from coop.identity import SYSTEM
from telemetry.findings.sweep import sweep
from telemetry.states.rules import set_rule
from tests.callers import callers
from tests.dashboards.conftest import House, furnish
from tests.dashboards.test_live import OFFICE, signed_in
from tests.parts.databases import Database, Template
from tests.servers import serving
from tests.telemetry.signals import POWER, Signal, attach

RUNS = 4


@pytest.fixture(scope="module")
def own(timescale_template: Template) -> Iterator[Database]:
    with timescale_template.clone() as database:
        yield database


@pytest.fixture(scope="module")
def house(own: Database) -> Iterator[House]:
    with callers(own.app_url) as api:
        yield furnish(api)


@pytest.fixture(scope="module")
def hv(own: Database, house: House) -> Iterator[Signal]:
    """The hardness tester ran four times yesterday for nobody; a member's reservation was the day's last."""
    now = datetime.now(UTC)
    start = (now - timedelta(days=1)).replace(minute=0, second=0, microsecond=0) - timedelta(hours=12)
    with psycopg.connect(own.app_url, autocommit=True, options="-c TimeZone=UTC") as conn:
        set_rule(conn, SYSTEM, "hv-1", POWER, start - timedelta(days=9), now)
        signal = Signal(conn, attach(conn, "hv-plug", "hv-1", "power"), "hv-1")
        minutes = range(RUNS * 120)
        signal.send([(start + timedelta(minutes=n), 500.0 if n % 120 < 60 else 0.0) for n in minutes])
        signal.reserve(start + timedelta(minutes=440), start + timedelta(minutes=470), "m01")
        signal.derive()
        with conn.transaction():
            sweep(conn, now)
        yield signal


def test_each_problem_is_told_with_its_picture_and_buttons(house: House, hv: Signal) -> None:
    told = house.office.get("/problems").text
    assert told.count("だれの使用か分かりません") == RUNS
    assert told.count('class="power"') == RUNS
    assert "㈱髙橋製作所 の使用にする" in told
    assert "Nobody is known to have used it" in house.office.get("/problems", lang="en").text
    assert house.ours.get("/problems").status_code == 403


def test_what_cannot_be_done_is_said_and_the_queue_stays(house: House, hv: Signal) -> None:
    [number] = hv.conn.execute("SELECT min(id) FROM telemetry.finding").fetchone() or [0]
    told = house.office.post(f"/problems/{number}", does="settle", reason="?")
    assert told.status_code == 409
    assert "だれの使用だったかを決める必要があります" in told.text
    assert house.office.post("/problems/999999", does="waive/test").status_code == 404
    assert house.office.post(f"/problems/{number}", does="assign/nothing").status_code == 422


def test_two_are_decided_by_keyboard_and_one_by_a_click(
    browser: Browser, own: Database, house: House, hv: Signal
) -> None:
    office = House(house.api, house.office, house.theirs, house.office, house.ward, house.nobody, house.grid)
    with serving(own.app_url, 1) as (url,), signed_in(browser, url, office, OFFICE) as context:
        page = context.new_page()
        page.goto("/problems")
        problems = page.locator("article.problem")
        expect(problems).to_have_count(RUNS)
        page.keyboard.press("j")
        page.keyboard.press("1")
        expect(problems).to_have_count(RUNS - 1)
        page.keyboard.press("2")
        expect(problems).to_have_count(RUNS - 2)
        page.get_by_role("button", name="請求しない（試運転）").first.click()
        expect(problems).to_have_count(RUNS - 3)
        expect(page.get_by_role("status")).to_contain_text("記録しました")
    found = hv.conn.execute("SELECT kind, count(*) FROM telemetry.usage GROUP BY kind ORDER BY kind").fetchall()
    assert found == [("assigned", 1), ("unassigned", 1), ("waived", 2)]
