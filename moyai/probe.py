"""What a broker can be found to do by trying it, on a topic that no room listens to."""

import uuid
from dataclasses import dataclass
from functools import partial
from threading import Condition

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from coop.mqtt import NO_FILES, Tls, introduce

CONNECT_SECONDS = 5.0
QUIET_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class BrokerFindings:
    """`window` messages were delivered before the first was acknowledged, `delivered` in all, of `published`."""

    published: int
    window: int
    delivered: int


class BrokerRefused(Exception):
    """The broker does not answer, or does not let us in; the text says which."""


def probe(mqtt_url: str, messages: int, tls: Tls = NO_FILES) -> BrokerFindings:
    """Queue `messages` at QoS 1 for an absent session, come back, and count what arrives. Leaves nothing behind."""
    topic = f"moyai-doctor/{uuid.uuid4().hex}"
    listener = _Listener(mqtt_url, tls, topic)
    try:
        listener.connect()
        listener.subscribe()
        listener.leave()
        listener.publish(messages)
        listener.connect()
        window = listener.count_until_quiet(messages)
        listener.acknowledge_from_now()
        delivered = listener.count_until_quiet(messages)
    finally:
        listener.forget()
    return BrokerFindings(messages, window, delivered)


class _Listener:
    """A client with a persistent session of its own that holds back its acknowledgements until it is told."""

    def __init__(self, url: str, tls: Tls, topic: str) -> None:
        self._url, self._tls = url, tls
        self._topic = topic
        self._client: mqtt.Client | None = None
        self._changed = Condition()
        self._events: set[str] = set()
        self._held: dict[bytes, int] = {}
        self._hold = True

    def connect(self) -> None:
        """A new client each time, under the same name: the session is the broker's to keep."""
        self._client = self._make(self._topic.replace("/", "-"), clean=False)
        self._client.on_message = self._on_message
        self._client.on_subscribe = lambda *_: self._note("subscribed")
        self._connect(self._client)

    def subscribe(self) -> None:
        assert self._client is not None
        self._client.subscribe(self._topic, qos=1)
        if not self._wait("subscribed"):
            raise BrokerRefused(f"no subscription to {self._topic}")

    def leave(self) -> None:
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
            self._client = None

    def publish(self, messages: int) -> None:
        sender = self._make("", clean=True)
        self._connect(sender)
        sent = [sender.publish(self._topic, b"%d" % number, qos=1) for number in range(messages)]
        for each in sent:
            each.wait_for_publish(30)
        sender.disconnect()
        sender.loop_stop()

    def count_until_quiet(self, enough: int) -> int:
        with self._changed:
            before = -1
            while before < len(self._held) < enough:
                before = len(self._held)
                self._changed.wait_for(partial(self._more_than, before), QUIET_SECONDS)
            return len(self._held)

    def _more_than(self, before: int) -> bool:
        return len(self._held) > before

    def acknowledge_from_now(self) -> None:
        assert self._client is not None
        with self._changed:
            self._hold = False
            for mid in self._held.values():
                self._client.ack(mid, 1)

    def forget(self) -> None:
        """End the session: a clean one in its place."""
        self.leave()
        cleaner = self._make(self._topic.replace("/", "-"), clean=True)
        try:
            self._connect(cleaner)
        except BrokerRefused:
            return
        cleaner.disconnect()
        cleaner.loop_stop()

    def _make(self, name: str, *, clean: bool) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=name,
            clean_session=clean,
            manual_ack=True,
            protocol=mqtt.MQTTv311,
        )
        self._address = introduce(client, self._url, self._tls)
        return client

    def _connect(self, client: mqtt.Client) -> None:
        refused: list[str] = []

        def on_connect(_c: object, _u: object, _f: object, reason: ReasonCode, _p: object) -> None:
            if reason.is_failure:
                refused.append(str(reason))
            self._note("connected")

        self._events.discard("connected")
        client.on_connect = on_connect
        try:
            client.connect(*self._address)
        except OSError as failure:
            raise BrokerRefused(str(failure)) from None
        client.loop_start()
        if not self._wait("connected"):
            refused.append("no answer")
        if refused:
            client.disconnect()
            client.loop_stop()
            raise BrokerRefused(refused[0])

    def _on_message(self, client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        with self._changed:
            self._held[bytes(message.payload)] = message.mid
            if not self._hold:
                client.ack(message.mid, 1)
            self._changed.notify_all()

    def _note(self, event: str) -> None:
        with self._changed:
            self._events.add(event)
            self._changed.notify_all()

    def _wait(self, event: str) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: event in self._events, CONNECT_SECONDS)
