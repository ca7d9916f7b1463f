"""A badge held to a reader at a machine, on its `badge` channel: booking is told, and the number is stored nowhere.

A tap counts at most once: what the broker sends again may have counted already, and whoever sees nothing happen holds
the badge to the reader again.
"""

import logging
from collections.abc import Iterable, Sequence

from booking.presence import check_in
from coop.database import Connection
from coop.errors import MoyaiError
from coop.queries import load
from telemetry.model import Decoded

log = logging.getLogger("telemetry.badges")

SQL = load("telemetry")
CHANNEL = "badge"


def without_taps(batch: Sequence[Decoded]) -> list[Decoded]:
    """What of a batch is to be stored as readings."""
    return [each for each in batch if not _is_tap(each)]


def hear_taps(conn: Connection, secret_key: str, batch: Iterable[Decoded]) -> None:
    """Tell booking of the taps of a batch, in its transaction; one that fails stops no reading."""
    for message, said in filter(_is_tap, batch):
        if message.redelivered or message.retained or not isinstance(said, list) or said[0].text is None:
            continue
        values = {"address": said[0].address, "at": message.received_at}
        row = conn.execute(SQL["machine_at_address"], values).fetchone()
        if row is None:
            log.warning("badge.unheard address=%s", said[0].address)
            continue
        try:
            with conn.transaction():
                hashed = check_in.badge_hash(secret_key, said[0].text)
                tap = check_in.badge(conn, hashed, row[0], message.received_at)
        except MoyaiError as refused:
            log.warning("badge.refused machine=%s code=%s", row[0], refused.code)
        else:
            log.info("badge.tapped machine=%s what=%s", row[0], tap.what)


def _is_tap(decoded: Decoded) -> bool:
    said = decoded[1]
    return isinstance(said, list) and said[0].channel == CHANNEL
