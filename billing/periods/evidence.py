"""What a month was computed from, as bytes: JSON, compressed, hashed, and chained from close to close."""

import hashlib
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from pydantic import TypeAdapter

from billing.model import (
    Absence,
    Attribution,
    Consumption,
    Line,
    LineKind,
    MachineMonth,
    Reservation,
    Rules,
    Settlement,
    StateInterval,
    Usage,
)
from booking.services.model import ServiceKind
from coop.interval import Interval

RULES = "rules"
MANIFEST = "manifest"
MACHINE = "machine/"
"""Prefix of the parts that hold what happened on one machine."""
READINGS = "readings/"
"""Prefix of the parts that hold the readings of one machine on one day."""

_RULES = TypeAdapter(Rules)


@dataclass(frozen=True, slots=True)
class Part:
    """One named piece of a period's evidence. `sha256` is over `content`, before compression."""

    name: str
    content: bytes

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.content).digest()

    @property
    def compressed(self) -> bytes:
        return zlib.compress(self.content, level=1)


def readings_part(machine_id: str, day: date) -> str:
    """The name of the part that holds a machine's readings of a UTC day, by their true time."""
    return f"{READINGS}{machine_id}/{day}"


def read_series(parts: Iterable[bytes]) -> list[dict[str, Any]]:
    """The device channels of several days' readings, each with its columns `at_us`, `offset_seconds`, `value`."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for part in parts:
        for series in orjson.loads(part):
            whole = found.setdefault((series["device"], series["channel"]), series)
            if whole is not series:
                for column in ("at_us", "offset_seconds", "value"):
                    whole[column] += series[column]
    return [found[key] for key in sorted(found)]


def canonical(value: object) -> bytes:
    """The one JSON form of a value: keys sorted, times in UTC, decimals and fractions as text."""
    return orjson.dumps(value, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)


def plain(value: object) -> Any:
    """The same value out of lists, dicts, text and numbers only, as `canonical` writes it."""
    return orjson.loads(canonical(value))


def read_rules(content: bytes) -> Rules:
    """Rules out of JSON, whether the database's or a frozen part's; raises pydantic's `ValidationError`."""
    return _RULES.validate_json(content)


def read_machine(content: bytes) -> MachineMonth:
    """What happened on a machine, out of the JSON rows that `month_inputs` writes."""
    said = orjson.loads(content)
    machine_id: str = said["machine_id"]
    return MachineMonth(
        machine_id,
        tuple(
            Usage(id_, machine_id, _interval(start, end), running, _ATTRIBUTION[kind], member, reservation, evidence)
            for id_, start, end, running, kind, member, reservation, evidence in said["usages"]
        ),
        tuple(_reservation(machine_id, *row) for row in said["reservations"]),
        tuple(StateInterval(machine_id, _interval(start, end), state) for start, end, state in said["states"]),
        tuple(
            Absence(
                LineKind(kind),
                Reservation(id_, machine_id, member, _interval(start, end), False, ServiceKind(service)),
                datetime.fromisoformat(at),
            )
            for kind, id_, start, end, member, service, at in said.get("absences", ())
        ),
        tuple(
            Consumption(id_, consumable, machine_id, member, date.fromisoformat(day), count, reservation)
            for id_, consumable, member, day, count, reservation in said.get("consumptions", ())
        ),
    )


def _reservation(
    machine_id: str,
    id_: str,
    start: str,
    end: str,
    member: str,
    stands: bool,
    service: str = ServiceKind.SELF_USE,
    operators: Sequence[tuple[str, str]] | None = None,
    taken: tuple[str, str] | None = None,
) -> Reservation:
    """A row of a machine's reservations; months closed before services had tariffs say less of them."""
    return Reservation(
        id_,
        machine_id,
        member,
        _interval(start, end),
        stands,
        ServiceKind(service),
        tuple(_interval(*each) for each in operators or ()),
        _interval(*taken) if taken else None,
    )


_ATTRIBUTION = {each.value: each for each in Attribution}


def _interval(start: str, end: str) -> Interval:
    return Interval(datetime.fromisoformat(start), datetime.fromisoformat(end))


class Signature:
    """The hash that tells whether two settlements are the same: of every line in its order, then of the result."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self._hash.update(canonical(line))

    def of(self, settlement: Settlement) -> bytes:
        """The digest, once all lines are added."""
        whole = self._hash.copy()
        whole.update(canonical(settlement))
        return whole.digest()


def manifest(
    month: str, parts: Mapping[str, bytes], settlement: bytes, code_version: str, previous: tuple[str, bytes] | None
) -> Part:
    """What a close signs: the hashes of its parts and of its result, chained to the close before.

    `parts` maps names to SHA-256; `previous` is the month closed before and its hash. The period's own hash is the
    hash of this part.
    """
    content = canonical(
        {
            "month": month,
            "parts": {name: digest.hex() for name, digest in parts.items()},
            "settlement": settlement.hex(),
            "code_version": code_version,
            "previous_month": previous[0] if previous else None,
            "previous_hash": previous[1].hex() if previous else None,
        }
    )
    return Part(MANIFEST, content)
