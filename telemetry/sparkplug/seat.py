"""The place of a group's one consumer at the broker: nothing is shared, because the order of the messages counts."""

from collections.abc import Sequence
from dataclasses import dataclass

from paho.mqtt.subscribeoptions import SubscribeOptions

from telemetry.ingest.seat import Seat


@dataclass(frozen=True, slots=True)
class GroupSeat(Seat):
    """Whoever is elected sits here and takes what the broker kept since the one before. `shares`: MQTT 5."""

    group: str

    @property
    def client_id(self) -> str:
        """The same for every process that may be elected."""
        return f"moyai-{self.slug}-sparkplug-{self.group}"

    @property
    def echo_topic(self) -> str:
        """Where this seat speaks to itself."""
        return f"moyai-echo/{self.client_id}"

    def subscriptions(self, filters: Sequence[str]) -> list[str]:
        """Each for this seat alone."""
        return list(filters)

    def never(self, filters: Sequence[str]) -> list[str]:  # noqa: ARG002  # the seats of devices have some
        """No earlier version sat here."""
        return []

    def asked(self, filters: Sequence[str]) -> list[tuple[str, SubscribeOptions]] | list[tuple[str, int]]:
        """The subscriptions as paho wants them, with that to our echo."""
        wanted = [*filters, self.echo_topic]
        if self.shares:
            return [(each, SubscribeOptions(qos=1)) for each in wanted]
        return [(each, 1) for each in wanted]
