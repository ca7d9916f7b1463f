"""A recording is published whole, in the machine's own words, and its durations are those that were published."""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from time import sleep

import orjson
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from moyai.parts.broker import BrokerUser, EmbeddedBroker
from moyai.parts.process import free_port
from moyai.publish import BrokerUnreachable, publish_trace, replay
from moyai.replay import (
    Event,
    MachineMissing,
    Message,
    TraceUnreadable,
    paced,
    parse_json_lines,
    parse_shdr,
    read_trace,
)

HERE = Path(__file__).parent / "recordings"
SHARED = Path(__file__).parents[3] / "shared" / "data" / "nist-sms"
EXCERPT = HERE / "nist-mazak01-excerpt.txt"

# Seconds by state. The excerpt's were added up by hand; the days' were published with the recordings.
TRUTH = {
    EXCERPT: {"STOPPED": 964.319, "READY": 70.360, "ACTIVE": 7.371, "UNAVAILABLE": 46.295},
    SHARED / "Mazak01-20161101-20161102.txt": {
        "ACTIVE": 2355.622,
        "FEED_HOLD": 4.207,
        "INTERRUPTED": 52.576,
        "READY": 3227.404,
        "STOPPED": 2666.233,
        "UNAVAILABLE": 79249.804,
    },
    SHARED / "Mazak03-20161101-20161102.txt": {
        "ACTIVE": 13138.188,
        "FEED_HOLD": 111.105,
        "INTERRUPTED": 4778.218,
        "READY": 15893.042,
        "STOPPED": 2384.678,
        "UNAVAILABLE": 48093.432,
    },
}
PRESENT = [pytest.param(file, id=file.stem) for file in TRUTH if file.exists()]


def seconds_by_state(readings: Iterable[tuple[datetime, str]]) -> dict[str, float]:
    spent: Counter[str] = Counter()
    for (since, state), (until, _) in pairwise(readings):
        spent[state] += round((until - since).total_seconds() * 1e6)
    return {state: round(microseconds / 1e6, 3) for state, microseconds in spent.items()}


def readings_of(messages: Iterable[Message]) -> list[dict[str, object]]:
    return [reading for message in messages for reading in orjson.loads(message.payload)["readings"]]


@pytest.mark.parametrize("file", PRESENT)
def test_the_messages_of_a_recording_carry_its_published_durations(file: Path) -> None:
    readings = readings_of(read_trace(file, "demo", "mc-1", per_message=300))
    in_order = sorted(readings, key=lambda reading: reading["seq"])
    assert seconds_by_state((datetime.fromisoformat(r["at"]), r["value"]) for r in in_order) == TRUTH[file]
    assert [reading["seq"] for reading in readings] == list(range(1, len(readings) + 1))


def test_shdr_pairs_are_told_from_conditions_and_empty_lines() -> None:
    lines = [
        "2016-11-01T17:28:42.994Z|execution|ACTIVE|mode|AUTOMATIC\n",
        "\n",
        "2016-11-01T17:28:43Z|logic_cond|Warning|371||| UP SWITCH)\n",
        "2016-11-02T02:28:50.365+09:00|mode|MANUAL|execution|UNAVAILABLE\r\n",
    ]
    assert list(parse_shdr(lines)) == [
        Event(datetime(2016, 11, 1, 17, 28, 42, 994000, UTC), "ACTIVE"),
        Event(datetime(2016, 11, 1, 17, 28, 50, 365000, UTC), "UNAVAILABLE"),
    ]


@pytest.mark.parametrize("line", ["yesterday|execution|READY", "2016-11-01T17:28:42|execution|READY", "* comment"])
def test_a_line_without_a_moment_is_named_by_its_number(line: str) -> None:
    with pytest.raises(TraceUnreadable, match="line=2"):
        list(parse_shdr(["2016-11-01T17:28:42Z|execution|READY", line]))


def test_json_lines_keep_topic_payload_and_order() -> None:
    messages = parse_json_lines(
        [
            '{"topic": "tele/plug/LWT", "payload": "Online"}',
            '{"topic": "moyai/demo/cmm-1/power", "payload": {"readings": ['
            '{"at": "2026-10-05T08:00:00+09:00", "value": 1}, {"at": "2026-10-05T08:01:00+09:00", "value": 2.5}]}}',
            "",
            '{"topic": "moyai/demo/cmm-1/power", "payload": {"value": 3}}',
        ]
    )
    at = datetime(2026, 10, 4, 23, 1, tzinfo=UTC)
    assert [(m.topic, m.at) for m in messages] == [
        ("tele/plug/LWT", at),
        ("moyai/demo/cmm-1/power", at),
        ("moyai/demo/cmm-1/power", at),
    ]
    assert messages[0].payload == b"Online"
    assert orjson.loads(messages[2].payload) == {"value": 3}


