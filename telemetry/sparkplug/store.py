"""Edge nodes in the database: what a consumer that takes over must know."""

from dataclasses import replace

from psycopg.types.json import Jsonb

from coop.database import Connection
from coop.queries import load
from telemetry.decoders.context import SPARKPLUG
from telemetry.decoders.sparkplug import Birth
from telemetry.sparkplug.node import Node

SQL = load("telemetry.sparkplug")


def groups(conn: Connection) -> set[str]:
    """The groups in which an edge node is entered."""
    return {group for (group,) in conn.execute(SQL["groups"])}


def elect(conn: Connection, group: str) -> bool:
    """Whether this connection is now the one that hears the group."""
    row = conn.execute(SQL["elect"], {"group": group}).fetchone()
    return row is not None and bool(row[0])


def nodes(conn: Connection, group: str) -> dict[str, Node]:
    """The edge nodes of a group that were heard, by topic."""
    prefix = {"prefix": f"{SPARKPLUG}/{group}/"}
    born: dict[str, dict[str, Birth]] = {}
    for node, topic, datatypes, aliases in conn.execute(SQL["births"], prefix):
        born.setdefault(node, {})[topic] = Birth(datatypes, {int(alias): name for alias, name in aliases.items()})
    found = [Node(*row) for row in conn.execute(SQL["nodes"], prefix)]
    return {node.topic: replace(node, births=born.get(node.topic, {})) for node in found}


def save(conn: Connection, node: Node, was: Node | None) -> None:
    """Remember a node after a batch."""
    values = {
        "topic": node.topic,
        "birth_death": node.birth_death,
        "sequence": node.sequence,
        "online": node.online,
        "missed": node.missed,
        "born_at": node.born_at,
        "asked_at": node.asked_at,
    }
    conn.execute(SQL["save_node"], values)
    before = {} if was is None else was.births
    if node.births.keys() != before.keys():
        conn.execute(SQL["forget_births"], {"node": node.topic, "topics": list(node.births)})
    for topic, birth in node.births.items():
        if birth is not before.get(topic):
            aliases = {str(alias): name for alias, name in birth.aliases.items()}
            births = {
                "topic": topic,
                "node": node.topic,
                "datatypes": Jsonb(birth.datatypes),
                "aliases": Jsonb(aliases),
            }
            conn.execute(SQL["save_birth"], births)
