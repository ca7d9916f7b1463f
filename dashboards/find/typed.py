"""What somebody wants to measure, as it stands in the address, and what it means."""

import unicodedata
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Self
from zoneinfo import ZoneInfo

from booking.search.find import Search
from booking.search.ranking import PartNeeds
from coop.errors import Invalid
from coop.interval import Interval, local_midnight

FIELDS = ("x", "y", "z", "tolerance", "hole", "mass")
"""Measures that may be left out; above zero and below a million."""

LARGEST = Decimal(1_000_000)
LONGEST = timedelta(days=92)
LENGTHS_MINUTES = (30, 60, 90, 120, 180, 240, 480)
USUAL_MINUTES = 60
AHEAD = timedelta(days=14)
MOST_PIECES = 500


class NotAMeasure(Invalid):
    """A number is missing its digits, or is not above zero."""

    code = "find.not_a_measure"


@dataclass(frozen=True, slots=True)
class Typed:
    """The form. `wrong` names the fields that cannot be read; they keep what was typed."""

    x: str = ""
    y: str = ""
    z: str = ""
    tolerance: str = ""
    hole: str = ""
    mass: str = ""
    material: str = ""
    count: str = "1"
    minutes: str = ""
    by: str = ""
    kind: str = ""
    site: str = ""
    probe: str = ""
    wrong: tuple[str, ...] = field(default=())

    @property
    def asked(self) -> bool:
        """Whether the form was sent: its length is always filled in."""
        return bool(self.minutes)

    @property
    def folded_used(self) -> bool:
        """Whether something stands in the fields that are folded away."""
        return bool(self.mass or self.material or self.kind or self.site or self.probe or self.count not in {"", "1"})

    def filled(self, now: datetime, zone: ZoneInfo) -> Self:
        """With what is usual where nothing was typed."""
        by = self.by or f"{(now + AHEAD).astimezone(zone):%Y-%m-%d}"
        return replace(self, minutes=self.minutes or str(USUAL_MINUTES), by=by, count=self.count or "1")

    def search(self, now: datetime, zone: ZoneInfo) -> Search:
        """What is looked for; raises `NotAMeasure` with the fields that are wrong."""
        wrong: list[str] = []
        measures = {name: _measure(getattr(self, name), name, wrong) for name in FIELDS}
        length = _whole(self.minutes, "minutes", 1, 44_640, wrong)
        pieces = _whole(self.count, "count", 1, MOST_PIECES, wrong)
        until = _end_of(self.by, now, zone, wrong)
        if wrong:
            raise NotAMeasure(fields=",".join(wrong))
        needs = PartNeeds(
            kind=self.kind or None,
            site=self.site or None,
            x_mm=measures["x"],
            y_mm=measures["y"],
            z_mm=measures["z"],
            mass_kg=measures["mass"],
            tolerance_um=measures["tolerance"],
            probe_type=self.probe or None,
            hole_mm=measures["hole"],
            material=self.material or None,
        )
        return Search(needs, Interval(now, until), timedelta(minutes=min(length * pieces, 44_640)))

    def purpose(self, pieces: str) -> str:
        """What the operator is told of the part; `pieces` says how many."""
        size = "×".join(each for each in (self.x, self.y, self.z) if each)
        many = pieces if self.count not in {"", "1"} else ""
        return " ".join(filter(None, (self.material, f"{size} mm" if size else "", many)))[:200]


def _measure(text: str, name: str, wrong: list[str]) -> Decimal | None:
    plain = _plain(text)
    if not plain:
        return None
    try:
        measure = Decimal(plain)
    except InvalidOperation:
        wrong.append(name)
        return None
    if not (measure.is_finite() and 0 < measure < LARGEST):
        wrong.append(name)
        return None
    return measure


def _whole(text: str, name: str, least: int, most: int, wrong: list[str]) -> int:
    plain = _plain(text)
    if plain.isascii() and plain.isdecimal() and len(plain) < 7 and least <= int(plain) <= most:
        return int(plain)
    wrong.append(name)
    return least


def _end_of(text: str, now: datetime, zone: ZoneInfo, wrong: list[str]) -> datetime:
    """The end of the local day that is meant; it lies ahead, by three months at most."""
    try:
        day = date.fromisoformat(text)
        end = datetime.combine(day, time(0), zone) if day.year < 2199 else None
    except (ValueError, OverflowError):
        end = None
    if end is None or not now <= (until := local_midnight(day + timedelta(days=1), zone)) <= now + LONGEST:
        wrong.append("by")
        return now + AHEAD
    return until


def _plain(text: str) -> str:
    """As a keyboard for Japanese may type it: full-width digits, a comma between thousands."""
    return unicodedata.normalize("NFKC", text).strip().replace(",", "")
