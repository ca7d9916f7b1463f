"""The decoding context as the database has it."""

from coop import register
from coop.database import Connection
from coop.queries import load
from telemetry.decoders.context import Context, Speaker

SQL = load("telemetry.decoders")


def context(conn: Connection) -> Context:
    """Who speaks under which topic, now; raises `NotFounded`."""
    cooperative = register.cooperative(conn)
    slug, zone = cooperative.slug, cooperative.time_zone
    speakers: dict[str, Speaker] = {}
    for address, topic, decoder, mapping in conn.execute(SQL["speakers"]):
        for own in (f"moyai/{slug}/{address}", topic):
            if own is not None:
                speakers[own] = Speaker(address, decoder, own, zone, mapping)
    return Context(slug, zone, speakers)
