"""Which version of a tariff prices which moment: by service, by local date, by hour of the week."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from billing.model import Basis, Tariff
from booking.services.model import ServiceKind
from coop.interval import Interval, local_midnight, subtract
from coop.machines import OpeningHours, open_intervals
from coop.money import Yen

_FOREVER = datetime.max.replace(tzinfo=UTC)


class Reason(StrEnum):
    """Why a time has another price than the tariff's own."""

    IDLE = "idle"
    OVERRUN = "overrun"
    NONMEMBER = "nonmember"
    WINDOW = "window"


@dataclass(frozen=True, slots=True)
class Rate:
    """A price per hour; `window` counts the tariff's windows from 0 where one of them is the reason."""

    yen_per_hour: Yen
    reason: Reason | None = None
    window: int | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """A tariff with its local dates turned into moments. One that is `uniform` has one price for all time it bills."""

    tariff: Tariff
    valid: Interval
    zone: ZoneInfo
    rate: Rate = field(init=False)
    uniform: bool = field(init=False)

    def __post_init__(self) -> None:
        tariff = self.tariff
        special = (tariff.idle_yen_per_hour, tariff.overrun_yen_per_hour, tariff.nonmember_yen_per_hour)
        object.__setattr__(self, "rate", Rate(tariff.yen_per_hour))
        object.__setattr__(
            self, "uniform", special == (None, None, None) and not tariff.windows and tariff.basis is not Basis.LONGER
        )

    @property
    def idle(self) -> Rate | None:
        """The price of time that is occupied and does not run, if it has one of its own."""
        yen = self.tariff.idle_yen_per_hour
        return None if yen is None else Rate(yen, Reason.IDLE)

    def priced(self, within: Interval, slot_end: datetime | None, *, is_member: bool) -> list[tuple[Interval, Rate]]:
        """`within` in order of time, cut wherever the price changes; from `slot_end` on it is overrun.

        What lies outside the version is left out.
        """
        tariff, base = self.tariff, self.rate
        if not is_member and tariff.nonmember_yen_per_hour is not None:
            base = Rate(tariff.nonmember_yen_per_hour, Reason.NONMEMBER)
        windows = tariff.windows if base is self.rate else ()
        over = tariff.overrun_yen_per_hour if slot_end is not None and slot_end < within.end else None
        if not windows and over is None:  # nearly always: the version in one piece
            return [(self.valid, base)]
        common = within.intersect(self.valid)
        if common is None:
            return []
        special = [
            (each, Rate(window.yen_per_hour, Reason.WINDOW, n))
            for n, window in enumerate(windows)
            for each in open_intervals(
                [OpeningHours("", day, window.starts, window.ends) for day in window.iso_weekdays], common, self.zone
            )
        ]
        if over is not None and slot_end is not None and slot_end < common.end:
            past = Interval(max(slot_end, common.start), common.end)
            special = [(left, rate) for each, rate in special for left in subtract(each, [past])]
            special.append((past, Rate(over, Reason.OVERRUN)))
        special += [(each, base) for each in subtract(common, (each for each, _ in special))]
        return sorted(special, key=lambda each: each[0])


class InForce:
    """The versions of each machine's tariff by service, in order of time, cut at local midnights of `zone`."""

    def __init__(self, tariffs: Iterable[Tariff], zone: ZoneInfo) -> None:
        self._tariffs = sorted(tariffs, key=lambda each: (each.valid_from, each.id))
        self._zone = zone
        self._found: dict[tuple[str, ServiceKind], tuple[Version, ...]] = {}

    def of(self, machine_id: str, service: ServiceKind = ServiceKind.SELF_USE) -> Sequence[Version]:
        """What a service of a machine costs: by a tariff of its own, and by the general one while it has none."""
        key = (machine_id, service)
        if key not in self._found:
            mine = [each for each in self._tariffs if each.machine_id == machine_id]
            own = [self._version(each) for each in mine if each.service is service]
            general = [
                Version(each.tariff, left, self._zone)
                for each in map(self._version, (each for each in mine if each.service is None))
                for left in subtract(each.valid, (one.valid for one in own))
            ]
            self._found[key] = tuple(sorted((*own, *general), key=lambda each: each.valid))
        return self._found[key]

    def _version(self, tariff: Tariff) -> Version:
        until = _FOREVER if tariff.valid_until is None else local_midnight(tariff.valid_until, self._zone)
        return Version(tariff, Interval(local_midnight(tariff.valid_from, self._zone), until), self._zone)


def overlapping(tariff: Tariff) -> bool:
    """Whether two windows of a tariff price the same time."""
    times = sorted((day, each.starts, each.ends) for each in tariff.windows for day in each.iso_weekdays)
    return any(one[0] == other[0] and other[1] < one[2] for one, other in pairwise(times))
