"""Messages of one reading a second, committed and acknowledged: one ingester on Mosquitto, the queue filled beforehand.

The reference is a bare paho loop on the same queue that acknowledges in batches and does nothing else.
"""

import select
import time
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from _outcome import QUICK, middle, outcome
from _parts import broker, database
from _plant import ingest_waiting, messages, open_plant, publish
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.parts.mosquitto import Mosquitto

MESSAGES = 1_000 if QUICK else 60_000
ROUNDS = 1 if QUICK else 3
BATCH = 500


class BarePaho:
    """A persistent MQTT 5 session that reads as fast as it can."""

    def __init__(self, mosquitto: Mosquitto) -> None:
        self.received: list[int] = []
        parts = urlsplit(mosquitto.url)
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, "bare", protocol=mqtt.MQTTv5, manual_ack=True)
        self.client.username_pw_set(parts.username, parts.password)
        self.client.on_message = lambda _client, _data, message: self.received.append(message.mid)
        wishes = Properties(PacketTypes.CONNECT)
        wishes.SessionExpiryInterval, wishes.ReceiveMaximum = 3600, 32_000
        self.client.connect(mosquitto.host, mosquitto.port, clean_start=False, properties=wishes)
        self.client.subscribe("moyai/bench/#", qos=1)

    def turn(self) -> None:
        """What the socket holds, read to its end."""
        writing = [self.client.socket()] if self.client.want_write() else []
        ready, writable, _ = select.select([self.client.socket()], writing, [], 0.1)
        before = -1
        while ready and len(self.received) != before and len(self.received) < MESSAGES:
            before = len(self.received)
            self.client.loop_read()
        if writable:
            self.client.loop_write()

    def take_all(self) -> float:
        """Seconds until everything is received and acknowledged."""
        begun, acknowledged = time.perf_counter(), 0
        while acknowledged < MESSAGES:
            self.turn()
            if len(self.received) - acknowledged >= BATCH or len(self.received) == MESSAGES:
                for mid in self.received[acknowledged:]:
                    self.client.ack(mid, 1)
                acknowledged = len(self.received)
        return time.perf_counter() - begun

    def leave(self) -> None:
        """The session stays."""
        self.client.disconnect()


def by_bare_paho(mosquitto: Mosquitto) -> float:
    session = BarePaho(mosquitto)
    for _ in range(5):
        session.turn()  # connected and subscribed
    session.leave()
    publish(mosquitto, messages(MESSAGES, 1))
    session = BarePaho(mosquitto)
    took = session.take_all()
    session.leave()
    return MESSAGES / took


def main() -> None:
    ours, bare, peaks = [], [], []
    for _ in range(ROUNDS):
        with database() as cluster, broker() as mosquitto:
            open_plant(cluster)
            done = ingest_waiting(cluster, mosquitto, list(messages(MESSAGES, 1)), stored=MESSAGES)
            ours.append(MESSAGES / done.seconds)
            peaks.append(done.peak_mb)
        with broker() as mosquitto:
            bare.append(by_bare_paho(mosquitto))
    outcome(
        "ingest_small",
        ours=middle(ours),
        reference=middle(bare),
        unit="messages/s",
        detail=f"{MESSAGES:,} messages of one reading, QoS 1, MQTT 5, until the last is acknowledged "
        f"after its commit; reference: a bare paho loop that acknowledges in batches of {BATCH}; "
        f"the ingester took {max(peaks):.0f} MB at most; median of {ROUNDS}",
    )


if __name__ == "__main__":
    main()
