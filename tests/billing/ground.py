"""A small cooperative for billing's tests: two machines, three members, and usage written as a bookkeeper would."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from hashlib import sha256
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from billing.costs.edit import add_pool
from billing.costs.entries import add_cost
from billing.model import Basis, Cost, Pool, PoolKind, Tariff
from billing.periods.finish import rule_finding
from billing.periods.settle import UNAPPROVED
from billing.tariffs.edit import add_tariff
from coop import machines, register
from coop.database import Connection
from coop.identity import Role, Viewer
from coop.interval import Interval

TOKYO = ZoneInfo("Asia/Tokyo")
NAMESPACE = UUID(int=7)
OFFICE = Viewer(None, None, frozenset({Role.OFFICE}))
AUDITOR = Viewer(None, None, frozenset({Role.AUDITOR}))
NOVEMBER = datetime(2026, 11, 2, 0, 0, tzinfo=UTC)


def at(text: str, year: int = 2026) -> datetime:
    """`10-03 09:02` as that moment in Tokyo."""
    return datetime.strptime(f"{year}-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=TOKYO).astimezone(UTC)


def span(text: str) -> Interval:
    """`10-03 09:02 11:32` as an interval; an end of 24:00 is midnight."""
    day, start, end = text.split()
    if end == "24:00":
        return Interval(at(f"{day} {start}"), at(f"{day} 23:59") + (at(f"{day} 00:01") - at(f"{day} 00:00")))
    return Interval(at(f"{day} {start}"), at(f"{day} {end}"))


def name(*parts: object) -> UUID:
    """A stable id for whatever the parts name."""
    return uuid5(NAMESPACE, " ".join(str(part) for part in parts))


def found(conn: Connection, now: datetime = NOVEMBER) -> None:
    """The cooperative with its rules: cmm-1 at 3,000 yen an hour occupied, ct-1 at 9,000 yen running, rent shared."""
    register.found(conn, register.Cooperative("test", "試験協同組合", TOKYO, "T7123456789012", ""), now)
    for member in ("m01", "m02", "m03"):
        register.add_member(conn, register.Member(member, f"{member}製作所"))
    machines.add_machine(conn, machines.Machine("cmm-1", "cmm", "三次元測定機 CMM-1", "CMM 1"))
    machines.add_machine(conn, machines.Machine("ct-1", "ct", "X線CT", "X-ray CT"))
    rules(conn, now)


def rules(conn: Connection, now: datetime = NOVEMBER) -> None:
    """Tariffs, a pool of fees for each machine, and a shared one; a close waits for no second person."""
    rule_finding(conn, OFFICE, UNAPPROVED, False, now)
    january = date(2026, 1, 1)
    for machine, basis, yen, increment in (("cmm-1", Basis.OCCUPIED, 3000, 900), ("ct-1", Basis.RUNNING, 9000, 60)):
        tariff = Tariff(name("tariff", machine), machine, january, basis, yen, increment, resolution="第1号")
        add_tariff(conn, OFFICE, tariff, now)
        pool = Pool(machine, PoolKind.FEE, f"{machine} の費用", f"Costs of {machine}", (machine,))
        add_pool(conn, OFFICE, pool, now)
    add_pool(conn, OFFICE, Pool("rent", PoolKind.SHARE, "測定室の家賃", "Rent of the room"), now)


def cost(conn: Connection, pool: str, yen: int, month: str = "2026-10", kind: str = "room") -> None:
    """What a pool cost in a month."""
    add_cost(conn, OFFICE, month, Cost(name("cost", pool, month, kind, yen), pool, kind, yen, "家賃"), NOVEMBER)


def usage(
    conn: Connection,
    machine: str,
    when: str,
    member: str | None,
    *,
    kind: str = "overrun",
    running_seconds: int | None = None,
    reservation: UUID | None = None,
) -> UUID:
    """One derived stretch, with the machine running throughout unless told otherwise."""
    interval = span(when)
    identifier = name("usage", machine, when)
    running = interval.seconds if running_seconds is None else running_seconds
    decision = None
    if kind in {"assigned", "waived"}:
        decision = _decision(conn, machine, interval, member)
    conn.execute(
        "INSERT INTO telemetry.usage (id, machine_id, started_at, ended_at, running_seconds, kind, reservation_id,"
        " member_id, evidence_hash, decision_id) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [identifier, machine, interval.start, interval.end, running, kind, reservation, member,
         sha256(identifier.bytes).digest(), decision],
    )  # fmt: skip
    conn.execute(
        "INSERT INTO telemetry.state_interval (machine_id, started_at, ended_at, state) VALUES (%s, %s, %s, 'running')",
        [machine, interval.start, interval.end],
    )
    derived(conn)
    return identifier


def reservation(conn: Connection, machine: str, when: str, member: str, status: str = "confirmed") -> UUID:
    """A slot as booking keeps it."""
    interval, identifier = span(when), name("reservation", machine, when)
    conn.execute(
        "INSERT INTO booking.reservation (id, uid, machine_id, member_id, starts_at, ends_at, status, created_at,"
        " changed_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [identifier, str(identifier), machine, member, interval.start, interval.end, status, NOVEMBER, NOVEMBER],
    )
    derived(conn)
    return identifier


def readings(conn: Connection, machine: str, values: Iterable[tuple[str, float]], offset_seconds: int = 0) -> None:
    """Power readings of a plug bound to the machine; its clock is behind by `offset_seconds`."""
    device = f"plug-{machine}"
    conn.execute("INSERT INTO telemetry.device (id, address, added_at) VALUES (%s, %s, now())", [device, device])
    row = conn.execute(
        "INSERT INTO telemetry.channel (device_id, name) VALUES (%s, 'power') RETURNING id", [device]
    ).fetchone()
    assert row is not None
    conn.execute(
        "INSERT INTO telemetry.binding (device_id, machine_id, bound) VALUES (%s, %s, '[2026-01-01 00:00Z,)')",
        [device, machine],
    )
    if offset_seconds:
        conn.execute(
            "INSERT INTO telemetry.clock_correction (device_id, during, offset_seconds, confirmed_at)"
            " VALUES (%s, '[2026-01-01 00:00Z,)', %s, now())",
            [device, offset_seconds],
        )
    for tie, (when, watts) in enumerate(values):
        conn.execute(
            "INSERT INTO telemetry.reading (channel_id, at, tie, value, received_at) VALUES (%s, %s, %s, %s, %s)",
            [row[0], at(when), tie, watts, at(when)],
        )
    derived(conn)


def derived(conn: Connection) -> None:
    """As derivation leaves it: nothing waits to be digested."""
    conn.execute("DELETE FROM telemetry.dirty")


def _decision(conn: Connection, machine: str, interval: Interval, member: str | None) -> int:
    row = conn.execute(
        "INSERT INTO telemetry.decision (machine_id, during, evidence_hash, resolution, member_id, reason, decided_at)"
        " VALUES (%s, tstzrange(%s, %s), '\\x00', %s, %s, 'test', now()) RETURNING id",
        [machine, interval.start, interval.end, "assign" if member else "waive", member],
    ).fetchone()
    assert row is not None
    return int(row[0])
