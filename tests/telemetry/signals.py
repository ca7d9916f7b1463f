"""A machine with a rule and a device, and its readings entered straight into the database, as an ingester would."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from coop import machines, register
from coop.database import Connection
from coop.machines import Machine
from coop.register import Cooperative, Member
from telemetry.derive import Derived, derive
from telemetry.states.model import StateRule
from telemetry.states.rule_row import values_of

MACHINE = "cmm-1"
START = datetime(2026, 10, 5, 0, 0, tzinfo=UTC)
POWER = StateRule("power", "power", on_watts=200, off_watts=100, on_seconds=60, off_seconds=120, gap_seconds=300)
EXECUTION = StateRule("execution", "execution")

Sent: TypeAlias = tuple[datetime, float | str] | tuple[datetime, float | str, int]


def at(minutes: float) -> datetime:
    """So many minutes after the start of the test's day."""
    return START + timedelta(minutes=minutes)


@dataclass(frozen=True, slots=True)
class Signal:
    """One machine and the channel that speaks for it."""

    conn: Connection
    channel_id: int
    machine_id: str = MACHINE

    def send(self, readings: Iterable[Sent]) -> None:
        """Enter readings (time, value, and a tie where two share a time) and their mark; not derived yet."""
        rows = [
            (self.channel_id, when, *(tie or [0]), *((None, value) if isinstance(value, str) else (value, None)))
            for when, value, *tie in readings
        ]
        with self.conn.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO telemetry.reading (channel_id, at, tie, value, text, received_at)"
                " VALUES (%s, %s, %s, %s, %s, now()) ON CONFLICT DO NOTHING",
                rows,
            )
        if rows:
            self.mark(min(row[1] for row in rows), max(row[1] for row in rows))

    def mark(self, since: datetime, until: datetime) -> None:
        self.conn.execute(
            "INSERT INTO telemetry.dirty (machine_id, from_at, until_at) VALUES (%s, %s, %s)",
            [self.machine_id, since, until],
        )

    def derive(self) -> Derived | None:
        return derive(self.conn, self.machine_id)

    def states(self) -> list[tuple[datetime, datetime, str, str | None]]:
        return list(
            self.conn.execute(
                "SELECT started_at, ended_at, state, native FROM telemetry.state_interval"
                " WHERE machine_id = %s ORDER BY started_at",
                [self.machine_id],
            )
        )

    def all_derived(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that derivation stores about the machine."""
        tables = {
            "state_interval": "started_at, ended_at, state, native",
            "checkpoint": "at, carry",
            "frontier": "last_at, carry",
            "usage": "id, started_at, ended_at, running_seconds, kind, reservation_id, member_id, evidence_hash",
        }
        return {
            table: list(
                self.conn.execute(
                    f"SELECT {columns} FROM telemetry.{table} WHERE machine_id = '{self.machine_id}' ORDER BY 1, 2"
                )
            )
            for table, columns in tables.items()
        }

    def usages(self) -> list[tuple[datetime, datetime, int, str, str | None]]:
        return list(
            self.conn.execute(
                "SELECT started_at, ended_at, running_seconds, kind, member_id FROM telemetry.usage"
                " WHERE machine_id = %s ORDER BY started_at",
                [self.machine_id],
            )
        )

    def reserve(self, start: datetime, end: datetime, member_id: str = "m01", status: str = "confirmed") -> UUID:
        number = uuid4()
        self.conn.execute(
            "INSERT INTO booking.reservation"
            " (id, uid, machine_id, member_id, starts_at, ends_at, status, created_at, changed_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, now(), now())",
            [number, f"{number}@test", self.machine_id, member_id, start, end, status],
        )
        return number


def signal(conn: Connection, rule: StateRule = POWER, machine_id: str = MACHINE) -> Signal:
    """A machine that reports by `rule` since 2000, in a cooperative with two members."""
    if conn.execute("SELECT slug FROM coop.cooperative").fetchone() is None:
        register.found(conn, Cooperative("test", "試験協同組合", ZoneInfo("Asia/Tokyo"), None, ""), START)
    for member_id in ("m01", "m02"):
        register.add_member(conn, Member(member_id, f"{member_id}製作所", joined_on=date(2020, 4, 1)))
    machines.add_machine(conn, Machine(machine_id, "cmm", "三次元測定機", "CMM"))
    values = values_of(rule)
    columns = ", ".join(values)
    conn.execute(
        f"INSERT INTO telemetry.state_rule (machine_id, {columns}) VALUES (%s{', %s' * len(values)})",
        [machine_id, *values.values()],
    )
    return Signal(conn, attach(conn, f"{machine_id}-plug", machine_id, rule.channel or "power"), machine_id)


def attach(conn: Connection, device_id: str, machine_id: str, name: str, since: str = "2000-01-01Z") -> int:
    """Bind a new device to the machine from `since` on; its channel's id."""
    conn.execute("INSERT INTO telemetry.device (id, address, added_at) VALUES (%s, %s, now())", [device_id, device_id])
    conn.execute(
        "INSERT INTO telemetry.binding (device_id, machine_id, bound) VALUES (%s, %s, tstzrange(%s, NULL))",
        [device_id, machine_id, since],
    )
    return channel(conn, device_id, name)


def channel(conn: Connection, device_id: str, name: str) -> int:
    """The id of a device's channel, which is made if it is not there."""
    row = conn.execute(
        "INSERT INTO telemetry.channel (device_id, name) VALUES (%s, %s)"
        " ON CONFLICT (device_id, name) DO UPDATE SET name = excluded.name RETURNING id",
        [device_id, name],
    ).fetchone()
    assert row is not None
    return int(row[0])


def every_minute(start: float, end: float, watts: float) -> Iterator[tuple[datetime, float]]:
    """One reading a minute in `[start, end)`, in minutes after the start of the day."""
    minute = start
    while minute < end:
        yield at(minute), watts
        minute += 1


def trace(*parts: tuple[float, float, float]) -> Sequence[tuple[datetime, float]]:
    """Readings a minute apart: (from, until, watts) in minutes."""
    return [reading for part in parts for reading in every_minute(*part)]
