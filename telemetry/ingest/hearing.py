"""What an ingester understands: the devices' messages, by a decoding context that follows the database."""

import time
from collections.abc import Iterable, Sequence
from typing import Protocol

from coop.database import Connection
from telemetry.decoders import Context, decode
from telemetry.decoders.store import context
from telemetry.model import Decoded, Message, Reason, Rejected

CONTEXT_SECONDS = 2.0
"""A device that was changed is heard by its new decoder, topic and mapping after this; a new one at once."""

COMMAND = "/command/"
"""In the topic of what we say to a device: `moyai/<coop>/<machine>/command/enable`. It is no reading."""

_UNHEARD_OF = frozenset({Reason.UNKNOWN_DEVICE, Reason.TOPIC})

Saying = tuple[str, bytes]
"""A topic and a payload that the ingester is to publish."""


class Ear(Protocol):
    """How an ingester makes readings of what it takes; the ingester asks it from one thread."""

    def topics(self, conn: Connection) -> Sequence[str]:
        """The filters to subscribe to."""

    def hear(self, conn: Connection, messages: Sequence[Message]) -> list[Decoded]:
        """What the messages say, those left out that say nothing; asked again for a batch that could not be stored."""

    def keep(self, conn: Connection) -> None:
        """Store, in the transaction of the batch heard last, what the next one needs."""

    def kept(self) -> Iterable[Saying]:
        """The batch heard last is stored; what is to be published now."""


class Contexts:
    """The decoding context of a moment ago."""

    def __init__(self) -> None:
        self._context: Context | None = None
        self._loaded_at = 0.0

    def current(self, conn: Connection) -> Context:
        """Not older than `CONTEXT_SECONDS`."""
        if self._context is None or time.monotonic() - self._loaded_at > CONTEXT_SECONDS:
            return self.anew(conn)
        return self._context

    def anew(self, conn: Connection) -> Context:
        """As the database has it now."""
        self._context = context(conn)
        self._loaded_at = time.monotonic()
        return self._context


class DevicesEar:
    """The devices that speak for themselves: each message stands alone."""

    def __init__(self) -> None:
        self._contexts = Contexts()

    def topics(self, conn: Connection) -> Sequence[str]:
        """Where the devices speak that are entered now."""
        return self._contexts.current(conn).subscriptions()

    def hear(self, conn: Connection, messages: Sequence[Message]) -> list[Decoded]:
        """Each message by its device's decoder; the devices are looked up anew for one that is not known."""
        known = self._contexts.current(conn)
        said = [(message, decode(message, known)) for message in messages if COMMAND not in message.topic]
        if any(isinstance(each, Rejected) and each.reason in _UNHEARD_OF for _, each in said):
            known = self._contexts.anew(conn)
            said = [(message, decode(message, known)) for message, _ in said]
        return [each for each in said if each[1]]

    def keep(self, conn: Connection) -> None:
        """Nothing: the next message stands alone."""

    def kept(self) -> Iterable[Saying]:
        """Nothing is said to devices here."""
        return ()
