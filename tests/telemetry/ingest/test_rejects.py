"""What could not be taken is kept within bounds, counted beyond them, listed, and replayed after a fix: once."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

import orjson
import psycopg
import pytest

from coop.database import Connection
from coop.errors import Forbidden
from coop.identity import SYSTEM, Role, Viewer
from coop.paging import Slice
from telemetry.decoders import MAX_PAYLOAD_BYTES
from telemetry.devices import register
from telemetry.ingest import rejects
from telemetry.ingest.replay import Replayed, replay
from telemetry.model import Device, Message, Reason, Rejected
from tests.parts.databases import Database
from tests.telemetry.plant import LONG_AGO, found

DAY = datetime(2026, 11, 2, 3, tzinfo=UTC)
BAD = Rejected(Reason.MALFORMED, "not an object")


@pytest.fixture
def conn(database: Database) -> Iterator[Connection]:
    found(database.app_url, "demo")
    with psycopg.connect(database.app_url, autocommit=True, options="-c TimeZone=UTC") as conn:
        yield conn


def said(payload: bytes, *, address: str = "cmm-1", at: datetime = DAY, queued: bool = False) -> Message:
    return Message(0, 1, False, False, f"moyai/demo/{address}/power", payload, at, queued)


def keep(conn: Connection, messages: Sequence[Message], why: Rejected = BAD) -> None:
    with conn.transaction():
        rejects.keep(conn, [(message, why) for message in messages])


def counted(conn: Connection) -> list[tuple[str | None, date, int, int]]:
    days = rejects.rejected_days(conn, SYSTEM, DAY.date() - timedelta(days=1))
    return [(each.device_id, each.day, each.rejected, each.kept) for each in days]


def readings(conn: Connection) -> list[tuple[object, ...]]:
    return conn.execute("SELECT at, value, received_at, queued FROM telemetry.reading ORDER BY at, tie").fetchall()


def test_a_device_that_floods_is_counted_and_does_not_fill_the_disk(conn: Connection) -> None:
    flood = [said(b"%d" % number) for number in range(rejects.KEPT_A_DAY)]
    keep(conn, flood[:10])
    keep(conn, flood)
    keep(conn, [said(b"other", address="nobody"), said(b"tomorrow", at=DAY + timedelta(days=1))])
    assert counted(conn) == [
        ("plug-cmm-1", DAY.date() + timedelta(days=1), 1, 1),
        (None, DAY.date(), 1, 1),
        ("plug-cmm-1", DAY.date(), rejects.KEPT_A_DAY + 10, rejects.KEPT_A_DAY),
    ]
    kept = rejects.rejects(conn, SYSTEM, "plug-cmm-1")
    assert [each.payload for each in kept[:2]] == [b"tomorrow", b"989"]
    assert len(kept) == rejects.KEPT_A_DAY + 1


def test_large_ones_are_kept_as_far_as_there_is_room(conn: Connection) -> None:
    whole, too_large = b"x" * MAX_PAYLOAD_BYTES, b"y" * (MAX_PAYLOAD_BYTES + 1)
    keep(conn, [said(too_large), *(said(whole) for _ in range(20)), said(b"small")])
    kept = rejects.rejects(conn, SYSTEM)
    assert kept[-1].payload == too_large[: rejects.KEPT_BYTES_OF_TOO_LARGE]
    assert kept[-1].payload_bytes == len(too_large)
    assert kept[0].payload == b"small"
    assert sum(len(each.payload) for each in kept) <= rejects.KEPT_BYTES_A_DAY
    assert counted(conn) == [("plug-cmm-1", DAY.date(), 22, len(kept))]


def test_what_nobody_replayed_for_long_goes_and_its_count_stays(conn: Connection) -> None:
    keep(conn, [said(b"old")])
    keep(conn, [said(b"new", at=DAY + timedelta(days=rejects.KEPT_DAYS + 1))])
    assert [each.payload for each in rejects.rejects(conn, SYSTEM)] == [b"new"]
    assert counted(conn)[-1] == ("plug-cmm-1", DAY.date(), 1, 1)


def test_a_device_with_a_topic_of_its_own_answers_for_it(conn: Connection) -> None:
    with conn.transaction():
        register.add_device(conn, SYSTEM, Device("shelly", "s1", "shelly", "shellies/one"), LONG_AGO)
    strange = Message(0, 1, False, False, "shellies/one/events/rpc", b"?", DAY)
    neighbour = Message(0, 1, False, False, "shellies/one-and-a-half/events/rpc", b"?", DAY)
    keep(conn, [strange, neighbour])
    assert {device for device, *_ in counted(conn)} == {"shelly", None}


def test_a_list_goes_on_where_the_page_ended(conn: Connection) -> None:
    keep(conn, [said(b"%d" % number) for number in range(5)])
    first = rejects.rejects(conn, SYSTEM, part=Slice(limit=2))
    second = rejects.rejects(conn, SYSTEM, part=Slice((first[-1].id,), 2))
    assert [each.payload for each in (*first, *second)] == [b"4", b"3", b"2", b"1"]


def test_replayed_after_a_fix_they_become_readings_of_their_time_once(conn: Connection) -> None:
    stamped = said(orjson.dumps({"at": "2026-11-02T02:59:00+00:00", "value": 1}), address="new")
    unstamped = said(orjson.dumps({"value": 2}), address="new")
    waited = said(orjson.dumps({"value": 3}), address="new", at=DAY + timedelta(seconds=1), queued=True)
    keep(conn, [stamped, unstamped, waited, stamped], Rejected(Reason.UNKNOWN_DEVICE, "new"))
    keep(conn, [said(b"garbage")])
    keep(conn, [said(orjson.dumps({"value": 9}))], Rejected(Reason.RETAINED_WITHOUT_TIME))
    with conn.transaction():
        assert replay(conn, SYSTEM, DAY) == Replayed(0, 0, 5)
        register.add_device(conn, SYSTEM, Device("new", "new"), LONG_AGO)
    with conn.transaction():
        assert replay(conn, SYSTEM, DAY) == Replayed(4, 3, 1)
    with conn.transaction():
        assert replay(conn, SYSTEM, DAY) == Replayed(0, 0, 1)
    assert readings(conn) == [
        (DAY - timedelta(minutes=1), 1, DAY, None),
        (DAY, 2, DAY, None),
        (DAY + timedelta(seconds=1), 3, DAY + timedelta(seconds=1), True),
    ]
    assert [each.payload for each in rejects.rejects(conn, SYSTEM)] == [b'{"value":9}', b"garbage"]
    assert sum(rejected for _, _, rejected, _ in counted(conn)) == 6


def test_one_that_the_database_still_refuses_stays_and_the_others_leave(conn: Connection, database: Database) -> None:
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("ALTER TABLE telemetry.reading ADD CONSTRAINT no_unlucky_number CHECK (value <> 13)")
    refused = Rejected(Reason.REFUSED_BY_DATABASE)
    stamped = [{"at": (DAY + timedelta(seconds=value)).isoformat(), "value": value} for value in (12, 13, 14)]
    keep(conn, [said(orjson.dumps(each)) for each in stamped], refused)
    with conn.transaction():
        assert replay(conn, SYSTEM, DAY) == Replayed(2, 2, 1)
    assert [value for _, value, _, _ in readings(conn)] == [12, 14]
    assert len(rejects.rejects(conn, SYSTEM)) == 1


def test_only_the_office_reads_and_replays(conn: Connection) -> None:
    engineer = Viewer(None, "factory", frozenset({Role.ENGINEER}))
    with pytest.raises(Forbidden):
        rejects.rejects(conn, engineer)
    with pytest.raises(Forbidden):
        replay(conn, engineer, DAY)
