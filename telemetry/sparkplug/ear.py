"""A batch of a group's messages, in order, into readings; and which nodes are to be asked to be born again."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from coop.database import Connection
from telemetry.decoders import MAX_PAYLOAD_BYTES, Context, decode
from telemetry.decoders.context import SPARKPLUG
from telemetry.decoders.saying import Refused, availability
from telemetry.decoders.sparkplug import BIRTHS, DATA, DEATHS
from telemetry.decoders.sparkplug_payload import parse
from telemetry.ingest.hearing import Contexts, Saying
from telemetry.model import Decoded, Message, Reading, Reason, Rejected
from telemetry.sparkplug import store
from telemetry.sparkplug.node import Node, asking, follow, rebirth

HEARD = BIRTHS | DATA | DEATHS


class GroupEar:
    """Hears all edge nodes of a group that are entered as devices. Only the elected consumer of the group has one."""

    def __init__(self, group: str) -> None:
        self._group = group
        self._contexts = Contexts()
        self._nodes: dict[str, Node] | None = None  # as committed
        self._after: dict[str, Node] = {}  # after the batch heard last
        self._asked: list[tuple[Node, datetime]] = []

    def topics(self, conn: Connection) -> Sequence[str]:
        """All that the edge nodes publish; of devices behind a node, the node's."""
        prefix = f"{SPARKPLUG}/{self._group}/"
        known = self._contexts.current(conn).speakers
        names = {topic.removeprefix(prefix).split("/")[0] for topic in known if topic.startswith(prefix)}
        return [f"{prefix}+/{name}/#" for name in sorted(names)]

    def hear(self, conn: Connection, messages: Sequence[Message]) -> list[Decoded]:
        """Each message as what the births before it make of it."""
        if self._nodes is None:
            self._nodes = store.nodes(conn, self._group)
        known = self._contexts.current(conn)
        self._after, self._asked = dict(self._nodes), []
        said = [(message, self._hear(message, known)) for message in messages]
        return [each for each in said if each[1]]

    def keep(self, conn: Connection) -> None:
        """Remember the nodes with the batch."""
        before = self._nodes or {}
        for topic, node in self._after.items():
            if node is not before.get(topic):
                store.save(conn, node, before.get(topic))

    def kept(self) -> Iterable[Saying]:
        """The commands to be born again."""
        self._nodes = self._after
        asked, self._asked = self._asked, []
        return [rebirth(node, at) for node, at in asked]

    def _hear(self, message: Message, known: Context) -> list[Reading] | Rejected:
        levels = message.topic.split("/")
        if not 4 <= len(levels) <= 5 or levels[2] not in HEARD:
            return []  # a command, and our own asking
        kind, name = levels[2], "/".join([*levels[:2], levels[3]])
        own = "/".join([name, *levels[4:]])
        if len(message.payload) > MAX_PAYLOAD_BYTES:
            return Rejected(Reason.TOO_LARGE)
        node = self._after.get(name, Node(name))
        try:
            after = follow(node, message, own, kind, parse(message.payload))
        except Refused as refused:
            return Rejected(refused.reason, refused.detail)
        if after is None:
            return []
        self._after[name] = after
        if kind == "NDEATH":
            return self._gone(message, known, name)
        found = self._decode(message, known, own, after)
        if after.in_doubt or (isinstance(found, Rejected) and found.reason is Reason.NOT_BORN):
            self._ask(after, message.received_at)
        return found

    def _decode(self, message: Message, known: Context, own: str, node: Node) -> list[Reading] | Rejected:
        speaker = known.speakers.get(own)
        if speaker is None and own == node.topic:
            return []  # the node itself is no device of ours, one behind it is
        born = {} if speaker is None else {own: replace(speaker, birth=node.births.get(own))}
        return decode(message, replace(known, speakers=born))

    def _gone(self, message: Message, known: Context, name: str) -> list[Reading]:
        """With a node all devices behind it are gone."""
        silent = [each for topic, each in known.speakers.items() if topic == name or topic.startswith(f"{name}/")]
        return [reading for each in silent for reading in availability(message, each, online=False)]

    def _ask(self, node: Node, now: datetime) -> None:
        asked = asking(node, now)
        if asked is not None:
            self._after[node.topic] = asked
            self._asked.append((asked, now))
