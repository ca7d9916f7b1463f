"""Which of a cooperative's ingesters this is, and what follows from it at the broker.

With MQTT 5 all seats share one subscription: the broker gives each message to one of them. With 3.1.1, as the embedded
broker speaks it, there is one seat with a subscription of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from coop.errors import Invalid

ONLY_SLOT = 0


class SlotNeedsMqtt5(Invalid):
    """A second ingester needs a broker that speaks MQTT 5."""

    code = "telemetry.slot_needs_mqtt5"


def require_seat(slot: int, mqtt_version: int, *, leaving: bool = False) -> None:
    """Raise `SlotNeedsMqtt5` for a seat that only exists, or can only be given up, where seats share."""
    if mqtt_version != 5 and (slot != ONLY_SLOT or leaving):
        raise SlotNeedsMqtt5(slot=slot)


@dataclass(frozen=True, slots=True)
class Seat:
    """Place number `slot` in the ingest of the cooperative `slug`. Two processes never take the same one at once."""

    slug: str
    slot: int
    shares: bool

    @classmethod
    def of(cls, slug: str, slot: int, mqtt_version: int) -> "Seat":
        """The seat that a process is told to take."""
        return cls(slug, slot, shares=mqtt_version == 5)

    @property
    def client_id(self) -> str:
        """Under which the broker keeps what this seat has not taken yet."""
        return f"moyai-{self.slug}-ingest-{self.slot}"

    @property
    def echo_topic(self) -> str:
        """Where this seat speaks to itself: outside of what is shared, or else within its only subscription, because
        there each subscription may have a queue of its own."""
        return f"moyai-echo/{self.client_id}" if self.shares else f"moyai/{self.slug}/ingest-echo"

    def subscriptions(self, filters: Sequence[str]) -> list[str]:
        """How the filters are asked for."""
        return [f"$share/moyai-{self.slug}/{each}" for each in filters] if self.shares else list(filters)

    def never(self, filters: Sequence[str]) -> list[str]:
        """What a session of an earlier version may still be subscribed to: it would hear everything twice."""
        return list(filters) if self.shares else []

    def asked(self, filters: Sequence[str]) -> list[tuple[str, SubscribeOptions]] | list[tuple[str, int]]:
        """The subscriptions as paho wants them, with that to our echo."""
        if self.shares:
            wanted = [*self.subscriptions(filters), self.echo_topic]
            return [(each, SubscribeOptions(qos=1)) for each in wanted]
        return [(each, 1) for each in self.subscriptions(filters)]

    def farewell(self, *, for_good: bool) -> Properties | None:
        """With which properties the connection ends; `for_good` ends the session too."""
        if not (self.shares and for_good):
            return None
        properties = Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call]  # paho left it untyped
        properties.SessionExpiryInterval = 0
        return properties
