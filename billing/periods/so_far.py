"""What a month under way has cost a member until now: the fees of what is known, as a draft would compute them.

Shares of costs are divided when the month is over; until then nobody can say what they will be.
"""

from dataclasses import dataclass
from datetime import datetime

from billing.calculation import Settling
from billing.model import Line, MachineMonth, Rules
from billing.periods.evidence import read_machine, read_rules
from billing.periods.gather import gather
from coop.database import Connection
from coop.errors import NotFound
from coop.identity import Viewer
from coop.interval import Interval, month_of
from coop.money import Yen
from coop.register import cooperative


@dataclass(frozen=True, slots=True)
class MachineSoFar:
    """What a member had of one machine: `booked` slots that began until now, `ahead` what the month still holds."""

    happened: MachineMonth
    booked_seconds: int
    ahead_seconds: int
    occupied_seconds: int
    running_seconds: int
    lines: tuple[Line, ...]

    @property
    def fees_yen(self) -> Yen:
        """Tax-exclusive."""
        return sum(line.amount_yen for line in self.lines)


@dataclass(frozen=True, slots=True)
class SoFar:
    """A member's month as it stands at `until`, by machine."""

    member_id: str
    rules: Rules
    until: datetime
    machines: tuple[MachineSoFar, ...]

    @property
    def fees_yen(self) -> Yen:
        """Tax-exclusive."""
        return sum(each.fees_yen for each in self.machines)


def so_far(conn: Connection, viewer: Viewer, now: datetime, month: str | None = None) -> SoFar:
    """The fees of the viewer's own member in `month`, the one under way if not given.

    Raises `NotFound` for who has no member or may not see what it pays, and `MonthInvalid`.
    """
    member_id = viewer.member_id
    if member_id is None or not viewer.sees_money_of(member_id):
        raise NotFound()
    if month is None:
        zone = cooperative(conn).time_zone
        month = f"{month_of(now, zone).start.astimezone(zone):%Y-%m}"
    inputs = gather(conn, month, member_id)
    rules = read_rules(next(inputs).content)
    settling = Settling(rules)
    known = (read_machine(part.content) for part in inputs)
    machines = (_machine(member_id, each, settling.machine(each), rules.interval, now) for each in known)
    return SoFar(member_id, rules, now, tuple(each for each in machines if _anything(each)))


def _machine(
    member_id: str, happened: MachineMonth, lines: list[Line], within: Interval, now: datetime
) -> MachineSoFar:
    """The hours of one machine beside its lines."""
    slots = [
        part
        for each in happened.reservations
        if each.member_id == member_id and each.stands and (part := each.interval.intersect(within))
    ]
    booked = sum(slot.seconds for slot in slots if slot.start <= now)
    charged = [usage for usage in happened.usages if usage.charged]
    return MachineSoFar(
        happened,
        booked,
        sum(slot.seconds for slot in slots) - booked,
        sum(usage.interval.seconds for usage in charged),
        sum(usage.running_seconds for usage in charged),
        tuple(line for line in lines if line.member_id == member_id),
    )


def _anything(machine: MachineSoFar) -> bool:
    return bool(machine.lines or machine.booked_seconds or machine.ahead_seconds or machine.occupied_seconds)
