"""The decoding context as the database has it."""

from coop import register
from coop.database import Connection
from coop.queries import load
from telemetry.decoders.context import Context, Speaker
from telemetry.decoders.sparkplug import Birth

SQL = load("telemetry.decoders")


def context(conn: Connection) -> Context:
    """Who speaks under which topic, now; raises `NotFounded`."""
    cooperative = register.cooperative(conn)
    slug, zone = cooperative.slug, cooperative.time_zone
    speakers: dict[str, Speaker] = {}
    for address, topic, decoder, mapping, datatypes, aliases in conn.execute(SQL["speakers"]):
        birth = None if datatypes is None else Birth(datatypes, {int(alias): name for alias, name in aliases.items()})
        for own in (f"moyai/{slug}/{address}", topic):
            if own is not None:
                speakers[own] = Speaker(address, decoder, own, zone, mapping, birth)
    return Context(slug, zone, speakers)
