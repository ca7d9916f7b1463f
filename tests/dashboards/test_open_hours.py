"""The denominators of utilisation follow the calendar: a closed day and a holiday are not open hours."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from booking.rules.closures import close_on_holidays, close_or_open
from coop.database import Connection
from coop.identity import SYSTEM
from coop.interval import Interval, local_midnight, month
from dashboards.reports.store import evidence
from tests.booking.places import settle_in

TOKYO = ZoneInfo("Asia/Tokyo")


def test_closed_days_are_not_open_hours(conn: Connection) -> None:
    """November of next year has two holidays (文化の日, 3rd, and 勤労感謝の日, 23rd) and perhaps a substitute."""
    settle_in(conn, machines=2, members=1)
    now = datetime.now(UTC)
    year = now.year + 1
    november = month(year, 11, TOKYO)
    close_on_holidays(conn, SYSTEM, "cmm-1", "JP", now.astimezone(TOKYO).date(), now)
    fifth = local_midnight(date(year, 11, 5), TOKYO)
    close_or_open(conn, SYSTEM, Interval.of(fifth, timedelta(hours=12)), now, opens=False)
    opened = {machine_id: each.open for machine_id, each in evidence(conn, november).items()}
    hours = {machine_id: sum(each.seconds for each in found) // 3600 for machine_id, found in opened.items()}
    assert hours["cmm-2"] == 30 * 24 - 12
    substitutes = sum(date(year, 11, day).isoweekday() == 7 for day in (3, 23))
    assert hours["cmm-1"] == hours["cmm-2"] - 24 * (2 + substitutes)
    for day in (3, 23):
        noon = local_midnight(date(year, 11, day), TOKYO) + timedelta(hours=12)
        assert not any(each.contains(noon) for each in opened["cmm-1"])
