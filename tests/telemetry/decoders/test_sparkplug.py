"""Sparkplug B's bytes as another implementation writes them: births that name, data that numbers, deaths.

Recorded: the payloads were written by pysparkplug 0.6.1 with the classes that protoc made of Eclipse Tahu's
sparkplug_b.proto; their values are the comments beside them.
"""

from datetime import UTC, datetime, timedelta

import pytest

from telemetry.decoders.sparkplug import birth
from telemetry.decoders.sparkplug_payload import parse, payload
from telemetry.model import Reason
from tests.telemetry.decoders.heard import NOW, context, heard, speaker

AT = datetime(2026, 11, 23, 2, 59, tzinfo=UTC)
NBIRTH = bytes.fromhex(  # bdSeq 3, Node Control/Rebirth, seq 0
    "08a0e2deb2a03412120a05626453657118a0e2deb2a0342008580312210a144e6f646520436f6e74726f6c2f5265626972746818a0e2deb2a0"
    "34200b70001800"
)
DBIRTH = bytes.fromhex(  # 7 Machine/Power 812.5, 8 execution ACTIVE, 9 part_count 12, 10 Temp -5, 11 output 1, 12 null
    "0884e3deb2a03412230a0d4d616368696e652f506f77657210071884e3deb2a034200a690000000000648940121e0a09657865637574696f6e"
    "10081884e3deb2a034200c7a0641435449564512190a0a706172745f636f756e7410091884e3deb2a0342003500c12170a0454656d70100a18"
    "84e3deb2a034200350fbffffff0f12150a066f7574707574100b1884e3deb2a034200b700112160a0763757272656e74100c1884e3deb2a034"
    "200938011801"
)
DDATA = bytes.fromhex(  # 7: 0.0 at +900 ms, 8: READY at +950 ms
    "0888eadeb2a0341212100718a4e9deb2a0346900000000000000001210100818d6e9deb2a0347a0552454144591802"
)
NEGATIVE = bytes.fromhex("0888eadeb2a034120f100a1888eadeb2a03450f9ffffff0f1803")  # 10: -7, an Int32 by its birth
NDEATH = bytes.fromhex("120b0a05626453657120085803")  # bdSeq 3

OWN = "spBv1.0/Plant/Edge1/Mill"
MAPPING = {"Machine/Power": "power", "execution": "execution", "Temp": "temperature"}
BORN = birth(parse(DBIRTH))


def ms(milliseconds: int) -> datetime:
    return AT + timedelta(milliseconds=milliseconds)


def test_a_birth_says_its_first_values_and_that_the_device_is_there() -> None:
    mill = context(speaker("mill", "sparkplug", OWN, MAPPING))
    assert heard(mill, "spBv1.0/Plant/DBIRTH/Edge1/Mill", DBIRTH) == [
        ("availability", "online", ms(100)),
        ("power", 812.5, ms(100)),
        ("execution", "ACTIVE", ms(100)),
        ("temperature", -5.0, ms(100)),
    ]


def test_without_a_mapping_the_names_that_can_be_channels_are() -> None:
    mill = context(speaker("mill", "sparkplug", OWN))
    assert heard(mill, "spBv1.0/Plant/DBIRTH/Edge1/Mill", DBIRTH) == [
        ("availability", "online", ms(100)),
        ("execution", "ACTIVE", ms(100)),
        ("part_count", 12.0, ms(100)),
        ("Temp", -5.0, ms(100)),
        ("output", 1.0, ms(100)),
    ]
    edge = context(speaker("edge", "sparkplug", "spBv1.0/Plant/Edge1"))
    assert heard(edge, "spBv1.0/Plant/NBIRTH/Edge1", NBIRTH) == [("availability", "online", AT)]


def test_data_is_named_and_signed_by_the_birth() -> None:
    mill = context(speaker("mill", "sparkplug", OWN, MAPPING, BORN))
    topic = "spBv1.0/Plant/DDATA/Edge1/Mill"
    assert heard(mill, topic, DDATA) == [("power", 0.0, ms(900)), ("execution", "READY", ms(950))]
    assert heard(mill, topic, NEGATIVE) == [("temperature", -7.0, ms(1000))]


def test_data_before_a_birth_waits_in_the_rejects() -> None:
    topic = "spBv1.0/Plant/DDATA/Edge1/Mill"
    assert heard(context(speaker("mill", "sparkplug", OWN)), topic, DDATA) == Reason.NOT_BORN
    unknown = payload(timestamp=1795402740000, metrics=[{"alias": 99, "double_value": 1.0}]).SerializeToString()
    assert heard(context(speaker("mill", "sparkplug", OWN, birth=BORN)), topic, unknown) == Reason.NOT_BORN


def test_a_node_dies_at_the_receipt_and_a_device_when_its_node_says_so() -> None:
    """The will of a node was written when it connected, perhaps months ago."""
    edge = context(speaker("edge", "sparkplug", "spBv1.0/Plant/Edge1"))
    assert heard(edge, "spBv1.0/Plant/NDEATH/Edge1", NDEATH) == [("availability", "offline", NOW)]
    mill = context(speaker("mill", "sparkplug", OWN))
    death = payload(timestamp=1795402740000, seq=9).SerializeToString()
    assert heard(mill, "spBv1.0/Plant/DDEATH/Edge1/Mill", death) == [("availability", "offline", AT)]


def test_commands_are_no_readings() -> None:
    edge = context(speaker("edge", "sparkplug", "spBv1.0/Plant/Edge1"))
    assert heard(edge, "spBv1.0/Plant/NCMD/Edge1", NBIRTH) == []


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"timestamp": 1}, Reason.FAR_PAST),
        ({"timestamp": 2**64 - 1}, Reason.FUTURE),
        ({"timestamp": 1795402740000 + 3_600_000}, Reason.FUTURE),
    ],
)
def test_a_clock_that_is_wrong_is_rejected(fields: dict[str, int], reason: Reason) -> None:
    mill = context(speaker("mill", "sparkplug", OWN, birth=BORN))
    raw = payload(metrics=[{"alias": 9, "int_value": 1}], **fields).SerializeToString()
    assert heard(mill, "spBv1.0/Plant/DDATA/Edge1/Mill", raw) == reason


def test_what_is_not_sparkplug_is_rejected() -> None:
    mill = context(speaker("mill", "sparkplug", OWN, birth=BORN))
    assert heard(mill, "spBv1.0/Plant/DDATA/Edge1/Mill", b"\x00\xff{}") == Reason.MALFORMED
    assert heard(mill, "spBv1.0/Plant/DDATA/Edge1/Other", DDATA) == Reason.UNKNOWN_DEVICE
    assert heard(mill, "spBv1.0/Plant/DDATA/Edge1/Mill/x", DDATA) == Reason.TOPIC