@pytest.mark.parametrize(
    "line",
    [
        '{"topic": "a"}',
        "{",
        '{"topic": 1, "payload": 2}',
        "[1]",
        '{"topic": "a", "payload": {"at": "2026-10-05T08:00:00"}}',
    ],
)
def test_a_json_line_that_is_no_message_is_named_by_its_number(line: str) -> None:
    with pytest.raises(TraceUnreadable, match="line=2"):
        parse_json_lines(['{"topic": "a", "payload": 1}', line])


def test_an_shdr_recording_needs_a_machine() -> None:
    with pytest.raises(MachineMissing):
        list(read_trace(EXCERPT, "demo", None, per_message=300))


def test_a_paced_replay_waits_as_long_as_the_recording_did() -> None:
    start = datetime(2026, 10, 5, tzinfo=UTC)
    messages = [Message("t", b"", start + timedelta(seconds=s)) for s in (0, 60, 60, 50, 180)]
    now, waits = [100.0], []

    def pause(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    assert list(paced(messages, speed=60, clock=lambda: now[0], sleep=pause)) == messages
    assert waits == [1.0, 2.0]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    part = EmbeddedBroker(tmp_path / "broker", users=(BrokerUser("moyai", "only-for-tests"),))
    part.start()
    yield part
    part.stop()


class Listener:
    """Everything that arrives on `moyai/#`, over reconnections too."""

    def __init__(self, broker: EmbeddedBroker) -> None:
        self.payloads: list[tuple[str, bytes]] = []
        subscribed = threading.Event()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="listener", clean_session=False)
        self.client.username_pw_set("moyai", "only-for-tests")
        self.client.on_connect = lambda *_: self.client.subscribe("moyai/#", qos=1)
        self.client.on_subscribe = lambda *_: subscribed.set()
        self.client.on_message = lambda _client, _data, m: self.payloads.append((m.topic, m.payload))
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()
        assert subscribed.wait(10)

    def wait_for(self, messages: list[Message]) -> list[tuple[str, bytes]]:
        """What arrived, first deliveries only, once it is as much as was sent."""
        for _ in range(300):
            if len(dict.fromkeys(self.payloads)) >= len(messages):
                break
            sleep(0.1)
        self.client.disconnect()
        self.client.loop_stop()
        return list(dict.fromkeys(self.payloads))


def test_a_recording_goes_through_the_broker_as_it_is(broker: EmbeddedBroker) -> None:
    listener = Listener(broker)
    published = replay(EXCERPT, broker.url, "demo", "mc-1")
    expected = list(read_trace(EXCERPT, "demo", "mc-1", per_message=300))
    assert (published.messages, published.reconnections) == (len(expected), 0)
    assert listener.wait_for(expected) == [("moyai/demo/mc-1/execution", m.payload) for m in expected]


@pytest.mark.kills
def test_nothing_is_missing_after_the_broker_was_killed_meanwhile(broker: EmbeddedBroker) -> None:
    at = datetime(2026, 10, 5, tzinfo=UTC)
    messages = [Message("moyai/demo/cmm-1/power", f'{{"value": {n}}}'.encode(), at) for n in range(3_000)]
    listener = Listener(broker)
    told: list[int] = []
    killed = threading.Event()

    def kill_once(acknowledged: int) -> None:
        told.append(acknowledged)
        if acknowledged > 500 and not killed.is_set():
            killed.set()
            broker.kill()
            broker.start()

    published = publish_trace(messages, broker.url, kill_once)
    assert published.messages == 3_000
    assert published.reconnections >= 1
    assert told == sorted(told)
    assert told[-1] == 3_000
    assert set(listener.wait_for(messages)) == {(m.topic, m.payload) for m in messages}


def test_a_broker_that_is_not_there_or_refuses_is_said_at_once(broker: EmbeddedBroker) -> None:
    for url in (f"mqtt://moyai:only-for-tests@127.0.0.1:{free_port()}", broker.url.replace("only-for-tests", "guess")):
        with pytest.raises(BrokerUnreachable):
            publish_trace([], url)
