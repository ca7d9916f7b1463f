"""What can be booked on a machine, and what each service needs beside it."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from coop.interval import Interval
from coop.machines import OpeningHours


class ServiceKind(StrEnum):
    """How a machine is used: alone, with the operator, by the operator for somebody, taken out of the house; or a
    person's time without a machine."""

    SELF_USE = "self_use"
    ATTENDED = "attended"
    COMMISSIONED = "commissioned"
    LOAN = "loan"
    ADVICE = "advice"


class Edge(StrEnum):
    """Where minutes are counted from: the start or the end of the slot, or the local midnight that begins its day."""

    START = "start"
    END = "end"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment told from a slot: `Mark(Edge.DAY, -420)` is five in the evening before."""

    edge: Edge
    minutes: int = 0

    def of(self, when: Interval, zone: ZoneInfo) -> datetime:
        """The moment for the slot `when`. From midnight the local clock counts, whatever it skips or repeats."""
        if self.edge is Edge.DAY:
            days, minutes = divmod(self.minutes, 24 * 60)
            day: date = when.start.astimezone(zone).date() + timedelta(days=days)
            return datetime.combine(day, time(minutes // 60, minutes % 60), tzinfo=zone).astimezone(UTC)
        edge = when.start if self.edge is Edge.START else when.end
        return edge + timedelta(minutes=self.minutes)

    @classmethod
    def pair(cls, from_edge: str, from_minutes: int, until_edge: str, until_minutes: int) -> "tuple[Mark, Mark]":
        """Two marks as the database writes them."""
        return cls(Edge(from_edge), from_minutes), cls(Edge(until_edge), until_minutes)


@dataclass(frozen=True, slots=True)
class Need:
    """One of `units` is taken from `starts` until `ends`; they are tried in their order."""

    name: str
    units: tuple[str, ...]
    starts: Mark = Mark(Edge.START)
    ends: Mark = Mark(Edge.END)

    def during(self, when: Interval, zone: ZoneInfo) -> Interval | None:
        """When a unit is taken for the slot `when`; None if nothing of it is left in so short a slot."""
        start, end = self.starts.of(when, zone), self.ends.of(when, zone)
        return Interval(start, end) if start < end else None


@dataclass(frozen=True, slots=True)
class Service:
    """A kind of use with its needs. `hours` are those of units that are not always there, by unit.

    A request waits `approval_minutes` for an answer; None: nobody is asked.
    """

    kind: ServiceKind = ServiceKind.SELF_USE
    needs: tuple[Need, ...] = ()
    approval_minutes: int | None = None
    hours: dict[str, list[OpeningHours]] = field(default_factory=dict)

    @property
    def unit_ids(self) -> frozenset[str]:
        """All resources of which a need may take one."""
        return frozenset(unit for need in self.needs for unit in need.units)
