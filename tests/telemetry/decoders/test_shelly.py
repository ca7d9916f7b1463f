"""Shelly plugs and meters, by what real ones sent: each field its own channel, and nothing that was not measured.

Recorded: a Shelly Plus 1PM in its first minutes (its clock not set at the first) and a 3EM by an MQTT converter in Go,
a Mini Gen3 by asnowfix/home-automation; complete device dumps by aioshelly.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from telemetry.model import Reason
from tests.telemetry.decoders.heard import NOW, context, heard, speaker

DUMPS = Path(__file__).parents[4] / "shared" / "data" / "shelly"
PLUG = context(("plug-1", "shelly"))
PREFIX = "moyai/demo/plug-1"

NOTIFIED = (
    '{"src":"shellyplus1pm-4417939341dc","dst":"shellies/plus1pm/events","method":"NotifyStatus","params":{"ts":%s,%s}}'
)
STATUS = (
    '{"id":0, "source":"WS_in", "output":true, "apower":0.0, "voltage":232.6, "current":0.000, '
    '"aenergy":{"total":0.000,"by_minute":[0.000,0.000,0.000],"minute_ts":1661517429},'
    '"temperature":{"tC":46.0, "tF":114.7}}'
)


def at(seconds: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=round(seconds * 1000))


@pytest.mark.parametrize(
    ("ts", "changed", "said"),
    [
        ("1661517385.44", '"switch:0":{"id":0,"voltage":232.7}', [("voltage", 232.7)]),
        (
            "1661517421.44",
            '"switch:0":{"id":0,"aenergy":{"by_minute":[0.000,0.000,0.000],"minute_ts":1661517419,"total":0.000}}',
            [("energy_wh", 0.0)],
        ),
        ("1661517432.85", '"switch:0":{"id":0,"output":true,"source":"WS_in"}', [("output", 1.0)]),
        ("1661517410.45", '"switch:0":{"id":0,"temperature":{"tC":44.06,"tF":111.30}}', []),
        ("1661517398.50", '"sys":{"available_updates":{"beta":{"version":"0.11.0-beta3"}}}', []),
        (
            "1705084233.79",
            '"switch:0":{"id":0,"apower":0,"current":0,"output":false}',
            [("power", 0.0), ("current", 0.0), ("output", 0.0)],
        ),
    ],
)
def test_a_notification_says_what_changed_at_the_plugs_time(
    ts: str, changed: str, said: list[tuple[str, float]]
) -> None:
    assert heard(PLUG, f"{PREFIX}/events/rpc", NOTIFIED % (ts, changed)) == [(*each, at(float(ts))) for each in said]


def test_the_fields_of_one_notification_are_channels_of_their_own_at_one_time() -> None:
    changed = '"switch:0":{"id":0,"apower":2.7,"current":0.121},"switch:1":{"id":1,"apower":0,"output":false}'
    assert heard(PLUG, f"{PREFIX}/events/rpc", NOTIFIED % ("1661517385.44", changed)) == [
        ("power", 2.7, at(1661517385.44)),
        ("current", 0.121, at(1661517385.44)),
        ("power_1", 0.0, at(1661517385.44)),
        ("output_1", 0.0, at(1661517385.44)),
    ]


def test_a_clock_that_is_not_set_yet_gives_the_time_of_receipt() -> None:
    changed = '"switch:0":{"id":0,"apower":2.7}'
    assert heard(PLUG, f"{PREFIX}/events/rpc", NOTIFIED % ("1.61", changed)) == [("power", 2.7, NOW)]
    assert heard(PLUG, f"{PREFIX}/events/rpc", NOTIFIED % (NOW.timestamp() + 601, changed)) == [("power", 2.7, NOW)]


def test_the_status_of_a_part_has_no_time_of_its_own() -> None:
    assert heard(PLUG, f"{PREFIX}/status/switch:0", STATUS) == [
        ("power", 0.0, NOW),
        ("voltage", 232.6, NOW),
        ("current", 0.0, NOW),
        ("energy_wh", 0.0, NOW),
        ("output", 1.0, NOW),
    ]
    assert heard(PLUG, f"{PREFIX}/status/switch:0", STATUS, retained=True) == []
    assert heard(PLUG, f"{PREFIX}/status/mqtt", '{"connected":true}') == []


def test_a_relay_without_a_meter_says_no_power() -> None:
    mini = (
        '{"src":"shelly1minig3-54320464a1d0","dst":"shelly1minig3-54320464a1d0/events","method":"NotifyStatus",'
        '"params":{"ts":1736603810.49,"switch:0":{"id":0,"output":false,"source":"HTTP_in"}}}'
    )
    assert heard(PLUG, f"{PREFIX}/events/rpc", mini) == [("output", 0.0, at(1736603810.49))]
    known = context(
        speaker("gen1", "shelly", "shellies/shelly1-98DF"),
        speaker("named", "shelly", "shellies/lathe", {"metered": False}),
        speaker("metered", "shelly", "shellies/shellyplug-s-DDEEFF"),
    )
    assert heard(known, "shellies/shelly1-98DF/relay/0/power", "0.00") == []
    assert heard(known, "shellies/lathe/relay/0/power", "0.00") == []
    assert heard(known, "shellies/shellyplug-s-DDEEFF/relay/0/power", "0.00") == [("power", 0.0, NOW)]
    assert heard(known, "shellies/shelly1-98DF/relay/0", "on") == [("output", 1.0, NOW)]


def test_the_last_will_is_availability_also_when_it_was_retained() -> None:
    assert heard(PLUG, f"{PREFIX}/online", "true") == [("availability", "online", NOW)]
    assert heard(PLUG, f"{PREFIX}/online", "false", retained=True) == [("availability", "offline", NOW)]
    assert heard(PLUG, f"{PREFIX}/online", "perhaps") == Reason.VALUE


def test_what_is_said_to_a_plug_is_no_reading() -> None:
    assert heard(PLUG, f"{PREFIX}/rpc", '{"id":123,"method":"Switch.Set","params":{"id":0,"on":true}}') == []
    assert heard(PLUG, f"{PREFIX}/command/switch:0", "on") == []
    event = '{"src":"x","method":"NotifyEvent","params":{"ts":1661517432.85,"events":[]}}'
    assert heard(PLUG, f"{PREFIX}/events/rpc", event) == []


def test_the_first_generation_counts_watt_minutes() -> None:
    """The meter of a Plug S, {"power": 0.0, "total": 2632} in aioshelly's dump, as its topics carry it."""
    known = context(speaker("plug-s", "shelly", "shellies/shellyplug-s-DDEEFF"))
    own = "shellies/shellyplug-s-DDEEFF"
    assert heard(known, f"{own}/relay/0/power", "0.00") == [("power", 0.0, NOW)]
    assert heard(known, f"{own}/relay/0/energy", "2632") == [("energy_wh", 43.866667, NOW)]
    assert heard(known, f"{own}/relay/0", "overpower") == [("output", 0.0, NOW)]
    assert heard(known, f"{own}/relay/0/power", "nan") == Reason.VALUE
    assert heard(known, f"{own}/relay/0", "") == Reason.VALUE
    assert heard(known, f"{own}/info", "{}") == []


