"""Publish recorded messages and know that the broker has them all: QoS 1, a bounded window, every PUBACK awaited."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from coop.errors import Unavailable
from coop.mqtt import NO_FILES, Tls, introduce
from moyai.replay import READINGS_PER_MESSAGE, Message, paced, read_trace

IN_FLIGHT = 100
"""Messages that may wait for their PUBACK at once."""
SILENCE_SECONDS = 60.0
"""A broker that acknowledges nothing for so long, over all reconnections, is given up."""
CONNECT_SECONDS = 10.0

Progress = Callable[[int], None]
"""Told how many messages the broker has acknowledged so far, from the publishing thread."""


class BrokerUnreachable(Unavailable):
    """Nobody answers at the broker's address, or it refuses the user."""

    code = "moyai.broker_unreachable"


class BrokerSilent(Unavailable):
    """The broker stopped acknowledging; publish the trace again, nothing will be stored twice."""

    code = "moyai.broker_silent"


@dataclass(frozen=True, slots=True)
class Published:
    """What the broker acknowledged. `reconnections` counts how often the connection was lost and came back."""

    messages: int
    payload_bytes: int
    reconnections: int


def publish_trace(
    messages: Iterable[Message], mqtt_url: str, progress: Progress | None = None, tls: Tls = NO_FILES
) -> Published:
    """Publish in order and return when every message is acknowledged.

    What was on its way when the connection broke is sent again, so a message may arrive twice. Raises
    `BrokerUnreachable` before the first message, `BrokerSilent` later.
    """
    publisher = _Publisher(mqtt_url, tls, progress)
    publisher.connect()
    try:
        for message in messages:
            publisher.publish(message)
        publisher.await_acknowledged(0)
    finally:
        publisher.close()
    return Published(publisher.acknowledged, publisher.payload_bytes, publisher.connections - 1)


def replay(
    file: Path,
    mqtt_url: str,
    cooperative: str,
    machine: str | None = None,
    speed: float | None = None,
    progress: Progress | None = None,
    tls: Tls = NO_FILES,
) -> Published:
    """Publish a recording: as fast as the broker takes it, or at `speed` times real time with a message per event.

    `machine` says whose an SHDR recording is; JSON lines name their topics themselves.
    """
    if speed is None:
        messages = read_trace(file, cooperative, machine, READINGS_PER_MESSAGE)
    else:
        messages = paced(read_trace(file, cooperative, machine, per_message=1), speed)
    return publish_trace(messages, mqtt_url, progress, tls)


class _Publisher:
    """A connection with at most `IN_FLIGHT` messages on their way. paho resends them after a reconnection."""

    def __init__(self, mqtt_url: str, tls: Tls, progress: Progress | None) -> None:
        self._progress = progress
        self._changed = threading.Condition()
        self._answered = threading.Event()
        self._refused: str | None = None
        self.sent = self.acknowledged = self.connections = self.payload_bytes = 0
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"moyai-replay-{uuid4().hex[:12]}")
        self._address = introduce(self._client, mqtt_url, tls)
        self._client.max_inflight_messages_set(IN_FLIGHT)
        self._client.reconnect_delay_set(min_delay=1, max_delay=4)
        self._client.on_connect = self._on_connect
        self._client.on_publish = self._on_publish

    def connect(self) -> None:
        """Return when the broker has let us in; raises `BrokerUnreachable`."""
        host, port = self._address
        try:
            self._client.connect(host, port)
        except OSError as error:
            raise BrokerUnreachable(host=host, port=port, why=str(error)) from error
        self._client.loop_start()
        self._answered.wait(CONNECT_SECONDS)
        if not self.connections:
            self.close()
            raise BrokerUnreachable(host=host, port=port, why=self._refused or "no answer")

    def publish(self, message: Message) -> None:
        """Send as soon as the window has room."""
        self.await_acknowledged(IN_FLIGHT - 1)
        self.sent += 1
        self.payload_bytes += len(message.payload)
        self._client.publish(message.topic, message.payload, qos=1)

    def await_acknowledged(self, all_but: int) -> None:
        """Return when at most `all_but` messages are on their way; raises `BrokerSilent`."""
        with self._changed:
            while self.sent - self.acknowledged > all_but:
                if not self._changed.wait(SILENCE_SECONDS):
                    raise BrokerSilent(acknowledged=self.acknowledged, sent=self.sent)
        if self._progress:
            self._progress(self.acknowledged)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(
        self, _client: mqtt.Client, _data: object, _flags: mqtt.ConnectFlags, reason: ReasonCode, _more: object
    ) -> None:
        if reason.is_failure:
            self._refused = str(reason)
        else:
            self.connections += 1
        self._answered.set()

    def _on_publish(
        self, _client: mqtt.Client, _data: object, _mid: int, _reason: ReasonCode, _more: Properties | None
    ) -> None:
        with self._changed:
            self.acknowledged += 1
            self._changed.notify_all()
