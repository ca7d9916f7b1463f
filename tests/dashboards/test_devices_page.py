"""The page of devices, as the office reads it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, expect

from coop import database
from coop.identity import SYSTEM
from dashboards.watch.devices import ago
from telemetry import devices
from telemetry.devices import alerts
from telemetry.ingest import store
from telemetry.model import Device, Reading
from tests.callers import callers
from tests.dashboards.conftest import House, furnish
from tests.dashboards.test_live import OFFICE, PHONE, signed_in
from tests.dashboards.test_thresholds import as_office
from tests.parts.databases import Template
from tests.servers import serving
from tests.telemetry.plant import delivered


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html.partition("<main")[2].partition("</main>")[0]).split())


def plug_in(house: House) -> None:
    """A plug that reports, one that fell silent five minutes ago, and one that was never heard."""
    now = datetime.now(UTC)
    with database.transaction(house.api.pool) as conn:
        store.prepare(conn)
        for device_id, machine, silent_seconds in (("plug-1", "cmm-1", 20), ("plug-2", "ct-1", 300)):
            devices.add_device(conn, SYSTEM, Device(device_id, machine), now)
            devices.bind(conn, SYSTEM, device_id, machine, now - timedelta(days=1), now)
            for n in range(10):
                at = now - timedelta(seconds=silent_seconds + 30 * n + 2)
                said = Reading(machine, "power", at, 1, 5.0, None, at + timedelta(seconds=2))
                store.save(conn, "test", [(delivered(), [said])], {})
        devices.add_device(conn, SYSTEM, Device("plug-3", "hv-1", "shelly"), now)
        alerts.watch_devices(conn, now)


def test_silent_devices_come_first_and_empty_says_what_would_be_here(house: House) -> None:
    assert "まだ機器が登録されていません" in house.office.get("/devices").text
    plug_in(house)
    page = words(house.office.get("/devices").text)
    assert "信号が届いている機器 1 / 3 台" in page
    assert (
        page.index("ct-1 · plug-2 から")
        < page.index("plug-2 Moyai")
        < page.index("plug-3 Shelly")
        < page.index("plug-1 Moyai")
    )
    assert "門型三次元測定機 届いています 20 秒前 2.0 +2.0 0" in page.replace("21 秒前", "20 秒前").replace(
        "22 秒前", "20 秒前"
    )
    assert "X線CT 届いていません 5 分前 – +2.0 0" in page
    assert "どの機械でもない まだ一度もありません – – – 0" in page
    assert "Devices that report 1 of 3" in words(house.office.get("/devices", lang="en").text)


def test_the_page_is_the_offices(house: House) -> None:
    assert house.ours.get("/devices").status_code == 403
    assert 'href="/devices"' in house.office.get("/me").text
    assert 'href="/devices"' not in house.ours.get("/me").text


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, (0, "seconds")), (59.9, (59, "seconds")), (60, (1, "minutes")), (7_199, (1, "hours")), (172_800, (2, "days"))],
)
def test_how_long_ago(seconds: float, said: tuple[int, str]) -> None:
    assert ago(seconds) == said


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize("screen", [PHONE, OFFICE], ids=["phone", "office"])
def test_it_fits_a_phone_and_the_office(
    browser: Browser, timescale_template: Template, screen: dict[str, int], lang: str
) -> None:
    with timescale_template.clone() as own, callers(own.app_url) as api:
        house = furnish(api)
        plug_in(house)
        with serving(own.app_url, 1) as (url,), signed_in(browser, url, as_office(house), screen, lang) as context:
            page = context.new_page()
            page.goto("/devices")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            expect(page.locator(".answer .figure")).to_have_text("1")
            expect(page.locator("tbody tr")).to_have_count(3)
