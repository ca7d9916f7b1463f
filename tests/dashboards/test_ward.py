"""What the ward is told of months: sums of all machines, once they are over, if three members stand behind them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from coop import database
from coop.interval import Interval, month_of
from tests.billing import ground
from tests.dashboards.conftest import House

TOKYO = ZoneInfo("Asia/Tokyo")


@pytest.fixture(scope="module", autouse=True)
def third(house: House) -> None:
    house.api.member("m03")


def used(house: House, within: Interval, *members: str | None) -> None:
    """One hour of cmm-1 for each member, one after the other from the beginning of the month."""
    with database.transaction(house.api.pool) as conn:
        conn.execute("DELETE FROM telemetry.usage")
        for n, member in enumerate(members):
            start, kind = within.start + timedelta(hours=2 * n), "overrun" if member else "unassigned"
            conn.execute(
                "INSERT INTO telemetry.usage (id, machine_id, started_at, ended_at, running_seconds, kind, member_id,"
                " evidence_hash) VALUES (%s, 'cmm-1', %s, %s, 3600, %s, %s, '')",
                [ground.name("ward", n), start, start + timedelta(hours=1), kind, member],
            )


@pytest.mark.parametrize(
    ("members", "told"),
    [
        (["m01", "m02", "m03"], "3.0"),
        (["m01", "m02", "m02"], None),  # three uses, two members
        (["m01", "m02", None], None),  # nobody is named for one of them
        ([], "0.0"),
    ],
)
def test_a_month_that_is_over(house: House, members: list[str | None], told: str | None) -> None:
    last = month_of(month_of(datetime.now(UTC), TOKYO).start - timedelta(days=1), TOKYO)
    used(house, last, *members)
    name = f"{last.start.astimezone(TOKYO):%Y-%m}"
    header, *rows = house.ward.get(f"/utilisation.csv?month={name}", lang="en").content.decode("utf-8-sig").splitlines()
    assert len(rows) == 1  # no machine
    row = dict(zip(header.split(","), rows[0].split(","), strict=True))
    assert row["Occupied (h)"] == (told or ""), row
    assert float(row["Open (h)"]) > 0
    page = house.ward.get(f"/utilisation?month={name}").text
    assert ('<dd class="figure">＊</dd>' in page) == (told is None)
    assert "data-days" not in page
    assert "門型三次元測定機" not in page
    assert "門型三次元測定機" in house.office.get(f"/utilisation?month={name}").text


def test_a_month_under_way_is_not_told(house: House) -> None:
    this = month_of(datetime.now(UTC), TOKYO)
    used(house, this, "m01", "m02", "m03")
    row = house.ward.get("/utilisation.csv").content.decode("utf-8-sig").splitlines()[1].split(",")
    assert row[2:5] == ["", "", ""]
