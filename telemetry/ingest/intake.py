"""The MQTT side of the ingester: messages in, acknowledgements out, on one thread of its own.

The thread drives paho by its external-loop interface. So it alone touches the client: an acknowledgement cannot cross
a reconnect, the socket is emptied at each wake-up, and a full queue only stops the reading, not the keep-alive.
Messages are acknowledged in the order of their arrival, after `done`, and only on the connection that delivered them.
"""

import logging
import select
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from coop.mqtt import Tls, introduce
from telemetry.model import Message

log = logging.getLogger("telemetry.intake")

QUEUE_MESSAGES = 32_000  # more than a broker sends unacknowledged: MQTT 5 is told so, the embedded one holds 30,000
QUEUE_BYTES = 48_000_000
BATCH_BYTES = 1_000_000
READS_PER_WAKE = 1_000
KEEPALIVE_SECONDS = 30
SESSION_SECONDS = 7 * 86_400  # how long the broker keeps what an absent ingester has not taken
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 15.0
CLOSE_SECONDS = 5.0

_SEND_RETAINED_ONCE = 1  # MQTT 5: at the first subscription, not at each reconnect


class Intake:
    """A persistent session of `client_id` on the broker at `url`, subscribed to `topic` at QoS 1."""

    def __init__(self, url: str, mqtt_version: int, client_id: str, topic: str, tls: Tls) -> None:
        self.received = 0
        self.twins = 0
        self.acknowledged = 0
        self._topic = topic
        self._generation = 0
        self._subscribed = False
        self._queue: deque[Message] = deque()
        self._bytes_in, self._bytes_out = 0, 0
        self._arrived = threading.Condition()
        self._waiting: dict[int, Message] = {}  # by packet id, from arrival to acknowledgement
        self._done: deque[Message] = deque()
        self._paused, self._closing = threading.Event(), threading.Event()
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._client = self._make_client(url, mqtt_version, client_id, tls)
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)

    @property
    def subscribed(self) -> bool:
        """Whether messages flow just now."""
        return self._subscribed

    @property
    def queued(self) -> int:
        """Messages that wait for the writer."""
        return len(self._queue)

    def start(self) -> None:
        """Connect in the background, and again whenever the connection is lost."""
        self._thread.start()

    def take(self, messages: int, seconds: float, patience_seconds: float = 0.2) -> list[Message]:
        """The oldest messages: as many as asked for, or fewer once the first has waited for `seconds`.

        Empty when neither comes true within `patience_seconds`.
        """
        with self._arrived:
            self._arrived.wait_for(lambda: self._queue, patience_seconds)
            left = self._seconds_left(seconds)
            if len(self._queue) < messages and left > 0:
                self._arrived.wait_for(lambda: len(self._queue) >= messages, min(left, patience_seconds))
            if len(self._queue) < messages and self._seconds_left(seconds) > 0:
                return []
        batch: list[Message] = []
        size = 0
        while self._queue and len(batch) < messages and size < BATCH_BYTES:
            message = self._queue.popleft()
            size += len(message.payload)
            batch.append(message)
        self._bytes_out += size
        return batch

    def done(self, messages: Iterable[Message]) -> None:
        """These are safely stored: acknowledge them, in this order."""
        self._done.extend(messages)
        self._wake()

    def pause(self) -> None:
        """Take nothing more from the broker."""
        self._paused.set()

    def close(self) -> None:
        """Send the acknowledgements that are due and leave; the session stays on the broker."""
        self._paused.set()
        self._closing.set()
        self._wake()
        if self._thread.is_alive():
            self._thread.join(CLOSE_SECONDS + KEEPALIVE_SECONDS)
        self._wake_in.close()
        self._wake_out.close()

    def _seconds_left(self, seconds: float) -> float:
        """Until the oldest message has waited for `seconds`; nothing to wait for once the intake is paused."""
        if not self._queue or self._paused.is_set():
            return 0.0
        return seconds - (datetime.now(UTC) - self._queue[0].received_at).total_seconds()

    # What follows runs on the intake's own thread.

    def _run(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._closing.is_set():
            try:
                self._client.reconnect()
                self._serve()
            except OSError as error:
                log.warning("intake.unreachable error=%s pause_seconds=%.1f", error, pause)
            except Exception:  # the edge of the thread: a defect costs a reconnect, never the intake
                log.exception("intake.failed pause_seconds=%.1f", pause)
            pause = FIRST_PAUSE_SECONDS if self._subscribed else min(2 * pause, LONGEST_PAUSE_SECONDS)
            self._leave()
            self._closing.wait(pause)

    def _serve(self) -> None:
        """Read, acknowledge and keep alive until the connection ends or the intake is closed."""
        last_moment = float("inf")
        while (connection := self._client.socket()) is not None:
            if self._closing.is_set():
                last_moment = min(last_moment, time.monotonic() + CLOSE_SECONDS)
                if not (self._done or self._client.want_write()) or time.monotonic() > last_moment:
                    return
            reading = [self._wake_out] if self._full() else [self._wake_out, connection]
            writing = [connection] if self._client.want_write() else []
            buffered = isinstance(connection, ssl.SSLSocket) and connection.pending() > 0
            ready, writable, _ = select.select(reading, writing, [], 0 if buffered else 1.0)
            if self._wake_out in ready:
                self._wake_out.recv(4096)
            if connection in ready or buffered:
                self._read()
            self._acknowledge()
            if writable:
                self._client.loop_write()
            self._client.loop_misc()

    def _full(self) -> bool:
        too_much = len(self._queue) >= QUEUE_MESSAGES or self._bytes_in - self._bytes_out >= QUEUE_BYTES
        return too_much or self._paused.is_set()

    def _read(self) -> None:
        """Take what the socket holds, within bounds, then tell the writer once."""
        before = self.received
        for _ in range(READS_PER_WAKE):
            so_far = self.received
            if self._client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS or self.received == so_far or self._full():
                break
        if self.received != before:
            with self._arrived:
                self._arrived.notify()

    def _acknowledge(self) -> None:
        while self._done:
            message = self._done.popleft()
            if self._waiting.get(message.mid) is message:
                del self._waiting[message.mid]
            if message.mid and message.generation == self._generation:
                self._client.ack(message.mid, 1)
                self.acknowledged += 1

    def _leave(self) -> None:
        """The connection is over: what it delivered can no longer be acknowledged on the next."""
        self._generation += 1
        self._subscribed = False
        if self._client.socket() is not None:
            self._client.disconnect()

    def _wake(self) -> None:
        try:
            self._wake_in.send(b"\0")
        except BlockingIOError:
            return  # a wake-up is under way already

    def _on_connect(self, client: mqtt.Client, _data: Any, flags: Any, reason: ReasonCode, _properties: Any) -> None:
        log.info("intake.connected reason=%s session_present=%s", reason, flags.session_present)
        if reason.is_failure:
            client.disconnect()
            return
        if client.protocol == mqtt.MQTTv5:
            client.subscribe(self._topic, options=SubscribeOptions(qos=1, retainHandling=_SEND_RETAINED_ONCE))
        else:
            client.subscribe(self._topic, qos=1)

    def _on_subscribe(self, client: mqtt.Client, _data: Any, _mid: int, reasons: list[ReasonCode], _more: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            log.error("intake.subscription_refused topic=%s reason=%s", self._topic, reasons[0])
            client.disconnect()
        else:
            self._subscribed = True

    def _on_message(self, _client: mqtt.Client, _data: Any, arrived: mqtt.MQTTMessage) -> None:
        self.received += 1
        try:
            topic = arrived.topic
        except UnicodeDecodeError:
            topic = "\ufffd"
        mid = arrived.mid if arrived.qos else 0
        first = self._waiting.get(mid) if arrived.dup and mid else None
        if first is not None and first.payload == arrived.payload and first.topic == topic:
            first.generation = self._generation
            self.twins += 1
            return
        now = datetime.now(UTC)
        payload = bytes(arrived.payload)
        message = Message(self._generation, mid, arrived.dup, arrived.retain, topic, payload, now)
        if mid:
            self._waiting[mid] = message
        self._bytes_in += len(payload)
        self._queue.append(message)

    def _make_client(self, url: str, mqtt_version: int, client_id: str, tls: Tls) -> mqtt.Client:
        if mqtt_version == 5:
            client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id, protocol=mqtt.MQTTv5, manual_ack=True)
            host, port = introduce(client, url, tls)
            wishes = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho left it untyped
            wishes.SessionExpiryInterval = SESSION_SECONDS
            wishes.ReceiveMaximum = QUEUE_MESSAGES
            client.connect_async(host, port, KEEPALIVE_SECONDS, clean_start=False, properties=wishes)
        else:
            client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id, clean_session=False, manual_ack=True)
            host, port = introduce(client, url, tls)
            client.connect_async(host, port, KEEPALIVE_SECONDS)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client
