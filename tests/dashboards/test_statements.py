"""Statements as pages: each line leads to its arithmetic and to the picture of what the machine was seen doing."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from billing.periods import settle
from coop.database import transaction
from tests.billing import ground
from tests.callers import callers
from tests.dashboards.conftest import House, furnish
from tests.dashboards.test_live import OFFICE, PHONE, signed_in
from tests.parts.databases import Database, Template
from tests.servers import serving

SHOTS = os.environ.get("MOYAI_SHOTS")


@pytest.fixture(scope="module")
def own(timescale_template: Template) -> Iterator[Database]:
    with timescale_template.clone() as database:
        yield database


@pytest.fixture(scope="module")
def house(own: Database) -> Iterator[House]:
    """October is closed: m01 booked cmm-1 and used it for an hour, m02 for two without booking; the rent is shared."""
    with callers(own.app_url) as api:
        made = furnish(api)
        with transaction(api.pool) as conn:
            ground.rules(conn)
            slot = ground.reservation(conn, "cmm-1", "10-03 09:00 10:30", "m01", "done")
            ground.usage(conn, "cmm-1", "10-03 09:02 10:02", "m01", kind="in_reservation", reservation=slot)
            ground.usage(conn, "cmm-1", "10-04 09:00 11:00", "m02")
            measured = [(f"10-03 09:{minute:02}", 380 + minute * 7 % 41) for minute in range(2, 60)]
            ground.readings(conn, "cmm-1", [*measured, ("10-03 10:01", 12)])
            ground.cost(conn, "rent", 100)
        with transaction(api.pool) as conn:
            settle.close(conn, ground.OFFICE, "2026-10", ground.NOVEMBER)
        yield made


@pytest.fixture(scope="module")
def ids(own: Database, house: House) -> dict[str, str]:
    with psycopg.connect(own.app_url) as conn:
        return {member: str(found) for member, found in conn.execute("SELECT member_id, id FROM billing.statement")}


def test_a_statement_lists_its_lines_and_each_is_explained(house: House, ids: dict[str, str]) -> None:
    listed = house.ours.get("/statements").text
    assert f'href="/statements/{ids["m01"]}"' in listed
    assert ids["m02"] not in listed
    told = house.ours.get(f"/statements/{ids['m01']}").text
    assert "2026年10月の精算書" in told
    assert "¥3,336" in told
    assert f'href="/statements/{ids["m01"]}/lines/1"' in told
    line = house.ours.get(f"/statements/{ids['m01']}/lines/1", lang="en").text
    assert "× ¥3,000 / h" in line
    assert "Outline: booked" in line
    assert line.count('class="reach"') == 59
    assert line.count('class="was-running"') == 1
    assert f"/api/v1/statements/{ids['m01']}/lines/1/readings.csv" in line
    share = house.office.get(f"/statements/{ids['m01']}/lines/2").text
    assert "10月3日(土) 09:02〜10:02" in share


def test_a_member_sees_no_other_members_statement(house: House, ids: dict[str, str]) -> None:
    for path in (f"/statements/{ids['m02']}", f"/statements/{ids['m02']}/lines/1"):
        assert house.ours.get(path).status_code == 404
        assert house.office.get(path).status_code == 200
        assert house.ward.get(path).status_code == 403
    for n in (0, 9, 10**12):
        assert house.ours.get(f"/statements/{ids['m01']}/lines/{n}").status_code == 404


def test_the_way_from_ones_own_page_to_a_yen(
    browser: Browser, own: Database, house: House, ids: dict[str, str]
) -> None:
    with serving(own.app_url, 1) as (url,):
        for name, screen in (("390", PHONE), ("1280", OFFICE)):
            for lang in ("ja", "en"):
                with signed_in(browser, url, house, screen, lang) as context:
                    page = context.new_page()
                    page.goto("/me")
                    page.locator("#main").get_by_role("link", name="精算書" if lang == "ja" else "Statements").click()
                    page.locator("tbody a").first.click()
                    _shot(page, f"statement-{name}-{lang}")
                    page.locator("tbody a").first.click()
                    expect(page.locator("figure.trace .power")).to_be_visible()
                    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
                    _shot(page, f"line-{name}-{lang}")


def _shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)
