"""Contacts, pulses and signal towers: the mapping says what is what, and each gateway has its own words."""

from datetime import UTC, datetime
from typing import Any

import pytest

from telemetry.model import Reason
from tests.telemetry.decoders.heard import NOW, context, heard, speaker

PREFIX = "moyai/demo/lamp"
PLAIN = context(("lamp", "contact"))


def mapped(mapping: dict[str, Any], rest: str, payload: object) -> object:
    return heard(context(speaker("lamp", "contact", mapping=mapping)), f"{PREFIX}/{rest}", payload)


@pytest.mark.parametrize(
    ("channel", "payload", "value"),
    [
        ("contact", "1", 1.0),
        ("contact", "0\n", 0.0),
        ("contact", "ON", 1.0),
        ("contact", "true", 1.0),
        ("contact", "Open", 0.0),
        ("contact", '"closed"', 1.0),
        ("contact", '{"value": true}', 1.0),
        ("lamp_red", "on", "on"),
        ("lamp_yellow", "OFF", "off"),
        ("lamp_green", "blinking", "blink"),
        ("lamp_green", "2", "blink"),
        ("part_count", "1234", 1234.0),
        ("part_increment", "1", 1.0),
        ("part_increment", '{"value": 3}', 3.0),
        ("power", "12.5", 12.5),
        ("execution", "ACTIVE", "ACTIVE"),
        ("availability", "Online", "online"),
        ("availability", "0", "offline"),
        ("contact_3", "1", 1.0),
    ],
)
def test_without_a_mapping_the_topics_level_is_the_channel(channel: str, payload: str, value: float | str) -> None:
    assert heard(PLAIN, f"{PREFIX}/{channel}", payload) == [(channel, value, NOW)]


@pytest.mark.parametrize(
    ("channel", "payload", "reason"),
    [
        ("contact", "", Reason.VALUE),
        ("contact", "perhaps", Reason.VALUE),
        ("contact", "3", Reason.VALUE),
        ("contact", b"\xff", Reason.MALFORMED),
        ("part_count", "-1", Reason.VALUE),
        ("part_count", "1e400", Reason.VALUE),
        ("part_count", "1_000", Reason.VALUE),
        ("execution", "x" * 201, Reason.VALUE),
        ("temperature", "20", Reason.TOPIC),
    ],
)
def test_what_a_channel_cannot_hold_is_rejected(channel: str, payload: str | bytes, reason: Reason) -> None:
    assert heard(PLAIN, f"{PREFIX}/{channel}", payload) == reason


def test_a_mapping_names_topics_and_turns_contacts_around() -> None:
    mapping = {"di/1": "contact", "di/2": "!contact_1", "counter": "part_count"}
    assert mapped(mapping, "di/1", "1") == [("contact", 1.0, NOW)]
    assert mapped(mapping, "di/2", "1") == [("contact_1", 0.0, NOW)]
    assert mapped(mapping, "counter", "7") == [("part_count", 7.0, NOW)]
    assert mapped(mapping, "di/3", "1") == []


def test_the_three_lamps_of_a_tower_come_in_one_object() -> None:
    mapping = {"tower": {"red": "lamp_red", "amber": "lamp_yellow", "lamps/green": "lamp_green"}}
    payload = {"red": 0, "amber": "flash", "lamps": {"green": True}, "buzzer": 1, "at": "2026-11-23T11:59:00+09:00"}
    at = datetime(2026, 11, 23, 2, 59, tzinfo=UTC)
    assert mapped(mapping, "tower", payload) == [
        ("lamp_red", "off", at),
        ("lamp_yellow", "blink", at),
        ("lamp_green", "on", at),
    ]
    assert mapped(mapping, "tower", {"red": 1}) == [("lamp_red", "on", NOW)]
    assert mapped(mapping, "tower", "1") == Reason.MALFORMED
    assert mapped(mapping, "tower", {"red": 1, "at": "2026-11-23T11:59:00"}) == Reason.NAIVE_TIME
    assert mapped(mapping, "tower", {"red": 1, "ts": 1764000000.5}) == [
        ("lamp_red", "on", datetime(2025, 11, 24, 16, 0, 0, 500_000, tzinfo=UTC))
    ]


def test_a_mapping_to_no_channel_is_rejected_not_stored_under_any_name() -> None:
    assert mapped({"x": "no such"}, "x", "1") == Reason.TOPIC
    assert mapped({"x": 7}, "x", "1") == []
    assert mapped({"x": {"a": 7}}, "x", {"a": 1}) == []