def test_the_first_generations_three_phases_keep_apart() -> None:
    known = context(speaker("em3", "shelly", "shellies/shellies/shellyem3"))
    said = {"0/power": "0.00", "0/voltage": "230.35", "1/current": "0.01", "2/total": "0.0", "0/pf": "0.00"}
    found = [
        each
        for part, value in said.items()
        for each in heard(known, f"shellies/shellies/shellyem3/emeter/{part}", value)
    ]
    assert found == [
        ("power_a", 0.0, NOW),
        ("voltage_a", 230.35, NOW),
        ("current_b", 0.01, NOW),
        ("energy_wh_c", 0.0, NOW),
    ]


def test_a_dump_of_a_plug_becomes_its_channels() -> None:
    status = dump("gen2-plus-plug-s.json")["status"]
    full = {"method": "NotifyFullStatus", "params": {"ts": 1707326927.5, **status}}
    assert heard(PLUG, f"{PREFIX}/events/rpc", full) == [
        ("power", 2.7, at(1707326927.5)),
        ("voltage", 227.9, at(1707326927.5)),
        ("current", 0.121, at(1707326927.5)),
        ("energy_wh", 7258.589, at(1707326927.5)),
        ("output", 1.0, at(1707326927.5)),
    ]


def test_a_dump_of_a_three_phase_meter_becomes_its_phases_and_their_sum() -> None:
    status = dump("gen2-pro-3em.json")["status"]
    said = {name: value for name, value, _ in heard(PLUG, f"{PREFIX}/status/em:0", status["em:0"])}
    assert said["power"] == 558.965
    assert [said[f"power_{phase}"] for phase in "abc"] == [375.5, 170.8, 12.7]
    assert [said[f"voltage_{phase}"] for phase in "abc"] == [229.0, 229.0, 229.2]
    assert said["current"] == 3.856
    assert heard(PLUG, f"{PREFIX}/status/emdata:0", status["emdata:0"]) == [("energy_wh", 2589773.39, NOW)]


def test_an_input_is_a_contact_and_counts_parts() -> None:
    changed = '"input:0":{"id":0,"state":true},"input:2":{"id":2,"counts":{"total":17}}'
    assert heard(PLUG, f"{PREFIX}/events/rpc", NOTIFIED % ("1661517385.44", changed)) == [
        ("contact", 1.0, at(1661517385.44)),
        ("part_count_2", 17.0, at(1661517385.44)),
    ]


def dump(name: str) -> dict[str, Any]:
    if not DUMPS.is_dir():
        pytest.skip("the device dumps of aioshelly are not here")
    found: dict[str, Any] = json.loads((DUMPS / name).read_text())
    return found
