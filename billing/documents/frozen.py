"""What a closed month was computed from, opened once for all of its documents."""

import zlib
from dataclasses import dataclass, field

from billing import store
from billing.documents.picture import Trace, trace_of
from billing.explain.line import rules
from billing.model import MachineMonth, Reservation, Rules, StateInterval, Usage
from billing.periods.evidence import MACHINE, READINGS, read_machine, read_series
from coop.database import Connection


@dataclass(frozen=True, slots=True)
class Behind:
    """What happened on a machine, by what lines name. `states` are in order of time."""

    usages: dict[str, Usage]
    reservations: dict[str, Reservation]
    states: tuple[StateInterval, ...]
    trace: Trace | None


@dataclass(slots=True)
class FrozenMonth:
    """The evidence of one closed month; each machine's part is read when a line first needs it."""

    month: str
    _rules: Rules | None = None
    _machines: dict[str, Behind] = field(default_factory=dict)

    def rules(self, conn: Connection) -> Rules:
        """What the month was settled by."""
        if self._rules is None:
            self._rules = rules(conn, self.month)
        return self._rules

    def behind(self, conn: Connection, machine_id: str) -> Behind:
        """What happened on a machine."""
        if machine_id not in self._machines:
            content = store.evidence(conn, self.month, MACHINE + machine_id)
            happened = read_machine(zlib.decompress(content)) if content else MachineMonth(machine_id)
            readings = store.evidence_below(conn, self.month, f"{READINGS}{machine_id}/")
            self._machines[machine_id] = Behind(
                {each.id: each for each in happened.usages},
                {each.id: each for each in happened.reservations},
                happened.states,
                trace_of(read_series(zlib.decompress(day) for day in readings)),
            )
        return self._machines[machine_id]
