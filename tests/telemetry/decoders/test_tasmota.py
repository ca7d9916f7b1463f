"""Tasmota plugs by what real ones sent; their local time, and what is believed of it.

Recorded: SENSOR of a Sonoff POW in issue 1621 of arendst/Tasmota; STATE and Switch1 in a log at pastebin.com/4izDrY6W.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from telemetry.decoders import Speaker
from telemetry.model import Reason
from tests.telemetry.decoders.heard import NOW, Said, context, heard

PREFIX = "moyai/demo/plug-1"
PLUG = context(("plug-1", "tasmota"))
POW = (
    '{"Time":"2018-01-17T18:59:50","ENERGY":{"Total":1.956,"Yesterday":0.054,"Today":0.049,"Period":0,"Power":9,'
    '"Factor":0.43,"Voltage":231,"Current":0.089}}'
)
STATE = (
    '{"Time":"2024-02-24T22:20:38","Uptime":"0T00:10:11","UptimeSec":611,"Heap":24,"SleepMode":"Dynamic","Sleep":50,'
    '"LoadAvg":19,"MqttCount":1,"POWER":"OFF","Wifi":{"AP":1,"SSId":"ESP-Network","Channel":3,"RSSI":44}}'
)


def test_a_meter_says_its_four_channels_at_its_local_time() -> None:
    received_at = datetime(2018, 1, 17, 9, 59, 52, tzinfo=UTC)
    at = datetime(2018, 1, 17, 9, 59, 50, tzinfo=UTC)
    assert heard(PLUG, f"{PREFIX}/tele/SENSOR", POW, received_at) == [
        ("energy_wh", 1956.0, at),
        ("power", 9.0, at),
        ("voltage", 231.0, at),
        ("current", 0.089, at),
    ]


def test_the_relay_and_the_switches_are_heard() -> None:
    received_at = datetime(2024, 2, 24, 13, 20, 39, tzinfo=UTC)
    at = received_at - timedelta(seconds=1)
    assert heard(PLUG, f"{PREFIX}/tele/STATE", STATE, received_at) == [("output", 0.0, at)]
    sensor = '{"Time":"2024-02-24T22:20:38","Switch1":"ON","Switch2":"OFF","COUNTER":{"C1":12}}'
    assert heard(PLUG, f"{PREFIX}/tele/SENSOR", sensor, received_at) == [
        ("contact", 1.0, at),
        ("contact_1", 0.0, at),
        ("part_count", 12.0, at),
    ]
    assert heard(PLUG, f"{PREFIX}/stat/RESULT", '{"POWER2":"ON"}') == [("output_1", 1.0, NOW)]


def test_a_meter_of_three_phases_says_each_and_their_sum() -> None:
    said = '{"ENERGY":{"Total":1.5,"Power":[100,200,300],"Voltage":[200,201,202],"Current":[1,null,3]}}'
    assert heard(PLUG, f"{PREFIX}/tele/SENSOR", said) == [
        ("energy_wh", 1500.0, NOW),
        ("power", 600.0, NOW),
        ("power_a", 100.0, NOW),
        ("power_b", 200.0, NOW),
        ("power_c", 300.0, NOW),
        ("voltage_a", 200.0, NOW),
        ("voltage_b", 201.0, NOW),
        ("voltage_c", 202.0, NOW),
        ("current_a", 1.0, NOW),
        ("current_c", 3.0, NOW),
    ]


@pytest.mark.parametrize(
    ("stated", "at"),
    [
        ("2026-11-23T11:59:50", datetime(2026, 11, 23, 2, 59, 50, tzinfo=UTC)),
        ("2026-11-23T12:10:00", datetime(2026, 11, 23, 3, 10, tzinfo=UTC)),
        ("2026-11-23T12:10:01", NOW),  # ahead of its receipt
        ("2026-11-16T12:00:00", datetime(2026, 11, 16, 3, tzinfo=UTC)),  # the broker kept it for a week
        ("2026-11-16T11:59:59", NOW),
        ("1970-01-01T00:00:12", NOW),  # no clock yet
        ("2026-11-23T11:59:50+09:00", datetime(2026, 11, 23, 2, 59, 50, tzinfo=UTC)),  # SetOption52
        ("0001-01-01T00:00:00", NOW),
        ("soon", NOW),
        (None, NOW),
    ],
)
def test_a_time_is_believed_where_it_is_plausible(stated: str | None, at: datetime) -> None:
    assert heard(PLUG, f"{PREFIX}/tele/SENSOR", {"Time": stated, "ENERGY": {"Power": 9}}) == [("power", 9.0, at)]


@pytest.mark.parametrize(
    ("received", "at"),
    [
        ("2026-10-25T00:30:05+00:00", "2026-10-25T00:30:00+00:00"),  # 02:30 for the first time
        ("2026-10-25T01:30:05+00:00", "2026-10-25T01:30:00+00:00"),  # 02:30 for the second time
    ],
)
def test_where_the_clocks_go_back_a_time_is_the_moment_nearer_to_its_receipt(received: str, at: str) -> None:
    berlin = context(Speaker("plug-1", "tasmota", PREFIX, ZoneInfo("Europe/Berlin")))
    said = {"Time": "2026-10-25T02:30:00", "ENERGY": {"Power": 9}}
    found = heard(berlin, f"{PREFIX}/tele/SENSOR", said, datetime.fromisoformat(received))
    assert found == [("power", 9.0, datetime.fromisoformat(at))]


def test_the_last_will_is_availability_also_when_it_was_retained() -> None:
    assert heard(PLUG, f"{PREFIX}/tele/LWT", "Online", retained=True) == [("availability", "online", NOW)]
    assert heard(PLUG, f"{PREFIX}/tele/LWT", "Offline") == [("availability", "offline", NOW)]
    assert heard(PLUG, f"{PREFIX}/tele/LWT", "") == Reason.VALUE


def test_a_retained_sensor_message_counts_at_its_own_time_only() -> None:
    said = '{"Time":"%s","ENERGY":{"Power":9}}'
    fresh: Said = [("power", 9.0, datetime(2026, 11, 23, 2, 59, 50, tzinfo=UTC))]
    assert heard(PLUG, f"{PREFIX}/tele/SENSOR", said % "2026-11-23T11:59:50", retained=True) == fresh
    assert (
        heard(PLUG, f"{PREFIX}/tele/SENSOR", said % "1970-01-01T00:00:12", retained=True)
        == Reason.RETAINED_WITHOUT_TIME
    )


def test_commands_and_the_rest_are_no_readings() -> None:
    assert heard(PLUG, f"{PREFIX}/cmnd/POWER", "ON") == []
    assert heard(PLUG, f"{PREFIX}/tele/INFO1", '{"Info1":{"Module":"x"}}') == []
    assert heard(PLUG, f"{PREFIX}/tele/SENSOR", "[]") == Reason.MALFORMED
