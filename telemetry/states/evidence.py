"""The readings that speak for a machine, read from the database in the order and form in which they are folded."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from coop.database import Connection
from coop.queries import load
from telemetry.states.fold import SECOND, Run, power_runs
from telemetry.states.model import StateRule
from telemetry.states.segments import EARLIEST, LATEST, Bound, Segment, Source, segments

SQL = load("telemetry.states")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_POSTGRES_EPOCH = 946_684_800 * SECOND  # 2000-01-01
# An array as PostgreSQL sends it (array_send): five integers, then each element's length and bytes, big-endian.
_ARRAY_HEADER_BYTES = 20
_TIMES = np.dtype([("length", ">i4"), ("element", ">i8")])  # microseconds since 2000
_NUMBERS = np.dtype([("length", ">i4"), ("element", ">f8")])


def micros(moment: datetime) -> int:
    """Microseconds since 1970 UTC."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment(micros: int) -> datetime:
    """The time that many microseconds after 1970 UTC."""
    return _EPOCH + timedelta(microseconds=micros)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Which readings speak for a machine, and by which rule they are read."""

    segments: list[Segment]

    @classmethod
    def of(cls, conn: Connection, machine_id: str) -> "Evidence":
        """The evidence of a machine as rules, bindings and clock corrections now say."""
        of_machine = {"machine_id": machine_id}
        rules = [
            (*_span(since, until), StateRule(*rest))
            for since, until, *rest in conn.execute(SQL["state_rules"], of_machine)
        ]
        bounds: dict[tuple[int, int], Bound] = {}
        for binding, channel, name, since, until, corrected_since, corrected_until, offset in conn.execute(
            SQL["bounds"], of_machine
        ):
            bound = bounds.get((binding, channel)) or Bound(channel, name, *_span(since, until))
            if offset is not None:
                correction = (*_span(corrected_since, corrected_until), offset * SECOND)
                bound = Bound(channel, name, bound.since, bound.until, (*bound.corrections, correction))
            bounds[binding, channel] = bound
        return cls(segments(rules, bounds.values()))

    def extent(self, conn: Connection, since: int) -> tuple[int, int] | None:
        """The true times of the first and last reading at or after `since`."""
        times: list[int] = []
        for segment in self.segments:
            for source in segment.sources if segment.rule else ():
                values = _stretch(source, max(since, segment.since), segment.until)
                row = conn.execute(SQL["first_and_last_reading"], values).fetchone() if values else None
                times += [micros(at) + source.offset for at in row or () if at is not None]
        return (min(times), max(times)) if times else None

    def runs(self, conn: Connection, since: int, until: int) -> Iterator[tuple[StateRule, list[Run]]]:
        """The runs of readings in true time `[since, until)`, in order, with the rule they are judged by."""
        for segment in self.segments:
            if segment.rule is not None and segment.since < until and since < segment.until:
                a, b = max(since, segment.since), min(until, segment.until)
                stretches = [(source, values) for source in segment.sources if (values := _stretch(source, a, b))]
                runs = (
                    _numbers(conn, segment.rule, stretches) if segment.rule.kind == "power" else _words(conn, stretches)
                )
                yield segment.rule, runs


def _numbers(conn: Connection, rule: StateRule, stretches: list[tuple[Source, dict[str, Any]]]) -> list[Run]:
    parts = [
        (times + (_POSTGRES_EPOCH + source.offset), watts)
        for source, values in stretches
        for times, watts in [_packed(conn, values)]
    ]
    if not parts:
        return []
    at = np.concatenate([times for times, _ in parts])
    watts = np.concatenate([watts for _, watts in parts])
    if len(parts) > 1:
        order = np.argsort(at, kind="stable")
        at, watts = at[order], watts[order]
    return power_runs(rule, at, watts)


def _packed(conn: Connection, values: dict[str, Any]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    with conn.cursor(binary=True) as cursor:
        times, numbers = cursor.execute(SQL["numbers"], values).fetchone() or (None, None)
    if times is None:
        return np.empty(0, np.int64), np.empty(0, np.float64)
    return (
        np.frombuffer(times, _TIMES, offset=_ARRAY_HEADER_BYTES)["element"].astype(np.int64),
        np.frombuffer(numbers, _NUMBERS, offset=_ARRAY_HEADER_BYTES)["element"].astype(np.float64),
    )


def _words(conn: Connection, stretches: list[tuple[Source, dict[str, Any]]]) -> list[Run]:
    runs: list[Run] = []
    for source, values in stretches:
        for at, text in conn.execute(SQL["words"], values):
            said = micros(at) + source.offset
            runs.append((said, said, text))
    return runs if len(stretches) < 2 else sorted(runs, key=lambda run: run[0])


def _span(since: datetime | None, until: datetime | None) -> tuple[int, int]:
    return EARLIEST if since is None else micros(since), LATEST if until is None else micros(until)


def _stretch(source: Source, since: int, until: int) -> dict[str, Any] | None:
    a, b = source.within(since, until)
    if a >= b:
        return None
    return {"channel_id": source.channel_id, "since": moment(max(a, EARLIEST)), "until": moment(max(b, EARLIEST))}
