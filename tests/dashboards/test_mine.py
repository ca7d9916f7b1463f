"""My page, reservations and a manager's member: what is next, what it costs, and nothing of anybody else's."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import booking
from billing.ledger import payments
from billing.periods import settle
from booking import Wish
from booking.messages import feeds
from booking.series.reserve import Conflicts, reserve_series
from booking.training import granting
from booking.waitlist import ask as waitlist
from booking.waitlist.waiting import Needs
from coop.database import transaction
from coop.identity import Role
from coop.interval import Interval
from coop.messages import translate
from tests.billing import ground
from tests.callers import callers
from tests.dashboards.conftest import House, Reader, furnish, reader
from tests.parts.databases import Template

TOKYO = ZoneInfo("Asia/Tokyo")
DAYS = count(2)
KEY = "k" * 32


@pytest.fixture(scope="module")
def house(timescale_template: Template) -> Iterator[House]:
    """October is closed: m01 used cmm-1 with a booking, m02 another without; the rent of 100 yen is shared."""
    with timescale_template.clone() as database, callers(database.app_url) as api:
        made = furnish(api)
        with transaction(api.pool) as conn:
            ground.rules(conn)
            slot = ground.reservation(conn, "cmm-1", "10-03 09:00 10:30", "m01", "done")
            ground.usage(conn, "cmm-1", "10-03 09:02 10:02", "m01", kind="in_reservation", reservation=slot)
            ground.usage(conn, "cmm-1", "10-04 09:00 11:00", "m02")
            ground.cost(conn, "rent", 100)
        with transaction(api.pool) as conn:
            settle.close(conn, ground.OFFICE, "2026-10", ground.NOVEMBER)
        yield made


@pytest.fixture(scope="module")
def manager(house: House) -> Reader:
    return reader(house.api, Role.MEMBER_MANAGER, "m01")


@pytest.fixture
def morning() -> datetime:
    """Ten o'clock of a day that no other test books."""
    day = datetime.now(TOKYO) + timedelta(days=next(DAYS))
    return day.replace(hour=10, minute=0, second=0, microsecond=0)


def book(house: House, who: Reader, machine: str, start: datetime, hours: int = 1) -> str:
    wish = Wish(
        machine, Interval.of(start, timedelta(hours=hours)), "極秘の部品" if who is house.ours else "秘密の部品"
    )
    with transaction(house.api.pool) as conn:
        return str(booking.reserve(conn, who.caller.viewer, wish, datetime.now(UTC)).id)


def taken_address(house: House) -> str:
    with transaction(house.api.pool) as conn:
        row = conn.execute("SELECT email FROM coop.person WHERE id = %s", [house.theirs.caller.person_id]).fetchone()
    assert row is not None
    return str(row[0])


def typed(start: datetime, minutes: int = 60) -> dict[str, str]:
    end = start + timedelta(minutes=minutes)
    return {"day": f"{start:%Y-%m-%d}", "start": f"{start:%H:%M}", "end": f"{end:%H:%M}"}


def test_a_change_into_a_taken_slot_keeps_what_was_typed(house: House, morning: datetime) -> None:
    mine = book(house, house.ours, "hv-1", morning)
    book(house, house.theirs, "hv-1", morning + timedelta(hours=2))
    form = house.ours.get(f"/reservations/{mine}/change").text
    assert 'value="10:00"' in form
    version = re.findall(r'name="version" value="(\d+)"', form)[0]
    wanted = typed(morning + timedelta(hours=2, minutes=15), 30)
    refused = house.ours.post(f"/reservations/{mine}/change", version=version, **wanted)
    assert refused.status_code == 409
    for each in wanted.values():
        assert f'value="{each}"' in refused.text
    assert "山﨑" not in refused.text
    offered = re.findall(r'name="instead" value="([^"]+)"', refused.text)
    assert len(offered) == 3
    moved = house.ours.post(f"/reservations/{mine}/change", version=version, **wanted, instead=offered[0])
    assert moved.headers["location"] == f"/reservations/{mine}?done=moved"
    start = datetime.fromisoformat(offered[0].partition("/")[0]).astimezone(TOKYO)
    assert f"{start:%H:%M}〜" in house.ours.get(moved.headers["location"]).text


