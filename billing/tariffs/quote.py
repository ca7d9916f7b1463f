"""What a slot costs before anybody used it: for letters, for pages, for whoever compares machines.

The most is the fee that `tariffs.fee_of`, which settles, gives a machine that is occupied and runs through the whole
slot, month by month as months are settled. What cannot be known before is not in it: use before or after the slot, and
shares of what cost pools divide. Tax is rounded up: on a statement it is rounded once for all lines together.
"""

from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from uuid import UUID
from zoneinfo import ZoneInfo

import booking
from billing.model import Attribution, Basis, Reservation, StateInterval, Tariff, Usage
from billing.tariffs.edit import tariffs
from billing.tariffs.fee import Fee, Running, Use, Version, fee_of, versions
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
class Price:
    """The most that a slot can cost. `fixed`: it costs just that, used or not (billed as booked)."""

    fixed: bool
    net_yen: Yen
    tax_yen: Yen

    @property
    def total_yen(self) -> Yen:
        """With tax."""
        return self.net_yen + self.tax_yen


def price(conn: Connection, machine_id: str, when: Interval) -> Price | None:
    """The most that a slot of a machine can cost, booked or not; None where it has no tariff for all of it.

    Raises `MachineUnknown` or `QuoteTooLong`.
    """
    if when.end - when.start > LONGEST:
        raise QuoteTooLong()
    machines.machine(conn, machine_id)
    zone = register.cooperative(conn).time_zone
    return most(tariffs(conn, machine_id), when, zone)


def at_most(conn: Connection, reservation_id: UUID) -> Yen | None:
    """The most that a reservation can cost, tax included; None where that is not known: no tariff, or the operator
    quotes the work."""
    reservation = booking.find(conn, SYSTEM, reservation_id)
    if reservation.service in {ServiceKind.ADVICE, ServiceKind.COMMISSIONED}:
        return None
    found = price(conn, reservation.machine_id, reservation.when)
    return None if found is None else found.total_yen


def most(tariffs: list[Tariff], when: Interval, zone: ZoneInfo) -> Price | None:
    """The most that `when` can cost under the versions of one machine's tariff; None where none is in force."""
    fees: list[Fee] = []
    for month in _months(when, zone):
        in_force = [each for found in versions(tariffs, zone).values() for each in found if each.valid.overlaps(month)]
        fee = _fee(in_force, when, month)
        if fee is None:
            return None
        fees.append(fee)
    tax = sum((_tax(each) for each in fees), Fraction(0))
    fixed = all(part.tariff.basis is Basis.BOOKED for fee in fees for part in fee.parts)
    return Price(fixed, sum(each.yen for each in fees), -(-tax.numerator // tax.denominator))


def _fee(in_force: list[Version], when: Interval, month: Interval) -> Fee | None:
    """The fee of what lies in `month`, as if the machine had been used and running throughout."""
    if not in_force:
        return None
    machine_id = in_force[0].tariff.machine_id
    within = when.intersect(month)
    assert within is not None
    kind = Attribution.IN_RESERVATION
    usage = Usage(_NOBODY, machine_id, within, within.seconds, kind, reservation_id=_NOBODY)
    use = Use.of("", (usage,), Reservation(_NOBODY, machine_id, "", when))
    return fee_of(use, in_force, Running([StateInterval(machine_id, within, "running")]), month)


def _tax(fee: Fee) -> Fraction:
    """The exact tax of a fee at the rate of the version under which it ends."""
    return fee.yen * Fraction(fee.parts[-1].tariff.tax.rate or 0)


def _months(when: Interval, zone: ZoneInfo) -> list[Interval]:
    found = [month_of(when.start, zone)]
    while found[-1].end < when.end:
        found.append(month_of(found[-1].end, zone))
    return found
