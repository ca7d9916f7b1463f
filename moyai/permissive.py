"""Tell the devices at the machines' permissive inputs whether a new start is permitted, and if not, why, whenever it
changes; and the badge readers what a badge did.

Whoever connects anew hears the last word from the broker, or soon again from us; after a reconnection all is said
again. When nobody says anything any more, the device does what was set for its machine.
"""

import logging
from datetime import UTC, datetime
from threading import Event
from time import monotonic
from uuid import uuid4

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from booking.presence import permits
from booking.presence.interlock import SAID_AGAIN, Word
from coop import database, register
from coop.database import Connection, DatabaseAway, Pool
from coop.mqtt import Tls, introduce
from coop.settings import Settings

log = logging.getLogger("moyai.permissive")

PAUSE_SECONDS = 1.0


def run_loop(pool: Pool, settings: Settings, stop: Event) -> None:
    """Publish each permit, and its changes, until `stop` is set; a broker or database that is away is waited for."""
    speaker = _Speaker(settings)
    speaker.start()
    try:
        while not stop.wait(PAUSE_SECONDS):
            try:
                speaker.say(database.run(pool, words))
            except DatabaseAway:
                log.warning("permissive.waits reason=database_away")
            except register.NotFounded:
                log.debug("permissive.waits reason=not_founded")
    finally:
        speaker.close()


def words(conn: Connection) -> list[Word]:
    """What is to be said to every device now."""
    return permits.words(conn, register.cooperative(conn).slug, datetime.now(UTC))


class _Speaker:
    """Publishes what differs from what was said since the connection was made, and what is due to be said again."""

    def __init__(self, settings: Settings) -> None:
        self._said: dict[str, tuple[bytes, float]] = {}
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"moyai-permissive-{uuid4().hex[:12]}")
        self._address = introduce(self._client, settings.mqtt_url, Tls.of(settings))
        self._client.reconnect_delay_set(min_delay=1, max_delay=15)
        self._client.on_connect = self._on_connect

    def start(self) -> None:
        """Connect in the background, and again whenever the connection is lost."""
        self._client.connect_async(*self._address)
        self._client.loop_start()

    def say(self, words: list[Word]) -> None:
        """Publish what is new; while there is no connection nothing, and all of it after the next one."""
        if not self._client.is_connected():
            return
        for word in words:
            payload, said_at = self._said.get(word.topic, (b"", 0.0))
            if payload == word.payload and (word.retain or monotonic() - said_at < SAID_AGAIN.total_seconds()):
                continue
            sent = self._client.publish(word.topic, word.payload, qos=1, retain=word.retain)
            if sent.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
                self._said[word.topic] = word.payload, monotonic()
                log.info("permissive.said topic=%s", word.topic)

    def close(self) -> None:
        """Leave; what was said stays with the broker."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(
        self, _client: mqtt.Client, _data: object, _flags: mqtt.ConnectFlags, reason: ReasonCode, _more: object
    ) -> None:
        log.info("permissive.connected reason=%s", reason)
        self._said.clear()
