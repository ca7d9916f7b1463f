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
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from coop.mqtt import Tls, introduce
from telemetry.ingest.echo import Echo
from telemetry.ingest.seat import Seat
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
SAYINGS = 1_000


class Intake:
    """The persistent session of one `seat` on the broker at `url`, subscribed to topic filters at QoS 1.

    One that is `leaving` subscribes to nothing more: it takes what the broker kept for it and ends its session.
    """

    def __init__(self, url: str, seat: Seat, filters: Sequence[str], tls: Tls, *, leaving: bool = False) -> None:
        self.received = 0
        self.twins = 0
        self.acknowledged = 0
        self._seat = seat
        self._filters, self._leaving = tuple(filters), leaving
        self._held: tuple[str, ...] = ()  # what this connection asked to be subscribed to
        self._echo = Echo(seat.echo_topic)
        self._generation = 0
        self._subscribed = False
        self._queue: deque[Message] = deque()
        self._bytes_in, self._bytes_out = 0, 0
        self._behind = True  # what is read now may have waited at the broker
        self._arrived = threading.Condition()
        self._waiting: dict[int, Message] = {}  # by packet id, from arrival to acknowledgement
        self._done: deque[Message] = deque()
        self._sayings: deque[tuple[str, bytes]] = deque(maxlen=SAYINGS)
        self._paused, self._closing = threading.Event(), threading.Event()
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._client = self._make_client(url, tls)
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)

    @property
    def subscribed(self) -> bool:
        """Whether messages flow just now."""
        return self._subscribed

    @property
    def drained(self) -> bool:
        """Whether all that waited at the broker when the connection began has come."""
        return self._echo.returned()

    @property
    def queued(self) -> int:
        """Messages that wait for the writer."""
        return len(self._queue)

    @property
    def lag_seconds(self) -> float:
        """How long the oldest message that is not acknowledged has waited here."""
        oldest = next(iter(self._waiting.copy().values()), None)
        return (datetime.now(UTC) - oldest.received_at).total_seconds() if oldest else 0.0

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

    def listen(self, filters: Sequence[str]) -> None:
        """From now on be subscribed to these topic filters, and no others."""
        if self._filters != tuple(filters):
            self._filters = tuple(filters)
            self._wake()

    def done(self, messages: Iterable[Message]) -> None:
        """These are safely stored: acknowledge them, in this order."""
        self._done.extend(messages)
        self._wake()

    def say(self, sayings: Iterable[tuple[str, bytes]]) -> None:
        """Publish each payload under its topic, at most once: what is not heard will be said again."""
        before = len(self._sayings)
        self._sayings.extend(sayings)
        if len(self._sayings) != before:
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
            self._speak()
            if writable:
                self._client.loop_write()
            self._client.loop_misc()

    def _speak(self) -> None:
        """Keep the subscriptions as they are wanted, and say the next word to ourselves."""
        if not self._subscribed:
            return
        if self._held != self._filters:
            self._subscribe()
        while self._sayings:
            self._client.publish(*self._sayings.popleft(), qos=0)
        said = self._echo.due(time.monotonic())
        if said is not None:
            self._client.publish(self._echo.topic, said, qos=1)

    def _full(self) -> bool:
        too_much = len(self._queue) >= QUEUE_MESSAGES or self._bytes_in - self._bytes_out >= QUEUE_BYTES
        return too_much or self._paused.is_set()

    def _read(self) -> None:
        """Take what the socket holds, within bounds, then tell the writer once."""
        self._behind = self._echo.behind(time.monotonic())
        before, read, full = self.received, self._client.loop_read, self._full
        for _ in range(READS_PER_WAKE):
            so_far = self.received
            if read() != MQTTErrorCode.MQTT_ERR_SUCCESS or self.received == so_far or full():
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
            all_taken = self._leaving and self.drained and not self._waiting
            self._client.disconnect(properties=self._seat.farewell(for_good=all_taken))

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
        self._echo.begin()
        self._held = ()
        self._subscribe()

    def _subscribe(self) -> None:
        """Ask for what is wanted, and to hear no more of the rest; a session remembers what earlier ones asked for."""
        wanted = () if self._leaving else self._filters
        gone = [*self._seat.never(self._filters), *(each for each in self._held if each not in wanted)]
        if self._leaving:
            gone += self._seat.subscriptions(self._filters)
        if gone:
            self._client.unsubscribe(gone)
        self._held = self._filters
        self._client.subscribe(self._seat.asked(wanted))

    def _on_subscribe(self, client: mqtt.Client, _data: Any, _mid: int, reasons: list[ReasonCode], _more: Any) -> None:
        refused = [reason for reason in reasons if reason.is_failure]
        if refused:
            log.error("intake.subscription_refused filters=%s reason=%s", self._filters, refused[0])
            client.disconnect()
        else:
            self._subscribed = True

    def _on_publish(self, _client: mqtt.Client, _data: Any, _mid: int, reason: ReasonCode, _properties: Any) -> None:
        if reason.is_failure:
            log.error("intake.echo_refused topic=%s reason=%s", self._echo.topic, reason)

    def _on_disconnect(self, _client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, _more: Any) -> None:
        if reason.is_failure:
            log.warning("intake.disconnected reason=%s", reason)

    def _on_message(self, _client: mqtt.Client, _data: Any, arrived: mqtt.MQTTMessage) -> None:
        try:
            topic = arrived.topic
        except UnicodeDecodeError:
            topic = "\ufffd"
        if topic == self._echo.topic:
            self._hear_echo(arrived)
            return
        self.received += 1
        mid = arrived.mid if arrived.qos else 0
        first = self._waiting.get(mid) if arrived.dup and mid else None
        if first is not None and first.payload == arrived.payload and first.topic == topic:
            first.generation = self._generation
            self.twins += 1
            return
        now = datetime.now(UTC)
        payload = bytes(arrived.payload)
        queued = self._behind or arrived.dup
        message = Message(self._generation, mid, arrived.dup, arrived.retain, topic, payload, now, queued)
        if mid:
            self._waiting[mid] = message
        self._bytes_in += len(payload)
        self._queue.append(message)

    def _hear_echo(self, arrived: mqtt.MQTTMessage) -> None:
        now = time.monotonic()
        self._echo.hear(bytes(arrived.payload), now)
        self._behind = self._echo.behind(now)
        if arrived.mid:
            self._client.ack(arrived.mid, 1)

    def _make_client(self, url: str, tls: Tls) -> mqtt.Client:
        client_id = self._seat.client_id
        if self._seat.shares:
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
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        return client
