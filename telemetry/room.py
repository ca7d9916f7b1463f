"""What booking is told of a room: the last temperature on a machine's `room_temperature` channel, in °C."""

from decimal import Decimal

import booking
from coop.database import Connection
from coop.queries import load

SQL = load("telemetry")


def tell_temperature(conn: Connection, machine_id: str) -> None:
    """Tell booking the room's last temperature, to 0.01 °C; nothing where no device measures it."""
    row = conn.execute(SQL["room_temperature"], {"machine_id": machine_id}).fetchone()
    if row is not None:
        at, celsius, received_at = row
        booking.record_temperature(conn, machine_id, Decimal(f"{celsius:.2f}"), at, max(at, received_at))
