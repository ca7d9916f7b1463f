"""Who speaks under which topic: what decoding knows besides the message. Loaded from the database, never changed."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from telemetry.model import Message, Reading, Reason, Rejected

LEVEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_:-]{0,62}")
SPARKPLUG = "spBv1.0"
MAX_ROUTES = 10_000


@dataclass(frozen=True, slots=True)
class Speaker:
    """A device as its decoder sees it. `topic` are the levels its topics begin with, `zone` is the cooperative's.

    `birth` is what a Sparkplug device said of its metrics last.
    """

    address: str
    decoder: str
    topic: str
    zone: ZoneInfo
    mapping: Mapping[str, Any] = field(default_factory=dict)
    birth: object = None


class Route(NamedTuple):
    """Whose a topic is, and its levels after the device's own."""

    speaker: Speaker
    rest: str


Read = Callable[[Message, Speaker, str], list[Reading]]


@dataclass(frozen=True, slots=True)
class Context:
    """The devices of a cooperative by the topics they speak under: `moyai/<coop>/<address>`, or one of their own.

    Where the topics of two devices lie within each other the shorter one has it: nobody speaks for a device outside it.
    """

    slug: str
    zone: ZoneInfo
    speakers: Mapping[str, Speaker]
    """By topic."""
    routes: dict[str, Route] = field(default_factory=dict, init=False, compare=False, repr=False)
    """Found so far, by topic."""

    def route(self, topic: str) -> Route | Rejected:
        """Whose this topic is."""
        found = self._find(topic)
        if isinstance(found, Route):
            if len(self.routes) >= MAX_ROUTES:
                self.routes.clear()
            self.routes[topic] = found
        return found

    def subscriptions(self) -> list[str]:
        """The topic filters under which the devices are heard; Sparkplug's are its elected consumers'."""
        ours = f"moyai/{self.slug}/"
        others = sorted(t for t in self.speakers if not t.startswith((ours, SPARKPLUG + "/")))
        return [f"{ours}#", *(f"{topic}/#" for topic in others)]

    def _find(self, topic: str) -> Route | Rejected:
        levels = topic.split("/")
        if levels[0] == SPARKPLUG:
            return self._find_sparkplug(levels)
        for length in range(1, len(levels)):
            speaker = self.speakers.get("/".join(levels[:length]))
            if speaker is not None:
                return Route(speaker, "/".join(levels[length:]))
        if len(levels) < 4 or levels[:2] != ["moyai", self.slug]:
            return Rejected(Reason.TOPIC)
        if LEVEL.fullmatch(levels[2]) is None:
            return Rejected(Reason.TOPIC)
        return Rejected(Reason.UNKNOWN_DEVICE, levels[2])

    def _find_sparkplug(self, levels: list[str]) -> Route | Rejected:
        """`spBv1.0/<group>/<message type>/<edge node>[/<device>]` without the message type; that is the rest."""
        if not 4 <= len(levels) <= 5:
            return Rejected(Reason.TOPIC)
        own = "/".join([*levels[:2], *levels[3:]])
        speaker = self.speakers.get(own)
        return Rejected(Reason.UNKNOWN_DEVICE, own[:200]) if speaker is None else Route(speaker, levels[2])
