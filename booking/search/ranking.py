"""Whether a machine could measure a part, told from its certificate: candidate, ask the operator, or no, and why.

This is screening. E0,MPE against a tolerance says nothing of the uncertainty of a feature.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from booking.model import Denial
from coop.machines import Machine

X_RAY = "ct"
"""The kind of machine for which the material matters."""


class Answer(StrEnum):
    """What a machine is to somebody's needs."""

    CANDIDATE = "candidate"
    ASK = "ask"
    NO = "no"


class Order(StrEnum):
    """What comes first in the answer: who is free first, or who can do just this and little more."""

    EARLIEST = "earliest"
    FIT = "fit"


@dataclass(frozen=True, slots=True)
class PartNeeds:
    """What is to be measured. Sizes in mm along the axes, mass in kg, tolerance in µm over `length_mm` (else over the
    longest size), the smallest hole's diameter in mm. E0,MPE shall be at most the tolerance divided by `ratio`."""

    kind: str | None = None
    site: str | None = None
    x_mm: Decimal | None = None
    y_mm: Decimal | None = None
    z_mm: Decimal | None = None
    mass_kg: Decimal | None = None
    tolerance_um: Decimal | None = None
    length_mm: Decimal | None = None
    ratio: Decimal = Decimal(5)
    probe_type: str | None = None
    hole_mm: Decimal | None = None
    material: str | None = None

    @property
    def sizes(self) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
        """Along x, y and z."""
        return self.x_mm, self.y_mm, self.z_mm


def screen(machine: Machine, needs: PartNeeds) -> list[Denial]:
    """What speaks against the machine; what only `warns` is for the operator to say."""
    rules = (_range, _load, _accuracy, _hole, _probe, _material)
    return [said for rule in rules if (said := rule(machine, needs)) is not None]


def answer(said: list[Denial]) -> Answer:
    """The one word for what `screen` found."""
    if not said:
        return Answer.CANDIDATE
    return Answer.ASK if all(each.warns for each in said) else Answer.NO


def mpe_um(machine: Machine, needs: PartNeeds) -> Decimal | None:
    """E0,MPE = A + L / K in µm at the length in question (ISO 10360-2); None where it is not known."""
    length = needs.length_mm or max((each for each in needs.sizes if each is not None), default=None)
    if length is None or machine.mpe_constant_um is None or machine.mpe_length_divisor is None:
        return None
    return machine.mpe_constant_um + length / machine.mpe_length_divisor


def spare(machine: Machine) -> tuple[Decimal, Decimal]:
    """How much more than asked for a machine is, for comparing: the smaller and the coarser one fits better."""
    ranges = [each for each in (machine.range_x_mm, machine.range_y_mm, machine.range_z_mm) if each is not None]
    volume = Decimal(1)
    for each in ranges:
        volume *= each
    return (volume if ranges else Decimal("Infinity")), -(machine.mpe_constant_um or Decimal(0))


def _range(machine: Machine, needs: PartNeeds) -> Denial | None:
    ranges = (machine.range_x_mm, machine.range_y_mm, machine.range_z_mm)
    asked = [(size, room) for size, room in zip(needs.sizes, ranges, strict=True) if size is not None]
    if not asked:
        return None
    if any(room is None for room in ranges):
        return Denial("booking.range_unknown", warns=True)
    if all(room is not None and size <= room for size, room in asked):
        return None
    said: dict[str, int | str] = {"range": "×".join(f"{each.normalize():f}" for each in ranges if each is not None)}
    largest = sorted((each for each in ranges if each is not None), reverse=True)
    turned = all(size <= room for size, room in zip(sorted((s for s, _ in asked), reverse=True), largest, strict=False))
    return Denial("booking.part_fits_turned", said, warns=True) if turned else Denial("booking.part_too_large", said)


def _load(machine: Machine, needs: PartNeeds) -> Denial | None:
    if needs.mass_kg is None:
        return None
    if machine.table_load_kg is None:
        return Denial("booking.load_unknown", warns=True)
    if needs.mass_kg <= machine.table_load_kg:
        return None
    return Denial("booking.part_too_heavy", {"kg": f"{machine.table_load_kg.normalize():f}"})


def _accuracy(machine: Machine, needs: PartNeeds) -> Denial | None:
    if needs.tolerance_um is None:
        return None
    error = mpe_um(machine, needs)
    if error is None:
        return Denial("booking.accuracy_unknown", warns=True)
    if error * needs.ratio <= needs.tolerance_um:
        return None
    said: dict[str, int | str] = {"mpe": f"{error:.2f}", "allowed": f"{needs.tolerance_um / needs.ratio:.2f}"}
    near = error <= needs.tolerance_um
    return Denial("booking.accuracy_near" if near else "booking.accuracy_not_enough", said, warns=near)


def _probe(machine: Machine, needs: PartNeeds) -> Denial | None:
    if needs.probe_type is None or needs.probe_type in machine.probe_types:
        return None
    if not machine.probe_types:
        return Denial("booking.probe_unknown", warns=True)
    return Denial("booking.probe_missing", {"probes": ", ".join(machine.probe_types)})


def _hole(machine: Machine, needs: PartNeeds) -> Denial | None:
    if needs.hole_mm is None:
        return None
    if machine.smallest_hole_mm is None:
        return Denial("booking.hole_unknown", warns=True)
    if needs.hole_mm >= machine.smallest_hole_mm:
        return None
    return Denial("booking.hole_too_small", {"mm": f"{machine.smallest_hole_mm.normalize():f}"})


def _material(machine: Machine, needs: PartNeeds) -> Denial | None:
    """X-rays must come through the part, which no figure of the machine tells."""
    if needs.material is None or machine.kind != X_RAY:
        return None
    return Denial("booking.material_to_ask", {"material": needs.material}, warns=True)
