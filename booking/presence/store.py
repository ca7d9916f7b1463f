"""Who is there, and what telemetry told of the machines, in rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from booking.presence.rules import Absence, Came, PresenceRule, Signal, Step, step
from coop.database import Connection
from coop.interval import Interval
from coop.machines import MachineUnknown
from coop.queries import load

SQL = load("booking.presence")


@dataclass(frozen=True, slots=True)
class Missed:
    """A slot that has begun and to which nobody came yet, with all that is known."""

    reservation_id: UUID
    absence: Absence
    rule: PresenceRule
    signal: Signal

    def step(self, now: datetime) -> Step:
        """What is to be done about it at `now`."""
        return step(self.absence, self.rule, self.signal, now)


@dataclass(frozen=True, slots=True)
class Due:
    """A reservation that may be begun, or that is in use, at some moment."""

    reservation_id: UUID
    member_id: str
    person_id: UUID | None
    in_use: bool
    when: Interval


def rule(conn: Connection, machine_id: str) -> tuple[PresenceRule, int]:
    """When people may come to a machine, and the serial of its QR codes; raises `MachineUnknown`."""
    row = conn.execute(SQL["presence_rule"], {"machine_id": machine_id}).fetchone()
    if row is None:
        raise MachineUnknown(machine=machine_id)
    return _rule(row[:4]), row[4]


def set_rule(conn: Connection, machine_id: str, rule: PresenceRule) -> None:
    """Set when people may come and who is released; raises `MachineUnknown`."""
    minute = timedelta(minutes=1)
    values = {
        "machine_id": machine_id,
        "early_minutes": rule.early // minute,
        "asks_after_minutes": rule.asks_after // minute,
        "releases_after_minutes": rule.releases_after // minute,
        "releases": rule.releases,
    }
    if conn.execute(SQL["set_presence_rule"], values).rowcount == 0:
        raise MachineUnknown(machine=machine_id)


def renew_code(conn: Connection, machine_id: str) -> None:
    """Make the printed QR codes of a machine void; raises `MachineUnknown`."""
    if conn.execute(SQL["renew_code"], {"machine_id": machine_id}).rowcount == 0:
        raise MachineUnknown(machine=machine_id)


def due(conn: Connection, machine_id: str, at: datetime) -> list[Due]:
    """The reservations that may be begun at `at`, or are in use, by start."""
    rows = conn.execute(SQL["due"], {"machine_id": machine_id, "at": at})
    return [Due(row[0], row[1], row[2], row[3], Interval(row[4], row[5])) for row in rows]


def begin_use(conn: Connection, reservation_id: UUID, by: Came, now: datetime) -> bool:
    """Somebody came; False if the reservation does not wait for them. Who was there before and is over, is done."""
    return conn.execute(SQL["begin_use"], {"id": reservation_id, "by": by.value, "now": now}).rowcount == 1


def end_use(conn: Connection, reservation_id: UUID, left_at: datetime | None, now: datetime) -> bool:
    """Somebody left, or (None) nobody saw them leave; False if the reservation is not in use."""
    values = {"id": reservation_id, "left_at": left_at, "now": now}
    return conn.execute(SQL["end_use"], values).rowcount == 1


def in_use_and_over(conn: Connection, now: datetime) -> list[UUID]:
    """The reservations in use whose end has passed and whose machine is not known to run."""
    return [identifier for (identifier,) in conn.execute(SQL["in_use_and_over"], {"now": now})]


def missed(conn: Connection, now: datetime, reservation_id: UUID | None = None) -> list[Missed]:
    """The slots that have begun and to which nobody came yet, by start; or one of them."""
    rows = conn.execute(SQL["absences"], {"now": now, "id": reservation_id})
    return [
        Missed(row[0], Absence(Interval(row[1], row[2]), *row[3:6]), _rule(row[6:10]), Signal(*row[10:13]))
        for row in rows
    ]


def ask(conn: Connection, reservation_id: UUID, now: datetime) -> bool:
    """Remember that it was asked; False if it was before."""
    return conn.execute(SQL["ask_no_show"], {"id": reservation_id, "now": now}).rowcount == 1


def coming(conn: Connection, reservation_id: UUID, now: datetime) -> None:
    """Somebody is on their way."""
    conn.execute(SQL["answer_coming"], {"id": reservation_id, "now": now})


def release(conn: Connection, reservation_id: UUID, now: datetime) -> bool:
    """Give back the time of who did not come; False if somebody was quicker."""
    return conn.execute(SQL["release_reservation"], {"id": reservation_id, "now": now}).rowcount == 1


def fee(conn: Connection, kind: str, reservation_id: UUID, now: datetime) -> None:
    """Remember, once, what the fee rules of billing may charge."""
    conn.execute(SQL["add_fee_event"], {"kind": kind, "id": reservation_id, "now": now})


def signal(conn: Connection, machine_id: str) -> Signal:
    """What telemetry last told of a machine."""
    row = conn.execute(SQL["signal"], {"machine_id": machine_id}).fetchone()
    return Signal(*row) if row else Signal()


def keep_signal(conn: Connection, machine_id: str, signal: Signal) -> None:
    """Remember what telemetry tells of a machine."""
    values = {
        "machine_id": machine_id,
        "running_since": signal.running_since,
        "idle_since": signal.idle_since,
        "valid_until": signal.valid_until,
    }
    conn.execute(SQL["keep_signal"], values)


def overruns(conn: Connection, now: datetime, soon: timedelta) -> list[tuple[UUID, UUID]]:
    """Reservations that run on past their end, each with the next one that begins before `soon` has passed and whose
    person was not told yet."""
    rows = conn.execute(SQL["overruns"], {"now": now, "soon": soon})
    return [(running, following) for running, following in rows]


def warn(conn: Connection, running: UUID, following: UUID, now: datetime) -> bool:
    """Remember that somebody is told of an overrun; False if they were before."""
    values = {"id": running, "next_id": following, "now": now}
    return conn.execute(SQL["warn_overrun"], values).rowcount == 1


def give_badge(conn: Connection, badge_hash: bytes, person_id: UUID, now: datetime) -> None:
    """From now on the badge is this person's."""
    conn.execute(SQL["give_badge"], {"badge_hash": badge_hash, "person_id": person_id, "now": now})


def keep_tap(conn: Connection, machine_id: str, what: str, now: datetime) -> None:
    """Remember what the last badge at a machine did."""
    conn.execute(SQL["keep_tap"], {"machine_id": machine_id, "what": what, "now": now})


def taps_since(conn: Connection, moment: datetime) -> list[tuple[str, str, datetime]]:
    """What badges did at machines since `moment`, by machine: the machine, what, and when."""
    return [(machine_id, what, at) for machine_id, what, at in conn.execute(SQL["taps_since"], {"since": moment})]


def badge_holder(conn: Connection, badge_hash: bytes) -> UUID | None:
    """Whose badge it is, if an active person's."""
    row = conn.execute(SQL["badge_holder"], {"badge_hash": badge_hash}).fetchone()
    return row[0] if row else None


def _rule(row: Sequence[Any]) -> PresenceRule:
    early, asks_after, releases_after, releases = row
    return PresenceRule(
        timedelta(minutes=early), timedelta(minutes=asks_after), timedelta(minutes=releases_after), releases
    )
