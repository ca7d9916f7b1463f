"""Every decoder: whatever arrives becomes readings or a reason, and no device speaks for another."""

from datetime import timedelta

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from telemetry import decoders
from telemetry.decoders.saying import MAX_PAYLOAD_BYTES
from telemetry.decoders.sparkplug import Birth
from telemetry.decoders.sparkplug_payload import payload
from telemetry.devices.rights import rights_of
from telemetry.model import Reason, Rejected
from tests.telemetry.decoders.heard import NOW, context, heard, message, speaker

BORN = Birth({"power": 10, "Temp": 3}, {1: "power", 2: "Temp"})
ALL = context(
    ("json", "json"),
    ("shelly", "shelly"),
    speaker("gen1", "shelly", "shellies/plug"),
    ("contact", "contact"),
    speaker("tower", "contact", mapping={"tower": {"red": "lamp_red", "n/c": "part_count"}, "di": "!contact"}),
    ("tasmota", "tasmota"),
    ("mtconnect", "mtconnect"),
    speaker("mapped", "mtconnect", mapping={"exec": "execution", "pc": "part_count"}),
    speaker("edge", "sparkplug", "spBv1.0/G/E"),
    speaker("device", "sparkplug", "spBv1.0/G/E/D", {"power": "power", "Temp": "t"}, BORN),
)
TOPICS = [
    "moyai/demo/json/power",
    *(f"moyai/demo/shelly/{rest}" for rest in ("events/rpc", "status/switch:0", "status/em:0", "status/:", "online")),
    *(
        f"shellies/plug/{rest}"
        for rest in ("relay/0", "relay/0/power", "emeter/2/total", "relay/²/energy", "input/9999")
    ),
    *(f"moyai/demo/contact/{rest}" for rest in ("contact", "lamp_red", "part_count", "execution", "power")),
    *(f"moyai/demo/tower/{rest}" for rest in ("tower", "di")),
    *(f"moyai/demo/tasmota/{rest}" for rest in ("tele/SENSOR", "tele/STATE", "stat/RESULT", "tele/LWT")),
    *(
        f"moyai/demo/{agent}/{rest}"
        for agent in ("mtconnect", "mapped")
        for rest in ("Current/u", "Probe/u/Availability")
    ),
    *(f"spBv1.0/G/{kind}/E" for kind in ("NBIRTH", "NDATA", "NDEATH")),
    *(f"spBv1.0/G/{kind}/E/D" for kind in ("DBIRTH", "DDATA", "DDEATH")),
]
WORDS = [
    "params", "ts", "method", "NotifyStatus", "switch:0", "em:0", "input:1", "apower", "aenergy", "total",
    "output", "counts", "ENERGY", "Time", "Power", "Total", "Voltage", "POWER", "Switch1", "COUNTER", "C1",
    "value", "at", "red", "n", "c", "MTConnectStreams", "Streams", "DeviceStream", "Events", "Execution",
    "PartCount", "dataItemId", "timestamp", "sequence", "exec", "pc", "subType", "ACTIVE", "UNAVAILABLE",
    "AVAILABLE", "2026-11-23T11:59:00+09:00", "2026-11-23T11:59:00", "ON",
]  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=250)
    | st.sampled_from(WORDS)
)
OBJECTS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=25,
)
METRICS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["power", "Temp", "bdSeq", "", "a/b"]) | st.text(max_size=5),
        "alias": st.integers(0, 2**64 - 1) | st.integers(0, 3),
        "timestamp": st.integers(0, 2**64 - 1) | st.just(1795402740000),
        "datatype": st.integers(0, 40),
        "is_null": st.booleans(),
        "int_value": st.integers(0, 2**32 - 1),
        "long_value": st.integers(0, 2**64 - 1),
        "double_value": st.floats(),
        "string_value": st.text(max_size=210),
    },
)
PAYLOADS = st.builds(
    lambda metrics, **fields: payload(metrics=metrics, **fields).SerializeToString(),
    st.lists(METRICS, max_size=5),
    timestamp=st.integers(0, 2**64 - 1) | st.just(1795402740000),
)
PLAIN = st.text(max_size=30).map(str.encode) | st.sampled_from(
    [b"1", b"on", b"true", b"12.5", b"inf", b"1e999", b"Online"]
)


