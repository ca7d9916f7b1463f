"""What a device may say on its topic, and why the rest is rejected."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry import decoders
from telemetry.decoders.saying import MAX_PAYLOAD_BYTES, MAX_READINGS
from telemetry.model import Reading, Reason, Rejected
from tests.telemetry.decoders.heard import context, message

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
TOPIC = "moyai/demo/cmm-1/power"
AT = "2026-11-23T11:59:00+09:00"
CONTEXT = context(("cmm-1", "json"))


def decode(topic: str, payload: bytes, received_at: datetime) -> list[Reading] | Rejected:
    return decoders.decode(message(topic, payload, received_at), CONTEXT)


def said(payload: object, topic: str = TOPIC) -> list[tuple[datetime, float | str | None]] | Reason:
    found = decode(topic, payload if isinstance(payload, bytes) else orjson.dumps(payload), NOW)
    if isinstance(found, Rejected):
        return found.reason
    return [(each.at, each.text if each.value is None else each.value) for each in found]


ONE = datetime(2026, 11, 23, 2, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("payload", "readings"),
    [
        ({"at": AT, "value": 12.5}, [(ONE, 12.5)]),
        ({"at": "2026-11-23T02:59:00Z", "value": 3, "seq": 7}, [(ONE, 3.0)]),
        ({"value": 12.5}, [(NOW, 12.5)]),
        ({"at": AT, "value": "ACTIVE"}, [(ONE, "ACTIVE")]),
        ({"at": AT, "value": "加工中"}, [(ONE, "加工中")]),
        ({"sent_at": AT, "readings": [{"at": AT, "value": 1}, {"at": AT, "value": 2}]}, [(ONE, 1.0), (ONE, 2.0)]),
        ({"at": "2026-11-23T03:10:00Z", "value": 0}, [(NOW + timedelta(minutes=10), 0.0)]),
        ({"at": "2010-01-01T00:00:00Z", "value": 0}, [(datetime(2010, 1, 1, tzinfo=UTC), 0.0)]),
    ],
)
def test_what_the_contract_allows_is_taken(payload: object, readings: list[tuple[datetime, float | str]]) -> None:
    assert said(payload) == readings


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Reason.MALFORMED),
        (b"12.5", Reason.MALFORMED),
        (b"[]", Reason.MALFORMED),
        (b'{"value": NaN}', Reason.MALFORMED),
        (b'{"value": Infinity}', Reason.MALFORMED),
        (b'{"value": 1e400}', Reason.MALFORMED),
        (b'{"value": "\xff"}', Reason.MALFORMED),
        (b"[" * 100_000, Reason.MALFORMED),
        (b" " * (MAX_PAYLOAD_BYTES + 1), Reason.TOO_LARGE),
        ({"readings": [{"at": AT, "value": 1}] * (MAX_READINGS + 1)}, Reason.TOO_LARGE),
        ({}, Reason.VALUE),
        ({"value": None}, Reason.VALUE),
        ({"value": True}, Reason.VALUE),
        ({"value": ""}, Reason.VALUE),
        ({"value": "a\0b"}, Reason.VALUE),
        ({"value": "x" * 201}, Reason.VALUE),
        ({"value": 1, "unit": "W"}, Reason.UNKNOWN_FIELD),
        ({"readings": [], "value": 1}, Reason.UNKNOWN_FIELD),
        ({"readings": []}, Reason.MALFORMED),
        ({"readings": {"at": AT}}, Reason.MALFORMED),
        ({"readings": [1]}, Reason.MALFORMED),
        ({"readings": [{"at": AT, "value": 1}, {"value": 2}]}, Reason.TIME),
        ({"sent_at": "yesterday", "readings": [{"at": AT, "value": 1}]}, Reason.TIME),
        ({"at": 1_700_000_000, "value": 1}, Reason.TIME),
        ({"at": "2026-02-30T00:00:00Z", "value": 1}, Reason.TIME),
        ({"at": "2026-11-23T11:59:00", "value": 1}, Reason.NAIVE_TIME),
        ({"at": "2026-11-23", "value": 1}, Reason.NAIVE_TIME),
        ({"at": "2026-11-23T03:10:00.000001Z", "value": 1}, Reason.FUTURE),
        ({"at": "9999-12-31T23:59:59-14:00", "value": 1}, Reason.FUTURE),
        ({"at": "2009-12-31T23:59:59Z", "value": 1}, Reason.FAR_PAST),
        ({"at": "0001-01-01T00:00:00+14:00", "value": 1}, Reason.FAR_PAST),
        ({"at": AT, "value": 1, "seq": -1}, Reason.SEQUENCE),
        ({"at": AT, "value": 1, "seq": 2**63}, Reason.SEQUENCE),
        ({"at": AT, "value": 1, "seq": 1.5}, Reason.SEQUENCE),
        ({"at": AT, "value": 1, "seq": True}, Reason.SEQUENCE),
    ],
)
def test_the_rest_is_rejected_with_its_reason(payload: object, reason: Reason) -> None:
    assert said(payload) == reason


@pytest.mark.parametrize(
    "topic", ["", "moyai/demo/cmm-1", "moyai/demo/cmm-1/power/now", "moyai/demo//power", "moyai/demo/cmm 1/power",
              "moyai/demo/cmm-1/pow\0er", "moyai/demo/cmm-1/" + "x" * 64, "moyai/demo/測定機/power", "\ufffd"]
)  # fmt: skip
def test_a_topic_that_names_no_channel_is_rejected(topic: str) -> None:
    assert said({"value": 1}, topic) == Reason.TOPIC


def one(**stated: object) -> Reading:
    (reading,) = decode(TOPIC, orjson.dumps({"at": AT, **stated}), NOW)
    assert isinstance(reading, Reading)
    return reading


def test_the_tie_is_the_sequence_number_or_stays_the_same_for_the_same_value() -> None:
    assert one(value=1, seq=2**63 - 1).tie == 2**63 - 1
    assert one(value=1).tie == one(value=1.0).tie
    assert one(value=0).tie == one(value=-0.0).tie
    assert one(value=1).tie != one(value=2).tie
    assert one(value="ACTIVE").tie != one(value="READY").tie
    # Written down once: they are part of the key of every reading stored so far.
    assert (one(value=12.5).tie, one(value="ACTIVE").tie) == (3329322949924465925, 1520255332693732163)


DESCRIBED = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=300)
    | st.datetimes().map(datetime.isoformat) | st.just(AT),
    lambda inner: st.lists(inner, max_size=5)
    | st.dictionaries(st.sampled_from(["at", "value", "seq", "readings", "sent_at", "unit", "\0"]), inner),
    max_leaves=20,
)  # fmt: skip


@given(st.binary(max_size=200) | DESCRIBED.map(lambda value: orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)))
def test_whatever_arrives_is_readings_or_a_reason_and_never_more_than_arrived(payload: bytes) -> None:
    found = decode(TOPIC, payload, NOW)
    if isinstance(found, Rejected):
        assert len(found.detail) <= 200
        return
    assert 1 <= len(found) <= max(1, len(payload) // 8)
    for reading in found:
        assert (reading.value is None) != (reading.text is None)
        assert reading.at <= NOW + timedelta(minutes=10)
        assert reading.at.utcoffset() == timedelta(0)
        assert 0 <= reading.tie < 2**63


@given(st.text(max_size=80))
def test_whatever_the_topic_is_nothing_escapes(topic: str) -> None:
    decode(topic, b'{"value": 1}', NOW)