def test_who_was_slower_is_told_and_types_nothing_again(house: House, morning: datetime) -> None:
    mine = book(house, house.ours, "hv-1", morning)
    assert house.ours.post(f"/reservations/{mine}/extend", version="1", minutes="30").status_code == 303
    late = typed(morning + timedelta(hours=4))
    refused = house.ours.post(f"/reservations/{mine}/change", version="1", **late)
    assert refused.status_code == 412
    assert 'value="14:00"' in refused.text
    [now] = re.findall(r'name="version" value="(\d+)"', refused.text)
    assert house.ours.post(f"/reservations/{mine}/change", version=now, **late).status_code == 303
    assert house.ours.post(f"/reservations/{mine}/change", day="x", start="", end="").status_code == 422


def test_a_reservation_is_lengthened_swapped_handed_over_and_said_to_be_late(
    house: House, manager: Reader, morning: datetime
) -> None:
    mine = book(house, house.ours, "cmm-1", morning, hours=2)
    page = house.ours.get(f"/reservations/{mine}").text
    assert "2時間" in page
    assert "最大 ¥6,600" in page
    assert f'href="/api/v1/reservations/{mine}/calendar.ics"' in page
    for what, form, said in (
        ("late", {"minutes": "20"}, "10:20 に来ます"),
        ("extend", {"minutes": "60"}, "3時間"),
        ("swap", {"machine_id": "ct-1"}, "X線CT"),
        ("hand-over", {"person_id": str(manager.caller.person_id)}, "引き継ぎました"),
    ):
        done = house.ours.post(f"/reservations/{mine}/{what}", **form)
        assert done.status_code == 303, done.text
        assert said in house.ours.get(done.headers["location"]).text
    assert house.ours.post(f"/reservations/{mine}/extend").status_code == 403  # it is a colleague's now
    assert "だれに引き継ぐか" in manager.post(f"/reservations/{mine}/hand-over").text
    assert manager.post(f"/reservations/{mine}/cancel").status_code == 303
    file = house.ours.get(f"/api/v1/reservations/{mine}/calendar.ics").text
    assert "STATUS:CANCELLED" in file
    assert "極秘の部品" not in file


def test_a_series_is_one_entry_and_ends_from_one_of_it_on(house: House, morning: datetime) -> None:
    wish = Wish("hv-1", Interval.of(morning, timedelta(hours=1)), "")
    with transaction(house.api.pool) as conn:
        _, outcomes = reserve_series(
            conn, house.ours.caller.viewer, wish, "FREQ=DAILY;COUNT=3", Conflicts.REFUSE, datetime.now(UTC)
        )
    for _ in range(2):
        next(DAYS)
    ids = [str(each.reservation.id) for each in outcomes if each.reservation]
    listed = house.ours.get("/reservations").text
    assert "このあと 2 件" in listed
    assert f"/reservations/{ids[1]}/cancel" not in listed
    assert "すべて取り消す" in house.ours.get(f"/reservations/{ids[1]}").text
    all_later = typed(morning + timedelta(days=1, hours=1)) | {"scope": "all"}
    assert house.ours.post(f"/reservations/{ids[1]}/change", **all_later).status_code == 303
    assert "11:00〜12:00" in house.ours.get(f"/reservations/{ids[0]}").text
    done = house.ours.post(f"/reservations/{ids[1]}/cancel", scope="following")
    assert "まとめて 2 件" in house.ours.get(done.headers["location"]).text
    assert "取り消しました" in house.ours.get(f"/reservations/{ids[2]}").text
    assert "確定" in house.ours.get(f"/reservations/{ids[0]}").text


