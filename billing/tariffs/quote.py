"""What a slot costs before anybody used it: for letters, for pages, for whoever compares machines.

The price is the fee that `tariffs.fee_of`, which settles, gives a machine that is occupied and runs through the whole
slot, month by month as months are settled, with the time of who operates. The most is the same where idle time has a
price of its own: of the two that cost more. What cannot be known before is not in it: use before or after the slot,
what is used up, and shares of what cost pools divide. Tax is rounded up: on a statement it is rounded once for all
lines together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from uuid import UUID
from zoneinfo import ZoneInfo

import booking
from billing.model import Attribution, Basis, Reservation, StateInterval, Tariff, Usage
from billing.tariffs.edit import SQL, tariffs
from billing.tariffs.fee import Fee, fee_of, operator_fee
from billing.tariffs.metering import Running, Use
from billing.tariffs.versions import InForce, Version
from booking.services import store as services
from booking.services.model import ServiceKind
from coop import machines, register
from coop.database import Connection
from coop.errors import Invalid
from coop.identity import SYSTEM
from coop.interval import Interval, month_of
from coop.money import Yen

LONGEST = timedelta(days=366)
_NOBODY = str(UUID(int=0))


class QuoteTooLong(Invalid):
    """Prices are told for at most a year."""

    code = "billing.quote_too_long"


@dataclass(frozen=True, slots=True)
class Asked:
    """A slot whose price is asked for: of which service, by whom, and when who operates is there."""

    machine_id: str
    when: Interval
    service: ServiceKind = ServiceKind.SELF_USE
    is_member: bool = True
    operators: tuple[Interval, ...] = ()


@dataclass(frozen=True, slots=True)
class Price:
    """What a slot costs if all of it is used, `most_yen` with tax at most. `fixed`: just that, used or not."""

    fixed: bool
    net_yen: Yen
    tax_yen: Yen
    most_yen: Yen

    @property
    def total_yen(self) -> Yen:
        """With tax."""
        return self.net_yen + self.tax_yen


def price(
    conn: Connection,
    machine_id: str,
    when: Interval,
    service: ServiceKind = ServiceKind.SELF_USE,
    *,
    is_member: bool = True,
) -> Price | None:
    """What a slot of a machine costs, booked or not; None where it has no tariff for all of it.

    Raises `MachineUnknown`, `QuoteTooLong`, or `ServiceUnknown`.
    """
    if when.end - when.start > LONGEST:
        raise QuoteTooLong()
    if service is not ServiceKind.ADVICE:  # which is booked with a person
        machines.machine(conn, machine_id)
    zone = register.cooperative(conn).time_zone
    needed = [
        need.during(when, zone)
        for need in services.service(conn, machine_id, service).needs
        if any(unit in _persons(conn) for unit in need.units)
    ]
    asked = Asked(machine_id, when, service, is_member, tuple(each for each in needed if each))
    return priced(tariffs(conn, machine_id), asked, zone)


def at_most(conn: Connection, reservation_id: UUID) -> Yen | None:
    """The most that a reservation can cost, tax included; None where that is not known: no tariff, or the operator
    quotes the work."""
    held = booking.find(conn, SYSTEM, reservation_id)
    if held.service is ServiceKind.COMMISSIONED:
        return None
    rows = conn.execute(SQL["operated"], {"reservation_id": reservation_id}).fetchall()
    operators = tuple(Interval(*row) for row in rows)
    asked = Asked(held.machine_id, held.when, held.service, is_member(conn, held.holder.member_id), operators)
    found = priced(tariffs(conn, held.machine_id), asked, register.cooperative(conn).time_zone)
    return None if found is None else found.most_yen


def is_member(conn: Connection, member_id: str | None) -> bool:
    """Whether prices for members count; who belongs to nobody sees those."""
    row = conn.execute(SQL["is_member"], {"member_id": member_id}).fetchone()
    return row is None or bool(row[0])


def priced(versions: Sequence[Tariff], asked: Asked, zone: ZoneInfo) -> Price | None:
    """What a slot costs under the versions of one machine's tariff; None where none is in force for all of it."""
    in_force = InForce(versions, zone).of(asked.machine_id, asked.service)
    busy: list[Fee] = []
    dearest: list[Fee] = []
    for month in _months(asked.when, zone):
        fees = [_fee(asked, in_force, month, runs=runs) for runs in (True, False)]
        if fees[0] is None or fees[1] is None:
            return None
        operated = operator_fee(_use(asked, asked.when, runs=True), in_force, month)
        also = [operated] if operated else []
        busy += [fees[0], *also]
        dearest += [max(fees[0], fees[1], key=lambda fee: fee.exact), *also]
    fixed = all(part.tariff.basis is Basis.BOOKED and not part.tariff.setup_yen for fee in busy for part in fee.parts)
    net, tax = _sum(busy)
    return Price(fixed, net, tax, sum(_sum(dearest)))


def _fee(asked: Asked, in_force: Sequence[Version], month: Interval, *, runs: bool) -> Fee | None:
    """The fee of what lies in `month`, as if the machine had been used, and had run or been idle, throughout."""
    within = asked.when.intersect(month)
    assert within is not None
    states = [StateInterval(asked.machine_id, within, "running")] if runs else []
    return fee_of(_use(asked, within, runs=runs), in_force, Running(states), month, is_member=asked.is_member)


def _use(asked: Asked, within: Interval, *, runs: bool) -> Use:
    slot = Reservation(_NOBODY, asked.machine_id, "", asked.when, True, asked.service, asked.operators)
    seconds = within.seconds if runs else 0
    kind = Attribution.IN_RESERVATION
    usage = Usage(_NOBODY, asked.machine_id, within, seconds, kind, reservation_id=_NOBODY)
    return Use.of("", (usage,), slot)


def _sum(fees: Sequence[Fee]) -> tuple[Yen, Yen]:
    """Net, and the tax of each at the rate of the version under which it ends, rounded up once."""
    tax = sum((fee.yen * Fraction(fee.parts[-1].tariff.tax.rate or 0) for fee in fees), Fraction(0))
    return sum(fee.yen for fee in fees), -(-tax.numerator // tax.denominator)


def _persons(conn: Connection) -> frozenset[str]:
    return frozenset(each.id for each in booking.resources(conn) if each.kind == "person")


def _months(when: Interval, zone: ZoneInfo) -> list[Interval]:
    found = [month_of(when.start, zone)]
    while found[-1].end < when.end:
        found.append(month_of(found[-1].end, zone))
    return found
