"""MTConnect documents in both JSON versions, as agents print them.

The shapes are those that cppagent's own test demands of its printer (json_printer_stream_test.cpp); the second document
is cut from the example of MTConnect.NET-JSON-cppagent (MTConnectStreamsResponseDocument.json).
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from telemetry.decoders import decode
from telemetry.model import Reason, Rejected
from tests.telemetry.decoders.heard import NOW, context, heard, message, speaker

AGENT = context(("mazak-1", "mtconnect"))
CURRENT = "moyai/demo/mazak-1/Current/5fd88408"
STAMP = "2023-12-09T18:01:37.7811108Z"
AT = datetime(2023, 12, 9, 18, 1, 37, 781110, tzinfo=UTC)


def observed(item: str, value: object, sequence: int = 1, **more: object) -> dict[str, Any]:
    return {"value": value, "dataItemId": item, "timestamp": STAMP, "sequence": sequence, **more}


def version_2(*events: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    by_type: dict[str, list[dict[str, Any]]] = {}
    for kind, observation in events:
        by_type.setdefault(kind, []).append(observation)
    component = {"component": "Device", "componentId": "d1", "name": "M12346", "Events": by_type}
    header = {"instanceId": 1702144894, "version": "6.0.1.0", "firstSequence": 1, "lastSequence": 246}
    streams = {"DeviceStream": [{"name": "M12346", "uuid": "5fd88408", "ComponentStream": [component]}]}
    return {"MTConnectStreams": {"jsonVersion": 2, "schemaVersion": "2.0", "Header": header, "Streams": streams}}


def version_1(*events: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    component = {
        "component": "Controller",
        "componentId": "a4a7bdf0",
        "Events": [{kind: each} for kind, each in events],
    }
    device = {"name": "SimpleCnc", "uuid": "872a3490", "ComponentStreams": [{"ComponentStream": component}]}
    return {"MTConnectStreams": {"Header": {"instanceId": 123}, "Streams": [{"DeviceStream": device}]}}


EVENTS = (
    ("Availability", observed("avail", "AVAILABLE", 1)),
    ("Execution", observed("exec", "ACTIVE", 42)),
    ("ControllerMode", observed("mode", "AUTOMATIC", 43)),
    ("PartCount", observed("pc", 12, 44)),
)


@pytest.mark.parametrize("document", [version_1(*EVENTS), version_2(*EVENTS)])
def test_a_document_says_the_same_in_either_version(document: dict[str, Any]) -> None:
    found = decode(message(CURRENT, document), AGENT)
    assert not isinstance(found, Rejected)
    assert [(each.channel, each.text or each.value, each.at, each.tie) for each in found] == [
        ("availability", "online", AT, 1),
        ("execution", "ACTIVE", AT, 42),
        ("part_count", 12.0, AT, 44),
    ]


@pytest.mark.parametrize("document", [version_1, version_2])
def test_unavailable_is_a_word_of_the_execution_and_no_count(document: Any) -> None:
    said = document(
        ("Availability", observed("avail", "UNAVAILABLE")),
        ("Execution", observed("exec", "UNAVAILABLE")),
        ("PartCount", observed("pc", "UNAVAILABLE")),
        ("AxisFeedrate", observed("Xfrt", "UNAVAILABLE")),
    )
    assert heard(AGENT, CURRENT, said) == [("availability", "offline", AT), ("execution", "UNAVAILABLE", AT)]


def test_an_observation_that_is_sent_again_is_the_same_reading() -> None:
    first = decode(message(CURRENT, version_2(*EVENTS)), AGENT)
    again = decode(message(CURRENT, version_2(*EVENTS), NOW + timedelta(seconds=10)), AGENT)
    assert isinstance(first, list)
    assert isinstance(again, list)
    assert [(each.channel, each.at, each.tie) for each in first] == [
        (each.channel, each.at, each.tie) for each in again
    ]


def test_parts_that_are_wished_for_or_bad_are_not_counted() -> None:
    said = version_2(
        ("PartCount", observed("target", 100, subType="TARGET")),
        ("PartCount", observed("bad", 2, subType="BAD")),
        ("PartCount", observed("all", "12", subType="ALL")),
    )
    assert heard(AGENT, CURRENT, said) == [("part_count", 12.0, AT)]


def test_two_paths_need_a_mapping() -> None:
    said = version_2(("Execution", observed("exec1", "ACTIVE")), ("Execution", observed("exec2", "READY")))
    assert heard(AGENT, CURRENT, said) == Reason.AMBIGUOUS
    mapped = context(speaker("mazak-1", "mtconnect", mapping={"exec2": "execution", "load": "power"}))
    assert heard(mapped, CURRENT, said) == [("execution", "READY", AT)]
    assert heard(mapped, CURRENT, version_2(("Load", observed("load", 70.5)))) == [("power", 70.5, AT)]


def test_the_agents_last_will_is_availability() -> None:
    will = "moyai/demo/mazak-1/Probe/5fd88408/Availability"
    assert heard(AGENT, will, "AVAILABLE", retained=True) == [("availability", "online", NOW)]
    assert heard(AGENT, will, "UNAVAILABLE") == [("availability", "offline", NOW)]
    assert heard(AGENT, will, "so so") == Reason.VALUE


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (version_2(("Execution", {"dataItemId": "exec", "value": "ACTIVE"})), Reason.TIME),
        (
            version_2(("Execution", {**observed("exec", "ACTIVE"), "timestamp": "2023-12-09T18:01:37"})),
            Reason.NAIVE_TIME,
        ),
        (version_2(("Execution", {**observed("exec", "ACTIVE"), "timestamp": "2033-12-09T18:01:37Z"})), Reason.FUTURE),
        (version_2(("Execution", observed("exec", ["ACTIVE"]))), Reason.VALUE),
        (version_2(("PartCount", observed("pc", "many"))), Reason.VALUE),
        (version_2(("Availability", observed("avail", None))), Reason.VALUE),
        ([], Reason.MALFORMED),
    ],
)
def test_what_cannot_be_read_is_rejected_as_a_whole(said: object, reason: Reason) -> None:
    assert heard(AGENT, CURRENT, said) == reason


def test_the_model_of_a_device_and_assets_say_nothing() -> None:
    assert heard(AGENT, "moyai/demo/mazak-1/Probe/5fd88408", {"MTConnectDevices": {"Devices": []}}) == []
    assert heard(AGENT, "moyai/demo/mazak-1/Asset/1", {"CuttingTool": {}}) == []
    assert heard(AGENT, CURRENT, {"MTConnectStreams": {"Streams": []}}) == []
