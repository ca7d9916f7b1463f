"""What the order of an edge node's messages means (Sparkplug 3.0, sections 4.3, 5.4 and 6.4): births, deaths and gaps.

A node counts its messages from 0 at its birth to 255 and again from 0. One that is missing makes us ask it to be born
again; what it says meanwhile is still taken where its metrics are known by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from telemetry.decoders.sparkplug import SEQUENCE, Birth, birth
from telemetry.decoders.sparkplug_payload import payload
from telemetry.model import Message

ASK_AGAIN = timedelta(seconds=30)
COUNTS = 256
REBIRTH = "Node Control/Rebirth"
BOOLEAN = 11


@dataclass(frozen=True, slots=True)
class Node:
    """An edge node as far as it was heard. `births` are its own and its devices', by topic without message type.

    `missed`: a message since its birth was not heard. `asked_at` is when it was last asked to be born again, until it
    was. `born_at` is by its own clock, in milliseconds since 1970.
    """

    topic: str
    birth_death: int | None = None
    sequence: int | None = None
    online: bool = False
    missed: bool = False
    born_at: int | None = None
    asked_at: datetime | None = None
    births: Mapping[str, Birth] = field(default_factory=dict)

    @property
    def in_doubt(self) -> bool:
        """Whether something was missed since its birth, or the birth itself."""
        return self.missed or not self.online


def follow(node: Node, message: Message, own: str, kind: str, said: Any) -> Node | None:
    """The node after a message of `kind` under the topic `own`; None for one that an earlier connection left behind."""
    if kind == "NBIRTH":
        return _born(node, message, said)
    if kind == "NDEATH":
        stale = node.birth_death is not None and birth_death(said) != node.birth_death
        return None if stale else replace(node, online=False, births={})
    if said.seq == node.sequence or (message.redelivered and _is_behind(node, said)):
        return node
    following = node.sequence is not None and said.seq == (node.sequence + 1) % COUNTS
    after = replace(node, sequence=said.seq % COUNTS, missed=node.missed or not following)
    if kind == "DBIRTH":
        return replace(after, births={**after.births, own: birth(said)})
    if kind == "DDEATH":
        return replace(after, births={topic: each for topic, each in after.births.items() if topic != own})
    return after


def asking(node: Node, now: datetime) -> Node | None:
    """The node that has just been asked to be born again; None while that is not due."""
    if node.asked_at is not None and now < node.asked_at + ASK_AGAIN:
        return None
    return replace(node, asked_at=now)


def rebirth(node: Node, now: datetime) -> tuple[str, bytes]:
    """Topic and payload of the command to be born again."""
    prefix, group, name = node.topic.split("/")
    moment = round(now.timestamp() * 1000)
    metric = {"name": REBIRTH, "timestamp": moment, "datatype": BOOLEAN, "boolean_value": True}
    return f"{prefix}/{group}/NCMD/{name}", payload(timestamp=moment, metrics=[metric]).SerializeToString()


def birth_death(said: Any) -> int | None:
    """The number that a birth has in common with its death."""
    return next((each.long_value or each.int_value for each in said.metrics if each.name == SEQUENCE), None)


def _born(node: Node, message: Message, said: Any) -> Node:
    number = birth_death(said)
    if message.redelivered and (number, said.timestamp) == (node.birth_death, node.born_at):
        return node
    births = {node.topic: birth(said)}
    return Node(node.topic, number, said.seq % COUNTS, online=True, born_at=said.timestamp, births=births)


def _is_behind(node: Node, said: Any) -> bool:
    """Whether a redelivery was counted already."""
    return node.sequence is not None and (node.sequence - said.seq) % COUNTS < COUNTS // 2
