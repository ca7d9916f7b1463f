"""What the timeline promises: nobody reads of others more than that they are there, and all of it works by forms."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from coop.database import transaction
from coop.identity import SYSTEM
from coop.interval import Interval
from dashboards.timeline.axis import Scale, shown_days, span
from dashboards.timeline.model import did
from telemetry.states.rules import set_rule
from tests.dashboards.conftest import House, Reader
from tests.telemetry.signals import EXECUTION, Signal, attach

TOKYO = ZoneInfo("Asia/Tokyo")
NEW_YORK = ZoneInfo("America/New_York")
NINE = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)  # nine o'clock in Tokyo


def hours(start: float, end: float) -> Interval:
    return Interval(NINE + timedelta(hours=start), NINE + timedelta(hours=end))


def test_a_week_begins_on_monday_and_a_month_is_whole() -> None:
    assert span(Scale.WEEK, date(2026, 11, 29)).days == [date(2026, 11, day) for day in range(23, 30)]
    assert span(Scale.MONTH, date(2028, 2, 10)).after == date(2028, 3, 1)


def test_the_axis_has_the_hours_in_which_anything_is() -> None:
    """9:00 to 12:30 on one day, 14:00 to 15:00 on another: each day from 9 to 15."""
    days = shown_days(span(Scale.WEEK, date(2026, 11, 23)), TOKYO, [hours(0, 3.5), hours(29, 30)])
    assert [each.hours for each in days[:2]] == [hours(0, 6), hours(24, 30)]


def test_a_day_that_the_clocks_change_is_drawn_with_the_hours_it_has() -> None:
    day = date(2026, 11, 1)
    whole = Interval(datetime(2026, 11, 1, 4, tzinfo=UTC), datetime(2026, 11, 2, 5, tzinfo=UTC))
    assert [each.hours for each in shown_days(span(Scale.DAY, day), NEW_YORK, [whole])] == [whole]


def test_what_a_machine_did_is_drawn_until_now_and_silence_is_unknown() -> None:
    drawn = did(
        [hours(1, 2), hours(2.01, 3)], [hours(0.5, 3.5)], hours(0, 8), NINE + timedelta(hours=4), timedelta(minutes=1)
    )
    assert list(drawn.used) == [hours(1, 3)]
    assert list(drawn.unknown) == [hours(0, 0.5), hours(3.5, 4)]
    assert did([], [], hours(5, 8), NINE + timedelta(hours=4), timedelta(minutes=1)).unknown == ()


@pytest.mark.parametrize("address", ["/timeline/lines?scale=day", "/timeline/lines?scale=month", "/timeline?show=list"])
def test_of_others_the_timeline_says_that_they_are_there_and_no_more(house: House, address: str) -> None:
    day = (house.grid + timedelta(hours=9)).date()
    ours = house.ours.get(f"{address}&day={day}").text
    assert "予約あり" in ours
    assert "山﨑精機" not in ours
    assert "秘密の部品" not in ours
    assert "極秘の部品" not in ours  # not even one's own purpose: screens are seen by others
    theirs = house.theirs.caller.get("/api/v1/reservations?mine=true").json()[0]["id"]
    assert theirs not in ours
    assert "山﨑精機" in house.office.get(f"{address}&day={day}").text


def test_only_who_may_change_a_booking_gets_what_a_change_needs(house: House) -> None:
    def bars(reader: Reader, machine_id: str) -> list[dict[str, object]]:
        [line] = reader.get(f"/timeline/lines?scale=week&machine={machine_id}").json()["lines"]
        found: list[dict[str, object]] = line["bars"]
        return found

    [own], [other] = bars(house.ours, "ct-1"), bars(house.ours, "cmm-1")
    assert (own["kind"], own["label"], own["version"]) == ("mine", "わたし", 1)
    assert (other["kind"], other["label"], "id" in other) == ("booked", "予約あり", False)
    assert "id" in bars(house.office, "cmm-1")[0]
    assert house.ward.get("/timeline/lines").status_code == 403


def test_use_is_drawn_as_the_machine_reported_it(house: House) -> None:
    now = datetime.now(UTC)
    with transaction(house.api.pool) as conn:
        set_rule(conn, SYSTEM, "hv-1", EXECUTION, now - timedelta(days=1), now)
        adapter = Signal(conn, attach(conn, "hv-1-adapter", "hv-1", "execution"), "hv-1")
        adapter.send(
            [(now - timedelta(minutes=minutes), said) for minutes, said in ((9, "READY"), (6, "ACTIVE"), (3, "READY"))]
        )
        adapter.derive()
    [line] = house.theirs.get("/timeline/lines?scale=week&machine=hv-1").json()["lines"]
    minute = int(now.timestamp()) // 60
    [(start, end)] = line["used"][-1:]
    assert abs(start - (minute - 6)) <= 6 + 1
    assert 2 <= end - start <= 4


def test_filters_keep_machines_apart(house: House) -> None:
    assert "門型三次元測定機" in house.ours.get("/timeline?kind=cmm").text
    none = house.ours.get("/timeline?kind=cmm&site=nowhere").text
    assert "この条件の測定機はありません" in none
    assert house.ours.get("/timeline?day=tomorrow&scale=week").status_code == 200
    assert house.ours.get("/timeline?scale=year").status_code == 422