@given(
    topic=st.sampled_from(TOPICS) | st.text(max_size=60),
    raw=st.binary(max_size=200)
    | OBJECTS.map(lambda each: orjson.dumps(each, option=orjson.OPT_NON_STR_KEYS))
    | PLAIN
    | PAYLOADS,
    retained=st.booleans(),
)
@example(topic="moyai/demo/mtconnect/Current/u", raw=b'{"MTConnectStreams":' + b"[" * 1000, retained=False)
@example(
    topic="moyai/demo/mtconnect/Current/u", raw=b'{"MTConnectStreams":' + b"[" * 500 + b"]" * 500 + b"}", retained=False
)
def test_whatever_arrives_is_readings_or_a_reason_and_never_more_than_arrived(
    topic: str, raw: bytes, retained: bool
) -> None:
    found = decoders.decode(message(topic, raw, retained=retained), ALL)
    if isinstance(found, Rejected):
        assert found.reason is not Reason.DECODER_FAILED, topic
        assert len(found.detail) <= 200
        return
    assert len(found) <= len(raw) + 1
    assert len({each.has_own_time for each in found}) <= 1
    for reading in found:
        assert reading.address in topic or topic.startswith(("spBv1.0", "shellies"))
        assert (reading.value is None) != (reading.text is None)
        assert reading.value is None or abs(reading.value) < 1e308
        assert reading.text is None or (0 < len(reading.text) <= 200 and reading.text.isprintable())
        assert reading.at <= NOW + timedelta(minutes=10)
        assert reading.at.utcoffset() == timedelta(0)
        assert 0 <= reading.tie < 2**63
        assert len(reading.channel) <= 80


def test_a_message_that_is_too_large_is_not_even_looked_at() -> None:
    for topic in TOPICS:
        assert heard(ALL, topic, b" " * (MAX_PAYLOAD_BYTES + 1)) == Reason.TOO_LARGE


def test_a_decoders_defect_costs_its_own_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> list[object]:
        raise KeyError("oh")

    monkeypatch.setitem(decoders.DECODERS, "shelly", broken)
    assert heard(ALL, "moyai/demo/shelly/online", "true") == Reason.DECODER_FAILED
    assert heard(ALL, "moyai/demo/json/power", {"value": 1}) == [("power", 1.0, NOW)]


def test_a_decoder_that_is_not_there_keeps_the_message() -> None:
    assert heard(context(("new", "opcua")), "moyai/demo/new/x", "1") == Reason.UNKNOWN_DECODER


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        ("moyai/demo/stranger/power", Reason.UNKNOWN_DEVICE),
        ("moyai/other/json/power", Reason.TOPIC),
        ("moyai/demo/json", Reason.TOPIC),
        ("shellies/stranger/relay/0", Reason.TOPIC),
        ("spBv1.0/G/NDATA/Other", Reason.UNKNOWN_DEVICE),
    ],
)
def test_nobody_is_heard_under_a_topic_that_is_no_devices(topic: str, reason: Reason) -> None:
    assert heard(ALL, topic, {"value": 1}) == reason


def test_a_device_whose_topic_lies_within_anothers_is_not_heard_in_its_place() -> None:
    """Whoever may publish under shellies/a could otherwise speak for shellies/a/relay."""
    known = context(speaker("outer", "shelly", "shellies/a"), speaker("inner", "contact", "shellies/a/relay"))
    found = decoders.decode(message("shellies/a/relay/0", "on"), known)
    assert not isinstance(found, Rejected)
    assert [each.address for each in found] == ["outer"]


def test_the_subscriptions_are_the_cooperatives_and_those_of_devices_that_speak_elsewhere() -> None:
    assert ALL.subscriptions() == ["moyai/demo/#", "shellies/plug/#"]


def test_an_edge_node_may_speak_for_itself_and_hears_that_it_is_to_be_born_again() -> None:
    rights = rights_of("demo", "edge", "spBv1.0/G/E", hears_commands=False)
    assert rights.publish == ("moyai/demo/edge/#", "spBv1.0/G/+/E/#")
    assert rights.subscribe == ("spBv1.0/G/NCMD/E/#", "spBv1.0/G/DCMD/E/#")
    assert set(rights.subscribe) < set(rights.silent)