def test_an_offer_is_taken_or_passed_on_from_my_page(house: House, morning: datetime) -> None:
    window = Interval.of(morning, timedelta(hours=1))
    for answer in ("decline", "accept"):
        theirs = book(house, house.theirs, "ct-1", morning)
        with transaction(house.api.pool) as conn:
            asked = waitlist.ask(
                conn, house.ours.caller.viewer, Needs("ct-1"), timedelta(hours=1), window, datetime.now(UTC)
            )
        page = house.ours.get("/me").text
        assert f"/waitlist/{asked.id}/withdraw" in page
        assert "/accept" not in page
        house.theirs.post(f"/reservations/{theirs}/cancel")
        page = house.ours.get("/me").text
        [offer] = re.findall(r"/offers/([^/]+)/accept", page)
        assert "あと2" in page or "あと30分" in page
        assert house.theirs.post(f"/offers/{offer}/accept").status_code == 404
        done = house.ours.post(f"/offers/{offer}/{answer}")
        assert done.status_code == 303
        told = house.ours.get(done.headers["location"]).text
        assert ("予約しました" if answer == "accept" else "次の方に回しました") in told
        assert house.ours.post(f"/offers/{offer}/accept").headers["location"] == "/me?refused=booking.offer_over"
        if answer == "decline":
            house.ours.post(f"/waitlist/{asked.id}/withdraw")
    assert translate("booking.offer_over", "ja") in house.ours.get("/me?refused=booking.offer_over").text
    assert translate("coop.forbidden", "ja") not in house.ours.get("/me?refused=coop.forbidden").text


def test_my_month_leads_down_to_slots_and_arithmetic(house: House) -> None:
    assert '<a href="/me/month">¥0</a>' in house.ours.get("/me").text
    october = house.ours.get("/me/month?month=2026-10").text
    assert "¥3,000" in october
    assert "10月3日(土) 09:00〜10:30" in october
    assert "× 3,000円" in october
    assert "6,000" not in october
    assert house.office.get("/me/month").status_code == 403


def test_statements_say_how_they_stand_and_a_line_is_questioned_where_it_is_explained(house: House) -> None:
    listed = house.ours.get("/statements").text
    [statement] = re.findall(r'href="/statements/([0-9a-f-]{36})"', listed)
    assert "締め済み" in listed
    line = f"/statements/{statement}/lines/1"
    assert f'action="{line}/question#question"' in house.ours.get(line).text
    assert house.ours.post(f"{line}/question", words=" ").status_code == 422
    done = house.ours.post(f"{line}/question", words="3日は<使って>いません。")
    assert "3日は&lt;使って&gt;いません。" in house.ours.get(done.headers["location"].partition("#")[0]).text
    assert f'href="{line}#question"' in house.ours.get("/statements").text
    assert "使って" in house.office.get(line).text
    assert house.theirs.post(f"{line}/question", words="?").status_code == 404
    with transaction(house.api.pool) as conn:
        assert "¥3,336" in house.ours.get("/members/m01/account").text
        payments.pay(
            conn, ground.OFFICE, ground.name("paid"), member_id="m01", amount_yen=3336, fee_yen=0,
            on_day=ground.NOVEMBER.date(), note="", now=ground.NOVEMBER,
        )  # fmt: skip
    assert "支払い済み" in house.ours.get("/statements").text
    assert "入金" in house.ours.get("/members/m01/account", lang="ja").text


def test_a_calendar_is_made_shown_and_ended(house: House) -> None:
    made = house.ours.post("/me/calendars", of="machine/cmm-1")
    page = house.ours.get(made.headers["location"]).text
    [secret] = re.findall(r'value="[^"]*/feeds/([^"]+)\.ics"', page)
    assert "<svg" in page
    assert house.nobody.get(f"/feeds/{secret}.ics").status_code == 200
    [feed] = re.findall(r"/me/calendars/([0-9a-f-]{36})/end", page)
    assert house.theirs.post(f"/me/calendars/{feed}/end").status_code == 404
    assert house.ours.post(f"/me/calendars/{feed}/end").status_code == 303
    assert house.nobody.get(f"/feeds/{secret}.ics").status_code == 404
    assert house.ours.post("/me/calendars", of="member/m02").status_code == 404


def test_how_one_is_told_is_chosen(house: House) -> None:
    assert house.ours.post("/me/messages", channel="calendar").status_code == 303
    assert re.search(r'value="calendar" checked', house.ours.get("/me/messages").text)


def test_a_manager_sees_to_their_member(house: House, manager: Reader, morning: datetime) -> None:
    book(house, house.ours, "cmm-1", morning)
    leaver = reader(house.api, Role.ENGINEER, "m01")
    with transaction(house.api.pool) as conn:
        granting.grant(conn, house.office.caller.viewer, house.ours.caller.person_id, "cmm", 2, datetime.now(UTC))
    page = manager.get("/member").text
    for said in ("㈱髙橋製作所", "硬さ計: ひとりで使えます", "¥3,336", "m01"):
        assert said in page
    assert house.ours.get("/member").status_code == 403
    assert manager.get("/reservations?whose=ours").text.count("極秘の部品") == 0
    theirs = house.theirs.caller.person_id
    assert manager.post(f"/member/people/{theirs}/end").status_code == 404
    assert manager.post(f"/member/people/{manager.caller.person_id}/end").status_code == 409
    assert leaver.get("/me").status_code == 200
    assert manager.post(f"/member/people/{leaver.caller.person_id}/end").status_code == 303
    assert leaver.get("/me").status_code == 303  # to sign in
    assert manager.post(f"/member/people/{leaver.caller.person_id}/again").status_code == 303
    assert leaver.get("/me").status_code == 200
    again = manager.post("/member/people", name="新人 花", email=taken_address(house))
    assert again.status_code == 409
    assert 'value="新人 花"' in again.text
    assert manager.post("/member/people", name="新人 花", sign_in_name="hana.m01").status_code == 303
    invited = manager.get("/member").text
    assert re.search(r'value="[^"]*/invitations/[^"]+"', invited)
    assert manager.post("/member/people", name="", sign_in_name="x.m01").status_code == 422
    wrong = manager.post("/member/recipient", name="新しい㈱", invoice_number="T12")
    assert wrong.status_code == 422
    assert 'value="T12"' in wrong.text
    assert manager.post("/member/recipient", name="新しい㈱", invoice_number="T7123456789012").status_code == 303
    assert 'value="新しい㈱"' in manager.get("/member").text


PAGES = (
    "/me",
    "/me/month",
    "/me/month?month=2026-10",
    "/me/calendars",
    "/me/messages",
    "/reservations",
    "/reservations?show=past",
    "/reservations?show=past&month=2026-10",
    "/reservations?whose=ours",
    "/reservations?member=m02&machine=cmm-1",
    "/statements",
    "/members/m01/account",
    "/member",
)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("lang", ["ja", "en"])
def test_nothing_of_another_member_is_on_these_pages(
    house: House, manager: Reader, morning: datetime, path: str, lang: str
) -> None:
    theirs = book(house, house.theirs, "cmm-1", morning)
    secrets: list[Any] = ["山﨑精機", "秘密の部品", theirs, "¥6,000", house.theirs.caller.person_id]
    for who in (house.ours, manager):
        answer = who.get(path, lang=lang)
        assert answer.status_code in {200, 403}
        for secret in secrets:
            assert str(secret) not in answer.text.replace("極秘の部品", "")
    for hidden in (f"/reservations/{theirs}", f"/reservations/{theirs}/change", "/members/m02/account"):
        for who in (house.ours, manager):
            assert who.get(hidden).status_code == 404
    with transaction(house.api.pool) as conn:
        feed = feeds.add_feed(conn, house.theirs.caller.viewer, KEY, datetime.now(UTC))
    assert str(feed.id) not in house.ours.get("/me/calendars").text
